//! `firn put`

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use firn::Result;
use firn::pipeline::{FileReport, LoadProgress};
use indicatif::ProgressBar;

use super::deployment::{DeploymentArgs, StageArgs};
use super::report;

/// How long a Snowflake that does not answer is asked again.
const MAX_TIMEOUT: Duration = Duration::from_secs(120);

const EXAMPLES: &str = "\
Examples:
  firn put customers.csv
  firn put monday.csv.gz tuesday.csv.zst --json
  firn put big.csv --compression zstd --encryption kms --wait 3600
  firn put orders.csv --contract orders.toml";

/// Upload files, load them, merge them, and tell what became of their rows
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Put {
    /// CSV files, plain, gzip or zstd
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    deployment: DeploymentArgs,
    #[command(flatten)]
    stage: StageArgs,
    /// Give up waiting after so many seconds; the files are not lost then
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    wait: u64,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

impl Put {
    /// Runs the command.
    pub async fn run(self) -> Result<()> {
        let wait = Duration::from_secs(self.wait);
        let loader = self.deployment.loader(&self.stage).await?;
        let loader = loader.with_timeout(wait.min(MAX_TIMEOUT));
        let bar = self.bar();
        let shown = bar.clone();
        let loader = loader.with_progress(move |progress| match progress {
            LoadProgress::Read(bytes) => shown.inc(bytes as u64),
            LoadProgress::Uploaded => {
                shown.set_style(report::bar_style(
                    "{spinner} Snowflake loads and merges, since {elapsed}",
                ));
                shown.reset_elapsed();
            }
        });
        let below = bar.clone();
        let results = loader
            .put(&self.files, wait, move |path, row| {
                let line = report::rejected_row(&path.display().to_string(), row);
                below.suspend(|| eprintln!("{line}"));
            })
            .await;
        bar.finish_and_clear();
        let results = results?;
        if self.json {
            report::print_json(&results)
        } else {
            report::print(&results_table(&results))
        }
    }
}

impl Put {
    /// The files' way into the bucket, live, where a person looks on.
    fn bar(&self) -> ProgressBar {
        let bytes = |path: &PathBuf| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        let bar = report::bar(
            self.files.iter().map(bytes).sum::<u64>() * LoadProgress::PASSES,
            "{spinner} {wide_bar} {percent:>3} % checked and uploaded, {eta} left",
        );
        bar.enable_steady_tick(Duration::from_millis(200));
        bar
    }
}

/// What became of each file.
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
