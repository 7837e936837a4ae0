//! Reads Snowflake's dialect: tokens, statements, scripts, and their rendering for DuckDB.

pub mod tokens;
