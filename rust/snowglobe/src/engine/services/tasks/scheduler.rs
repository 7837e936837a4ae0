//! Finds the tasks whose time has come, and runs each in a thread of its own.

use std::sync::Arc;
use std::time::Duration;

use super::graph;
use super::run::condition;
use crate::engine::catalog::{Kind, Object};
use crate::engine::session::{Runtime, WeakRuntime};
use crate::engine::state::task_runs::Run;
use crate::engine::statements::tasks::body;
use crate::types::schedule::Schedule;

/// A triggered task whose stream still has data runs again after this long.
const TRIGGER_INTERVAL_MICROS: i64 = 30_000_000;
/// How long the scheduler sleeps when nothing wakes it.
const TICK: Duration = Duration::from_millis(50);

/// Runs the scheduler until the engine closes.
pub(crate) fn start(shared: &Runtime) {
    let weak = shared.downgrade();
    let spawned = std::thread::Builder::new()
        .name("tasks".to_owned())
        .spawn(move || run(&weak));
    if let Err(error) = spawned {
        log::error!("the thread of tasks did not start: {error}");
    }
}

fn run(weak: &WeakRuntime) {
    while let Some(shared) = weak.upgrade() {
        if shared.closing.load(std::sync::atomic::Ordering::SeqCst) {
            return;
        }
        for (object, run) in due(&shared) {
            spawn(&shared, object, run);
        }
        let clock = shared.options.clock.clone();
        drop(shared);
        clock.wait(TICK);
    }
}

/// The root tasks whose time has come.
fn due(shared: &Runtime) -> Vec<(Arc<Object>, Run)> {
    let catalog = shared.catalog();
    let now = shared.options.clock.now_micros();
    let committed = shared.committed();
    let mut found = Vec::new();
    for object in catalog.all(Kind::Task) {
        let Some(task) = body(object) else { continue };
        if !task.started || !task.after.is_empty() || task.finalizes.is_some() {
            continue;
        }
        let mut state = shared.tasks.lock();
        let is_running = state.running.contains(&object.id);
        let Some(schedule) = task
            .schedule
            .as_deref()
            .and_then(|s| Schedule::parse(s).ok())
        else {
            if task.when.is_none() {
                continue;
            }
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
            if condition(shared, object, task, &Run::new("TRIGGER", now)).unwrap_or(true) {
                shared.tasks.lock().triggered_micros.insert(object.id, now);
                found.push((Arc::clone(object), Run::new("TRIGGER", now)));
            }
            continue;
        };
        let since = state
            .followed_micros
            .get(&object.id)
            .copied()
            .unwrap_or(0)
            .max(task.resumed_micros);
        // A run that would overlap is left out: once this one has ended, its schedule is followed from there.
        if is_running {
            continue;
        }
        if let Some(time) = schedule.last_between(since, now, task.resumed_micros) {
            state.followed_micros.insert(object.id, time);
            found.push((Arc::clone(object), Run::new("SCHEDULE", time)));
        }
    }
    found
}

/// Runs the task's graph in the background. While it runs, a scheduled run is left out, and one that was asked for comes next.
pub(super) fn spawn(shared: &Runtime, object: Arc<Object>, run: Run) {
    {
        let mut state = shared.tasks.lock();
        if !state.running.insert(object.id) {
            if run.from == "EXECUTE TASK" {
                state.asked.insert(object.id, run);
            }
            return;
        }
    }
    let id = object.id;
    let inner = shared.clone();
    let spawned = std::thread::Builder::new()
        .name("task".to_owned())
        .spawn(move || {
            let mut next = Some(run);
            while let Some(run) = next {
                let now = inner.catalog().by_id(id).cloned();
                graph::run(&inner, now.as_ref().unwrap_or(&object), run);
                let mut state = inner.tasks.lock();
                next = state.asked.remove(&id);
                if next.is_none() {
                    state.running.remove(&id);
                }
            }
            inner.options.clock.wake();
        });
    if let Err(error) = spawned {
        log::error!("a task's thread did not start: {error}");
        shared.tasks.lock().running.remove(&id);
    }
}
