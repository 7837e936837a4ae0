//! DROP.

use super::{kind, owned, remove};
use crate::engine::catalog::{Body, Kind};
use crate::engine::error::Result;
use crate::engine::session::Session;
use crate::engine::value::QueryResult;
use crate::engine::{script, stages};
use crate::sql::cursor::Cursor;

/// Runs what follows `DROP`.
pub(super) fn run(session: &mut Session, mut cursor: Cursor<'_>) -> Result<QueryResult> {
    let kind = kind(&mut cursor)?;
    let if_exists = cursor.accept("IF EXISTS");
    let mut name = cursor.name()?;
    if kind == Kind::Procedure {
        script::add_signature(&mut name, &mut cursor)?;
    }
    let _ = cursor.accept("CASCADE");
    cursor.end()?;
    let object = match owned(session, kind, &name) {
        Err(error) if if_exists && matches!(error.code, "002003" | "002043") => {
            return Ok(QueryResult::status(format!(
                "Drop statement executed successfully ({} already dropped).",
                name.last()
            )));
        }
        found => found?,
    };
    if matches!(object.body, Body::Table(_)) {
        session.wait_for_table(&object)?;
    }
    session
        .shared
        .change_storage(|catalog, connection| remove(catalog, connection, &object))?;
    if matches!(&object.body, Body::Stage(stage) if stage.url.is_none()) {
        stages::empty(&session.shared, object.id);
    }
    let frame = session.frame_mut();
    match kind {
        Kind::Database if frame.database.as_deref() == Some(object.short()) => {
            frame.database = None;
            frame.schema = None;
        }
        Kind::Schema
            if frame.schema.as_deref() == Some(object.short())
                && frame.database.as_ref() == object.path.first() =>
        {
            frame.schema = None;
        }
        _ => {}
    }
    Ok(QueryResult::status(format!(
        "{} successfully dropped.",
        object.short().split('(').next().unwrap_or_default()
    )))
}
