//! `firn history`

use clap::Args;
use firn::pipeline::Version;
use firn::{Error, Result};

use super::deployment::DeploymentArgs;
use super::report;

const EXAMPLES: &str = "\
Examples:
  firn history 4711
  firn history o-1 2 --contract orders.toml
  firn history 4711 --json";

/// Show every version of one key
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct History {
    /// Key values, one per key column; after `--` if one starts with a hyphen
    #[arg(required = true, value_name = "KEY", allow_negative_numbers = true)]
    key: Vec<String>,
    #[command(flatten)]
    deployment: DeploymentArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl History {
    /// Runs the command.
    pub async fn run(self) -> Result<()> {
        let pipeline = self.deployment.pipeline()?;
        let versions = pipeline.history(&self.key).await?;
        if versions.is_empty() {
            let table = pipeline.contract().table();
            return Err(Error::config(format!(
                "{table} has no history of key {}",
                self.key.join(", ")
            )));
        }
        if self.json {
            report::print_json(&versions)
        } else {
            report::print(&timeline(&versions))
        }
    }
}

/// One entry per version: operation, validity, source and changed columns.
pub fn timeline(versions: &[Version]) -> String {
    let mut text = String::new();
    let mut before: Option<&Version> = None;
    for version in versions {
        let what = match version.op.as_str() {
            "I" => "inserted",
            "D" => "deleted",
            _ => "updated",
        };
        let given = match version.given_columns.as_deref() {
            None => String::new(),
            Some("") => " (no column given)".to_owned(),
            Some(names) => format!(" ({} given)", names.replace(',', ", ")),
        };
        let validity = match &version.valid_to {
            None => "current".to_owned(),
            Some(until) if *until == version.valid_from => "superseded at once".to_owned(),
            Some(until) => format!("valid until {}", short(until)),
        };
        text.push_str(&format!(
            "{}  {what}{given}, {validity}   ({}, row {})\n",
            short(&version.valid_from),
            version.source_file,
            version.source_row
        ));
        if version.op != "D" {
            let lived = before.filter(|before| before.op != "D");
            for (index, (column, value)) in version.values.iter().enumerate() {
                let old = lived.map(|before| &before.values[index].1);
                match old {
                    Some(old) if old == value => {}
                    Some(old) => text.push_str(&format!(
                        "    {column}: {} -> {}\n",
                        shown(old),
                        shown(value)
                    )),
                    None if value.is_none() => {}
                    None => text.push_str(&format!("    {column}: {}\n", shown(value))),
                }
            }
        }
        before = Some(version);
    }
    text
}

fn shown(value: &Option<String>) -> String {
    value
        .as_ref()
        .map_or("null".to_owned(), |text| format!("{text:?}"))
}

/// The time without the fraction of whole seconds.
fn short(time: &str) -> &str {
    time.strip_suffix(".000000").unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(op: &str, from: &str, to: Option<&str>, city: Option<&str>) -> Version {
        Version {
            op: op.into(),
            valid_from: from.into(),
            valid_to: to.map(str::to_owned),
            source_file: "a.csv".into(),
            source_row: "1".into(),
            given_columns: (op == "U").then(|| "city".to_owned()),
            values: vec![
                ("name".into(), Some("Ann".into())),
                ("city".into(), city.map(str::to_owned)),
            ],
        }
    }

    #[test]
    fn a_timeline_shows_only_changed_columns() {
        let versions = [
            version(
                "I",
                "2026-01-01 00:00:00.000000",
                Some("2026-01-02 00:00:00.500000"),
                None,
            ),
            version("U", "2026-01-02 00:00:00.500000", None, Some("Rome")),
        ];
        assert_eq!(
            timeline(&versions),
            "2026-01-01 00:00:00  inserted, valid until 2026-01-02 00:00:00.500000   (a.csv, row 1)\n    name: \"Ann\"\n\
             2026-01-02 00:00:00.500000  updated (city given), current   (a.csv, row 1)\n    city: null -> \"Rome\"\n"
        );
    }
}
