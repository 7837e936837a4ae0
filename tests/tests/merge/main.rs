//! The merge on a real engine: its SQL against a naive fold, repeated, split, interrupted, run concurrently, with manual changes.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what surrounds a test fails as the test does"
)]

mod column_names;
mod fixture;
mod fold;
mod interruption;
mod manual_changes;
mod manual_changes_random;
mod overlap;
mod partial;
mod properties;
mod rejects;
mod snapshot;
mod specs;
mod streams;
