//! Sets up a new account in the order that Snowflake and AWS need: objects, trust, pipe, notification.

use serde_json::{Value, json};

use super::Pipeline;
use super::bootstrap::ScriptProgress;
use crate::error::{Error, Result};
use crate::merge::{Identifier, Script, literal};
use crate::snowflake::{Rows, Statement};

/// A step of the set-up; each needs those before it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum SetupStep {
    /// Roles, database, warehouse, storage integration, stage and tables.
    Objects,
    /// The AWS role trusts Snowflake's user.
    Trust,
    /// Pipe, streams, procedures, task and views.
    Pipe,
    /// The bucket notifies the pipe's queue of new files.
    Notification,
}

impl SetupStep {
    /// The step that runs a script: the pipe is the first object that needs the trust.
    #[must_use]
    pub fn of(script: &Script) -> Self {
        if script.name < "40_pipe.sql" {
            Self::Objects
        } else {
            Self::Pipe
        }
    }
}

/// The progress of a set-up.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Setup {
    /// All requested steps are done.
    Done {
        /// The ARN of the queue that the bucket has to notify, if the pipe was created.
        queue: Option<String>,
    },
    /// AWS must first be configured to trust Snowflake.
    NeedsTrust(Trust),
}

/// The trust that the AWS role has to grant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Trust {
    /// The role that Snowflake assumes.
    pub role: String,
    /// The user of Snowflake that assumes it.
    pub user: String,
    /// The external id that the user sends.
    pub external_id: String,
    /// Why Snowflake cannot read the bucket; none if it can.
    pub problem: Option<String>,
}

impl Trust {
    /// The trust policy of the AWS role.
    #[must_use]
    pub fn policy(&self) -> String {
        let policy = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": { "AWS": self.user },
                "Action": "sts:AssumeRole",
                "Condition": { "StringEquals": { "sts:ExternalId": self.external_id } },
            }],
        });
        format!("{policy:#}")
    }
}

impl Pipeline {
    /// Creates all objects.
    ///
    /// # Errors
    /// `Config` if existing tables cannot be migrated to the contract's columns, or another contract needs their names, or if a dropped
    /// table can be restored (then nothing is changed), or if a role lacks a privilege, with the name of the script; objects already
    /// created stay.
    pub async fn bootstrap(&self, on_statement: impl FnMut(ScriptProgress<'_>)) -> Result<()> {
        match self
            .set_up(SetupStep::Objects, SetupStep::Pipe, on_statement)
            .await?
        {
            Setup::Done { .. } => Ok(()),
            Setup::NeedsTrust(trust) => Err(Error::config(format!(
                "{}: AWS role {} must trust Snowflake first: `firn bootstrap` prints the trust policy",
                trust.problem.unwrap_or_default(),
                trust.role
            ))),
        }
    }

    /// Runs the steps from `from` to `until`, and stops where AWS must be configured first. Each may be repeated.
    ///
    /// # Errors
    /// As [`Pipeline::bootstrap`].
    pub async fn set_up(
        &self,
        from: SetupStep,
        until: SetupStep,
        mut on_statement: impl FnMut(ScriptProgress<'_>),
    ) -> Result<Setup> {
        let steps = from..=until;
        let scripts = self.scripts();
        let (objects, pipe): (Vec<&Script>, Vec<&Script>) = scripts
            .iter()
            .filter(|script| !script.is_drop())
            .partition(|script| SetupStep::of(script) == SetupStep::Objects);
        if steps.contains(&SetupStep::Objects) {
            let upgrade = self.check_and_upgrade().await?;
            let objects: Vec<&Script> = upgrade.iter().chain(objects).collect();
            self.run_scripts(&objects, &mut on_statement).await?;
        }
        // Trust is validated only as the last step; otherwise creating the pipe shows whether it is granted.
        if until == SetupStep::Trust {
            return self.trusted(Ok(())).await;
        }
        if steps.contains(&SetupStep::Pipe)
            && let Err(error) = self.create_pipe_and_rest(&pipe, on_statement).await
        {
            return self.trusted(Err(error)).await;
        }
        let queue = if until >= SetupStep::Pipe {
            self.queue().await
        } else {
            None
        };
        Ok(Setup::Done { queue })
    }

    /// Runs the scripts from the pipe on. A pipe of another version is replaced.
    async fn create_pipe_and_rest(
        &self,
        scripts: &[&Script],
        on_statement: impl FnMut(ScriptProgress<'_>),
    ) -> Result<()> {
        let refresh = self.drop_outdated_pipe().await?;
        self.run_scripts(scripts, on_statement).await?;
        if let Some(refresh) = refresh {
            let refresh = Statement::new(refresh).role(self.deployment.owner.stored());
            self.client.run(refresh).await?;
        }
        Ok(())
    }

    /// The outcome of a step that needs the trust of AWS.
    async fn trusted(&self, outcome: Result<()>) -> Result<Setup> {
        match (self.trust().await, outcome) {
            (Ok(trust), _) if trust.problem.is_some() => Ok(Setup::NeedsTrust(trust)),
            (_, Err(error)) | (Err(error), Ok(())) => Err(error),
            (Ok(_), Ok(())) => Ok(Setup::Done { queue: None }),
        }
    }

    /// The trust that the AWS role has to grant, and whether it does.
    ///
    /// # Errors
    /// `Config` if there is no storage integration, or it may not be described.
    pub async fn trust(&self) -> Result<Trust> {
        let storage = &self.deployment.storage;
        let integration = &storage.integration;
        let described = self
            .in_account(format!("describe integration {integration}"))
            .await?;
        let value = |name: &str| {
            let mut rows = 0..described.rows.len();
            let row = rows.find(|row| described.get(*row, "property") == Some(name));
            let value = row.and_then(|row| described.get(row, "property_value"));
            value.map(str::to_owned).ok_or_else(|| {
                Error::config(format!(
                    "storage integration {integration} has no {name}: run `firn bootstrap`"
                ))
            })
        };
        let validated = self
            .in_account(validation(
                &integration.stored(),
                &storage.table_url(self.contract.table()),
            ))
            .await?;
        Ok(Trust {
            role: value("STORAGE_AWS_ROLE_ARN")?,
            user: value("STORAGE_AWS_IAM_USER_ARN")?,
            external_id: value("STORAGE_AWS_EXTERNAL_ID")?,
            problem: problem(validated.first().unwrap_or_default()),
        })
    }

    async fn in_account(&self, sql: String) -> Result<Rows> {
        let admin = Identifier::new("ACCOUNTADMIN");
        let statement = Statement::new(sql).role(admin.stored()).in_account();
        self.client.run(statement).await
    }

    /// The queue of the pipe's notifications, if the role may see it.
    async fn queue(&self) -> Option<String> {
        let rows = self.show("pipes", &self.names.pipe, None).await.ok()?;
        let channel = rows.get(0, "notification_channel");
        channel.filter(|arn| !arn.is_empty()).map(str::to_owned)
    }
}

/// The query that validates a storage integration for a URL; [`problem`] reads its answer.
pub(super) fn validation(integration: &str, url: &str) -> String {
    format!(
        "select system$validate_storage_integration({}, {}, 'firn-probe.txt', 'list')",
        literal(integration),
        literal(url)
    )
}

/// Why the validation of a storage integration failed; none if it did not.
pub(super) fn problem(answer: &str) -> Option<String> {
    let answer: Value = serde_json::from_str(answer).ok()?;
    if answer["status"] == "success" {
        return None;
    }
    let action = answer["actions"]["LIST"]["message"].as_str();
    let text = action.or(answer["message"].as_str());
    Some(text.unwrap_or("the integration's checks failed").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_validation_says_why() {
        assert_eq!(problem("{\"status\":\"success\"}"), None);
        let failed = "{\"status\":\"failure\",\"actions\":{\"LIST\":{\"message\":\"no\"}},\"message\":\"some\"}";
        assert_eq!(problem(failed).as_deref(), Some("no"));
        let failed = "{\"status\":\"failure\",\"message\":\"some\"}";
        assert_eq!(problem(failed).as_deref(), Some("some"));
    }

    #[test]
    fn the_trust_policy_names_user_and_external_id() {
        let trust = Trust {
            role: "arn:aws:iam::1:role/r".to_owned(),
            user: "arn:aws:iam::2:user/u".to_owned(),
            external_id: "X_1".to_owned(),
            problem: None,
        };
        let policy: Value = serde_json::from_str(&trust.policy()).unwrap();
        let statement = &policy["Statement"][0];
        assert_eq!(statement["Principal"]["AWS"], "arn:aws:iam::2:user/u");
        assert_eq!(
            statement["Condition"]["StringEquals"]["sts:ExternalId"],
            "X_1"
        );
    }
}
