//! Loads changes of keyed tables from generated or given files into Snowflake: a current table and a complete history.
//!
//! The map, in the order of reading:
//!
//! - [`contract`]: what a file and its tables look like
//! - [`reader`]: CSV checked against a contract, malformed rows reported
//! - [`infer`]: a contract from a file, with the evidence for each column
//! - [`merge`]: the plan of a merge, and the SQL of every script
//! - [`error`]: the one error type
//! - [`event`]: a change of a customer, as one row of a generated file
//! - [`generator`]: a stream of changes of customers; a seed in, bytes out
//! - [`locale`]: the countries and languages of customers
//! - [`cost`]: what a pipeline costs on an account
//! - [`quantity`]: counts, fractions and times as people write them
//!
//! Everything above is pure: no network, no clock, no async. The feature `cloud` adds:
//!
//! - [`snowflake`]: a client for Snowflake's SQL API and Snowpipe
//! - [`store`]: files in a bucket
//! - [`pipeline`]: loads a file into the tables, end to end

pub mod contract;
pub mod cost;
pub mod error;
pub mod event;
pub mod generator;
pub mod infer;
pub mod locale;
pub mod merge;
#[cfg(feature = "cloud")]
pub mod pipeline;
mod printable;
pub mod quantity;
mod random;
pub mod reader;
#[cfg(feature = "cloud")]
pub mod snowflake;
#[cfg(feature = "cloud")]
pub mod store;

pub use error::{Context, Error, ErrorKind, Fault, Result};
pub use printable::printable;
