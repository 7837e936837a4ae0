//! What every layer speaks of: values and their types, errors, time, session parameters. It knows nothing else.
//!
//! - `value`: values, columns, binds and results
//! - `error`: Snowflake's errors
//! - `clock`: the time, which a test may move
//! - `schedule`: CRON and intervals of tasks
//! - `parameters`: session parameters
//! - `stack`: room for statements that are nested deeply

pub mod clock;
pub mod error;
pub(crate) mod parameters;
pub(crate) mod schedule;
pub mod stack;
pub mod value;

/// What `CURRENT_VERSION()` returns: a version of Snowflake's form. Clients take it apart at its dots.
pub const SNOWFLAKE_VERSION: &str = "9.38.0";
