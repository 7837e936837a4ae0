//! Columns as answers describe them.

use crate::engine::{ColumnMeta, SnowflakeType};
use serde_json::{Value as Json, json};

/// One entry of `rowType`.
pub fn column_type(column: &ColumnMeta) -> Json {
    let (kind, precision, scale, length) = match column.kind {
        SnowflakeType::Number { precision, scale } => ("fixed", Some(precision), Some(scale), None),
        SnowflakeType::Float => ("real", None, None, None),
        SnowflakeType::Varchar { length } => ("text", None, None, Some(length)),
        SnowflakeType::Binary { length } => ("binary", None, None, Some(length)),
        SnowflakeType::Boolean => ("boolean", None, None, None),
        SnowflakeType::Date => ("date", None, None, None),
        SnowflakeType::Time { scale } => ("time", Some(0), Some(scale), None),
        SnowflakeType::TimestampNtz { scale } => ("timestamp_ntz", Some(0), Some(scale), None),
        SnowflakeType::TimestampLtz { scale } => ("timestamp_ltz", Some(0), Some(scale), None),
        SnowflakeType::TimestampTz { scale } => ("timestamp_tz", Some(0), Some(scale), None),
        SnowflakeType::Variant => ("variant", None, None, None),
        SnowflakeType::Object => ("object", None, None, None),
        SnowflakeType::Array => ("array", None, None, None),
    };
    // Snowflake counts up to four bytes a character, and never more than 16 MiB.
    let byte_length = length.map(|length| {
        if kind == "text" {
            (length * 4).min(16_777_216)
        } else {
            length
        }
    });
    json!({
        "name": column.name,
        "database": "",
        "schema": "",
        "table": "",
        "nullable": column.nullable,
        "type": kind,
        "precision": precision,
        "scale": scale,
        "length": length,
        "byteLength": byte_length,
        "collation": null,
    })
}
