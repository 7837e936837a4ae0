//! COPY FILES: from one stage into another.

use sqlparser::tokenizer::Token;

use crate::engine::compile::Variables;
use crate::engine::compile::take_stage;
use crate::engine::session::Session;
use crate::engine::statements::stages;
use crate::object_store::INTERNAL_BUCKET;
use crate::sql::cursor::Cursor;
use crate::sql::properties::Properties;
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::{Binds, ColumnMeta, QueryResult, SnowflakeType, StatementKind, Value};

/// Runs what follows `COPY FILES`.
pub(super) fn run(session: &Session, mut cursor: Cursor<'_>) -> Result<QueryResult> {
    cursor.expect("INTO")?;
    let target = take_stage(&mut cursor)?;
    cursor.expect("FROM")?;
    if cursor.peek().is_some_and(|l| l.token == Token::LParen) {
        return Err(SnowflakeError::unsupported("COPY FILES from a query"));
    }
    let source = take_stage(&mut cursor)?;
    let mut properties = Properties::parse(&mut cursor)?;
    cursor.end()?;
    let (files, pattern) = (
        properties.take_list("FILES")?,
        properties.take_text("PATTERN")?,
    );
    properties.take_default("DETAILED_OUTPUT", "TRUE")?;
    properties.end()?;
    let (binds, variables) = (Binds::default(), Variables::new());
    let context = session.context(&binds, &variables);
    let (from, into) = (
        stages::locate(&context, &source)?,
        stages::locate_to_write(&context, &target)?,
    );
    if from.shown.is_empty() || into.shown.is_empty() {
        return Err(SnowflakeError::unsupported(
            "COPY FILES with the stage of a user or a table",
        ));
    }
    let listed = match &files {
        None => from.list(&session.shared)?,
        Some(files) => files
            .iter()
            .map(|file| stages::head(&session.shared, &from, &from.key(file)))
            .collect::<Result<_>>()?,
    };
    let chosen = stages::matching(&session.connection, listed, &from, pattern.as_deref())?;
    let store = &session.shared.options.object_store;
    let mut rows = Vec::new();
    for file in chosen.into_iter().filter(|f| !f.key.ends_with('/')) {
        let folder = from.key("");
        let relative = file.key.strip_prefix(&folder).unwrap_or_else(|| {
            // A path that ends within a name: the name is kept whole.
            file.key.rsplit('/').next().unwrap_or(&file.key)
        });
        let key = into.key(relative.trim_start_matches('/'));
        let bytes = store
            .get(&from.bucket, &file.key)
            .map_err(SnowflakeError::internal)?;
        store
            .put(&into.bucket, &key, &bytes)
            .map_err(SnowflakeError::internal)?;
        if into.bucket != INTERNAL_BUCKET {
            (session.wiring.object_created)(&session.runtime(), &into.bucket, &key);
        }
        let shown = key.strip_prefix(&into.base).unwrap_or(&key);
        rows.push(vec![Value::Text(shown.to_owned())]);
    }
    Ok(QueryResult {
        columns: vec![ColumnMeta::new("file", SnowflakeType::TEXT)],
        rows,
        kind: StatementKind::Copy,
        ..QueryResult::default()
    })
}
