//! Checks that the objects of a contract exist, are in order, and have the contract's columns.

use super::{Finding, fail, ok};
use crate::error::{Error, ErrorKind, Result};
use crate::merge::Identifier;
use crate::pipeline::Pipeline;
use crate::pipeline::deployed::is_same_folder;
use crate::snowflake::{Rows, Statement};

/// Snowflake reports both cases alike.
const UNSEEN: &str = "missing, or not visible to the role";

pub(super) fn unseen(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Config => Error::config(UNSEEN),
        _ => error,
    }
}

/// A dropped table must be restored: an empty one in its place would look as if all rows were deleted.
fn dropped(name: &Identifier) -> Finding {
    fail(
        &format!("table {name}"),
        format!("was dropped: run `undrop table {name}`, then `firn reconcile`"),
    )
}

/// A time in the SQL API's format, as text in UTC.
fn moment(text: &str) -> Option<String> {
    let seconds = text.split(['.', ' ']).next()?.parse().ok()?;
    let moment = jiff::Timestamp::from_second(seconds).ok()?;
    Some(moment.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
}

impl Pipeline {
    /// Checks everything that `firn bootstrap` creates.
    pub(super) async fn as_owner(&self) -> Vec<Finding> {
        let names = &self.names;
        let mut findings = Vec::new();
        let lost = self.lost_tables(None).await.unwrap_or_default();
        for (kind, name, script) in [
            ("tables", &names.staging, "30_tables.sql"),
            ("tables", &names.target, "30_tables.sql"),
            ("tables", &names.history_open, "30_tables.sql"),
            ("tables", &names.history_closed, "30_tables.sql"),
            ("views", &names.history, "30_tables.sql"),
            ("tables", &names.rejects, "30_tables.sql"),
            ("tables", &names.retries, "30_tables.sql"),
            ("tables", &names.runs, "30_tables.sql"),
            ("views", &names.versions, "90_views.sql"),
            ("procedures", &names.merge, "60_merge.sql"),
            ("procedures", &names.capture, "70_capture.sql"),
            ("procedures", &names.load, "75_load.sql"),
            ("procedures", &names.report, "75_load.sql"),
        ] {
            let holds_rows =
                [&names.target, &names.history_open, &names.history_closed].contains(&name);
            findings.push(if lost.contains(name) {
                dropped(name)
            } else if holds_rows {
                self.table_of_rows(name).await
            } else {
                self.object(kind, name, script).await
            });
        }
        findings.push(self.stage().await);
        findings.extend(self.trust_check().await);
        findings.extend(self.columns_fit().await);
        findings.push(self.stream(&names.staging_stream).await);
        findings.push(self.stream(&names.changes).await);
        findings.extend(self.pipe_checks().await);
        findings.push(self.task(&names.merge_task).await);
        findings
    }

    /// Checks what loading needs and the loader may see.
    pub(super) async fn as_loader(&self) -> Vec<Finding> {
        let names = &self.names;
        let mut findings = Vec::new();
        for (kind, name, script) in [
            ("procedures", &names.merge, "60_merge.sql"),
            ("procedures", &names.capture, "70_capture.sql"),
            ("procedures", &names.load, "75_load.sql"),
            ("procedures", &names.report, "75_load.sql"),
        ] {
            findings.push(self.object(kind, name, script).await);
        }
        findings
    }

    /// One finding for each column that does not fit, or one that all fit; nothing if no table exists.
    async fn columns_fit(&self) -> Vec<Finding> {
        let check = format!("columns of {}", self.contract.table());
        match self.column_mismatches(None).await {
            Ok(None) => Vec::new(),
            Ok(Some(mismatches)) if mismatches.is_empty() => vec![ok(&check, "match the contract")],
            Ok(Some(mismatches)) => mismatches
                .iter()
                .map(|mismatch| fail(&check, mismatch.to_string()))
                .collect(),
            Err(error) => vec![fail(&check, error.to_string())],
        }
    }

    pub(in crate::pipeline) async fn show(
        &self,
        kind: &str,
        name: &Identifier,
        role: Option<&Identifier>,
    ) -> Result<Rows> {
        let pattern = crate::merge::literal(&name.stored());
        let schema = format!("{}.{}", self.deployment.database, self.deployment.schema);
        let mut show = Statement::new(format!("show {kind} like {pattern} in schema {schema}"));
        if let Some(role) = role {
            show = show.role(role.stored());
        }
        let rows = self.client.run(show).await.map_err(unseen)?;
        if rows.rows.is_empty() {
            return Err(Error::config(UNSEEN));
        }
        Ok(rows)
    }

    async fn object(&self, kind: &str, name: &Identifier, script: &str) -> Finding {
        let check = format!("{} {name}", kind.trim_end_matches('s'));
        match self.show(kind, name, None).await {
            Ok(_) => ok(&check, "exists"),
            Err(error) => fail(&check, format!("{error}: run `firn bootstrap` ({script})")),
        }
    }

    /// A table whose rows no script can restore.
    async fn table_of_rows(&self, name: &Identifier) -> Finding {
        let check = format!("table {name}");
        match self.show("tables", name, None).await {
            Ok(_) => ok(&check, "exists"),
            Err(error) => fail(
                &check,
                format!(
                    "{error}: restore it from a backup if there is one; `firn bootstrap` creates an empty one"
                ),
            ),
        }
    }

    /// Why the stage does not read the folder of the deployment's stage URL; none if it does.
    ///
    /// # Errors
    /// If there is no stage, or it cannot be seen.
    pub(in crate::pipeline) async fn stage_mismatch(&self) -> Result<Option<String>> {
        let name = &self.names.stage;
        let wanted = self.deployment.storage.table_url(self.contract.table());
        let rows = self.show("stages", name, None).await?;
        let url = rows
            .get(0, "url")
            .filter(|url| !is_same_folder(url, &wanted));
        Ok(url.map(|url| {
            format!(
                "reads {url}, not {wanted}: run `alter stage {name} set url = {}`, or use the other --stage-url",
                crate::merge::literal(&wanted)
            )
        }))
    }

    async fn stage(&self) -> Finding {
        let check = format!("stage {}", self.names.stage);
        match self.stage_mismatch().await {
            Ok(Some(mismatch)) => fail(&check, mismatch),
            Ok(None) => ok(
                &check,
                self.deployment.storage.table_url(self.contract.table()),
            ),
            Err(error) => fail(
                &check,
                format!("{error}: run `firn bootstrap` (20_stage.sql)"),
            ),
        }
    }

    /// A missing stream loses nothing: the next merge creates it again and compares everything.
    async fn stream(&self, name: &Identifier) -> Finding {
        let check = format!("stream {name}");
        match self.show("streams", name, None).await {
            Ok(rows) if rows.get(0, "stale") == Some("true") => fail(
                &check,
                "stale: run `firn reconcile`, which creates it anew and captures what it no longer shows",
            ),
            Ok(rows) => match rows.get(0, "stale_after").and_then(moment) {
                Some(moment) => ok(
                    &check,
                    format!("fresh, stale after {moment} if nothing reads it"),
                ),
                None => ok(&check, "fresh"),
            },
            Err(error) if error.is_transient() => fail(&check, error.to_string()),
            Err(error) => fail(
                &check,
                format!(
                    "{error}: run `firn reconcile`, which creates it anew and captures what it did not show"
                ),
            ),
        }
    }

    async fn task(&self, name: &Identifier) -> Finding {
        let check = format!("task {name}");
        match self.show("tasks", name, None).await {
            Ok(rows) if rows.get(0, "state") == Some("started") => ok(&check, "started"),
            Ok(rows) => {
                let state = rows.get(0, "state").unwrap_or("in an unknown state");
                fail(
                    &check,
                    format!(
                        "{state}: run `alter task {name} resume`; ten failures in a row suspend a task, see its history"
                    ),
                )
            }
            Err(error) => fail(
                &check,
                format!("{error}: run `firn bootstrap` (80_tasks.sql)"),
            ),
        }
    }
}
