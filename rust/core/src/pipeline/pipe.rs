//! The pipe of a contract: its status, whether it is the one that would be created now, and its replacement if it is not.

use std::time::{Duration, Instant};

use serde::Deserialize;

use super::Pipeline;
use crate::error::{Error, Result};
use crate::merge::{Identifier, literal, pipe_comment};
use crate::snowflake::Statement;

/// How long a replacement waits until the files in the pipe's queue are loaded.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(300);

const DRAIN_PAUSE: Duration = Duration::from_millis(500);

/// Files this much older than the replacement are handed to the new pipe, as their notification may be under way. Rows that both pipes
/// load are duplicates, which the merge skips.
const NOTIFICATION_MINUTES: u32 = 30;

/// The result of `SYSTEM$PIPE_STATUS`, as far as it is used.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct PipeStatus {
    pub execution_state: Option<String>,
    pub pending_file_count: u64,
    pub notification_channel_name: Option<String>,
    pub last_received_message_timestamp: Option<String>,
    pub last_forwarded_message_timestamp: Option<String>,
    pub channel_error_message: Option<String>,
    pub error: Option<String>,
    pub fault: Option<String>,
}

impl Pipeline {
    /// The pipe's name with database and schema.
    pub(super) fn pipe_name(&self) -> String {
        let (database, schema) = (&self.deployment.database, &self.deployment.schema);
        format!("{database}.{schema}.{}", self.names.pipe)
    }

    /// The status of the pipe; none if the role may not see it.
    pub(super) async fn pipe_status(
        &self,
        role: Option<&Identifier>,
    ) -> Result<Option<PipeStatus>> {
        let mut status = Statement::new("select system$pipe_status(?)").bind(self.pipe_name());
        if let Some(role) = role {
            status = status.role(role.stored());
        }
        let rows = self.client.run(status).await?;
        Ok(rows
            .first()
            .and_then(|text| serde_json::from_str(text).ok()))
    }

    /// Whether the pipe is the one that the scripts would create now. Its comment says so: the definition that Snowflake shows need not be
    /// the text that created it.
    ///
    /// # Errors
    /// `Config` if there is none, or it cannot be seen.
    pub(super) async fn pipe_is_current(&self, role: Option<&Identifier>) -> Result<bool> {
        let rows = self.show("pipes", &self.names.pipe, role).await?;
        Ok(rows.get(0, "comment") == Some(pipe_comment(&self.names).as_str()))
    }

    /// Drops a pipe of another version of the scripts once it has loaded its queue. Returns the statement that hands files to its
    /// successor whose notification may be lost meanwhile; none if there is nothing to replace.
    ///
    /// # Errors
    /// `Transient` if the queue is not empty in time.
    pub(super) async fn drop_outdated_pipe(&self) -> Result<Option<String>> {
        let owner = &self.deployment.owner;
        match self.pipe_is_current(Some(owner)).await {
            Ok(false) => {}
            Err(error) if error.is_transient() => return Err(error),
            Ok(true) | Err(_) => return Ok(None),
        }
        let pipe = &self.names.pipe;
        let run = |sql: String| self.client.run(Statement::new(sql).role(owner.stored()));
        let since = format!(
            "select to_char(convert_timezone('UTC', dateadd(minute, -{NOTIFICATION_MINUTES}, current_timestamp())), 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
        );
        let since = run(since).await?;
        let since = since
            .first()
            .ok_or_else(|| Error::bug("Snowflake reports no time"))?
            .to_owned();
        run(format!(
            "alter pipe {pipe} set pipe_execution_paused = true"
        ))
        .await?;
        let started = Instant::now();
        while let Some(status) = self.pipe_status(Some(owner)).await?
            && status.pending_file_count > 0
        {
            if started.elapsed() > DRAIN_TIMEOUT {
                return Err(Error::transient(format!(
                    "pipe {pipe} is replaced by one of this version, but still has {} files in its queue: run the same command again",
                    status.pending_file_count
                )));
            }
            tokio::time::sleep(DRAIN_PAUSE).await;
        }
        run(format!("drop pipe if exists {pipe}")).await?;
        Ok(Some(format!(
            "alter pipe {pipe} refresh modified_after = {}",
            literal(&since)
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_as_documented() {
        let status: PipeStatus = serde_json::from_str(
            r#"{"executionState":"RUNNING","pendingFileCount":2,"lastReceivedMessageTimestamp":"2026-01-05T10:00:00Z","other":1}"#,
        )
        .unwrap();
        assert_eq!(status.execution_state.as_deref(), Some("RUNNING"));
        assert_eq!(status.pending_file_count, 2);
        assert!(status.last_forwarded_message_timestamp.is_none());
    }
}
