//! Malformed rows: where each stands in its file, and how it is reported.

use super::{Loaded, RowError};
use crate::engine::files::csv::{BYTE_ORDER_MARK, Reader};
use crate::engine::files::formats::Format;
use crate::engine::storage::Rows;
use crate::sql::cursor::literal;
use crate::types::value::{ColumnMeta, SnowflakeType, Value};

/// Notes where in the file the broken records stand, and their text.
pub(super) fn locate(bytes: &[u8], format: &Format, errors: &mut [RowError]) {
    if errors.is_empty() || format.is_json {
        return;
    }
    let mut reader = Reader::new(bytes, format);
    // Places are counted without a byte order mark.
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let (mut row, mut broken) = (0, errors.iter_mut().peekable());
    while broken.peek().is_some() && reader.next_record().is_some() {
        row += 1;
        // Errors are in the order of their rows; a row may have one of its own for parsing and none for converting.
        while let Some(error) = broken.next_if(|e| e.row <= row) {
            let start = reader.record_start;
            let end = bytes.len() - reader.rest().len();
            let record = bytes.get(start..end).unwrap_or_default();
            let record = String::from_utf8_lossy(record);
            error.record = record.trim_end_matches(['\n', '\r']).to_owned();
            if let Some(field) = error.field {
                error.character = reader.starts.get(field).map_or(1, |at| *at as u64 + 1);
            }
            error.offset = start as u64 + error.character.saturating_sub(1);
        }
    }
}

/// The columns of what is told of malformed rows.
pub(super) const COLUMNS: [(&str, SnowflakeType); 12] = [
    ("ERROR", SnowflakeType::TEXT),
    ("FILE", SnowflakeType::TEXT),
    ("LINE", SnowflakeType::INTEGER),
    ("CHARACTER", SnowflakeType::INTEGER),
    ("BYTE_OFFSET", SnowflakeType::INTEGER),
    ("CATEGORY", SnowflakeType::TEXT),
    ("CODE", SnowflakeType::INTEGER),
    ("SQL_STATE", SnowflakeType::TEXT),
    ("COLUMN_NAME", SnowflakeType::TEXT),
    ("ROW_NUMBER", SnowflakeType::INTEGER),
    ("ROW_START_LINE", SnowflakeType::INTEGER),
    ("REJECTED_RECORD", SnowflakeType::TEXT),
];

fn row(load: &Loaded, e: &RowError) -> Vec<Value> {
    let category = match e.error.code {
        "100080" | "100069" | "100016" => "parsing",
        _ => "conversion",
    };
    vec![
        Value::Text(e.error.message.clone()),
        Value::Text(load.key.clone()),
        Value::Number(e.line.into()),
        Value::Number(e.character.into()),
        Value::Number(e.offset.into()),
        Value::Text(category.to_owned()),
        Value::Number(e.error.code.parse().unwrap_or(0)),
        Value::Text(e.error.sqlstate.to_owned()),
        Value::Text(e.column.clone()),
        Value::Number(e.row.into()),
        Value::Number(e.line.into()),
        Value::Text(e.record.clone()),
    ]
}

/// What is malformed in the files, as rows.
pub(super) fn rows(loads: &[Loaded]) -> Rows {
    let all = loads
        .iter()
        .flat_map(|l| l.errors.iter().map(move |e| (l, e)));
    Rows {
        columns: COLUMNS
            .iter()
            .map(|(name, kind)| ColumnMeta::new(*name, kind.clone()))
            .collect(),
        rows: all.map(|(l, e)| row(l, e)).collect(),
    }
}

/// So many rows are written down with one statement.
const RECORDED_AT_ONCE: usize = 1000;

/// The SQL that records what a pipe has found malformed, for VALIDATE_PIPE_LOAD.
pub(super) fn records<'l>(
    load: &'l Loaded,
    pipe: u64,
    now: i64,
) -> impl Iterator<Item = String> + 'l {
    let tuple = move |e: &RowError| {
        let cell = |value| match value {
            Value::Text(text) => literal(&text),
            Value::Number(number) => number.to_string(),
            _ => "null".to_owned(),
        };
        let cells: Vec<String> = row(load, e).into_iter().map(cell).collect();
        format!("({pipe}, {now}, {})", cells.join(", "))
    };
    load.errors.chunks(RECORDED_AT_ONCE).map(move |errors| {
        let tuples: Vec<String> = errors.iter().map(tuple).collect();
        format!("insert into sys_pipe_errors values {}", tuples.join(", "))
    })
}
