//! The state file: what a later run has to know to go on exactly where this one stopped, whole or killed.

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

/// A stream, and how far it has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// What the stream is made from.
    pub options: Options,
    /// How its files are compressed.
    #[serde(default)]
    pub compress: Compression,
    /// Everything before is in whole files.
    pub position: Position,
    /// The run that has not come to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfinished: Option<Unfinished>,
}

/// A run that was stopped before its end, or is still going on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unfinished {
    /// Where it began.
    pub from: Position,
    /// One beyond its last event; none where it goes on and on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
}

impl State {
    /// The state in a file; none if there is no such file.
    pub fn load(path: &Path) -> Result<Option<Self>> {
        let text = match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.context(|| format!("cannot read the state in {}", path.display()))?,
        };
        let state = serde_json::from_slice(&text).map_err(|error| {
            let place = path.display();
            Error::config(format!("{place} holds no state of a stream ({error}): give another file, or remove it to begin anew"))
        })?;
        Ok(Some(state))
    }

    /// Puts the state into a file, all or nothing.
    pub fn save(&self, path: &Path, interrupt: &Arc<Interrupt>) -> Result<()> {
        let mut text = serde_json::to_vec_pretty(self)
            .map_err(|error| Error::bug(format!("no JSON: {error}")))?;
        text.push(b'\n');
        part_file::replace(path, &text, interrupt)
    }
}
