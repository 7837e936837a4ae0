//! What a COPY finds broken, told in full: VALIDATION_MODE, which loads nothing, and VALIDATE, which looks back.

use super::convert::{abort, convert};
use super::{Copy, Loaded, OnError, RowError, load};
use crate::engine::compile::Context;
use crate::engine::csv::Reader;
use crate::engine::error::{Result, SnowflakeError};
use crate::engine::formats::Format;
use crate::engine::session::Session;
use crate::engine::storage::{self, Rows};
use crate::engine::value::{ColumnMeta, QueryResult, SnowflakeType, StatementKind, Value};
use crate::sql::cursor::{Name, quoted};

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

/// What a COPY of this session has found, for VALIDATE.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    query_id: String,
    target: u64,
    /// None for a transformation, which VALIDATE does not look into.
    errors: Option<std::sync::Arc<Rows>>,
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

/// The rows of `VALIDATE(table, JOB_ID => id)`.
///
/// # Errors
/// If the session has run no such COPY, or a transformation.
pub(crate) fn table_function(context: &Context<'_>, table: &str, job: &str) -> Result<Rows> {
    let table = context.find_relation(&Name::parse(table)?)?;
    let found = context.copies.iter().rev().find(|found| match job {
        "_last" => true,
        id => found.query_id == id && found.target == table.id,
    });
    let found = found.ok_or_else(|| {
        SnowflakeError::compilation(format!(
            "VALIDATE: this session has run no COPY with the id '{job}' into table {}",
            table.short()
        ))
    })?;
    let errors = found.errors.as_ref().ok_or_else(|| {
        SnowflakeError::compilation("VALIDATE does not look into a COPY with a transformation")
    })?;
    Ok(Rows::clone(errors))
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
    files: &[crate::engine::objects::ObjectMeta],
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
            error.offset = start as u64 + error.character.saturating_sub(1);
        }
    }
}

fn rows(loads: &[Loaded]) -> Rows {
    let text = |name: &str| ColumnMeta::new(name, SnowflakeType::TEXT);
    let number = |name: &str| ColumnMeta::new(name, SnowflakeType::INTEGER);
    let columns = vec![
        text("ERROR"),
        text("FILE"),
        number("LINE"),
        number("CHARACTER"),
        number("BYTE_OFFSET"),
        text("CATEGORY"),
        number("CODE"),
        text("SQL_STATE"),
        text("COLUMN_NAME"),
        number("ROW_NUMBER"),
        number("ROW_START_LINE"),
        text("REJECTED_RECORD"),
    ];
    let row = |load: &Loaded, e: &RowError| {
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
    };
    let all = loads
        .iter()
        .flat_map(|l| l.errors.iter().map(move |e| (l, e)));
    Rows {
        columns,
        rows: all.map(|(l, e)| row(l, e)).collect(),
    }
}
