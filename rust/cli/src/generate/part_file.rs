//! A file that is renamed to its name when it is complete and synced.
//!
//! It is written as a dot-file, synced and renamed, and then the folder is synced: a watcher never sees a partial file, and a
//! reference to it in a later file or the state is valid even after a power failure.

use std::fs::{self, File};
use std::io::{self, ErrorKind as Io};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use firn::{Error, Result};

use super::encoder::{Compression, Encoder};
use super::interrupt::Interrupt;

/// A file that is being written. It is removed if it is dropped before [`PartFile::finish`].
pub struct PartFile {
    encoder: Option<Encoder<File>>,
    part: PathBuf,
    path: PathBuf,
    interrupt: Arc<Interrupt>,
}

impl PartFile {
    /// Creates the file that will be at `path`.
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

    /// Appends bytes.
    pub fn write_all(&mut self, bytes: &[u8]) -> Result<()> {
        let written = self
            .encoder
            .as_mut()
            .map_or(Ok(()), |encoder| encoder.write_all(bytes));
        written.map_err(|error| cannot_write(&self.path, error))
    }

    /// Renames the file to its final name, and returns its size in bytes.
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

/// Replaces the content of `path` by `bytes` atomically.
pub fn replace(path: &Path, bytes: &[u8], interrupt: &Arc<Interrupt>) -> Result<()> {
    let mut file = PartFile::begin(path.to_owned(), Compression::None, interrupt)?;
    file.write_all(bytes)?;
    file.finish().map(drop)
}

/// Creates the folder and its parents.
pub fn create_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(|error| match error.kind() {
        // The parents exist or can be created, so this file system allows no new folders, like /proc.
        Io::NotFound => {
            let message = format!(
                "cannot create folder {}: the file system does not allow it: choose another folder",
                folder.display()
            );
            Error::config(message).with_source(error)
        }
        _ => cannot_write(folder, error),
    })
}

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// An error with its fix.
pub fn cannot_write(path: &Path, error: io::Error) -> Error {
    let advice = match error.kind() {
        Io::StorageFull | Io::QuotaExceeded => {
            "the disk is full: free some space, or choose another folder"
        }
        Io::FileTooLarge => {
            "the file is too large: use a smaller --rows-per-file, or raise the limit"
        }
        Io::PermissionDenied => "permission denied: choose a folder that you can write to",
        Io::ReadOnlyFilesystem => "the file system is read-only: choose another folder",
        Io::NotADirectory | Io::AlreadyExists => {
            "a file is in the way: choose another folder, or remove the file"
        }
        Io::NotFound => "its folder does not exist: create the folder first",
        Io::IsADirectory => "a folder is in the way: choose another name",
        _ => &format!("{error}: check the disk, or choose another folder"),
    };
    Error::config(format!("cannot write {}: {advice}", path.display())).with_source(error)
}
