//! Reads CSV files of events: finds rows, checks every field against the contract, and tells each broken row apart.
//!
//! | file | what |
//! | --- | --- |
//! | `source` | files as bytes, whatever compresses them |
//! | `marks` | where commas, quotes and line ends are, 64 bytes at a time |
//! | `row` | one row: its fields, its end, what is wrong with it |
//! | `field` | whether a value fits its column |
//! | `rows` | the reader: runs of sound rows, and broken rows between them |
//! | `clean` | copies of a file, or of parts of it, in which broken rows travel as text, each in its own place |
//!
//! Memory is constant. What is sound is handed on as it stands in the file, without a copy. It reads from what it is
//! given and writes nowhere.

mod clean;
mod field;
mod marks;
mod row;
mod rows;
mod source;

pub use clean::{Cleaned, Cleaner};
pub use rows::{BrokenRow, Piece, Reader};
pub use source::{Source, open, open_seen};

#[cfg(test)]
mod tests;
