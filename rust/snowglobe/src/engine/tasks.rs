//! Tasks: by schedule, after others, or triggered by a stream; no overlap, suspension after failures, history.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::catalog::{Body, Catalog, Kind, Object, Task};
use super::dml::Variables;
use super::error::{Result, SnowflakeError};
use super::schedule::Schedule;
use super::session::{Frame, Session};
use super::shared::Shared;
use super::value::{Binds, QueryResult, Value};
use super::{Login, storage};
use crate::sql::cursor::{Cursor, Name, literal};
use crate::sql::properties::Properties;

/// A triggered task whose stream still has data runs again after this long.
const TRIGGER_INTERVAL_MICROS: i64 = 30_000_000;
/// How long the scheduler sleeps when nothing wakes it.
const TICK: Duration = Duration::from_millis(50);

/// What runs, and what was looked at when.
#[derive(Default)]
pub struct Scheduler(Mutex<State>);

#[derive(Default)]
struct State {
    running: BTreeSet<u64>,
    /// task → the time up to which its schedule was followed
    followed_micros: BTreeMap<u64, i64>,
    /// task → the commit at which its trigger was last looked at, and when
    triggers: BTreeMap<u64, (i64, i64)>,
    /// task → when its trigger last started it
    triggered_micros: BTreeMap<u64, i64>,
}

impl Scheduler {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes a task's settings out of a statement's properties.
pub(crate) fn set_properties(task: &mut Task, properties: &mut Properties) -> Result<()> {
    if let Some(warehouse) = properties.take_text("WAREHOUSE")? {
        task.warehouse = Some(warehouse);
    }
    if let Some(schedule) = properties.take_text("SCHEDULE")? {
        task.schedule = Some(schedule);
    }
    if let Some(overlap) = properties.take_bool("ALLOW_OVERLAPPING_EXECUTION")? {
        if overlap {
            return Err(SnowflakeError::unsupported(
                "ALLOW_OVERLAPPING_EXECUTION = TRUE",
            ));
        }
        task.allow_overlap = overlap;
    }
    if let Some(count) = properties.take_integer("SUSPEND_TASK_AFTER_NUM_FAILURES")? {
        task.suspend_after_failures = count;
    }
    if let Some(millis) = properties.take_integer("USER_TASK_TIMEOUT_MS")? {
        task.timeout_millis = millis;
    }
    if let Some(config) = properties.take_text("CONFIG")? {
        if !serde_json::from_str::<serde_json::Value>(&config).is_ok_and(|json| json.is_object()) {
            return Err(SnowflakeError::compilation(
                "CONFIG of a task needs a JSON object",
            ));
        }
        task.config = Some(config);
    }
    if let Some(seconds) =
        properties.take_integer("USER_TASK_MINIMUM_TRIGGER_INTERVAL_IN_SECONDS")?
    {
        if !(10..=604_800).contains(&seconds) {
            return Err(SnowflakeError::compilation(format!(
                "invalid value [{seconds}] for parameter 'USER_TASK_MINIMUM_TRIGGER_INTERVAL_IN_SECONDS': 10 to 604800"
            )));
        }
        task.trigger_interval_seconds = Some(seconds);
    }
    properties.refuse(&[
        "USER_TASK_MANAGED_INITIAL_WAREHOUSE_SIZE",
        "SERVERLESS_TASK_MIN_STATEMENT_SIZE",
        "SERVERLESS_TASK_MAX_STATEMENT_SIZE",
        "TARGET_COMPLETION_INTERVAL",
        "ERROR_INTEGRATION",
        "SUCCESS_INTEGRATION",
        "FINALIZE",
    ])?;
    if properties
        .take_integer("TASK_AUTO_RETRY_ATTEMPTS")?
        .is_some_and(|n| n != 0)
    {
        return Err(SnowflakeError::unsupported("TASK_AUTO_RETRY_ATTEMPTS"));
    }
    Ok(())
}

/// Fails unless the task can ever run.
pub(crate) fn check(task: &Task) -> Result<()> {
    if let Some(schedule) = &task.schedule {
        Schedule::parse(schedule)?;
        if !task.after.is_empty() {
            return Err(SnowflakeError::compilation(
                "a task cannot have both a schedule and predecessors",
            ));
        }
    } else if task.after.is_empty()
        && !task
            .when
            .as_ref()
            .is_some_and(|w| w.to_uppercase().contains("SYSTEM$STREAM_HAS_DATA"))
    {
        return Err(SnowflakeError::compilation(
            "Task needs a schedule, a predecessor, or a condition with SYSTEM$STREAM_HAS_DATA",
        ));
    }
    Ok(())
}

/// Fails unless the task's owner may run tasks.
pub(crate) fn require_execute(session: &Session, object: &Object) -> Result<()> {
    let catalog = session.shared.catalog();
    let roles = catalog.inherited_roles(&object.owner);
    if catalog.has_account_privilege(&roles, "EXECUTE TASK")
        || catalog.has_account_privilege(&roles, "EXECUTE MANAGED TASK")
    {
        return Ok(());
    }
    Err(SnowflakeError::new(
        "091089",
        "42501",
        format!(
            "Cannot execute task {}: EXECUTE TASK privilege must be granted to owner role {}",
            object.short(),
            object.owner
        ),
    ))
}

/// Runs the scheduler until the engine closes.
pub(crate) fn start(shared: &Arc<Shared>) {
    let weak = Arc::downgrade(shared);
    let spawned = std::thread::Builder::new()
        .name("tasks".to_owned())
        .spawn(move || run(&weak));
    if let Err(error) = spawned {
        log::error!("the thread of tasks did not start: {error}");
    }
}

fn run(weak: &Weak<Shared>) {
    while let Some(shared) = weak.upgrade() {
        if shared.closing.load(std::sync::atomic::Ordering::SeqCst) {
            return;
        }
        for (object, from) in due(&shared) {
            spawn(&shared, object, from);
        }
        let clock = shared.options.clock.clone();
        drop(shared);
        clock.wait(TICK);
    }
}

fn body(object: &Object) -> Option<&Task> {
    match &object.body {
        Body::Task(task) => Some(task),
        _ => None,
    }
}

/// The root tasks whose time has come.
fn due(shared: &Arc<Shared>) -> Vec<(Arc<Object>, &'static str)> {
    let catalog = shared.catalog();
    let now = shared.options.clock.now_micros();
    let committed = shared.committed();
    let mut found = Vec::new();
    for object in catalog.all(Kind::Task) {
        let Some(task) = body(object) else { continue };
        if !task.started || !task.after.is_empty() {
            continue;
        }
        let mut state = shared.tasks.lock();
        let is_running = state.running.contains(&object.id);
        let Some(schedule) = task
            .schedule
            .as_deref()
            .and_then(|s| Schedule::parse(s).ok())
        else {
            let last = state.triggers.get(&object.id).copied();
            let is_new =
                last.is_none_or(|(seq, at)| seq < committed || now - at >= TRIGGER_INTERVAL_MICROS);
            let least_micros = task.trigger_interval_seconds.unwrap_or(0) * 1_000_000;
            let is_soon = state
                .triggered_micros
                .get(&object.id)
                .is_some_and(|at| now - at < least_micros);
            if is_running || !is_new || is_soon {
                continue;
            }
            state.triggers.insert(object.id, (committed, now));
            drop(state);
            if condition(shared, object, task).unwrap_or(true) {
                shared.tasks.lock().triggered_micros.insert(object.id, now);
                found.push((Arc::clone(object), "TRIGGER"));
            }
            continue;
        };
        let since = state
            .followed_micros
            .get(&object.id)
            .copied()
            .unwrap_or(0)
            .max(task.resumed_micros);
        if let Some(time) = schedule.last_between(since, now, task.resumed_micros) {
            state.followed_micros.insert(object.id, time);
            // A run that would overlap is left out.
            if !is_running {
                found.push((Arc::clone(object), "SCHEDULE"));
            }
        }
    }
    found
}

/// A session that runs the task as its owner.
fn session_for(shared: &Arc<Shared>, object: &Object, task: &Task) -> Result<Session> {
    let mut session = Session::open(
        Arc::clone(shared),
        Login {
            user: "SNOWGLOBE".to_owned(),
            ..Login::default()
        },
    )?;
    session.frames = vec![Frame {
        role: object.owner.clone(),
        database: Some(task.home.0.clone()),
        schema: Some(task.home.1.clone()),
        is_owners: true,
    }];
    // Without one the task is serverless: it wakes no warehouse, not even its user's.
    session.warehouse.clone_from(&task.warehouse);
    session.task = Some(object.name().to_string());
    Ok(session)
}

fn condition(shared: &Arc<Shared>, object: &Object, task: &Task) -> Result<bool> {
    let Some(when) = &task.when else {
        return Ok(true);
    };
    let mut session = session_for(shared, object, task)?;
    let value = super::execute::evaluate(&mut session, when, &Binds::default(), &Variables::new())?;
    Ok(value.value == Value::Boolean(true))
}

fn spawn(shared: &Arc<Shared>, object: Arc<Object>, from: &'static str) {
    if !shared.tasks.lock().running.insert(object.id) {
        return;
    }
    let shared = Arc::clone(shared);
    let id = object.id;
    let inner = Arc::clone(&shared);
    let spawned = std::thread::Builder::new()
        .name("task".to_owned())
        .spawn(move || {
            graph(&inner, &object, from);
            inner.tasks.lock().running.remove(&id);
            inner.options.clock.wake();
        });
    if let Err(error) = spawned {
        log::error!("a task's thread did not start: {error}");
        shared.tasks.lock().running.remove(&id);
    }
}

/// Runs a root task and what comes after it, each once all its predecessors have succeeded.
fn graph(shared: &Arc<Shared>, root: &Arc<Object>, from: &'static str) {
    let run_id = shared.options.clock.now_micros();
    let mut succeeded = BTreeSet::new();
    let mut done = BTreeSet::from([root.id]);
    if run_one(shared, root, root.id, run_id, from) {
        succeeded.insert(root.name());
    }
    loop {
        let catalog = shared.catalog();
        let next = catalog.all(Kind::Task).find(|o| {
            body(o).is_some_and(|t| {
                t.started
                    && !t.after.is_empty()
                    && !done.contains(&o.id)
                    && t.after.iter().all(|a| succeeded.contains(a))
            })
        });
        let Some(next) = next.cloned() else { return };
        done.insert(next.id);
        if run_one(shared, &next, root.id, run_id, from) {
            succeeded.insert(next.name());
        }
    }
}

/// Runs one task; says whether those after it may run.
fn run_one(
    shared: &Arc<Shared>,
    object: &Object,
    root: u64,
    run_id: i64,
    from: &'static str,
) -> bool {
    let Some(task) = body(object) else {
        return false;
    };
    let scheduled = shared.options.clock.now_micros();
    let query_id = uuid::Uuid::new_v4().to_string();
    let write = |state: &str, error: Option<&SnowflakeError>, returned: Option<String>| {
        let completed = shared.options.clock.now_micros();
        let text = |t: Option<String>| t.map_or("null".to_owned(), |t| literal(&t));
        let sql = format!(
            "insert into sys_task_runs values ({}, {}, {}, {}, {}, {}, {}, {}, {}, {scheduled}, {scheduled}, {completed}, {root}, {run_id}, {}, {})",
            object.id,
            literal(object.short()),
            literal(&object.path[0]),
            literal(&object.path[1]),
            literal(&query_id),
            literal(&task.body),
            literal(state),
            text(error.map(|e| e.code.to_owned())),
            text(error.map(|e| e.message.clone())),
            literal(from),
            text(returned),
        );
        let written = shared
            .connect()
            .and_then(|connection| storage::run(&connection, &sql));
        if let Err(error) = written {
            log::error!("task history of {}: {error}", object.name());
        }
    };
    if from != "TRIGGER" || object.id != root {
        match condition(shared, object, task) {
            Ok(true) => {}
            Ok(false) => {
                let why = SnowflakeError::new(
                    "0040003",
                    "00000",
                    "Conditional expression for task evaluated to false.",
                );
                write("SKIPPED", Some(&why), None);
                return true;
            }
            Err(error) => {
                write("FAILED", Some(&error), None);
                return false;
            }
        }
    }
    let outcome = session_for(shared, object, task)
        .and_then(|mut session| run_body(&mut session, task, &query_id));
    match &outcome {
        Ok(result) => {
            let returned = match result.rows.first().and_then(|row| row.first()) {
                Some(Value::Text(text)) if result.kind == super::value::StatementKind::Call => {
                    Some(text.clone())
                }
                _ => None,
            };
            write("SUCCEEDED", None, returned);
        }
        Err(error) => {
            let failures = task.failures + 1;
            let suspends =
                task.suspend_after_failures > 0 && failures >= task.suspend_after_failures;
            write(
                if suspends {
                    "FAILED_AND_AUTO_SUSPENDED"
                } else {
                    "FAILED"
                },
                Some(error),
                None,
            );
        }
    }
    count_failures(shared, object.id, outcome.is_err());
    outcome.is_ok()
}

fn run_body(session: &mut Session, task: &Task, query_id: &str) -> Result<QueryResult> {
    let timeout = u64::try_from(task.timeout_millis).unwrap_or(0);
    let cancel = session.cancel_handle();
    let (result, _) = cancel.within(Duration::from_millis(timeout), || {
        session.execute_as(query_id, &task.body, &Binds::default())
    });
    result
}

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

fn count_failures(shared: &Arc<Shared>, id: u64, failed: bool) {
    let catalog = shared.catalog();
    let Some(task) = catalog.by_id(id).and_then(|o| body(o)) else {
        return;
    };
    if !failed && task.failures == 0 {
        return;
    }
    let changed = shared.change_catalog(|catalog| {
        catalog.update(id, |o| {
            if let Body::Task(task) = &mut o.body {
                task.failures = if failed { task.failures + 1 } else { 0 };
                if task.suspend_after_failures > 0 && task.failures >= task.suspend_after_failures {
                    task.started = false;
                }
            }
        });
        Ok(())
    });
    if let Err(error) = changed {
        log::error!("failures of task {id}: {error}");
    }
}

/// `EXECUTE TASK name`: runs it now, in the background.
pub(crate) fn execute(session: &Session, mut cursor: Cursor<'_>) -> Result<QueryResult> {
    let name = cursor.name()?;
    cursor.end()?;
    let (binds, variables) = (Binds::default(), Variables::new());
    let context = session.context(&binds, &variables);
    let object = context.find(Kind::Task, &name)?;
    context.require(&object, "OPERATE")?;
    require_execute(session, &object)?;
    if body(&object).is_some_and(|t| !t.after.is_empty()) {
        return Err(SnowflakeError::new(
            "091094",
            "42601",
            format!(
                "Cannot execute task {}: it is not a root task",
                object.short()
            ),
        ));
    }
    spawn(&session.shared, Arc::clone(&object), "EXECUTE TASK");
    Ok(QueryResult::status(format!(
        "Task {} is scheduled to run immediately.",
        object.short()
    )))
}
