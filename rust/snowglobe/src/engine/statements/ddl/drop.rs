//! DROP and UNDROP.

use super::{discard, owned};
use crate::engine::catalog::retention::is_kept;
use crate::engine::catalog::signature;
use crate::engine::catalog::{Body, Kind};
use crate::engine::compile::Variables;
use crate::engine::session::Session;
use crate::engine::statements::stages;
use crate::sql::cursor::{Cursor, Name};
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::{Binds, QueryResult};

/// Runs what follows `DROP`.
pub(super) fn run(session: &mut Session, mut cursor: Cursor<'_>) -> Result<QueryResult> {
    let kind = Kind::parse(&mut cursor)?;
    let if_exists = cursor.accept("IF EXISTS");
    let mut name = cursor.name()?;
    if kind == Kind::Procedure {
        signature::read(&mut name, &mut cursor)?;
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
    let now = session.shared.options.clock.now_micros();
    session
        .shared
        .change_storage(|catalog, connection| discard(catalog, connection, &object, now))?;
    let is_kept = session
        .shared
        .catalog()
        .dropped()
        .any(|o| o.id == object.id);
    if matches!(kind, Kind::Stage | Kind::Table | Kind::User) && !is_kept {
        stages::empty(&session.shared, object.id);
    }
    if kind == Kind::Warehouse && session.warehouse.as_deref() == Some(object.short()) {
        session.warehouse = None;
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

/// Runs what follows `UNDROP`: the last of that name that was dropped comes back as it was.
pub(super) fn undrop(session: &Session, mut cursor: Cursor<'_>) -> Result<QueryResult> {
    let kind = Kind::parse(&mut cursor)?;
    if !matches!(kind, Kind::Table | Kind::Schema | Kind::Database) {
        return Err(SnowflakeError::unsupported(format!(
            "UNDROP {}",
            kind.noun().to_uppercase()
        )));
    }
    let name = cursor.name()?;
    cursor.end()?;
    let (binds, variables) = (Binds::default(), Variables::new());
    let context = session.context(&binds, &variables);
    let path = context.full_path(kind, &name)?;
    if path.len() > 1 {
        let container = if path.len() == 3 {
            Kind::Schema
        } else {
            Kind::Database
        };
        context.find(container, &Name(path[..path.len() - 1].to_vec()))?;
    }
    let candidates = context.snapshot.catalog.dropped().filter(|o| {
        let alone = o.dropped.is_some_and(|d| d.with.is_none());
        o.kind == kind && o.path == path && alone && is_kept(o, context.snapshot.now)
    });
    let last = candidates.max_by_key(|o| o.dropped.map(|d| d.micros));
    let object = last.ok_or_else(|| SnowflakeError::missing(kind.noun(), Name(path.clone())))?;
    if context.snapshot.catalog.find(kind, &path).is_some() {
        return Err(SnowflakeError::exists(Name(path)));
    }
    context.require(object, "OWNERSHIP")?;
    let (id, short) = (object.id, object.short().to_owned());
    drop(context);
    session.shared.change_catalog(|catalog| {
        catalog.restore_dropped(id);
        Ok(())
    })?;
    Ok(QueryResult::status(format!(
        "{} {short} successfully restored.",
        kind.noun()
    )))
}
