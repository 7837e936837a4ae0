//! What a COPY finds broken, told in full: VALIDATION_MODE, which loads nothing, and VALIDATE, which looks back.

use super::convert::{abort, convert};
use super::malformed::{COLUMNS, rows};
use super::{Copy, Loaded, OnError, record};
use crate::engine::compile::Context;
use crate::engine::session::Session;
use crate::engine::state::copies::Found;
use crate::engine::storage;
use crate::engine::storage::Rows;
use crate::sql::cursor::quoted;
use crate::sql::types;
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::{QueryResult, SnowflakeType, StatementKind};

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
    record::make_ready(session, copy)?;
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
    record::drop_ready(session);
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
    let since = context.snapshot.now - VALIDATED_DAYS * 86_400_000_000;
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
