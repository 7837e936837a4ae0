//! Stages: LIST and REMOVE here, and
//!
//! - `location`: where a name or an address leads
//! - `file`: a file's bytes, unpacked, and its format
//! - `records`: its records in a temporary table, read exactly
//! - `query`: stages as relations of a statement

mod file;
mod integration;
mod location;
mod query;
mod records;

use std::sync::Arc;

use duckdb::Connection;

use crate::engine::compile::Variables;
use crate::engine::compile::take_stage;
use crate::engine::session::Session;
use crate::engine::state::shared::Shared;
use crate::engine::storage;
use crate::object_store::{INTERNAL_BUCKET, ObjectMeta};
use crate::sql::cursor::Cursor;
use crate::sql::properties::Properties;
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::{Binds, ColumnMeta, QueryResult, SnowflakeType, StatementKind, Value};

pub use file::{format_for, head, open, read};
pub(crate) use integration::validate_integration;
pub(crate) use location::aws_role;
pub use location::{Location, locate, locate_to_write};
pub(crate) use query::with_staged;
pub use query::{highest_column, relation};
pub use records::{Source, append, create_table, width};

/// Removes the files of an internal stage that is no more.
pub fn empty(shared: &Shared, stage: u64) {
    let store = &shared.options.object_store;
    for file in store
        .list(INTERNAL_BUCKET, &format!("{stage}/"))
        .unwrap_or_default()
    {
        if let Err(error) = store.delete(INTERNAL_BUCKET, &file.key) {
            log::warn!("a file of a dropped stage stays: {}: {error}", file.key);
        }
    }
}

/// The files whose path matches the pattern, which must match all of it.
///
/// # Errors
/// If the pattern is no regular expression.
pub fn matching(
    connection: &Connection,
    files: Vec<ObjectMeta>,
    location: &Location,
    pattern: Option<&str>,
) -> Result<Vec<ObjectMeta>> {
    let Some(pattern) = pattern else {
        return Ok(files);
    };
    let mut kept = Vec::new();
    for file in files {
        let path = file.key.strip_prefix(&location.base).unwrap_or(&file.key);
        let sql = format!(
            "select regexp_full_match({}, {})",
            crate::sql::cursor::literal(path),
            crate::sql::cursor::literal(pattern)
        );
        if storage::count(connection, &sql)? != 0 {
            kept.push(file);
        }
    }
    Ok(kept)
}

/// LIST and REMOVE. PUT and GET are refused: drivers would move the files, and are given no address to move them to.
pub(crate) fn run(session: &mut Session, mut cursor: Cursor<'_>) -> Result<QueryResult> {
    let word = cursor.identifier()?;
    if word == "PUT" || word == "GET" {
        let instead = match word.as_str() {
            "PUT" => {
                "put files into a bucket over S3, and COPY FILES brings them into an internal stage"
            }
            _ => {
                "COPY FILES brings files out of an internal stage into a bucket, where S3 gets them"
            }
        };
        return Err(SnowflakeError::unsupported(format!("{word}: {instead}")));
    }
    let marker = take_stage(&mut cursor)?;
    let mut properties = Properties::parse(&mut cursor)?;
    cursor.end()?;
    let pattern = properties.take_text("PATTERN")?;
    properties.end()?;
    let (binds, variables) = (Binds::default(), Variables::new());
    let context = session.context(&binds, &variables);
    let location = locate(&context, &marker)?;
    let files = matching(
        &session.connection,
        location.list(&session.shared)?,
        &location,
        pattern.as_deref(),
    )?;
    let shared = Arc::clone(&session.shared);
    let text = |name: &str| ColumnMeta::new(name, SnowflakeType::TEXT);
    if word == "REMOVE" || word == "RM" {
        let mut rows = Vec::new();
        for file in files {
            shared
                .options
                .object_store
                .delete(&location.bucket, &file.key)
                .map_err(SnowflakeError::internal)?;
            rows.push(vec![
                Value::Text(location.show(&file.key)),
                Value::Text("removed".to_owned()),
            ]);
        }
        return Ok(QueryResult {
            columns: vec![text("name"), text("result")],
            rows,
            kind: StatementKind::Show,
            ..QueryResult::default()
        });
    }
    let row = |file: ObjectMeta| {
        vec![
            Value::Text(location.show(&file.key)),
            Value::Number(file.size.into()),
            Value::Text(file.etag.clone()),
            Value::Text(http_date(file.modified_micros)),
        ]
    };
    let columns = vec![
        text("name"),
        ColumnMeta::new("size", SnowflakeType::INTEGER),
        text("md5"),
        text("last_modified"),
    ];
    Ok(QueryResult {
        columns,
        rows: files.into_iter().map(row).collect(),
        kind: StatementKind::Show,
        ..QueryResult::default()
    })
}

fn http_date(micros: i64) -> String {
    let at = jiff::Timestamp::from_microsecond(micros).unwrap_or_default();
    at.to_zoned_datetime(jiff::tz::TimeZone::UTC)
        .strftime("%a, %d %b %Y %H:%M:%S GMT")
        .to_string()
}
