//! Reads a staged file's records into a temporary table, exactly: each broken one is told with its place.

use duckdb::Connection;

use crate::engine::files::csv::{Fault, Reader};
use crate::engine::files::formats::Format;
use crate::engine::storage;
use crate::object_store::ObjectMeta;
use crate::sql::cursor::quoted;
use crate::types::error::{Result, SnowflakeError};

/// A file read into a temporary table.
pub struct StagedFile {
    /// Records in it.
    pub parsed: u64,
    /// Broken records: row, line, character, fault.
    pub faults: Vec<(u64, u64, u64, Fault)>,
}

/// Makes the temporary table that staged files are read into.
///
/// # Errors
/// If DuckDB refuses.
pub fn create_table(connection: &Connection, table: &str, width: usize) -> Result<()> {
    let columns: String = (1..=width)
        .map(|n| format!(", {} varchar", quoted(&format!("${n}"))))
        .collect();
    storage::run(
        connection,
        &format!(
            "create or replace temp table {table}(\"METADATA$FILENAME\" varchar, \"METADATA$FILE_ROW_NUMBER\" decimal(38,0), _line bigint, \
             \"METADATA$FILE_CONTENT_KEY\" varchar, \"METADATA$FILE_LAST_MODIFIED\" timestamp, \"METADATA$START_SCAN_TIME\" timestamptz{columns})"
        ),
    )
}

/// How many columns the widest record has.
pub fn width(bytes: &[u8], format: &Format) -> usize {
    if format.is_json {
        return 1;
    }
    let mut reader = Reader::new(bytes, format);
    let mut width = 1;
    while let Some(record) = reader.next_record() {
        if record.is_ok() {
            width = width.max(reader.fields.len());
        }
    }
    width
}

/// A file as it was read.
pub struct Source<'a> {
    pub bytes: &'a [u8],
    pub format: &'a Format,
    pub object: &'a ObjectMeta,
    /// As `METADATA$FILENAME` has it.
    pub name: &'a str,
}

/// Appends the file's records to the table. `expected` columns are asked for, if the format insists.
///
/// # Errors
/// If DuckDB refuses.
pub fn append(
    connection: &Connection,
    table: &str,
    source: &Source<'_>,
    width: usize,
    expected: Option<usize>,
    now: i64,
) -> Result<StagedFile> {
    let Source {
        bytes,
        format,
        object,
        name,
    } = *source;
    use duckdb::types::{TimeUnit, Value as V};
    let mut staged = StagedFile {
        parsed: 0,
        faults: Vec::new(),
    };
    let mut appender = connection
        .appender(table)
        .map_err(SnowflakeError::internal)?;
    let mut row_number = 0_u64;
    let mut push = |row: u64, line: u64, fields: &[Option<Vec<u8>>]| -> Result<()> {
        let mut values = vec![
            V::Text(name.to_owned()),
            V::HugeInt(row.into()),
            V::BigInt(i64::try_from(line).unwrap_or(0)),
            V::Text(object.etag.clone()),
            V::Timestamp(TimeUnit::Microsecond, object.modified_micros),
            V::Timestamp(TimeUnit::Microsecond, now),
        ];
        for at in 0..width {
            values.push(match fields.get(at).and_then(Option::as_ref) {
                Some(bytes) => V::Text(String::from_utf8_lossy(bytes).into_owned()),
                None => V::Null,
            });
        }
        appender
            .append_row(duckdb::appender_params_from_iter(values))
            .map_err(SnowflakeError::internal)
    };
    if format.is_json {
        for document in json_documents(bytes, format) {
            row_number += 1;
            staged.parsed += 1;
            match document {
                Ok(text) => push(row_number, row_number, &[Some(text.into_bytes())])?,
                Err(message) => {
                    staged
                        .faults
                        .push((row_number, row_number, 1, Fault { message, column: 1 }))
                }
            }
        }
    } else {
        let mut reader = Reader::new(bytes, format);
        while let Some(record) = reader.next_record() {
            row_number += 1;
            staged.parsed += 1;
            let checked = record.and_then(|()| check_record(&reader.fields, format, expected));
            match checked {
                Ok(()) => push(row_number, reader.record_line, &reader.fields)?,
                Err(fault) => {
                    let start = reader.starts.get(fault.column.saturating_sub(1));
                    let start = start.copied().unwrap_or(0);
                    staged
                        .faults
                        .push((row_number, reader.record_line, start as u64 + 1, fault));
                }
            }
        }
    }
    drop(appender);
    Ok(staged)
}

fn check_record(
    fields: &[Option<Vec<u8>>],
    format: &Format,
    expected: Option<usize>,
) -> std::result::Result<(), Fault> {
    if let Some(expected) = expected
        && format.error_on_column_count_mismatch
        && fields.len() != expected
    {
        let message = format!(
            "Number of columns in file ({}) does not match that of the corresponding table ({expected}), use file format option error_on_column_count_mismatch=false to ignore this error",
            fields.len()
        );
        return Err(Fault {
            message,
            column: fields.len().min(expected),
        });
    }
    if !format.replace_invalid_characters {
        for (at, field) in fields.iter().enumerate() {
            if let Some(field) = field
                && std::str::from_utf8(field).is_err()
            {
                let hex: String = field.iter().take(20).map(|b| format!("{b:02X}")).collect();
                return Err(Fault {
                    message: format!("Invalid UTF8 detected in string '0x{hex}'"),
                    column: at + 1,
                });
            }
        }
    }
    Ok(())
}

fn json_documents(bytes: &[u8], format: &Format) -> Vec<std::result::Result<String, String>> {
    let mut found = Vec::new();
    for document in serde_json::Deserializer::from_slice(bytes).into_iter::<serde_json::Value>() {
        match document {
            Ok(serde_json::Value::Array(items)) if format.strip_outer_array => {
                found.extend(items.into_iter().map(|item| Ok(item.to_string())));
            }
            Ok(value) => found.push(Ok(value.to_string())),
            Err(error) => found.push(Err(format!("Error parsing JSON: {error}"))),
        }
    }
    found
}
