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
    /// `TIMESTAMP_TZ(6)`: an instant, with the offset that its source gave: `2026-11-23 18:52:55.123456 +01:00`.
    OffsetTimestamp,
    /// `TIMESTAMP_LTZ(6)`: an instant, shown in each session's time zone: `2026-11-23 17:52:55.123456 +00:00`.
    Instant,
    /// `TIME(6)`: `18:52:55.123456`.
    Time,
    /// `FLOAT`: a finite number of 64 bits, as the shortest text that is read as the same number.
    Float,
    /// `BINARY(n)`: at most `max_bytes`, as hexadecimal digits.
    Binary {
        /// Most bytes.
        max_bytes: u32,
    },
    /// `VARIANT`: JSON.
    Json,
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
            ("TIMESTAMP_TZ", [] | [6]) => Ok(Self::OffsetTimestamp),
            ("TIMESTAMP_LTZ", [] | [6]) => Ok(Self::Instant),
            ("TIME", [] | [6]) => Ok(Self::Time),
            ("FLOAT" | "FLOAT4" | "FLOAT8" | "DOUBLE" | "DOUBLEPRECISION" | "REAL", []) => {
                Ok(Self::Float)
            }
            ("BINARY" | "VARBINARY", []) => Ok(Self::Binary {
                max_bytes: 8_388_608,
            }),
            ("BINARY" | "VARBINARY", &[max_bytes @ 1..=8_388_608]) => {
                Ok(Self::Binary { max_bytes })
            }
            ("VARIANT", []) => Ok(Self::Json),
            ("TIMESTAMP" | "DATETIME", _) => Err(Error::config(format!(
                "invalid type `{text}`: what it is depends on the account; use TIMESTAMP_NTZ(6) for UTC"
            ))),
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
        "invalid type `{text}`: expected VARCHAR(n), NUMBER(p,s), FLOAT, BOOLEAN, DATE, TIME(6), TIMESTAMP_NTZ(6), TIMESTAMP_TZ(6), TIMESTAMP_LTZ(6), BINARY(n) or VARIANT"
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
            Self::OffsetTimestamp => f.write_str("timestamp_tz(6)"),
            Self::Instant => f.write_str("timestamp_ltz(6)"),
            Self::Time => f.write_str("time(6)"),
            Self::Float => f.write_str("float"),
            Self::Binary { max_bytes } => write!(f, "binary({max_bytes})"),
            Self::Json => f.write_str("variant"),
        }
    }
}
