//! The journal on disk: one JSON line a change, written before the change is acknowledged.
//!
//! A line is one `write`, so a killed process leaves whole lines and at most one torn last line, which never was
//! acknowledged and is cut off at the next start. It is not synced: it survives the process, not a power cut.

use super::state::{Entry, State};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

const FILE: &str = "journal.jsonl";

/// An open journal, ready to append to.
#[derive(Debug)]
pub struct Journal {
    file: File,
}

impl Journal {
    /// Replays the journal in `dir`, rewrites it without what is past, and opens it.
    ///
    /// # Errors
    /// If `dir` cannot be read or written, or if a line other than the last is not an entry.
    pub fn open(dir: &Path) -> io::Result<(Self, State)> {
        let path = dir.join(FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error),
        };
        let mut state = State::default();
        for (index, line) in text.split_inclusive('\n').enumerate() {
            if !line.ends_with('\n') {
                log::warn!(
                    "{}: the last line is torn, so its change never was acknowledged: dropped",
                    path.display()
                );
                break;
            }
            let entry = serde_json::from_str(line).map_err(|error| {
                io::Error::other(format!(
                    "{} line {}: {error}: the journal is damaged",
                    path.display(),
                    index + 1
                ))
            })?;
            state.apply(entry);
        }
        let fresh = dir.join("journal.new");
        let mut file = File::create(&fresh)?;
        let mut lines = Vec::new();
        for entry in state.entries() {
            serde_json::to_writer(&mut lines, &entry)?;
            lines.push(b'\n');
        }
        file.write_all(&lines)?;
        fs::rename(&fresh, &path)?;
        let file = OpenOptions::new().append(true).open(&path)?;
        Ok((Self { file }, state))
    }

    /// Writes changes that belong together, in one `write`.
    ///
    /// # Errors
    /// If the disk refuses.
    pub fn append(&mut self, entries: &[Entry]) -> io::Result<()> {
        let mut lines = Vec::with_capacity(512 * entries.len());
        for entry in entries {
            serde_json::to_writer(&mut lines, entry)?;
            lines.push(b'\n');
        }
        self.file.write_all(&lines)
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
    fn a_damaged_line_in_the_middle_is_an_error_with_its_number() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE), "{}\n").unwrap();
        let error = Journal::open(dir.path()).unwrap_err().to_string();
        assert!(error.contains("line 1"), "{error}");
    }
}
