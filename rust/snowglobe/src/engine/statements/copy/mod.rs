//! COPY INTO a table, and from one into files.
//!
//! - `parse`: the statement
//! - `load`: both ways of loading; `record` is what they share, and what is recorded of a file
//! - `fast`: the way of files in which nothing is wrong
//! - `convert`: the careful way: rows as values of the table's columns, where a broken row is found without harm; what ON_ERROR lets through is inserted
//! - `by_name`: which field goes into which column
//! - `transform`: what a SELECT in a COPY may say
//! - `files`: COPY FILES, from one stage into another
//! - `unload`: COPY INTO a location, with `writer` for the records
//! - `malformed`: malformed rows, and how they are reported
//! - `validate`: VALIDATION_MODE, and what VALIDATE finds

mod by_name;
mod convert;
mod fast;
mod files;
mod load;
mod malformed;
mod parse;
mod record;
#[cfg(test)]
mod tests;
mod transform;
mod unload;
mod validate;
mod writer;

use std::collections::BTreeSet;
use std::sync::Arc;

use sqlparser::tokenizer::Token;

use super::stages::{self, Location};
use crate::engine::catalog::{Column, Object};
use crate::engine::compile::Variables;
use crate::engine::files::formats::Format;
use crate::engine::session::Session;
use crate::engine::storage;
use crate::object_store::ObjectMeta;
use crate::sql::cursor::{Cursor, literal};
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::{
    Binds, ColumnMeta, QueryResult, RowStats, SnowflakeType, StatementKind, Value,
};

use by_name::{MatchBy, Taken};
pub(crate) use load::load;
use validate::Validation;
pub(crate) use validate::{pipe_load, transformed};

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

impl OnError {
    /// The errors at which a file of so many rows is not loaded, as results show it.
    fn limit(self, parsed: u64) -> u64 {
        match self {
            Self::Continue => parsed,
            Self::Abort => 1,
            Self::SkipFile(limit) => limit,
            Self::SkipPercent(percent) => parsed * percent / 100,
        }
    }
}

/// A parsed COPY.
#[derive(Clone)]
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
    /// Whether files whose load status is not known any more are loaded.
    load_uncertain: bool,
    size_limit: Option<u64>,
    truncate_columns: bool,
    return_failed_only: bool,
    match_by: MatchBy,
    /// Columns that take metadata of the file, with the metadata's name.
    metadata: Vec<(String, String)>,
    /// What each column takes of the file that is read, where that goes by names.
    fields: Vec<Taken>,
    validation: Option<Validation>,
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
    /// The field that could not be converted, from 0.
    pub field: Option<usize>,
    /// `"T"["C":1]`
    pub column: String,
    pub error: SnowflakeError,
    /// Where in the file it stands, and the record's text.
    pub offset: u64,
    pub record: String,
}

/// How long COPY remembers what it has loaded.
const LOAD_METADATA_DAYS: i64 = 64;

fn load_metadata_since(session: &Session) -> i64 {
    session.shared.options.clock.now_micros() - LOAD_METADATA_DAYS * 86_400_000_000
}

/// Runs what follows `COPY`.
pub(crate) fn run(
    session: &mut Session,
    mut cursor: Cursor<'_>,
    binds: &Binds,
    variables: &Variables,
) -> Result<QueryResult> {
    if cursor.accept("FILES") {
        return files::run(session, cursor);
    }
    cursor.expect("INTO")?;
    if cursor
        .peek()
        .is_some_and(|l| matches!(l.token, Token::AtSign | Token::SingleQuotedString(_)))
    {
        return unload::run(session, cursor, binds, variables);
    }
    let context = session.context(binds, variables);
    let copy = Copy::parse(&context, &mut cursor)?;
    drop(context);
    if let Some(mode) = copy.validation {
        return validate::run(session, &copy, mode);
    }
    let files = copy.new_files(session, false)?;
    let loads = load(session, &copy, files, 0, OnError::Abort, None)?;
    validate::remember(session, &copy, &loads);
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
            first
                .filter(|e| !e.column.is_empty())
                .map_or(Value::Null, |e| Value::Text(e.column.clone())),
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
    /// The files that have not been loaded yet; `or_in_part` also those that were loaded in part.
    fn new_files(&self, session: &Session, or_in_part: bool) -> Result<Vec<ObjectMeta>> {
        let listed = match &self.files {
            None => self.location.list(&session.shared)?,
            Some(files) => files
                .iter()
                .map(|file| stages::head(&session.shared, &self.location, &self.location.key(file)))
                .collect::<Result<_>>()?,
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
        let known = self.known(session, or_in_part)?;
        let forgotten = self.uncertain_before(session)?;
        Ok(listed
            .filter(|f| !known.contains(&(f.key.clone(), f.etag.clone())))
            .filter(|f| self.load_uncertain || f.modified_micros >= forgotten)
            .collect())
    }

    /// Until when a file was staged whose load status is not known any more: COPY may have loaded it, and forgotten that since.
    fn uncertain_before(&self, session: &Session) -> Result<i64> {
        let since = load_metadata_since(session);
        let first = storage::count(
            &session.connection,
            &format!(
                "select coalesce(min(loaded_micros), {since}) from sys_loads where target = {} and pipe = 0 and counts",
                self.target.id
            ),
        )?;
        Ok(if first < since { since } else { i64::MIN })
    }

    /// Paths and ETags that COPY has loaded into the table, in transactions that are open too.
    fn known(&self, session: &Session, only_whole: bool) -> Result<BTreeSet<(String, String)>> {
        let mut known = BTreeSet::new();
        let (target, bucket) = (self.target.id, &self.location.bucket);
        for transaction in &session.transactions {
            let mine = transaction.loaded.iter();
            let mine = mine.filter(|l| l.target == target && l.bucket == *bucket);
            known.extend(mine.map(|l| (l.key.clone(), l.etag.clone())));
        }
        if session
            .transactions
            .iter()
            .any(|t| t.forgotten.contains(&target))
        {
            return Ok(known);
        }
        let since = load_metadata_since(session);
        let whole = if only_whole {
            " and status = 'LOADED'"
        } else {
            ""
        };
        let rows = storage::query(
            &session.connection,
            &format!(
                "select path, etag from sys_loads where target = {target} and pipe = 0 and counts and location = {} and loaded_micros > {since}{whole}",
                literal(bucket)
            ),
        )?;
        known.extend(
            rows.rows
                .into_iter()
                .filter_map(|row| match row.as_slice() {
                    [Value::Text(path), Value::Text(etag)] => Some((path.clone(), etag.clone())),
                    _ => None,
                }),
        );
        Ok(known)
    }
}
