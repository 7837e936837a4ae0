//! The defects of malformed rows, one per row, to test how a pipeline rejects them.

use serde::{Deserialize, Serialize};

/// The defect of a malformed row.
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
    /// `last_name` holds an unclosed quotation mark.
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
