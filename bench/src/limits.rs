//! The limits of the machine: copying prepared rows, and writing them to a new file.

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use crate::peer::{Cores, Failure, Peer, Run};

/// The name of [`ReadyToFile`].
pub const READY_TO_FILE: &str = "ready-to-file";

/// Prepared rows.
pub struct Ready {
    pub bytes: Vec<u8>,
}

impl Ready {
    /// The average number of rows in `bytes` bytes of the sample.
    fn rows_in(&self, bytes: u64) -> u64 {
        let lines = self.bytes.iter().filter(|&&byte| byte == b'\n').count() as u64;
        (u128::from(bytes) * u128::from(lines) / self.bytes.len().max(1) as u128) as u64
    }
}

/// Copies prepared rows from memory to memory.
pub struct Copying<'a> {
    pub ready: &'a Ready,
    /// A small window stays in the cache; the whole sample needs main memory.
    pub window_bytes: usize,
    pub total_bytes: u64,
}

impl Peer for Copying<'_> {
    fn name(&self) -> &str {
        "memcpy"
    }

    fn run(&self) -> Result<Run, Failure> {
        let window = self.window_bytes.min(self.ready.bytes.len());
        let source = &self.ready.bytes[..window];
        // Written once before the measurement, so that the pages exist.
        let mut target = source.to_vec();
        let started = Instant::now();
        let mut bytes = 0;
        while bytes < self.total_bytes {
            std::hint::black_box(&mut target).copy_from_slice(std::hint::black_box(source));
            bytes += window as u64;
        }
        let seconds = started.elapsed().as_secs_f64();
        let size = if window < 1 << 20 {
            format!("{} KiB", window >> 10)
        } else {
            format!("{} MiB", window >> 20)
        };
        Ok(Run {
            program: format!("memcpy of prepared rows, {size} at a time"),
            rows: self.ready.rows_in(bytes),
            bytes,
            seconds,
        })
    }
}

/// Writes prepared rows to a new file, without fsync.
pub struct ReadyToFile<'a> {
    pub ready: &'a Ready,
    pub folder: PathBuf,
    pub total_bytes: u64,
}

/// As large as the generator's buffers.
const WRITE_BYTES: usize = 1 << 20;

impl Peer for ReadyToFile<'_> {
    fn name(&self) -> &str {
        READY_TO_FILE
    }

    fn cores(&self) -> Cores {
        Cores::All
    }

    fn run(&self) -> Result<Run, Failure> {
        // An unnamed file disappears even if this process is killed.
        let mut file = tempfile::tempfile_in(&self.folder)?;
        let started = Instant::now();
        let mut bytes = 0;
        for piece in self.ready.bytes.chunks(WRITE_BYTES).cycle() {
            if bytes >= self.total_bytes {
                break;
            }
            file.write_all(piece)?;
            bytes += piece.len() as u64;
        }
        let seconds = started.elapsed().as_secs_f64();
        let program = "prepared rows to a new file".to_owned();
        Ok(Run {
            program,
            rows: self.ready.rows_in(bytes),
            bytes,
            seconds,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_in_proportion_to_bytes() {
        let ready = Ready {
            bytes: b"a,b\nc,d\n".repeat(1 << 10),
        };
        let run = ReadyToFile {
            ready: &ready,
            folder: std::env::temp_dir(),
            total_bytes: 8_192 * 3,
        }
        .run()
        .unwrap();
        assert_eq!((run.rows, run.bytes), (2_048 * 3, 8_192 * 3));
    }
}
