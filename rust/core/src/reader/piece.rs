//! The pieces of a file: valid rows in the tables' own form, and rejected rows in their original form.

/// A row that does not match the contract.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RejectedRow {
    /// Its number among the file's rows, from 1, the header not counted.
    pub row: u64,
    /// The line on which it begins, from 1, the header counted.
    pub line: u64,
    /// The column at fault, if it is a single one.
    pub column: Option<String>,
    /// The reason.
    pub reason: String,
    /// The original row without its line end; only the beginning of a row that is too long.
    pub raw: Vec<u8>,
}

/// The next piece of a file.
#[derive(Debug)]
pub enum Piece<'r> {
    /// Valid rows: the operation and the contract's columns, in its order, as CSV.
    Rows {
        /// Whole rows, with their line ends.
        bytes: &'r [u8],
        /// The number of rows.
        count: u64,
        /// The number of bytes of the file that they took.
        read: usize,
    },
    /// One rejected row.
    Rejected(RejectedRow),
}

/// The maximum number of bytes of a rejected row that are kept.
pub(super) const MOST_RAW_BYTES: usize = 8 << 20;

/// The maximum number of bytes that are kept of a row that is too long.
pub(super) const MOST_BYTES_OF_A_LONG_ROW: usize = 64 << 10;
