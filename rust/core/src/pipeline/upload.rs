//! Hashes, checks and uploads a file under a name from its content; a large one as several objects.
//!
//! Every step may be repeated: the name depends on the content, so an object is uploaded once, and the pipe loads a name once.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use futures::stream::{Stream, try_unfold};
use sha2::{Digest, Sha256};

use super::Loader;
use super::input::{Content, InputFile, Stamp, open_regular};
use crate::contract::Contract;
use crate::error::{Context, Error, Fault, Result};
use crate::merge::version;
use crate::reader::{self, FileFacts, Reader, RejectedRow, RowTotals, Source, Validator};
use crate::store::Uploaded;

/// A file with more uncompressed bytes than this becomes several objects. With gzip each has about 240 MB then, and
/// [Snowflake recommends](https://docs.snowflake.com/en/user-guide/data-load-considerations-prepare) 100 to 250.
pub(super) const OBJECT_BYTES: usize = 512 << 20;

/// The number of times that a file is read: for its hash, and for its check and upload.
pub const READS_PER_FILE: u64 = 2;

/// Receives the events of a load. Files are numbered from 0 in the order of the call.
pub trait LoadListener: Send + Sync {
    /// More bytes of a file have been read; each file is read [`READS_PER_FILE`] times.
    fn bytes_read(&self, _bytes: usize) {}
    /// A row of a file is malformed.
    fn row_rejected(&self, _file: usize, _row: &RejectedRow) {}
    /// A file has been read to its end and uploaded.
    fn file_uploaded(&self, _file: usize) {}
    /// All files have been uploaded, and Snowflake loads and merges them.
    fn all_uploaded(&self) {}
}

impl LoadListener for () {}

/// An object that has been uploaded and is not yet loaded.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StagedFile {
    /// The object within the contract's folder.
    pub object: Uploaded,
    /// Its whole path in the bucket, as in the tables.
    pub source_file: String,
    /// Rows in it.
    pub rows: RowTotals,
    /// The [`content_hash`] of its file.
    pub content_hash: String,
}

impl Loader {
    /// Checks the file of this number against the contract and uploads it to a folder of the stage, object by object.
    pub(super) fn objects(
        &self,
        file: usize,
        input: &InputFile,
        folder: &'static str,
        listener: Arc<dyn LoadListener>,
    ) -> impl Stream<Item = Result<StagedFile>> {
        let begin = Step::Begin(input.clone());
        try_unfold(begin, move |step| {
            let listener = Arc::clone(&listener);
            async move {
                let upload = match step {
                    Step::Begin(input) => Box::new(self.begin(file, input, listener).await?),
                    Step::On(upload) => upload,
                    Step::Done => return Ok(None),
                };
                self.next_object(upload, folder).await.map(Some)
            }
        })
    }

    async fn begin(
        &self,
        file: usize,
        input: InputFile,
        listener: Arc<dyn LoadListener>,
    ) -> Result<FileUpload> {
        let contract = self.pipeline.contract.clone();
        let most = self.object_bytes;
        let place = input.place();
        blocking(move || {
            FileUpload::open(&input, &contract, most, file, listener).map_err(Error::of_file)
        })
        .await
        .context(|| place)
    }

    async fn next_object(
        &self,
        upload: Box<FileUpload>,
        folder: &str,
    ) -> Result<(StagedFile, Step)> {
        let place = upload.place.clone();
        let suffix = self.store.compression().suffix();
        let name = format!("{folder}{}.csv{suffix}", upload.name());
        let source_file = format!("{}{name}", self.store.location().prefix);
        let content_hash = hex(&upload.digest);
        // An earlier call that was interrupted may not have reported the malformed rows, so they are read even if the object exists.
        let is_there = self.store.contains(&name).await;
        let ((rows, next), bytes) = if is_there.context(|| place.clone())? {
            let copy = move || upload.copy(&mut std::io::sink());
            (blocking(copy).await.context(|| place)?, None)
        } else {
            let make = move |mut output: &mut dyn std::io::Write| upload.copy(&mut output);
            let (made, bytes) = self.store.upload(&name, make).await.context(|| place)?;
            (made, Some(bytes))
        };
        let staged = StagedFile {
            object: Uploaded { name, bytes },
            source_file,
            rows,
            content_hash,
        };
        Ok((staged, next))
    }
}

const CUT_SHORT: &str = "the last row has no line end, as in a file that was cut short, and a snapshot must be whole: end it with one if it is";

const EMPTY_SNAPSHOT: &str = "a snapshot without rows would delete every key: it is not loaded";

/// Keeps the last two written bytes.
#[derive(Default)]
struct End([u8; 2]);

impl End {
    /// Whether the text ends with a line end, in any encoding.
    fn is_line_end(&self) -> bool {
        let [before, last] = self.0;
        let last = if last == 0 { before } else { last };
        matches!(last, b'\n' | b'\r')
    }
}

impl std::io::Write for End {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match bytes {
            [] => {}
            [one] => self.0 = [self.0[1], *one],
            [.., before, last] => self.0 = [*before, *last],
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The state of a file's upload.
enum Step {
    Begin(InputFile),
    On(Box<FileUpload>),
    Done,
}

/// Receives each malformed row.
type OnRejected = Box<dyn FnMut(&RejectedRow) + Send>;

/// A file to upload: opened once, with its header checked, hashed and measured.
struct FileUpload {
    place: String,
    /// The part of the file's name in the names of its objects.
    stem: String,
    content: Arc<dyn Content>,
    digest: [u8; 8],
    /// The hash in an object's name: of the file's content, and of how the contract reads it.
    reading: [u8; 8],
    /// The bytes per object of a large file.
    cut: Option<usize>,
    stamp: Stamp,
    is_snapshot: bool,
    /// The hash of the bytes of the current reading.
    seen: Hash,
    validator: Validator<Source, OnRejected>,
}

impl FileUpload {
    /// Reads the file to its end, so that damage there is found before anything is uploaded.
    fn open(
        input: &InputFile,
        contract: &Contract,
        object_bytes: usize,
        number: usize,
        listener: Arc<dyn LoadListener>,
    ) -> Result<Self> {
        let content = input.open()?;
        let stamp = content.stamp()?;
        let name = input.name();
        let facts = FileFacts {
            name: name.as_deref(),
            modified: stamp.1,
        };
        // Finds a wrong header before reading gigabytes.
        Reader::of_file(contract, facts, reader::decoded(content.read()?, |_| {})?)?;
        let (source, hash) = hashed(content.as_ref(), Arc::clone(&listener))?;
        let mut source = BufReader::with_capacity(1 << 18, source);
        let mut end = End::default();
        let bytes = std::io::copy(&mut source, &mut end)?;
        if contract.snapshot().is_some() && !end.is_line_end() {
            return Err(Error::rejected(CUT_SHORT));
        }
        // One reader of the content at a time.
        drop(source);
        let (source, seen) = hashed(content.as_ref(), Arc::clone(&listener))?;
        let on_rejected: OnRejected = Box::new(move |row| listener.row_rejected(number, row));
        Ok(Self {
            validator: Validator::of_file(contract, facts, source, on_rejected)?,
            // A snapshot is never split, as its missing keys are only known from the whole file.
            cut: (bytes > object_bytes as u64 && contract.snapshot().is_none())
                .then_some(object_bytes),
            digest: hash.digest(),
            reading: reading(contract, hash.digest(), stamp.1),
            is_snapshot: contract.snapshot().is_some(),
            place: input.place(),
            stem: object_stem(name.as_deref().unwrap_or_default()),
            content,
            stamp,
            seen,
        })
    }

    /// The next object's name, without endings.
    fn name(&self) -> String {
        match self.cut {
            None => object_name(&self.stem, &self.reading),
            // With another split, the same content must have other names.
            Some(most) => {
                let cut = Sha256::new_with_prefix(self.reading).chain_update(most.to_le_bytes());
                let name = object_name(&self.stem, &short(cut));
                format!("{name}-row-{}", self.validator.rows() + 1)
            }
        }
    }

    /// Copies the next object's rows.
    fn copy(mut self: Box<Self>, output: &mut impl std::io::Write) -> Result<(RowTotals, Step)> {
        let most = self.cut.unwrap_or(usize::MAX);
        let rows = self.validator.copy(output, most).map_err(Error::of_file)?;
        let is_done = self.validator.is_done().map_err(Error::of_file)?;
        if self.is_snapshot && rows.rows == 0 {
            return Err(Error::rejected(EMPTY_SNAPSHOT).of_file());
        }
        // The name identifies the content: nothing more of a changed file is uploaded under it.
        if self.content.stamp()? != self.stamp || is_done && self.seen.digest() != self.digest {
            let changed = Error::transient("the file changed while it was read: it is retried");
            return Err(changed.with_fault(Fault::File));
        }
        Ok((rows, if is_done { Step::Done } else { Step::On(self) }))
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| Error::bug("the thread that reads the file panicked"))?
}

/// Hashes a file's bytes on the disk while it is read.
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

fn hashed(content: &dyn Content, listener: Arc<dyn LoadListener>) -> Result<(Source, Hash)> {
    let hash = Hash::default();
    let seen = hash.clone();
    let source = reader::decoded(content.read()?, move |bytes| {
        seen.add(bytes);
        listener.bytes_read(bytes.len());
    })?;
    Ok((source, hash))
}

/// The hash of a file's bytes, as in [`StagedFile::content_hash`].
///
/// # Errors
/// The errors of opening and reading.
pub fn content_hash(path: &Path) -> Result<String> {
    let mut input = BufReader::with_capacity(1 << 18, open_regular(path)?);
    let mut hasher = Sha256::new();
    loop {
        let bytes = input.fill_buf()?;
        if bytes.is_empty() {
            return Ok(hex(&short(hasher)));
        }
        hasher.update(bytes);
        let read = bytes.len();
        input.consume(read);
    }
}

/// With another `[source]` the same file gives other rows, which must have another name.
fn reading(contract: &Contract, digest: [u8; 8], modified: Option<SystemTime>) -> [u8; 8] {
    if contract.has_usual_source() {
        return digest;
    }
    // The same content at another time is another snapshot.
    let mut origins = contract.source().columns.iter();
    let modified = modified.filter(|_| origins.any(|one| one.is_modified_time));
    let source = format!(
        "{} {} {modified:?}",
        version(contract),
        contract.source().differences()
    );
    short(Sha256::new_with_prefix(digest).chain_update(source))
}

fn hex(digest: &[u8; 8]) -> String {
    format!("{:016x}", u64::from_be_bytes(*digest))
}

/// The file's own name, for people, and its content's hash, for machines: other content never has an old name, which
/// Snowpipe would treat as the old file.
fn object_name(stem: &str, digest: &[u8; 8]) -> String {
    format!("{stem}-{}", hex(digest))
}

/// A name without its suffixes for data and compression.
pub(super) fn without_endings(name: &str) -> &str {
    let endings = [".gz", ".zst", ".csv"].iter();
    endings.fold(name, |name, ending| {
        name.strip_suffix(ending).unwrap_or(name)
    })
}

/// The part of a file's name in the names of its objects.
pub(super) fn object_stem(name: &str) -> String {
    without_endings(name)
        .chars()
        .map(|char| {
            if char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '.') {
                char
            } else {
                '_'
            }
        })
        .take(100)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_named_by_its_file_and_its_content() {
        let name = |name: &str, byte| object_name(&object_stem(name), &[byte; 8]);
        assert_eq!(name("day 1.csv.gz", 1), "day_1-0101010101010101");
        assert_ne!(name("a.csv", 1), name("a.csv", 2));
    }
}
