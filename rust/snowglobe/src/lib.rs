//! Snowglobe: a local Snowflake and S3 that a pipeline can trust.
//!
//! - [`engine`] answers SQL: catalog, transactions, streams, tasks, pipes and procedures on DuckDB. It knows no network.
//! - [`sql`] reads Snowflake's dialect. It knows neither catalog nor data.
//!
//! What it cannot answer as Snowflake would, it refuses by name; it never accepts and ignores.

pub mod engine;
pub mod sql;
