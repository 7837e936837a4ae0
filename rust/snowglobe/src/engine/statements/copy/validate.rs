//! What a COPY finds broken, told in full: VALIDATION_MODE, which loads nothing, and VALIDATE, which looks back.

use super::convert::{abort, convert};
use super::{Copy, Loaded, OnError, RowError, load};
use crate::engine::compile::Context;
use crate::engine::files::csv::{BYTE_ORDER_MARK, Reader};
use crate::engine::files::formats::Format;
use crate::engine::session::Session;
use crate::engine::state::copies::Found;
use crate::engine::storage;
use crate::engine::storage::Rows;
use crate::sql::cursor::{literal, quoted};
use crate::sql::types;
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::{ColumnMeta, QueryResult, SnowflakeType, StatementKind, Value};

/// What VALIDATION_MODE asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Validation {
    /// The first rows, or the first error in them.
    Rows(u64),
    Errors,
    /// Also those of files that were loaded in part.
    AllErrors,
}

impl Validation {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let upper = text.to_uppercase();
        let rows = upper
            .strip_prefix("RETURN_")
            .and_then(|t| t.strip_suffix("_ROWS"))
            .and_then(|n| n.parse().ok());
        match (upper.as_str(), rows) {
            ("RETURN_ERRORS", _) => Ok(Self::Errors),
            ("RETURN_ALL_ERRORS", _) => Ok(Self::AllErrors),
            (_, Some(rows)) => Ok(Self::Rows(rows)),
            _ => Err(SnowflakeError::new(
                "001008",
                "22023",
                format!(
                    "SQL compilation error:\ninvalid value [{text}] for parameter 'VALIDATION_MODE'"
                ),
            )),
        }
    }
}

/// How many COPYs a session remembers.
const REMEMBERED: usize = 20;

/// Remembers what the COPY that runs has found.
pub(super) fn remember(session: &mut Session, copy: &Copy, loads: &[Loaded]) {
    let errors = copy
        .select
        .is_none()
        .then(|| std::sync::Arc::new(rows(loads)));
    session.copies.push(Found {
        query_id: session.query_id.clone(),
        target: copy.target.id,
        errors,
    });
    if session.copies.len() > REMEMBERED {
        session.copies.remove(0);
    }
}

/// Runs COPY with VALIDATION_MODE.
pub(super) fn run(session: &mut Session, copy: &Copy, mode: Validation) -> Result<QueryResult> {
    let files = copy.new_files(session, mode == Validation::AllErrors)?;
    load::make_ready(session, copy)?;
    let answer = match mode {
        Validation::Rows(count) => first_rows(session, copy, &files, count),
        Validation::Errors | Validation::AllErrors => files
            .iter()
            .enumerate()
            .map(|(n, file)| {
                convert(
                    session,
                    copy,
                    file,
                    n,
                    (OnError::Continue, OnError::Continue),
                )
            })
            .collect::<Result<Vec<Loaded>>>()
            .map(|loads| rows(&loads)),
    };
    load::drop_ready(session);
    let Rows { columns, rows } = answer?;
    Ok(QueryResult {
        columns,
        rows,
        kind: StatementKind::Select,
        ..QueryResult::default()
    })
}

fn first_rows(
    session: &Session,
    copy: &Copy,
    files: &[crate::object_store::ObjectMeta],
    count: u64,
) -> Result<Rows> {
    let mut left = count;
    for (number, file) in files.iter().enumerate() {
        if left == 0 {
            break;
        }
        let load = convert(
            session,
            copy,
            file,
            number,
            (OnError::Continue, OnError::Continue),
        )?;
        if let Some(first) = load.errors.iter().find(|e| e.row <= left) {
            return Err(abort(copy, file, first));
        }
        left = left.saturating_sub(load.parsed);
    }
    let names: Vec<String> = copy
        .targets()?
        .iter()
        .enumerate()
        .map(|(n, c)| format!("c{n} as {}", quoted(&c.name)))
        .collect();
    storage::query(
        &session.connection,
        &format!(
            "select {} from _ready order by _file, rowid limit {count}",
            names.join(", ")
        ),
    )
}

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
const COLUMNS: [(&str, SnowflakeType); 12] = [
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

fn rows(loads: &[Loaded]) -> Rows {
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

/// The rows of `VALIDATE_PIPE_LOAD`: what a pipe has found malformed from one time to another.
///
/// # Errors
/// If the pipe's COPY has a transformation.
pub(crate) fn pipe_load(
    context: &Context<'_>,
    pipe: u64,
    text: &str,
    (from, to): (i64, i64),
) -> Result<Rows> {
    if Copy::is_transformation(text)? {
        return Err(transformed("VALIDATE_PIPE_LOAD"));
    }
    let since = context.now - VALIDATED_DAYS * 86_400_000_000;
    let column = |(name, kind): &(&str, SnowflakeType)| {
        let name = quoted(name);
        format!("{name}::{} as {name}", types::duckdb(kind))
    };
    let columns: Vec<String> = COLUMNS.iter().map(column).collect();
    storage::query(
        context.connection,
        &format!(
            "select {} from sys_pipe_errors where pipe = {pipe} and loaded_micros between {} and {to} order by loaded_micros, file, row_number",
            columns.join(", "),
            from.max(since)
        ),
    )
}

/// How long VALIDATE_PIPE_LOAD remembers.
const VALIDATED_DAYS: i64 = 14;

pub(crate) fn transformed(function: &str) -> SnowflakeError {
    SnowflakeError::compilation(format!(
        "{function} does not support a COPY that transforms data during a load"
    ))
}
