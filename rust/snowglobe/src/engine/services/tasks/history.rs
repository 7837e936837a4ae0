//! What `TASK_HISTORY` tells: each run of each task, what runs now, and what is scheduled next.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::catalog::{Body, Kind, Object, Task};
use crate::engine::compile::Context;
use crate::engine::state::shared::Shared;
use crate::engine::state::task_runs::{Outcome, Run};
use crate::engine::statements::tasks::body;
use crate::engine::storage;
use crate::sql::cursor::{Name, literal};
use crate::types::error::{Result, SnowflakeError};
use crate::types::schedule::Schedule;
use crate::types::value::Value;

/// A run can be tried again for so long.
const RETRY_DAYS: i64 = 14;
/// How far ahead a scheduled run is told.
const SCHEDULED_MICROS: i64 = 8 * 86_400_000_000;

/// A row of the history, while its task runs.
pub(super) struct Row {
    pub query_id: String,
    /// The values up to the query's text.
    start: String,
    scheduled_micros: i64,
    started_micros: i64,
    root_id: u64,
    /// The values from the root on; what was returned comes after them.
    root: String,
    attempt: i64,
}

impl Row {
    pub(super) fn new(
        shared: &Shared,
        object: &Object,
        task: &Task,
        root: &Object,
        run: &Run,
    ) -> Self {
        let now = shared.options.clock.now_micros();
        let query_id = uuid::Uuid::new_v4().to_string();
        let scheduled = if object.id == root.id && run.attempt == 1 {
            run.scheduled_micros
        } else {
            now
        };
        Self {
            start: format!(
                "{}, {}, {}, {}, {}, {}",
                object.id,
                literal(object.short()),
                literal(&object.path[0]),
                literal(&object.path[1]),
                literal(&query_id),
                literal(&task.body)
            ),
            query_id,
            scheduled_micros: scheduled,
            started_micros: now,
            root_id: root.id,
            root: format!(
                "{}, {}, {}",
                root.id,
                run.scheduled_micros,
                literal(run.from)
            ),
            attempt: run.attempt,
        }
    }

    fn values(
        &self,
        state: &str,
        error: Option<&SnowflakeError>,
        returned: Option<&str>,
        completed: Option<i64>,
    ) -> String {
        let text = |t: Option<&str>| t.map_or("null".to_owned(), literal);
        format!(
            "({}, {}, {}, {}, {}, {}, {}, {}, {}, {})",
            self.start,
            literal(state),
            text(error.map(|e| e.code)),
            text(error.map(|e| e.message.as_str())),
            self.scheduled_micros,
            self.started_micros,
            completed.map_or("null::bigint".to_owned(), |at| at.to_string()),
            self.root,
            text(returned),
            self.attempt
        )
    }

    /// From now on the task is told as executing.
    pub(super) fn begins(&mut self, shared: &Shared) {
        self.started_micros = shared.options.clock.now_micros();
        let row = self.values("EXECUTING", None, None, None);
        shared.tasks.begins(&self.query_id, row);
    }

    /// Writes down how it ended.
    pub(super) fn ended(
        &self,
        shared: &Shared,
        state: &str,
        error: Option<&SnowflakeError>,
        returned: Option<&str>,
    ) {
        let completed = shared.options.clock.now_micros();
        let sql = format!(
            "insert into sys_task_runs values {}",
            self.values(state, error, returned, Some(completed))
        );
        let written = shared
            .connect()
            .and_then(|connection| storage::run(&connection, &sql));
        shared.tasks.ends(&self.query_id, self.root_id, completed);
        if let Err(error) = written {
            log::error!("task history of query {}: {error}", self.query_id);
        }
    }
}

/// All rows as a relation, what runs now and what is scheduled next included.
pub(crate) fn rows(shared: &Shared) -> String {
    let executing = shared.tasks.executing();
    let scheduled = scheduled(shared);
    let mut relations = vec!["select * from sys_task_runs".to_owned()];
    if !executing.is_empty() {
        // What has just ended may stand in both for a moment; the fifth value is the query's id.
        relations.push(format!(
            "select * from (values {}) where col4 not in (select query_id from sys_task_runs)",
            executing.join(", ")
        ));
    }
    if !scheduled.is_empty() {
        relations.push(format!("select * from (values {})", scheduled.join(", ")));
    }
    format!("({})", relations.join(" union all "))
}

/// Rows for the next run of each task that goes by a schedule: "the next scheduled execution within the next eight days".
fn scheduled(shared: &Shared) -> Vec<String> {
    let now = shared.options.clock.now_micros();
    let catalog = shared.catalog();
    let row = |object: &Arc<Object>| {
        let task = body(object)?;
        if !task.started || !task.after.is_empty() || task.finalizes.is_some() {
            return None;
        }
        let schedule = Schedule::parse(task.schedule.as_deref()?).ok()?;
        let after = now.max(task.resumed_micros);
        let next = schedule.next_after(after, now + SCHEDULED_MICROS, task.resumed_micros)?;
        Some(format!(
            "({}, {}, {}, {}, null, {}, 'SCHEDULED', null, null, {next}, null::bigint, null::bigint, {}, {next}, 'SCHEDULE', null, 1)",
            object.id,
            literal(object.short()),
            literal(&object.path[0]),
            literal(&object.path[1]),
            literal(&task.body),
            object.id
        ))
    };
    catalog.all(Kind::Task).filter_map(row).collect()
}

/// Counts failures in a row; says whether the root was suspended for it, as the root's setting has it.
pub(super) fn count_failures(
    shared: &Shared,
    object: &Object,
    root: &Object,
    failed: bool,
) -> bool {
    let catalog = shared.catalog();
    let failures = |id| catalog.by_id(id).and_then(|o| body(o)).map(|t| t.failures);
    let Some(before) = failures(object.id) else {
        return false;
    };
    if !failed && before == 0 {
        return false;
    }
    let count = if failed { before + 1 } else { 0 };
    let limit = body(root).map_or(0, |t| t.suspend_after_failures);
    let suspends = failed && limit > 0 && count >= limit;
    let changed = shared.change_catalog(|catalog| {
        catalog.update(object.id, |o| {
            if let Body::Task(task) = &mut o.body {
                task.failures = count;
            }
        });
        if suspends {
            catalog.update(root.id, |o| {
                if let Body::Task(task) = &mut o.body {
                    task.started = false;
                }
            });
        }
        Ok(())
    });
    if let Err(error) = changed {
        log::error!("failures of task {}: {error}", object.name());
    }
    suspends
}

/// The last run of the graph, to be tried again from what has failed.
///
/// # Errors
/// If it has not failed, is too old, or the graph has changed since.
pub(super) fn last_failed(context: &Context<'_>, root: &Arc<Object>) -> Result<Run> {
    let cannot = |why: &str| {
        SnowflakeError::new(
            "091095",
            "42601",
            format!(
                "Cannot execute task {} with RETRY LAST: {why}",
                root.short()
            ),
        )
    };
    let rows = storage::query(
        context.connection,
        &format!(
            "select task, state, query_text, return_value, run_id, attempt from sys_task_runs \
             where root = {} and run_id = (select max(run_id) from sys_task_runs where root = {}) order by attempt, completed_micros",
            root.id, root.id
        ),
    )?;
    let number = |v: &Value| match v {
        Value::Number(n) => i64::try_from(*n).unwrap_or(0),
        _ => 0,
    };
    let text = |v: &Value| match v {
        Value::Text(t) => Some(t.clone()),
        _ => None,
    };
    let mut run = Run::new("EXECUTE TASK", 0);
    let mut bodies = BTreeMap::new();
    for row in &rows.rows {
        let Some(object) = context
            .snapshot
            .catalog
            .by_id(number(&row[0]).unsigned_abs())
        else {
            return Err(cannot("the graph was modified since its last run"));
        };
        let outcome = match text(&row[1]).as_deref() {
            Some("SUCCEEDED") => Outcome::Succeeded(text(&row[3])),
            Some("SKIPPED") => Outcome::Skipped,
            _ => Outcome::Failed,
        };
        run.outcomes.insert(object.name(), outcome);
        bodies.insert(object.name(), text(&row[2]).unwrap_or_default());
        run.scheduled_micros = number(&row[4]);
        run.attempt = number(&row[5]);
    }
    if !run.outcomes.values().any(|o| *o == Outcome::Failed) {
        return Err(cannot("its last run has not failed"));
    }
    if run.scheduled_micros < context.snapshot.now - RETRY_DAYS * 86_400_000_000 {
        return Err(cannot("its last run is more than 14 days old"));
    }
    let is_same = |(name, body_then): (&Name, &String)| {
        let now = context
            .snapshot
            .catalog
            .find(Kind::Task, &name.0)
            .and_then(|o| body(o));
        now.is_some_and(|t| t.body == *body_then)
    };
    if !bodies.iter().all(is_same) {
        return Err(cannot("the graph was modified since its last run"));
    }
    run.again();
    Ok(run)
}
