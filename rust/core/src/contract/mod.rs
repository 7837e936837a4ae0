//! What a file and its tables look like: one contract per keyed table, from which reading, DDL, merge and history derive.
//!
//! Pure: it knows no file system and no SQL text beyond the names of types.

mod column;
mod document;
mod history_columns;
mod position;
mod reason;
mod source;
mod value;

pub use column::{Column, ColumnType};
pub use history_columns::HistoryColumns;
pub use position::Position;
pub use source::{
    Booleans, Encoding, ExtraColumns, Format, Header, MissingColumns, Numbers, Operation, Origin,
    Snapshot, Source, TimestampFormat,
};

use crate::error::{Error, Result};

/// In `order`, an event's position in its file.
const ROW: &str = "@row";

/// The table, columns, key and order that a stream of events obeys.
///
/// ```
/// let contract = firn::contract::Contract::customer();
/// assert_eq!(contract.table(), "CUSTOMER");
/// assert_eq!(contract.header().next(), Some("op"));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Contract {
    table: String,
    op: String,
    columns: Vec<Column>,
    key: Vec<usize>,
    order: Vec<usize>,
    /// Whether remaining ties are settled by the events' position in the files.
    is_ordered_by_row: bool,
    history_columns: HistoryColumns,
    source: Source,
}

/// What an event does to its key.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Op {
    /// The key appears.
    Insert,
    /// The key's values change.
    Update,
    /// The key is removed.
    Delete,
}

impl Op {
    /// Every accepted spelling: Firn's own, then Debezium's (create, update, delete, read).
    pub const SPELLINGS: [(&'static str, Self); 7] = [
        ("I", Self::Insert),
        ("U", Self::Update),
        ("D", Self::Delete),
        ("c", Self::Insert),
        ("u", Self::Update),
        ("d", Self::Delete),
        ("r", Self::Insert),
    ];

    /// Parses one spelling, case-sensitive.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        match text {
            b"I" | b"c" | b"r" => Some(Self::Insert),
            b"U" | b"u" => Some(Self::Update),
            b"D" | b"d" => Some(Self::Delete),
            _ => None,
        }
    }

    /// The letter that the tables store.
    #[must_use]
    pub fn letter(self) -> &'static str {
        match self {
            Self::Insert => "I",
            Self::Update => "U",
            Self::Delete => "D",
        }
    }
}

impl Contract {
    /// Reads a contract from its TOML text.
    ///
    /// # Errors
    /// `Config` if the text is not a valid contract, with the line or the column at fault.
    pub fn parse(text: &str) -> Result<Self> {
        document::parse(text)
    }

    /// The contract of the customer table, as `sql/contracts/customer.toml` declares it.
    ///
    /// # Panics
    /// Never: a test reads the same text.
    #[must_use]
    #[expect(
        clippy::expect_used,
        reason = "the text is part of the program, and a test parses it"
    )]
    pub fn customer() -> Self {
        Self::parse(include_str!("../../contracts/customer.toml"))
            .expect("the customer contract is valid")
    }

    /// The target table's name; the other objects are named after it.
    #[must_use]
    pub fn table(&self) -> &str {
        &self.table
    }

    /// The name of the column that says what an event does; it is a file's first column.
    #[must_use]
    pub fn op(&self) -> &str {
        &self.op
    }

    /// The columns of the target, in the file's order.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The key columns.
    pub fn key(&self) -> impl Iterator<Item = &Column> + Clone {
        self.key.iter().map(|&index| &self.columns[index])
    }

    /// The columns that order the events of one key: first a timestamp in UTC, then whole numbers.
    pub fn order(&self) -> impl Iterator<Item = &Column> + Clone {
        self.order.iter().map(|&index| &self.columns[index])
    }

    /// Whether remaining ties are settled by the events' position in the files.
    #[must_use]
    pub fn is_ordered_by_row(&self) -> bool {
        self.is_ordered_by_row
    }

    /// The names in the contract's `order`.
    pub fn order_names(&self) -> impl Iterator<Item = &str> {
        let row = self.is_ordered_by_row.then_some(ROW);
        self.order().map(|one| one.name.as_str()).chain(row)
    }

    /// Whether an update may set some columns and leave the others unchanged.
    #[must_use]
    pub fn has_partial_updates(&self) -> bool {
        self.source.has_partial_updates()
    }

    /// The snapshot settings, if each file is the whole table at one time.
    #[must_use]
    pub fn snapshot(&self) -> Option<Snapshot> {
        self.source.snapshot
    }

    /// The timestamp from which an event is valid.
    #[must_use]
    pub fn changed_at(&self) -> &Column {
        &self.columns[self.order[0]]
    }

    /// The format of its files.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Whether `[source]` has only defaults, so that a file itself determines how it is read.
    #[must_use]
    pub fn has_usual_source(&self) -> bool {
        let source = &self.source;
        let operation = source.operation.column.as_deref();
        let mut usual = Source {
            columns: vec![Origin::default(); source.columns.len()],
            ..Source::default()
        };
        usual.operation.column = source.operation.column.clone();
        *source == usual && operation.is_none_or(|column| column == self.op)
    }

    /// The names of the columns that Firn adds to the history.
    #[must_use]
    pub fn history_columns(&self) -> &HistoryColumns {
        &self.history_columns
    }

    /// Whether the column at `index` is part of the key.
    #[must_use]
    pub fn is_key(&self, index: usize) -> bool {
        self.key.contains(&index)
    }

    /// Whether the column at `index` orders events.
    #[must_use]
    pub fn is_order(&self, index: usize) -> bool {
        self.order.contains(&index)
    }

    /// Whether every event, including a delete, must have a value for the column at `index`.
    #[must_use]
    pub fn is_always_filled(&self, index: usize) -> bool {
        self.is_key(index) || self.is_order(index)
    }

    /// Whether the target must have a value in the column at `index`. A manual insert may omit the time or the sequence, which the
    /// capture fills in, and a partial update may be the first event of its key.
    #[must_use]
    pub fn is_filled_in_target(&self, index: usize) -> bool {
        let is_required = self.columns[index].required && !self.is_order(index);
        self.is_key(index) || is_required && !self.has_partial_updates()
    }

    /// The names that a file's first row must hold, in this order.
    pub fn header(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.op.as_str())
            .chain(self.columns.iter().map(|column| column.name.as_str()))
    }

    fn index_of(&self, name: &str, role: &str) -> Result<usize> {
        self.columns
            .iter()
            .position(|column| column.name == name)
            .ok_or_else(|| {
                Error::config(format!(
                    "`{role}` names column `{name}`, which is not in `columns`"
                ))
            })
    }
}

#[cfg(test)]
mod tests;
