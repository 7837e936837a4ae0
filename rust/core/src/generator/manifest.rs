//! What was put into the files, for checking a pipeline against it.

use std::panic::resume_unwind;
use std::thread;

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use super::delivery::FileId;
use super::{Breakage, Generator, Options, Position};
use crate::event::Event;

/// Counts of what a run delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Events that are inserts, come-backs included.
    pub inserts: u64,
    /// Events that are updates.
    pub updates: u64,
    /// Events that are deletes.
    pub deletes: u64,
    /// Rows written: events, second copies and broken rows.
    pub rows: u64,
    /// Events delivered in a later file than their sequence number says.
    pub late: u64,
    /// Second copies of rows.
    pub duplicates: u64,
    /// The broken rows, which are copies of sound ones.
    pub broken: Vec<BrokenRow>,
    /// The files, in the order written.
    pub files: Vec<FileTally>,
}

/// Where a broken row is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokenRow {
    /// The file's first sequence number; see [`FileTally`].
    pub file: u64,
    /// It counts from 1, the header not counted.
    pub row: u64,
    /// The event that it is a broken copy of.
    pub sequence: u64,
    /// What is wrong with it.
    pub breakage: Breakage,
}

/// One file's rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileTally {
    /// The sequence number that the file begins with.
    pub first_sequence: u64,
    /// It holds only what was late when the stream was stopped.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_late: bool,
    /// Rows, the header not counted.
    pub rows: u64,
    /// The file's name, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// What a target table holds when every row has gone through a correct pipeline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinalState {
    /// Living customers.
    pub rows: u64,
    /// The sum, over the living customers, of the first eight hexadecimal digits of the MD5 of their ten columns
    /// `customer_id` to `country`, joined by the character 31 (unit separator). It depends on no order.
    pub checksum: u64,
    /// The statement that computes both from a table `CUSTOMER`, on Snowflake and Snowglobe.
    pub sql: String,
}

const CHECK_SQL: &str = "select count(*) as \"rows\", coalesce(sum(to_number(left(md5(concat_ws(chr(31), \
to_varchar(customer_id), first_name, last_name, email, phone, street, city, state, postal_code, country)), 8), \
'XXXXXXXX')), 0) as \"checksum\" from customer";

/// Everything that a check needs: how the stream was made, what was delivered and what must come of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// The options; the same ones make the same stream.
    pub options: Options,
    /// Where the run began.
    pub from: Position,
    /// Where it stopped; the next run goes on here.
    pub to: Position,
    /// What this run delivered.
    pub delivered: Tally,
    /// What all runs up to here add up to.
    pub expected: FinalState,
}

impl Tally {
    pub(crate) fn broken(&mut self, file: FileId, row: u64, sequence: u64, breakage: Breakage) {
        self.broken.push(BrokenRow {
            file: file.first_sequence,
            row,
            sequence,
            breakage,
        });
    }

    pub(crate) fn file(&mut self, file: FileId, rows: u64) {
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
        self.broken.extend(later.broken);
        self.files.extend(later.files);
        self
    }

    /// Events: inserts, updates and deletes.
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.inserts + self.updates + self.deletes
    }
}

impl Manifest {
    /// One manifest for this run and a `later` one that went on where it stopped.
    #[must_use]
    pub fn followed_by(self, later: Self) -> Self {
        Self {
            from: self.from,
            delivered: self.delivered.followed_by(later.delivered),
            ..later
        }
    }
}

impl Generator {
    /// What a target must hold after everything up to here, computed by `threads` threads.
    #[must_use]
    pub fn final_state(&self, threads: usize) -> FinalState {
        let rows = self.delivery.planner().living_count();
        let share = rows.div_ceil(threads.max(1) as u64).max(1);
        let checksum = thread::scope(|scope| {
            let parts: Vec<_> = (0..rows.div_ceil(share))
                .map(|part| {
                    let range = part * share..((part + 1) * share).min(rows);
                    scope.spawn(move || {
                        range
                            .map(|index| fingerprint(&self.living_at(index)))
                            .sum::<u64>()
                    })
                })
                .collect();
            let parts = parts
                .into_iter()
                .map(|part| part.join().unwrap_or_else(|panic| resume_unwind(panic)));
            parts.fold(0, u64::wrapping_add)
        });
        FinalState {
            rows,
            checksum,
            sql: CHECK_SQL.into(),
        }
    }
}

/// The row's part of the checksum.
fn fingerprint(row: &Event) -> u64 {
    let mut hash = Md5::new();
    hash.update(row.customer_id.to_string());
    for value in [
        &row.first_name,
        &row.last_name,
        &row.email,
        &row.phone,
        &row.street,
        &row.city,
        &row.state,
        &row.postal_code,
        &row.country,
    ] {
        hash.update([31]);
        hash.update(value);
    }
    let digest = hash.finalize();
    u64::from(u32::from_be_bytes([
        digest[0], digest[1], digest[2], digest[3],
    ]))
}
