//! What the machine itself allows: copying rows that are ready, and writing them to a fresh file.

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use crate::peer::{Cores, Failure, Peer, Run};

/// The name of [`ReadyToFile`].
pub const READY_TO_FILE: &str = "ready-to-file";

/// Rows made beforehand.
pub struct Ready {
    pub bytes: Vec<u8>,
}

impl Ready {
    /// As many rows as `bytes` of the sample hold on average.
    fn rows_in(&self, bytes: u64) -> u64 {
        let lines = self.bytes.iter().filter(|&&byte| byte == b'\n').count() as u64;
        (u128::from(bytes) * u128::from(lines) / self.bytes.len().max(1) as u128) as u64
    }
}

/// Copies ready-made rows from memory to memory.
pub struct Copying<'a> {
    pub ready: &'a Ready,
    /// Small: from cache to cache. The whole sample: through main memory.
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
        // Written once before, so that the pages exist.
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
            program: format!("memcpy of such rows, {size} at a time"),
            rows: self.ready.rows_in(bytes),
            bytes,
            seconds,
        })
    }
}

/// Writes ready-made rows to a fresh file, without fsync.
pub struct ReadyToFile<'a> {
    pub ready: &'a Ready,
    pub folder: PathBuf,
    pub total_bytes: u64,
}

/// As large as a generator's buffers are.
const WRITE_BYTES: usize = 1 << 20;

impl Peer for ReadyToFile<'_> {
    fn name(&self) -> &str {
        READY_TO_FILE
    }

    fn cores(&self) -> Cores {
        Cores::All
    }

    fn run(&self) -> Result<Run, Failure> {
        // It has no name, so nothing is left behind whatever happens.
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
        let program = "ready-made rows to a fresh file".to_owned();
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
    fn ready_rows_are_counted_by_their_share() {
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
