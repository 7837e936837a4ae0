//! Reads files of events, whatever their source, and gives their rows in the one form that the tables read; each row that breaks
//! the contract is reported.
//!
//! | file | what |
//! | --- | --- |
//! | `container` | files as bytes, whatever compresses them |
//! | `archive` | zip archives |
//! | `text` | bytes as UTF-8, whatever their encoding |
//! | `content` | what a file holds, by its first bytes |
//! | `beginning` | the first bytes of a file as text, for `infer` |
//! | `facts` | a file's name and time |
//! | `csv` | delimited text |
//! | `json` | JSON lines, and Debezium's events |
//! | `lines` | the lines of a text |
//! | `convert` | values, into the tables' form |
//! | `piece` | valid rows, and rejected rows between them |
//! | `rows` | the reader: the formats joined |
//! | `validate` | copies of a file, or of parts of it, in which rejected rows travel as text, each in its own place |
//!
//! Memory is constant. It reads from what it is given and writes nowhere, but for archives, which need a temporary file.

mod archive;
mod beginning;
mod container;
mod content;
mod convert;
mod csv;
mod facts;
mod json;
mod lines;
mod piece;
mod rows;
mod text;
mod validate;

pub(crate) use beginning::beginning;
pub use container::{Source, decoded};
pub(crate) use convert::is_rfc3339;
pub use facts::FileFacts;
pub use piece::{Piece, RejectedRow};
pub use rows::Reader;
pub use validate::{RowTotals, Validator};

#[cfg(test)]
mod container_tests;
#[cfg(test)]
mod header_tests;
#[cfg(test)]
mod partial_tests;
#[cfg(test)]
mod tests;
