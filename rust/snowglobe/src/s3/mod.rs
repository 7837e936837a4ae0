//! The S3 endpoint: buckets and objects for stages, and the events that wake the pipes.
//!
//! It speaks S3 through `s3s`, which checks signature version 4 (headers, presigned, streamed with trailers) before anything
//! here runs. What it cannot do (versions, tags, ACLs, customer keys, ...) it refuses by name. It knows nothing of Snowflake.

mod blobs;
mod digest;
mod headers;
mod journal;
mod listing;
mod objects;
mod reading;
mod service;
mod stage;
mod state;
mod store;
mod unfinished;
mod uploads;

pub use service::endpoint;
pub use state::{Checksums, Headers, Object};
pub use store::{Condition, ObjectCreated, Store, StoreError};
