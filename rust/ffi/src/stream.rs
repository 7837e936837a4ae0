//! A generated stream, read file by file into buffers of the caller's size. Adapts the pieces of the core to the reads of a caller;
//! generates nothing itself.

use std::sync::{Mutex, MutexGuard, PoisonError};

use firn::Error;
use firn::generator::{FileId, Generator, OptionSpec, Options, Piece, Position, Tally};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::tickets::Session;

/// A stream behind a handle. Calls wait for each other.
pub struct Stream(Mutex<Reader>);

impl Session for Stream {
    const WHAT: &'static str = "a generator";
}

impl Stream {
    /// Opens the stream of the JSON document `options`, at the JSON document `position` if there is one, up to the event before `end`.
    ///
    /// # Errors
    /// `Config` if a document or an option is invalid.
    pub fn open(options: &str, position: Option<&str>, end: Option<u64>) -> Result<Self, Error> {
        let options = Options::from_json(options)?;
        let mut generator = match position {
            Some(json) => Generator::resume(options, position_of(json)?)?,
            None => Generator::new(options)?,
        };
        if let Some(end) = end {
            generator.end_at(end)?;
        }
        Ok(Self(Mutex::new(Reader {
            generator,
            file: None,
            rest: Vec::new(),
            read: 0,
            complete: false,
        })))
    }

    /// The reader, for one caller at a time. After a panic the stream must not continue.
    ///
    /// # Errors
    /// `Bug` after a panic.
    pub fn lock(&self) -> Result<MutexGuard<'_, Reader>, Error> {
        self.0.lock().map_err(|poisoned| {
            drop(PoisonError::into_inner(poisoned));
            Error::bug("the generator panicked in an earlier call: close it, and open it at the position after the last complete file")
        })
    }
}

/// Checks the JSON document `options`, and returns it with every option, with numbers in place of texts.
///
/// # Errors
/// `Config`, with the reason.
pub fn check(options: &str) -> Result<Map<String, Value>, Error> {
    Options::from_json(options)?.values()
}

/// Checks the text of one option.
///
/// # Errors
/// `Config`, with the reason.
pub fn check_option(name: &str, text: &str) -> Result<(), Error> {
    let value = OptionSpec::named(name)?.parse(text);
    value
        .map_err(|invalid| Error::config(invalid.to_string()))
        .map(drop)
}

fn position_of(json: &str) -> Result<Position, Error> {
    serde_json::from_str(json).map_err(|error| {
        Error::config(format!(
            "invalid stream position: expected the position of a report: {error}"
        ))
    })
}

/// The current file, with its bytes that the caller has not read yet.
pub struct Reader {
    generator: Generator,
    file: Option<FileId>,
    rest: Vec<u8>,
    /// The number of bytes of `rest` that have been read.
    read: usize,
    /// Whether the core has delivered the file's last piece.
    complete: bool,
}

/// Counts of a file, and the position of the stream after it.
#[derive(Serialize)]
pub struct Report {
    pub first_sequence: u64,
    pub rows: u64,
    pub inserts: u64,
    pub updates: u64,
    pub deletes: u64,
    pub duplicates: u64,
    pub late: u64,
    pub malformed: usize,
    pub position: Position,
}

impl Reader {
    /// Starts the next file; unread bytes of the last one are skipped. False when the run has ended.
    pub fn next_file(&mut self) -> bool {
        while self.file.is_some() && !self.complete {
            self.rest.clear();
            if !self.fetch() {
                break;
            }
        }
        self.file = None;
        self.rest.clear();
        self.generator.take_tally();
        self.fetch()
    }

    /// Fills `out`, and returns the number of bytes: less than `out.len()` only at the end of the file.
    pub fn read(&mut self, out: &mut [u8]) -> usize {
        let mut filled = 0;
        while filled < out.len() && self.file.is_some() {
            let unread = &self.rest[self.read..];
            let taken = unread.len().min(out.len() - filled);
            out[filled..filled + taken].copy_from_slice(&unread[..taken]);
            filled += taken;
            self.read += taken;
            if self.read == self.rest.len() && (self.complete || !self.fetch()) {
                break;
            }
        }
        filled
    }

    /// Fetches the next piece into `rest`. False when there is none.
    fn fetch(&mut self) -> bool {
        let Some(Piece {
            file,
            closes,
            bytes,
            ..
        }) = self.generator.next_piece()
        else {
            return false;
        };
        self.rest.clear();
        self.rest.extend_from_slice(bytes);
        self.read = 0;
        self.file = Some(file);
        self.complete = closes;
        true
    }

    /// The counts of the file that was read.
    ///
    /// # Errors
    /// `Config` before its last byte was read, as the counts are not final.
    pub fn report(&self) -> Result<Report, Error> {
        let Some(file) = self
            .file
            .filter(|_| self.complete && self.read == self.rest.len())
        else {
            return Err(Error::config(
                "no file was read to its end: start the next file, and read until 0 bytes are returned",
            ));
        };
        let tally: &Tally = self.generator.tally();
        Ok(Report {
            first_sequence: file.first_sequence,
            rows: tally.rows,
            inserts: tally.inserts,
            updates: tally.updates,
            deletes: tally.deletes,
            duplicates: tally.duplicates,
            late: tally.late,
            malformed: tally.malformed.len(),
            position: self.generator.position(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPTIONS: &str = r#"{"seed": 7, "rows_per_file": 3000, "updates": 0.4, "deletes": 0.1, "late": 0.05, "malformed": 0.02}"#;

    fn whole_file(reader: &mut Reader, room: usize) -> Vec<u8> {
        let mut file = Vec::new();
        let mut buffer = vec![0; room];
        loop {
            let filled = reader.read(&mut buffer);
            if filled == 0 {
                return file;
            }
            file.extend_from_slice(&buffer[..filled]);
        }
    }

    #[test]
    fn the_bytes_do_not_depend_on_the_buffer() {
        let files = |room: usize| {
            let stream = Stream::open(OPTIONS, None, Some(7000)).unwrap();
            let mut reader = stream.lock().unwrap();
            let mut files = Vec::new();
            while reader.next_file() {
                files.push(whole_file(&mut reader, room));
            }
            files
        };
        let whole = files(1 << 20);
        assert_eq!(whole.len(), 3);
        assert_eq!(files(1), whole);
        assert_eq!(files(777), whole);
    }

    #[test]
    fn the_position_after_a_file_is_enough_to_resume() {
        let stream = Stream::open(OPTIONS, None, None).unwrap();
        let mut reader = stream.lock().unwrap();
        assert!(reader.next_file());
        whole_file(&mut reader, 4096);
        let report = reader.report().unwrap();
        assert_eq!(report.inserts + report.updates + report.deletes, 3000);
        assert!(reader.next_file());
        let second = whole_file(&mut reader, 4096);

        let position = serde_json::to_string(&report.position).unwrap();
        let resumed = Stream::open(OPTIONS, Some(&position), None).unwrap();
        let mut resumed = resumed.lock().unwrap();
        assert!(resumed.next_file());
        assert!(whole_file(&mut resumed, 1 << 16) == second);
    }

    #[test]
    fn unread_bytes_of_a_file_are_skipped() {
        let stream = Stream::open(OPTIONS, None, None).unwrap();
        let mut reader = stream.lock().unwrap();
        assert!(reader.next_file());
        reader.read(&mut [0; 100]);
        assert!(reader.report().is_err());
        assert!(reader.next_file());
        whole_file(&mut reader, 4096);
        assert_eq!(reader.report().unwrap().first_sequence, 3000);
    }

    #[test]
    fn invalid_options_are_reported_with_a_reason() {
        let refused = |options| check(options).unwrap_err().to_string();
        assert!(refused(r#"{"sead": 1}"#).starts_with("invalid generator option `sead`"));
        assert!(refused(r#"{"late": 2}"#).starts_with("option `late`: invalid fraction `2`"));
        assert!(refused("\u{0}garbage").starts_with("invalid generator options: "));
    }

    #[test]
    fn one_option_is_checked_as_the_text_of_a_property() {
        assert!(check_option("late", "10%").is_ok());
        assert_eq!(
            check_option("late", "2").unwrap_err().to_string(),
            "invalid fraction `2`: expected 0 to 1, or a percentage such as 10%"
        );
    }

    #[test]
    fn checked_options_are_complete_and_typed() {
        let checked = check(r#"{"seed": "42", "gap_micros": "1 sec"}"#).unwrap();
        assert_eq!(checked["seed"], 42);
        assert_eq!(checked["gap_micros"], 1_000_000);
        assert_eq!(checked["rows_per_file"], 100_000);
    }
}
