//! Files all the way: uploaded, shown to the pipe, merged. `firn put`, `firn watch` and the native library all load files with it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt, TryStreamExt};
use serde::Deserialize;

use super::upload::LoadListener;
use super::{FileReport, Loader, Pipeline, StagedFile};
use crate::error::{Error, Result};
use crate::merge::literal;
use crate::snowflake::Statement;

/// Requests of one caller that are under way together: the way to a far bucket takes longer than the work.
const MAX_CONCURRENT_UPLOADS: usize = 4;

/// Who loads and merges the files.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum LoadMode {
    /// This call: it refreshes the pipe and merges.
    CopyAndMerge,
    /// The pipe and the task; this call uploads only.
    Snowpipe,
    /// The pipe and the task; this call uploads, and waits until they are done.
    SnowpipeAwaited,
}

/// When a load is given up. Nothing is lost then: the same call resumes it.
#[derive(Clone, Copy, Debug)]
pub enum Deadline {
    /// At this moment, also in the middle of an upload.
    At(Instant),
    /// So long after the upload of the last file.
    AfterUpload(Duration),
}

impl Deadline {
    fn remaining(self) -> Duration {
        match self {
            Self::At(moment) => moment.saturating_duration_since(Instant::now()),
            Self::AfterUpload(wait) => wait,
        }
    }
}

/// What happened to one file.
pub type Outcome = Result<Loaded>;

/// A file that has been loaded as far as the mode says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Loaded {
    /// Its objects: one, or of a large file several.
    pub objects: Vec<StagedFile>,
    /// What happened to the rows of each object; empty where the mode does not wait for that.
    pub reports: Vec<FileReport>,
    /// How long its upload took.
    pub upload_time: Duration,
    /// How long loading and merging took, for all files of the call together.
    pub load_time: Duration,
}

impl Loader {
    /// Takes files to the tables, or as far as `mode` says. An outcome for each, in the files' order: a file that fails stops no other.
    pub async fn load(
        &self,
        files: &[PathBuf],
        mode: LoadMode,
        deadline: Deadline,
        listener: Arc<dyn LoadListener>,
    ) -> Vec<Outcome> {
        let uploads: Vec<_> = (0..files.len())
            .map(|file| self.upload_within(file, &files[file], mode, deadline, &listener))
            .collect();
        let uploads: Vec<Result<(Vec<StagedFile>, Duration)>> = stream::iter(uploads)
            .buffered(MAX_CONCURRENT_UPLOADS)
            .collect()
            .await;
        listener.all_uploaded();
        let started = Instant::now();
        let objects = |upload: &(Vec<StagedFile>, Duration)| upload.0.clone();
        let staged: Vec<StagedFile> = uploads.iter().flatten().flat_map(objects).collect();
        let reports = self.pipeline.load_staged(&staged, mode, deadline).await;
        let load_time = started.elapsed();
        let mut reports = reports.map(Vec::into_iter);
        let outcome = |upload: Result<(Vec<StagedFile>, Duration)>| {
            let (objects, upload_time) = upload?;
            // What is uploaded is not lost, but what happened to it is not known yet: trying again does no harm.
            let all = reports.as_mut().map_err(|error| error.clone())?;
            Ok(Loaded {
                reports: all.take(objects.len()).collect(),
                objects,
                upload_time,
                load_time,
            })
        };
        uploads.into_iter().map(outcome).collect()
    }

    async fn upload_within(
        &self,
        file: usize,
        path: &std::path::Path,
        mode: LoadMode,
        deadline: Deadline,
        listener: &Arc<dyn LoadListener>,
    ) -> Result<(Vec<StagedFile>, Duration)> {
        let started = Instant::now();
        let upload = self.upload_merging(file, path, mode, deadline, Arc::clone(listener));
        let staged = match deadline {
            Deadline::AfterUpload(_) => upload.await,
            Deadline::At(_) => tokio::time::timeout(deadline.remaining(), upload)
                .await
                .unwrap_or_else(|_| {
                    let late = Error::transient("the upload did not finish before the deadline");
                    Err(late.context(path.display().to_string()))
                }),
        }?;
        listener.file_uploaded(file);
        Ok((staged, started.elapsed()))
    }

    /// Uploads a file. Of one that becomes several objects which this call merges, none is begun before the last but one is merged, so that
    /// no single merge has to take them all.
    async fn upload_merging(
        &self,
        file: usize,
        path: &std::path::Path,
        mode: LoadMode,
        deadline: Deadline,
        listener: Arc<dyn LoadListener>,
    ) -> Result<Vec<StagedFile>> {
        let mut staged: Vec<StagedFile> = Vec::new();
        let mut objects = std::pin::pin!(self.objects(file, path, listener));
        while let Some(object) = objects.try_next().await? {
            if let (Some(before), LoadMode::CopyAndMerge) = (staged.last(), mode) {
                let before = std::slice::from_ref(before);
                let merged = async {
                    self.pipeline.refresh_all(before).await?;
                    let remaining = deadline.remaining();
                    self.pipeline.wait_until_merged(before, remaining).await
                };
                match merged.await {
                    // That it is late matters at the end only.
                    Err(error) if !error.is_transient() => return Err(error),
                    _ => {}
                }
            }
            staged.push(object);
        }
        Ok(staged)
    }
}

impl Pipeline {
    /// Takes uploaded objects as far as `mode` says.
    async fn load_staged(
        &self,
        staged: &[StagedFile],
        mode: LoadMode,
        deadline: Deadline,
    ) -> Result<Vec<FileReport>> {
        if staged.is_empty() || mode == LoadMode::Snowpipe {
            return Ok(Vec::new());
        }
        let until = Deadline::At(Instant::now() + deadline.remaining());
        let load = async {
            if mode == LoadMode::SnowpipeAwaited {
                return self.wait_for_task(staged, until.remaining()).await;
            }
            self.refresh_all(staged).await?;
            self.wait_until_merged(staged, until.remaining()).await
        };
        // A service that stays busy is asked again for minutes: the deadline ends that, too.
        tokio::time::timeout(until.remaining(), load)
            .await
            .unwrap_or_else(|_| {
                Err(Error::transient(
                    "the files are uploaded, but their rows were not merged before the deadline: run it again, or see `firn status`",
                ))
            })
    }

    /// Tells the pipe of an object at once, whether or not the bucket's notification comes too.
    ///
    /// # Errors
    /// `Config` if the pipe is missing or may not be operated.
    pub async fn refresh(&self, name: &str) -> Result<()> {
        let sql = format!(
            "alter pipe {} refresh prefix = {}",
            self.names.pipe,
            literal(name)
        );
        self.client.run(Statement::new(sql)).await.map(drop)
    }

    /// The same for many.
    ///
    /// # Errors
    /// As [`Pipeline::refresh`].
    pub async fn refresh_all(&self, objects: &[StagedFile]) -> Result<()> {
        let refreshes: Vec<_> = objects
            .iter()
            .map(|one| self.refresh(&one.object.name))
            .collect();
        stream::iter(refreshes)
            .buffer_unordered(MAX_CONCURRENT_UPLOADS)
            .try_collect()
            .await
    }
}
