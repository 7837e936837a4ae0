//! Files as bytes: plain, or compressed by gzip, zstd, bzip2, xz or zip, which is detected by their first bytes, not by their names.

use std::io::{self, BufRead, BufReader, Read};

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::GzDecoder;
use lzma_rust2::XzReader;

use super::archive;
use crate::error::{Error, Result};

/// An open file, decompressed while it is read.
pub type Source = Box<dyn Read + Send>;

/// The maximum number of nested compressions: an archive that contains itself is endless.
const MOST_LAYERS: usize = 3;

/// The content of an open file; `on_read` receives every compressed byte of the file, once and in order.
///
/// # Errors
/// `Config` if it is an archive of several files or a workbook; `Rejected` if it is empty.
pub fn decoded(
    file: impl Read + Send + 'static,
    on_read: impl FnMut(&[u8]) + Send + 'static,
) -> Result<Source> {
    decompressed(Box::new(Seen {
        inner: file,
        on_read,
    }))
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

/// Wraps `input` in decompressors, layer by layer.
pub(super) fn decompressed(mut input: Source) -> Result<Source> {
    for layer in 0..=MOST_LAYERS {
        let mut magic = Vec::with_capacity(10);
        input.by_ref().take(10).read_to_end(&mut magic)?;
        let kind = magic.clone();
        let whole = io::Cursor::new(magic).chain(input);
        let buffered = |whole| BufReader::with_capacity(1 << 16, whole);
        let (inner, format): (Source, _) = match kind.as_slice() {
            [] if layer == 0 => {
                return Err(Error::rejected("file is empty: expected a header row"));
            }
            [0x1f, 0x8b, ..] => (Box::new(Members::new(buffered(whole))), "gzip"),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => {
                let decoder = zstd::stream::read::Decoder::with_buffer(buffered(whole))?;
                (Box::new(decoder), "zstd")
            }
            [
                b'B',
                b'Z',
                b'h',
                b'1'..=b'9',
                0x31,
                0x41,
                0x59,
                0x26,
                0x53,
                0x59,
            ] => (Box::new(MultiBzDecoder::new(buffered(whole))), "bzip2"),
            [0xfd, b'7', b'z', b'X', b'Z', 0x00, ..] => {
                (Box::new(XzReader::new(buffered(whole), true)), "xz")
            }
            [b'P', b'K', 3 | 5, 4 | 6, ..] => (archive::only_file(whole)?, "zip"),
            _ => return Ok(Box::new(whole)),
        };
        input = Box::new(Named { inner, format });
    }
    Err(Error::config(format!(
        "file is compressed more than {MOST_LAYERS} times over: unpack it"
    )))
}

/// The members of a gzip file, one after the other. Zeros after the last are padding, as in gzip(1).
struct Members<R> {
    /// None once the last member has been read.
    member: Option<GzDecoder<R>>,
}

impl<R: BufRead> Members<R> {
    fn new(input: R) -> Self {
        Self {
            member: Some(GzDecoder::new(input)),
        }
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let read = member.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            self.member = match self.member.take() {
                Some(member) => next_member(member.into_inner())?,
                None => None,
            };
        }
        Ok(0)
    }
}

fn next_member<R: BufRead>(mut input: R) -> io::Result<Option<GzDecoder<R>>> {
    let mut is_padded = false;
    loop {
        let bytes = input.fill_buf()?;
        if bytes.is_empty() {
            return Ok(None);
        }
        if bytes[0] == 0x1f && !is_padded {
            return Ok(Some(GzDecoder::new(input)));
        }
        if bytes.iter().any(|byte| *byte != 0) {
            return Err(io::Error::other("other data follows the compressed data"));
        }
        is_padded = true;
        let zeros = bytes.len();
        input.consume(zeros);
    }
}

/// Adds the format to the errors of a decompressor.
struct Named<R> {
    inner: R,
    format: &'static str,
}

impl<R: Read> Read for Named<R> {
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
