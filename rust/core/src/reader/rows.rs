//! The reader: runs of valid rows as they stand in the file, and the malformed rows between them.

use std::io::Read;

use super::field::{self, Check};
use super::marks::Marks;
use super::row::{self, Row};
use crate::contract::Contract;
use crate::error::{Error, Result};

const BUFFER_BYTES: usize = 256 << 10;

/// The longest row that is kept whole; a longer one is malformed, and cut here.
const MAX_ROW_BYTES: usize = 8 << 20;

/// A row that breaks the contract.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RejectedRow {
    /// Its number among the file's rows, from 1, the header not counted.
    pub row: u64,
    /// The line on which it begins, from 1, the header counted.
    pub line: u64,
    /// The column at fault, if it is one column's fault.
    pub column: Option<String>,
    /// What is wrong.
    pub reason: String,
    /// The row as it stands in the file, without its line end.
    pub raw: Vec<u8>,
}

/// What comes next in a file.
#[derive(Debug)]
pub enum Piece<'r> {
    /// `count` valid rows, byte by byte as in the file.
    Rows {
        /// Whole rows, with their line ends (but the file's last row may lack its own).
        bytes: &'r [u8],
        /// How many.
        count: u64,
    },
    /// One row that is not valid.
    Rejected(RejectedRow),
}

/// Reads a CSV file of a contract.
///
/// ```
/// use firn::{contract::Contract, reader::{Piece, Reader}};
/// let contract = Contract::parse(r#"
///     table = "T"
///     op = "op"
///     key = ["id"]
///     order = ["at"]
///     columns = [{ name = "id", type = "NUMBER(9,0)" }, { name = "at", type = "TIMESTAMP_NTZ(6)" }]
/// "#)?;
/// let file = b"op,id,at\nI,1,2026-01-01T00:00:00Z\nI,one,2026-01-01T00:00:00Z\n";
/// let mut reader = Reader::new(&contract, &file[..])?;
/// assert!(matches!(reader.next()?, Some(Piece::Rows { count: 1, .. })));
/// let Some(Piece::Rejected(row)) = reader.next()? else { unreachable!() };
/// assert_eq!((row.row, row.line, row.reason.as_str()), (2, 3, "id is not a valid NUMBER(9,0)"));
/// assert!(reader.next()?.is_none());
/// # Ok::<(), firn::Error>(())
/// ```
pub struct Reader<R> {
    input: R,
    contract: Contract,
    checks: Vec<Check>,
    buffer: Vec<u8>,
    /// What of the buffer is filled.
    filled: usize,
    /// Where the next row begins.
    at: usize,
    marks: Marks,
    /// Which of the field ends come next.
    next_end: usize,
    /// Whether a row of this buffer was cut at a line end that may stand within quotes.
    is_malformed: bool,
    /// Whether everything up to `text_end` is UTF-8.
    is_utf8: bool,
    is_last: bool,
    row: u64,
    line: u64,
}

enum Step {
    Valid { count: u64, end: usize },
    Rejected(RejectedRow, usize),
    Fill,
}

impl<R: Read> Reader<R> {
    /// Starts reading, and checks the header.
    ///
    /// # Errors
    /// `Config` if the header is not the contract's; `Rejected` if there is none; otherwise what reading gives.
    pub fn new(contract: &Contract, input: R) -> Result<Self> {
        let mut reader = Self {
            input,
            contract: contract.clone(),
            checks: field::checks(contract),
            buffer: vec![0; BUFFER_BYTES],
            filled: 0,
            at: 0,
            marks: Marks::default(),
            next_end: 0,
            is_malformed: false,
            is_utf8: true,
            is_last: false,
            row: 0,
            line: 1,
        };
        reader.fill()?;
        reader.header()?;
        Ok(reader)
    }

    /// How many rows have been handed out, valid or malformed.
    pub fn rows(&self) -> u64 {
        self.row
    }

    /// The next run of valid rows, or the next malformed row; none at the end.
    ///
    /// # Errors
    /// `Rejected` if compressed data is damaged or cut short; `Transient` if reading fails half-way.
    #[expect(
        clippy::should_implement_trait,
        reason = "the pieces borrow from the reader"
    )]
    pub fn next(&mut self) -> Result<Option<Piece<'_>>> {
        self.next_within(usize::MAX)
    }

    /// The same, but a run ends with the row that makes it `most` bytes long, or longer.
    ///
    /// # Errors
    /// As [`Reader::next`].
    pub fn next_within(&mut self, most: usize) -> Result<Option<Piece<'_>>> {
        loop {
            match self.step(most) {
                Step::Valid { count, end } => {
                    let bytes = &self.buffer[std::mem::replace(&mut self.at, end)..end];
                    self.row += count;
                    return Ok(Some(Piece::Rows { bytes, count }));
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

    /// Whether all rows have been handed out.
    ///
    /// # Errors
    /// As [`Reader::next`].
    pub fn is_done(&mut self) -> Result<bool> {
        loop {
            self.skip_blank_lines();
            if self.at < self.filled || self.is_last {
                return Ok(self.at == self.filled);
            }
            self.fill()?;
        }
    }

    /// They hold nothing.
    fn skip_blank_lines(&mut self) {
        while self.at < self.filled && matches!(self.buffer[self.at], b'\n' | b'\r') {
            self.line += u64::from(self.buffer[self.at] == b'\n');
            self.at += 1;
        }
    }

    /// Walks over rows until one is not valid, the buffer ends, or a run of `most` bytes is reached.
    fn step(&mut self, most: usize) -> Step {
        self.skip_blank_lines();
        let bytes = &self.buffer[..self.filled];
        let stop = self.at.saturating_add(most.max(1)).min(self.filled);
        // Once a row is malformed, nothing after it in this buffer is sure to be in or out of quotes.
        let ends = self
            .marks
            .ends()
            .filter(|_| self.is_utf8 && !self.is_malformed);
        let mut next = self.next_end;
        let mut count = 0;
        let mut at = self.at;
        while at < stop {
            // A blank line ends the run, as the run is handed on byte by byte.
            if matches!(bytes[at], b'\n' | b'\r') {
                break;
            }
            if let Some(all) = ends {
                while all.get(next).is_some_and(|end| (*end as usize) < at) {
                    next += 1;
                }
                let of_row = all.get(next..=next + self.checks.len());
                let end = of_row.and_then(|ends| row::valid_end(bytes, ends, at, &self.checks));
                if let Some(end) = end {
                    count += 1;
                    self.line += if self.marks.has_breaks() {
                        memchr::memchr_iter(b'\n', &bytes[at..end]).count() as u64
                    } else {
                        1
                    };
                    at = end;
                    next += self.checks.len() + 1;
                    continue;
                }
            }
            match row::parse(bytes, &self.marks, at, &self.checks, self.is_last) {
                Row::Valid { end, breaks }
                    if self.is_utf8 || simdutf8::basic::from_utf8(&bytes[at..end]).is_ok() =>
                {
                    count += 1;
                    self.line += 1 + u64::from(breaks);
                    at = end;
                }
                Row::Partial if count == 0 && bytes.len() - at < MAX_ROW_BYTES => {
                    return Step::Fill;
                }
                _ if count > 0 => break,
                fault => return self.reject(at, fault),
            }
        }
        self.next_end = next;
        if count > 0 {
            Step::Valid { count, end: at }
        } else {
            Step::Fill
        }
    }

    #[cold]
    fn reject(&mut self, start: usize, fault: Row) -> Step {
        let bytes = &self.buffer[..self.filled];
        let columns = self.contract.columns();
        let mut column = None;
        let (reason, whole) = match fault {
            Row::Valid { end, breaks } => ("is not UTF-8".to_owned(), Some((end, breaks))),
            Row::InvalidField {
                end,
                breaks,
                index,
                fault,
            } => {
                let at_fault = index.checked_sub(1).map(|index| &columns[index]);
                column = Some(
                    at_fault
                        .map_or(self.contract.op(), |one| &one.name)
                        .to_owned(),
                );
                (fault.reason(&self.contract, at_fault), Some((end, breaks)))
            }
            Row::WrongFieldCount {
                end,
                breaks,
                fields,
            } => (
                format!("has {fields} fields, the contract {}", columns.len() + 1),
                Some((end, breaks)),
            ),
            Row::Malformed { reason } => (reason.to_owned(), None),
            Row::Partial => (
                format!("is longer than {MAX_ROW_BYTES} bytes: a quote may be open"),
                None,
            ),
        };
        // Only a row whose shape is sure may span lines.
        self.is_malformed |= whole.is_none();
        let (end, breaks) = whole.unwrap_or_else(|| {
            let rest = &bytes[start..];
            let end = memchr::memchr(b'\n', rest).map_or(bytes.len(), |at| start + at + 1);
            (end, 0)
        });
        let raw = bytes[start..end]
            .strip_suffix(b"\n")
            .unwrap_or(&bytes[start..end]);
        let raw = raw.strip_suffix(b"\r").unwrap_or(raw).to_vec();
        self.row += 1;
        let rejected = RejectedRow {
            row: self.row,
            line: self.line,
            column,
            reason,
            raw,
        };
        self.line += 1 + u64::from(breaks);
        Step::Rejected(rejected, end)
    }

    /// Moves what is left to the front and reads on until the buffer is full or the file ends.
    fn fill(&mut self) -> Result<()> {
        self.buffer.copy_within(self.at..self.filled, 0);
        self.filled -= self.at;
        self.at = 0;
        if self.filled == self.buffer.len() {
            self.buffer.resize(self.filled * 2, 0);
        }
        while self.filled < self.buffer.len() {
            match self.input.read(&mut self.buffer[self.filled..]) {
                Ok(0) => {
                    self.is_last = true;
                    break;
                }
                Ok(read) => self.filled += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => {
                    return Err(Error::from(error).context(format!("after row {}", self.row)));
                }
            }
        }
        let bytes = &self.buffer[..self.filled];
        self.marks.set(bytes);
        self.next_end = 0;
        self.is_malformed = false;
        let whole = memchr::memrchr(b'\n', bytes).map_or(bytes.len(), |at| at + 1);
        let whole = if self.is_last { bytes.len() } else { whole };
        self.is_utf8 = simdutf8::basic::from_utf8(&bytes[..whole]).is_ok();
        Ok(())
    }

    fn header(&mut self) -> Result<()> {
        let bytes = &self.buffer[..self.filled];
        let start = if bytes.starts_with(b"\xef\xbb\xbf") {
            3
        } else {
            0
        };
        let end = memchr::memchr(b'\n', bytes).unwrap_or(bytes.len());
        let line = bytes[start..end]
            .strip_suffix(b"\r")
            .unwrap_or(&bytes[start..end]);
        if line.is_empty() && end == bytes.len() {
            return Err(Error::rejected("file is empty: expected a header row"));
        }
        let wanted: Vec<&str> = self.contract.header().collect();
        let found = header_names(&String::from_utf8_lossy(line));
        if found != wanted {
            let missing: Vec<&str> = wanted
                .iter()
                .copied()
                .filter(|name| !found.iter().any(|one| one == name))
                .collect();
            let what = if missing.is_empty() {
                "its columns or their order differ".to_owned()
            } else if missing.len() == wanted.len() {
                "it has none of the contract's columns".to_owned()
            } else {
                format!("it lacks {}", missing.join(", "))
            };
            // A file without a header begins with somebody's data: an error must not show it.
            let at = found
                .iter()
                .zip(&wanted)
                .position(|(one, name)| one != name);
            return Err(Error::config(format!(
                "invalid header: {what} (columns found: {}, first difference: column {}); expected `{}`",
                found.len(),
                at.unwrap_or(found.len().min(wanted.len())) + 1,
                wanted.join(",")
            )));
        }
        self.at = (end + 1).min(self.filled);
        self.line = 2;
        Ok(())
    }
}

/// The names in a header line, with or without quotes.
fn header_names(line: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let mut is_quoted = false;
    for char in line.chars() {
        match char {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => names.push(String::new()),
            other => names
                .last_mut()
                .into_iter()
                .for_each(|name| name.push(other)),
        }
    }
    names
}
