//! Reads CSV files of events: finds rows, checks every field against the contract, and reports each malformed row.
//!
//! | file | what |
//! | --- | --- |
//! | `source` | files as bytes, whatever compresses them |
//! | `marks` | where commas, quotes and line ends are, 64 bytes at a time |
//! | `row` | one row: its fields, its end, what is wrong with it |
//! | `field` | whether a value fits its column |
//! | `rows` | the reader: runs of valid rows, and malformed rows between them |
//! | `validate` | copies of a file, or of parts of it, in which malformed rows travel as text, each in its own place |
//!
//! Memory is constant. What is valid is handed on as it stands in the file, without a copy. It reads from what it is
//! given and writes nowhere.

mod field;
mod marks;
mod row;
mod rows;
mod source;
mod validate;

pub use rows::{Piece, Reader, RejectedRow};
pub use source::{Source, decoded};
pub use validate::{RowTotals, Validator};

#[cfg(test)]
mod tests;
