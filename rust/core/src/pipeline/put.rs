//! Files all the way: uploaded, shown to the pipe, merged.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::stream::{self, StreamExt, TryStreamExt};

use super::upload::Advance;
use super::{Arrived, FileResult, Intake, Pipeline};
use crate::error::Result;
use crate::merge::literal;
use crate::reader::BrokenRow;
use crate::snowflake::Statement;

/// Requests of one caller that are under way together: the way to a far bucket takes longer than the work.
pub const AT_ONCE: usize = 4;

impl Intake {
    /// Uploads files, has the pipe load them, and merges until all their rows are in the tables; what became of the rows, by object, in
    /// the files' order.
    ///
    /// # Errors
    /// As [`Intake::upload`]; `Transient` if the rows have not arrived within `patience`.
    pub async fn put(
        &self,
        files: &[PathBuf],
        patience: Duration,
        on_broken: impl Fn(&Path, &BrokenRow) + Clone + Send + 'static,
    ) -> Result<Vec<FileResult>> {
        let uploads: Vec<_> = files
            .iter()
            .map(|path| {
                let (on_broken, name) = (on_broken.clone(), path.clone());
                self.upload_merging(path, patience, move |row| on_broken(&name, row))
            })
            .collect();
        let arrived: Vec<Vec<Arrived>> = stream::iter(uploads)
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let arrived = arrived.concat();
        self.observer.hears(Advance::Uploaded);
        self.pipeline.refresh_all(&arrived).await?;
        self.pipeline.await_merged(&arrived, patience).await
    }

    /// Uploads a file. Of one that becomes several objects, none is begun before the last but one is merged, so that no single merge has to
    /// take them all.
    ///
    /// # Errors
    /// As [`Intake::upload`], and what a merge on the way gives, unless it is `Transient`: a later one can make up for that.
    pub async fn upload_merging(
        &self,
        path: &Path,
        patience: Duration,
        on_broken: impl FnMut(&BrokenRow) + Send + 'static,
    ) -> Result<Vec<Arrived>> {
        let mut arrived: Vec<Arrived> = Vec::new();
        let mut objects = std::pin::pin!(self.objects(path, on_broken));
        while let Some(object) = objects.try_next().await? {
            if let Some(before) = arrived.last() {
                let before = std::slice::from_ref(before);
                let merged = async {
                    self.pipeline.refresh_all(before).await?;
                    self.pipeline.await_merged(before, patience).await
                };
                match merged.await {
                    // That it is late matters at the end only.
                    Err(error) if !error.is_transient() => return Err(error),
                    _ => {}
                }
            }
            arrived.push(object);
        }
        Ok(arrived)
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
    pub async fn refresh_all(&self, objects: &[Arrived]) -> Result<()> {
        let refreshes: Vec<_> = objects
            .iter()
            .map(|one| self.refresh(&one.object.name))
            .collect();
        stream::iter(refreshes)
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }
}
