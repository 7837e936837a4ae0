//! What works in the background, between the statements.
//!
//! - `vacuum`: erases the row versions and objects that nothing needs any more
//! - `pipes`: Snowpipe
//! - `tasks`: tasks and their graphs

pub(crate) mod pipes;
pub(crate) mod tasks;
pub(crate) mod vacuum;
