//! `firn put`

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use firn::pipeline::{Deadline, FileReport, LoadListener, LoadMode, Loaded, READS_PER_FILE};
use firn::reader::RejectedRow;
use firn::{Error, ErrorKind, Fault, Result};
use indicatif::ProgressBar;

use super::deployment::{DeploymentArgs, StageArgs};
use super::reject_report::{RejectArgs, RejectReport, Rejects};
use super::report;

/// Retry limit for a Snowflake that does not answer.
const MAX_TIMEOUT: Duration = Duration::from_secs(120);

const EXAMPLES: &str = "\
Examples:
  firn put customers.csv
  firn put monday.csv.gz tuesday.csv.zst --json
  firn put big.csv --compression zstd --encryption kms --wait 3600
  firn put orders.csv --contract orders.toml";

/// Upload, load and merge files, and report what happened to each row
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Put {
    /// CSV or JSON lines, plain or compressed
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    deployment: DeploymentArgs,
    #[command(flatten)]
    stage: StageArgs,
    /// Stop waiting after this many seconds; no file is lost
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = crate::quantity::whole::<u64>)]
    wait: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    rejects: RejectArgs,
}

impl Put {
    /// Runs the command.
    pub async fn run(self) -> Result<()> {
        let wait = Duration::from_secs(self.wait);
        let loader = self.deployment.loader(&self.stage).await?;
        let loader = loader.with_timeout(wait.min(MAX_TIMEOUT));
        let progress = Arc::new(Progress {
            bar: self.bar(),
            rejects: RejectReport::of(&self.files, &self.rejects),
        });
        let deadline = Deadline::AfterUpload(wait);
        let listener = Arc::clone(&progress) as Arc<dyn LoadListener>;
        let outcomes = loader
            .load(&self.files, LoadMode::CopyAndMerge, deadline, listener)
            .await;
        progress.bar.finish_and_clear();
        let mut rejects = Rejects::default();
        for (file, outcome) in outcomes.iter().enumerate() {
            // Also for a file that failed half-way.
            progress.file_uploaded(file);
            outcome.iter().for_each(|loaded| rejects.add(loaded));
        }
        let (loaded, failed): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        let of_file = |one: Loaded| one.reports;
        let results: Vec<FileReport> = loaded.into_iter().flatten().flat_map(of_file).collect();
        if self.json {
            report::print_json(&results)?;
        } else if !results.is_empty() {
            report::print(&results_table(&results))?;
        }
        if let Some(hint) = rejects.hint() {
            eprintln!("{hint}");
        }
        let failed: Vec<Error> = failed.into_iter().filter_map(Result::err).collect();
        self.offer_contract(&failed);
        report::all_but_worst(failed)?;
        rejects.within(&self.rejects)
    }

    /// Suggests `firn contract infer`: without `--contract`, a failed file probably belongs to a table without a contract.
    fn offer_contract(&self, failed: &[Error]) {
        let is_of_header = |error: &Error| {
            let is_of_file = error.fault() == Fault::File && error.kind() == ErrorKind::Config;
            is_of_file && error.to_string().contains("header")
        };
        if self.deployment.contract.is_none() && failed.iter().any(is_of_header) {
            let file = self.files.first().map(|path| path.display().to_string());
            eprintln!(
                "hint: no --contract is given, so the file was read as customers; `firn contract infer {}` writes a contract for it",
                file.unwrap_or_default()
            );
        }
    }

    /// The progress bar of the upload, on a terminal.
    fn bar(&self) -> ProgressBar {
        let bytes = |path: &PathBuf| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        let bar = report::bar(
            self.files.iter().map(bytes).sum::<u64>() * READS_PER_FILE,
            "{spinner} {wide_bar} {percent:>3} % validated and uploaded, {eta} left",
        );
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }
}

/// Shows the progress, and the malformed rows above it.
struct Progress {
    bar: ProgressBar,
    rejects: RejectReport,
}

impl LoadListener for Progress {
    fn bytes_read(&self, bytes: usize) {
        self.bar.inc(bytes as u64);
    }

    fn row_rejected(&self, file: usize, row: &RejectedRow) {
        self.rejects.add(file, row);
    }

    fn file_uploaded(&self, file: usize) {
        for line in self.rejects.take(file) {
            self.bar.suspend(|| eprintln!("{line}"));
        }
    }

    fn all_uploaded(&self) {
        self.bar.set_style(report::bar_style(
            "{spinner} loading and merging, {elapsed}",
        ));
        self.bar.reset_elapsed();
    }
}

/// What happened to each file.
pub fn results_table(results: &[FileReport]) -> String {
    let row = |one: &FileReport| {
        let numbers = [
            one.counts.rows_in,
            one.counts.history,
            one.counts.duplicates,
            one.counts.rejects,
            one.counts.inserted,
            one.counts.updated,
            one.counts.deleted,
        ];
        std::iter::once(one.source_file.clone())
            .chain(numbers.map(|number| number.to_string()))
            .collect()
    };
    let rows: Vec<Vec<String>> = results.iter().map(row).collect();
    report::table(
        &[
            "file",
            "rows in",
            "history",
            "duplicates",
            "rejects",
            "inserted",
            "updated",
            "deleted",
        ],
        &rows,
    )
}
