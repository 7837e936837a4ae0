//! A file's way into the bucket: measured, checked, uploaded under the name of its content; a large one as several objects.
//!
//! Every step may be repeated: the name is the content's, so an object is uploaded once, and the pipe loads a name once.

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use futures::stream::{Stream, TryStreamExt, try_unfold};
use sha2::{Digest, Sha256};

use super::Intake;
use crate::error::{Context, Error, Result};
use crate::reader::{self, BrokenRow, Cleaned, Cleaner, Source};
use crate::store::Uploaded;

/// A file with more bytes than this, before they are compressed, becomes several objects. With gzip each is of about 240 MB then, and
/// [Snowflake advises](https://docs.snowflake.com/en/user-guide/data-load-considerations-prepare) 100 to 250.
pub(super) const OBJECT_BYTES: usize = 512 << 20;

/// How far files are, for a display.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Advance {
    /// So many bytes more of a file have been read; each file is read whole, [`Advance::PASSES`] times.
    Read(usize),
    /// All files are in the bucket; Snowflake loads and merges them now.
    Uploaded,
}

impl Advance {
    /// For the hash in its name, and for its check and upload.
    pub const PASSES: u64 = 2;
}

/// Whoever hears of it; nobody without.
#[derive(Clone, Default)]
pub(super) struct Observer(Option<Arc<dyn Fn(Advance) + Send + Sync>>);

impl Observer {
    pub(super) fn new(on_advance: impl Fn(Advance) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(on_advance)))
    }

    pub(super) fn hears(&self, advance: Advance) {
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

    /// Checks a file against the contract and uploads it, as one object, or, if it is large, as several; broken rows travel along, each
    /// with its reason.
    ///
    /// # Errors
    /// `Config` for a file or header that is not the contract's, `Rejected` for one that is empty, damaged or cut short
    /// (then nothing is uploaded), and what the store gives.
    pub async fn upload(
        &self,
        path: &Path,
        on_broken: impl FnMut(&BrokenRow) + Send + 'static,
    ) -> Result<Vec<Arrived>> {
        self.objects(path, on_broken).try_collect().await
    }

    /// The same, object by object.
    pub(super) fn objects(
        &self,
        path: &Path,
        on_broken: impl FnMut(&BrokenRow) + Send + 'static,
    ) -> impl Stream<Item = Result<Arrived>> {
        let begin = Step::Begin(path.to_path_buf(), on_broken);
        try_unfold(begin, move |step| async move {
            let passage = match step {
                Step::Begin(path, on_broken) => Box::new(self.begin(path, on_broken).await?),
                Step::On(passage) => passage,
                Step::Done => return Ok(None),
            };
            self.next_object(passage).await.map(Some)
        })
    }

    async fn begin<F: FnMut(&BrokenRow) + Send + 'static>(
        &self,
        path: PathBuf,
        on_broken: F,
    ) -> Result<Passage<F>> {
        self.check(&path).await?;
        let (contract, observer) = (self.pipeline.contract.clone(), self.observer.clone());
        let most = self.object_bytes;
        let place = path.display().to_string();
        blocking(move || {
            let stamp = stamp(&path)?;
            let file = measure(&path, &observer)?;
            let is_large = file.bytes > most as u64;
            let (source, seen) = hashed(&path, observer)?;
            Ok(Passage {
                cleaner: Cleaner::new(&contract, source, on_broken)?,
                cut: is_large.then_some(most),
                digest: file.digest,
                path,
                stamp,
                seen,
            })
        })
        .await
        .context(|| place)
    }

    async fn next_object<F: FnMut(&BrokenRow) + Send + 'static>(
        &self,
        passage: Box<Passage<F>>,
    ) -> Result<(Arrived, Step<F>)> {
        let place = passage.path.display().to_string();
        let name = format!(
            "{}.csv{}",
            passage.name(),
            self.store.compression().suffix()
        );
        let source_file = format!("{}{name}", self.store.location().folder);
        // An earlier call that was cut short may not have told which rows are broken, so they are read even if the object is there.
        let ((rows, next), bytes) = if self.store.contains(&name).await? {
            let copy = move || passage.copy(&mut std::io::sink());
            (blocking(copy).await.context(|| place)?, None)
        } else {
            let make = move |mut output: &mut dyn std::io::Write| passage.copy(&mut output);
            let (made, bytes) = self.store.upload(&name, make).await.context(|| place)?;
            (made, Some(bytes))
        };
        let object = Uploaded { name, bytes };
        let arrived = Arrived {
            object,
            source_file,
            rows,
        };
        Ok((arrived, next))
    }
}

/// Where the upload of a file stands.
enum Step<F> {
    Begin(PathBuf, F),
    On(Box<Passage<F>>),
    Done,
}

/// A file that has been measured, on its way into the bucket.
struct Passage<F> {
    path: PathBuf,
    digest: [u8; 8],
    /// Of a large file, after how many bytes an object ends.
    cut: Option<usize>,
    stamp: (u64, Option<SystemTime>),
    /// Of what has been read this time.
    seen: Hash,
    cleaner: Cleaner<Source, F>,
}

impl<F: FnMut(&BrokenRow)> Passage<F> {
    /// The next object's name, without endings.
    fn name(&self) -> String {
        match self.cut {
            None => object_name(&self.path, &self.digest),
            // Cut elsewhere, the same content must have other names.
            Some(most) => {
                let cut = Sha256::new_with_prefix(self.digest).chain_update(most.to_le_bytes());
                let name = object_name(&self.path, &short(cut));
                format!("{name}-row-{}", self.cleaner.rows() + 1)
            }
        }
    }

    /// Copies the next object's rows.
    fn copy(mut self: Box<Self>, output: &mut impl std::io::Write) -> Result<(Cleaned, Step<F>)> {
        let most = self.cut.unwrap_or(usize::MAX);
        let rows = self.cleaner.copy(output, most)?;
        let is_done = self.cleaner.is_done()?;
        // The name promises this content: of a file that changed under our hands nothing more is uploaded under it.
        if stamp(&self.path)? != self.stamp || is_done && self.seen.digest() != self.digest {
            return Err(Error::transient("the file changed while it was read"));
        }
        Ok((rows, if is_done { Step::Done } else { Step::On(self) }))
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| Error::bug("a thread died"))?
}

/// What changes when a file is written.
fn stamp(path: &Path) -> Result<(u64, Option<SystemTime>)> {
    let metadata = std::fs::metadata(path)?;
    Ok((metadata.len(), metadata.modified().ok()))
}

/// A file's hash while it is read, as it lies on the disk.
#[derive(Clone, Default)]
struct Hash(Arc<Mutex<Sha256>>);

impl Hash {
    fn add(&self, bytes: &[u8]) {
        let mut hasher = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        hasher.update(bytes);
    }

    fn digest(&self) -> [u8; 8] {
        let hasher = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        short(hasher.clone())
    }
}

fn short(hasher: Sha256) -> [u8; 8] {
    let mut short = [0; 8];
    short.copy_from_slice(&hasher.finalize()[..8]);
    short
}

fn hashed(path: &Path, observer: Observer) -> Result<(Source, Hash)> {
    let hash = Hash::default();
    let seen = hash.clone();
    let source = reader::open_seen(path, move |bytes| {
        seen.add(bytes);
        observer.hears(Advance::Read(bytes.len()));
    })?;
    Ok((source, hash))
}

struct Measured {
    digest: [u8; 8],
    /// When nothing is compressed.
    bytes: u64,
}

/// Reads a file to its end, so that one that is damaged there is known before anything is uploaded.
fn measure(path: &Path, observer: &Observer) -> Result<Measured> {
    let (source, hash) = hashed(path, observer.clone())?;
    let mut source = BufReader::with_capacity(1 << 18, source);
    let bytes = std::io::copy(&mut source, &mut std::io::sink())?;
    Ok(Measured {
        digest: hash.digest(),
        bytes,
    })
}

/// The file's own name, for people, and its content's hash, for machines: other content never meets an old name, which
/// Snowpipe would take for the old file.
fn object_name(path: &Path, digest: &[u8; 8]) -> String {
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
    format!("{stem}-{:016x}", u64::from_be_bytes(*digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_named_by_its_file_and_its_content() {
        let name = |path: &str, byte| object_name(Path::new(path), &[byte; 8]);
        assert_eq!(name("/in/day 1.csv.gz", 1), "day_1-0101010101010101");
        assert_ne!(name("a.csv", 1), name("a.csv", 2));
    }
}
