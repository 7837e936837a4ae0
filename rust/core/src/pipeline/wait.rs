//! Loads and merges staged files, or waits for pipe and task, until all rows of the files are in the tables, and reports what
//! happened to them.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::merge::call_for;
use super::{Pipeline, RowCounts, StagedFile};
use crate::error::{Error, Result};
use crate::merge::Identifier;

/// The maximum number of file names in one COPY.
const FILES_PER_CALL: usize = 1000;

/// Exponential backoff between attempts, until the timeout.
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

    /// Sleeps; returns false at once if the timeout would pass meanwhile.
    async fn pause(&mut self) -> bool {
        if self.next > self.remaining() {
            return false;
        }
        tokio::time::sleep(self.next).await;
        self.next = (self.next * 2).min(self.longest);
        true
    }
}

/// The load report of a file.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct FileReport {
    /// The object's path in the bucket.
    pub source_file: String,
    /// What happened to its rows.
    #[serde(flatten)]
    pub counts: RowCounts,
}

/// The result of the procedures.
#[derive(Deserialize)]
struct Reports {
    /// The reports of the files that a run has read.
    files: Vec<FileReport>,
}

impl Pipeline {
    /// Loads the objects by their names and merges, until every row is in the tables. An object is loaded once, even if it is named repeatedly.
    ///
    /// # Errors
    /// `Transient` if the timeout passes.
    pub async fn load_and_merge(
        &self,
        objects: &[StagedFile],
        timeout: Duration,
    ) -> Result<Vec<FileReport>> {
        let backoff = Backoff::new(timeout, 100, 10_000);
        self.until_complete(&self.names.load, objects, backoff)
            .await
    }

    /// Waits until the pipe and the task have loaded and merged every row of the objects.
    ///
    /// # Errors
    /// `Transient` if the timeout passes.
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
            // The client retries a busy service for minutes: the deadline also ends that.
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

    /// The report of each object so far, by a procedure that takes their names.
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
            // Files with the same content are one object with one report.
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

/// A file whose rows are not all in the tables yet.
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
