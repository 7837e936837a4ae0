//! From the bucket into the tables: merges, or waits for pipe and task, until a file's rows are all there, and reports what happened to them.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::{Pipeline, RowCounts, StagedFile};
use crate::error::{Error, Result};
use crate::snowflake::Statement;

/// The longest that a merge waits for the pipe, which others may keep busy.
const PIPE_TIMEOUT: Duration = Duration::from_secs(10);
/// Files asked about in one statement.
const FILES_PER_STATEMENT: usize = 1000;

/// Pauses between two looks, each twice as long as the one before, until the timeout.
struct Backoff {
    started: Instant,
    timeout: Duration,
    next: Duration,
    longest: Duration,
}

impl Backoff {
    fn new(timeout: Duration, first_millis: u64, longest_millis: u64) -> Self {
        Self {
            started: Instant::now(),
            timeout,
            next: Duration::from_millis(first_millis),
            longest: Duration::from_millis(longest_millis),
        }
    }

    fn remaining(&self) -> Duration {
        self.timeout.saturating_sub(self.started.elapsed())
    }

    /// Sleeps; false, at once, if the timeout would end meanwhile.
    async fn pause(&mut self) -> bool {
        if self.next > self.remaining() {
            return false;
        }
        tokio::time::sleep(self.next).await;
        self.next = (self.next * 2).min(self.longest);
        true
    }
}

/// What happened to a file's rows.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct FileReport {
    /// The object's path in the bucket.
    pub source_file: String,
    /// What happened to its rows.
    #[serde(flatten)]
    pub counts: RowCounts,
}

impl Pipeline {
    /// Merges until every row of the objects is in the tables.
    ///
    /// # Errors
    /// `Transient` if that takes longer than `timeout`.
    pub async fn wait_until_merged(
        &self,
        objects: &[StagedFile],
        timeout: Duration,
    ) -> Result<Vec<FileReport>> {
        let mut backoff = Backoff::new(timeout, 50, 2_000);
        loop {
            self.wait_for_pipe(backoff.remaining().min(PIPE_TIMEOUT))
                .await;
            match self.merge().await {
                Ok(_) => {}
                // Another run was faster, or an edit came between: the next call finds it done or does it.
                Err(error) if error.is_transient() && !backoff.remaining().is_zero() => {}
                Err(error) => return Err(error),
            }
            let results = self.file_reports(objects).await?;
            let Some(missing) = missing(objects, &results) else {
                return Ok(results);
            };
            if !backoff.pause().await {
                return Err(late(missing, timeout));
            }
        }
    }

    /// Waits until the pipe and the task, which run on their own, have brought every row of the objects into the tables.
    ///
    /// # Errors
    /// `Transient` if that takes longer than `timeout`.
    pub async fn wait_for_task(
        &self,
        objects: &[StagedFile],
        timeout: Duration,
    ) -> Result<Vec<FileReport>> {
        let mut backoff = Backoff::new(timeout, 100, 5_000);
        loop {
            let results = self.file_reports(objects).await?;
            let Some(missing) = missing(objects, &results) else {
                return Ok(results);
            };
            if !backoff.pause().await {
                return Err(late(missing, timeout));
            }
        }
    }

    /// Waits until the pipe has loaded what it was told of: a merge has a price of its own, and then finds the files together. The status
    /// needs no warehouse. Where it cannot be seen, the merge comes at once and finds what it finds.
    async fn wait_for_pipe(&self, timeout: Duration) {
        let mut backoff = Backoff::new(timeout, 10, 500);
        loop {
            let status = self.pipe_status().await.ok().flatten().unwrap_or_default();
            let pending = status["pendingFileCount"].as_u64().unwrap_or(0);
            if status["executionState"] != "RUNNING" || pending == 0 || !backoff.pause().await {
                return;
            }
        }
    }

    /// What `SYSTEM$PIPE_STATUS` says; none if the role may not see it.
    pub(super) async fn pipe_status(&self) -> Result<Option<serde_json::Value>> {
        let name = format!(
            "{}.{}.{}",
            self.deployment.database, self.deployment.schema, self.names.pipe
        );
        let status = Statement::new("select system$pipe_status(?)").bind(name);
        let rows = self.client.run(status).await?;
        Ok(rows
            .first()
            .and_then(|text| serde_json::from_str(text).ok()))
    }

    /// What happened to each file's rows so far.
    ///
    /// # Errors
    /// `Config` if the run log is missing or may not be read.
    async fn file_reports(&self, objects: &[StagedFile]) -> Result<Vec<FileReport>> {
        let mut found = HashMap::new();
        for some in objects.chunks(FILES_PER_STATEMENT) {
            let sql = format!(
                "select source_file, sum(rows_in), sum(history), sum(duplicates), sum(rejects), sum(inserted), sum(updated), sum(deleted) \
                 from {} where source_file in ({}) group by source_file",
                self.names.runs,
                vec!["?"; some.len()].join(", ")
            );
            let statement = some.iter().fold(Statement::new(sql), |statement, one| {
                statement.bind(&one.source_file)
            });
            let rows = self.client.run(statement).await?;
            for row in &rows.rows {
                let result = file_report(row);
                found.insert(result.source_file.clone(), result);
            }
        }
        let result = |one: &StagedFile| {
            found
                .get(&one.source_file)
                .cloned()
                .unwrap_or_else(|| FileReport {
                    source_file: one.source_file.clone(),
                    ..FileReport::default()
                })
        };
        Ok(objects.iter().map(result).collect())
    }
}

fn file_report(row: &[Option<String>]) -> FileReport {
    let text = |index: usize| row.get(index).and_then(Option::as_deref);
    let number = |index| text(index).and_then(|text| text.parse().ok()).unwrap_or(0);
    FileReport {
        source_file: text(0).unwrap_or_default().to_owned(),
        counts: RowCounts::of(|index| number(index + 1)),
    }
}

/// A file of which rows are still on their way.
fn missing<'a>(objects: &'a [StagedFile], results: &[FileReport]) -> Option<&'a str> {
    objects
        .iter()
        .zip(results)
        .find(|(object, result)| result.counts.rows_in < object.rows.as_counted())
        .map(|(object, _)| object.source_file.as_str())
}

fn late(missing: &str, timeout: Duration) -> Error {
    Error::transient(format!(
        "timeout: {missing} is staged, but not all of its rows are in the history after {} s. No row is lost: check pipe and tasks \
         with `firn doctor` and `firn status`",
        timeout.as_secs()
    ))
}
