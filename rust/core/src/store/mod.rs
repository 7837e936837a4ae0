//! Files in a bucket: compressed on the way, named by what they hold, in parts if they are large.
//!
//! It knows S3 and nothing of Snowflake. `bucket` says how to reach and ask it, `upload` writes one object, `parts` cuts what is written,
//! `multipart` sends the parts of one object, `errors` says what a failure means.

mod bucket;
mod errors;
mod location;
mod multipart;
mod options;
mod parts;
mod upload;

pub use bucket::S3Store;
pub use location::Location;
pub use options::{AccessKey, Compression, Encryption, StoreOptions};
pub use upload::Uploaded;
