//! The names of all objects that belong to a contract, and of the columns that Firn adds beside the contract's.

use super::Identifier;
use crate::contract::{Contract, HistoryColumns};

/// Every object of one contract, and Firn's columns in its history.
#[derive(Clone, Debug)]
pub struct Names {
    /// The current state.
    pub target: Identifier,
    /// Every event: a view of the open and the closed versions.
    pub history: Identifier,
    /// The last event of each key, including deletes: as large as the target.
    pub history_open: Identifier,
    /// Every version that has ended.
    pub history_closed: Identifier,
    /// The view for people.
    pub versions: Identifier,
    /// Loaded rows that wait for a merge.
    pub staging: Identifier,
    /// Rejected rows, with their reasons.
    pub rejects: Identifier,
    /// The rejected rows that have been sent again, and their new files.
    pub retries: Identifier,
    /// The run log: the row counts of every run and file.
    pub runs: Identifier,
    /// One row that every run updates first, so that runs wait for each other.
    pub lock: Identifier,
    /// One row that every load updates first, so that no two of them load the same file.
    pub load_lock: Identifier,
    /// The events of the last run, typed.
    pub merge_events: Identifier,
    /// The keys whose row of the target is not the open version, where a run compares all of them.
    pub merge_differences: Identifier,
    /// The keys of the last run, with the target's rows as they were found.
    pub merge_keys: Identifier,
    /// The history rows that the last run's events could change.
    pub merge_stored: Identifier,
    /// Events and stored rows, each with its interval and its outcome.
    pub merge_versions: Identifier,
    /// What changes in the target.
    pub merge_changes: Identifier,
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
    /// The procedure that captures manual changes.
    pub capture: Identifier,
    /// The procedure that loads named files and merges.
    pub load: Identifier,
    /// The procedure that reports what happened to the rows of files.
    pub report: Identifier,
    /// The task that merges.
    pub merge_task: Identifier,
    /// The capture task of earlier deployments: now one task does both.
    pub capture_task: Identifier,
    /// Start of a version's validity.
    pub valid_from: Identifier,
    /// End of its validity.
    pub valid_to: Identifier,
    /// Whether the version is current.
    pub is_current: Identifier,
    /// The file that brought a row.
    pub source_file: Identifier,
    /// Its row there.
    pub source_row: Identifier,
    /// When it was loaded.
    pub loaded_at: Identifier,
    /// The columns that a partial update gave; none if the contract has no partial updates.
    pub given_columns: Option<Identifier>,
}

impl Names {
    /// The names for `contract`.
    #[must_use]
    pub fn of(contract: &Contract) -> Self {
        let columns = contract.history_columns();
        let given = || Identifier::new(&columns.given_columns);
        Self {
            given_columns: contract.has_partial_updates().then(given),
            ..Self::of_table(contract.table(), columns)
        }
    }

    /// The names of the contract whose target is `table`.
    pub(crate) fn of_table(table: &str, columns: &HistoryColumns) -> Self {
        let target = Identifier::new(table);
        Self {
            history: target.derived("HISTORY"),
            history_open: target.derived("HISTORY_OPEN"),
            history_closed: target.derived("HISTORY_CLOSED"),
            versions: target.derived("VERSIONS"),
            staging: target.derived("STAGING"),
            rejects: target.derived("REJECTS"),
            retries: target.derived("RETRIES"),
            runs: target.derived("RUNS"),
            lock: target.derived("MERGE_LOCK"),
            load_lock: target.derived("LOAD_LOCK"),
            merge_events: target.derived("MERGE_EVENTS"),
            merge_differences: target.derived("MERGE_DIFFERENCES"),
            merge_keys: target.derived("MERGE_KEYS"),
            merge_stored: target.derived("MERGE_STORED"),
            merge_versions: target.derived("MERGE_VERSIONS"),
            merge_changes: target.derived("MERGE_CHANGES"),
            staging_stream: target.derived("STAGING_STREAM"),
            changes: target.derived("CHANGES"),
            format: target.derived("CSV"),
            stage: target.derived("STAGE"),
            pipe: target.derived("PIPE"),
            merge: target.with_verb("MERGE"),
            capture: target.with_verb("CAPTURE"),
            load: target.with_verb("LOAD"),
            report: target.with_verb("REPORT"),
            merge_task: target.with_verb("MERGE").derived("TASK"),
            capture_task: target.with_verb("CAPTURE").derived("TASK"),
            valid_from: Identifier::new(&columns.valid_from),
            valid_to: Identifier::new(&columns.valid_to),
            is_current: Identifier::new(&columns.is_current),
            source_file: Identifier::new(&columns.source_file),
            source_row: Identifier::new(&columns.source_row),
            loaded_at: Identifier::new(&columns.loaded_at),
            given_columns: None,
            target,
        }
    }

    /// The tables that only a run uses.
    #[must_use]
    pub fn work_tables(&self) -> [&Identifier; 6] {
        [
            &self.merge_events,
            &self.merge_differences,
            &self.merge_keys,
            &self.merge_stored,
            &self.merge_versions,
            &self.merge_changes,
        ]
    }

    /// Tables, views and streams: objects that share one namespace in a schema.
    pub(crate) fn relations(&self) -> impl Iterator<Item = &Identifier> {
        [
            &self.target,
            &self.history,
            &self.history_open,
            &self.history_closed,
            &self.versions,
            &self.staging,
            &self.rejects,
            &self.retries,
            &self.runs,
            &self.lock,
            &self.load_lock,
            &self.staging_stream,
            &self.changes,
        ]
        .into_iter()
        .chain(self.work_tables())
    }

    /// The source columns of a row, with their types.
    pub(super) fn source_columns(&self) -> [(&Identifier, &'static str); 3] {
        [
            (&self.source_file, "varchar"),
            (&self.source_row, "number(18,0)"),
            (&self.loaded_at, "timestamp_ltz"),
        ]
    }

    /// The columns that Firn adds in staging, work tables and history: a row's source, and the columns that it gave.
    pub(super) fn carried_columns(&self) -> impl Iterator<Item = (&Identifier, &'static str)> {
        let given = self.given_columns.as_ref().map(|name| (name, "varchar"));
        self.source_columns().into_iter().chain(given)
    }

    /// The same, each with `prefix` before it, joined by commas.
    pub(super) fn carried_list(&self, prefix: &str) -> String {
        let columns = self.carried_columns();
        let columns = columns.map(|(name, _)| format!("{prefix}{name}"));
        columns.collect::<Vec<_>>().join(", ")
    }

    /// The source columns of a row, each with `prefix` before it, joined by commas.
    pub(super) fn source_list(&self, prefix: &str) -> String {
        self.source_columns()
            .map(|(name, _)| format!("{prefix}{name}"))
            .join(", ")
    }
}
