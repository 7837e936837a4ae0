//! `firn doctor`

use std::time::Duration;

use clap::Args;
use firn::pipeline::Finding;
use firn::{Error, Result};

use super::place::{Bucket, Place};
use super::report;

/// Who asks what is wrong does not wait for it to go away.
const PATIENCE: Duration = Duration::from_secs(5);

const EXAMPLES: &str = "\
Examples:
  firn doctor
  firn doctor --connection prod --role FIRN_LOADER --stage-url s3://my-landing/
  firn doctor --json";

/// Find what is missing, each with its cure
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Doctor {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    bucket: Bucket,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

impl Doctor {
    /// Runs the command.
    pub async fn run(self) -> Result<()> {
        let intake = self.place.intake(&self.bucket).await?;
        let intake = intake.with_patience(PATIENCE);
        let findings = intake.pipeline().doctor(Some(intake.store())).await;
        if self.json {
            report::print_json(&findings)?;
        } else {
            let line = |finding: &Finding| match (&finding.trouble, &finding.seen) {
                (Some(trouble), _) => format!("ILL   {}: {trouble}\n", finding.check),
                (None, seen) => format!(
                    "well  {}: {}\n",
                    finding.check,
                    seen.as_deref().unwrap_or_default()
                ),
            };
            report::print(&findings.iter().map(line).collect::<String>())?;
        }
        let ill = findings
            .iter()
            .filter(|finding| finding.trouble.is_some())
            .count();
        if ill == 0 {
            Ok(())
        } else {
            Err(Error::config(format!(
                "{ill} of {} checks found trouble",
                findings.len()
            )))
        }
    }
}
