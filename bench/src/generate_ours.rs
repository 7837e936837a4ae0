//! Firn's generator: only inserts, a stream of changes, with one thread and with two, and into a file.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use firn::generator::{Generator, Options, in_parallel};

use crate::peer::{Cores, Failure, Peer, Run};

/// A configuration of the generator to measure.
#[derive(Clone)]
pub struct Ours {
    name: &'static str,
    program: &'static str,
    options: Options,
    rows: u64,
    threads: usize,
    /// Folder for a file; by default rows stay in memory and are discarded.
    folder: Option<PathBuf>,
}

/// Names for the comparisons below the table.
pub const INSERTS: &str = "firn-inserts";
pub const INSERTS_TWICE: &str = "firn-inserts-2-threads";
pub const CHANGES: &str = "firn-changes";
pub const CHANGES_TWICE: &str = "firn-changes-2-threads";
pub const TO_FILE: &str = "firn-to-file";

/// All configurations. `folder` is the folder for files.
pub fn contenders(folder: &Path) -> [Ours; 5] {
    let inserts = Ours {
        name: INSERTS,
        program: "**Firn**, inserts",
        options: Options::default(),
        rows: 20_000_000,
        threads: 1,
        folder: None,
    };
    let changes = Ours {
        name: CHANGES,
        program: "**Firn**, a stream of changes (30 % updates, 5 % deletes)",
        options: Options {
            updates: 0.3,
            deletes: 0.05,
            ..Options::default()
        },
        rows: 20_000_000,
        threads: 1,
        folder: None,
    };
    [
        Ours {
            name: INSERTS_TWICE,
            program: "**Firn**, inserts, two threads",
            threads: 2,
            ..inserts.clone()
        },
        Ours {
            name: CHANGES_TWICE,
            program: "**Firn**, a stream of changes, two threads",
            threads: 2,
            ..changes.clone()
        },
        Ours {
            name: TO_FILE,
            program: "**Firn**, inserts to a new file, two threads that generate and write",
            rows: 8_000_000,
            threads: 2,
            folder: Some(folder.to_owned()),
            ..inserts.clone()
        },
        inserts,
        changes,
    ]
}

/// At least `bytes` bytes of insert rows.
///
/// # Errors
/// The options of the generator are invalid.
pub fn ready_made(bytes: usize) -> Result<Vec<u8>, Failure> {
    let mut generator = Generator::new(Options::default())?;
    let mut rows = Vec::with_capacity(bytes);
    while rows.len() < bytes {
        let piece = generator.next_piece().ok_or("the unlimited stream ended")?;
        rows.extend_from_slice(piece.bytes);
    }
    Ok(rows)
}

impl Peer for Ours {
    fn name(&self) -> &str {
        self.name
    }

    fn cores(&self) -> Cores {
        if self.threads == 1 && self.folder.is_none() {
            Cores::One
        } else {
            Cores::All
        }
    }

    fn run(&self) -> Result<Run, Failure> {
        let mut generator = Generator::new(self.options.clone())?;
        generator.end_at(self.rows)?;
        let mut sink = Sink {
            file: self
                .folder
                .as_ref()
                .map(tempfile::tempfile_in)
                .transpose()?,
            rows: 0,
            bytes: 0,
        };
        let started = Instant::now();
        if self.cores() == Cores::One {
            while let Some(piece) = generator.next_piece() {
                sink.take(piece.rows, piece.bytes)?;
            }
        } else {
            in_parallel(&mut generator, self.threads, |piece| {
                sink.take(piece.rows, piece.bytes)
            })?;
        }
        let seconds = started.elapsed().as_secs_f64();
        Ok(Run {
            program: self.program.to_owned(),
            rows: sink.rows,
            bytes: sink.bytes,
            seconds,
        })
    }
}

/// Counts pieces, and writes them if there is a file.
struct Sink {
    file: Option<File>,
    rows: u64,
    bytes: u64,
}

impl Sink {
    fn take(&mut self, rows: usize, piece: &[u8]) -> Result<(), Failure> {
        self.rows += rows as u64;
        self.bytes += std::hint::black_box(piece).len() as u64;
        if let Some(file) = &mut self.file {
            file.write_all(piece)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_configuration_generates_the_requested_rows() {
        for ours in contenders(&std::env::temp_dir()) {
            let run = Ours {
                rows: 1_000,
                ..ours
            }
            .run()
            .unwrap();
            assert_eq!(run.rows, 1_000, "{}", run.program);
        }
    }
}
