//! What a merge does, step by step, and why in this order. No SQL text: `procedure` renders each step.
//!
//! Invariants of the plan, which its tests check:
//! - `TakeLock` is first, so that runs wait for each other before they read anything.
//! - `ReadStaging` comes before `DeleteStaged`, which deletes only what was taken.
//! - `CaptureManualChanges` comes before `ResolveVersions`, so that an edit made by hand is history before anything can cover it.
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
    /// Read the staged rows that the stream shows, type them, and tell what is wrong with each.
    ReadStaging,
    /// Delete from staging exactly the rows taken.
    DeleteStaged,
    /// List the keys of the events and of the target's changes, with the target's rows as they are now.
    FindTouchedKeys,
    /// Read the history rows of those keys that the events could change.
    ReadHistory,
    /// Turn rows of the target that differ from open history into events.
    CaptureManualChanges,
    /// Order events and stored rows by key, settle ties and duplicates, find every interval.
    ResolveVersions,
    /// Write refused rows and lost ties to the rejects, each once.
    WriteRejects,
    /// Write new events and moved intervals to the history.
    WriteHistory,
    /// Find the target's rows that are no longer right.
    CompareWithTarget,
    /// Put them right.
    ApplyToTarget,
    /// Write what the run did with every file.
    WriteRunLog,
}

/// The steps of one procedure over one contract.
#[derive(Clone, Debug)]
pub struct MergePlan<'c> {
    /// What is merged.
    pub contract: &'c Contract,
    /// Where it is.
    pub names: Names,
    /// In this order, in one transaction.
    pub steps: Vec<Step>,
}

impl<'c> MergePlan<'c> {
    /// The plan of `MERGE_…()`: everything.
    #[must_use]
    pub fn of(contract: &'c Contract) -> Self {
        use Step::{
            ApplyToTarget, CaptureManualChanges, ClearWorkTables, CompareWithTarget, DeleteStaged,
            FindTouchedKeys, ReadHistory, ReadStaging, ResolveVersions, TakeLock, WriteHistory,
            WriteRejects, WriteRunLog,
        };
        let steps = vec![
            TakeLock,
            ClearWorkTables,
            ReadStaging,
            DeleteStaged,
            FindTouchedKeys,
            ReadHistory,
            CaptureManualChanges,
            ResolveVersions,
            WriteRejects,
            WriteHistory,
            CompareWithTarget,
            ApplyToTarget,
            WriteRunLog,
        ];
        Self {
            contract,
            names: Names::of(contract),
            steps,
        }
    }

    /// The plan of `CAPTURE_…()`: the same, without new files.
    #[must_use]
    pub fn of_capture(contract: &'c Contract) -> Self {
        let mut plan = Self::of(contract);
        plan.steps
            .retain(|step| !matches!(step, Step::ReadStaging | Step::DeleteStaged));
        plan
    }
}
