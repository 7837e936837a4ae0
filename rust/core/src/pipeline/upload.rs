//! A file's way into the bucket: measured, checked, uploaded under the name of its content; a large one as several objects.
//!
//! Every step may be repeated: the name is the content's, so an object is uploaded once, and the pipe loads a name once.

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use futures::stream::{Stream, TryStreamExt, try_unfold};
use sha2::{Digest, Sha256};

use super::Loader;
use crate::error::{Context, Error, Result};
use crate::reader::{self, RejectedRow, RowTotals, Source, Validator};
use crate::store::Uploaded;

/// A file with more bytes than this, before they are compressed, becomes several objects. With gzip each is of about 240 MB then, and
/// [Snowflake advises](https://docs.snowflake.com/en/user-guide/data-load-considerations-prepare) 100 to 250.
pub(super) const OBJECT_BYTES: usize = 512 << 20;

/// How far files are, for a display.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LoadProgress {
    /// So many bytes more of a file have been read; each file is read whole, [`LoadProgress::PASSES`] times.
    Read(usize),
    /// All files are in the bucket; Snowflake loads and merges them now.
    Uploaded,
}

impl LoadProgress {
    /// For the hash in its name, and for its check and upload.
    pub const PASSES: u64 = 2;
}

/// Receives the progress, if anyone wants it.
#[derive(Clone, Default)]
pub(super) struct ProgressListener(Option<Arc<dyn Fn(LoadProgress) + Send + Sync>>);

impl ProgressListener {
    pub(super) fn new(on_progress: impl Fn(LoadProgress) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(on_progress)))
    }

    pub(super) fn report(&self, progress: LoadProgress) {
        if let Some(on_progress) = &self.0 {
            on_progress(progress);
        }
    }
}

impl std::fmt::Debug for ProgressListener {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_tuple("ProgressListener")
            .field(&self.0.is_some())
            .finish()
    }
}

/// An object that has been uploaded and has yet to arrive in the tables.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StagedFile {
    /// The object within the contract's folder.
    pub object: Uploaded,
    /// Its whole path in the bucket, as the tables name it.
    pub source_file: String,
    /// Rows in it.
    pub rows: RowTotals,
}

impl Loader {
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
        on_rejected: impl FnMut(&RejectedRow) + Send + 'static,
    ) -> Result<Vec<StagedFile>> {
        self.objects(path, on_rejected).try_collect().await
    }

    /// The same, object by object.
    pub(super) fn objects(
        &self,
        path: &Path,
        on_rejected: impl FnMut(&RejectedRow) + Send + 'static,
    ) -> impl Stream<Item = Result<StagedFile>> {
        let begin = Step::Begin(path.to_path_buf(), on_rejected);
        try_unfold(begin, move |step| async move {
            let upload = match step {
                Step::Begin(path, on_rejected) => Box::new(self.begin(path, on_rejected).await?),
                Step::On(upload) => upload,
                Step::Done => return Ok(None),
            };
            self.next_object(upload).await.map(Some)
        })
    }

    async fn begin<F: FnMut(&RejectedRow) + Send + 'static>(
        &self,
        path: PathBuf,
        on_rejected: F,
    ) -> Result<FileUpload<F>> {
        self.check(&path).await?;
        let (contract, listener) = (self.pipeline.contract.clone(), self.listener.clone());
        let most = self.object_bytes;
        let place = path.display().to_string();
        blocking(move || {
            let stamp = stamp(&path)?;
            let file = measure(&path, &listener)?;
            let is_large = file.bytes > most as u64;
            let (source, seen) = hashed(&path, listener)?;
            Ok(FileUpload {
                validator: Validator::new(&contract, source, on_rejected)?,
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

    async fn next_object<F: FnMut(&RejectedRow) + Send + 'static>(
        &self,
        upload: Box<FileUpload<F>>,
    ) -> Result<(StagedFile, Step<F>)> {
        let place = upload.path.display().to_string();
        let name = format!("{}.csv{}", upload.name(), self.store.compression().suffix());
        let source_file = format!("{}{name}", self.store.location().prefix);
        // An earlier call that was cut short may not have told which rows are broken, so they are read even if the object is there.
        let ((rows, next), bytes) = if self.store.contains(&name).await? {
            let copy = move || upload.copy(&mut std::io::sink());
            (blocking(copy).await.context(|| place)?, None)
        } else {
            let make = move |mut output: &mut dyn std::io::Write| upload.copy(&mut output);
            let (made, bytes) = self.store.upload(&name, make).await.context(|| place)?;
            (made, Some(bytes))
        };
        let object = Uploaded { name, bytes };
        let staged = StagedFile {
            object,
            source_file,
            rows,
        };
        Ok((staged, next))
    }
}

/// Where the upload of a file stands.
enum Step<F> {
    Begin(PathBuf, F),
    On(Box<FileUpload<F>>),
    Done,
}

/// A file that has been measured, on its way into the bucket.
struct FileUpload<F> {
    path: PathBuf,
    digest: [u8; 8],
    /// Of a large file, after how many bytes an object ends.
    cut: Option<usize>,
    stamp: (u64, Option<SystemTime>),
    /// Of what has been read this time.
    seen: Hash,
    validator: Validator<Source, F>,
}

impl<F: FnMut(&RejectedRow)> FileUpload<F> {
    /// The next object's name, without endings.
    fn name(&self) -> String {
        match self.cut {
            None => object_name(&self.path, &self.digest),
            // Cut elsewhere, the same content must have other names.
            Some(most) => {
                let cut = Sha256::new_with_prefix(self.digest).chain_update(most.to_le_bytes());
                let name = object_name(&self.path, &short(cut));
                format!("{name}-row-{}", self.validator.rows() + 1)
            }
        }
    }

    /// Copies the next object's rows.
    fn copy(mut self: Box<Self>, output: &mut impl std::io::Write) -> Result<(RowTotals, Step<F>)> {
        let most = self.cut.unwrap_or(usize::MAX);
        let rows = self.validator.copy(output, most)?;
        let is_done = self.validator.is_done()?;
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

fn hashed(path: &Path, listener: ProgressListener) -> Result<(Source, Hash)> {
    let hash = Hash::default();
    let seen = hash.clone();
    let source = reader::open_seen(path, move |bytes| {
        seen.add(bytes);
        listener.report(LoadProgress::Read(bytes.len()));
    })?;
    Ok((source, hash))
}

struct Measured {
    digest: [u8; 8],
    /// When nothing is compressed.
    bytes: u64,
}

/// Reads a file to its end, so that one that is damaged there is known before anything is uploaded.
fn measure(path: &Path, listener: &ProgressListener) -> Result<Measured> {
    let (source, hash) = hashed(path, listener.clone())?;
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
