//! Task graphs: what runs after what, retries, finalizers.

use std::sync::Arc;

use super::run;
use crate::engine::catalog::{Body, Catalog, Kind, Object};
use crate::engine::compile::Context;
use crate::engine::session::Runtime;
use crate::engine::state::task_runs::{Outcome, Run};
use crate::engine::statements::tasks::body;
use crate::engine::statements::tasks::graph::all_dependents;
use crate::sql::cursor::Name;
use crate::types::error::Result;

/// Runs a root task and what comes after it, with retries; at the end the finalizer, if there is one.
pub(super) fn run(shared: &Runtime, root: &Arc<Object>, mut run: Run) {
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

fn attempt(shared: &Runtime, catalog: &Catalog, root: &Arc<Object>, run: &mut Run, last: i64) {
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
    Ok(all_dependents(
        &context.snapshot.catalog,
        &task.name(),
        recursive,
    ))
}

/// `SYSTEM$TASK_DEPENDENTS_ENABLE`: resumes the root and all that depends on it.
///
/// # Errors
/// If there is no such task, or the role may not operate one of them.
pub(crate) fn enable_dependents(context: &Context<'_>, name: &Name) -> Result<()> {
    let root = context.find(Kind::Task, name)?;
    let mut all = all_dependents(&context.snapshot.catalog, &root.name(), true);
    all.push(root);
    for object in &all {
        context.require(object, "OPERATE")?;
    }
    let now = context.snapshot.now;
    context.environment.shared.change_catalog(|catalog| {
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
    context.environment.shared.options.clock.wake();
    Ok(())
}
