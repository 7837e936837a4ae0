//! Cuts a file into pieces of whole records, in turn, for threads that then split them each.

use std::error::Error;
use std::io::Read;

use super::split::{Peculiar, Splitter};
use crate::engine::files::csv::BYTE_ORDER_MARK;

/// About so long is a piece.
const PIECE_BYTES: usize = 2 * 1024 * 1024;
/// Records that are longer are for the exact reader.
const LONGEST_RECORD_BYTES: usize = 128 * 1024 * 1024;

/// Some records of a file.
#[derive(Debug)]
pub struct Piece {
    pub bytes: Vec<u8>,
    /// What was read of it.
    pub at: usize,
    /// The number of its next row, if each of its line ends ends one.
    pub row: u64,
    /// The number that the row behind it has, then.
    pub next_row: u64,
    /// The file ends with it.
    pub is_last: bool,
}

/// What stands before a file's first row, beside a byte order mark.
#[derive(Clone, Copy, Debug)]
pub enum Skip {
    Lines(u64),
    /// A header that has been read, with the mark.
    Bytes(usize),
}

/// A file that is cut.
pub struct Pieces {
    file: Box<dyn Read + Send>,
    /// The beginning of the next piece.
    rest: Vec<u8>,
    rows: u64,
    skip: Skip,
    is_first: bool,
    is_done: bool,
    piece_bytes: usize,
}

impl Pieces {
    pub fn new(file: Box<dyn Read + Send>, skip: Skip) -> Self {
        Self {
            file,
            rest: Vec::new(),
            rows: 0,
            skip,
            is_first: true,
            is_done: false,
            piece_bytes: PIECE_BYTES,
        }
    }

    /// With pieces of another length.
    #[cfg(test)]
    pub fn of_length(mut self, bytes: usize) -> Self {
        self.piece_bytes = bytes;
        self
    }

    /// The next piece; none at the end.
    ///
    /// # Errors
    /// If the file cannot be read, or is for the exact reader.
    pub fn next(&mut self, splitter: &Splitter) -> Result<Option<Piece>, Box<dyn Error>> {
        if self.is_done {
            return Ok(None);
        }
        let mut wanted = self.piece_bytes.max(BYTE_ORDER_MARK.len());
        if let (true, Skip::Bytes(header)) = (self.is_first, self.skip) {
            wanted += header;
        }
        loop {
            self.fill(wanted)?;
            if self.is_first {
                self.skip_header()?;
                self.is_first = false;
            }
            if self.is_done {
                break;
            }
            if let Some((length, ends)) = splitter.whole_records(&self.rest) {
                let rest = self.rest.split_off(length);
                return Ok(Some(self.piece(rest, ends, false)));
            }
            wanted = self.rest.len() * 2 + self.piece_bytes;
            if wanted > LONGEST_RECORD_BYTES {
                return Err(Peculiar("a long record").into());
            }
        }
        if self.rest.is_empty() {
            return Ok(None);
        }
        let whole = splitter.whole_records(&self.rest);
        let ends = match whole {
            Some((length, ends)) if length == self.rest.len() => ends,
            whole => whole.map_or(0, |(_, ends)| ends) + 1,
        };
        Ok(Some(self.piece(Vec::new(), ends, true)))
    }

    fn piece(&mut self, rest: Vec<u8>, rows: u64, is_last: bool) -> Piece {
        let row = self.rows + 1;
        self.rows += rows;
        Piece {
            bytes: std::mem::replace(&mut self.rest, rest),
            at: 0,
            row,
            next_row: row + rows,
            is_last,
        }
    }

    /// Reads until `rest` has so many bytes, or the file ends.
    fn fill(&mut self, wanted: usize) -> std::io::Result<()> {
        let missing = wanted.saturating_sub(self.rest.len());
        self.rest.reserve(missing);
        let read = (&mut self.file)
            .take(missing as u64)
            .read_to_end(&mut self.rest)?;
        self.is_done = read < missing;
        Ok(())
    }

    fn skip_header(&mut self) -> Result<(), Box<dyn Error>> {
        let lines = match self.skip {
            Skip::Lines(lines) => lines,
            Skip::Bytes(header) => {
                self.rest.drain(..header.min(self.rest.len()));
                return Ok(());
            }
        };
        if self.rest.starts_with(BYTE_ORDER_MARK) {
            self.rest.drain(..BYTE_ORDER_MARK.len());
        }
        for _ in 0..lines {
            match memchr::memchr(b'\n', &self.rest) {
                Some(end) => drop(self.rest.drain(..=end)),
                None if self.is_done => self.rest.clear(),
                None => return Err(Peculiar("a long header").into()),
            }
        }
        Ok(())
    }
}
