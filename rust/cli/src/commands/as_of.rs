//! `firn as-of`

use clap::Args;
use firn::Result;

use super::deployment::DeploymentArgs;
use super::report;

const EXAMPLES: &str = "\
Examples:
  firn as-of 2026-11-23T18:52:55Z
  firn as-of 2026-06-01 --limit 5 --json";

/// Show the table as of a time
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct AsOf {
    /// Time in UTC, such as 2026-11-23T18:52:55Z
    #[arg(value_name = "TIME")]
    time: String,
    #[command(flatten)]
    deployment: DeploymentArgs,
    /// Maximum number of rows
    #[arg(long, default_value_t = 100, value_parser = crate::quantity::whole::<u32>)]
    limit: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl AsOf {
    /// Runs the command.
    pub async fn run(self) -> Result<()> {
        let rows = self
            .deployment
            .pipeline()?
            .as_of(&self.time, self.limit)
            .await?;
        if self.json {
            let object = |row: &Vec<Option<String>>| {
                let cells = rows.columns.iter().zip(row);
                cells
                    .map(|(name, value)| (name.to_lowercase(), value.clone().into()))
                    .collect::<serde_json::Map<_, _>>()
            };
            return report::print_json(&rows.rows.iter().map(object).collect::<Vec<_>>());
        }
        let names: Vec<String> = rows
            .columns
            .iter()
            .map(|name| name.to_lowercase())
            .collect();
        let head: Vec<&str> = names.iter().map(String::as_str).collect();
        let cells: Vec<Vec<String>> = rows
            .rows
            .iter()
            .map(|row| {
                row.iter()
                    .map(|value| value.clone().unwrap_or_default())
                    .collect()
            })
            .collect();
        report::print(&report::table(&head, &cells))
    }
}
