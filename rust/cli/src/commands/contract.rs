//! `firn contract`

use std::path::PathBuf;

use clap::{Args, Subcommand};
use firn::infer::{self, Hints};
use firn::reader::{FileFacts, RowTotals, Validator, decoded};
use firn::{Context, Result};
use indicatif::ProgressBar;
use serde::Serialize;

use super::deployment;
use super::reject_report::{RejectArgs, RejectReport, Rejects};
use super::report;

const EXAMPLES: &str = "\
Examples:
  firn contract infer orders.csv > orders.toml
  firn contract infer orders.csv --key order_id --order updated_at
  firn contract check orders.csv --contract orders.toml";

/// Write a contract for a file, and check files against one
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Contract {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print a commented contract for a file
    Infer(Infer),
    /// Report what would happen to each row of files
    Check(Check),
}

const INFER_EXAMPLES: &str = "\
Examples:
  firn contract infer orders.csv > orders.toml
  firn contract infer events.jsonl.gz --table ORDERS --key order_id --order changed_at,seq";

#[derive(Args)]
#[command(after_help = INFER_EXAMPLES)]
struct Infer {
    /// CSV or JSON lines, plain or compressed
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Columns of the key; default: by names and values
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    key: Vec<String>,
    /// Ordering columns, the time first; default: by names and types
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    order: Vec<String>,
    /// Table; default: the name of the file
    #[arg(long, value_name = "NAME")]
    table: Option<String>,
}

const CHECK_EXAMPLES: &str = "\
Examples:
  firn contract check orders.csv --contract orders.toml
  firn contract check *.csv --max-rejects 1% --json";

#[derive(Args)]
#[command(after_help = CHECK_EXAMPLES)]
struct Check {
    /// CSV or JSON lines, plain or compressed
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Contract file; default: the customer contract
    #[arg(long, value_name = "FILE", env = "FIRN_CONTRACT")]
    contract: Option<PathBuf>,
    #[command(flatten)]
    rejects: RejectArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Contract {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        match self.command {
            Command::Infer(infer) => infer.run(),
            Command::Check(check) => check.run(),
        }
    }
}

impl Infer {
    fn run(self) -> Result<()> {
        let hints = Hints {
            table: self.table,
            key: self.key,
            order: self.order,
        };
        let text = infer::contract(&self.file, &hints)?;
        report::print(&text)
    }
}

/// The outcome of checking one file.
#[derive(Serialize)]
struct Checked {
    file: String,
    rows: u64,
    valid: u64,
    malformed: u64,
}

impl Check {
    fn run(self) -> Result<()> {
        let contract = deployment::contract(self.contract.as_deref())?;
        let report = RejectReport::of(&self.files, &self.rejects);
        let mut checked = Vec::new();
        let mut failed = Vec::new();
        for (number, path) in self.files.iter().enumerate() {
            let place = path.display().to_string();
            let totals = self
                .check(number, &contract, &report)
                .context(|| place.clone());
            for line in report.take(number) {
                eprintln!("{line}");
            }
            match totals {
                Ok(RowTotals { rows, malformed }) => checked.push(Checked {
                    file: place,
                    rows,
                    valid: rows - malformed,
                    malformed,
                }),
                Err(error) => failed.push(error),
            }
        }
        if self.json {
            report::print_json(&checked)?;
        } else if !checked.is_empty() {
            report::print(&table(&checked))?;
        }
        report::all_but_worst(failed)?;
        let sum = |count: fn(&Checked) -> u64| checked.iter().map(count).sum();
        let rejects = Rejects {
            rows: sum(|one| one.rows),
            rejects: sum(|one| one.malformed),
            ..Rejects::default()
        };
        rejects.within(&self.rejects)
    }

    fn check(
        &self,
        number: usize,
        contract: &firn::contract::Contract,
        report: &RejectReport,
    ) -> Result<RowTotals> {
        let path = &self.files[number];
        let file = std::fs::File::open(path)?;
        let metadata = file.metadata()?;
        let bytes = metadata.len();
        let bar = bar(bytes);
        let progress = bar.clone();
        let source = decoded(file, move |read| progress.inc(read.len() as u64))?;
        let name = path.file_name().map(|name| name.to_string_lossy());
        let facts = FileFacts {
            name: name.as_deref(),
            modified: metadata.modified().ok(),
        };
        let mut validator =
            Validator::of_file(contract, facts, source, |row| report.add(number, row))?;
        let totals = validator.copy(&mut std::io::sink(), usize::MAX);
        bar.finish_and_clear();
        totals
    }
}

fn bar(bytes: u64) -> ProgressBar {
    report::bar(
        bytes,
        "{spinner} {wide_bar} {percent:>3} % checked, {eta} left",
    )
}

fn table(checked: &[Checked]) -> String {
    let row = |one: &Checked| {
        let counts = [one.rows, one.valid, one.malformed].map(|count| count.to_string());
        std::iter::once(one.file.clone()).chain(counts).collect()
    };
    let rows: Vec<Vec<String>> = checked.iter().map(row).collect();
    report::table(&["file", "rows", "valid", "malformed"], &rows)
}
