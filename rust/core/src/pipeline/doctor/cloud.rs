//! Checks of what Snowflake needs of AWS: the trust of the role, the pipe, and the bucket's notifications.

use super::{Finding, fail, ok};
use crate::merge::literal;
use crate::pipeline::Pipeline;
use crate::pipeline::pipe::PipeStatus;
use crate::pipeline::setup::{problem, validation};
use crate::snowflake::Statement;

/// The documented states of a pipe that need more than to be resumed, with their fixes.
fn fix_of(state: &str) -> &'static str {
    match state {
        "STALLED_STAGE_PERMISSION_ERROR" => {
            "Snowflake may not read the bucket: run `firn bootstrap --from trust --until trust`, which says what AWS must allow"
        }
        "STALLED_COMPILATION_ERROR"
        | "STOPPED_STAGE_DROPPED"
        | "STOPPED_FILE_FORMAT_DROPPED"
        | "STOPPED_MISSING_PIPE"
        | "STOPPED_MISSING_TABLE"
        | "STOPPED_CLONED" => {
            "drop the pipe, then run `firn bootstrap`, which creates it and what it reads again"
        }
        "STOPPED_FEATURE_DISABLED"
        | "STOPPED_BY_SNOWFLAKE_ADMIN"
        | "STALLED_INTERNAL_ERROR"
        | "STALLED_INITIALIZATION_ERROR"
        | "STALLED_EXECUTION_ERROR" => {
            "ask Snowflake's support; until then `firn put` loads without the pipe"
        }
        _ => "",
    }
}

impl Pipeline {
    /// Whether the AWS role of the stage's integration trusts Snowflake; nothing for a stage without one.
    pub(super) async fn trust_check(&self) -> Option<Finding> {
        let stage = self.show("stages", &self.names.stage, None).await.ok()?;
        let integration = stage
            .get(0, "storage_integration")
            .filter(|name| !name.is_empty())?;
        let check = format!("trust of AWS in {integration}");
        let validate = validation(integration, stage.get(0, "url")?);
        let answer = match self.client.run(Statement::new(validate)).await {
            Ok(rows) => rows.first().unwrap_or_default().to_owned(),
            Err(error) if error.is_transient() => return Some(fail(&check, error.to_string())),
            Err(_) => {
                return Some(ok(&check, "not checked: the role may not validate it"));
            }
        };
        Some(match problem(&answer) {
            None => ok(&check, "granted"),
            Some(problem) => fail(
                &check,
                format!(
                    "{problem}: run `firn bootstrap --from trust --until trust`, which prints the trust policy"
                ),
            ),
        })
    }

    /// The pipe: there, of this version, running, and notified.
    pub(super) async fn pipe_checks(&self) -> Vec<Finding> {
        let check = format!("pipe {}", self.names.pipe);
        let missing = |error: &dyn std::fmt::Display| {
            fail(
                &check,
                format!("{error}: run `firn bootstrap` (40_pipe.sql)"),
            )
        };
        let is_current = match self.pipe_is_current(None).await {
            Ok(is_current) => is_current,
            Err(error) => return vec![missing(&error)],
        };
        if !is_current {
            return vec![fail(
                &check,
                "was made by another version of Firn: run `firn bootstrap`, which replaces it once its queue is loaded",
            )];
        }
        match self.pipe_status(None).await {
            Ok(Some(status)) => {
                let mut findings = vec![self.pipe_state(&check, &status)];
                findings.extend(self.notification(&status));
                findings
            }
            Ok(None) => vec![fail(&check, "no status: grant MONITOR on it to the role")],
            Err(error) => vec![missing(&super::objects::unseen(error))],
        }
    }

    fn pipe_state(&self, check: &str, status: &PipeStatus) -> Finding {
        let name = self.pipe_name();
        let pending = status.pending_file_count;
        let said = status.fault.as_ref().or(status.error.as_ref());
        match status.execution_state.as_deref() {
            Some("RUNNING") => match said {
                // The last file's error; the pipe itself goes on.
                Some(error) => ok(
                    check,
                    format!("running, {pending} files waiting; its last error: {error}"),
                ),
                None => ok(check, format!("running, {pending} files waiting")),
            },
            Some("PAUSED") | None => fail(
                check,
                format!(
                    "PAUSED: run `alter pipe {name} set pipe_execution_paused = false`; after 14 days it also needs `select system$pipe_force_resume({}, 'staleness_check_override')`",
                    literal(&name)
                ),
            ),
            Some(state) => {
                let said = said.map(|error| format!(": {error}")).unwrap_or_default();
                let fix = match fix_of(state) {
                    "" => "`show pipes` shows its error",
                    fix => fix,
                };
                fail(check, format!("{state}{said}: {fix}"))
            }
        }
    }

    /// Whether notifications of the bucket arrive; nothing for a pipe without a queue.
    fn notification(&self, status: &PipeStatus) -> Option<Finding> {
        let queue = status.notification_channel_name.as_deref()?;
        let check = format!("notification of {}", self.names.pipe);
        if let Some(error) = &status.channel_error_message {
            return Some(fail(
                &check,
                format!("{error}: the bucket must notify {queue} of new objects"),
            ));
        }
        let received = status.last_received_message_timestamp.as_deref();
        let forwarded = status.last_forwarded_message_timestamp.as_deref();
        Some(match (received, forwarded) {
            (_, Some(forwarded)) => ok(&check, format!("last file announced at {forwarded}")),
            (Some(received), None) => ok(
                &check,
                format!("last message of the bucket at {received}, none of this pipe's folder yet"),
            ),
            (None, None) => ok(
                &check,
                format!(
                    "none yet: `firn put` and `firn watch` need none; for files of others the bucket must notify {queue}"
                ),
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stalled_pipe_has_a_fix_of_its_own() {
        assert!(fix_of("STALLED_STAGE_PERMISSION_ERROR").contains("--from trust"));
        assert_eq!(fix_of("FAILING_OVER"), "");
    }
}
