//! `firn bootstrap`

use clap::Args;
use firn::Result;
use firn::pipeline::ScriptProgress;

use super::deployment::{BootstrapArgs, DeploymentArgs};
use super::report;

const EXAMPLES: &str = "\
Examples:
  What would be run, and by which role
    firn bootstrap --dry-run | less
  On an account of your own; safe to run again
    firn bootstrap --stage-url s3://my-bucket/ --aws-role arn:aws:iam::123456789012:role/firn-snowflake
  Another table, merged every 15 minutes
    firn bootstrap --contract orders.toml --every 15
  Drop the objects of a contract, and their data
    firn bootstrap --drop --yes";

/// Create every object that a contract needs, or drop them
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Bootstrap {
    #[command(flatten)]
    deployment: DeploymentArgs,
    #[command(flatten)]
    arguments: BootstrapArgs,
    /// Print the SQL without running it
    #[arg(long)]
    dry_run: bool,
    /// Drop the contract's objects and their data
    #[arg(long)]
    drop: bool,
    /// Confirm --drop
    #[arg(long, requires = "drop")]
    yes: bool,
}

impl Bootstrap {
    /// Runs the command.
    pub async fn run(self) -> Result<()> {
        let pipeline = self.deployment.pipeline_at(&self.arguments)?;
        if self.dry_run {
            let scripts = pipeline.scripts();
            let shown = scripts
                .iter()
                .filter(|script| (script.name == "99_drop.sql") == self.drop);
            return report::print(
                &shown
                    .map(|script| script.text(pipeline.deployment()))
                    .collect::<Vec<_>>()
                    .join("\n"),
            );
        }
        if self.drop {
            if !self.yes {
                return Err(firn::Error::config(format!(
                    "--drop deletes {} and its history: confirm with --yes, or preview with --dry-run",
                    pipeline.contract().table()
                )));
            }
            pipeline.drop_objects(show).await?;
            return report::print("dropped every object of the contract\n");
        }
        pipeline.bootstrap(show).await?;
        report::print(&format!(
            "{} is ready in {}.{}: load a file with `firn put FILE`, or check the setup with `firn doctor`\n",
            pipeline.contract().table(),
            pipeline.deployment().database,
            pipeline.deployment().schema
        ))
    }
}

fn show(progress: ScriptProgress<'_>) {
    let line = progress.sql.lines().next().unwrap_or_default();
    log::info!(
        "{}/{} {}: {line}",
        progress.number,
        progress.total,
        progress.script
    );
}
