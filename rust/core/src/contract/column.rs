//! A column and the types that a contract may use, with the text that each accepts.

use std::fmt;

use super::Position;
use crate::error::{Error, Result};

/// One column of the target.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Column {
    /// Its name, as the file's header spells it.
    pub name: String,
    /// The type of its values.
    pub kind: ColumnType,
    /// Whether inserts and updates must fill it.
    pub required: bool,
    /// How its texts are compared, if they are positions in a log.
    pub position: Option<Position>,
}

/// The types of values, named as Snowflake does.
///
/// Floating point is missing on purpose: two rows that print alike could differ.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ColumnType {
    /// `VARCHAR(n)`: at most `max_chars` Unicode characters.
    Text {
        /// Most characters (not bytes).
        max_chars: u32,
    },
    /// `NUMBER(p,s)`: at most `precision` digits, `scale` of them after the point.
    Number {
        /// Digits in all, 1 to 38.
        precision: u8,
        /// Digits after the point.
        scale: u8,
    },
    /// `BOOLEAN`: `true` or `false`.
    Boolean,
    /// `DATE`: `2026-11-23`.
    Date,
    /// `TIMESTAMP_NTZ(6)`: UTC with at most microseconds, `2026-11-23T18:52:55.123456Z`.
    Timestamp,
}

impl ColumnType {
    /// Reads a type as Snowflake spells it.
    ///
    /// # Errors
    /// `Config` if the type is unknown or its sizes are out of range.
    pub fn parse(text: &str) -> Result<Self> {
        let upper: String = text.to_ascii_uppercase().split_whitespace().collect();
        let (name, sizes) = match upper.split_once('(') {
            Some((name, rest)) => (name, rest.strip_suffix(')').ok_or_else(|| unknown(text))?),
            None => (upper.as_str(), ""),
        };
        let sizes: Vec<u32> = if sizes.is_empty() {
            Vec::new()
        } else {
            sizes
                .split(',')
                .map(|size| size.parse().map_err(|_| unknown(text)))
                .collect::<Result<_>>()?
        };
        match (name, sizes.as_slice()) {
            ("VARCHAR" | "STRING" | "TEXT", &[max_chars @ 1..=16_777_216]) => {
                Ok(Self::Text { max_chars })
            }
            ("VARCHAR" | "STRING" | "TEXT", []) => Ok(Self::Text {
                max_chars: 16_777_216,
            }),
            ("NUMBER" | "DECIMAL" | "NUMERIC", []) => Ok(Self::Number {
                precision: 38,
                scale: 0,
            }),
            ("NUMBER" | "DECIMAL" | "NUMERIC", &[precision @ 1..=38]) => number(precision, 0, text),
            ("NUMBER" | "DECIMAL" | "NUMERIC", &[precision @ 1..=38, scale]) => {
                number(precision, scale, text)
            }
            ("BOOLEAN", []) => Ok(Self::Boolean),
            ("DATE", []) => Ok(Self::Date),
            ("TIMESTAMP_NTZ", [] | [6]) => Ok(Self::Timestamp),
            ("FLOAT" | "DOUBLE" | "REAL", _) => Err(Error::config(format!(
                "invalid type `{text}`: floating-point values do not compare exactly; use NUMBER(p,s)"
            ))),
            ("TIMESTAMP_LTZ" | "TIMESTAMP_TZ" | "TIMESTAMP" | "DATETIME", _) => {
                Err(Error::config(format!(
                    "invalid type `{text}`: it depends on a time zone; use TIMESTAMP_NTZ(6) for UTC"
                )))
            }
            _ => Err(unknown(text)),
        }
    }
}

fn number(precision: u32, scale: u32, text: &str) -> Result<ColumnType> {
    match (u8::try_from(precision), u8::try_from(scale)) {
        (Ok(precision), Ok(scale)) if scale <= precision => {
            Ok(ColumnType::Number { precision, scale })
        }
        _ => Err(unknown(text)),
    }
}

fn unknown(text: &str) -> Error {
    Error::config(format!(
        "invalid type `{text}`: expected VARCHAR(n), NUMBER(p,s), BOOLEAN, DATE or TIMESTAMP_NTZ(6)"
    ))
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text { max_chars } => write!(f, "varchar({max_chars})"),
            Self::Number { precision, scale } => write!(f, "number({precision},{scale})"),
            Self::Boolean => f.write_str("boolean"),
            Self::Date => f.write_str("date"),
            Self::Timestamp => f.write_str("timestamp_ntz(6)"),
        }
    }
}
