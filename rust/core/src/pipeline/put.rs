//! A file's way in: hashed, checked, uploaded under the name of its content, shown to the pipe.
//!
//! Every step may be repeated: the name is the content's, so an object is uploaded once, and the pipe loads a name once.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, StreamExt, TryStreamExt};
use sha2::{Digest, Sha256};

use super::{FileResult, Intake, Pipeline};
use crate::error::{Context, Error, Result};
use crate::merge::literal;
use crate::reader::{self, BrokenRow, Cleaned};
use crate::snowflake::Statement;
use crate::store::Uploaded;

/// Requests of one caller that are under way together: the way to a far bucket takes longer than the work.
pub const AT_ONCE: usize = 4;

/// How far files are, for a display.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Advance {
    /// So many bytes more of a file have been read; each file is read whole, [`Advance::PASSES`] times.
    Read(usize),
    /// All files are in the bucket; Snowflake loads and merges them now.
    Uploaded,
}

impl Advance {
    /// For the hash in its name, for its check and upload, and to see that it did not change meanwhile.
    pub const PASSES: u64 = 3;
}

/// Whoever hears of it; nobody without.
#[derive(Clone, Default)]
pub(super) struct Observer(Option<Arc<dyn Fn(Advance) + Send + Sync>>);

impl Observer {
    pub(super) fn new(on_advance: impl Fn(Advance) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(on_advance)))
    }

    fn hears(&self, advance: Advance) {
        if let Some(on_advance) = &self.0 {
            on_advance(advance);
        }
    }
}

impl std::fmt::Debug for Observer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_tuple("Observer")
            .field(&self.0.is_some())
            .finish()
    }
}

/// An object that has been uploaded and has yet to arrive in the tables.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Arrived {
    /// The object within the contract's folder.
    pub object: Uploaded,
    /// Its whole path in the bucket, as the tables name it.
    pub source_file: String,
    /// Rows in it.
    pub rows: Cleaned,
}

impl Intake {
    /// Whether a file can be opened and begins with the contract's header. What this complains of is the file's own fault,
    /// and none of the account's or the bucket's.
    ///
    /// # Errors
    /// `Config` or `Rejected`, naming the file and what to change.
    pub async fn check(&self, path: &Path) -> Result<()> {
        let contract = self.pipeline.contract.clone();
        let path = path.to_path_buf();
        blocking(move || {
            let place = || path.display().to_string();
            let metadata = std::fs::metadata(&path).context(place)?;
            if !metadata.is_file() && !metadata.is_dir() {
                return Err(Error::config(
                    "is a pipe or a device, which cannot be read twice: write it to a file first",
                )
                .context(place()));
            }
            let source = reader::open(&path)?;
            reader::Reader::new(&contract, source)
                .map(drop)
                .context(place)
        })
        .await
    }

    /// Checks a file against the contract and uploads it; broken rows travel along, each with its reason.
    ///
    /// # Errors
    /// `Config` for a file or header that is not the contract's, `Rejected` for one that is empty, damaged or cut short
    /// (then nothing is uploaded), and what the store gives.
    pub async fn upload(
        &self,
        path: &Path,
        on_broken: impl FnMut(&BrokenRow) + Send + 'static,
    ) -> Result<Arrived> {
        self.check(path).await?;
        let place = || path.display().to_string();
        let (hashed, observer) = (path.to_path_buf(), self.observer.clone());
        let digest = blocking(move || hash(&hashed, &observer))
            .await
            .context(place)?;
        let name = object_name(path, &digest, self.store.compression().suffix());
        let source_file = format!("{}{name}", self.store.location().folder);
        let contract = self.pipeline.contract.clone();
        let source = path.to_path_buf();
        let observer = self.observer.clone();
        let open = move |path: &Path| {
            reader::open_counted(path, move |read| observer.hears(Advance::Read(read)))
        };
        if self.store.contains(&name).await? {
            // An earlier call that was cut short may not have told which rows are broken.
            let check =
                move || reader::clean(&contract, open(&source)?, &mut std::io::sink(), on_broken);
            return Ok(Arrived {
                object: Uploaded { name, bytes: None },
                source_file,
                rows: blocking(check).await.context(place)?,
            });
        }
        let observer = self.observer.clone();
        let make = move |mut output: &mut dyn std::io::Write| {
            let cleaned = reader::clean(&contract, open(&source)?, &mut output, on_broken)?;
            // The name promises this content: a file that changed under our hands is not uploaded under it.
            if hash(&source, &observer)? != digest {
                return Err(Error::transient("the file changed while it was read"));
            }
            Ok(cleaned)
        };
        let (rows, bytes) = self.store.upload(&name, make).await.context(place)?;
        Ok(Arrived {
            object: Uploaded {
                name,
                bytes: Some(bytes),
            },
            source_file,
            rows,
        })
    }

    /// Uploads files, has the pipe load them, and merges until all their rows are in the tables.
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
                self.upload(path, move |row| on_broken(&name, row))
            })
            .collect();
        let arrived: Vec<Arrived> = stream::iter(uploads)
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        self.observer.hears(Advance::Uploaded);
        self.pipeline.refresh_all(&arrived).await?;
        self.pipeline.await_merged(&arrived, patience).await
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

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| Error::bug("a thread died"))?
}

fn hash(path: &Path, observer: &Observer) -> Result<[u8; 8]> {
    let mut file = std::fs::File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
        observer.hears(Advance::Read(read));
    }
    let mut short = [0; 8];
    short.copy_from_slice(&hasher.finalize()[..8]);
    Ok(short)
}

/// The file's own name, for people, and its content's hash, for machines: other content never meets an old name, which
/// Snowpipe would take for the old file.
fn object_name(path: &Path, digest: &[u8; 8], suffix: &str) -> String {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let stem = [".gz", ".zst", ".csv"]
        .iter()
        .fold(name.as_str(), |name, ending| {
            name.strip_suffix(ending).unwrap_or(name)
        });
    let stem: String = stem
        .chars()
        .map(|char| {
            if char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.') {
                char
            } else {
                '_'
            }
        })
        .take(100)
        .collect();
    format!("{stem}-{:016x}.csv{suffix}", u64::from_be_bytes(*digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_named_by_its_file_and_its_content() {
        let name = |path: &str, byte| object_name(Path::new(path), &[byte; 8], ".gz");
        assert_eq!(name("/in/day 1.csv.gz", 1), "day_1-0101010101010101.csv.gz");
        assert_ne!(name("a.csv", 1), name("a.csv", 2));
    }
}
