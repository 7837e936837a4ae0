//! The lines above the rows: lines to skip, Excel's `sep=` line, comments, and the header.

use super::dialect::Dialect;
use super::header::{self, Layout};
use crate::contract::{Contract, Header};
use crate::error::{Error, Result};

/// The start of the rows, and their format.
pub(super) struct Start {
    /// The position of the first row.
    pub end: usize,
    /// Its line number.
    pub line: u64,
    /// The header line, if there is one.
    pub header: Option<Vec<u8>>,
    pub dialect: Dialect,
    pub layout: Layout,
}

/// Finds the rows in a file that begins with `bytes`.
///
/// # Errors
/// `Config` if the header is not the contract's; `Rejected` if there is none.
pub(super) fn of(contract: &Contract, bytes: &[u8]) -> Result<Start> {
    let source = contract.source();
    let mut dialect = Dialect {
        delimiter: source.delimiter.unwrap_or(b','),
        quote: source.quote,
        escape: source.escape,
        line_end: line_end(bytes, source.quote),
        comment: source.comment,
    };
    let mut at = Lines {
        bytes,
        at: 0,
        line: 1,
        line_end: dialect.line_end,
    };
    for _ in 0..source.skip_lines {
        at.skip();
    }
    let mut is_named = false;
    if let Some(delimiter) = at
        .peek()
        .strip_prefix(b"sep=")
        .and_then(<[u8]>::first)
        .copied()
    {
        is_named = at.peek().trim_ascii_end().len() <= 5;
        if is_named {
            dialect.delimiter = delimiter;
            at.skip();
        }
    }
    while at.at < bytes.len()
        && (is_blank(at.peek())
            || at.peek().first().copied() == dialect.comment && dialect.comment.is_some())
    {
        at.skip();
    }
    if source.header == Header::None {
        return Ok(Start {
            end: at.at,
            line: at.line,
            header: None,
            dialect,
            layout: Layout::by_position(contract),
        });
    }
    let size = record_end(&bytes[at.at..], dialect);
    let line = bytes[at.at..at.at + size].trim_ascii_end();
    // A delimiter may be white space, so trailing ones are ignored, like empty names at the end.
    if is_blank(line) {
        return Err(Error::rejected("file is empty: expected a header row"));
    }
    let (dialect, layout, header) = match source.header {
        Header::ByPosition => (dialect, Layout::by_position(contract), None),
        _ => {
            let is_sure = is_named || source.delimiter.is_some();
            let (dialect, layout) = header::read(contract, line, dialect, is_sure)?;
            (dialect, layout, Some(line.to_vec()))
        }
    };
    let breaks = memchr::memchr_iter(dialect.line_end, &bytes[at.at..at.at + size]).count() as u64;
    let end = (at.at + size + 1).min(bytes.len());
    Ok(Start {
        end,
        line: at.line + breaks + 1,
        header,
        dialect,
        layout,
    })
}

struct Lines<'b> {
    bytes: &'b [u8],
    at: usize,
    line: u64,
    line_end: u8,
}

impl<'b> Lines<'b> {
    fn peek(&self) -> &'b [u8] {
        let rest = &self.bytes[self.at..];
        &rest[..memchr::memchr(self.line_end, rest).unwrap_or(rest.len())]
    }

    fn skip(&mut self) {
        self.at = (self.at + self.peek().len() + 1).min(self.bytes.len());
        self.line += 1;
    }
}

fn is_blank(line: &[u8]) -> bool {
    line.iter()
        .all(|byte| matches!(byte, b' ' | b'\r' | b'\n' | b'\t' | 0x1a))
}

/// A carriage return, if the first line ends with one without a line feed; otherwise a line feed.
fn line_end(bytes: &[u8], quote: Option<u8>) -> u8 {
    let mut is_quoted = false;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            byte if Some(*byte) == quote => is_quoted = !is_quoted,
            b'\n' if !is_quoted => return b'\n',
            b'\r' if !is_quoted => {
                let next = bytes[at..].iter().find(|byte| **byte != b'\r');
                return if next == Some(&b'\n') { b'\n' } else { b'\r' };
            }
            _ => {}
        }
    }
    b'\n'
}

/// The end of the first record: a line end outside of quotes.
fn record_end(bytes: &[u8], dialect: Dialect) -> usize {
    let mut is_quoted = false;
    for (at, byte) in bytes.iter().enumerate() {
        if Some(*byte) == dialect.quote {
            is_quoted = !is_quoted;
        } else if *byte == dialect.line_end && !is_quoted {
            return at;
        }
    }
    // A quote that is never closed is text.
    memchr::memchr(dialect.line_end, bytes).unwrap_or(bytes.len())
}
