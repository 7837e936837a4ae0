//! Task graphs: what runs after what, retries, finalizers.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::body;
use super::run;
use crate::engine::catalog::{Body, Catalog, Kind, Object, Task};
use crate::engine::compile::Context;
use crate::engine::state::shared::Shared;
use crate::engine::state::task_runs::{Outcome, Run};
use crate::sql::cursor::Name;
use crate::types::error::{Result, SnowflakeError};

/// Runs a root task and what comes after it, with retries; at the end the finalizer, if there is one.
pub(super) fn run(shared: &Arc<Shared>, root: &Arc<Object>, mut run: Run) {
    // The graph as it is now: what changes later is for the next run.
    let catalog = shared.catalog();
    let retries = body(root).map_or(0, |t| t.retry_attempts);
    let last = run.attempt + retries;
    loop {
        attempt(shared, &catalog, root, &mut run, last);
        if !run.has_failed() || run.attempt >= last {
            break;
        }
        run.again();
    }
    // A root that was skipped has begun no run.
    if run.outcomes.get(&root.name()) == Some(&Outcome::Skipped) {
        return;
    }
    let finalizes = |o: &&Arc<Object>| {
        body(o).is_some_and(|t| t.started && t.finalizes.as_ref() == Some(&root.name()))
    };
    if let Some(finalizer) = catalog.all(Kind::Task).find(finalizes) {
        run::one(shared, finalizer, root, &run, true);
    }
}

fn attempt(shared: &Arc<Shared>, catalog: &Catalog, root: &Arc<Object>, run: &mut Run, last: i64) {
    let is_last = run.attempt >= last;
    let mut next = (!run.outcomes.contains_key(&root.name())).then(|| Arc::clone(root));
    loop {
        if let Some(object) = next {
            let outcome = run::one(shared, &object, root, run, is_last);
            run.outcomes.insert(object.name(), outcome);
        }
        next = ready(catalog, root, run);
        if next.is_none() {
            return;
        }
    }
}

/// A started task that has not run and whose predecessors have all succeeded; those that are suspended are passed over.
fn ready(catalog: &Catalog, root: &Object, run: &Run) -> Option<Arc<Object>> {
    let counts = |name: &&Name| {
        **name == root.name()
            || catalog
                .find(Kind::Task, &name.0)
                .and_then(|o| body(o))
                .is_some_and(|t| t.started)
    };
    let succeeded = |name: &Name| matches!(run.outcomes.get(name), Some(Outcome::Succeeded(_)));
    let is_ready = |object: &&Arc<Object>| {
        let Some(task) = body(object) else {
            return false;
        };
        let mut before = task.after.iter().filter(counts).peekable();
        task.started
            && !run.outcomes.contains_key(&object.name())
            && before.peek().is_some()
            && before.all(succeeded)
    };
    catalog.all(Kind::Task).find(is_ready).cloned()
}

/// The root of the graph that the task is in.
pub(crate) fn root_of(catalog: &Catalog, object: &Arc<Object>) -> Arc<Object> {
    let mut at = Arc::clone(object);
    let mut seen = BTreeSet::new();
    while seen.insert(at.id)
        && let Some(task) = body(&at)
        && let Some(before) = task.finalizes.as_ref().or(task.after.first())
        && let Some(found) = catalog.find(Kind::Task, &before.0)
    {
        at = Arc::clone(found);
    }
    at
}

/// Fails if the graph may not be changed now, or would run in a circle. `before` are the predecessors to be.
///
/// # Errors
/// As Snowflake: a graph is changed while its root is suspended.
pub(crate) fn check_change(
    catalog: &Catalog,
    own: Option<&Arc<Object>>,
    before: &[Name],
) -> Result<()> {
    let roots = before
        .iter()
        .filter_map(|name| catalog.find(Kind::Task, &name.0))
        .chain(
            own.filter(|o| body(o).is_some_and(|t| !t.after.is_empty() || t.finalizes.is_some())),
        )
        .map(|o| root_of(catalog, o));
    for root in roots {
        if body(&root).is_some_and(|t| t.started) {
            return Err(not_suspended(&root.name()));
        }
    }
    let Some(own) = own else { return Ok(()) };
    let below = all_dependents(catalog, &own.name(), true);
    if below.iter().any(|o| before.contains(&o.name())) || before.contains(&own.name()) {
        return Err(SnowflakeError::compilation(format!(
            "task {} would run after itself: a graph has no cycle",
            own.short()
        )));
    }
    Ok(())
}

/// Fails for a root that is resumed: a standalone task is the root of a graph of its own.
pub(crate) fn check_suspended(object: &Object) -> Result<()> {
    let is_root = |task: &&Task| task.after.is_empty() && task.finalizes.is_none();
    match body(object).filter(is_root) {
        Some(task) if task.started => Err(not_suspended(&object.name())),
        _ => Ok(()),
    }
}

/// A graph is changed while its root is suspended.
fn not_suspended(root: &Name) -> SnowflakeError {
    SnowflakeError::new(
        "091421",
        "42601",
        format!(
            "Unable to update graph with root task {root} since that root task is not suspended."
        ),
    )
}

/// The tasks that come after it: at once, or at all.
fn all_dependents(catalog: &Catalog, name: &Name, recursive: bool) -> Vec<Arc<Object>> {
    let mut found: Vec<Arc<Object>> = Vec::new();
    let mut open = vec![name.clone()];
    while let Some(name) = open.pop() {
        for object in catalog.all(Kind::Task) {
            let is_after = body(object)
                .is_some_and(|t| t.after.contains(&name) || t.finalizes.as_ref() == Some(&name));
            if is_after && !found.iter().any(|f| f.id == object.id) {
                found.push(Arc::clone(object));
                if recursive {
                    open.push(object.name());
                }
            }
        }
    }
    found
}

/// What `TASK_DEPENDENTS` tells of.
///
/// # Errors
/// If there is no such task.
pub(crate) fn dependents(
    context: &Context<'_>,
    name: &Name,
    recursive: bool,
) -> Result<Vec<Arc<Object>>> {
    let task = context.find(Kind::Task, name)?;
    Ok(all_dependents(&context.catalog, &task.name(), recursive))
}

/// `SYSTEM$TASK_DEPENDENTS_ENABLE`: resumes the root and all that depends on it.
///
/// # Errors
/// If there is no such task, or the role may not operate one of them.
pub(crate) fn enable_dependents(context: &Context<'_>, name: &Name) -> Result<()> {
    let root = context.find(Kind::Task, name)?;
    let mut all = all_dependents(&context.catalog, &root.name(), true);
    all.push(root);
    for object in &all {
        context.require(object, "OPERATE")?;
    }
    let now = context.now;
    context.shared.change_catalog(|catalog| {
        for object in &all {
            catalog.update(object.id, |o| {
                if let Body::Task(task) = &mut o.body {
                    task.started = true;
                    task.failures = 0;
                    task.resumed_micros = now;
                }
            });
        }
        Ok(())
    })?;
    context.shared.options.clock.wake();
    Ok(())
}
