//! Assigns events' rows to files, with the configured faults: late, duplicate and malformed rows.
//!
//! Knows events and row counts; makes no text and uses no file system.

use std::collections::BTreeMap;

use super::Options;
use super::defect::Defect;
use super::plan::{Planned, Planner};
use super::tally::{FileId, Tally};
use crate::random::{Draws, below, threshold};

/// Rows per block: enough to make hand-overs rare, few enough that their text stays in the second-level
/// cache until it is written.
pub(crate) const BLOCK_ROWS: usize = 1024;

/// A piece of a file, before it is rendered as text.
#[derive(Debug, Default)]
pub(crate) struct Block {
    /// Counts the blocks of a run.
    pub(crate) index: u64,
    pub(crate) file: FileId,
    pub(crate) opens: bool,
    pub(crate) closes: bool,
    pub(crate) rows: Vec<Planned>,
}

/// The position of a stream: everything needed to resume exactly there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Position {
    /// Sequence number of the next event.
    pub next_sequence: u64,
    /// All events before this one have been delivered, late ones included.
    #[serde(default)]
    pub delivered_below: u64,
}

#[derive(Debug)]
pub(crate) struct Delivery {
    planner: Planner,
    odds: Odds,
    draws: Draws,
    rows_per_file: u64,
    delivered_below: u64,
    /// Late rows by the number of the file that brings them.
    late: BTreeMap<u64, Vec<Planned>>,
    /// Late rows of the file that is being written, last first.
    arriving: Vec<Planned>,
    /// One beyond the run's last event, and the run's last file; none if the stream has no end.
    end: Option<u64>,
    file: FileId,
    in_file: bool,
    file_rows: u64,
    blocks: u64,
    pub(crate) tally: Tally,
}

#[derive(Clone, Copy, Debug)]
struct Odds {
    late: u64,
    duplicates: u64,
    malformed: u64,
}

impl Odds {
    const fn none(self) -> bool {
        self.late | self.duplicates | self.malformed == 0
    }
}

impl Delivery {
    pub(crate) fn new(options: &Options, planner: Planner) -> Self {
        Self {
            planner,
            odds: Odds {
                late: threshold(options.late),
                duplicates: threshold(options.duplicates),
                malformed: threshold(options.malformed),
            },
            draws: Draws::new(options.seed, 8),
            rows_per_file: options.rows_per_file,
            delivered_below: 0,
            late: BTreeMap::new(),
            arriving: Vec::new(),
            end: None,
            file: FileId::default(),
            in_file: false,
            file_rows: 0,
            blocks: 0,
            tally: Tally::default(),
        }
    }

    /// Moves to the position of a stopped stream, by planning its events again without making text.
    pub(crate) fn seek(&mut self, position: Position) {
        self.delivered_below = position.delivered_below;
        if self.odds.none() && self.planner.skip_inserts_to(position.next_sequence) {
            return;
        }
        let mut passed = Vec::new();
        while self.planner.next_sequence() < position.next_sequence {
            self.deliver(&mut passed);
            passed.clear();
        }
        let file = position.next_sequence / self.rows_per_file;
        self.late = self.late.split_off(&file);
        self.tally = Tally::default();
    }

    pub(crate) fn position(&self) -> Position {
        Position {
            next_sequence: self.planner.next_sequence(),
            delivered_below: self.delivered_below,
        }
    }

    /// The index of the next block.
    pub(crate) const fn next_index(&self) -> u64 {
        self.blocks
    }

    pub(crate) const fn planner(&self) -> &Planner {
        &self.planner
    }

    /// Ends the run before the event `end`, with every late event delivered by then.
    pub(crate) fn end_at(&mut self, end: u64) {
        self.end = Some(end);
    }

    /// The next piece of the run, in `rows` (emptied first); none at the run's end.
    pub(crate) fn next_block(&mut self, mut rows: Vec<Planned>) -> Option<Block> {
        rows.clear();
        let opens = !self.in_file;
        let next = self.planner.next_sequence();
        if opens {
            if self.end.is_some_and(|end| next >= end) {
                return None;
            }
            self.open(FileId {
                first_sequence: next,
                only_late: false,
            });
        }
        let boundary = (self.file.first_sequence / self.rows_per_file + 1) * self.rows_per_file;
        let end = self.end.map_or(boundary, |end| end.min(boundary));
        while rows.len() < BLOCK_ROWS {
            if let Some(row) = self.arriving.pop() {
                rows.push(row);
            } else if self.planner.next_sequence() < end {
                self.deliver(&mut rows);
            } else {
                break;
            }
        }
        let closes = self.arriving.is_empty() && self.planner.next_sequence() >= end;
        Some(self.block(rows, opens, closes))
    }

    /// The undelivered late events of an endless stream that was stopped, as one more file.
    pub(crate) fn flush(&mut self, mut rows: Vec<Planned>) -> Option<Block> {
        rows.clear();
        let opens = !self.in_file;
        if opens {
            let first_sequence = self.planner.next_sequence();
            self.end = Some(first_sequence);
            self.open(FileId {
                first_sequence,
                only_late: true,
            });
            self.arriving
                .splice(0..0, std::mem::take(&mut self.late).into_values().flatten());
            self.delivered_below = first_sequence;
            if self.arriving.is_empty() {
                self.in_file = false;
                return None;
            }
        }
        let left = self.arriving.len().saturating_sub(BLOCK_ROWS);
        rows.extend(self.arriving.drain(left..).rev());
        let closes = self.arriving.is_empty();
        Some(self.block(rows, opens, closes))
    }

    fn open(&mut self, file: FileId) {
        self.file = file;
        self.in_file = true;
        self.file_rows = 0;
        let number = file.first_sequence / self.rows_per_file;
        // The run's last file holds all undelivered late events.
        let last = self
            .end
            .is_some_and(|end| number == end.saturating_sub(1) / self.rows_per_file);
        let later = if last {
            BTreeMap::new()
        } else {
            self.late.split_off(&(number + 1))
        };
        self.arriving = std::mem::replace(&mut self.late, later)
            .into_values()
            .flatten()
            .collect();
        self.arriving.reverse();
    }

    fn block(&mut self, rows: Vec<Planned>, opens: bool, closes: bool) -> Block {
        if !self.odds.none() {
            for (i, row) in rows.iter().enumerate() {
                if let Some(defect) = row.defect {
                    self.tally.add_malformed(
                        self.file,
                        self.file_rows + i as u64 + 1,
                        row.sequence,
                        defect,
                    );
                }
            }
        }
        self.file_rows += rows.len() as u64;
        self.tally.rows += rows.len() as u64;
        if closes {
            self.in_file = false;
            self.tally.add_file(self.file, self.file_rows);
            if let Some(end) = self.end.filter(|&end| self.planner.next_sequence() >= end) {
                self.delivered_below = end;
            }
        }
        let index = self.blocks;
        self.blocks += 1;
        Block {
            index,
            file: self.file,
            opens,
            closes,
            rows,
        }
    }

    /// Makes the next event, and adds its row or rows to `rows` or to the late rows.
    #[inline]
    fn deliver(&mut self, rows: &mut Vec<Planned>) {
        let event = self.planner.next();
        self.tally.add_event(event.op);
        if self.odds.none() {
            rows.push(event);
        } else {
            self.deliver_with_faults(event, rows);
        }
    }

    fn deliver_with_faults(&mut self, event: Planned, rows: &mut Vec<Planned>) {
        let (draw, more) = (
            self.draws.at(event.sequence, 0),
            self.draws.at(event.sequence, 1),
        );
        let hit = |bits: u64, odds: u64| (bits & 0xffff_ffff) < odds;
        let file = event.sequence / self.rows_per_file;
        let last_file = self
            .end
            .map_or(u64::MAX, |end| end.saturating_sub(1) / self.rows_per_file);
        let delay = 1 + u64::from(below((more >> 32) as u32, 3));
        let has_later = file < last_file && event.sequence >= self.delivered_below;

        if has_later && hit(draw, self.odds.late) {
            self.late
                .entry((file + delay).min(last_file))
                .or_default()
                .push(event);
            self.tally.late += 1;
        } else {
            rows.push(event);
        }
        if hit(draw >> 32, self.odds.duplicates) {
            self.tally.duplicates += 1;
            // One duplicate in four is in the next file, as when a sender retries after a failure.
            if has_later && draw >> 30 & 3 == 0 {
                self.late.entry(file + 1).or_default().push(event);
            } else {
                rows.push(event);
            }
        }
        if hit(more, self.odds.malformed) {
            let defect = Defect::ALL[below((more >> 32) as u32, Defect::ALL.len() as u32) as usize];
            rows.push(Planned {
                defect: Some(defect),
                ..event
            });
        }
    }
}
