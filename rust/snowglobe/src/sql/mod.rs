//! Reads Snowflake's dialect: tokens, statements, scripts, and their rendering for DuckDB.

pub(crate) mod cursor;
pub(crate) mod fragment;
pub(crate) mod functions;
pub mod lexeme;
mod limits;
pub(crate) mod properties;
pub(crate) mod script;
pub mod tokens;
pub(crate) mod types;
