//! What stands in the way, each with its cure.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::Pipeline;
use crate::error::{Error, Result};
use crate::merge::Identifier;
use crate::snowflake::{Rows, Statement};
use crate::store::S3Store;

/// A login's token is refused if clocks lie further apart.
const MAX_SKEW_SECONDS: f64 = 30.0;

/// One check and its outcome.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: String,
    /// What was seen, if it is well.
    pub seen: Option<String>,
    /// What is wrong and how to cure it, if it is not.
    pub trouble: Option<String>,
}

fn well(check: &str, seen: impl Into<String>) -> Finding {
    Finding {
        check: check.to_owned(),
        seen: Some(seen.into()),
        trouble: None,
    }
}

fn ill(check: &str, trouble: impl Into<String>) -> Finding {
    Finding {
        check: check.to_owned(),
        seen: None,
        trouble: Some(trouble.into()),
    }
}

impl Pipeline {
    /// Looks at everything that a working pipeline needs, and goes on as far as it can.
    pub async fn doctor(&self, store: Option<&S3Store>) -> Vec<Finding> {
        let mut findings = Vec::new();
        match self.login().await {
            Ok(mut login) => findings.append(&mut login),
            Err(error) => {
                findings.push(ill("connection", error.to_string()));
                return findings;
            }
        }
        for (kind, name, script) in self.objects() {
            findings.push(self.object(kind, &name, script).await);
        }
        findings.push(self.stream().await);
        findings.push(self.pipe().await);
        for task in [&self.names.merge_task, &self.names.capture_task] {
            findings.push(self.task(task).await);
        }
        if let Some(store) = store {
            let place = format!(
                "s3://{}/{}",
                store.location().bucket,
                store.location().folder
            );
            findings.push(match store.check().await {
                Ok(()) => well("bucket", place),
                Err(error) => ill("bucket", error.to_string()),
            });
        }
        findings
    }

    async fn login(&self) -> Result<Vec<Finding>> {
        let before = now_seconds();
        let sql = "select current_user(), current_role(), current_warehouse(), date_part(epoch_millisecond, current_timestamp())";
        let rows = self.client.run(Statement::new(sql).in_account()).await?;
        let after = now_seconds();
        let cell = |index: usize| rows.rows.first().and_then(|row| row.get(index)?.clone());
        let mut findings = vec![
            well(
                "connection",
                format!(
                    "{} as {}",
                    self.client.connection().url,
                    cell(0).unwrap_or_default()
                ),
            ),
            well("role", cell(1).unwrap_or_default()),
        ];
        findings.push(match cell(2) {
            Some(warehouse) => well("warehouse", warehouse),
            None => ill(
                "warehouse",
                format!(
                    "none: run `firn bootstrap`, or grant usage on {} to the role",
                    self.site.warehouse
                ),
            ),
        });
        let there = cell(3)
            .and_then(|text| text.parse::<f64>().ok())
            .map_or(before, |millis| millis / 1000.0);
        // The answer was made somewhere between the two looks at our own clock.
        let skew = if there < before {
            there - before
        } else {
            (there - after).max(0.0)
        };
        findings.push(if skew.abs() <= MAX_SKEW_SECONDS {
            well("clock", format!("{skew:+.1} s"))
        } else {
            ill("clock", format!("{skew:+.0} s from Snowflake's: set this machine's clock, or logins will be refused"))
        });
        Ok(findings)
    }

    fn objects(&self) -> Vec<(&'static str, Identifier, &'static str)> {
        let names = &self.names;
        let tables = [
            &names.staging,
            &names.target,
            &names.history,
            &names.rejects,
            &names.runs,
        ];
        let mut objects: Vec<_> = tables
            .into_iter()
            .map(|name| ("tables", name.clone(), "30_tables.sql"))
            .collect();
        objects.push(("views", names.versions.clone(), "90_views.sql"));
        objects.push(("stages", names.stage.clone(), "20_stage.sql"));
        objects.push(("streams", names.changes.clone(), "50_streams.sql"));
        objects.push(("procedures", names.merge.clone(), "60_merge.sql"));
        objects.push(("procedures", names.capture.clone(), "70_capture.sql"));
        objects
    }

    async fn show(&self, kind: &str, name: &Identifier) -> Result<Rows> {
        let pattern = crate::merge::literal(&name.stored());
        let schema = format!("{}.{}", self.site.database, self.site.schema);
        let rows = self
            .client
            .query(&format!("show {kind} like {pattern} in schema {schema}"))
            .await?;
        if rows.rows.is_empty() {
            return Err(Error::config("is missing, or the role may not see it"));
        }
        Ok(rows)
    }

    async fn object(&self, kind: &str, name: &Identifier, script: &str) -> Finding {
        let check = format!("{} {name}", kind.trim_end_matches('s'));
        match self.show(kind, name).await {
            Ok(_) => well(&check, "there"),
            Err(error) => ill(&check, format!("{error}: run `firn bootstrap` ({script})")),
        }
    }

    async fn stream(&self) -> Finding {
        let name = &self.names.staging_stream;
        let check = format!("stream {name}");
        match self.show("streams", name).await {
            Ok(rows) if rows.get(0, "stale") == Some("true") => ill(
                &check,
                format!(
                    "is stale: `drop stream {name}`, then `firn bootstrap`; it begins again with what waits in staging"
                ),
            ),
            Ok(_) => well(&check, "fresh"),
            Err(error) => ill(
                &check,
                format!("{error}: run `firn bootstrap` (50_streams.sql)"),
            ),
        }
    }

    async fn pipe(&self) -> Finding {
        let check = format!("pipe {}", self.names.pipe);
        let name = format!(
            "{}.{}.{}",
            self.site.database, self.site.schema, self.names.pipe
        );
        let status = match self
            .client
            .run(Statement::new("select system$pipe_status(?)").bind(&name))
            .await
        {
            Ok(rows) => rows
                .first()
                .and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok()),
            Err(error) => {
                return ill(
                    &check,
                    format!("{error}: run `firn bootstrap` (40_pipe.sql)"),
                );
            }
        };
        match status
            .as_ref()
            .and_then(|status| status["executionState"].as_str())
        {
            Some("RUNNING") => well(&check, "running"),
            Some(state) => ill(
                &check,
                format!(
                    "is {state}: `alter pipe {name} set pipe_execution_paused = false`, and see its error in `show pipes`"
                ),
            ),
            None => ill(&check, "gives no status: the role needs monitor on it"),
        }
    }

    async fn task(&self, name: &Identifier) -> Finding {
        let check = format!("task {name}");
        match self.show("tasks", name).await {
            Ok(rows) if rows.get(0, "state") == Some("started") => well(&check, "started"),
            Ok(rows) => {
                let state = rows.get(0, "state").unwrap_or("in no known state");
                ill(
                    &check,
                    format!(
                        "is {state}: `alter task {name} resume` (ten failures in a row suspend a task: see its history)"
                    ),
                )
            }
            Err(error) => ill(
                &check,
                format!("{error}: run `firn bootstrap` (80_tasks.sql)"),
            ),
        }
    }
}

fn now_seconds() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64()
}
