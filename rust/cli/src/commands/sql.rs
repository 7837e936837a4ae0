//! `firn sql`

use std::path::PathBuf;

use clap::Args;
use firn::merge::{Identifier, Site, scripts};
use firn::{Context, Result};

use super::place::{self, SiteArguments};
use super::report;

const EXAMPLES: &str = "\
Examples:
  firn sql | less
  firn sql orders.toml --database SHOP --into sql-orders";

/// Render the SQL of a contract
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Sql {
    /// The contract; the customer contract without
    #[arg(value_name = "CONTRACT")]
    contract: Option<PathBuf>,
    #[command(flatten)]
    site: SiteArguments,
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
    /// Write a file for each script into this folder, in place of printing all
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
}

impl Sql {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        let contract = place::contract(self.contract.as_deref())?;
        let mut site = Site {
            database: Identifier::new(&self.database),
            schema: Identifier::new(&self.schema),
            ..Site::default()
        };
        self.site.apply(&mut site);
        let scripts = scripts(&contract, &site);
        let Some(folder) = self.into else {
            // What takes everything down is not for piping into a client.
            let making = scripts.iter().filter(|script| script.name != "99_drop.sql");
            return report::print(
                &making
                    .map(|script| script.text(&site))
                    .collect::<Vec<_>>()
                    .join("\n"),
            );
        };
        std::fs::create_dir_all(&folder).context(|| folder.display().to_string())?;
        for script in &scripts {
            let path = folder.join(script.name);
            std::fs::write(&path, script.text(&site)).context(|| path.display().to_string())?;
        }
        report::print(&format!(
            "{} scripts in {}\n",
            scripts.len(),
            folder.display()
        ))
    }
}
