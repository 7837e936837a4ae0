//! Arguments, and the state file if there is one, become one job.

use std::path::PathBuf;
use std::thread::available_parallelism;
use std::time::Duration;

use firn::generator::{Format, Options, Position};
use firn::locale::Locale;
use firn::{Error, Result};
use jiff::Timestamp;

use super::encoder::Compression;
use super::landing::Naming;
use super::record::MANIFEST;
use super::state::{State, Unfinished};
use crate::commands::generate::Generate;

/// Everything that a run has to know, decided.
#[derive(Debug)]
pub struct Job {
    pub options: Options,
    /// Where the run began, maybe in another process.
    pub from: Position,
    /// Everything before is in whole files.
    pub at: Position,
    /// One beyond the last event; none where it goes on and on.
    pub until: Option<u64>,
    /// One file in this time; none for as fast as possible.
    pub every: Option<Duration>,
    pub target: Target,
    pub compression: Compression,
    pub state_path: Option<PathBuf>,
    /// The state file was there.
    pub resumed: bool,
    pub manifest_path: Option<PathBuf>,
    pub threads: usize,
    pub force: bool,
    pub quiet: bool,
}

/// Where rows go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Folder(PathBuf),
    Stdout,
}

impl Job {
    /// What the arguments ask for.
    ///
    /// # Errors
    /// `Config` if they contradict each other or the state, or make no sense.
    pub fn of(arguments: Generate) -> Result<Self> {
        let state = arguments
            .state
            .as_deref()
            .map(State::load)
            .transpose()?
            .flatten();
        let (options, compression) = stream(&arguments, state.as_ref())?;
        let options = options.validated()?;
        let (from, at, planned) = beginning(&arguments, state.as_ref());
        let until = match end(&arguments, options.rows_per_file, at)? {
            Some(until) => Some(until),
            None if arguments.rate.is_none() => Some(planned.ok_or_else(|| {
                Error::config("no number of rows: give --rows, or --rate to go on until Ctrl-C")
            })?),
            None => None,
        };
        if let Some(until) = until {
            options.reaches(until.saturating_sub(1))?;
        }
        let target = arguments.out.clone().map_or(Target::Stdout, Target::Folder);
        let manifest_path = match &target {
            _ if arguments.manifest.is_some() => arguments.manifest,
            Target::Folder(folder) if !arguments.no_manifest => Some(folder.join(MANIFEST)),
            _ => None,
        };
        Ok(Self {
            options,
            from,
            at,
            until,
            every: arguments.rate.map(|_| arguments.every),
            target,
            compression,
            resumed: state.is_some(),
            state_path: arguments.state,
            manifest_path,
            threads: arguments
                .threads
                .unwrap_or_else(|| available_parallelism().map_or(1, usize::from)),
            force: arguments.force,
            quiet: arguments.quiet,
        })
    }

    /// How its files are named.
    pub const fn naming(&self) -> Naming {
        Naming {
            format: self.options.format,
            compression: self.compression,
        }
    }
}

/// Options as given over those of the state, or the defaults. Beside a state nothing may differ.
fn stream(given: &Generate, state: Option<&State>) -> Result<(Options, Compression)> {
    let mut options = state.map_or_else(Options::default, |state| state.options.clone());
    let mut compression = state.map(|state| state.compress).unwrap_or_default();
    let mut differ = Vec::new();
    if state.is_none() && given.rate.is_some() {
        options.start_micros = start_of_now(given.every);
    }
    set("--seed", given.seed, &mut options.seed, &mut differ);
    set(
        "--locale",
        locales(given),
        &mut options.locales,
        &mut differ,
    );
    set(
        "--format",
        given.format.map(Format::from),
        &mut options.format,
        &mut differ,
    );
    set(
        "--initial",
        given.initial,
        &mut options.initial,
        &mut differ,
    );
    set(
        "--updates",
        given.updates,
        &mut options.updates,
        &mut differ,
    );
    set(
        "--deletes",
        given.deletes,
        &mut options.deletes,
        &mut differ,
    );
    set(
        "--returns",
        given.returns,
        &mut options.returns,
        &mut differ,
    );
    set(
        "--first-customer-id",
        given.first_customer_id,
        &mut options.first_customer_id,
        &mut differ,
    );
    set(
        "--start-time",
        given.start_time,
        &mut options.start_micros,
        &mut differ,
    );
    set("--late", given.late, &mut options.late, &mut differ);
    set(
        "--duplicates",
        given.duplicates,
        &mut options.duplicates,
        &mut differ,
    );
    set(
        "--same-key",
        given.same_key,
        &mut options.same_key,
        &mut differ,
    );
    set("--dirty", given.dirty, &mut options.dirty, &mut differ);
    set("--compress", given.compress, &mut compression, &mut differ);
    if let Some(rate) = given.rate {
        set(
            "--rate",
            Some(micros_between(rate)),
            &mut options.gap_micros,
            &mut differ,
        );
        set(
            "--every",
            Some(rows_in(rate, given.every)),
            &mut options.rows_per_file,
            &mut differ,
        );
    }
    let gap = given
        .gap
        .map(|gap| u64::try_from(gap.as_micros()).unwrap_or(u64::MAX));
    set("--gap", gap, &mut options.gap_micros, &mut differ);
    // `--files` divides the rows of a new stream; of one that goes on it only says how many.
    let share = given
        .rows
        .zip(given.files)
        .filter(|_| state.is_none() && given.rate.is_none())
        .map(|(rows, files)| rows.div_ceil(files));
    set(
        "--rows-per-file",
        given.rows_per_file.or(share),
        &mut options.rows_per_file,
        &mut differ,
    );

    match (&given.state, differ.is_empty()) {
        (Some(path), false) if state.is_some() => {
            let (names, place) = (differ.join(", "), path.display());
            Err(Error::config(format!(
                "{names}: not what the stream in {place} has: leave it out, or give another state file"
            )))
        }
        _ => Ok((options, compression)),
    }
}

fn set<T: PartialEq>(
    name: &'static str,
    given: Option<T>,
    slot: &mut T,
    differ: &mut Vec<&'static str>,
) {
    if let Some(given) = given
        && given != *slot
    {
        differ.push(name);
        *slot = given;
    }
}

fn locales(given: &Generate) -> Option<Vec<Locale>> {
    (!given.locale.is_empty()).then(|| given.locale.clone())
}

/// Where the run began, where it goes on, and where it was to end.
fn beginning(given: &Generate, state: Option<&State>) -> (Position, Position, Option<u64>) {
    match state {
        Some(&State {
            position,
            unfinished: Some(Unfinished { from, until }),
            ..
        }) => (from, position, until),
        Some(&State { position, .. }) => (position, position, None),
        None => {
            let sequence = given.start_sequence.unwrap_or(0);
            let at = Position {
                next_sequence: sequence,
                delivered_below: sequence,
            };
            (at, at, None)
        }
    }
}

fn end(given: &Generate, rows_per_file: u64, at: Position) -> Result<Option<u64>> {
    let rows = match (given.rows, given.files) {
        (Some(rows), _) => Some(rows),
        (None, Some(files)) => Some(files.saturating_mul(rows_per_file)),
        (None, None) => return Ok(None),
    };
    let until = rows.and_then(|rows| at.next_sequence.checked_add(rows));
    until
        .map(Some)
        .ok_or_else(|| Error::config("too many rows: give fewer"))
}

/// Now, to the second, less one tick: the first file holds what happened just before it.
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
