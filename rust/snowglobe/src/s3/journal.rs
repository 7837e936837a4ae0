//! The journal on disk: one JSON line a change, written before the change is acknowledged.
//!
//! A killed process leaves whole lines and at most one torn last line, which was never acknowledged and is cut off at the
//! next start. A write that fails, as on a full disk, is cut off at once. It is not synced: it survives the process, not a
//! power cut.

use super::state::{Entry, State};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

const FILE: &str = "journal.jsonl";

/// An open journal, ready to append to.
#[derive(Debug)]
pub struct Journal {
    file: File,
    /// The length of what is acknowledged; behind it may be the beginning of what was not.
    length: u64,
}

impl Journal {
    /// Replays the journal in `dir`, rewrites it without what is past, and opens it.
    ///
    /// # Errors
    /// If `dir` cannot be read or written, or if a line other than the last is not an entry.
    pub fn open(dir: &Path) -> io::Result<(Self, State)> {
        let path = dir.join(FILE);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let (state, whole) = replay(&path, &bytes)?;
        if let Err(error) = rewrite(dir, &path, &state) {
            // A full disk has no room for a second journal: the first one stays.
            log::warn!("{}: cannot compact the journal: {error}", path.display());
            let file = OpenOptions::new().append(true).create(true).open(&path)?;
            let journal = Self {
                file,
                length: whole,
            };
            journal.cut()?;
            return Ok((journal, state));
        }
        let file = OpenOptions::new().append(true).open(&path)?;
        let length = file.metadata()?.len();
        Ok((Self { file, length }, state))
    }

    /// Writes changes that belong together: all of them, or none.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn append(&mut self, entries: &[Entry]) -> io::Result<()> {
        let mut lines = Vec::with_capacity(512 * entries.len());
        for entry in entries {
            serde_json::to_writer(&mut lines, entry)?;
            lines.push(b'\n');
        }
        self.transact(|file| file.write_all(&lines))
    }

    /// Cuts off what `write` has written if it fails. Where that fails too, the next call does it first.
    fn transact(&mut self, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
        if self.file.metadata()?.len() != self.length {
            self.cut()?;
        }
        if let Err(error) = write(&mut self.file) {
            if let Err(error) = self.cut() {
                log::warn!("cannot cut a torn line off the journal: {error}");
            }
            return Err(error);
        }
        self.length = self.file.metadata()?.len();
        Ok(())
    }

    fn cut(&self) -> io::Result<()> {
        self.file.set_len(self.length)
    }
}

/// The state that the whole lines make, and how long they are.
fn replay(path: &Path, bytes: &[u8]) -> io::Result<(State, u64)> {
    let (mut state, mut whole) = (State::default(), 0);
    for (index, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        if !line.ends_with(b"\n") {
            log::warn!(
                "{}: the last line is torn, so its change never was acknowledged: dropped",
                path.display()
            );
            break;
        }
        let entry = serde_json::from_slice(line).map_err(|error| {
            io::Error::other(format!(
                "{} line {}: {error}: the journal is damaged",
                path.display(),
                index + 1
            ))
        })?;
        state.apply(entry);
        whole += line.len() as u64;
    }
    Ok((state, whole))
}

/// Writes the journal anew, without what is past.
fn rewrite(dir: &Path, path: &Path, state: &State) -> io::Result<()> {
    let fresh = dir.join("journal.new");
    let mut lines = Vec::new();
    for entry in state.entries() {
        serde_json::to_writer(&mut lines, &entry)?;
        lines.push(b'\n');
    }
    let written = File::create(&fresh).and_then(|mut file| file.write_all(&lines));
    match written {
        Ok(()) => fs::rename(&fresh, path),
        Err(error) => {
            // What is left of it would take the room that is missing.
            let _ = fs::remove_file(&fresh);
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(name: &str) -> Entry {
        Entry::BucketMade {
            bucket: name.into(),
            at_ms: 1,
        }
    }

    #[test]
    fn a_torn_last_line_is_cut_off_and_the_rest_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let (mut journal, _) = Journal::open(dir.path()).unwrap();
        journal.append(&[bucket("whole")]).unwrap();
        journal
            .file
            .write_all(br#"{"is":"bucket_made","bucket":"to"#)
            .unwrap();

        let (mut journal, state) = Journal::open(dir.path()).unwrap();
        assert_eq!(state.buckets.keys().collect::<Vec<_>>(), ["whole"]);

        journal.append(&[bucket("later")]).unwrap();
        let (_, state) = Journal::open(dir.path()).unwrap();
        assert_eq!(state.buckets.keys().collect::<Vec<_>>(), ["later", "whole"]);
    }

    #[test]
    fn a_write_that_fails_leaves_nothing_and_later_ones_survive() {
        let dir = tempfile::tempdir().unwrap();
        let (mut journal, _) = Journal::open(dir.path()).unwrap();
        journal.append(&[bucket("before")]).unwrap();
        let full = |file: &mut File| {
            file.write_all(br#"{"is":"bucket_made","bucket":"\xc3"#)?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        };
        journal.transact(full).unwrap_err();
        journal.append(&[bucket("later")]).unwrap();

        let (_, state) = Journal::open(dir.path()).unwrap();
        assert_eq!(
            state.buckets.keys().collect::<Vec<_>>(),
            ["before", "later"]
        );
    }

    #[test]
    fn a_journal_that_cannot_be_compacted_is_used_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let (mut journal, _) = Journal::open(dir.path()).unwrap();
        journal.append(&[bucket("before")]).unwrap();
        journal.file.write_all(b"{\"is\":").unwrap();
        fs::create_dir(dir.path().join("journal.new")).unwrap();

        let (mut journal, _) = Journal::open(dir.path()).unwrap();
        journal.append(&[bucket("later")]).unwrap();
        let (_, state) = Journal::open(dir.path()).unwrap();
        assert_eq!(
            state.buckets.keys().collect::<Vec<_>>(),
            ["before", "later"]
        );
    }

    #[test]
    fn a_damaged_line_in_the_middle_is_an_error_with_its_number() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE), "{}\n").unwrap();
        let error = Journal::open(dir.path()).unwrap_err().to_string();
        assert!(error.contains("line 1"), "{error}");
    }
}
