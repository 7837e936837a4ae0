//! A change of a customer: one row of a generated file.
//!
//! Knows neither how changes are generated (`generator`) nor other tables (`contract`).

use serde::{Deserialize, Serialize};

/// The columns of a customer event, in the order of the file.
pub const COLUMNS: [&str; 13] = [
    "op",
    "customer_id",
    "first_name",
    "last_name",
    "email",
    "phone",
    "street",
    "city",
    "state",
    "postal_code",
    "country",
    "updated_at",
    "sequence",
];

/// The CSV header: the columns, comma-separated, with the line feed.
pub const HEADER: &str = "op,customer_id,first_name,last_name,email,phone,street,city,state,postal_code,country,updated_at,sequence\n";

/// What happened to the customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Op {
    /// A new customer, or one who returns after a delete.
    #[serde(rename = "I")]
    Insert,
    /// A change of an existing customer; the row holds all columns.
    #[serde(rename = "U")]
    Update,
    /// The customer is deleted; the other columns hold the last row.
    #[serde(rename = "D")]
    Delete,
}

impl Op {
    /// The letter in the column `op`.
    #[must_use]
    pub const fn letter(self) -> u8 {
        match self {
            Self::Insert => b'I',
            Self::Update => b'U',
            Self::Delete => b'D',
        }
    }
}

/// One event, with its fields as text. `updated_at` is RFC 3339 in UTC with microseconds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the fields are the columns of `COLUMNS`, by name"
)]
pub struct Event {
    pub op: Op,
    pub customer_id: u64,
    pub first_name: String,
    pub last_name: String,
    pub email: String,
    pub phone: String,
    pub street: String,
    pub city: String,
    pub state: String,
    pub postal_code: String,
    pub country: String,
    pub updated_at: String,
    pub sequence: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_names_the_columns() {
        assert_eq!(HEADER.trim_end().split(',').collect::<Vec<_>>(), COLUMNS);
    }
}
