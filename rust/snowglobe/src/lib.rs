//! Snowglobe: a local Snowflake and S3 that a pipeline can trust.
//!
//! - [`types`] are values, errors and time. They know nothing else.
//! - [`object_store`] is where files lie, for the S3 endpoint and for stages.
//! - [`engine`] answers SQL: catalog, transactions, streams, tasks, pipes and procedures on DuckDB. It knows no network.
//! - [`server`] starts the whole, for the binary and for tests. START HERE.
//!   `drain` keeps an answer that comes before its request is read.
//! - [`wire`] is Snowflake's HTTP: SQL API v2 and Snowpipe REST. It knows no SQL.
//! - [`auth`] tells who calls: key-pair JWT, programmatic access token.
//! - [`faults`] injects faults into calls, for tests.
//! - [`s3`] is the S3 endpoint: buckets, objects, and the events that wake the pipes. It knows nothing of Snowflake.
//! - [`sql`] reads Snowflake's dialect. It knows neither catalog nor data.
//!
//! What it cannot answer as Snowflake would, it refuses by name; it never accepts and ignores.

pub mod auth;
mod drain;
pub mod engine;
pub mod faults;
pub mod object_store;
pub mod s3;
pub mod server;
pub mod sql;
pub mod types;
pub mod wire;
