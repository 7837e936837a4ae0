//! Runs of tasks: what runs now, and how what ran before it has ended.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::sql::cursor::Name;

/// What runs, and what was looked at when.
#[derive(Default)]
pub struct Scheduler(Mutex<State>);

#[derive(Default)]
pub(crate) struct State {
    pub running: BTreeSet<u64>,
    /// task → the time up to which its schedule was followed
    pub followed_micros: BTreeMap<u64, i64>,
    /// task → the commit at which its trigger was last looked at, and when
    pub triggers: BTreeMap<u64, (i64, i64)>,
    /// task → when its trigger last started it
    pub triggered_micros: BTreeMap<u64, i64>,
    /// task → the run that someone has asked for meanwhile
    pub asked: BTreeMap<u64, Run>,
    /// What runs now, by query id, as history tells it.
    pub executing: BTreeMap<String, String>,
}

impl Scheduler {
    /// Notes what runs under that query id: a row of the history.
    pub(crate) fn begins(&self, query_id: &str, row: String) {
        self.lock().executing.insert(query_id.to_owned(), row);
    }

    /// Notes that it has ended, and when.
    pub(crate) fn ends(&self, query_id: &str, root: u64, at: i64) {
        let mut state = self.lock();
        state.executing.remove(query_id);
        state.followed_micros.insert(root, at);
    }

    /// Rows of the history for what runs now.
    pub(crate) fn executing(&self) -> Vec<String> {
        self.lock().executing.values().cloned().collect()
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A run of a graph.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// What started it, as history tells it.
    pub from: &'static str,
    /// When it was to begin, which is also its id.
    pub scheduled_micros: i64,
    /// 1 at first.
    pub attempt: i64,
    pub outcomes: BTreeMap<Name, Outcome>,
}

impl Run {
    pub(crate) fn new(from: &'static str, scheduled_micros: i64) -> Self {
        Self {
            from,
            scheduled_micros,
            attempt: 1,
            outcomes: BTreeMap::new(),
        }
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.outcomes.values().any(|o| *o == Outcome::Failed)
    }

    /// Forgets what has not succeeded, for the next attempt.
    pub(crate) fn again(&mut self) {
        self.attempt += 1;
        self.outcomes
            .retain(|_, o| matches!(o, Outcome::Succeeded(_)));
    }
}

/// How a task ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    /// With what it returned.
    Succeeded(Option<String>),
    /// Its condition did not hold.
    Skipped,
    Failed,
}

/// What a session knows of the task that it runs.
#[derive(Debug, Default)]
pub(crate) struct RunningTask {
    /// The full name.
    pub name: String,
    /// What its predecessors have returned, by their last name.
    pub predecessors: BTreeMap<String, Option<String>>,
    pub returned: Mutex<Option<String>>,
}

impl RunningTask {
    /// `SYSTEM$SET_RETURN_VALUE`.
    pub(crate) fn set_returned(&self, value: String) {
        *self.returned.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
    }

    pub(crate) fn returned(&self) -> Option<String> {
        let returned = self.returned.lock();
        returned.unwrap_or_else(PoisonError::into_inner).clone()
    }
}
