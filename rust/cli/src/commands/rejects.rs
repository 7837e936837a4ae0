//! `firn rejects`

use std::time::Duration;

use clap::{Args, Subcommand};
use firn::Result;
use firn::pipeline::{OpenReject, OpenRejects, ReasonCount, RejectFilter, Retried};

use super::deployment::{DeploymentArgs, StageArgs};
use super::put::results_table;
use super::report;

/// The number of characters of a row's text that are shown.
const SHOWN_CHARS: usize = 80;

const EXAMPLES: &str = "\
Examples:
  firn rejects
  firn rejects --reason longer --limit 50
  firn rejects --file monday.csv --json
  firn rejects retry";

/// List rejected rows by reason, or send them again
#[derive(Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub struct Rejects {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    deployment: DeploymentArgs,
    #[command(flatten)]
    filter: FilterArgs,
    /// Rows to show
    #[arg(long, value_name = "COUNT", default_value_t = 10, value_parser = crate::quantity::whole::<u32>)]
    limit: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Send the rejected rows again that the contract accepts now
    Retry(Box<Retry>),
}

/// Which rejected rows are meant.
#[derive(Args, Clone, Debug)]
struct FilterArgs {
    /// Only rows with this text in their reason
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Only rows of this file
    #[arg(long, value_name = "NAME")]
    file: Option<String>,
}

const RETRY_EXAMPLES: &str = "\
Examples:
  After the contract was changed
    firn bootstrap --contract orders.toml
    firn rejects retry --contract orders.toml
  Some of the rows
    firn rejects retry --reason longer --file monday.csv";

#[derive(Args)]
#[command(after_help = RETRY_EXAMPLES)]
struct Retry {
    #[command(flatten)]
    deployment: DeploymentArgs,
    #[command(flatten)]
    stage: StageArgs,
    #[command(flatten)]
    filter: FilterArgs,
    /// Also send events that lost to another of the same order
    #[arg(long)]
    ties: bool,
    /// Stop waiting after this many seconds; no row is lost
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = crate::quantity::whole::<u64>)]
    wait: u64,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Rejects {
    /// Runs the command.
    pub async fn run(self) -> Result<()> {
        if let Some(Command::Retry(retry)) = self.command {
            return retry.run().await;
        }
        let pipeline = self.deployment.pipeline()?;
        let filter = self.filter.filter();
        let rejects = pipeline.rejects(&filter, self.limit).await?;
        if self.json {
            report::print_json(&rejects)
        } else {
            report::print(&listing(&rejects))
        }
    }
}

impl Retry {
    async fn run(self) -> Result<()> {
        let loader = self.deployment.loader(&self.stage).await?;
        let wait = Duration::from_secs(self.wait);
        let filter = self.filter.filter();
        let retried = loader.retry_rejects(&filter, self.ties, wait).await?;
        if self.json {
            report::print_json(&retried)
        } else {
            report::print(&outcome(&retried))
        }
    }
}

impl FilterArgs {
    fn filter(&self) -> RejectFilter {
        RejectFilter {
            reason: self.reason.clone(),
            file: self.file.clone(),
        }
    }
}

/// The reasons with their counts, then the first rows.
fn listing(rejects: &OpenRejects) -> String {
    if rejects.open == 0 {
        return "no rejected rows\n".to_owned();
    }
    let row = |one: &OpenReject| {
        vec![
            one.source_file.clone(),
            one.source_row.to_string(),
            one.reason.clone(),
            shortened(&one.raw_line),
        ]
    };
    let rows: Vec<Vec<String>> = rejects.rows.iter().map(row).collect();
    let mut text = by_reason(&rejects.reasons);
    if !rows.is_empty() {
        text.push('\n');
        text.push_str(&report::table(&["file", "row", "reason", "text"], &rows));
    }
    text
}

fn by_reason(reasons: &[ReasonCount]) -> String {
    let row = |one: &ReasonCount| vec![one.rows.to_string(), one.reason.clone()];
    let rows: Vec<Vec<String>> = reasons.iter().map(row).collect();
    report::table(&["rows", "reason"], &rows)
}

fn shortened(text: &str) -> String {
    let mut chars = text.chars();
    let mut shown: String = chars.by_ref().take(SHOWN_CHARS).collect();
    if chars.next().is_some() {
        shown.push('…');
    }
    shown
}

fn outcome(retried: &Retried) -> String {
    let kept = retried.chosen - retried.sent;
    let mut text = format!(
        "sent {} of {} rejected rows again\n",
        retried.sent, retried.chosen
    );
    if !retried.files.is_empty() {
        text.push('\n');
        text.push_str(&results_table(&retried.files));
    }
    if kept > 0 {
        text.push_str(&format!("\nkept in the rejects: {kept}\n"));
        text.push_str(&by_reason(&retried.kept));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_row_is_truncated() {
        assert_eq!(shortened("é,b"), "é,b");
        assert_eq!(shortened(&"x".repeat(81)), format!("{}…", "x".repeat(80)));
    }
}
