//! Runs one task as its owner.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::history::{self, Row};
use crate::engine::catalog::{Object, Task};
use crate::engine::compile::Variables;
use crate::engine::session::Runtime;
use crate::engine::session::Session;
use crate::engine::state::task_runs::{Outcome, Run, RunningTask};
use crate::engine::statements::query;
use crate::engine::statements::tasks::body;
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::{Binds, QueryResult, Value};

/// `SYSTEM$GET_PREDECESSOR_RETURN_VALUE`: of the predecessor with that name, or of the only one.
///
/// # Errors
/// Outside of a task, for a task that is no predecessor, and for several without a name.
pub(crate) fn predecessor_value(
    task: Option<&RunningTask>,
    name: Option<&str>,
) -> Result<Option<String>> {
    let task = task.ok_or_else(|| {
        SnowflakeError::compilation(
            "SYSTEM$GET_PREDECESSOR_RETURN_VALUE is called by a task with a predecessor",
        )
    })?;
    let found = match name {
        None if task.predecessors.len() == 1 => task.predecessors.values().next(),
        None => None,
        Some(name) => {
            let last = name.rsplit('.').next().unwrap_or(name).to_uppercase();
            task.predecessors.get(&last)
        }
    };
    found.cloned().ok_or_else(|| {
        SnowflakeError::compilation(match name {
            Some(name) => format!("task {name} is not a predecessor of {}", task.name),
            None => format!("task {} has several predecessors: name one", task.name),
        })
    })
}

/// A session that runs the task as its owner.
fn session_for(
    shared: &Runtime,
    object: &Object,
    task: &Task,
    running: RunningTask,
) -> Result<(Session, Arc<RunningTask>)> {
    let mut session = Session::of_owner(shared, object, &task.home)?;
    // Without one the task is serverless: it wakes no warehouse, not even its user's.
    session.warehouse.clone_from(&task.warehouse);
    let running = Arc::new(running);
    session.task = Some(Arc::clone(&running));
    Ok((session, running))
}

/// Whether the task's condition holds; without one it does.
pub(super) fn condition(shared: &Runtime, object: &Object, task: &Task, run: &Run) -> Result<bool> {
    let Some(when) = &task.when else {
        return Ok(true);
    };
    let (mut session, _) = session_for(shared, object, task, running(object, task, run))?;
    let value = query::evaluate(&mut session, when, &Binds::default(), &Variables::new())?;
    Ok(value.value == Value::Boolean(true))
}

fn running(object: &Object, task: &Task, run: &Run) -> RunningTask {
    let returned = |name: &crate::sql::cursor::Name| match run.outcomes.get(name) {
        Some(Outcome::Succeeded(returned)) => returned.clone(),
        _ => None,
    };
    RunningTask {
        name: object.name().to_string(),
        predecessors: task
            .after
            .iter()
            .map(|name| (name.last().to_owned(), returned(name)))
            .collect(),
        returned: Mutex::default(),
    }
}

/// Runs the task, and writes down how it ended. `is_last` says that a failure is not tried again.
pub(super) fn one(
    shared: &Runtime,
    object: &Object,
    root: &Object,
    run: &Run,
    is_last: bool,
) -> Outcome {
    let Some(task) = body(object) else {
        return Outcome::Failed;
    };
    let mut row = Row::new(shared, object, task, root, run);
    let is_triggered_root = run.from == "TRIGGER" && object.id == root.id;
    if !is_triggered_root {
        match condition(shared, object, task, run) {
            Ok(true) => {}
            Ok(false) => {
                let why = SnowflakeError::new(
                    "0040003",
                    "00000",
                    "Conditional expression for task evaluated to false.",
                );
                row.ended(shared, "SKIPPED", Some(&why), None);
                return Outcome::Skipped;
            }
            Err(error) => {
                row.ended(shared, "FAILED", Some(&error), None);
                return Outcome::Failed;
            }
        }
    }
    row.begins(shared);
    let outcome = session_for(shared, object, task, running(object, task, run)).and_then(
        |(mut session, running)| {
            run_body(&mut session, task, &row.query_id)?;
            Ok(running.returned())
        },
    );
    match outcome {
        Ok(returned) => {
            row.ended(shared, "SUCCEEDED", None, returned.as_deref());
            history::count_failures(shared, object, root, false);
            Outcome::Succeeded(returned)
        }
        Err(error) => {
            let suspends = is_last && history::count_failures(shared, object, root, true);
            let state = match suspends {
                true => "FAILED_AND_AUTO_SUSPENDED",
                false => "FAILED",
            };
            row.ended(shared, state, Some(&error), None);
            Outcome::Failed
        }
    }
}

fn run_body(session: &mut Session, task: &Task, query_id: &str) -> Result<QueryResult> {
    let timeout = u64::try_from(task.timeout_millis).unwrap_or(0);
    let cancel = session.cancel_handle();
    let (result, _) = cancel.within(Duration::from_millis(timeout), || {
        session.execute_as(query_id, &task.body, &Binds::default())
    });
    result
}
