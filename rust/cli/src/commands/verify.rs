//! `firn verify`

use clap::Args;
use firn::pipeline::Promise;
use firn::{Error, Result};

use super::deployment::DeploymentArgs;
use super::report;

const EXAMPLES: &str = "\
Examples:
  firn verify
  firn verify --contract orders.toml --json";

/// Check the promises on the tables
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Verify {
    #[command(flatten)]
    deployment: DeploymentArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Verify {
    /// Runs the command.
    pub async fn run(self) -> Result<()> {
        let promises = self.deployment.pipeline()?.verify().await?;
        if self.json {
            report::print_json(&promises)?;
        } else {
            report::print(&text(&promises))?;
        }
        let broken = promises
            .iter()
            .filter(|promise| promise.violations != 0)
            .count();
        if broken == 0 {
            return Ok(());
        }
        Err(Error::rejected(format!(
            "{broken} of {} promises do not hold; a manual change that is not captured yet shows here too: run `firn reconcile` and verify again",
            promises.len()
        )))
    }
}

/// One line per promise.
pub fn text(promises: &[Promise]) -> String {
    let line = |promise: &Promise| match promise.violations {
        0 => format!("ok      {}\n", promise.text),
        count => format!("FAIL    {} ({count} rows)\n", promise.text),
    };
    promises.iter().map(line).collect()
}
