//! Splits the text of a CSV file into fields, fast: the exact rules of [`crate::engine::files::csv::Reader`], for the formats and files that are common.
//!
//! Whatever is out of the ordinary is [`Peculiar`]; the exact reader has the last word on it.

use memchr::{memchr, memchr3};

use crate::engine::files::csv::unescaped;
use crate::engine::files::formats::{Encoding, Format};

/// This text is for the exact reader, because of that.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a file for the exact reader: {0}")]
pub struct Peculiar(pub &'static str);

/// How fields are told apart.
#[derive(Debug)]
pub struct Splitter {
    delimiter: u8,
    quote: Option<u8>,
    /// Escapes in fields without quotes.
    escape: Option<u8>,
    trim_space: bool,
    empty_is_null: bool,
    skip_blank_lines: bool,
    null_if: Vec<Vec<u8>>,
}

/// Where a field's text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Null,
    /// In the piece, as it stands.
    Plain(usize, usize),
    /// In [`Record::undone`], with its escapes undone.
    Undone(usize, usize),
}

/// A record's fields.
#[derive(Debug, Default)]
pub struct Record {
    pub fields: Vec<Field>,
    undone: Vec<u8>,
}

impl Record {
    /// The text of the field at `column`, from 0; none if it is null, or not there.
    pub fn text<'t>(&'t self, piece: &'t [u8], column: usize) -> Option<&'t [u8]> {
        match self.fields.get(column)? {
            Field::Null => None,
            Field::Plain(start, end) => Some(&piece[*start..*end]),
            Field::Undone(start, end) => Some(&self.undone[*start..*end]),
        }
    }
}

impl Splitter {
    /// None, if the format is one for the exact reader only.
    pub fn of(format: &Format) -> Option<Self> {
        let Some([delimiter]) = format.field_delimiter.as_deref() else {
            return None;
        };
        let mut special = vec![*delimiter, b'\n', b'\r'];
        special.extend(format.quote);
        special.extend(format.escape_unenclosed);
        special.sort_unstable();
        let is_ambiguous = special.windows(2).any(|pair| pair[0] == pair[1]);
        // Spaces are trimmed, so that they cannot tell fields apart as well.
        let is_blank = format.trim_space && special.contains(&b' ');
        let is_other = format.is_json
            || format.record_delimiter.is_some()
            || format.escape.is_some()
            || format.encoding != Encoding::Utf8
            || !special.is_ascii();
        if is_ambiguous || is_blank || is_other {
            return None;
        }
        Some(Self {
            delimiter: *delimiter,
            quote: format.quote,
            escape: format.escape_unenclosed,
            trim_space: format.trim_space,
            empty_is_null: format.empty_field_as_null,
            skip_blank_lines: format.skip_blank_lines,
            null_if: format
                .null_if
                .iter()
                .map(|m| m.clone().into_bytes())
                .collect(),
        })
    }

    /// The length of the longest beginning of `text` that is whole records, as far as quotes tell, with the number of line ends between them.
    /// Text that begins a record is asked for. Who reads that beginning finds out whether it was.
    pub fn whole_records(&self, text: &[u8]) -> Option<(usize, u64)> {
        let mut found = None;
        let mut ends = 0;
        let mut is_quoted = false;
        let is_escaped = |at: usize| {
            let before = match text[..at] {
                [.., before, b'\r'] | [.., before] => Some(before),
                [] => None,
            };
            self.escape.is_some() && before == self.escape
        };
        let mut line_end = |at: usize, is_quoted: bool| {
            if !is_quoted && !is_escaped(at) {
                ends += 1;
                found = Some((at + 1, ends));
            }
        };
        match self.quote {
            None => memchr::memchr_iter(b'\n', text).for_each(|at| line_end(at, false)),
            Some(quote) => memchr::memchr2_iter(quote, b'\n', text).for_each(|at| {
                if text[at] == quote {
                    is_quoted = !is_quoted;
                } else {
                    line_end(at, is_quoted);
                }
            }),
        }
        found
    }

    /// Reads the record at `at`, and moves behind it. `is_last` tells that the file ends with this piece. False, if there is no record any more.
    ///
    /// # Errors
    /// [`Peculiar`], if the exact reader might see it in another way.
    pub fn next(
        &self,
        piece: &[u8],
        at: &mut usize,
        is_last: bool,
        record: &mut Record,
    ) -> Result<bool, Peculiar> {
        loop {
            if *at >= piece.len() {
                return Ok(false);
            }
            record.fields.clear();
            record.undone.clear();
            while !self.field(piece, at, is_last, record)? {}
            let is_blank = match record.fields.as_slice() {
                [Field::Null] => true,
                [Field::Plain(start, end) | Field::Undone(start, end)] => start == end,
                _ => false,
            };
            if !is_blank || !self.skip_blank_lines {
                return Ok(true);
            }
        }
    }

    /// Reads one field; true, if it ends the record.
    fn field(
        &self,
        piece: &[u8],
        at: &mut usize,
        is_last: bool,
        record: &mut Record,
    ) -> Result<bool, Peculiar> {
        if let Some(quote) = self.quote {
            let mut start = *at;
            while self.trim_space && piece.get(start) == Some(&b' ') {
                start += 1;
            }
            if piece.get(start) == Some(&quote) {
                *at = start + 1;
                return self.quoted(quote, piece, at, is_last, record);
            }
        }
        let start = *at;
        let end = match memchr3(self.delimiter, b'\n', b'\r', &piece[start..]) {
            Some(length) => start + length,
            None => piece.len(),
        };
        if let Some(escape) = self.escape
            && memchr(escape, &piece[start..end]).is_some()
        {
            return self.escaped(escape, piece, at, is_last, record);
        }
        let text = &piece[start..end];
        let field = if self.trim_space {
            let left = text.len() - text.trim_ascii_start().len();
            Field::Plain(start + left, start + left + text.trim_ascii().len())
        } else {
            Field::Plain(start, end)
        };
        *at = end;
        self.push(field, true, piece, record);
        self.end(piece, at, is_last)
    }

    fn quoted(
        &self,
        quote: u8,
        piece: &[u8],
        at: &mut usize,
        is_last: bool,
        record: &mut Record,
    ) -> Result<bool, Peculiar> {
        let closing = |from: usize| match memchr(quote, &piece[from..]) {
            Some(length) => Ok(from + length),
            None => Err(Peculiar("a quote that is not closed")),
        };
        let start = *at;
        let mut end = closing(start)?;
        let mut field = Field::Plain(start, end);
        if piece.get(end + 1) == Some(&quote) {
            let undone = record.undone.len();
            let mut from = start;
            while piece.get(end + 1) == Some(&quote) {
                record.undone.extend_from_slice(&piece[from..=end]);
                from = end + 2;
                end = closing(from)?;
            }
            record.undone.extend_from_slice(&piece[from..end]);
            field = Field::Undone(undone, record.undone.len());
        }
        *at = end + 1;
        while self.trim_space && piece.get(*at) == Some(&b' ') {
            *at += 1;
        }
        self.push(field, false, piece, record);
        self.end(piece, at, is_last)
    }

    /// A field with escapes, byte by byte.
    fn escaped(
        &self,
        escape: u8,
        piece: &[u8],
        at: &mut usize,
        is_last: bool,
        record: &mut Record,
    ) -> Result<bool, Peculiar> {
        let mut text = Vec::new();
        while let Some(&byte) = piece.get(*at) {
            if byte == self.delimiter || byte == b'\n' || byte == b'\r' {
                break;
            }
            *at += 1;
            match piece.get(*at) {
                Some(&next) if byte == escape => {
                    *at += 1;
                    // The marker of null is told apart from an escape before it is undone.
                    if next == b'N' && escape == b'\\' {
                        text.extend([byte, next]);
                    } else {
                        text.push(unescaped(next));
                    }
                }
                _ => text.push(byte),
            }
        }
        let text = if self.trim_space {
            text.trim_ascii()
        } else {
            &text
        };
        let start = record.undone.len();
        record.undone.extend_from_slice(text);
        self.push(
            Field::Undone(start, start + text.len()),
            true,
            piece,
            record,
        );
        self.end(piece, at, is_last)
    }

    fn push(&self, field: Field, empty_may_be_null: bool, piece: &[u8], record: &mut Record) {
        record.fields.push(field);
        let text = record
            .text(piece, record.fields.len() - 1)
            .unwrap_or_default();
        let is_null = (text.is_empty() && empty_may_be_null && self.empty_is_null)
            || self.null_if.iter().any(|marker| marker == text);
        if is_null && let Some(last) = record.fields.last_mut() {
            *last = Field::Null;
        }
    }

    /// Passes what ends a field; true, if it ends the record.
    fn end(&self, piece: &[u8], at: &mut usize, is_last: bool) -> Result<bool, Peculiar> {
        let length = match piece.get(*at) {
            Some(byte) if *byte == self.delimiter => {
                *at += 1;
                return Ok(false);
            }
            Some(b'\n') => 1,
            Some(b'\r') if piece.get(*at + 1) == Some(&b'\n') => 2,
            Some(b'\r') => 1,
            None if is_last => 0,
            None => return Err(Peculiar("a record that continues after its piece")),
            Some(_) => return Err(Peculiar("text after a closing quote")),
        };
        *at += length;
        Ok(true)
    }
}
