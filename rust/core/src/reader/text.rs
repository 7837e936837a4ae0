//! Decodes bytes as UTF-8; the encoding is given by a byte order mark or the contract.

use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::contract::Encoding;
use crate::error::Result;

/// The number of bytes that are inspected before the rows are read.
const HEAD_BYTES: usize = 64 << 10;

/// A file's text. UTF-8 is not checked here, but row by row.
pub(super) struct Text<R> {
    inner: R,
    /// Bytes that have been read or decoded ahead, from `at` on.
    ahead: Vec<u8>,
    at: usize,
    decoding: Option<Decoding>,
}

struct Decoding {
    decoder: Kind,
    encoding: Encoding,
    input: Vec<u8>,
    is_last: bool,
}

enum Kind {
    Rules(Box<Decoder>),
    Latin1,
}

const MARKS: [(&[u8], Encoding); 3] = [
    (b"\xef\xbb\xbf", Encoding::Utf8),
    (b"\xff\xfe", Encoding::Utf16Le),
    (b"\xfe\xff", Encoding::Utf16Be),
];

impl<R: Read> Text<R> {
    /// Reads the beginning of a file; a byte order mark overrides `encoding`.
    pub fn open(mut inner: R, encoding: Option<Encoding>) -> Result<Self> {
        let mut ahead = Vec::new();
        inner
            .by_ref()
            .take(HEAD_BYTES as u64)
            .read_to_end(&mut ahead)?;
        let mark = MARKS.iter().find(|(mark, _)| ahead.starts_with(mark));
        let at = mark.map_or(0, |(mark, _)| mark.len());
        let encoding = mark.map(|(_, encoding)| *encoding).or(encoding);
        let mut text = Self {
            inner,
            ahead,
            at,
            decoding: None,
        };
        let decoder = match encoding {
            None | Some(Encoding::Utf8) => return Ok(text),
            Some(Encoding::Latin1) => Kind::Latin1,
            Some(Encoding::Utf16Le) => rules(UTF_16LE),
            Some(Encoding::Utf16Be) => rules(UTF_16BE),
            Some(Encoding::Windows1252) => rules(WINDOWS_1252),
        };
        text.decoding = Some(Decoding {
            decoder,
            encoding: encoding.unwrap_or(Encoding::Utf8),
            input: text.ahead.split_off(at),
            is_last: false,
        });
        text.ahead.clear();
        text.at = 0;
        text.decode()?;
        Ok(text)
    }

    /// The bytes that have been read ahead; all of a short file.
    pub fn head(&self) -> &[u8] {
        &self.ahead[self.at..]
    }

    /// Whether the text is decoded from a known encoding.
    pub fn is_decoded(&self) -> bool {
        self.decoding.is_some()
    }

    /// Moves the rest of a buffer, from `at` on, to its front, and reads until it is full; enlarges a buffer without free space. True at the
    /// text's end.
    pub fn fill(
        &mut self,
        buffer: &mut Vec<u8>,
        at: &mut usize,
        filled: &mut usize,
    ) -> io::Result<bool> {
        buffer.copy_within(*at..*filled, 0);
        *filled -= *at;
        *at = 0;
        if *filled == buffer.len() {
            buffer.resize(*filled * 2, 0);
        }
        while *filled < buffer.len() {
            match self.read(&mut buffer[*filled..]) {
                Ok(0) => return Ok(true),
                Ok(read) => *filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// Decodes the bytes that have been read ahead, or the next ones.
    fn decode(&mut self) -> io::Result<()> {
        let Some(decoding) = &mut self.decoding else {
            return Ok(());
        };
        self.ahead.clear();
        self.at = 0;
        while self.ahead.is_empty() && !decoding.is_last {
            if decoding.input.is_empty() {
                let room = HEAD_BYTES as u64;
                let read = self
                    .inner
                    .by_ref()
                    .take(room)
                    .read_to_end(&mut decoding.input)?;
                decoding.is_last = read == 0;
            }
            decoding.step(&mut self.ahead)?;
        }
        Ok(())
    }
}

impl Decoding {
    /// Appends the input as UTF-8.
    fn step(&mut self, output: &mut Vec<u8>) -> io::Result<()> {
        // One byte becomes at most three.
        let room = self.input.len() * 3 + 16;
        output.resize(room, 0);
        let written = match &mut self.decoder {
            Kind::Latin1 => encoding_rs::mem::convert_latin1_to_utf8(&self.input, output),
            Kind::Rules(decoder) => {
                let (result, _, written) =
                    decoder.decode_to_utf8_without_replacement(&self.input, output, self.is_last);
                match result {
                    DecoderResult::InputEmpty => written,
                    DecoderResult::OutputFull | DecoderResult::Malformed(..) => {
                        return Err(io::Error::new(
                            io::ErrorKind::InvalidData,
                            format!(
                                "the text is not valid {}: set the right `encoding` under [source] in the contract, or fetch the file again",
                                self.encoding.name()
                            ),
                        ));
                    }
                }
            }
        };
        output.truncate(written);
        self.input.clear();
        Ok(())
    }
}

fn rules(encoding: &'static encoding_rs::Encoding) -> Kind {
    Kind::Rules(Box::new(encoding.new_decoder_without_bom_handling()))
}

impl<R: Read> Read for Text<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.ahead.len() {
            if self.decoding.is_none() {
                return self.inner.read(buffer);
            }
            self.decode()?;
        }
        let rest = &self.ahead[self.at..];
        let size = rest.len().min(buffer.len());
        buffer[..size].copy_from_slice(&rest[..size]);
        self.at += size;
        Ok(size)
    }
}
