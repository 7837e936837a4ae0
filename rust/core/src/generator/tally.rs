//! Counts of what a run delivered: events, rows, files, and where the malformed rows are.

use serde::{Deserialize, Serialize};

use super::defect::Defect;
use crate::event::Op;

/// A file of the stream, identified by its first event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileId {
    /// Sequence number of the file's first event.
    pub first_sequence: u64,
    /// Whether the file holds only the undelivered late events of a stopped stream.
    pub only_late: bool,
}

/// Counts of what a run delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Events that are inserts, customers who return included.
    pub inserts: u64,
    /// Events that are updates.
    pub updates: u64,
    /// Events that are deletes.
    pub deletes: u64,
    /// Rows written: events, duplicates and malformed rows.
    pub rows: u64,
    /// Events delivered in a later file than their sequence number implies.
    pub late: u64,
    /// Duplicate rows.
    pub duplicates: u64,
    /// Malformed rows, each added beside a valid row.
    #[serde(alias = "broken")]
    pub malformed: Vec<MalformedRow>,
    /// The files, in the order written.
    pub files: Vec<FileTally>,
}

/// The position of a malformed row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MalformedRow {
    /// The file's first sequence number; see [`FileTally`].
    pub file: u64,
    /// Number of the row in its file, from 1, without the header.
    pub row: u64,
    /// The event whose valid row it was made from.
    pub sequence: u64,
    /// The defect of the row.
    #[serde(alias = "breakage")]
    pub defect: Defect,
}

/// One file's rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileTally {
    /// Sequence number of the file's first event.
    pub first_sequence: u64,
    /// Whether the file holds only the undelivered late events of a stopped stream.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_late: bool,
    /// Rows, without the header.
    pub rows: u64,
    /// The file's name, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Tally {
    pub(crate) fn add_event(&mut self, op: Op) {
        match op {
            Op::Insert => self.inserts += 1,
            Op::Update => self.updates += 1,
            Op::Delete => self.deletes += 1,
        }
    }

    pub(crate) fn add_malformed(&mut self, file: FileId, row: u64, sequence: u64, defect: Defect) {
        self.malformed.push(MalformedRow {
            file: file.first_sequence,
            row,
            sequence,
            defect,
        });
    }

    pub(crate) fn add_file(&mut self, file: FileId, rows: u64) {
        let FileId {
            first_sequence,
            only_late,
        } = file;
        self.files.push(FileTally {
            first_sequence,
            only_late,
            rows,
            name: None,
        });
    }

    /// These counts and those of a later run together.
    #[must_use]
    pub fn followed_by(mut self, later: Self) -> Self {
        self.inserts += later.inserts;
        self.updates += later.updates;
        self.deletes += later.deletes;
        self.rows += later.rows;
        self.late += later.late;
        self.duplicates += later.duplicates;
        self.malformed.extend(later.malformed);
        self.files.extend(later.files);
        self
    }

    /// Events: inserts, updates and deletes.
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.inserts + self.updates + self.deletes
    }
}
