//! The reader: opens a file's text, detects its format, and returns its rows.

use std::io::Read;

use super::convert::Converter;
use super::piece::Piece;
use super::text::Text;
use super::{FileFacts, content, csv, json};
use crate::contract::{Contract, Format};
use crate::error::{Error, Result};

/// Reads a file of a contract's source.
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
    rows: Rows<R>,
}

enum Rows<R> {
    Csv(Box<csv::Rows<R>>),
    Json(Box<json::Rows<R>>),
}

impl<R: Read> Reader<R> {
    /// Starts reading, and finds the columns.
    ///
    /// # Errors
    /// `Config` if the content or its header does not match the contract; `Rejected` if there is none; otherwise the errors of reading.
    pub fn new(contract: &Contract, input: R) -> Result<Self> {
        Self::of_file(contract, FileFacts::default(), input)
    }

    /// The same for contracts that read a value from the file's name or time.
    ///
    /// # Errors
    /// As [`Reader::new`], and `Config` if the name does not match the contract's pattern.
    pub fn of_file(contract: &Contract, facts: FileFacts<'_>, input: R) -> Result<Self> {
        let source = contract.source();
        let converter = Converter::new(contract, facts)?;
        let text = Text::open(input, source.encoding)?;
        let found = content::format_of(text.head(), text.is_decoded(), source.format)?;
        let rows = match (source.format.unwrap_or(found), found) {
            (Format::Csv, Format::Csv) => {
                Rows::Csv(Box::new(csv::Rows::new(contract, converter, text)?))
            }
            (_, Format::JsonLines) => {
                let format = match source.format {
                    Some(format) => format,
                    None => json::format_of(text.head(), contract)?,
                };
                let converter = if format == Format::Debezium {
                    converter.with_operations()
                } else {
                    converter
                };
                let converter = converter.of_json();
                Rows::Json(Box::new(json::Rows::new(contract, converter, text, format)))
            }
            (wanted, found) => {
                return Err(Error::config(format!(
                    "file is {}: expected {}, as `format` under [source] in the contract says",
                    name_of(found),
                    name_of(wanted)
                )));
            }
        };
        Ok(Self { rows })
    }

    /// The number of rows that have been returned, valid or not.
    pub fn rows(&self) -> u64 {
        match &self.rows {
            Rows::Csv(rows) => rows.rows(),
            Rows::Json(rows) => rows.rows(),
        }
    }

    /// The header line of delimited text that is not the contract's: without it, a row of the file has no meaning.
    pub(crate) fn own_header(&self) -> Option<&[u8]> {
        match &self.rows {
            Rows::Csv(rows) => rows.own_header(),
            Rows::Json(_) => None,
        }
    }

    /// The next run of valid rows, or the next rejected row; none at the end.
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

    /// The same, but a run ends with the row that reaches `most` bytes of the file.
    ///
    /// # Errors
    /// As [`Reader::next`].
    pub fn next_within(&mut self, most: usize) -> Result<Option<Piece<'_>>> {
        match &mut self.rows {
            Rows::Csv(rows) => rows.next_within(most),
            Rows::Json(rows) => rows.next_within(most),
        }
    }

    /// Whether all rows have been returned.
    ///
    /// # Errors
    /// As [`Reader::next`].
    pub fn is_done(&mut self) -> Result<bool> {
        match &mut self.rows {
            Rows::Csv(rows) => rows.is_done(),
            Rows::Json(rows) => rows.is_done(),
        }
    }
}

fn name_of(format: Format) -> &'static str {
    match format {
        Format::Csv => "delimited text",
        Format::JsonLines => "JSON lines",
        Format::Debezium => "Debezium's JSON lines",
    }
}
