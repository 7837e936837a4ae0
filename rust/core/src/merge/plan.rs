//! The steps of a merge and their order. No SQL text: `procedure` renders each step.
//!
//! Invariants of the plan, which its tests check:
//! - `TakeLock` is first, so that runs wait for each other before they read anything.
//! - `ReadStaging` comes before `DeleteStaged`, which deletes only what was read: the staging table is the queue, its stream only
//!   wakes the task.
//! - `CaptureManualChanges` comes before `ResolveVersions`, so that a manual change is in the history before an event can overwrite it.
//! - `ApplyToTarget` writes a row of the target only if it still is as `FindTouchedKeys` found it; otherwise the run is rolled back.

use super::Names;
use crate::contract::Contract;

/// One step of a run. All steps of a run share one transaction.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Step {
    /// Wait for any other run and take the next run number.
    TakeLock,
    /// Empty the work tables of the run before.
    ClearWorkTables,
    /// Read staged rows, whole files up to a limit, type them, and find the faults of each.
    ReadStaging,
    /// Delete from staging exactly the rows read.
    DeleteStaged,
    /// Find the keys that a snapshot lacks, or hold the snapshot back.
    ReadSnapshot,
    /// Compare the whole target with the open history, in a reconciling run.
    FindDifferences,
    /// List the keys of the events and of the target's changes, with the target's rows as they are now.
    FindTouchedKeys,
    /// Read the history rows of those keys that the events could change.
    ReadHistory,
    /// Turn rows of the target that differ from open history into events.
    CaptureManualChanges,
    /// Find the rows of a snapshot that the history already has.
    FindKnownRows,
    /// Order events and stored rows by key, resolve ties and duplicates, and find every interval.
    ResolveVersions,
    /// Write rejected rows and losers of ties to the rejects, each once.
    WriteRejects,
    /// Write new events and moved intervals to the history.
    WriteHistory,
    /// Find the target's rows that have to change.
    CompareWithTarget,
    /// Change them.
    ApplyToTarget,
    /// Write the row counts of the run and of every file.
    WriteRunLog,
}

/// The steps of a merge over one contract.
#[derive(Clone, Debug)]
pub struct MergePlan<'c> {
    /// The contract.
    pub contract: &'c Contract,
    /// The names of its objects.
    pub names: Names,
    /// The steps in their order, in one transaction.
    pub steps: Vec<Step>,
    /// A run reads whole files, and no further file beyond this number of rows: the rest waits for the next run.
    pub slice_rows: u64,
}

/// The condition of a step.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum When {
    /// In every run.
    Always,
    /// In a run that reads the staged rows.
    ReadsStaging,
    /// In a run that compares the whole target with the history.
    Reconciles,
    /// If there are events, or keys to check.
    AnythingToDo,
}

impl Step {
    pub(super) fn when(self) -> When {
        match self {
            Self::TakeLock | Self::ClearWorkTables | Self::FindTouchedKeys => When::Always,
            Self::ReadStaging | Self::DeleteStaged | Self::ReadSnapshot => When::ReadsStaging,
            Self::FindDifferences => When::Reconciles,
            _ => When::AnythingToDo,
        }
    }
}

impl<'c> MergePlan<'c> {
    /// The plan of `MERGE_…()`. `CAPTURE_…()` does the same, but ignores the staged rows.
    #[must_use]
    pub fn of(contract: &'c Contract, slice_rows: u64) -> Self {
        let of_snapshots = [Step::ReadSnapshot, Step::FindKnownRows];
        let mut steps = vec![
            Step::TakeLock,
            Step::ClearWorkTables,
            Step::ReadStaging,
            Step::DeleteStaged,
            Step::ReadSnapshot,
            Step::FindDifferences,
            Step::FindTouchedKeys,
            Step::ReadHistory,
            Step::CaptureManualChanges,
            Step::FindKnownRows,
            Step::ResolveVersions,
            Step::WriteRejects,
            Step::WriteHistory,
            Step::CompareWithTarget,
            Step::ApplyToTarget,
            Step::WriteRunLog,
        ];
        if contract.snapshot().is_none() {
            steps.retain(|step| !of_snapshots.contains(step));
        }
        Self {
            contract,
            names: Names::of(contract),
            steps,
            slice_rows,
        }
    }
}
