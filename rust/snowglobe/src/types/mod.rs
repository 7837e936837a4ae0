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
