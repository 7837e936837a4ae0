//! COPY INTO a table.
//!
//! - `parse`: the statement
//! - `convert`: a file's rows as values of the table's columns, where a broken row can be found without harm
//! - `load`: what ON_ERROR lets through is inserted, and what was loaded is recorded, in one transaction

mod convert;
mod load;
mod parse;

use std::sync::Arc;

use sqlparser::tokenizer::Token;

use super::catalog::Object;
use super::dml::Variables;
use super::error::{Result, SnowflakeError};
use super::formats::Format;
use super::objects::ObjectMeta;
use super::session::Session;
use super::stages::{self, Location};
use super::storage;
use super::value::{Binds, ColumnMeta, QueryResult, RowStats, SnowflakeType, StatementKind, Value};
use crate::sql::cursor::{Cursor, literal};

pub(crate) use load::load;

/// What to do about broken rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OnError {
    Continue,
    /// Skip a file with as many errors.
    SkipFile(u64),
    /// Skip a file with that share of errors, in percent.
    SkipPercent(u64),
    Abort,
}

/// A parsed COPY.
pub struct Copy {
    pub target: Arc<Object>,
    columns: Vec<String>,
    pub location: Location,
    marker: String,
    /// The transformation, if there is one.
    select: Option<String>,
    files: Option<Vec<String>>,
    pub pattern: Option<String>,
    format: Format,
    pub on_error: Option<OnError>,
    purge: bool,
    force: bool,
    size_limit: Option<u64>,
    truncate_columns: bool,
    return_failed_only: bool,
}

/// What became of one file.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub key: String,
    pub shown: String,
    pub size: u64,
    pub parsed: u64,
    pub loaded: u64,
    pub error_limit: u64,
    pub errors: Vec<RowError>,
    pub status: &'static str,
}

/// A broken row.
#[derive(Clone, Debug)]
pub struct RowError {
    pub row: u64,
    pub line: u64,
    pub character: u64,
    /// `"T"["C":1]`
    pub column: String,
    pub error: SnowflakeError,
}

/// How long COPY remembers what it has loaded.
const LOAD_METADATA_DAYS: i64 = 64;

/// Runs what follows `COPY`.
pub(crate) fn run(
    session: &mut Session,
    mut cursor: Cursor<'_>,
    binds: &Binds,
    variables: &Variables,
) -> Result<QueryResult> {
    cursor.expect("INTO")?;
    if cursor
        .peek()
        .is_some_and(|l| matches!(l.token, Token::AtSign | Token::SingleQuotedString(_)))
    {
        return Err(SnowflakeError::unsupported(
            "COPY INTO a location (unloading)",
        ));
    }
    let context = session.context(binds, variables);
    let copy = Copy::parse(&context, &mut cursor)?;
    drop(context);
    let files = copy.new_files(session)?;
    let loads = load(session, &copy, files, 0, OnError::Abort, None)?;
    Ok(answer(&copy, &loads))
}

fn answer(copy: &Copy, loads: &[Loaded]) -> QueryResult {
    let text = |name: &str| ColumnMeta::new(name, SnowflakeType::TEXT);
    let number = |name: &str| {
        ColumnMeta::new(
            name,
            SnowflakeType::Number {
                precision: 18,
                scale: 0,
            },
        )
    };
    if loads.is_empty() {
        return QueryResult {
            kind: StatementKind::Copy,
            ..QueryResult::status("Copy executed with 0 files processed.")
        };
    }
    let optional = |n: Option<u64>| n.map_or(Value::Null, |n| Value::Number(n.into()));
    let row = |load: &Loaded| {
        let first = load.errors.first();
        vec![
            Value::Text(load.shown.clone()),
            Value::Text(load.status.to_owned()),
            Value::Number(load.parsed.into()),
            Value::Number(load.loaded.into()),
            Value::Number(load.error_limit.into()),
            Value::Number(load.errors.len() as i128),
            first.map_or(Value::Null, |e| Value::Text(e.error.message.clone())),
            optional(first.map(|e| e.line)),
            optional(first.map(|e| e.character)),
            first.map_or(Value::Null, |e| Value::Text(e.column.clone())),
        ]
    };
    let shown = loads
        .iter()
        .filter(|l| !copy.return_failed_only || l.status != "LOADED");
    QueryResult {
        columns: vec![
            text("file"),
            text("status"),
            number("rows_parsed"),
            number("rows_loaded"),
            number("error_limit"),
            number("errors_seen"),
            text("first_error"),
            number("first_error_line"),
            number("first_error_character"),
            text("first_error_column_name"),
        ],
        rows: shown.map(row).collect(),
        stats: RowStats {
            inserted: loads.iter().map(|l| l.loaded).sum(),
            ..RowStats::default()
        },
        kind: StatementKind::Copy,
        ..QueryResult::default()
    }
}

impl Copy {
    fn new_files(&self, session: &Session) -> Result<Vec<ObjectMeta>> {
        let listed = match &self.files {
            None => self.location.list(&session.shared)?,
            Some(files) => {
                let store = &session.shared.options.object_store;
                let head = |file: &String| {
                    let key = self.location.key(file);
                    store.head(&self.location.bucket, &key).map_err(|_| {
                        SnowflakeError::new("091016", "22000", format!("Remote file '{}' was not found. If you are running a copy command, please make sure files are not deleted when they are being loaded.", self.location.show(&key)))
                    })
                };
                files.iter().map(head).collect::<Result<_>>()?
            }
        };
        let listed = stages::matching(
            &session.connection,
            listed,
            &self.location,
            self.pattern.as_deref(),
        )?;
        let listed = listed.into_iter().filter(|f| !f.key.ends_with('/'));
        if self.force {
            return Ok(listed.collect());
        }
        let since = session.shared.options.clock.now_micros() - LOAD_METADATA_DAYS * 86_400_000_000;
        let known = storage::query(
            &session.connection,
            &format!(
                "select path, etag from sys_loads where target = {} and pipe = 0 and counts and location = {} and loaded_micros > {since}",
                self.target.id,
                literal(&self.location.bucket)
            ),
        )?;
        let known: std::collections::BTreeSet<(String, String)> = known
            .rows
            .into_iter()
            .filter_map(|row| match row.as_slice() {
                [Value::Text(path), Value::Text(etag)] => Some((path.clone(), etag.clone())),
                _ => None,
            })
            .collect();
        Ok(listed
            .filter(|f| !known.contains(&(f.key.clone(), f.etag.clone())))
            .collect())
    }
}
