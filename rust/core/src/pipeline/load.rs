//! Uploads, loads and merges files. `firn put`, `firn watch` and the native library all load files with it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt, TryStreamExt};
use serde::Deserialize;

use super::input::InputFile;
use super::upload::LoadListener;
use super::{FileReport, Loader, Pipeline, StagedFile};
use crate::error::{Error, Result};
use crate::merge::DIRECT_FOLDER;

/// Concurrent uploads of one caller: the latency to a remote bucket is longer than the work.
const MAX_CONCURRENT_UPLOADS: usize = 4;

/// Who loads and merges the files.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum LoadMode {
    /// This call, which loads the files by their names and merges.
    CopyAndMerge,
    /// The pipe and the task; this call only uploads.
    Snowpipe,
    /// The pipe and the task; this call uploads, and waits until they are done.
    SnowpipeAwaited,
}

impl LoadMode {
    /// Its folder in the stage: the pipe loads from one folder, `LOAD_…` from the other.
    fn folder(self) -> &'static str {
        match self {
            Self::CopyAndMerge => DIRECT_FOLDER,
            Self::Snowpipe | Self::SnowpipeAwaited => "",
        }
    }
}

/// The deadline of a load. Nothing is lost when it passes: the same call resumes the load.
#[derive(Clone, Copy, Debug)]
pub enum Deadline {
    /// This moment, also during an upload.
    At(Instant),
    /// This time after the upload of the last file.
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

/// A file that has been loaded as far as the mode requires.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Loaded {
    /// Its objects: one, or several for a large file.
    pub objects: Vec<StagedFile>,
    /// The report of each object; empty if the mode does not wait for it.
    pub reports: Vec<FileReport>,
    /// The duration of its upload.
    pub upload_time: Duration,
    /// The duration of loading and merging, for all files of the call together.
    pub load_time: Duration,
}

impl Loader {
    /// Checks a file against the contract and uploads it, as one object, or, if it is large, as several; malformed rows are included,
    /// each with its reason. The mode determines the folder: the pipe loads from one, `LOAD_…` from the other.
    ///
    /// # Errors
    /// `Config` for a file or header that does not match the contract, `Rejected` for a file that is empty, damaged or truncated
    /// (then nothing is uploaded), and the errors of the store.
    pub async fn upload(
        &self,
        input: impl Into<InputFile>,
        mode: LoadMode,
        listener: Arc<dyn LoadListener>,
    ) -> Result<Vec<StagedFile>> {
        self.objects(0, &input.into(), mode.folder(), listener)
            .try_collect()
            .await
    }

    /// Loads files as far as `mode` requires. Returns an outcome for each, in the files' order: a file that fails does not stop the others.
    pub async fn load(
        &self,
        files: impl IntoIterator<Item: Into<InputFile>>,
        mode: LoadMode,
        deadline: Deadline,
        listener: Arc<dyn LoadListener>,
    ) -> Vec<Outcome> {
        let files: Vec<InputFile> = files.into_iter().map(Into::into).collect();
        if let Err(error) = self.check_before(mode, deadline).await {
            return files.iter().map(|_| Err(error.clone())).collect();
        }
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
            // Uploaded objects are not lost, but their outcome is not known yet: a retry is safe.
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

    /// Checks that the files may be uploaded: files in the wrong folder would never be loaded.
    async fn check_before(&self, mode: LoadMode, deadline: Deadline) -> Result<()> {
        let asked = tokio::time::timeout(deadline.remaining(), self.deployed_mismatch());
        let asked = asked.await.unwrap_or_else(|_| {
            Err(Error::transient(
                "Snowflake did not answer before the deadline",
            ))
        });
        match asked {
            Ok(None) => Ok(()),
            Ok(Some(mismatch)) => Err(Error::config(mismatch)),
            // A call that only uploads does not need Snowflake.
            Err(_) if mode == LoadMode::Snowpipe => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn upload_within(
        &self,
        file: usize,
        input: &InputFile,
        mode: LoadMode,
        deadline: Deadline,
        listener: &Arc<dyn LoadListener>,
    ) -> Result<(Vec<StagedFile>, Duration)> {
        let started = Instant::now();
        let upload = self.upload_merging(file, input, mode, deadline, Arc::clone(listener));
        let staged = match deadline {
            Deadline::AfterUpload(_) => upload.await,
            Deadline::At(_) => tokio::time::timeout(deadline.remaining(), upload)
                .await
                .unwrap_or_else(|_| {
                    let late = Error::transient("the upload did not finish before the deadline");
                    Err(late.context(input.place()))
                }),
        }?;
        listener.file_uploaded(file);
        Ok((staged, started.elapsed()))
    }

    /// Uploads a file. If it becomes several objects which this call merges, each one starts only after the last but one is merged, so that
    /// no single merge has to process them all.
    async fn upload_merging(
        &self,
        file: usize,
        input: &InputFile,
        mode: LoadMode,
        deadline: Deadline,
        listener: Arc<dyn LoadListener>,
    ) -> Result<Vec<StagedFile>> {
        let mut staged: Vec<StagedFile> = Vec::new();
        let mut objects = std::pin::pin!(self.objects(file, input, mode.folder(), listener));
        while let Some(object) = objects.try_next().await? {
            if let (Some(before), LoadMode::CopyAndMerge) = (staged.last(), mode) {
                let before = std::slice::from_ref(before);
                let merged = self.pipeline.load_and_merge(before, deadline.remaining());
                match merged.await {
                    // A deadline that has passed is only reported at the end.
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
    /// Loads uploaded objects as far as `mode` requires.
    async fn load_staged(
        &self,
        staged: &[StagedFile],
        mode: LoadMode,
        deadline: Deadline,
    ) -> Result<Vec<FileReport>> {
        match mode {
            _ if staged.is_empty() => Ok(Vec::new()),
            LoadMode::CopyAndMerge => self.load_and_merge(staged, deadline.remaining()).await,
            LoadMode::Snowpipe => Ok(Vec::new()),
            LoadMode::SnowpipeAwaited => self.wait_for_task(staged, deadline.remaining()).await,
        }
    }
}
