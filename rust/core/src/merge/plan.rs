//! What a merge does, step by step, and why in this order. No SQL text: `procedure` renders each step.
//!
//! Invariants of the plan, which its tests check:
//! - `TakeLock` is first, so that runs wait for each other before they read anything.
//! - `ReadStaging` comes before `DeleteStaged`, which deletes only what was read: the staging table is the queue, its stream only
//!   wakes the task.
//! - `CaptureManualChanges` comes before `ResolveVersions`, so that a manual change is history before anything can cover it.
//! - `ApplyToTarget` writes a row of the target only if it still is what `FindTouchedKeys` found; otherwise the whole run is undone.

use super::Names;
use crate::contract::Contract;

/// One step of a run. All steps of a run share one transaction.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Step {
    /// Wait for any other run and take the next number.
    TakeLock,
    /// Empty the work tables of the run before.
    ClearWorkTables,
    /// Read staged rows, whole files up to a limit, type them, and find what is wrong with each.
    ReadStaging,
    /// Delete from staging exactly the rows read.
    DeleteStaged,
    /// Find the keys that a snapshot lacks, or hold it back.
    ReadSnapshot,
    /// Compare all of the target with open history, in a run that is told to.
    FindDifferences,
    /// List the keys of the events and of the target's changes, with the target's rows as they are now.
    FindTouchedKeys,
    /// Read the history rows of those keys that the events could change.
    ReadHistory,
    /// Turn rows of the target that differ from open history into events.
    CaptureManualChanges,
    /// Find the rows of a snapshot that say what the history knows.
    FindKnownRows,
    /// Order events and stored rows by key, settle ties and duplicates, find every interval.
    ResolveVersions,
    /// Write rejected rows and lost ties to the rejects, each once.
    WriteRejects,
    /// Write new events and moved intervals to the history.
    WriteHistory,
    /// Find the target's rows that are no longer right.
    CompareWithTarget,
    /// Correct them.
    ApplyToTarget,
    /// Write what the run did with every file.
    WriteRunLog,
}

/// The steps of a merge over one contract.
#[derive(Clone, Debug)]
pub struct MergePlan<'c> {
    /// What is merged.
    pub contract: &'c Contract,
    /// Where it is.
    pub names: Names,
    /// In this order, in one transaction.
    pub steps: Vec<Step>,
    /// A run reads whole files, and no further one beyond this many rows: what waits longer is for the next run.
    pub slice_rows: u64,
}

/// When a step is taken.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum When {
    /// In every run.
    Always,
    /// In a run that reads the staged rows.
    ReadsStaging,
    /// In a run that compares all of the target with the history.
    Reconciles,
    /// If there are events, or keys of which something has to be found out.
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
    /// The plan of `MERGE_…()`. `CAPTURE_…()` does the same without the staged rows.
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
