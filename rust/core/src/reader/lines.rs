//! The lines of a text, one after the other.

use std::io::Read;

use super::piece::{MOST_BYTES_OF_A_LONG_ROW, MOST_RAW_BYTES};
use super::text::Text;
use crate::error::{Error, Result};

const BUFFER_BYTES: usize = 256 << 10;

/// The maximum length of a line.
const MOST_LINE_BYTES: usize = 64 << 20;

pub(super) struct Lines<R> {
    input: Text<R>,
    buffer: Vec<u8>,
    filled: usize,
    at: usize,
    is_last: bool,
    /// Whether the rest of a line that was cut has to be skipped.
    is_within_long_line: bool,
    number: u64,
}

/// A line, without its end.
pub(super) struct Line<'b> {
    pub bytes: &'b [u8],
    /// From 1.
    pub number: u64,
    /// Whether it is longer than the maximum.
    pub is_cut: bool,
}

impl Line<'_> {
    /// The part of a rejected line that is kept.
    pub fn kept(&self) -> &[u8] {
        let most = if self.is_cut {
            MOST_BYTES_OF_A_LONG_ROW
        } else {
            MOST_RAW_BYTES
        };
        &self.bytes[..self.bytes.len().min(most)]
    }
}

impl<R: Read> Lines<R> {
    pub fn new(input: Text<R>) -> Self {
        Self {
            input,
            buffer: vec![0; BUFFER_BYTES],
            filled: 0,
            at: 0,
            is_last: false,
            is_within_long_line: false,
            number: 0,
        }
    }

    /// The next line that is not blank.
    pub fn next(&mut self) -> Result<Option<Line<'_>>> {
        if self.is_done()? {
            return Ok(None);
        }
        let start = self.at;
        let end = self.line_end();
        let size = end.unwrap_or(self.filled) - start;
        let is_cut = size >= MOST_LINE_BYTES;
        self.is_within_long_line = end.is_none() && !self.is_last;
        self.at = end.map_or(self.filled, |end| end + 1);
        self.number += 1;
        let bytes = &self.buffer[start..start + size];
        Ok(Some(Line {
            bytes: bytes.strip_suffix(b"\r").unwrap_or(bytes),
            number: self.number,
            is_cut,
        }))
    }

    /// Whether only blank lines are left; otherwise the next line is in the buffer, whole or cut.
    pub fn is_done(&mut self) -> Result<bool> {
        loop {
            let end = self.line_end();
            let rest = &self.buffer[self.at..end.unwrap_or(self.filled)];
            let is_blank = rest
                .iter()
                .all(|byte| byte.is_ascii_whitespace() || *byte == 0x1a);
            if self.is_within_long_line || is_blank && (end.is_some() || self.is_last) {
                self.number += u64::from(!self.is_within_long_line);
                self.is_within_long_line &= end.is_none();
                self.at = end.map_or(self.filled, |end| end + 1);
                if self.at == self.filled && self.is_last {
                    return Ok(true);
                }
                if self.at < self.filled {
                    continue;
                }
            } else if end.is_some() || self.is_last || rest.len() >= MOST_LINE_BYTES {
                return Ok(false);
            }
            self.fill()?;
        }
    }

    fn line_end(&self) -> Option<usize> {
        memchr::memchr(b'\n', &self.buffer[self.at..self.filled]).map(|end| self.at + end)
    }

    fn fill(&mut self) -> Result<()> {
        let is_last = self
            .input
            .fill(&mut self.buffer, &mut self.at, &mut self.filled);
        let of_line = |error| Error::from(error).context(format!("after line {}", self.number));
        self.is_last |= is_last.map_err(of_line)?;
        Ok(())
    }
}
