//! What can be wrong with a value, and the reason in words.

use crate::contract::{Column, Contract};

/// What is wrong with a value; the reason in words is made only for rows that are rejected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::reader) enum Fault {
    UnknownOperation,
    /// A value must be there and is not.
    Missing,
    /// The row does not have the column.
    Absent,
    InvalidValue,
    /// More than six digits of a fraction of a second.
    TooPrecise,
    /// A local time that a change of the clocks skips or repeats.
    AmbiguousTime,
    /// A number where the unit since 1970 is not known.
    UnknownEpoch,
    /// A JSON object or list where one value is expected.
    Nested,
    /// The source says that it did not change, but not what it is.
    Unchanged,
}

impl Fault {
    /// The reason; `column` is the one at fault, if it is not the operation.
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
