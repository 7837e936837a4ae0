//! `firn doctor`

use std::time::Duration;

use clap::Args;
use firn::pipeline::Finding;
use firn::{Error, Result};

use super::deployment::{DeploymentArgs, StageArgs};
use super::report;

/// Timeout of a call: a service that does not answer is reported soon.
const TIMEOUT: Duration = Duration::from_secs(5);

const EXAMPLES: &str = "\
Examples:
  firn doctor
  firn doctor --connection prod --role FIRN_LOADER --stage-url s3://my-bucket/
  firn doctor --json";

/// Check the setup and suggest a fix for each problem
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Doctor {
    #[command(flatten)]
    deployment: DeploymentArgs,
    #[command(flatten)]
    stage: StageArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Doctor {
    /// Runs the command.
    pub async fn run(self) -> Result<()> {
        let loader = self.deployment.loader(&self.stage).await?;
        let loader = loader.with_timeout(TIMEOUT);
        let findings = loader.pipeline().doctor(Some(loader.store())).await;
        if self.json {
            report::print_json(&findings)?;
        } else {
            let line = |finding: &Finding| match (&finding.problem, &finding.detail) {
                (Some(problem), _) => format!("FAIL  {}: {problem}\n", finding.check),
                (None, detail) => format!(
                    "ok    {}: {}\n",
                    finding.check,
                    detail.as_deref().unwrap_or_default()
                ),
            };
            report::print(&findings.iter().map(line).collect::<String>())?;
        }
        let failed = findings
            .iter()
            .filter(|finding| finding.problem.is_some())
            .count();
        if failed == 0 {
            Ok(())
        } else {
            Err(Error::config(format!(
                "{failed} of {} checks failed",
                findings.len()
            )))
        }
    }
}
