//! Reads files of events of any source, and returns their rows in the form of the tables; each row that does not match
//! the contract is reported.
//!
//! | file | what |
//! | --- | --- |
//! | `container` | files as bytes, decompressed |
//! | `archive` | zip archives |
//! | `text` | bytes as UTF-8, decoded |
//! | `content` | the kind of a file, by its first bytes |
//! | `beginning` | the first bytes of a file as text, for `infer` |
//! | `facts` | a file's name and time |
//! | `csv` | delimited text |
//! | `json` | JSON lines, and Debezium's events |
//! | `lines` | the lines of a text |
//! | `convert` | the conversion of values into the tables' form |
//! | `piece` | valid rows, and rejected rows between them |
//! | `rows` | the reader for all formats |
//! | `validate` | copies of a file, or of parts of it, in which rejected rows keep their position as text |
//!
//! It takes constant memory. It reads its input and writes nothing, except for archives, which need a temporary file.

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
