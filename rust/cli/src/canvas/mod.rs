//! A real NiFi, and the few calls of its REST API that import a flow and start it.
//!
//! Knows nothing of Snowflake: it treats the flow's parameters as names and texts.

mod api;
mod parameters;
mod process;

pub use api::{Api, Bulletin, Login};
pub use parameters::{CONTEXT, FlowParameters, Proof};
pub use process::Nifi;
