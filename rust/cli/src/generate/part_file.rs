//! A file that has its name only when it is whole and on the disk.
//!
//! It is written as a dot-file, synced, then renamed, and the folder synced: a watcher never sees half a file, and what a
//! later file or the state says of it is true even after a power cut.

use std::fs::{self, File};
use std::io::{self, ErrorKind as Io};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use firn::{Error, ErrorKind, Result};

use super::encoder::{Compression, Encoder};
use super::interrupt::Interrupt;

/// A file that is being written. Dropped before [`PartFile::finish`], it is removed.
pub struct PartFile {
    encoder: Option<Encoder<File>>,
    part: PathBuf,
    path: PathBuf,
    interrupt: Arc<Interrupt>,
}

impl PartFile {
    /// Begins the file that will be at `path`.
    pub fn begin(
        path: PathBuf,
        compression: Compression,
        interrupt: &Arc<Interrupt>,
    ) -> Result<Self> {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy())
            .unwrap_or_default();
        let part = path.with_file_name(format!(".{name}.part"));
        let file = interrupt
            .create(&part)
            .map_err(|error| cannot_write(&path, error))?;
        let mut begun = Self {
            encoder: None,
            part,
            path,
            interrupt: Arc::clone(interrupt),
        };
        begun.encoder = Some(
            Encoder::new(file, compression).map_err(|error| cannot_write(&begun.path, error))?,
        );
        Ok(begun)
    }

    /// Writes some of it.
    pub fn write_all(&mut self, bytes: &[u8]) -> Result<()> {
        let written = self
            .encoder
            .as_mut()
            .map_or(Ok(()), |encoder| encoder.write_all(bytes));
        written.map_err(|error| cannot_write(&self.path, error))
    }

    /// Gives the file its name, and tells its size in bytes.
    pub fn finish(mut self) -> Result<u64> {
        self.close()
            .map_err(|error| cannot_write(&self.path, error))
    }

    fn close(&mut self) -> io::Result<u64> {
        let Some(encoder) = self.encoder.take() else {
            return Ok(0);
        };
        let closed = (|| {
            let file = encoder.finish()?;
            file.sync_all()?;
            let bytes = file.metadata()?.len();
            self.interrupt.rename(&self.part, &self.path)?;
            Ok(bytes)
        })();
        if closed.is_err() {
            self.interrupt.remove(&self.part);
        } else {
            File::open(folder_of(&self.path))?.sync_all()?;
        }
        closed
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        if self.encoder.take().is_some() {
            self.interrupt.remove(&self.part);
        }
    }
}

/// Puts `bytes` at `path`, in place of what was there, all or nothing.
pub fn replace(path: &Path, bytes: &[u8], interrupt: &Arc<Interrupt>) -> Result<()> {
    let mut file = PartFile::begin(path.to_owned(), Compression::None, interrupt)?;
    file.write_all(bytes)?;
    file.finish().map(drop)
}

/// Makes the folder, and those above it.
pub fn make_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(|error| cannot_write(folder, error))
}

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// An error that says what to do about it.
pub fn cannot_write(path: &Path, error: io::Error) -> Error {
    let (kind, advice) = match error.kind() {
        Io::StorageFull | Io::QuotaExceeded => (
            ErrorKind::Config,
            "the disk is full: free some space, or give another folder".into(),
        ),
        Io::FileTooLarge => (
            ErrorKind::Config,
            "a file may not be so large: give fewer --rows-per-file, or raise the limit".into(),
        ),
        Io::PermissionDenied | Io::ReadOnlyFilesystem => (
            ErrorKind::Config,
            "not allowed: give a folder that you may write to".into(),
        ),
        Io::NotADirectory | Io::AlreadyExists => (
            ErrorKind::Config,
            "a file is in the way: give another folder".into(),
        ),
        Io::NotFound => (
            ErrorKind::Config,
            "its folder does not exist: make it first".into(),
        ),
        Io::IsADirectory => (
            ErrorKind::Config,
            "a folder is in the way: give another name".into(),
        ),
        _ => (
            ErrorKind::Config,
            format!("{error}: check the disk, or give another folder"),
        ),
    };
    Error::new(kind, format!("cannot write {}: {advice}", path.display())).with_source(error)
}
