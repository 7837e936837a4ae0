//! What a merge does, step by step, and why in this order. No SQL text: `procedure` renders each step.
//!
//! Invariants of the plan, which its tests check:
//! - `Lock` is first, so that runs wait for each other before they read anything.
//! - `Take` comes before `Forget`, which deletes only what was taken.
//! - `Capture` comes before `Fold`, so that an edit made by hand is history before anything can cover it.
//! - `Apply` writes a row of the target only if it still is what `Touch` found; otherwise the whole run is undone.

use super::Names;
use crate::contract::Contract;

/// One step of a run. All steps of a run share one transaction.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Step {
    /// Wait for any other run and take the next number.
    Lock,
    /// Empty the work tables of the run before.
    Clear,
    /// Read the staged rows that the stream shows, type them, and tell what is wrong with each.
    Take,
    /// Delete from staging exactly the rows taken.
    Forget,
    /// List the keys of the events and of the target's changes, with the target's rows as they are now.
    Touch,
    /// Read the history rows of those keys that the events could change.
    Recall,
    /// Turn rows of the target that differ from open history into events.
    Capture,
    /// Order events and stored rows by key, settle ties and duplicates, find every interval.
    Fold,
    /// Write refused rows and lost ties to the rejects, each once.
    Refuse,
    /// Write new events and moved intervals to the history.
    Remember,
    /// Find the target's rows that are no longer right.
    Compare,
    /// Put them right.
    Apply,
    /// Write what the run did with every file.
    Account,
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
            Account, Apply, Capture, Clear, Compare, Fold, Forget, Lock, Recall, Refuse, Remember,
            Take, Touch,
        };
        let steps = vec![
            Lock, Clear, Take, Forget, Touch, Recall, Capture, Fold, Refuse, Remember, Compare,
            Apply, Account,
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
            .retain(|step| !matches!(step, Step::Take | Step::Forget));
        plan
    }
}
