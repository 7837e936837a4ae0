//! `firn bootstrap`

use clap::{Args, ValueEnum};
use firn::merge::Deployment;
use firn::pipeline::{Pipeline, ScriptProgress, Setup, SetupStep, Trust};
use firn::{Error, Result};

use super::deployment::{BootstrapArgs, DeploymentArgs};
use super::report;

const EXAMPLES: &str = "\
Examples:
  What would be run, and by which role
    firn bootstrap --dry-run | less
  On an account of your own; safe to run again
    firn bootstrap --stage-url s3://my-bucket/ --aws-role arn:aws:iam::123456789012:role/firn-snowflake
  The tables first; the command prints what AWS has to trust
    firn bootstrap --stage-url s3://my-bucket/ --aws-role … --until trust
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
    /// First step: objects, trust, pipe or notification
    #[arg(
        long,
        value_name = "STEP",
        default_value = "objects",
        hide_possible_values = true,
        conflicts_with = "drop"
    )]
    from: Step,
    /// Last step
    #[arg(
        long,
        value_name = "STEP",
        default_value = "notification",
        hide_possible_values = true,
        conflicts_with = "drop"
    )]
    until: Step,
    /// Drop the contract's objects and their data
    #[arg(long)]
    drop: bool,
    /// Confirm --drop
    #[arg(long, requires = "drop")]
    yes: bool,
}

/// A step of the set-up.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Step {
    Objects,
    Trust,
    Pipe,
    Notification,
}

impl Step {
    fn of_setup(self) -> SetupStep {
        match self {
            Self::Objects => SetupStep::Objects,
            Self::Trust => SetupStep::Trust,
            Self::Pipe => SetupStep::Pipe,
            Self::Notification => SetupStep::Notification,
        }
    }
}

impl Bootstrap {
    /// Runs the command.
    pub async fn run(self) -> Result<()> {
        let pipeline = self.deployment.pipeline_at(&self.arguments)?;
        let (from, until) = (self.from.of_setup(), self.until.of_setup());
        let steps = from..=until;
        if self.dry_run {
            let scripts = pipeline.scripts();
            let shown = scripts.iter().filter(|script| {
                let is_chosen = self.drop || steps.contains(&SetupStep::of(script));
                script.is_drop() == self.drop && is_chosen
            });
            return report::print(
                &shown
                    .map(|script| script.text(pipeline.deployment()))
                    .collect::<Vec<_>>()
                    .join("\n"),
            );
        }
        if self.drop {
            if !self.yes {
                return Err(Error::config(format!(
                    "--drop deletes {} and its history: confirm with --yes, or preview with --dry-run",
                    pipeline.contract().table()
                )));
            }
            pipeline.drop_objects(show).await?;
            return report::print("dropped every object of the contract\n");
        }
        if from > until {
            return Err(Error::config("--from names a step after that of --until"));
        }
        match pipeline.set_up(from, until, show).await? {
            Setup::NeedsTrust(trust) => {
                report::print(&needs_trust(&trust))?;
                Err(Error::transient(
                    "bootstrap waits for AWS: set this trust policy, then run the same command again",
                ))
            }
            Setup::Done { queue } if until >= SetupStep::Pipe => {
                report::print(&ready(&pipeline, queue.as_deref()))
            }
            Setup::Done { .. } if until == SetupStep::Trust => {
                report::print("AWS trusts Snowflake: next is `firn bootstrap --from pipe`\n")
            }
            Setup::Done { .. } => {
                report::print("the objects are made: next is `firn bootstrap --from trust`\n")
            }
        }
    }
}

fn ready(pipeline: &Pipeline, queue: Option<&str>) -> String {
    let (table, deployment) = (pipeline.contract().table(), pipeline.deployment());
    // On Snowglobe, whose AWS role has the default name, buckets notify without configuration.
    let is_local = deployment.storage.aws_role == Deployment::default().storage.aws_role;
    let notification = queue.filter(|_| !is_local).map_or_else(String::new, |queue| {
        format!(
            "for files that others put into {}, let the bucket notify {queue} of new objects; `firn put` needs no notification\n",
            deployment.storage.table_url(table)
        )
    });
    format!(
        "{table} is ready in {}.{}: load a file with `firn put FILE`, or check the setup with `firn doctor`\n{notification}",
        deployment.database, deployment.schema
    )
}

/// Instructions for AWS.
fn needs_trust(trust: &Trust) -> String {
    let name = trust.role.rsplit('/').next().unwrap_or_default();
    format!(
        "Snowflake cannot read the bucket yet: {problem}

role         {role}
user         {user}
external id  {external_id}

The trust policy of the role:
{policy}

With the AWS CLI, once this policy stands in trust.json:
  aws iam update-assume-role-policy --role-name {name} --policy-document file://trust.json
",
        problem = trust.problem.as_deref().unwrap_or_default(),
        role = trust.role,
        user = trust.user,
        external_id = trust.external_id,
        policy = trust.policy(),
    )
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
