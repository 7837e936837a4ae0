//! Which requests ran, on disk: so that a `requestId` sent again with `retry=true` does not run twice across a restart either.
//!
//! A line before a statement runs, a line with its answer after it. A request with the first line only was cut off by the end
//! of the process: whether it committed is not known, and that is what its retry is told.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

const FILE: &str = "requests.jsonl";
/// Longer answers are not kept across a restart; that they were given is.
const LONGEST_ANSWER_BYTES: usize = 16 * 1024;
/// A longer ledger is put aside, and a new one begun; the one put aside before it is forgotten.
const LONGEST_LEDGER_BYTES: u64 = 64 * 1024 * 1024;
/// A restart remembers so many requests, the latest.
const MOST_REMEMBERED: usize = 10_000;

/// A request of the last process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    pub user: String,
    pub request_id: String,
    pub handle: String,
    /// Its status and JSON, if it came to its end.
    pub answer: Option<(u16, Option<String>)>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
enum Line {
    Began {
        user: String,
        request_id: String,
        handle: String,
    },
    Ended {
        handle: String,
        status: u16,
        answer: Option<String>,
    },
}

/// The open ledger.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl Ledger {
    /// Opens the ledger in `dir` and gives the requests that it knows, oldest first.
    ///
    /// # Errors
    /// If `dir` cannot be read or written.
    pub fn open(dir: &Path) -> io::Result<(Self, Vec<Known>)> {
        fs::create_dir_all(dir)?;
        let path = dir.join(FILE);
        let mut known = Vec::new();
        for file in [aside(&path), path.clone()] {
            read(&file, &mut known)?;
        }
        known.drain(..known.len().saturating_sub(MOST_REMEMBERED));
        let fresh = dir.join("requests.new");
        let mut ledger = Self {
            file: File::create(&fresh)?,
            bytes: 0,
            path,
        };
        for request in &known {
            ledger.began(&request.user, &request.request_id, &request.handle)?;
            if let Some((status, answer)) = &request.answer {
                let (handle, answer) = (request.handle.clone(), answer.clone());
                ledger.write(&Line::Ended {
                    handle,
                    status: *status,
                    answer,
                })?;
            }
        }
        fs::rename(&fresh, &ledger.path)?;
        match fs::remove_file(aside(&ledger.path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok((ledger, known)),
        }
    }

    /// Notes that a request is about to run.
    ///
    /// # Errors
    /// If the disk refuses; the request must not run then.
    pub fn began(&mut self, user: &str, request_id: &str, handle: &str) -> io::Result<()> {
        self.write(&Line::Began {
            user: user.into(),
            request_id: request_id.into(),
            handle: handle.into(),
        })
    }

    /// Notes what a request was answered.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn ended(&mut self, handle: &str, status: u16, answer: &str) -> io::Result<()> {
        let answer = (answer.len() <= LONGEST_ANSWER_BYTES).then(|| answer.to_owned());
        self.write(&Line::Ended {
            handle: handle.into(),
            status,
            answer,
        })
    }

    fn write(&mut self, line: &Line) -> io::Result<()> {
        if self.bytes > LONGEST_LEDGER_BYTES {
            fs::rename(&self.path, aside(&self.path))?;
            self.file = OpenOptions::new()
                .create(true)
                .append(true)
                .open(&self.path)?;
            self.bytes = 0;
        }
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.bytes += text.len() as u64;
        self.file.write_all(&text)
    }
}

fn aside(path: &Path) -> PathBuf {
    path.with_extension("old.jsonl")
}

fn read(path: &Path, known: &mut Vec<Known>) -> io::Result<()> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let mut places: HashMap<String, usize> = known
        .iter()
        .enumerate()
        .map(|(at, known)| (known.handle.clone(), at))
        .collect();
    for line in BufReader::new(file).split(b'\n') {
        match serde_json::from_slice(&line?) {
            Ok(Line::Began {
                user,
                request_id,
                handle,
            }) => {
                places.insert(handle.clone(), known.len());
                known.push(Known {
                    user,
                    request_id,
                    handle,
                    answer: None,
                });
            }
            Ok(Line::Ended {
                handle,
                status,
                answer,
            }) => {
                if let Some(at) = places.get(&handle) {
                    known[*at].answer = Some((status, answer));
                }
            }
            // A line torn by the end of a process, or the empty one behind it: its request was not answered.
            Err(error) => log::debug!("{}: {error}", path.display()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_known_after_a_restart_with_its_answer_if_it_ended() {
        let dir = tempfile::tempdir().unwrap();
        let (mut ledger, known) = Ledger::open(dir.path()).unwrap();
        assert_eq!(known, []);
        ledger.began("ADA", "r1", "h1").unwrap();
        ledger.ended("h1", 200, "{}").unwrap();
        ledger.began("ADA", "r2", "h2").unwrap();
        ledger
            .file
            .write_all(b"{\"is\":\"ended\",\"handle\":\"h2\"")
            .unwrap();

        let (mut ledger, known) = Ledger::open(dir.path()).unwrap();
        let answers: Vec<_> = known.iter().map(|known| known.answer.clone()).collect();
        assert_eq!(answers, [Some((200, Some("{}".to_owned()))), None]);

        ledger.began("ADA", "r3", "h3").unwrap();
        assert_eq!(Ledger::open(dir.path()).unwrap().1.len(), 3);
    }

    #[test]
    fn a_restart_remembers_the_latest_requests_only() {
        let dir = tempfile::tempdir().unwrap();
        let (mut ledger, _) = Ledger::open(dir.path()).unwrap();
        for number in 0..MOST_REMEMBERED + 5 {
            ledger
                .began("ADA", &number.to_string(), &format!("h{number}"))
                .unwrap();
        }
        let known = Ledger::open(dir.path()).unwrap().1;
        assert_eq!(
            (known.len(), known[0].request_id.as_str()),
            (MOST_REMEMBERED, "5")
        );
    }

    #[test]
    fn a_long_answer_is_known_to_have_been_given() {
        let dir = tempfile::tempdir().unwrap();
        let (mut ledger, _) = Ledger::open(dir.path()).unwrap();
        ledger.began("ADA", "r1", "h1").unwrap();
        ledger
            .ended("h1", 200, &"x".repeat(LONGEST_ANSWER_BYTES + 1))
            .unwrap();
        assert_eq!(
            Ledger::open(dir.path()).unwrap().1[0].answer,
            Some((200, None))
        );
    }
}
