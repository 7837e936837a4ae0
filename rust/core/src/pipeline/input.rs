//! The files of a load: files on the disk, and contents of the caller that the load reads on demand.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use crate::error::{Error, Result};

/// Bytes that can be read from their start more than once.
pub trait Content: Send + Sync {
    /// Opens the content at its start. A load has one such reader at a time.
    ///
    /// # Errors
    /// The error of the content's owner.
    fn read(&self) -> Result<Box<dyn Read + Send>>;

    /// Length and modification time, which change when the content is written.
    ///
    /// # Errors
    /// The error of the content's owner.
    fn stamp(&self) -> Result<Stamp>;
}

/// The stamp of a file, which changes when it is written: its length in bytes, and its modification time.
pub type Stamp = (u64, Option<SystemTime>);

/// A file to load.
#[derive(Clone)]
pub enum InputFile {
    /// A file on the disk.
    Path(PathBuf),
    /// A content of the caller, with the name of its file.
    Content(String, Arc<dyn Content>),
}

impl<P: AsRef<Path>> From<P> for InputFile {
    fn from(path: P) -> Self {
        Self::Path(path.as_ref().to_owned())
    }
}

impl InputFile {
    /// Its name in errors.
    pub(super) fn place(&self) -> String {
        match self {
            Self::Path(path) => path.display().to_string(),
            Self::Content(name, _) => name.clone(),
        }
    }

    /// Its name without a folder, if it has one.
    pub(super) fn name(&self) -> Option<String> {
        let path = match self {
            Self::Path(path) => path.as_path(),
            Self::Content(name, _) => Path::new(name),
        };
        Some(path.file_name()?.to_string_lossy().into_owned())
    }

    pub(super) fn open(&self) -> Result<Arc<dyn Content>> {
        match self {
            Self::Path(path) => Ok(Arc::new(open_regular(path)?)),
            Self::Content(_, content) => Ok(Arc::clone(content)),
        }
    }
}

impl Content for File {
    fn read(&self) -> Result<Box<dyn Read + Send>> {
        let mut file = self.try_clone()?;
        file.rewind()?;
        Ok(Box::new(file))
    }

    fn stamp(&self) -> Result<Stamp> {
        let metadata = self.metadata()?;
        Ok((metadata.len(), metadata.modified().ok()))
    }
}

/// Opens a file that can be read twice.
pub(super) fn open_regular(path: &Path) -> Result<File> {
    // Opening a pipe would wait for its writer.
    let metadata = std::fs::metadata(path)?;
    if metadata.is_dir() {
        return Err(Error::config(
            "is a directory: name a file, or watch the directory with `firn watch`",
        ));
    }
    if !metadata.is_file() {
        return Err(Error::config(
            "is a pipe or a device and cannot be read twice: write the data to a file first",
        ));
    }
    Ok(File::open(path)?)
}
