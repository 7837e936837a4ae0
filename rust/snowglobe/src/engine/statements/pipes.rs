//! What the definition of a pipe may say, where it leads, and ALTER PIPE … REFRESH.

use std::sync::Arc;

use super::copy::Copy;
use super::dml;
use super::stages::Location;
use crate::engine::catalog::{Body, Object, Pipe};
use crate::engine::compile::{Context, Variables};
use crate::engine::session::Session;
use crate::engine::state::shared::Shared;
use crate::engine::state::waiting_files::hand_over;
use crate::engine::storage;
use crate::sql::cursor::{Cursor, literal};
use crate::sql::tokens::lex;
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::{Binds, ColumnMeta, QueryResult, SnowflakeType, StatementKind, Value};

/// Fails unless the text is a COPY that a pipe may run.
pub(crate) fn check(session: &Session, text: &str, auto_ingest: bool) -> Result<()> {
    let lexemes = lex(text)?;
    let mut cursor = Cursor::new(text, &lexemes);
    cursor.expect("COPY INTO")?;
    let (binds, variables) = (Binds::default(), Variables::new());
    let copy = Copy::parse(&session.context(&binds, &variables), &mut cursor)?;
    if copy.location.stage.is_none() {
        return Err(SnowflakeError::compilation("a pipe needs a named stage"));
    }
    copy.check_for_pipe()?;
    if auto_ingest {
        // It asks the bucket for its notifications.
        copy.location.assume(&session.shared)?;
    }
    Ok(())
}

/// The pipe of that id.
pub(crate) fn pipe_of(shared: &Shared, id: u64) -> Option<(Arc<Object>, Pipe)> {
    let object = Arc::clone(shared.catalog().by_id(id)?);
    let Body::Pipe(pipe) = &object.body else {
        return None;
    };
    let pipe = pipe.clone();
    Some((object, pipe))
}

/// The pipe's COPY, read as its owner.
///
/// # Errors
/// If its table or stage is gone, or the owner may no longer use them.
pub(crate) fn parse(context: &Context<'_>, object: &Object, pipe: &Pipe) -> Result<Copy> {
    let lexemes = lex(&pipe.copy)?;
    let mut cursor = Cursor::new(&pipe.copy, &lexemes);
    cursor.expect("COPY INTO")?;
    Copy::parse(&context.of_owner(object, &pipe.home), &mut cursor)
}

/// Where the pipe's COPY reads, which is known even if the rest of it is wrong.
///
/// # Errors
/// If its stage is gone, or the owner may no longer use it.
pub(crate) fn location(context: &Context<'_>, object: &Object, pipe: &Pipe) -> Result<Location> {
    let lexemes = lex(&pipe.copy)?;
    let mut cursor = Cursor::new(&pipe.copy, &lexemes);
    cursor.expect("COPY INTO")?;
    Copy::location(&context.of_owner(object, &pipe.home), &mut cursor)
}

/// The pattern of the pipe's COPY.
pub(crate) fn pattern(context: &Context<'_>, object: &Object, pipe: &Pipe) -> Option<String> {
    parse(context, object, pipe).ok()?.pattern
}

/// What stops the pipe, if anything does.
pub(crate) fn stopped(
    context: &Context<'_>,
    object: &Object,
    pipe: &Pipe,
) -> Option<(&'static str, String)> {
    match location(context, object, pipe) {
        Err(error) => return Some(("STOPPED_STAGE_DROPPED", error.message)),
        Ok(location) => {
            if let Err(error) = location.assume(&context.environment.shared) {
                return Some(("STALLED_STAGE_PERMISSION_ERROR", error.message));
            }
        }
    }
    let error = parse(context, object, pipe).err()?;
    let owners = context.of_owner(object, &pipe.home);
    let table = lex(&pipe.copy).and_then(|lexemes| {
        let mut cursor = Cursor::new(&pipe.copy, &lexemes);
        cursor.expect("COPY INTO")?;
        dml::find(&owners, &cursor.name()?)
    });
    let state = match table {
        Err(_) => "STOPPED_MISSING_TABLE",
        Ok(_) => "STALLED_COMPILATION_ERROR",
    };
    Some((state, error.message))
}

/// `ALTER PIPE … REFRESH`: hands over the staged files of the last seven days.
pub(crate) fn refresh(
    session: &Session,
    object: &Object,
    prefix: &str,
    modified_after: Option<&str>,
) -> Result<QueryResult> {
    let Some((object, pipe)) = pipe_of(&session.shared, object.id) else {
        return Err(SnowflakeError::missing("Pipe", object.name()));
    };
    let (binds, variables) = (Binds::default(), Variables::new());
    let copy = parse(&session.context(&binds, &variables), &object, &pipe)?;
    let mut since = session.shared.options.clock.now_micros() - 7 * 86_400_000_000;
    if let Some(after) = modified_after {
        since = since.max(storage::count(
            &session.connection,
            &format!("select epoch_us(cast({} as timestamptz))", literal(after)),
        )?);
    }
    let start = copy.location.key(prefix);
    let files: Vec<String> = copy
        .location
        .list(&session.shared)?
        .into_iter()
        .filter(|f| {
            f.key.starts_with(&start) && f.modified_micros >= since && !f.key.ends_with('/')
        })
        .map(|f| f.key)
        .collect();
    let rows = files
        .iter()
        .map(|key| {
            vec![
                Value::Text(
                    key.strip_prefix(&copy.location.base)
                        .unwrap_or(key)
                        .to_owned(),
                ),
                Value::Text("SENT".to_owned()),
            ]
        })
        .collect();
    hand_over(&session.shared, object.id, files)?;
    let text = |name: &str| ColumnMeta::new(name, SnowflakeType::TEXT);
    Ok(QueryResult {
        columns: vec![text("File"), text("Status")],
        rows,
        kind: StatementKind::Ddl,
        ..QueryResult::default()
    })
}
