//! Named sources: presets of the keys that a source's files need. A contract may override each key.

use crate::error::{Error, Result};

/// Debezium's placeholder for a large value that did not change.
const UNAVAILABLE: &str = "__debezium_unavailable_value";

/// The keys that a named source sets.
#[derive(Default)]
pub(super) struct Preset {
    pub format: Option<&'static str>,
    pub header: Option<&'static str>,
    pub nulls: Option<&'static [&'static str]>,
    pub unchanged: &'static [&'static str],
    /// The column of the file that holds the operation.
    pub operation: Option<&'static str>,
    /// Whether rows may omit it.
    pub is_operation_optional: bool,
}

pub(super) fn named(name: &str) -> Result<Preset> {
    let of_format = |format| Preset {
        format: Some(format),
        ..Preset::default()
    };
    Ok(match name {
        "firn" | "csv" => of_format("csv"),
        "jsonl" => of_format("jsonl"),
        "debezium" => Preset {
            unchanged: &[UNAVAILABLE],
            ..of_format("debezium")
        },
        // The text files of AWS DMS have no header unless `AddColumnName` is set; the first column is the operation, which full
        // loads may omit.
        "dms" => Preset {
            header: Some("none"),
            nulls: Some(&["", "NULL"]),
            operation: Some("Op"),
            is_operation_optional: true,
            ..Preset::default()
        },
        _ => {
            return Err(Error::config(format!(
                "source.preset: invalid value `{}`: expected firn, csv, jsonl, debezium, dms",
                name.escape_debug()
            )));
        }
    })
}
