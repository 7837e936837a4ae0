//! The state file, with which a later run resumes exactly where this one stopped, even if it was killed.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use firn::generator::{Options, Position};
use firn::{Context, Error, Result};
use serde::{Deserialize, Serialize};

use super::encoder::Compression;
use super::interrupt::Interrupt;
use super::part_file;

/// A stream and its position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Options of the stream.
    pub options: Options,
    /// The compression of its files.
    #[serde(default)]
    pub compress: Compression,
    /// Every event before it is in complete files.
    pub position: Position,
    /// The run that has not ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfinished: Option<Unfinished>,
}

/// A run that was stopped before its end, or is still running.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unfinished {
    /// Where it started.
    pub from: Position,
    /// One beyond its last event; none for an endless stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
}

impl State {
    /// Loads the state from a file; none if the file does not exist.
    pub fn load(path: &Path) -> Result<Option<Self>> {
        let text = match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.context(|| format!("cannot read the state file {}", path.display()))?,
        };
        let state = serde_json::from_slice(&text).map_err(|error| {
            Error::config(format!(
                "{} is not a state file ({error}): choose another --state, or delete it to start a new stream",
                path.display()
            ))
        })?;
        Ok(Some(state))
    }

    /// Saves the state to a file atomically.
    pub fn save(&self, path: &Path, interrupt: &Arc<Interrupt>) -> Result<()> {
        let mut text = serde_json::to_vec_pretty(self)
            .map_err(|error| Error::bug(format!("cannot write the state as JSON: {error}")))?;
        text.push(b'\n');
        part_file::replace(path, &text, interrupt)
    }
}
