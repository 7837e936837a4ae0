//! A real NiFi, and the few calls of its REST API that put a flow on the canvas and start it.
//!
//! Knows nothing of Snowflake; the flow's parameters are names and texts to it.

mod api;
mod parameters;
mod process;

pub use api::{Api, Bulletin, Login};
pub use parameters::{CONTEXT, FlowParameters, Proof};
pub use process::Nifi;
