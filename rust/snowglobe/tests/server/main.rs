//! Snowglobe as its clients meet it: over its sockets, and as a process.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod binary;
mod buckets;
mod client;
mod drivers;
mod faults;
mod malformed_requests;
mod snowpipe;
mod sql_api;
mod tokens;
mod trust;
