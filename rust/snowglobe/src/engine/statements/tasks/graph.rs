//! Graphs of tasks: what runs after what, and when that may be changed.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::body;
use crate::engine::catalog::{Catalog, Kind, Object, Task};
use crate::sql::cursor::Name;
use crate::types::error::{Result, SnowflakeError};

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
pub(crate) fn all_dependents(catalog: &Catalog, name: &Name, recursive: bool) -> Vec<Arc<Object>> {
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
