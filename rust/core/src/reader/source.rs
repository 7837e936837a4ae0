//! Files as bytes: plain, gzip or zstd, told by their first bytes and not by their names.

use std::fs::File;
use std::io::{self, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

use crate::error::{Error, Result};

/// An open file, decompressed while it is read.
pub type Source = Box<dyn Read + Send>;

/// The content of an open file; `on_read` sees every byte of the file, once and in order, compressed as it is.
///
/// # Errors
/// `Rejected` if it is empty.
pub fn decoded(file: File, on_read: impl FnMut(&[u8]) + Send + 'static) -> Result<Source> {
    decompressed(Seen {
        inner: file,
        on_read,
    })
}

struct Seen<R, F> {
    inner: R,
    on_read: F,
}

impl<R: Read, F: FnMut(&[u8])> Read for Seen<R, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        (self.on_read)(&buffer[..read]);
        Ok(read)
    }
}

/// Wraps `input` in what decompresses it.
fn decompressed(mut input: impl Read + Send + 'static) -> Result<Source> {
    let mut magic = Vec::with_capacity(4);
    input.by_ref().take(4).read_to_end(&mut magic)?;
    let kind = magic.clone();
    let whole = BufReader::with_capacity(1 << 16, io::Cursor::new(magic).chain(input));
    match kind.as_slice() {
        [] => Err(Error::rejected("file is empty: expected a header row")),
        [0x1f, 0x8b, ..] => Ok(Box::new(Cut {
            inner: MultiGzDecoder::new(whole),
            format: "gzip",
        })),
        [0x28, 0xb5, 0x2f, 0xfd] => Ok(Box::new(Cut {
            inner: zstd::stream::read::Decoder::with_buffer(whole)?,
            format: "zstd",
        })),
        _ => Ok(Box::new(whole.into_inner())),
    }
}

/// Names the format in the errors of a decompressor.
struct Cut<R> {
    inner: R,
    format: &'static str,
}

impl<R: Read> Read for Cut<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => io::Error::new(
                io::ErrorKind::InvalidData,
                format!(
                    "the {} data is incomplete: fetch the file again",
                    self.format
                ),
            ),
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::Other => {
                io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!(
                        "the {} data is damaged ({error}): fetch the file again",
                        self.format
                    ),
                )
            }
            _ => error,
        })
    }
}
