//! Checks of the setup, each with a fix: the connection here, the objects in `objects`, the privileges in `grants`, AWS in `cloud`.

mod cloud;
mod grants;
mod objects;

use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use super::Pipeline;
use crate::error::Result;
use crate::snowflake::Statement;
use crate::store::{Location, S3Store};

/// Snowflake rejects a login's token if the clocks differ by more.
const MAX_SKEW_SECONDS: f64 = 30.0;

/// One check and its outcome.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Finding {
    /// What was checked.
    pub check: String,
    /// The finding, if the check is ok.
    pub detail: Option<String>,
    /// The problem and its fix, if the check fails.
    pub problem: Option<String>,
}

fn ok(check: &str, detail: impl Into<String>) -> Finding {
    Finding {
        check: check.to_owned(),
        detail: Some(detail.into()),
        problem: None,
    }
}

fn fail(check: &str, problem: impl Into<String>) -> Finding {
    Finding {
        check: check.to_owned(),
        detail: None,
        problem: Some(problem.into()),
    }
}

impl Pipeline {
    /// Checks everything that a working pipeline needs, and continues after failed checks where it can.
    ///
    /// With the loader's role it checks what loading needs, with any other role all objects.
    pub async fn doctor(&self, store: Option<&S3Store>) -> Vec<Finding> {
        let mut findings = match self.login().await {
            Ok((role, mut findings)) => {
                findings.append(&mut self.look_around(&role).await);
                findings
            }
            Err(error) => vec![fail("connection", error.to_string())],
        };
        if let Some(store) = store {
            let location = store.location();
            let place = format!("s3://{}/{}", location.bucket, location.prefix);
            findings.push(match store.check().await {
                Ok(()) => ok("bucket", place),
                Err(error) => fail("bucket", error.to_string()),
            });
            findings.extend(self.deployed_for(location).await);
        }
        findings
    }

    /// Whether the deployed objects load files from `location`; none if that cannot be checked.
    async fn deployed_for(&self, location: &Location) -> Option<Finding> {
        let check = format!("files for {}", self.contract.table());
        let deployed = self.deployed(None).await.ok()?;
        Some(match self.mismatch(&deployed, location) {
            Some(mismatch) => fail(&check, mismatch),
            None => ok(&check, "are read from there, with this contract"),
        })
    }

    async fn look_around(&self, role: &str) -> Vec<Finding> {
        if role == self.deployment.loader.stored() {
            return self.as_loader().await;
        }
        let mut objects = self.as_owner().await;
        if objects.iter().any(|one| one.problem.is_none()) {
            objects.push(self.grants_of_loader().await);
            return objects;
        }
        vec![fail(
            &format!("objects of {}", self.contract.table()),
            format!(
                "role {role} sees none of them in {}.{}: run `firn bootstrap`, or use --role {} ({} for loading only)",
                self.deployment.database,
                self.deployment.schema,
                self.deployment.owner,
                self.deployment.loader
            ),
        )]
    }

    /// The role, and the findings of the login.
    async fn login(&self) -> Result<(String, Vec<Finding>)> {
        let before = now_seconds();
        let sql = "select current_user(), current_role(), current_warehouse(), date_part(epoch_millisecond, current_timestamp())";
        let rows = self.client.run(Statement::new(sql).in_account()).await?;
        let after = now_seconds();
        let cell = |index: usize| rows.rows.first().and_then(|row| row.get(index)?.clone());
        let role = cell(1).unwrap_or_default();
        let mut findings = vec![
            ok(
                "connection",
                format!(
                    "{} as {}",
                    self.client.connection().url,
                    cell(0).unwrap_or_default()
                ),
            ),
            ok("role", role.clone()),
        ];
        findings.push(match cell(2) {
            Some(warehouse) => ok("warehouse", warehouse),
            None => fail(
                "warehouse",
                format!(
                    "none: run `firn bootstrap`, or grant USAGE on {} to the role",
                    self.deployment.warehouse
                ),
            ),
        });
        let there = cell(3)
            .and_then(|text| text.parse::<f64>().ok())
            .map_or(before, |millis| millis / 1000.0);
        // The server's time is between the two readings of the local clock.
        let skew = if there < before {
            there - before
        } else {
            (there - after).max(0.0)
        };
        findings.push(if skew.abs() <= MAX_SKEW_SECONDS {
            ok("clock", format!("{skew:+.1} s"))
        } else {
            fail("clock", format!("{skew:+.0} s off Snowflake's clock: set the clock of this machine, or logins fail"))
        });
        Ok((role, findings))
    }
}

fn now_seconds() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64()
}
