//! The commands of `firn`, one file each; each one turns arguments into calls of the core, and results into text.

mod as_of;
mod bootstrap;
mod canvas;
pub mod completions;
mod contract;
mod cost;
mod demo;
mod deployment;
mod doctor;
mod flow;
pub mod generate;
mod history;
mod put;
mod reconcile;
mod reject_report;
mod rejects;
mod report;
mod snowglobe;
mod sql;
mod status;
mod verify;
mod watch;

use clap::Subcommand;
use firn::Result;

/// What `firn` can do.
#[derive(Subcommand)]
pub enum Command {
    /// Create every object that a contract needs, or drop them
    Bootstrap(bootstrap::Bootstrap),
    /// Upload, load and merge files, and report what happened to each row
    Put(put::Put),
    /// Load every new file of a folder once, until Ctrl-C
    Watch(watch::Watch),
    /// Write a contract for a file, and check files against one
    Contract(contract::Contract),
    /// Show lag, row counts and the last runs of the pipeline
    Status(status::Status),
    /// Show every version of one key
    History(history::History),
    /// Show the table as of a time
    AsOf(as_of::AsOf),
    /// List rejected rows by reason, or send them again
    Rejects(rejects::Rejects),
    /// Capture every difference between the target and its history
    Reconcile(reconcile::Reconcile),
    /// Check the promises on the tables
    Verify(verify::Verify),
    /// Print the SQL scripts of a contract
    Sql(sql::Sql),
    /// Estimate credits and storage from keys, events and interval
    Cost(cost::Cost),
    /// Check the setup and suggest a fix for each problem
    Doctor(doctor::Doctor),
    /// Run the whole pipeline on this machine, on Snowglobe
    Demo(demo::Demo),
    /// Run the pipeline in a local NiFi and show rows arriving
    Canvas(canvas::Canvas),
    /// Import the flow into a running NiFi, set its parameters, start it
    Flow(flow::Flow),
}

impl Command {
    /// Runs the command.
    ///
    /// # Errors
    /// The errors of the core; for `firn doctor` and `firn verify` also a failed check.
    pub async fn run(self) -> Result<()> {
        match self {
            Self::Bootstrap(command) => command.run().await,
            Self::Put(command) => command.run().await,
            Self::Watch(command) => command.run().await,
            Self::Contract(command) => command.run(),
            Self::Status(command) => command.run().await,
            Self::History(command) => command.run().await,
            Self::AsOf(command) => command.run().await,
            Self::Rejects(command) => command.run().await,
            Self::Reconcile(command) => command.run().await,
            Self::Verify(command) => command.run().await,
            Self::Sql(command) => command.run(),
            Self::Cost(command) => command.run(),
            Self::Doctor(command) => command.run().await,
            Self::Demo(command) => command.run().await,
            Self::Canvas(command) => command.run().await,
            Self::Flow(command) => command.run().await,
        }
    }
}
