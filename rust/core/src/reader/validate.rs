//! A copy of a file that loads without loss, in the form that the tables read: a malformed row stays in its place, as a row with no event but its reason and text.
//! The file's header comes with the text, if it is not the contract's: the row means nothing without it.
//!
//! So one file, loaded once, carries both, and `rows in = history + duplicates + rejects` needs no second way in.

use std::io::{Read, Write};

use super::{FileFacts, Piece, Reader, RejectedRow};
use crate::contract::Contract;
use crate::error::Result;

/// How many rows a copy holds.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct RowTotals {
    /// Rows in all.
    pub rows: u64,
    /// Those of them that are malformed.
    pub malformed: u64,
}

impl RowTotals {
    /// Its rows as the tables count them.
    #[must_use]
    pub fn as_counted(&self) -> i64 {
        i64::try_from(self.rows).unwrap_or(i64::MAX)
    }
}

/// Copies a file, in one go or piece by piece.
pub struct Validator<R, F> {
    reader: Reader<R>,
    header: String,
    /// What stands before the text of each malformed row: the file's own header, if it is not the contract's.
    row_header: Vec<u8>,
    columns: usize,
    on_rejected: F,
}

impl<R: Read, F: FnMut(&RejectedRow)> Validator<R, F> {
    /// Starts at the top of `input`; `on_rejected` receives every malformed row.
    ///
    /// # Errors
    /// As [`Reader::new`].
    pub fn new(contract: &Contract, input: R, on_rejected: F) -> Result<Self> {
        Self::of_file(contract, FileFacts::default(), input, on_rejected)
    }

    /// The same, for contracts that take a value from the file's name or time.
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

    /// How many rows have been copied.
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

    /// Copies a header and the rows that come next: all, or as many as make `most` bytes. Where it ends depends on the file alone.
    ///
    /// # Errors
    /// As [`Reader::next`], and `Transient` if writing fails. The output is then not to be used.
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

/// A field in quotes; bytes that are not UTF-8 become `\xHH`, as a text column holds only text.
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
