//! CREATE TASK, whose place in a graph is checked, and CREATE PIPE.

use crate::engine::catalog::{Body, Kind, Pipe, Task};
use crate::engine::compile::Variables;
use crate::engine::session::Session;
use crate::engine::statements::ddl::New;
use crate::engine::statements::tasks;
use crate::sql::cursor::{Cursor, Name};
use crate::sql::properties::Properties;
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::Binds;

fn home(session: &Session, new: &New) -> Result<(String, String)> {
    let (binds, variables) = (Binds::default(), Variables::new());
    let path = session
        .context(&binds, &variables)
        .full_path(new.kind, &new.name)?;
    Ok((path[0].clone(), path[1].clone()))
}

pub(super) fn task(session: &mut Session, mut cursor: Cursor<'_>, new: &mut New) -> Result<()> {
    cursor.accept("WITH");
    let mut properties = Properties::parse(&mut cursor)?;
    let mut after = Vec::new();
    if cursor.accept("AFTER") {
        loop {
            after.push(full_task_name(session, &cursor.name()?)?);
            if !cursor.accept_token(&sqlparser::tokenizer::Token::Comma) {
                break;
            }
        }
        properties.extend(Properties::parse(&mut cursor)?);
    }
    let when = if cursor.accept("WHEN") {
        Some(cursor.text_until(&["AS"])?.to_owned())
    } else {
        None
    };
    cursor.expect("AS")?;
    let body = cursor.rest_text().to_owned();
    if body.is_empty() {
        return Err(cursor.unexpected());
    }
    new.comment = properties.take_text("COMMENT")?;
    let finalizes = match properties.take_text("FINALIZE")? {
        Some(root) => Some(full_task_name(session, &Name::parse(&root)?)?),
        None => None,
    };
    check_graph(session, &after, finalizes.as_ref())?;
    let mut task = Task {
        warehouse: None,
        schedule: None,
        after,
        when,
        body,
        started: false,
        allow_overlap: false,
        suspend_after_failures: 10,
        failures: 0,
        timeout_millis: 3_600_000,
        config: None,
        trigger_interval_seconds: None,
        completion_interval: None,
        retry_attempts: 0,
        finalizes,
        home: home(session, new)?,
        resumed_micros: 0,
    };
    tasks::set_properties(&mut task, &mut properties)?;
    properties.end()?;
    tasks::check(&task)?;
    new.body = Body::Task(task);
    Ok(())
}

/// Fails if the graphs that the new task joins may not be changed now, or have a finalizer already.
fn check_graph(session: &Session, after: &[Name], finalizes: Option<&Name>) -> Result<()> {
    let catalog = session.shared.catalog();
    let mut before = after.to_vec();
    before.extend(finalizes.cloned());
    tasks::graph::check_change(&catalog, None, &before)?;
    let Some(root) = finalizes else { return Ok(()) };
    let is_finalizer =
        |body: &Body| matches!(body, Body::Task(t) if t.finalizes.as_ref() == Some(root));
    if catalog.all(Kind::Task).any(|o| is_finalizer(&o.body)) {
        return Err(SnowflakeError::compilation(format!(
            "task {root} has a finalizer already"
        )));
    }
    if let Some(object) = catalog.find(Kind::Task, &root.0)
        && tasks::graph::root_of(&catalog, object).id != object.id
    {
        return Err(SnowflakeError::compilation(format!(
            "FINALIZE needs a root task, which {root} is not"
        )));
    }
    Ok(())
}

/// The name of another task, which must be there.
pub(crate) fn full_task_name(session: &Session, name: &Name) -> Result<Name> {
    let (binds, variables) = (Binds::default(), Variables::new());
    Ok(session
        .context(&binds, &variables)
        .find(Kind::Task, name)?
        .name())
}

pub(super) fn pipe(session: &mut Session, mut cursor: Cursor<'_>, new: &mut New) -> Result<()> {
    let mut properties = Properties::parse(&mut cursor)?;
    cursor.expect("AS")?;
    let copy = cursor.rest_text().to_owned();
    let auto_ingest = properties.take_bool("AUTO_INGEST")?.unwrap_or(false);
    new.comment = properties.take_text("COMMENT")?;
    properties.refuse(&["ERROR_INTEGRATION", "AWS_SNS_TOPIC", "INTEGRATION"])?;
    properties.end()?;
    let home = home(session, new)?;
    crate::engine::statements::pipes::check(session, &copy, auto_ingest)?;
    new.body = Body::Pipe(Pipe {
        copy,
        auto_ingest,
        paused: false,
        home,
    });
    Ok(())
}
