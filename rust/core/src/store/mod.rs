//! Files in a bucket: compressed on the way, named by what they hold, in parts if they are large.
//!
//! It knows S3 and nothing of Snowflake.

mod location;
mod upload;

pub use location::Location;
pub use upload::{AccessKey, Compression, Encryption, S3Store, StoreOptions, Uploaded};
