//! What can be wrong with a malformed row: one known defect each, to test how a pipeline rejects it.

use serde::{Deserialize, Serialize};

/// What is wrong with a malformed row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Defect {
    /// `updated_at` is not a date.
    BadDate,
    /// The last column is missing.
    MissingColumn,
    /// `op` is not one of the known letters.
    UnknownOp,
    /// `city` is not UTF-8.
    WrongUtf8,
    /// `last_name` holds a quotation mark that nothing closes.
    UnbalancedQuote,
}

impl Defect {
    /// Every defect.
    pub const ALL: [Self; 5] = [
        Self::BadDate,
        Self::MissingColumn,
        Self::UnknownOp,
        Self::WrongUtf8,
        Self::UnbalancedQuote,
    ];
}
