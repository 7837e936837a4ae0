//! `firn generate`

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use firn::Result;
use firn::generator::Format;
use firn::locale::Locale;

use crate::generate::encoder::Compression;
use crate::generate::job::Job;
use crate::generate::quantity::{count, duration, rate, share, some, time};
use crate::generate::run::run;

const EXAMPLES: &str = "\
Examples:
  A million customers of three countries, compressed
    firn generate --rows 1M --locale us,de,jp --compress zstd --out customers
  What happens to them, in ten files
    firn generate --rows 1M --files 10 --updates 60% --deletes 5% --out changes
  The same with mischief: some rows late, twice or broken
    firn generate --rows 1M --updates 60% --late 1% --duplicates 1% --dirty 0.1% --out rough
  500 changes a second, a file every 10 seconds, until Ctrl-C; the same command goes on later
    firn generate --rate 500 --updates 60% --state stream.json --out landing
  A look at it
    firn generate --rows 1000 --stdout | head

Counts may be written 1_000_000, 10k or 2M; shares 0.1 or 10%; times 500ms, 10s or 1m.
The same seed and options give the same bytes on every machine, with any number of threads.

Exit codes: 0 well, 1 failed, 2 wrong arguments, 130 interrupted before --rows were written";

/// Generate customers and what happens to them, as CSV files
#[derive(Args, Clone, Debug)]
#[command(after_long_help = EXAMPLES, after_help = "See a longer help with examples: --help")]
pub struct Generate {
    /// Events to make in this run, such as 10k or 2M
    #[arg(long, value_name = "COUNT", value_parser = some, help_heading = "How much")]
    pub rows: Option<u64>,
    /// Files to make: they share --rows, or have --rows-per-file each
    #[arg(long, value_name = "COUNT", value_parser = some, help_heading = "How much")]
    pub files: Option<u64>,
    /// Events in a file, before late and extra rows [default: 100k]
    #[arg(long, value_name = "COUNT", value_parser = some, help_heading = "How much", conflicts_with = "rate")]
    pub rows_per_file: Option<u64>,
    /// Events a second, paced by the clock; without --rows until Ctrl-C
    #[arg(long, value_name = "ROWS", value_parser = rate, help_heading = "How much")]
    pub rate: Option<f64>,
    /// With --rate: one file in this time
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "10s", help_heading = "How much", requires = "rate")]
    pub every: Duration,

    /// Another seed, other customers [default: 1]
    #[arg(long, value_name = "NUMBER", help_heading = "Customers")]
    pub seed: Option<u64>,
    /// Where customers come from, equally often: us, de, fr, es, br, jp [default: us]
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = locale, help_heading = "Customers")]
    pub locale: Vec<Locale>,
    /// The first customer's id; the next ones count up [default: 1]
    #[arg(long, value_name = "NUMBER", value_parser = count, help_heading = "Customers")]
    pub first_customer_id: Option<u64>,

    /// The first events are inserts, so many [default: 100]
    #[arg(long, value_name = "COUNT", value_parser = count, help_heading = "What happens to them")]
    pub initial: Option<u64>,
    /// Share of updates among the events after that [default: 0]
    #[arg(long, value_name = "SHARE", value_parser = share, help_heading = "What happens to them")]
    pub updates: Option<f64>,
    /// Share of deletes likewise; the rest are inserts [default: 0]
    #[arg(long, value_name = "SHARE", value_parser = share, help_heading = "What happens to them")]
    pub deletes: Option<f64>,
    /// Share of those inserts that bring back a deleted customer [default: 5%]
    #[arg(long, value_name = "SHARE", value_parser = share, help_heading = "What happens to them")]
    pub returns: Option<f64>,
    /// When the first event happens [default: 2026-01-01, with --rate now]
    #[arg(long, value_name = "TIME", value_parser = time, help_heading = "What happens to them")]
    pub start_time: Option<u64>,
    /// Time from event to event [default: 100ms, with --rate what fits it]
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "What happens to them", conflicts_with = "rate")]
    pub gap: Option<Duration>,

    /// Share of events that come in a later file
    #[arg(long, value_name = "SHARE", value_parser = share, help_heading = "Mischief (off by default)")]
    pub late: Option<f64>,
    /// Share of rows that come twice
    #[arg(long, value_name = "SHARE", value_parser = share, help_heading = "Mischief (off by default)")]
    pub duplicates: Option<f64>,
    /// Share of events that change the customer before once more, in the same file
    #[arg(long, value_name = "SHARE", value_parser = share, help_heading = "Mischief (off by default)")]
    pub same_key: Option<f64>,
    /// Share of broken rows, beside the sound ones
    #[arg(long, value_name = "SHARE", value_parser = share, help_heading = "Mischief (off by default)")]
    pub dirty: Option<f64>,

    /// Folder for the files and their manifest.json; it is made if need be
    #[arg(
        long,
        short,
        value_name = "FOLDER",
        required_unless_present = "stdout",
        conflicts_with = "stdout",
        help_heading = "Output"
    )]
    pub out: Option<PathBuf>,
    /// Rows go to standard output
    #[arg(long, help_heading = "Output")]
    pub stdout: bool,
    /// How rows are written [default: csv]
    #[arg(
        long,
        value_enum,
        hide_possible_values = false,
        help_heading = "Output"
    )]
    pub format: Option<FormatName>,
    /// How files are compressed [default: none]
    #[arg(long, value_enum, help_heading = "Output")]
    pub compress: Option<Compression>,
    /// Replace files of the same name
    #[arg(long, help_heading = "Output")]
    pub force: bool,
    /// Another place for the manifest: the counts, the broken rows, what a target must hold
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub manifest: Option<PathBuf>,
    /// No manifest
    #[arg(long, conflicts_with = "manifest", help_heading = "Output")]
    pub no_manifest: bool,

    /// Go on where the run with this state file stopped, finished or killed; it is made if need be
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "stdout",
        help_heading = "Going on"
    )]
    pub state: Option<PathBuf>,
    /// Begin with the event of this number, after a run that ended there
    #[arg(long, value_name = "NUMBER", value_parser = count, conflicts_with = "state", help_heading = "Going on")]
    pub start_sequence: Option<u64>,

    /// Threads that make rows [default: one a processor]
    #[arg(long, value_name = "COUNT", value_parser = threads, help_heading = "Running")]
    pub threads: Option<usize>,
    /// No progress, no summary
    #[arg(long, short, help_heading = "Running")]
    pub quiet: bool,
}

/// The names of formats.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum FormatName {
    /// RFC 4180 with a header
    Csv,
    /// One JSON object a line
    Jsonl,
}

impl From<FormatName> for Format {
    fn from(name: FormatName) -> Self {
        match name {
            FormatName::Csv => Self::Csv,
            FormatName::Jsonl => Self::Jsonl,
        }
    }
}

fn locale(name: &str) -> Result<Locale, String> {
    let names = Locale::ALL.map(Locale::name).join(", ");
    Locale::from_name(name).ok_or_else(|| format!("`{name}` is no locale: give some of {names}"))
}

fn threads(text: &str) -> Result<usize, String> {
    let number = text
        .parse()
        .ok()
        .filter(|number| (1..=1024).contains(number));
    number.ok_or_else(|| format!("`{text}` is no number of threads: give 1 to 1024"))
}

const USAGE: u8 = 2;

impl Generate {
    /// Runs the command.
    pub fn run(self) -> Result<ExitCode> {
        match Job::of(self) {
            Ok(job) => run(&job),
            Err(error) => {
                eprintln!("error: {error}");
                Ok(ExitCode::from(USAGE))
            }
        }
    }
}
