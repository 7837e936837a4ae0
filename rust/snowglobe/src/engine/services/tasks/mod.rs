//! Tasks: by schedule, after others, or triggered by a stream; no overlap, suspension after failures, history.

mod graph;
mod history;
mod run;
mod scheduler;

use crate::engine::catalog::{Catalog, Kind};
use crate::engine::compile::Variables;
use crate::engine::session::Session;
use crate::engine::state::task_runs::Run;
use crate::engine::statements::tasks::{body, require_execute};
use crate::sql::cursor::{Cursor, Name};
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::{Binds, QueryResult};

pub(crate) use graph::{dependents, enable_dependents};
pub(crate) use history::rows as history;
pub(crate) use run::predecessor_value;
pub(crate) use scheduler::start;

/// The configuration of the graph that `task` runs in, or what `path` (`a.b`) names in it.
pub(crate) fn graph_config(catalog: &Catalog, task: &str, path: Option<&str>) -> Option<String> {
    let mut name = Name::parse(task).ok()?;
    let root = loop {
        let found = body(catalog.find(Kind::Task, &name.0)?)?;
        match found.after.first() {
            Some(before) => name = before.clone(),
            None => break found,
        }
    };
    let config = root.config.clone()?;
    let Some(path) = path else {
        return Some(config);
    };
    let json: serde_json::Value = serde_json::from_str(&config).ok()?;
    match path.split('.').try_fold(&json, |at, key| at.get(key))? {
        serde_json::Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// `EXECUTE TASK name [RETRY LAST]`: runs it now, in the background.
pub(crate) fn execute(session: &Session, mut cursor: Cursor<'_>) -> Result<QueryResult> {
    let name = cursor.name()?;
    let retries = cursor.accept("RETRY LAST");
    cursor.end()?;
    let (binds, variables) = (Binds::default(), Variables::new());
    let context = session.context(&binds, &variables);
    let object = context.find(Kind::Task, &name)?;
    context.require(&object, "OPERATE")?;
    require_execute(session, &object)?;
    if body(&object).is_some_and(|t| !t.after.is_empty() || t.finalizes.is_some()) {
        return Err(SnowflakeError::new(
            "091094",
            "42601",
            format!(
                "Cannot execute task {}: it is not a root task",
                object.short()
            ),
        ));
    }
    let shared = &session.runtime();
    let now = shared.options.clock.now_micros();
    let run = match retries {
        true => history::last_failed(&context, &object)?,
        false => Run::new("EXECUTE TASK", now),
    };
    let short = object.short().to_owned();
    scheduler::spawn(shared, object, run);
    Ok(QueryResult::status(format!(
        "Task {short} is scheduled to run immediately."
    )))
}
