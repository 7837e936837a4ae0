//! The reject reasons as text: the file reader and the merge report the same ones.

use super::{Column, ColumnType, Contract, Op, Position};

impl Contract {
    /// The reason for an unknown operation.
    pub(crate) fn unknown_op_reason(&self) -> String {
        let spellings: Vec<&str> = Op::SPELLINGS.iter().map(|(text, _)| *text).collect();
        format!("{} is not one of {}", self.op(), spellings.join(", "))
    }

    /// The reason for an operation that the source does not declare.
    pub(crate) fn unknown_operation_reason(&self) -> String {
        let operation = &self.source().operation;
        let spellings = operation.spellings.iter().map(|(text, _)| text.as_str());
        format!(
            "{} is not one of {}",
            operation.column.as_deref().unwrap_or(self.op()),
            spellings.collect::<Vec<_>>().join(", ")
        )
    }
}

impl Column {
    /// The reason for a missing required value.
    pub(crate) fn missing_reason(&self) -> String {
        format!("{} is missing", self.name)
    }

    /// The reason for a fraction of a second with too many digits.
    pub(crate) fn too_precise_reason(&self) -> String {
        format!(
            "{} has more than six digits of a second: lenient = true cuts them",
            self.name
        )
    }

    /// The reason for an event dated too far ahead of the clock.
    pub(crate) fn ahead_reason(&self, seconds: u64) -> String {
        format!(
            "{} is more than {seconds} seconds ahead of the clock: max_ahead allows no more",
            self.name
        )
    }

    /// The reason for a value that its type does not allow.
    pub(crate) fn invalid_value_reason(&self) -> String {
        let name = &self.name;
        if let Some(expected) = self.position.and_then(Position::expected) {
            return format!("{name} is not a valid position: expected {expected}");
        }
        match self.kind {
            ColumnType::Text { max_chars } => {
                format!("{name} is longer than {max_chars} characters")
            }
            ColumnType::Number { precision, scale } => {
                format!("{name} is not a valid NUMBER({precision},{scale})")
            }
            ColumnType::Boolean => format!("{name} is not a valid BOOLEAN: expected true or false"),
            ColumnType::OffsetTimestamp | ColumnType::Instant => format!(
                "{name} is not a valid {}: expected a value like 2026-11-23T18:52:55.123456+01:00",
                self.kind.to_string().to_uppercase()
            ),
            ColumnType::Time => {
                format!("{name} is not a valid TIME(6): expected a value like 18:52:55.123456")
            }
            ColumnType::Float => format!("{name} is not a valid FLOAT: expected a finite number"),
            ColumnType::Binary { max_bytes } => format!(
                "{name} is not a valid BINARY({max_bytes}): expected an even number of hexadecimal digits"
            ),
            ColumnType::Json => format!("{name} is not valid JSON"),
            ColumnType::Date => format!("{name} is not a valid DATE: expected YYYY-MM-DD"),
            ColumnType::Timestamp => {
                format!(
                    "{name} is not a valid UTC timestamp: expected a value like 2026-11-23T18:52:55.123456Z"
                )
            }
        }
    }
}
