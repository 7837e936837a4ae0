//! The commands of `firn`, one file each; every one turns arguments into calls of the core and results into text.

mod as_of;
mod bootstrap;
mod canvas;
pub mod completions;
mod demo;
mod deployment;
mod doctor;
mod flow;
pub mod generate;
mod history;
mod put;
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
    /// Make every object that a contract needs, or take them down
    Bootstrap(bootstrap::Bootstrap),
    /// Upload files, load them, merge them, and tell what became of their rows
    Put(put::Put),
    /// Put every new file of a folder, each once, until interrupted
    Watch(watch::Watch),
    /// Show how far behind the pipeline is, its counts and its last runs
    Status(status::Status),
    /// Show every version of one key
    History(history::History),
    /// Show the table as it was at a time
    AsOf(as_of::AsOf),
    /// Check the promises on the live tables
    Verify(verify::Verify),
    /// Render the SQL of a contract
    Sql(sql::Sql),
    /// Check the setup and suggest a fix for each problem
    Doctor(doctor::Doctor),
    /// Run the whole pipeline on this machine, on Snowglobe
    Demo(demo::Demo),
    /// Run it in a real NiFi on this machine, and show customers arriving
    Canvas(canvas::Canvas),
    /// Put the flow on the canvas of a NiFi that runs somewhere, set its parameters, and start it
    Flow(flow::Flow),
}

impl Command {
    /// Runs the command.
    ///
    /// # Errors
    /// What the core gives; `firn doctor` and `firn verify` also if something is not well.
    pub async fn run(self) -> Result<()> {
        match self {
            Self::Bootstrap(command) => command.run().await,
            Self::Put(command) => command.run().await,
            Self::Watch(command) => command.run().await,
            Self::Status(command) => command.run().await,
            Self::History(command) => command.run().await,
            Self::AsOf(command) => command.run().await,
            Self::Verify(command) => command.run().await,
            Self::Sql(command) => command.run(),
            Self::Doctor(command) => command.run().await,
            Self::Demo(command) => command.run().await,
            Self::Canvas(command) => command.run().await,
            Self::Flow(command) => command.run().await,
        }
    }
}
