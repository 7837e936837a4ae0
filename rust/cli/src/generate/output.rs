//! The destinations of rows: files in a folder, or standard output.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use firn::event::HEADER;
use firn::generator::{FileId, Format, Piece, Position};
use firn::{Context, Error, ErrorKind, Result};

use super::encoder::{Compression, Encoder};
use super::interrupt::Interrupt;
use super::part_file::{self, PartFile};
use super::state::State;

/// The reason for which a run stops early.
pub enum Stop {
    /// The user asked to stop.
    Interrupted,
    /// Standard output is closed, as after `head`.
    ReaderGone,
    /// An error.
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Writes the pieces of the stream.
pub enum Output {
    Folder(Box<Folder>),
    Stdout(Box<Stdout>),
}

impl Output {
    /// Writes the next piece.
    pub fn take(&mut self, piece: Piece<'_>) -> Result<(), Stop> {
        match self {
            Self::Folder(folder) => Ok(folder.take(piece)?),
            Self::Stdout(stdout) => stdout.take(piece).map_err(gone_or_failed),
        }
    }

    /// Finishes the output after the last piece.
    pub fn finish(&mut self) -> Result<(), Stop> {
        match self {
            Self::Folder(_) => Ok(()),
            Self::Stdout(stdout) => stdout.finish().map_err(gone_or_failed),
        }
    }
}

/// Names files by their first event, so that their order is the order of the stream.
#[derive(Clone, Copy, Debug)]
pub struct Naming {
    pub format: Format,
    pub compression: Compression,
}

const PREFIX: &str = "customers-";

impl Naming {
    fn extension(self) -> String {
        let format = match self.format {
            Format::Csv => ".csv",
            Format::Jsonl => ".jsonl",
        };
        format!("{format}{}", self.compression.suffix())
    }

    /// The file's name.
    pub fn name(self, file: FileId) -> String {
        let late = if file.only_late { "-late" } else { "" };
        format!(
            "{PREFIX}{:016}{late}{}",
            file.first_sequence,
            self.extension()
        )
    }

    /// The sequence number in a name of this kind.
    fn sequence(self, name: &str) -> Option<u64> {
        let stem = name.strip_prefix(PREFIX)?.strip_suffix(&self.extension())?;
        stem.strip_suffix("-late").unwrap_or(stem).parse().ok()
    }
}

/// A folder of complete files.
pub struct Folder {
    path: PathBuf,
    naming: Naming,
    interrupt: Arc<Interrupt>,
    checkpoint: Option<Checkpoint>,
    under_way: Option<PartFile>,
    /// The number of complete files.
    pub files: u64,
    /// Their total size.
    pub bytes: u64,
}

/// Keeps the state file up to date.
pub struct Checkpoint {
    pub path: PathBuf,
    pub state: State,
    /// The position after the last file of the run is saved together with the manifest.
    pub until: Option<u64>,
}

impl Checkpoint {
    fn closed(&mut self, file: FileId, interrupt: &Arc<Interrupt>) -> Result<()> {
        let rows = self.state.options.rows_per_file;
        let next = (file.first_sequence / rows + 1) * rows;
        if file.only_late || self.until.is_some_and(|until| next >= until) {
            return Ok(());
        }
        self.state.position.next_sequence = next;
        self.state.save(&self.path, interrupt)
    }
}

impl Folder {
    pub const fn new(
        path: PathBuf,
        naming: Naming,
        checkpoint: Option<Checkpoint>,
        interrupt: Arc<Interrupt>,
    ) -> Self {
        Self {
            path,
            naming,
            interrupt,
            checkpoint,
            under_way: None,
            files: 0,
            bytes: 0,
        }
    }

    fn take(&mut self, piece: Piece<'_>) -> Result<()> {
        if piece.opens {
            let path = self.path.join(self.naming.name(piece.file));
            self.under_way = Some(PartFile::begin(
                path,
                self.naming.compression,
                &self.interrupt,
            )?);
        }
        if let Some(file) = &mut self.under_way {
            file.write_all(piece.bytes)?;
        }
        if piece.closes
            && let Some(file) = self.under_way.take()
        {
            self.bytes += file.finish()?;
            self.files += 1;
            if let Some(checkpoint) = &mut self.checkpoint {
                checkpoint.closed(piece.file, &self.interrupt)?;
            }
        }
        Ok(())
    }
}

/// Rejects a folder with a file whose name the run from `at` would write.
///
/// `again` allows the file that begins at `at`: the killed run has just completed it, and its bytes are the same.
pub fn refuse_existing(
    folder: &Path,
    naming: Naming,
    at: Position,
    until: Option<u64>,
    again: bool,
) -> Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(part_file::cannot_write(folder, error)),
        Ok(entries) => entries,
    };
    for entry in entries {
        let name = entry.context(|| folder.display().to_string())?.file_name();
        let Some(sequence) = name.to_str().and_then(|name| naming.sequence(name)) else {
            continue;
        };
        let first = at.next_sequence + u64::from(again);
        if sequence >= first && until.is_none_or(|until| sequence < until) {
            let path = folder.join(&name);
            return Err(Error::config(format!(
                "{} exists: choose another --out, or use --force to replace files",
                path.display()
            )));
        }
    }
    Ok(())
}

/// Standard output, as one file: the header is written once.
pub struct Stdout {
    encoder: Option<Encoder<io::Stdout>>,
    has_header: bool,
}

impl Stdout {
    pub fn new(format: Format, compression: Compression) -> Result<Self> {
        let encoder = Encoder::new(io::stdout(), compression)?;
        Ok(Self {
            encoder: Some(encoder),
            has_header: format != Format::Csv,
        })
    }

    fn take(&mut self, piece: Piece<'_>) -> io::Result<()> {
        let Some(encoder) = &mut self.encoder else {
            return Ok(());
        };
        let mut bytes = piece.bytes;
        if piece.opens && self.has_header {
            bytes = bytes.strip_prefix(HEADER.as_bytes()).unwrap_or(bytes);
        }
        self.has_header = true;
        encoder.write_all(bytes)?;
        if piece.closes {
            encoder.flush()
        } else {
            Ok(())
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        self.encoder
            .take()
            .map_or(Ok(()), |encoder| encoder.finish().map(drop))
    }
}

fn gone_or_failed(error: io::Error) -> Stop {
    match error.kind() {
        io::ErrorKind::BrokenPipe => Stop::ReaderGone,
        io::ErrorKind::StorageFull => Error::new(
            ErrorKind::Config,
            "cannot write to standard output: the disk is full: free some space",
        )
        .into(),
        _ => Error::new(
            ErrorKind::Config,
            format!("cannot write to standard output: {error}"),
        )
        .into(),
    }
}
