//! From the bucket into the tables: loads and merges, or waits for pipe and task, until a file's rows are all there, and reports what
//! happened to them.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::merge::call_for;
use super::{Pipeline, RowCounts, StagedFile};
use crate::error::{Error, Result};
use crate::merge::Identifier;

/// A COPY takes at most so many names of files.
const FILES_PER_CALL: usize = 1000;

/// Waits between two attempts, each twice as long as the one before, until the timeout.
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
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct FileReport {
    /// The object's path in the bucket.
    pub source_file: String,
    /// What happened to its rows.
    #[serde(flatten)]
    pub counts: RowCounts,
}

/// What the procedures return.
#[derive(Deserialize)]
struct Reports {
    /// Of the files that a run has met.
    files: Vec<FileReport>,
}

impl Pipeline {
    /// Loads the objects by their names and merges, until every row is in the tables. An object is loaded once, however often it is named.
    ///
    /// # Errors
    /// `Transient` if that takes longer than `timeout`.
    pub async fn load_and_merge(
        &self,
        objects: &[StagedFile],
        timeout: Duration,
    ) -> Result<Vec<FileReport>> {
        let backoff = Backoff::new(timeout, 100, 10_000);
        self.until_complete(&self.names.load, objects, backoff)
            .await
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
        let backoff = Backoff::new(timeout, 100, 5_000);
        self.until_complete(&self.names.report, objects, backoff)
            .await
    }

    /// Calls a procedure until it reports every row of the objects.
    async fn until_complete(
        &self,
        procedure: &Identifier,
        objects: &[StagedFile],
        mut backoff: Backoff,
    ) -> Result<Vec<FileReport>> {
        let timeout = backoff.timeout;
        let first = objects.first().map_or("", |one| &one.source_file);
        let mut last = late(first, timeout);
        loop {
            let reports = self.reports_of(procedure, objects);
            // A service that stays busy is asked again for minutes: the deadline ends that, too.
            let Ok(reports) = tokio::time::timeout(backoff.remaining(), reports).await else {
                return Err(last);
            };
            last = match reports {
                Ok(reports) => match missing(objects, &reports) {
                    None => return Ok(reports),
                    Some(missing) => late(missing, timeout),
                },
                Err(error) if error.is_transient() => error,
                Err(error) => return Err(error),
            };
            if !backoff.pause().await {
                return Err(last);
            }
        }
    }

    /// What happened to each object's rows so far, by a procedure that takes their names.
    async fn reports_of(
        &self,
        procedure: &Identifier,
        objects: &[StagedFile],
    ) -> Result<Vec<FileReport>> {
        let mut found = HashMap::new();
        for some in objects.chunks(FILES_PER_CALL) {
            let names: BTreeSet<&str> = some.iter().map(|one| one.object.name.as_str()).collect();
            let call = call_for(procedure, &names).long();
            let reports: Reports = self.result_of(procedure, call).await?;
            found.extend(
                reports
                    .files
                    .into_iter()
                    .map(|report| (report.source_file.clone(), report)),
            );
        }
        let report = |one: &StagedFile| {
            // The same content twice is one object, and has one report.
            found
                .get(&one.source_file)
                .cloned()
                .unwrap_or_else(|| FileReport {
                    source_file: one.source_file.clone(),
                    ..FileReport::default()
                })
        };
        Ok(objects.iter().map(report).collect())
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
