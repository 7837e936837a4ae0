//! One row: finds the ends of its fields and of the row.

use super::dialect::Dialect;
use super::marks::{Cursor, Marks};

/// The result of splitting a row. Every `end` is past the row's line end.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Row {
    /// Well formed; spans `breaks` line ends within quotes.
    Whole { end: usize, breaks: u32 },
    /// Quotes or line ends are wrong, so the row is cut at its first line end, to preserve the rows after it.
    Malformed { reason: &'static str },
    /// The buffer ends before the row does.
    Partial,
}

/// A field, as positions in the buffer.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Field {
    /// The start, after the opening quote if there is one.
    pub start: usize,
    pub end: usize,
    pub is_quoted: bool,
    /// Whether it has doubled quotes or escapes.
    pub is_escaped: bool,
}

impl Field {
    pub fn is_empty(&self) -> bool {
        self.start == self.end && !self.is_quoted
    }
}

/// Splits the row that begins at `start` into `fields`.
pub(super) fn split(
    bytes: &[u8],
    marks: &Marks,
    dialect: &Dialect,
    start: usize,
    is_last: bool,
    fields: &mut Vec<Field>,
) -> Row {
    fields.clear();
    let splitting = Splitting {
        bytes,
        marks,
        dialect,
        is_last,
        cursor: marks.from(start),
        breaks: 0,
    };
    match splitting.row(start, fields) {
        Ok(row) | Err(row) => row,
    }
}

struct Splitting<'b> {
    bytes: &'b [u8],
    marks: &'b Marks,
    dialect: &'b Dialect,
    is_last: bool,
    cursor: Cursor,
    breaks: u32,
}

impl Splitting<'_> {
    /// `Err` ends the splitting early.
    fn row(mut self, start: usize, fields: &mut Vec<Field>) -> Result<Row, Row> {
        let mut at = start;
        loop {
            let is_quoted =
                self.dialect.quote.is_some() && self.bytes.get(at).copied() == self.dialect.quote;
            let (field, stop) = if is_quoted {
                self.quoted(at)?
            } else {
                self.plain(at)?
            };
            fields.push(field);
            if let Some(end) = self.end(stop)? {
                return Ok(Row::Whole {
                    end,
                    breaks: self.breaks,
                });
            }
            at = stop + 1;
        }
    }

    /// An unquoted field, and its end: a quote within it is text.
    fn plain(&mut self, at: usize) -> Result<(Field, usize), Row> {
        let stop = loop {
            let stop = self
                .marks
                .next(&mut self.cursor)
                .unwrap_or(self.bytes.len());
            if self.bytes.get(stop).copied() != self.dialect.quote || self.dialect.quote.is_none() {
                break stop;
            }
            if self.bytes[at..stop]
                .iter()
                .all(|byte| matches!(byte, b' ' | b'\t'))
            {
                return Err(Row::Malformed {
                    reason: "a blank stands before an opening quote",
                });
            }
        };
        let field = Field {
            start: at,
            end: stop,
            is_quoted: false,
            is_escaped: self.has_escape(at, stop),
        };
        Ok((field, stop))
    }

    /// The field whose opening quote is at `at`, and its end.
    fn quoted(&mut self, at: usize) -> Result<(Field, usize), Row> {
        let quote = self.dialect.quote;
        let mut is_escaped = false;
        self.marks.next(&mut self.cursor);
        let closing = loop {
            let Some(mark) = self.marks.next(&mut self.cursor) else {
                return Err(self.unended());
            };
            let byte = Some(self.bytes[mark]);
            if byte == quote {
                match self.bytes.get(mark + 1).copied() {
                    // The buffer's end may split a doubled quote.
                    None if !self.is_last => return Err(Row::Partial),
                    next if next == quote => {
                        self.marks.next(&mut self.cursor);
                        is_escaped = true;
                    }
                    _ => break mark,
                }
            } else if byte == Some(self.dialect.line_end) {
                self.breaks += 1;
            }
        };
        let stop = self
            .marks
            .next(&mut self.cursor)
            .unwrap_or(self.bytes.len());
        if stop != closing + 1 {
            return Err(Row::Malformed {
                reason: "text follows a closing quote",
            });
        }
        let field = Field {
            start: at + 1,
            end: closing,
            is_quoted: true,
            is_escaped: is_escaped || self.has_escape(at, closing),
        };
        Ok((field, stop))
    }

    fn has_escape(&self, from: usize, to: usize) -> bool {
        let escape = self.dialect.escape;
        escape.is_some_and(|escape| memchr::memchr(escape, &self.bytes[from..to]).is_some())
    }

    /// The end of the row, if the field that ends at `stop` is its last.
    fn end(&mut self, stop: usize) -> Result<Option<usize>, Row> {
        match self.bytes.get(stop).copied() {
            Some(byte) if byte == self.dialect.delimiter => Ok(None),
            Some(byte) if byte == self.dialect.line_end => Ok(Some(stop + 1)),
            Some(b'\r') => {
                // Text whose line ends were converted twice for Windows has two carriage returns before the line feed.
                let returns = self.bytes[stop..]
                    .iter()
                    .take_while(|byte| **byte == b'\r')
                    .count();
                match self.bytes.get(stop + returns) {
                    Some(b'\n') => Ok(Some(stop + returns + 1)),
                    None if !self.is_last => Err(Row::Partial),
                    None => Ok(Some(stop + returns)),
                    Some(_) => Err(Row::Malformed {
                        reason: "a carriage return stands alone",
                    }),
                }
            }
            // The remaining case is text after a closing quote.
            Some(_) => Err(Row::Malformed {
                reason: "text follows a closing quote",
            }),
            None if self.is_last => Ok(Some(stop)),
            None => Err(Row::Partial),
        }
    }

    fn unended(&self) -> Row {
        if self.is_last {
            Row::Malformed {
                reason: "a quote is never closed",
            }
        } else {
            Row::Partial
        }
    }
}
