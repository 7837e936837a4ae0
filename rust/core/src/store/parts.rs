//! Compresses the content of an object and cuts it into parts, on a thread of its own.

use std::sync::mpsc::{Receiver, SyncSender};

use super::Compression;
use crate::error::{Error, Result};

/// S3's limit of 10,000 parts is far more than an object needs, and a few parts fit into any memory.
const PART_BYTES: usize = 8 << 20;

/// The parts that have been made and not sent yet.
pub(super) type Parts = Receiver<Vec<u8>>;

/// Waits for a part on a blocking thread.
pub(super) async fn next_part(parts: Parts) -> Result<(Parts, Option<Vec<u8>>)> {
    tokio::task::spawn_blocking(move || {
        let part = parts.recv().ok();
        (parts, part)
    })
    .await
    .map_err(|_| Error::bug("the thread that uploads parts panicked"))
}

/// Cuts the written bytes into parts; a full channel blocks the writer, so memory stays bounded.
struct PartWriter {
    part: Vec<u8>,
    sender: SyncSender<Vec<u8>>,
}

impl PartWriter {
    fn send(&mut self) -> std::io::Result<()> {
        let part = std::mem::take(&mut self.part);
        self.sender
            .send(part)
            .map_err(|_| std::io::Error::other("the upload was stopped"))
    }
}

impl std::io::Write for PartWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let room = PART_BYTES - self.part.len();
        let taken = &bytes[..bytes.len().min(room)];
        self.part.extend_from_slice(taken);
        if self.part.len() == PART_BYTES {
            self.send()?;
        }
        Ok(taken.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Runs `make`, whose output becomes parts; the last may be short.
pub(super) fn compress<T>(
    compression: Compression,
    sender: SyncSender<Vec<u8>>,
    make: impl FnOnce(&mut dyn std::io::Write) -> Result<T>,
) -> Result<T> {
    let output = PartWriter {
        part: Vec::new(),
        sender,
    };
    let (made, mut output) = match compression {
        Compression::None => {
            let mut output = output;
            (make(&mut output)?, output)
        }
        Compression::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(output, flate2::Compression::fast());
            (make(&mut encoder)?, encoder.finish()?)
        }
        Compression::Zstd => {
            let mut encoder = zstd::stream::write::Encoder::new(output, 1)?;
            (make(&mut encoder)?, encoder.finish()?)
        }
    };
    if !output.part.is_empty() {
        output.send()?;
    }
    Ok(made)
}
