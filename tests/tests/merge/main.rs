//! The merge on a real engine: its SQL against a naive fold, repeated, split, interrupted, run twice at once, edited by hand.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what surrounds a test fails as the test does"
)]

mod edited;
mod fold;
mod ground;
mod hands;
mod interruption;
mod overlap;
mod properties;
mod refusal;
mod specs;
