//! Runs of the generator: the destination of the rows, the rate, and the state for resuming a run.
//!
//! - [`stream_options`]: the core's option table as arguments
//! - [`job`]: the job of a run, with every decision made
//! - [`run`]: runs the job, from the first row to the summary
//! - [`output`]: writes pieces to files in a folder, or to standard output
//! - [`part_file`]: a file that is renamed to its name when it is complete
//! - [`encoder`]: plain, gzip, zstd
//! - [`state`]: the state that a later run needs to resume
//! - [`manifest_file`]: the manifest beside the files
//! - [`interrupt`][]: Ctrl-C
//! - [`progress`]: the progress bar and the summary
//!
//! The core generates the rows without a clock or files; both are here.

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
