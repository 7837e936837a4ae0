//! The job of a run, with every decision made.

use std::path::PathBuf;
use std::time::Duration;

use firn::generator::{Options, Position};

use super::encoder::Compression;
use super::output::Naming;

/// The job of a run.
#[derive(Debug)]
pub struct Job {
    pub options: Options,
    /// Where the run started, possibly in another process.
    pub from: Position,
    /// Every event before it is in complete files.
    pub at: Position,
    /// One beyond the last event; none for an endless stream.
    pub until: Option<u64>,
    /// The period of a file; none for as fast as possible.
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

/// The destination of the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    Folder(PathBuf),
    Stdout,
}

impl Job {
    /// The naming of its files.
    pub const fn naming(&self) -> Naming {
        Naming {
            format: self.options.format,
            compression: self.compression,
        }
    }
}
