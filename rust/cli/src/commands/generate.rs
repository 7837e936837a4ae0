//! `firn generate`: its arguments, which become a [`Job`] together with a state file.

use std::path::PathBuf;
use std::process::ExitCode;
use std::thread::available_parallelism;
use std::time::Duration;

use clap::Args;
use firn::generator::{Options, Position};
use firn::{Error, Result};
use jiff::Timestamp;

use crate::generate::encoder::Compression;
use crate::generate::job::{Job, Target};
use crate::generate::manifest_file::MANIFEST;
use crate::generate::run::run;
use crate::generate::state::{State, Unfinished};
use crate::generate::stream_options::StreamOptions;
use crate::quantity::{at_least_one, count, duration, rate, threads};

const EXAMPLES: &str = "\
Examples:
  Generate a million customers of three countries, compressed
    firn generate --rows 1M --locale us,de,jp --compress zstd --out customers
  Generate changes of customers in ten files
    firn generate --rows 1M --files 10 --updates 60% --deletes 5% --out changes
  Add faults: late, duplicate and malformed rows
    firn generate --rows 1M --updates 60% --late 1% --duplicates 1% --malformed 0.1% --out faults
  Generate 500 changes a second, a file every 10 seconds, until Ctrl-C; run it again to resume
    firn generate --rate 500 --updates 60% --state stream.json --out incoming
  Look at some rows
    firn generate --rows 1000 --stdout | head

Counts may be written as 1_000_000, 10k, 2M or 1e6; fractions as 0.1 or 10%; durations as 500ms, 10s or 1m.
The same seed and options give the same bytes on every machine, with any number of threads.

Exit codes: 0 success, 1 failure, 2 invalid arguments, 130 interrupted before --rows were written";

/// Generate customers and their changes, as CSV files
#[derive(Args, Clone, Debug)]
#[command(after_long_help = EXAMPLES, after_help = "For details and examples: firn generate --help")]
pub struct Generate {
    /// Number of events to generate in this run
    #[arg(long, value_name = "NUMBER", value_parser = at_least_one, allow_negative_numbers = true, help_heading = "Size")]
    pub rows: Option<u64>,
    /// Number of files: they share --rows, or have --rows-per-file each
    #[arg(long, value_name = "NUMBER", value_parser = at_least_one, allow_negative_numbers = true, help_heading = "Size")]
    pub files: Option<u64>,
    /// Events per second; runs until Ctrl-C unless --rows is given
    #[arg(long, value_name = "ROWS", value_parser = rate, allow_negative_numbers = true, help_heading = "Size", conflicts_with_all = ["rows_per_file", "gap_micros"])]
    pub rate: Option<f64>,
    /// Time per file, with --rate
    #[arg(long, value_name = "DURATION", value_parser = duration, allow_negative_numbers = true, default_value = "10s", help_heading = "Size", requires = "rate")]
    pub every: Duration,

    #[command(flatten)]
    pub stream: StreamOptions,

    /// Folder for the files and their manifest.json; created if missing
    #[arg(
        long,
        short,
        value_name = "FOLDER",
        required_unless_present = "stdout",
        conflicts_with = "stdout",
        help_heading = "Output"
    )]
    pub out: Option<PathBuf>,
    /// Write the rows to standard output
    #[arg(long, help_heading = "Output")]
    pub stdout: bool,
    /// Compression of the files [default: none]
    #[arg(long, value_name = "COMPRESSION", value_enum, help_heading = "Output")]
    pub compress: Option<Compression>,
    /// Replace files of the same name
    #[arg(long, help_heading = "Output")]
    pub force: bool,
    /// File for the manifest: counts, malformed rows, expected target table
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub manifest: Option<PathBuf>,
    /// Write no manifest
    #[arg(long, conflicts_with = "manifest", help_heading = "Output")]
    pub no_manifest: bool,

    /// Resume the run of this state file; created if missing
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "stdout",
        help_heading = "Resuming"
    )]
    pub state: Option<PathBuf>,
    /// Start with the event of this number, after an earlier run
    #[arg(long, value_name = "NUMBER", value_parser = count, allow_negative_numbers = true, conflicts_with = "state", help_heading = "Resuming")]
    pub start_sequence: Option<u64>,

    /// Number of threads [default: one per processor]
    #[arg(long, value_name = "NUMBER", value_parser = threads, allow_negative_numbers = true, help_heading = "Running")]
    pub threads: Option<usize>,
    /// Show no progress and no summary
    #[arg(long, short, help_heading = "Running")]
    pub quiet: bool,
}

/// Clap's exit code for invalid arguments.
const USAGE: u8 = 2;

impl Generate {
    /// Runs the command.
    pub fn run(self) -> Result<ExitCode> {
        match self.into_job() {
            Ok(job) => run(&job),
            Err(error) => {
                eprintln!("error: {error}");
                Ok(ExitCode::from(USAGE))
            }
        }
    }

    /// The job of the arguments and the state file.
    fn into_job(self) -> Result<Job> {
        let state = self
            .state
            .as_deref()
            .map(State::load)
            .transpose()?
            .flatten();
        let (options, compression) = self.options(state.as_ref())?;
        let options = options.validated()?;
        let (from, at, planned) = self.start(state.as_ref());
        let until = match self.end(options.rows_per_file, at)? {
            Some(until) => Some(until),
            None if self.rate.is_none() => Some(planned.ok_or_else(|| {
                Error::config("missing number of rows: use --rows, or --rate to run until Ctrl-C")
            })?),
            None => None,
        };
        if let Some(until) = until {
            options.reaches(until.saturating_sub(1))?;
        }
        let target = self.out.map_or(Target::Stdout, Target::Folder);
        let manifest_path = match &target {
            _ if self.manifest.is_some() => self.manifest,
            Target::Folder(folder) if !self.no_manifest => Some(folder.join(MANIFEST)),
            _ => None,
        };
        Ok(Job {
            options,
            from,
            at,
            until,
            every: self.rate.map(|_| self.every),
            target,
            compression,
            resumed: state.is_some(),
            state_path: self.state,
            manifest_path,
            threads: self
                .threads
                .unwrap_or_else(|| available_parallelism().map_or(1, usize::from)),
            force: self.force,
            quiet: self.quiet,
        })
    }

    /// The options of the stream: the arguments, then the state's options, then the defaults. Arguments must not differ from a state's options.
    fn options(&self, state: Option<&State>) -> Result<(Options, Compression)> {
        let mut options = state.map_or_else(Options::default, |state| state.options.clone());
        let mut compression = state.map(|state| state.compress).unwrap_or_default();
        if state.is_none() && self.rate.is_some() {
            options.start_micros = start_of_now(self.every);
        }
        let mut changed = self.stream.apply(&mut options)?;
        let mut set = |name: &str, given: Option<u64>, value: &mut u64| {
            if let Some(given) = given.filter(|given| given != value) {
                changed.push(name.to_owned());
                *value = given;
            }
        };
        set(
            "--rate",
            self.rate.map(micros_between),
            &mut options.gap_micros,
        );
        set(
            "--every",
            self.rate.map(|rate| rows_in(rate, self.every)),
            &mut options.rows_per_file,
        );
        if state.is_none() {
            // For a resumed stream, `--files` only sets the number of files.
            set("--files", self.rows_of_a_file(), &mut options.rows_per_file);
        }
        if let Some(given) = self.compress.filter(|given| *given != compression) {
            changed.push("--compress".to_owned());
            compression = given;
        }
        match (&self.state, state.is_some() && !changed.is_empty()) {
            (Some(path), true) => Err(Error::config(format!(
                "{} differ from the stream in {}: omit them, or choose another --state file",
                changed.join(", "),
                path.display()
            ))),
            _ => Ok((options, compression)),
        }
    }

    /// Rows of each file if `--files` divides `--rows`.
    fn rows_of_a_file(&self) -> Option<u64> {
        let (rows, files) = self.rows.zip(self.files)?;
        (self.rate.is_none() && !self.stream.has("rows_per_file")).then(|| rows.div_ceil(files))
    }

    /// The positions where the run started, resumes, and ends.
    fn start(&self, state: Option<&State>) -> (Position, Position, Option<u64>) {
        match state {
            Some(&State {
                position,
                unfinished: Some(Unfinished { from, until }),
                ..
            }) => (from, position, until),
            Some(&State { position, .. }) => (position, position, None),
            None => {
                let sequence = self.start_sequence.unwrap_or(0);
                let at = Position {
                    next_sequence: sequence,
                    delivered_below: sequence,
                };
                (at, at, None)
            }
        }
    }

    /// One beyond the last event, if the arguments limit the number of events.
    fn end(&self, rows_per_file: u64, at: Position) -> Result<Option<u64>> {
        let rows = match (self.rows, self.files) {
            (Some(rows), _) => Some(rows),
            (None, Some(files)) => Some(files.saturating_mul(rows_per_file)),
            (None, None) => return Ok(None),
        };
        let until = rows.and_then(|rows| at.next_sequence.checked_add(rows));
        until
            .map(Some)
            .ok_or_else(|| Error::config("too many rows: use a smaller --rows or --files"))
    }
}

/// Now, to the second, minus the time of a file: the first file holds the latest events before now.
fn start_of_now(every: Duration) -> u64 {
    let now = u64::try_from(Timestamp::now().as_second()).unwrap_or(0);
    now.saturating_sub(every.as_secs()) * 1_000_000
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate lies between 0.0001 and 10 million"
)]
fn micros_between(rate: f64) -> u64 {
    (1_000_000.0 / rate).round().max(1.0) as u64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate lies between 0.0001 and 10 million"
)]
fn rows_in(rate: f64, every: Duration) -> u64 {
    (rate * every.as_secs_f64()).round().max(1.0) as u64
}
