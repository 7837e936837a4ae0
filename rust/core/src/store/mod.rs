//! Objects in a bucket: compressed during the upload, named by their content, in parts if they are large.
//!
//! It knows S3 and nothing of Snowflake. `bucket` is the client, `upload` writes one object, `parts` cuts its content into parts,
//! `multipart` sends the parts of one object, `errors` explains failures.

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
