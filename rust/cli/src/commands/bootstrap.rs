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
    firn bootstrap --stage-url s3://my-landing/ --aws-role arn:aws:iam::123456789012:role/firn-snowflake
  Another table, merged as soon as there is data
    firn bootstrap --contract orders.toml --triggered
  All of a contract gone, its data included
    firn bootstrap --drop --yes";

/// Make every object that a contract needs, or take them down
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Bootstrap {
    #[command(flatten)]
    deployment: DeploymentArgs,
    #[command(flatten)]
    arguments: BootstrapArgs,
    /// Show the SQL and run nothing
    #[arg(long)]
    dry_run: bool,
    /// Take the contract's objects down, their data included
    #[arg(long)]
    drop: bool,
    /// Do not ask before taking down
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
                    "this deletes {} and its history: add --yes, or look first with --dry-run",
                    pipeline.contract().table()
                )));
            }
            pipeline.drop_objects(show).await?;
            return report::print("everything of the contract is gone\n");
        }
        pipeline.bootstrap(show).await?;
        report::print(&format!(
            "{} is ready in {}.{}: put a file with `firn put FILE`, or look with `firn doctor`\n",
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
