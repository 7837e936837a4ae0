//! `firn sql`

use std::path::PathBuf;

use clap::Args;
use firn::merge::{Deployment, Identifier, scripts};
use firn::{Context, Result};

use super::deployment::{self, BootstrapArgs};
use super::report;

const EXAMPLES: &str = "\
Examples:
  firn sql | less
  firn sql orders.toml --database SHOP --into sql-orders";

/// Print the SQL scripts of a contract
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Sql {
    /// Contract file; default: the customer contract
    #[arg(value_name = "CONTRACT")]
    contract: Option<PathBuf>,
    #[command(flatten)]
    arguments: BootstrapArgs,
    /// Database
    #[arg(
        long,
        value_name = "NAME",
        env = "FIRN_DATABASE",
        default_value = "FIRN"
    )]
    database: String,
    /// Schema
    #[arg(
        long,
        value_name = "NAME",
        env = "FIRN_SCHEMA",
        default_value = "PUBLIC"
    )]
    schema: String,
    /// Write one file per script into this folder instead of printing
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
}

impl Sql {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let contract = deployment::contract(self.contract.as_deref())?;
        let mut deployment = Deployment {
            database: Identifier::new(&self.database),
            schema: Identifier::new(&self.schema),
            ..Deployment::default()
        };
        self.arguments.apply(&mut deployment);
        let scripts = scripts(&contract, &deployment);
        let Some(folder) = self.into else {
            // The script that drops everything is left out, as the output may be piped into a client.
            let making = scripts.iter().filter(|script| !script.is_drop());
            return report::print(
                &making
                    .map(|script| script.text(&deployment))
                    .collect::<Vec<_>>()
                    .join("\n"),
            );
        };
        std::fs::create_dir_all(&folder).context(|| folder.display().to_string())?;
        for script in &scripts {
            let path = folder.join(script.name);
            std::fs::write(&path, script.text(&deployment))
                .context(|| path.display().to_string())?;
        }
        report::print(&format!(
            "{} scripts in {}\n",
            scripts.len(),
            folder.display()
        ))
    }
}
