//! Changes of keyed tables, from generated or given CSV files to Snowflake: a current table and a complete history.
//!
//! The map, in the order of reading:
//!
//! - [`contract`]: what a file and its tables look like
//! - [`reader`]: CSV checked against a contract, broken rows told
//! - [`merge`]: the plan of a merge, and the SQL of every script
//! - [`error`]: the one error type
//!
//! Everything above is pure: no network, no clock, no async.

pub mod contract;
pub mod error;
pub mod merge;
pub mod reader;

pub use error::{Context, Error, ErrorKind, Result};
