//! A real NiFi as a child process, and the few calls of its REST API that put a flow on the canvas and start it.
//!
//! Knows nothing of Snowflake; the flow's parameters are names and texts to it.

mod api;
mod process;

pub use api::{Api, Parameter};
pub use process::Nifi;
