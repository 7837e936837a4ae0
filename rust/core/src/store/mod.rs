//! Files in a bucket: compressed on the way, named by what they hold, in parts if they are large.
//!
//! It knows S3 and nothing of Snowflake. `upload` is the store, `parts` cuts what is written, `multipart` sends the parts of one
//! object, `errors` says what a failure means.

mod errors;
mod location;
mod multipart;
mod options;
mod parts;
mod upload;

pub use location::Location;
pub use options::{AccessKey, Compression, Encryption, StoreOptions};
pub use upload::{S3Store, Uploaded};
