//! What a file comes to: valid rows in the tables' own form, and rejected rows as they stood in the file.

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
    /// The row as it stands in the file, without its line end; of a row longer than any could be, its beginning.
    pub raw: Vec<u8>,
}

/// What comes next in a file.
#[derive(Debug)]
pub enum Piece<'r> {
    /// Valid rows: the operation and the contract's columns, in its order, as CSV.
    Rows {
        /// Whole rows, with their line ends.
        bytes: &'r [u8],
        /// How many.
        count: u64,
        /// How many bytes of the file they were.
        read: usize,
    },
    /// One row that is not valid.
    Rejected(RejectedRow),
}

/// The most bytes of a row that are kept.
pub(super) const MOST_RAW_BYTES: usize = 8 << 20;

/// The most bytes that are kept of a row longer than any could be.
pub(super) const MOST_BYTES_OF_A_LONG_ROW: usize = 64 << 10;
