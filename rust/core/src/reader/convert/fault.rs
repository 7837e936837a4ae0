//! The faults of values, and their reject reasons.

use crate::contract::{Column, Contract};

/// The fault of a value; its text is only rendered for rejected rows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::reader) enum Fault {
    UnknownOperation,
    /// A required value is missing.
    Missing,
    /// The row does not have the column.
    Absent,
    InvalidValue,
    /// More than six digits of a fraction of a second.
    TooPrecise,
    /// A local time that a daylight saving change skips or repeats.
    AmbiguousTime,
    /// A number whose unit since 1970 is not known.
    UnknownEpoch,
    /// A JSON object or list where one value is expected.
    Nested,
    /// The source marks it as unchanged, and does not give it.
    Unchanged,
}

impl Fault {
    /// The reason; `column` is the column at fault, unless it is the operation.
    pub fn reason(self, contract: &Contract, column: Option<&Column>) -> String {
        let Some(column) = column else {
            return contract.unknown_operation_reason();
        };
        let name = &column.name;
        match self {
            Self::UnknownOperation => contract.unknown_operation_reason(),
            Self::Missing => column.missing_reason(),
            Self::Absent => {
                format!("{name} is not in the row: with missing_columns = \"null\" it is null")
            }
            Self::InvalidValue => column.invalid_value_reason(),
            Self::TooPrecise => column.too_precise_reason(),
            Self::AmbiguousTime => {
                format!("{name} is a local time that a change of the clocks skips or repeats")
            }
            Self::UnknownEpoch => {
                format!("{name} is a number: say its unit in timestamps, such as epoch-ms")
            }
            Self::Nested => format!("{name} is a JSON object or list, not one value"),
            Self::Unchanged => {
                format!(
                    "{name} is marked as unchanged, but its value is needed: an update that leaves columns as they are needs `unchanged` under [source]"
                )
            }
        }
    }
}
