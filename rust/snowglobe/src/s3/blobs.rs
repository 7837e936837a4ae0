//! The bytes of objects: immutable blobs in a folder, or in memory.
//!
//! A blob is written under a new name and never changed, so a reader that has it open is not disturbed by an overwrite or
//! a delete. What a blob is for is the journal's business.

use bytes::Bytes;
use futures::stream;
use s3s::dto::StreamingBlob;
use std::collections::{BTreeSet, HashMap};
use std::fs::{self, File};
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use tokio::io::AsyncWriteExt;
use tokio_util::io::ReaderStream;

const READ_BYTES: usize = 256 * 1024;

/// Where blobs are.
#[derive(Debug)]
pub enum Blobs {
    /// Gone with the process.
    Memory(Mutex<HashMap<String, Bytes>>),
    /// One file a blob.
    Folder(PathBuf),
}

/// A blob being written. Dropped before [`BlobWriter::finish`], it leaves nothing behind.
#[derive(Debug)]
pub struct BlobWriter<'a> {
    blobs: &'a Blobs,
    name: String,
    held: Option<Held>,
}

#[derive(Debug)]
enum Held {
    Memory(Vec<u8>),
    File(tokio::io::BufWriter<tokio::fs::File>),
}

/// A blob opened for reading.
#[derive(Debug)]
pub enum BlobReader {
    /// Bytes in memory.
    Memory(Cursor<Bytes>),
    /// A file.
    File(File),
}

impl Blobs {
    /// Blobs in memory.
    pub fn in_memory() -> Self {
        Self::Memory(Mutex::default())
    }

    /// Blobs in `dir`, which is cleared of those that are not in `known`: uploads cut off by the end of the last process.
    ///
    /// # Errors
    /// If `dir` cannot be read or written.
    pub fn in_folder(dir: &Path, known: &BTreeSet<&str>) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        for file in fs::read_dir(dir)? {
            let file = file?;
            if !file
                .file_name()
                .to_str()
                .is_some_and(|name| known.contains(name))
            {
                fs::remove_file(file.path())?;
            }
        }
        Ok(Self::Folder(dir.to_owned()))
    }

    /// Begins a new blob.
    ///
    /// # Errors
    /// If the disk refuses.
    pub async fn create(&self) -> io::Result<BlobWriter<'_>> {
        let name = uuid::Uuid::new_v4().simple().to_string();
        let held = match self {
            Self::Memory(_) => Held::Memory(Vec::new()),
            Self::Folder(dir) => {
                let file = tokio::fs::File::create_new(dir.join(&name)).await?;
                Held::File(tokio::io::BufWriter::with_capacity(READ_BYTES, file))
            }
        };
        Ok(BlobWriter {
            blobs: self,
            name,
            held: Some(held),
        })
    }

    /// Writes a blob whole, blocking, and gives its name.
    ///
    /// # Errors
    /// If the disk refuses; a file cut short is cleared at the next start.
    pub fn write(&self, bytes: &[u8]) -> io::Result<String> {
        let name = uuid::Uuid::new_v4().simple().to_string();
        match self {
            Self::Memory(blobs) => {
                let mut blobs = blobs.lock().unwrap_or_else(PoisonError::into_inner);
                blobs.insert(name.clone(), Bytes::copy_from_slice(bytes));
            }
            Self::Folder(dir) => fs::write(dir.join(&name), bytes)?,
        }
        Ok(name)
    }

    /// The file of a blob, if blobs are files.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        match self {
            Self::Memory(_) => None,
            Self::Folder(dir) => Some(dir.join(name)),
        }
    }

    /// Opens a blob.
    ///
    /// # Errors
    /// If it is not there.
    pub fn open(&self, name: &str) -> io::Result<BlobReader> {
        match self {
            Self::Memory(blobs) => {
                let blobs = blobs.lock().unwrap_or_else(PoisonError::into_inner);
                let bytes = blobs.get(name).cloned().ok_or(io::ErrorKind::NotFound)?;
                Ok(BlobReader::Memory(Cursor::new(bytes)))
            }
            Self::Folder(dir) => File::open(dir.join(name)).map(BlobReader::File),
        }
    }

    /// Gives the bytes of `name` a second name, without copying them.
    ///
    /// # Errors
    /// If `name` is not there or the disk refuses.
    pub fn link(&self, name: &str) -> io::Result<String> {
        let second = uuid::Uuid::new_v4().simple().to_string();
        match self {
            Self::Memory(blobs) => {
                let mut blobs = blobs.lock().unwrap_or_else(PoisonError::into_inner);
                let bytes = blobs.get(name).cloned().ok_or(io::ErrorKind::NotFound)?;
                blobs.insert(second.clone(), bytes);
            }
            Self::Folder(dir) => fs::hard_link(dir.join(name), dir.join(&second))?,
        }
        Ok(second)
    }

    /// Forgets a blob. That it is gone already is fine; a file that stays is cleared at the next start.
    pub fn remove(&self, name: &str) {
        match self {
            Self::Memory(blobs) => {
                blobs
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .remove(name);
            }
            Self::Folder(dir) => {
                if let Err(error) = fs::remove_file(dir.join(name)) {
                    log::debug!("blob {name} stays until the next start: {error}");
                }
            }
        }
    }
}

impl BlobWriter<'_> {
    /// Appends bytes.
    ///
    /// # Errors
    /// If the disk refuses.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.held {
            Some(Held::Memory(bytes_so_far)) => bytes_so_far.extend_from_slice(bytes),
            Some(Held::File(file)) => file.write_all(bytes).await?,
            None => return Err(io::Error::other("the blob is finished")),
        }
        Ok(())
    }

    /// Makes the blob readable and gives its name.
    ///
    /// # Errors
    /// If the disk refuses.
    pub async fn finish(mut self) -> io::Result<String> {
        match self.held.take() {
            Some(Held::Memory(bytes)) => {
                if let Blobs::Memory(blobs) = self.blobs {
                    blobs
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .insert(self.name.clone(), bytes.into());
                }
            }
            Some(Held::File(mut file)) => {
                if let Err(error) = file.flush().await {
                    self.held = Some(Held::File(file));
                    return Err(error);
                }
            }
            None => {}
        }
        Ok(self.name.clone())
    }
}

impl Drop for BlobWriter<'_> {
    fn drop(&mut self) {
        if matches!(self.held.take(), Some(Held::File(_))) {
            self.blobs.remove(&self.name);
        }
    }
}

impl BlobReader {
    /// The bytes of `range`, as a body.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn stream(self, range: Range<u64>) -> io::Result<StreamingBlob> {
        match self {
            Self::Memory(bytes) => {
                let all = bytes.into_inner();
                let end = usize::try_from(range.end)
                    .unwrap_or(usize::MAX)
                    .min(all.len());
                let start = usize::try_from(range.start).unwrap_or(usize::MAX).min(end);
                Ok(StreamingBlob::wrap(stream::iter([Ok::<_, io::Error>(
                    all.slice(start..end),
                )])))
            }
            Self::File(mut file) => {
                file.seek(SeekFrom::Start(range.start))?;
                let file = tokio::io::AsyncReadExt::take(
                    tokio::fs::File::from_std(file),
                    range.end - range.start,
                );
                Ok(StreamingBlob::wrap(ReaderStream::with_capacity(
                    file, READ_BYTES,
                )))
            }
        }
    }
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Memory(bytes) => bytes.read(buffer),
            Self::File(file) => file.read(buffer),
        }
    }
}
