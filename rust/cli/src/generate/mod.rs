//! Runs of the generator: where rows go, how fast, and what is kept so that a run can go on.
//!
//! - [`quantity`]: `10k`, `5%`, `500ms` as people write them
//! - [`job`]: arguments and state file become one [`job::Job`]
//! - [`run`]: the job, from the first row to the summary
//! - [`landing`]: pieces of text become files in a folder, or standard output
//! - [`part_file`]: a file that has its name only when it is whole
//! - [`encoder`]: plain, gzip, zstd
//! - [`state`]: what a later run has to know
//! - [`record`]: the manifest beside the files
//! - [`interrupt`][]: Ctrl-C
//! - [`progress`]: what a person sees meanwhile
//!
//! Which rows there are is the core's business; it knows no clock and no files, and here is where they are.

pub mod encoder;
pub mod interrupt;
pub mod job;
pub mod landing;
pub mod part_file;
pub mod progress;
pub mod quantity;
pub mod record;
pub mod run;
pub mod state;
