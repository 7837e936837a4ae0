//! What the definition of a task may say.
//!
//! - `condition`: what may stand behind WHEN
//! - `graph`: what runs after what, and when that may be changed

mod condition;
pub(crate) mod graph;

use crate::engine::catalog::{Body, Kind, Object, Task};
use crate::engine::session::Session;
use crate::sql::cursor::Name;
use crate::sql::properties::Properties;
use crate::types::error::{Result, SnowflakeError};
use crate::types::schedule::{self, Schedule};

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
    let mut take = |key: &str, most: i64, least: i64| match properties.take_integer(key)? {
        Some(number) if !(least..=most).contains(&number) => Err(SnowflakeError::compilation(
            format!("invalid value [{number}] for parameter '{key}': {least} to {most}"),
        )),
        number => Ok(number),
    };
    if let Some(count) = take("SUSPEND_TASK_AFTER_NUM_FAILURES", i64::MAX, 0)? {
        task.suspend_after_failures = count;
    }
    if let Some(millis) = take("USER_TASK_TIMEOUT_MS", 604_800_000, 0)? {
        task.timeout_millis = millis;
    }
    task.trigger_interval_seconds =
        take("USER_TASK_MINIMUM_TRIGGER_INTERVAL_IN_SECONDS", 604_800, 10)?
            .or(task.trigger_interval_seconds);
    if let Some(attempts) = take("TASK_AUTO_RETRY_ATTEMPTS", 30, 0)? {
        task.retry_attempts = attempts;
    }
    if let Some(config) = properties.take_text("CONFIG")? {
        if !serde_json::from_str::<serde_json::Value>(&config).is_ok_and(|json| json.is_object()) {
            return Err(SnowflakeError::compilation(
                "CONFIG of a task needs a JSON object",
            ));
        }
        task.config = Some(config);
    }
    properties.refuse(&[
        "USER_TASK_MANAGED_INITIAL_WAREHOUSE_SIZE",
        "SERVERLESS_TASK_MIN_STATEMENT_SIZE",
        "SERVERLESS_TASK_MAX_STATEMENT_SIZE",
        "ERROR_INTEGRATION",
        "SUCCESS_INTEGRATION",
    ])?;
    if let Some(interval) = properties.take_text("TARGET_COMPLETION_INTERVAL")? {
        schedule::check_completion(&interval)?;
        task.completion_interval = Some(interval);
    }
    Ok(())
}

/// Fails if the settings contradict each other.
pub(crate) fn check(task: &Task) -> Result<()> {
    if let Some(schedule) = &task.schedule {
        Schedule::parse(schedule)?;
        if task.finalizes.is_some() {
            return Err(SnowflakeError::compilation(
                "a finalizer task cannot have a SCHEDULE",
            ));
        }
        if !task.after.is_empty() {
            return Err(SnowflakeError::compilation(
                "a task cannot have both a schedule and predecessors",
            ));
        }
    }
    if let Some(when) = &task.when {
        condition::check(when)?;
    }
    let is_triggered = task.schedule.is_none() && task.after.is_empty() && task.finalizes.is_none();
    if is_triggered
        && task.when.is_some()
        && task.warehouse.is_none()
        && task.completion_interval.is_none()
    {
        return Err(SnowflakeError::compilation(
            "a triggered task without a WAREHOUSE needs a TARGET_COMPLETION_INTERVAL",
        ));
    }
    if task.finalizes.is_some() && !task.after.is_empty() {
        return Err(SnowflakeError::compilation(
            "a finalizer task cannot have predecessors",
        ));
    }
    Ok(())
}

/// Fails if nothing would ever start the task; told to, it runs all the same.
pub(crate) fn check_starts(task: &Task) -> Result<()> {
    let waits = |when: &String| when.to_uppercase().contains("SYSTEM$STREAM_HAS_DATA");
    if task.schedule.is_some()
        || task.finalizes.is_some()
        || !task.after.is_empty()
        || task.when.as_ref().is_some_and(waits)
    {
        return Ok(());
    }
    Err(SnowflakeError::compilation(
        "Task needs a schedule, a predecessor, or a condition with SYSTEM$STREAM_HAS_DATA",
    ))
}

/// Fails unless the task's owner may use its warehouse.
pub(crate) fn require_warehouse(session: &Session, object: &Object) -> Result<()> {
    let catalog = session.shared.catalog();
    let Some(name) = body(object).and_then(|task| task.warehouse.as_deref()) else {
        return Ok(());
    };
    let name = Name::parse(name)?;
    let roles = catalog.inherited_roles(&object.owner);
    let warehouse = catalog.find(Kind::Warehouse, &name.0);
    match warehouse {
        Some(warehouse) if catalog.has_privilege(&roles, warehouse, "USAGE") => Ok(()),
        _ => Err(SnowflakeError::new(
            "091089",
            "42501",
            format!(
                "Cannot execute task {}: USAGE privilege on the task's warehouse {name} must be granted to owner role {}",
                object.short(),
                object.owner
            ),
        )),
    }
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

/// The task, if the object is one.
pub(crate) fn body(object: &Object) -> Option<&Task> {
    match &object.body {
        Body::Task(task) => Some(task),
        _ => None,
    }
}
