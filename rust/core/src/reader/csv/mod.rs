//! Delimited text: rows in the tables' own form are returned unchanged, all others are converted one by one.
//!
//! | file | what |
//! | --- | --- |
//! | `dialect` | the special bytes |
//! | `start` | the lines above the rows: the header, and the detection of the dialect |
//! | `header` | the names, and their columns |
//! | `marks` | the positions of delimiters, quotes and line ends, 64 bytes at a time |
//! | `verbatim` | rows that are already in the tables' form |
//! | `row` | one row: its fields and its end |
//! | `event` | the event of a row, in the tables' form |
//! | `reject` | the report of a rejected row |
//!
//! It does not use the crate `csv`, which does not report whether a field was quoted, and so cannot distinguish an empty text from null.
//! The tests compare this reader with it.

mod dialect;
mod event;
mod header;
mod marks;
mod reject;
mod row;
mod start;
mod verbatim;

use std::io::Read;

use super::convert::Converter;
use super::piece::{Piece, RejectedRow};
use super::text::Text;
use crate::contract::{ColumnType, Contract};
use crate::error::{Error, Result};
use dialect::Dialect;
use header::Layout;
use marks::Marks;
use row::{Field, Row};
use verbatim::Check;

const BUFFER_BYTES: usize = 256 << 10;

/// The bounds for the maximum row length of a contract.
const ROW_BYTES: std::ops::RangeInclusive<usize> = 1 << 20..=64 << 20;

/// Reads the rows of a file of delimited text.
pub(super) struct Rows<R> {
    input: Text<R>,
    contract: Contract,
    converter: Converter,
    dialect: Dialect,
    layout: Layout,
    /// The header line, which may be repeated between the rows.
    header: Option<Vec<u8>>,
    /// The checks of fields, if rows in the tables' own form are returned unchanged.
    checks: Option<Vec<Check>>,
    /// The maximum length of a valid row.
    most_row_bytes: usize,
    buffer: Vec<u8>,
    /// The number of filled bytes in the buffer.
    filled: usize,
    /// The start of the next row.
    at: usize,
    marks: Marks,
    /// The index of the next field end.
    next_end: usize,
    /// Whether a row of this buffer was cut at a line end that may be within quotes.
    is_malformed: bool,
    /// Whether all whole lines of the buffer are UTF-8.
    is_utf8: bool,
    is_last: bool,
    /// Whether the rest of a row that was too long has to be skipped.
    is_within_long_row: bool,
    row: u64,
    line: u64,
    fields: Vec<Field>,
    converted: Vec<u8>,
    scratch: Vec<u8>,
}

enum Step {
    Verbatim { count: u64, end: usize },
    Converted { count: u64, end: usize },
    Rejected(RejectedRow, usize),
    Fill,
}

impl<R: Read> Rows<R> {
    /// Starts reading, and finds the columns.
    ///
    /// # Errors
    /// `Config` if the header is not the contract's; `Rejected` if there is none; otherwise the errors of reading.
    pub fn new(contract: &Contract, converter: Converter, input: Text<R>) -> Result<Self> {
        let mut rows = Self {
            input,
            contract: contract.clone(),
            converter,
            dialect: Dialect::default(),
            layout: Layout::default(),
            header: None,
            checks: None,
            most_row_bytes: most_row_bytes(contract),
            buffer: vec![0; BUFFER_BYTES],
            filled: 0,
            at: 0,
            marks: Marks::default(),
            next_end: 0,
            is_malformed: false,
            is_utf8: true,
            is_last: false,
            is_within_long_row: false,
            row: 0,
            line: 1,
            fields: Vec::new(),
            converted: Vec::new(),
            scratch: Vec::new(),
        };
        rows.load()?;
        let start = start::of(contract, &rows.buffer[..rows.filled])?;
        rows.at = start.end;
        rows.line = start.line;
        rows.header = start.header;
        rows.dialect = start.dialect;
        rows.layout = start.layout;
        rows.marks = Marks::new(rows.dialect);
        let is_verbatim = rows.dialect == Dialect::default()
            && rows.layout.is_as_in_the_tables()
            && contract.source().takes_values_as_they_are()
            && contract.columns().iter().all(|one| one.position.is_none());
        rows.checks = is_verbatim.then(|| verbatim::checks(contract));
        rows.fill()?;
        Ok(rows)
    }

    pub fn rows(&self) -> u64 {
        self.row
    }

    /// The header line, unless it has the contract's names in the contract's order and with its delimiter.
    pub fn own_header(&self) -> Option<&[u8]> {
        let line = self.header.as_deref()?;
        let usual = self.contract.source().delimiter.unwrap_or(b',');
        let names = header::names(line, self.dialect);
        let is_usual = self.dialect.delimiter == usual
            && names
                .iter()
                .map(|name| header::folded(name))
                .eq(self.contract.header().map(header::folded));
        (!is_usual).then_some(line)
    }

    pub fn next_within(&mut self, most: usize) -> Result<Option<Piece<'_>>> {
        loop {
            match self.step(most) {
                Step::Verbatim { count, end } => {
                    let bytes = &self.buffer[std::mem::replace(&mut self.at, end)..end];
                    self.row += count;
                    return Ok(Some(Piece::Rows {
                        bytes,
                        count,
                        read: bytes.len(),
                    }));
                }
                Step::Converted { count, end } => {
                    let read = end - std::mem::replace(&mut self.at, end);
                    self.row += count;
                    return Ok(Some(Piece::Rows {
                        bytes: &self.converted,
                        count,
                        read,
                    }));
                }
                Step::Rejected(rejected, end) => {
                    self.at = end;
                    return Ok(Some(Piece::Rejected(rejected)));
                }
                Step::Fill if self.is_last => return Ok(None),
                Step::Fill => self.fill()?,
            }
        }
    }

    pub fn is_done(&mut self) -> Result<bool> {
        loop {
            let is_at_a_row = self.skip_lines_without_rows();
            if is_at_a_row || self.is_last {
                return Ok(self.at == self.filled);
            }
            self.fill()?;
        }
    }

    /// Skips blank lines, comments and the DOS end-of-file mark; false if the buffer ends before a row begins.
    fn skip_lines_without_rows(&mut self) -> bool {
        let line_end = self.dialect.line_end;
        while self.at < self.filled {
            let rest = &self.buffer[self.at..self.filled];
            let first = rest[0];
            let is_comment = self.dialect.comment == Some(first);
            if first > b' ' && !is_comment && !self.is_within_long_row {
                return true;
            }
            let end = memchr::memchr(line_end, rest);
            let line = &rest[..end.unwrap_or(rest.len())];
            let is_blank = line.iter().all(|byte| {
                matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0x1a)
                    && *byte != self.dialect.delimiter
            });
            if !is_blank && !is_comment && !self.is_within_long_row {
                return true;
            }
            if end.is_none() && !self.is_last && !self.is_within_long_row {
                // A line that is blank so far may be a row; a line of only blanks may be endless.
                return line.len() >= self.most_row_bytes;
            }
            self.is_within_long_row &= end.is_none();
            self.line += u64::from(end.is_some());
            self.at += end.map_or(rest.len(), |end| end + 1);
        }
        false
    }

    /// Walks over rows until one is not valid, the buffer ends, or a run of `most` bytes is reached.
    fn step(&mut self, most: usize) -> Step {
        if !self.skip_lines_without_rows() {
            return Step::Fill;
        }
        let stop = self.at.saturating_add(most.max(1)).min(self.filled);
        if let Some((count, end)) = self.verbatim_run(stop) {
            return Step::Verbatim { count, end };
        }
        self.converted_run(stop)
    }

    /// The run of rows that are returned unchanged.
    fn verbatim_run(&mut self, stop: usize) -> Option<(u64, usize)> {
        let checks = self.checks.as_deref()?;
        // After a malformed row, it is uncertain whether the rest of this buffer is inside quotes.
        let all = self
            .marks
            .ends()
            .filter(|_| self.is_utf8 && !self.is_malformed)?;
        let bytes = &self.buffer[..self.filled];
        let (mut next, mut at, mut count) = (self.next_end, self.at, 0);
        // A blank line ends the run, as the run is returned as one piece of bytes.
        while at < stop && bytes[at] > b' ' {
            while all.get(next).is_some_and(|end| (*end as usize) < at) {
                next += 1;
            }
            let of_row = all.get(next..=next + checks.len());
            let end = of_row.and_then(|ends| verbatim::valid_end(bytes, ends, at, checks));
            let Some(end) = end else { break };
            count += 1;
            self.line += if self.marks.has_breaks() {
                memchr::memchr_iter(b'\n', &bytes[at..end]).count() as u64
            } else {
                1
            };
            at = end;
            next += checks.len() + 1;
        }
        self.next_end = next;
        (count > 0).then_some((count, at))
    }

    /// Converts rows one by one.
    fn converted_run(&mut self, stop: usize) -> Step {
        self.converted.clear();
        let mut at = self.at;
        let mut count = 0;
        // If most rows can be returned unchanged, soon try that again.
        let most = if self.checks.is_some() { 16 } else { u64::MAX };
        while at < stop && count < most && !(count > 0 && self.is_break(at)) {
            let bytes = &self.buffer[..self.filled];
            let row = row::split(
                bytes,
                &self.marks,
                &self.dialect,
                at,
                self.is_last,
                &mut self.fields,
            );
            let (end, breaks) = match row {
                Row::Whole { end, breaks } if end - at <= self.most_row_bytes => (end, breaks),
                Row::Whole { .. } | Row::Partial if bytes.len() - at >= self.most_row_bytes => {
                    return self.or_reject(at, count, Self::reject_long);
                }
                Row::Partial if count == 0 => return Step::Fill,
                Row::Malformed { reason } => {
                    return self.or_reject(at, count, |rows, at| rows.reject_malformed(at, reason));
                }
                Row::Whole { .. } | Row::Partial => break,
            };
            let kept = self.converted.len();
            if let Err(invalid) = self.convert(at, end) {
                self.converted.truncate(kept);
                return self
                    .or_reject(at, count, |rows, at| rows.reject(at, end, breaks, &invalid));
            }
            count += 1;
            self.line += 1 + u64::from(breaks);
            at = end;
        }
        Step::Converted { count, end: at }
    }

    /// Whether the line at `at` may not be a row.
    fn is_break(&self, at: usize) -> bool {
        let byte = self.buffer[at];
        byte <= b' ' || Some(byte) == self.dialect.comment
    }

    /// Ends the run before a row that is rejected, or rejects it.
    fn or_reject(
        &mut self,
        at: usize,
        count: u64,
        reject: impl FnOnce(&mut Self, usize) -> Step,
    ) -> Step {
        if count > 0 {
            Step::Converted { count, end: at }
        } else {
            reject(self, at)
        }
    }

    /// Moves the rest to the front and reads until the buffer is full or the file ends.
    fn fill(&mut self) -> Result<()> {
        self.load()?;
        let bytes = &self.buffer[..self.filled];
        self.marks.set(bytes);
        self.next_end = 0;
        self.is_malformed = false;
        let whole = memchr::memrchr(self.dialect.line_end, bytes).map_or(bytes.len(), |at| at + 1);
        let whole = if self.is_last { bytes.len() } else { whole };
        self.is_utf8 = simdutf8::basic::from_utf8(&bytes[..whole]).is_ok();
        Ok(())
    }

    fn load(&mut self) -> Result<()> {
        let is_last = self
            .input
            .fill(&mut self.buffer, &mut self.at, &mut self.filled);
        let of_row = |error| Error::from(error).context(format!("after row {}", self.row));
        self.is_last |= is_last.map_err(of_row)?;
        Ok(())
    }
}

/// The maximum length of a row of the contract, with four bytes per character.
fn most_row_bytes(contract: &Contract) -> usize {
    let columns = contract.columns().iter().map(|column| match column.kind {
        ColumnType::Text { max_chars } => (max_chars as usize).saturating_mul(4),
        _ => 64,
    });
    columns
        .fold(64, usize::saturating_add)
        .clamp(*ROW_BYTES.start(), *ROW_BYTES.end())
}
