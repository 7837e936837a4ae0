//! Copies a file into the tables' form without loss: a malformed row keeps its position, as a row without an event and with its reason and text.
//! The text includes the file's header, if that is not the contract's: the row has no meaning without it.
//!
//! So one file contains both, and `rows in = history + duplicates + rejects` needs no second load.

use std::io::{Read, Write};

use super::{FileFacts, Piece, Reader, RejectedRow};
use crate::contract::Contract;
use crate::error::Result;

/// The row counts of a copy.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct RowTotals {
    /// Rows in all.
    pub rows: u64,
    /// The malformed rows among them.
    pub malformed: u64,
}

impl RowTotals {
    /// The number of rows as `i64`, as in the tables.
    #[must_use]
    pub fn as_counted(&self) -> i64 {
        i64::try_from(self.rows).unwrap_or(i64::MAX)
    }
}

/// Copies a file, at once or piece by piece.
pub struct Validator<R, F> {
    reader: Reader<R>,
    header: String,
    /// The text before each malformed row: the file's own header, if it is not the contract's.
    row_header: Vec<u8>,
    columns: usize,
    on_rejected: F,
}

impl<R: Read, F: FnMut(&RejectedRow)> Validator<R, F> {
    /// Starts at the beginning of `input`; `on_rejected` receives every malformed row.
    ///
    /// # Errors
    /// As [`Reader::new`].
    pub fn new(contract: &Contract, input: R, on_rejected: F) -> Result<Self> {
        Self::of_file(contract, FileFacts::default(), input, on_rejected)
    }

    /// The same for contracts that read a value from the file's name or time.
    ///
    /// # Errors
    /// As [`Reader::of_file`].
    pub fn of_file(
        contract: &Contract,
        facts: FileFacts<'_>,
        input: R,
        on_rejected: F,
    ) -> Result<Self> {
        let own = ["_firn_reject_reason", "_firn_raw_line"];
        let given = contract.has_partial_updates();
        let given = given.then_some(contract.history_columns().given_columns.as_str());
        let names = contract.header().chain(own).chain(given);
        let header: Vec<String> = names.map(|name| quoted(name.as_bytes())).collect();
        let reader = Reader::of_file(contract, facts, input)?;
        let row_header = reader.own_header().map(|line| [line, b"\n"].concat());
        Ok(Self {
            reader,
            row_header: row_header.unwrap_or_default(),
            header: header.join(","),
            columns: contract.header().count(),
            on_rejected,
        })
    }

    /// The number of rows that have been copied.
    pub fn rows(&self) -> u64 {
        self.reader.rows()
    }

    /// Whether all rows have been copied.
    ///
    /// # Errors
    /// As [`Reader::next`].
    pub fn is_done(&mut self) -> Result<bool> {
        self.reader.is_done()
    }

    /// Copies a header and the next rows: all, or the rows up to `most` bytes. The end depends only on the file.
    ///
    /// # Errors
    /// As [`Reader::next`], and `Transient` if writing fails; the output must not be used then.
    pub fn copy(&mut self, output: &mut impl Write, most: usize) -> Result<RowTotals> {
        let rows = self.reader.rows();
        writeln!(output, "{}", self.header)?;
        let mut malformed = 0;
        let mut room = most;
        while room > 0
            && let Some(piece) = self.reader.next_within(room)?
        {
            let taken = match piece {
                Piece::Rows { bytes, read, .. } => {
                    output.write_all(bytes)?;
                    read
                }
                Piece::Rejected(row) => {
                    (self.on_rejected)(&row);
                    malformed += 1;
                    let nothing = ",".repeat(self.columns);
                    let text = [self.row_header.as_slice(), &row.raw].concat();
                    writeln!(
                        output,
                        "{nothing}{},{}",
                        quoted(row.reason.as_bytes()),
                        quoted(&text)
                    )?;
                    row.raw.len()
                }
            };
            room = room.saturating_sub(taken);
        }
        Ok(RowTotals {
            rows: self.reader.rows() - rows,
            malformed,
        })
    }
}

/// A quoted field; bytes that are not UTF-8 become `\xHH`, as a text column holds only text.
fn quoted(raw: &[u8]) -> String {
    let mut text = String::from("\"");
    for chunk in raw.utf8_chunks() {
        text.push_str(&chunk.valid().replace('"', "\"\"").replace('\0', "\\x00"));
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02X}"));
        }
    }
    text.push('"');
    text
}
