//! The names of all objects that belong to a contract.

use super::Identifier;
use crate::contract::Contract;

/// Every object of one contract.
#[derive(Clone, Debug)]
pub struct Names {
    /// The current state.
    pub target: Identifier,
    /// Every event.
    pub history: Identifier,
    /// The view for people.
    pub versions: Identifier,
    /// Where rows land.
    pub staging: Identifier,
    /// Rows refused, with their reasons.
    pub rejects: Identifier,
    /// What every run did with every file.
    pub runs: Identifier,
    /// One row that every run updates first, so that runs wait for each other.
    pub lock: Identifier,
    /// The events of the last run, typed.
    pub batch: Identifier,
    /// The keys of the last run, with the target's rows as they were found.
    pub touched: Identifier,
    /// The history rows that the last run's events could change.
    pub stored: Identifier,
    /// Events and stored rows, each with its interval and its fate.
    pub fold: Identifier,
    /// What changes in the target.
    pub delta: Identifier,
    /// The append-only stream of the staging table.
    pub staging_stream: Identifier,
    /// The stream of the target.
    pub changes: Identifier,
    /// The file format.
    pub format: Identifier,
    /// The external stage.
    pub stage: Identifier,
    /// The pipe.
    pub pipe: Identifier,
    /// The procedure that merges.
    pub merge: Identifier,
    /// The procedure that captures edits made by hand.
    pub capture: Identifier,
    /// The task that merges.
    pub merge_task: Identifier,
    /// The task that captures.
    pub capture_task: Identifier,
}

impl Names {
    /// The names for `contract`.
    #[must_use]
    pub fn of(contract: &Contract) -> Self {
        let target = Identifier::new(contract.table());
        Self {
            history: target.derived("HISTORY"),
            versions: target.derived("VERSIONS"),
            staging: target.derived("STAGING"),
            rejects: target.derived("REJECTS"),
            runs: target.derived("RUNS"),
            lock: target.derived("MERGE_LOCK"),
            batch: target.derived("MERGE_BATCH"),
            touched: target.derived("MERGE_TOUCHED"),
            stored: target.derived("MERGE_STORED"),
            fold: target.derived("MERGE_FOLD"),
            delta: target.derived("MERGE_DELTA"),
            staging_stream: target.derived("STAGING_STREAM"),
            changes: target.derived("CHANGES"),
            format: target.derived("CSV"),
            stage: target.derived("STAGE"),
            pipe: target.derived("PIPE"),
            merge: target.with_verb("MERGE"),
            capture: target.with_verb("CAPTURE"),
            merge_task: target.with_verb("MERGE").derived("TASK"),
            capture_task: target.with_verb("CAPTURE").derived("TASK"),
            target,
        }
    }

    /// The tables that only a run uses.
    #[must_use]
    pub fn work_tables(&self) -> [&Identifier; 5] {
        [
            &self.batch,
            &self.touched,
            &self.stored,
            &self.fold,
            &self.delta,
        ]
    }
}
