//! What a run has to do, with every decision taken.

use std::path::PathBuf;
use std::time::Duration;

use firn::generator::{Options, Position};

use super::encoder::Compression;
use super::output::Naming;

/// What a run has to do.
#[derive(Debug)]
pub struct Job {
    pub options: Options,
    /// Where the run started, maybe in another process.
    pub from: Position,
    /// Every event before it is in complete files.
    pub at: Position,
    /// One beyond the last event; none for a stream without end.
    pub until: Option<u64>,
    /// One file in this time; none for as fast as possible.
    pub every: Option<Duration>,
    pub target: Target,
    pub compression: Compression,
    pub state_path: Option<PathBuf>,
    /// Whether the state file existed.
    pub resumed: bool,
    pub manifest_path: Option<PathBuf>,
    pub threads: usize,
    pub force: bool,
    pub quiet: bool,
}

/// Where rows go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Folder(PathBuf),
    Stdout,
}

impl Job {
    /// How its files are named.
    pub const fn naming(&self) -> Naming {
        Naming {
            format: self.options.format,
            compression: self.compression,
        }
    }
}
