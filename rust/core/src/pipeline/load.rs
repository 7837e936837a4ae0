//! Files all the way: uploaded, loaded, merged. `firn put`, `firn watch` and the native library all load files with it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt, TryStreamExt};
use serde::Deserialize;

use super::input::InputFile;
use super::upload::LoadListener;
use super::{FileReport, Loader, Pipeline, StagedFile};
use crate::error::{Error, Result};
use crate::merge::DIRECT_FOLDER;

/// Requests of one caller that are under way together: the way to a far bucket takes longer than the work.
const MAX_CONCURRENT_UPLOADS: usize = 4;

/// Who loads and merges the files.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub enum LoadMode {
    /// This call: it loads the files by their names and merges.
    CopyAndMerge,
    /// The pipe and the task; this call uploads only.
    Snowpipe,
    /// The pipe and the task; this call uploads, and waits until they are done.
    SnowpipeAwaited,
}

impl LoadMode {
    /// Where in the stage its files go: the pipe loads from the one, `LOAD_…` from the other.
    fn folder(self) -> &'static str {
        match self {
            Self::CopyAndMerge => DIRECT_FOLDER,
            Self::Snowpipe | Self::SnowpipeAwaited => "",
        }
    }
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
    /// Checks a file against the contract and uploads it, as one object, or, if it is large, as several; malformed rows travel along,
    /// each with its reason. The mode decides on the folder: the pipe loads from one, `LOAD_…` from another.
    ///
    /// # Errors
    /// `Config` for a file or header that is not the contract's, `Rejected` for one that is empty, damaged or cut short
    /// (then nothing is uploaded), and what the store gives.
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

    /// Takes files to the tables, or as far as `mode` says. An outcome for each, in the files' order: a file that fails stops no other.
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

    /// Whether the files may be uploaded: nobody would find those that lie in the wrong place.
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
            // Who only uploads needs no Snowflake now.
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

    /// Uploads a file. Of one that becomes several objects which this call merges, none is begun before the last but one is merged, so that
    /// no single merge has to take them all.
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
        match mode {
            _ if staged.is_empty() => Ok(Vec::new()),
            LoadMode::CopyAndMerge => self.load_and_merge(staged, deadline.remaining()).await,
            LoadMode::Snowpipe => Ok(Vec::new()),
            LoadMode::SnowpipeAwaited => self.wait_for_task(staged, deadline.remaining()).await,
        }
    }
}
