//! Runs of the generator: where rows go, how fast, and what is kept so that a run can be resumed.
//!
//! - [`stream_options`]: the core's option table as arguments
//! - [`job`]: what a run has to do, with every decision taken
//! - [`run`]: the job, from the first row to the summary
//! - [`output`]: pieces of text become files in a folder, or standard output
//! - [`part_file`]: a file that gets its name when it is complete
//! - [`encoder`]: plain, gzip, zstd
//! - [`state`]: what a later run needs to resume
//! - [`manifest_file`]: the manifest beside the files
//! - [`interrupt`][]: Ctrl-C
//! - [`progress`]: the progress bar and the summary
//!
//! The core makes the rows and knows neither clock nor files; both are here.

pub mod encoder;
pub mod interrupt;
pub mod job;
pub mod manifest_file;
pub mod output;
pub mod part_file;
pub mod progress;
pub mod run;
pub mod state;
pub mod stream_options;
