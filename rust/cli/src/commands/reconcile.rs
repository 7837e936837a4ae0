//! `firn reconcile`

use clap::Args;
use firn::Result;
use firn::pipeline::{ManualChange, Reconciled};

use super::deployment::DeploymentArgs;
use super::report;

const EXAMPLES: &str = "\
Examples:
  firn reconcile
  firn reconcile --contract orders.toml --limit 100
  firn reconcile --json";

/// Capture every difference between the target and its history
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Reconcile {
    #[command(flatten)]
    deployment: DeploymentArgs,
    /// Captured changes to show
    #[arg(long, value_name = "COUNT", default_value_t = 10, value_parser = crate::quantity::whole::<u32>)]
    limit: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Reconcile {
    /// Runs the command.
    pub async fn run(self) -> Result<()> {
        let pipeline = self.deployment.pipeline()?;
        let reconciled = pipeline.reconcile(self.limit).await?;
        if self.json {
            return report::print_json(&reconciled);
        }
        let key: Vec<&str> = pipeline
            .contract()
            .key()
            .map(|column| column.name.as_str())
            .collect();
        report::print(&text(&reconciled, &key))
    }
}

fn text(reconciled: &Reconciled, key: &[&str]) -> String {
    if reconciled.captured == 0 {
        return "target and open history are equal: nothing to capture\n".to_owned();
    }
    let row = |change: &ManualChange| {
        let mut row = vec![change.op.clone()];
        row.extend(change.key.iter().cloned());
        row.push(change.changed_at.clone());
        row
    };
    let head = [&["op"], key, &["changed at"]].concat();
    let rows: Vec<Vec<String>> = reconciled.changes.iter().map(row).collect();
    format!(
        "manual changes captured: {}\n\n{}",
        reconciled.captured,
        report::table(&head, &rows)
    )
}
