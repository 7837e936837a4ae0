//! Files all the way: uploaded, shown to the pipe, merged.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::stream::{self, StreamExt, TryStreamExt};

use super::upload::LoadProgress;
use super::{FileReport, Loader, Pipeline, StagedFile};
use crate::error::Result;
use crate::merge::literal;
use crate::reader::RejectedRow;
use crate::snowflake::Statement;

/// Requests of one caller that are under way together: the way to a far bucket takes longer than the work.
pub const MAX_CONCURRENT_UPLOADS: usize = 4;

impl Loader {
    /// Uploads files, has the pipe load them, and merges until all their rows are in the tables; what became of the rows, by object, in
    /// the files' order.
    ///
    /// # Errors
    /// As [`Loader::upload`]; `Transient` if the rows have not arrived within `timeout`.
    pub async fn put(
        &self,
        files: &[PathBuf],
        timeout: Duration,
        on_rejected: impl Fn(&Path, &RejectedRow) + Clone + Send + 'static,
    ) -> Result<Vec<FileReport>> {
        let uploads: Vec<_> = files
            .iter()
            .map(|path| {
                let (on_rejected, name) = (on_rejected.clone(), path.clone());
                self.upload_merging(path, timeout, move |row| on_rejected(&name, row))
            })
            .collect();
        let staged: Vec<Vec<StagedFile>> = stream::iter(uploads)
            .buffered(MAX_CONCURRENT_UPLOADS)
            .try_collect()
            .await?;
        let staged = staged.concat();
        self.listener.report(LoadProgress::Uploaded);
        self.pipeline.refresh_all(&staged).await?;
        self.pipeline.wait_until_merged(&staged, timeout).await
    }

    /// Uploads a file. Of one that becomes several objects, none is begun before the last but one is merged, so that no single merge has to
    /// take them all.
    ///
    /// # Errors
    /// As [`Loader::upload`], and what a merge on the way gives, unless it is `Transient`: a later one can make up for that.
    pub async fn upload_merging(
        &self,
        path: &Path,
        timeout: Duration,
        on_rejected: impl FnMut(&RejectedRow) + Send + 'static,
    ) -> Result<Vec<StagedFile>> {
        let mut staged: Vec<StagedFile> = Vec::new();
        let mut objects = std::pin::pin!(self.objects(path, on_rejected));
        while let Some(object) = objects.try_next().await? {
            if let Some(before) = staged.last() {
                let before = std::slice::from_ref(before);
                let merged = async {
                    self.pipeline.refresh_all(before).await?;
                    self.pipeline.wait_until_merged(before, timeout).await
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
