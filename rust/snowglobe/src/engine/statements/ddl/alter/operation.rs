//! ALTER of what runs: tasks, pipes and warehouses.

use super::set;
use crate::engine::catalog::{Body, Object};
use crate::engine::compile::Variables;
use crate::engine::session::Session;
use crate::engine::statements::ddl::change;
use crate::engine::statements::ddl::create::full_task_name;
use crate::engine::statements::{pipes, tasks};
use crate::sql::cursor::Cursor;
use crate::sql::properties::Properties;
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::{Binds, QueryResult};

pub(super) fn task(
    session: &mut Session,
    mut cursor: Cursor<'_>,
    object: &Object,
) -> Result<QueryResult> {
    let mut new = object.clone();
    if !cursor.at_words("RESUME") && !cursor.at_words("SUSPEND") {
        let (binds, variables) = (Binds::default(), Variables::new());
        session
            .context(&binds, &variables)
            .require(object, "OWNERSHIP")?;
        tasks::graph::check_suspended(object)?;
    }
    edit(session, &mut cursor, object, &mut new)?;
    cursor.end()?;
    let before = match &new.body {
        Body::Task(body) => {
            tasks::check(body)?;
            body.after.clone()
        }
        _ => Vec::new(),
    };
    let catalog = session.shared.catalog();
    tasks::graph::check_change(&catalog, catalog.by_id(object.id), &before)?;
    let changed = change(session, object, |o| *o = new);
    session.shared.options.clock.wake();
    changed
}

/// Does with the task what follows its name.
fn edit(
    session: &Session,
    cursor: &mut Cursor<'_>,
    object: &Object,
    new: &mut Object,
) -> Result<()> {
    let Body::Task(body) = &mut new.body else {
        return Err(cursor.unexpected());
    };
    if cursor.accept("RESUME") {
        tasks::require_execute(session, object)?;
        tasks::require_warehouse(session, object)?;
        tasks::check_starts(body)?;
        body.started = true;
        body.failures = 0;
        body.resumed_micros = session.shared.options.clock.now_micros();
    } else if cursor.accept("SUSPEND") {
        body.started = false;
    } else if cursor.accept("ADD AFTER") {
        body.after.push(full_task_name(session, &cursor.name()?)?);
    } else if cursor.accept("REMOVE AFTER") {
        let gone = full_task_name(session, &cursor.name()?)?;
        body.after.retain(|name| *name != gone);
    } else if cursor.accept("MODIFY AS") {
        cursor.rest_text().clone_into(&mut body.body);
        while cursor.next().is_some() {}
    } else if cursor.accept("MODIFY WHEN") {
        body.when = Some(cursor.rest_text().to_owned());
        while cursor.next().is_some() {}
    } else if cursor.accept("REMOVE WHEN") {
        body.when = None;
    } else if cursor.accept("UNSET") {
        match cursor.identifier()?.as_str() {
            "SCHEDULE" => body.schedule = None,
            "WAREHOUSE" => body.warehouse = None,
            "COMMENT" => new.comment = None,
            other => return Err(SnowflakeError::unsupported(format!("UNSET {other}"))),
        }
    } else {
        cursor.expect("SET")?;
        let mut properties = Properties::parse(cursor)?;
        if let Some(comment) = properties.take_text("COMMENT")? {
            new.comment = Some(comment);
        }
        tasks::set_properties(body, &mut properties)?;
        properties.end()?;
    }
    Ok(())
}

pub(super) fn pipe(
    session: &mut Session,
    mut cursor: Cursor<'_>,
    object: &Object,
) -> Result<QueryResult> {
    if cursor.accept("REFRESH") {
        let mut properties = Properties::parse(&mut cursor)?;
        cursor.end()?;
        let prefix = properties.take_text("PREFIX")?.unwrap_or_default();
        let modified_after = properties.take_text("MODIFIED_AFTER")?;
        properties.end()?;
        return pipes::refresh(session, object, &prefix, modified_after.as_deref());
    }
    cursor.expect("SET")?;
    let mut properties = Properties::parse(&mut cursor)?;
    cursor.end()?;
    let paused = properties.take_bool("PIPE_EXECUTION_PAUSED")?;
    let comment = properties.take_text("COMMENT")?;
    properties.end()?;
    let changed = change(session, object, |o| {
        if let (Body::Pipe(pipe), Some(paused)) = (&mut o.body, paused) {
            pipe.paused = paused;
        }
        if comment.is_some() {
            o.comment = comment;
        }
    });
    session.shared.pipes.wake();
    changed
}

pub(super) fn warehouse(
    session: &mut Session,
    mut cursor: Cursor<'_>,
    object: &Object,
) -> Result<QueryResult> {
    let Body::Warehouse(body) = &object.body else {
        return Err(cursor.unexpected());
    };
    let shared = std::sync::Arc::clone(&session.shared);
    let suspend = cursor.accept("SUSPEND");
    if suspend || cursor.accept("RESUME") {
        let _ = cursor.accept("IF SUSPENDED");
        cursor.end()?;
        if suspend {
            shared.warehouses.suspend(&shared, object.short(), body)?;
        }
        let changed = change(session, object, |o| {
            if let Body::Warehouse(warehouse) = &mut o.body {
                warehouse.suspended = suspend;
            }
        })?;
        if !suspend {
            shared
                .warehouses
                .use_one(&shared, Some(object.short()), None)?;
        }
        return Ok(changed);
    }
    set(session, cursor, object)
}
