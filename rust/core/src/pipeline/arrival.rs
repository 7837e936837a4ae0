//! From the bucket into the tables: merges, or waits for pipe and task, until a file's rows are all there, and tells what became of them.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::{Arrived, Pipeline};
use crate::error::{Error, Result};
use crate::snowflake::Statement;

/// The longest that a merge waits for the pipe, which others may keep busy.
const PIPE_PATIENCE: Duration = Duration::from_secs(10);
/// Files asked about in one statement.
const FILES_PER_STATEMENT: usize = 1000;

/// Pauses between two looks, each twice as long as the one before, until patience ends.
struct Pauses {
    started: Instant,
    patience: Duration,
    next: Duration,
    longest: Duration,
}

impl Pauses {
    fn new(patience: Duration, first_millis: u64, longest_millis: u64) -> Self {
        Self {
            started: Instant::now(),
            patience,
            next: Duration::from_millis(first_millis),
            longest: Duration::from_millis(longest_millis),
        }
    }

    fn remaining(&self) -> Duration {
        self.patience.saturating_sub(self.started.elapsed())
    }

    /// Sleeps; false, at once, if patience would end meanwhile.
    async fn pause(&mut self) -> bool {
        if self.next > self.remaining() {
            return false;
        }
        tokio::time::sleep(self.next).await;
        self.next = (self.next * 2).min(self.longest);
        true
    }
}

/// What became of a file's rows: `rows_in = history + duplicates + rejects`.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct FileResult {
    /// The object's path in the bucket.
    pub source_file: String,
    /// Rows merged.
    pub rows_in: i64,
    /// Events in the history.
    pub history: i64,
    /// Rows that said what was known.
    pub duplicates: i64,
    /// Rows refused.
    pub rejects: i64,
    /// Rows of the target that appeared by the file's events.
    pub inserted: i64,
    /// Rows of the target that the file's events changed.
    pub updated: i64,
    /// Rows of the target that went away by the file's events.
    pub deleted: i64,
}

impl FileResult {
    /// What became of a file's rows, from what became of its objects', whose paths it has with commas between; none of none.
    #[must_use]
    pub fn of_objects(objects: &[Self]) -> Option<Self> {
        let names: Vec<&str> = objects.iter().map(|one| one.source_file.as_str()).collect();
        let sum = |of: fn(&Self) -> i64| objects.iter().map(of).sum();
        (!objects.is_empty()).then(|| Self {
            source_file: names.join(","),
            rows_in: sum(|one| one.rows_in),
            history: sum(|one| one.history),
            duplicates: sum(|one| one.duplicates),
            rejects: sum(|one| one.rejects),
            inserted: sum(|one| one.inserted),
            updated: sum(|one| one.updated),
            deleted: sum(|one| one.deleted),
        })
    }
}

impl Pipeline {
    /// Merges until every row of the objects is in the tables.
    ///
    /// # Errors
    /// `Transient` if that takes longer than `patience`.
    pub async fn await_merged(
        &self,
        objects: &[Arrived],
        patience: Duration,
    ) -> Result<Vec<FileResult>> {
        let mut pauses = Pauses::new(patience, 50, 2_000);
        loop {
            self.await_pipe(pauses.remaining().min(PIPE_PATIENCE)).await;
            match self.merge().await {
                Ok(_) => {}
                // Another run was faster, or an edit came between: the next call finds it done or does it.
                Err(error) if error.is_transient() && !pauses.remaining().is_zero() => {}
                Err(error) => return Err(error),
            }
            let results = self.file_results(objects).await?;
            let Some(missing) = missing(objects, &results) else {
                return Ok(results);
            };
            if !pauses.pause().await {
                return Err(late(missing, patience));
            }
        }
    }

    /// Waits until the pipe and the task, which run on their own, have brought every row of the objects into the tables.
    ///
    /// # Errors
    /// `Transient` if that takes longer than `patience`.
    pub async fn await_task(
        &self,
        objects: &[Arrived],
        patience: Duration,
    ) -> Result<Vec<FileResult>> {
        let mut pauses = Pauses::new(patience, 100, 5_000);
        loop {
            let results = self.file_results(objects).await?;
            let Some(missing) = missing(objects, &results) else {
                return Ok(results);
            };
            if !pauses.pause().await {
                return Err(late(missing, patience));
            }
        }
    }

    /// Waits until the pipe has loaded what it was told of: a merge has a price of its own, and then finds the files together. The status
    /// needs no warehouse. Where it cannot be seen, the merge comes at once and finds what it finds.
    async fn await_pipe(&self, patience: Duration) {
        let mut pauses = Pauses::new(patience, 10, 500);
        loop {
            let status = self.pipe_status().await.ok().flatten().unwrap_or_default();
            let pending = status["pendingFileCount"].as_u64().unwrap_or(0);
            if status["executionState"] != "RUNNING" || pending == 0 || !pauses.pause().await {
                return;
            }
        }
    }

    /// What `SYSTEM$PIPE_STATUS` says; none if the role may not see it.
    pub(super) async fn pipe_status(&self) -> Result<Option<serde_json::Value>> {
        let name = format!(
            "{}.{}.{}",
            self.site.database, self.site.schema, self.names.pipe
        );
        let status = Statement::new("select system$pipe_status(?)").bind(name);
        let rows = self.client.run(status).await?;
        Ok(rows
            .first()
            .and_then(|text| serde_json::from_str(text).ok()))
    }

    /// What became of each file's rows so far.
    ///
    /// # Errors
    /// `Config` if the account of runs is missing or may not be read.
    async fn file_results(&self, objects: &[Arrived]) -> Result<Vec<FileResult>> {
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
                let result = file_result(row);
                found.insert(result.source_file.clone(), result);
            }
        }
        let result = |one: &Arrived| {
            found
                .get(&one.source_file)
                .cloned()
                .unwrap_or_else(|| FileResult {
                    source_file: one.source_file.clone(),
                    ..FileResult::default()
                })
        };
        Ok(objects.iter().map(result).collect())
    }
}

fn file_result(row: &[Option<String>]) -> FileResult {
    let text = |index: usize| row.get(index).and_then(Option::as_deref);
    let number = |index| text(index).and_then(|text| text.parse().ok()).unwrap_or(0);
    FileResult {
        source_file: text(0).unwrap_or_default().to_owned(),
        rows_in: number(1),
        history: number(2),
        duplicates: number(3),
        rejects: number(4),
        inserted: number(5),
        updated: number(6),
        deleted: number(7),
    }
}

/// A file of which rows are still on their way.
fn missing<'a>(objects: &'a [Arrived], results: &[FileResult]) -> Option<&'a str> {
    objects
        .iter()
        .zip(results)
        .find(|(object, result)| result.rows_in < object.rows.as_counted())
        .map(|(object, _)| object.source_file.as_str())
}

fn late(missing: &str, patience: Duration) -> Error {
    Error::transient(format!(
        "{missing} is uploaded, but its rows are not all in the history after {} s. Nothing is lost: see that pipe and tasks run, \
         with `firn doctor` and `firn status`",
        patience.as_secs()
    ))
}
