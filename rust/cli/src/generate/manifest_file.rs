//! The manifest beside the files. A run that resumes another one adds to its manifest.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use firn::generator::{Manifest, Options, Position};
use firn::{Context, Error, Result};

use super::interrupt::Interrupt;
use super::part_file;

/// Its default name.
pub const MANIFEST: &str = "manifest.json";

/// The manifest file, written at the end of the run.
pub struct ManifestFile {
    path: PathBuf,
    earlier: Earlier,
}

/// The content of the file before the run.
enum Earlier {
    /// Nothing to keep.
    Nothing,
    /// The runs that this one resumes.
    Runs(Box<Manifest>),
    /// This run as well: it was killed between writing the manifest and the state.
    ThisRun,
}

impl ManifestFile {
    /// Checks whether the manifest at `path` may be written, before the run writes anything.
    pub fn open(
        path: PathBuf,
        options: &Options,
        from: Position,
        until: Option<u64>,
        force: bool,
    ) -> Result<Self> {
        let earlier = match read(&path) {
            Ok(None) => Earlier::Nothing,
            Ok(Some(manifest))
                if manifest.options == *options
                    && manifest.to == from
                    && from != Position::default() =>
            {
                Earlier::Runs(Box::new(manifest))
            }
            Ok(Some(manifest))
                if manifest.options == *options
                    && from != Position::default()
                    && until == Some(manifest.to.next_sequence) =>
            {
                Earlier::ThisRun
            }
            _ if force => Earlier::Nothing,
            _ => {
                return Err(Error::config(format!(
                    "{} exists and belongs to another run: choose another --out or --manifest, or use --force to replace it",
                    path.display()
                )));
            }
        };
        Ok(Self { path, earlier })
    }

    /// Writes it.
    pub fn write(self, manifest: Manifest, interrupt: &Arc<Interrupt>) -> Result<PathBuf> {
        let whole = match self.earlier {
            Earlier::ThisRun => return Ok(self.path),
            Earlier::Nothing => manifest,
            Earlier::Runs(earlier) => earlier.followed_by(manifest),
        };
        let mut text = serde_json::to_vec_pretty(&whole)
            .map_err(|error| Error::bug(format!("cannot write the manifest as JSON: {error}")))?;
        text.push(b'\n');
        part_file::replace(&self.path, &text, interrupt)?;
        Ok(self.path)
    }
}

fn read(path: &Path) -> Result<Option<Manifest>> {
    let text = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.context(|| path.display().to_string())?,
    };
    let manifest =
        serde_json::from_slice(&text).map_err(|error| Error::config(error.to_string()))?;
    Ok(Some(manifest))
}
