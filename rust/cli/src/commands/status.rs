//! `firn status`

use std::time::Duration;

use clap::Args;
use firn::Result;
use firn::pipeline::{Pipeline, Run, Status as Figures};

use super::deployment::DeploymentArgs;
use super::report;

const EXAMPLES: &str = "\
Examples:
  firn status
  firn status --watch
  firn status --json --runs 100";

/// Show lag, row counts and the last runs of the pipeline
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Status {
    #[command(flatten)]
    deployment: DeploymentArgs,
    /// Number of runs to show
    #[arg(long, default_value_t = 5, value_parser = crate::quantity::whole::<u32>)]
    runs: u32,
    /// Refresh every two seconds
    #[arg(long)]
    watch: bool,
    /// Print JSON, one document per refresh
    #[arg(long)]
    json: bool,
}

impl Status {
    /// Runs the command.
    pub async fn run(self) -> Result<()> {
        let pipeline = self.deployment.pipeline()?;
        loop {
            let figures = pipeline.status(self.runs).await?;
            let shown = if self.json {
                report::json(&figures)?
            } else {
                let clear = if self.watch { "\x1b[2J\x1b[H" } else { "" };
                format!("{clear}{}", text(&pipeline, &figures))
            };
            if !report::print_on(&shown)? || !self.watch {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
    }
}

/// The line about current versions dated ahead of the clock, if there are any.
fn ahead(versions: i64) -> String {
    if versions == 0 {
        return String::new();
    }
    format!(
        "dated ahead of the clock: {versions} current versions, which events of today do not change; `max_ahead` in the contract rejects such events\n"
    )
}

/// The figures for people.
pub fn text(pipeline: &Pipeline, figures: &Figures) -> String {
    let names = pipeline.names();
    let lag = figures
        .lag_seconds
        .map_or("none waiting".to_owned(), |seconds| {
            format!("oldest waiting {seconds:.1} s")
        });
    let sum = figures.sum;
    let holds = if sum.holds() {
        "holds"
    } else {
        "DOES NOT HOLD: run `firn verify`"
    };
    let credits = figures
        .credits_last_day
        .map_or("unknown".to_owned(), |credits| format!("{credits:.3}"));
    let mut text = format!(
        "{:<28} {:>12} rows\n{:<28} {:>12} events\n{:<28} {:>12} rows, {lag}\n\nrows in {} = history {} + duplicates {} + rejects {}   {holds}\ncredits in the last day: {credits}\n",
        names.target.to_string(),
        figures.target,
        names.history.to_string(),
        figures.history,
        names.staging.to_string(),
        figures.waiting,
        sum.rows_in,
        sum.history,
        sum.duplicates,
        sum.rejects,
    );
    text.push_str(&ahead(figures.ahead));
    if !figures.runs.is_empty() {
        let row = |run: &Run| {
            let numbers = [
                run.files,
                run.counts.rows_in,
                run.counts.history,
                run.counts.duplicates,
                run.counts.rejects,
            ]
            .map(|number| number.to_string());
            [
                run.run_id.to_string(),
                run.finished_at.clone(),
                format!("{:.2}", run.seconds),
            ]
            .into_iter()
            .chain(numbers)
            .collect()
        };
        let rows: Vec<Vec<String>> = figures.runs.iter().map(row).collect();
        text.push('\n');
        text.push_str(&report::table(
            &[
                "run",
                "finished (UTC)",
                "seconds",
                "files",
                "rows in",
                "history",
                "duplicates",
                "rejects",
            ],
            &rows,
        ));
    }
    text
}
