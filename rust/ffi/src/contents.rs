//! Contents of the caller, such as NiFi's FlowFiles. The threads of a load request the next bytes, and the thread that called the
//! load serves the requests, as only that thread may read the contents. So a content of any size is loaded without a copy on the disk.

use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, SystemTime};

use firn::pipeline::{Content, Stamp};
use firn::{Error, Result};

use crate::failure::Failure;

/// The maximum number of bytes per call, as in `NativeContents` in Java.
const PIECE_BYTES: usize = 1 << 18;

/// The interval of the checks whether the caller cancels the load.
const CANCEL_CHECK: Duration = Duration::from_millis(200);

/// The maximum number of waiting requests.
const WAITING: usize = 8;

/// The caller's side: its contents by the number of the file in the request.
pub trait Caller {
    /// Returns to the start of a content.
    ///
    /// # Errors
    /// The error of the caller, which ends the load.
    fn rewind(&mut self, file: usize) -> Result<(), Failure>;

    /// Writes the next bytes of a content into the empty `piece`; none at its end.
    ///
    /// # Errors
    /// The error of the caller, which ends the load.
    fn read(&mut self, file: usize, piece: &mut Vec<u8>) -> Result<(), Failure>;

    /// Receives the next bytes of the CSV of a file's malformed rows.
    ///
    /// # Errors
    /// The error of the caller, which ends the load.
    fn rejected(&mut self, file: usize, csv: &[u8]) -> Result<(), Failure>;

    /// Whether the load should be cancelled.
    ///
    /// # Errors
    /// The error of the caller, which ends the load.
    fn is_cancelled(&mut self) -> Result<bool, Failure>;
}

enum Request {
    Rewind(usize),
    Read {
        file: usize,
        piece: Vec<u8>,
        answer: SyncSender<Vec<u8>>,
    },
    Rejected(usize, Vec<u8>),
    Finished,
}

/// The load's side.
#[derive(Clone)]
pub struct Requests(SyncSender<Request>);

/// The receiver of requests, for the caller's thread.
pub struct Answers(Receiver<Request>);

/// Why [`Answers::serve`] returned.
#[derive(Debug, Eq, PartialEq)]
pub enum Served {
    Finished,
    Cancelled,
}

pub fn channel() -> (Requests, Answers) {
    let (requests, answers) = sync_channel(WAITING);
    (Requests(requests), Answers(answers))
}

impl Answers {
    /// Serves requests until the load has finished or should be cancelled.
    ///
    /// # Errors
    /// The error of the caller.
    pub fn serve(&self, caller: &mut impl Caller) -> Result<Served, Failure> {
        loop {
            match self.0.recv_timeout(CANCEL_CHECK) {
                Ok(Request::Rewind(file)) => caller.rewind(file)?,
                Ok(Request::Read {
                    file,
                    mut piece,
                    answer,
                }) => {
                    piece.clear();
                    caller.read(file, &mut piece)?;
                    // An abandoned reader no longer waits for its response.
                    let _ = answer.send(piece);
                }
                Ok(Request::Rejected(file, csv)) => caller.rejected(file, &csv)?,
                Ok(Request::Finished) | Err(RecvTimeoutError::Disconnected) => {
                    return Ok(Served::Finished);
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            if caller.is_cancelled()? {
                return Ok(Served::Cancelled);
            }
        }
    }
}

impl Requests {
    fn send(&self, request: Request) -> io::Result<()> {
        self.0.send(request).map_err(|_| ended())
    }

    /// Signals that the load has finished, so that the caller's thread returns.
    pub fn finish(&self) {
        // If there is no receiver, the thread has already returned.
        let _ = self.send(Request::Finished);
    }

    /// The input for the file of this number.
    pub fn content(
        &self,
        file: usize,
        bytes: u64,
        modified: Option<SystemTime>,
    ) -> impl Content + use<> {
        CallersContent {
            requests: self.clone(),
            file,
            stamp: (bytes, modified),
        }
    }

    /// The writer for the CSV of a file's malformed rows.
    pub fn rejected(&self, file: usize) -> impl Write + Send + use<> {
        RejectedCsv {
            requests: self.clone(),
            file,
        }
    }
}

fn ended() -> io::Error {
    io::Error::other("the load has ended")
}

struct CallersContent {
    requests: Requests,
    file: usize,
    stamp: Stamp,
}

impl Content for CallersContent {
    fn read(&self) -> Result<Box<dyn Read + Send>> {
        self.requests
            .send(Request::Rewind(self.file))
            .map_err(gone)?;
        Ok(Box::new(Pieces {
            requests: self.requests.clone(),
            file: self.file,
            piece: Vec::with_capacity(PIECE_BYTES),
            read: 0,
        }))
    }

    fn stamp(&self) -> Result<Stamp> {
        Ok(self.stamp)
    }
}

fn gone(error: io::Error) -> Error {
    Error::transient("cannot read the content").with_source(error)
}

/// A content, piece by piece.
struct Pieces {
    requests: Requests,
    file: usize,
    piece: Vec<u8>,
    /// The number of bytes of the piece that have been read.
    read: usize,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.piece.len() {
            let (answer, answered) = sync_channel(1);
            self.requests.send(Request::Read {
                file: self.file,
                piece: std::mem::take(&mut self.piece),
                answer,
            })?;
            self.piece = answered.recv().map_err(|_| ended())?;
            self.read = 0;
        }
        let mut unread = &self.piece[self.read..];
        let read = unread.read(buffer)?;
        self.read += read;
        Ok(read)
    }
}

struct RejectedCsv {
    requests: Requests,
    file: usize,
}

impl Write for RejectedCsv {
    fn write(&mut self, csv: &[u8]) -> io::Result<usize> {
        let csv = &csv[..csv.len().min(PIECE_BYTES)];
        self.requests
            .send(Request::Rejected(self.file, csv.to_vec()))?;
        Ok(csv.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Contents with texts, returned three bytes at a time.
    struct Texts {
        texts: Vec<&'static str>,
        read: Vec<usize>,
        rejected: Vec<u8>,
        cancel: bool,
    }

    impl Texts {
        fn of(texts: &[&'static str]) -> Self {
            Self {
                texts: texts.to_vec(),
                read: vec![0; texts.len()],
                rejected: Vec::new(),
                cancel: false,
            }
        }
    }

    impl Caller for Texts {
        fn rewind(&mut self, file: usize) -> Result<(), Failure> {
            self.read[file] = 0;
            Ok(())
        }

        fn read(&mut self, file: usize, piece: &mut Vec<u8>) -> Result<(), Failure> {
            if self.texts[file].is_empty() {
                return Err(Failure::config("no such content"));
            }
            let unread = &self.texts[file].as_bytes()[self.read[file]..];
            piece.extend_from_slice(&unread[..unread.len().min(3)]);
            self.read[file] += piece.len();
            Ok(())
        }

        fn rejected(&mut self, _file: usize, csv: &[u8]) -> Result<(), Failure> {
            self.rejected.extend_from_slice(csv);
            Ok(())
        }

        fn is_cancelled(&mut self) -> Result<bool, Failure> {
            Ok(self.cancel)
        }
    }

    fn serve<T: Send>(
        caller: &mut Texts,
        load: impl FnOnce(Requests) -> T + Send,
    ) -> (Result<Served, Failure>, T) {
        let (requests, answers) = channel();
        std::thread::scope(|scope| {
            let load = scope.spawn(move || load(requests));
            let served = answers.serve(caller);
            drop(answers);
            (served, load.join().unwrap())
        })
    }

    fn whole(content: &impl Content) -> io::Result<String> {
        let mut text = String::new();
        content.read().unwrap().read_to_string(&mut text)?;
        Ok(text)
    }

    #[test]
    fn contents_are_read_again_from_their_start() {
        let mut caller = Texts::of(&["first text", "second"]);
        let (served, texts) = serve(&mut caller, |requests| {
            let contents = [0, 1, 0].map(|file| requests.content(file, 6, None));
            let texts = contents.map(|content| whole(&content).unwrap());
            requests.rejected(1).write_all(b"row 3").unwrap();
            requests.finish();
            texts
        });
        assert_eq!(served.unwrap(), Served::Finished);
        assert_eq!(texts, ["first text", "second", "first text"]);
        assert_eq!(caller.rejected, b"row 3");
    }

    #[test]
    fn a_caller_that_fails_ends_every_reader() {
        let mut caller = Texts::of(&["first", ""]);
        let (served, read) = serve(&mut caller, |requests| {
            [1, 0].map(|file| {
                let content = requests.content(file, 1, None);
                let mut reader = content.read().map_err(|error| error.to_string())?;
                let mut text = String::new();
                let read = reader.read_to_string(&mut text);
                read.map_err(|error| error.to_string())
            })
        });
        assert_eq!(served.unwrap_err().to_string(), "no such content");
        assert_eq!(read[0].clone().unwrap_err(), "the load has ended");
        assert_eq!(read[1].clone().unwrap_err(), "cannot read the content");
    }

    #[test]
    fn a_caller_cancels_a_load() {
        let mut caller = Texts::of(&["text"]);
        caller.cancel = true;
        let (served, ()) = serve(&mut caller, |requests| {
            while requests.send(Request::Rewind(0)).is_ok() {}
        });
        assert_eq!(served.unwrap(), Served::Cancelled);
    }
}
