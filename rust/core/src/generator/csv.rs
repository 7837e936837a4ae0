//! The hot loop: planned events to CSV rows.
//!
//! Why it looks as it does, each found by measuring (`make bench-generate`):
//! - **Copies of constant size.** Every piece of a row is copied whole from a slot of 16, 32 or 64 bytes, and the cursor
//!   moves on by the piece's length. The bytes in excess are overwritten by the next piece. This is the largest gain.
//! - **No branch that depends on the row.** An absent piece is a piece of length zero; a choice is an index.
//! - **No bounds check.** A row is written into a window of fixed size, at positions that are masked, so that the
//!   compiler proves each copy to be inside. There is no unsafe code.
//! - **Pieces in first-level cache.** What is common is small: see `tables`.
//! - **The widest registers there are**, chosen at run time by `pulp`: the same code is compiled for several x86-64
//!   levels, and a copy of 32 bytes is one instruction with AVX2.
//!
//! Rows are the same whatever is chosen. Knows nothing of files, lateness or broken rows.

use super::Options;
use super::digits::{DAY_MICROS, WINDOW, date, decimal, put, time_of_day};
use super::person::{People, SEPARATORS};
use super::plan::Planned;
use super::tables::Tables;
use crate::random::Draws;

/// What turns planned events into rows; shared by all threads.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(super) people: People,
    pub(super) tables: Box<[Tables]>,
    pub(super) clock: Clock,
    pub(super) first_customer_id: u64,
}

/// When events happen: each somewhere in its own gap, so time rises with the sequence number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    start_micros: u64,
    gap_micros: u64,
    jitter: Draws,
}

impl Clock {
    /// Microseconds since 1970-01-01 UTC.
    #[inline(always)]
    pub(super) const fn micros(self, sequence: u64) -> u64 {
        let jitter = (self.jitter.at(sequence, 0) as u128 * self.gap_micros as u128) >> 64;
        self.start_micros + sequence * self.gap_micros + jitter as u64
    }
}

/// No row is longer; a window is twice that and more.
const LONGEST_ROW: usize = WINDOW / 2;

impl Writer {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            people: People::new(options.seed),
            tables: options
                .locales
                .iter()
                .map(|&locale| Tables::of(locale))
                .collect(),
            clock: Clock {
                start_micros: options.start_micros,
                gap_micros: options.gap_micros,
                jitter: Draws::new(options.seed, 6),
            },
            first_customer_id: options.first_customer_id,
        }
    }

    #[inline(always)]
    pub(super) fn tables(&self, id: u32) -> &Tables {
        &self.tables[self.people.locale(id, self.tables.len() as u32)]
    }

    /// Appends the CSV rows of `events` to `out`.
    pub(crate) fn csv(&self, events: &[Planned], out: &mut Buffer) {
        let room = out.room(events.len() * LONGEST_ROW + WINDOW);
        let written = pulp::Arch::new().dispatch(|| self.rows(events, room));
        out.filled += written;
    }

    #[inline(always)]
    fn rows(&self, events: &[Planned], out: &mut [u8]) -> usize {
        let mut at = 0;
        let mut today = Day::default();
        for event in events {
            let Some(window) = out
                .get_mut(at..)
                .and_then(|rest| rest.first_chunk_mut::<WINDOW>())
            else {
                break;
            };
            at += self.row(event, &mut today, window);
        }
        at
    }

    #[inline(always)]
    fn row(&self, event: &Planned, today: &mut Day, row: &mut [u8; WINDOW]) -> usize {
        let tables = self.tables(event.id);
        let choice = self.people.choice(tables, event.id, event.life);
        let (id, id_length) = decimal(self.first_customer_id + u64::from(event.id));

        put(row, 0, &[event.op.letter(), b',']);
        let mut at = 2;
        put(row, at, &id);
        at += id_length;
        put(row, at, b",");
        at += 1;
        let first = &tables.first[choice.first];
        put(row, at, &first.0);
        at += first.len();
        let last = &tables.last[choice.last];
        put(row, at, &last.0);
        at += last.len();

        let first = &tables.first_ascii[choice.first];
        put(row, at, &first.0);
        at += if choice.email_initial { 1 } else { first.len() };
        let separator = SEPARATORS[choice.email_separator & 3];
        put(row, at, &[separator]);
        at += usize::from(separator != b' ');
        let last = &tables.last_ascii[choice.email_last];
        put(row, at, &last.0);
        at += last.len();
        put(row, at, &id);
        at += id_length;
        let domain = &tables.domain[choice.domain];
        put(row, at, &domain.0);
        at += domain.len();

        let area = &tables.area[choice.city];
        put(row, at, &area.phone.0);
        at += area.phone.len();
        put(row, at, &super::digits::eight_characters(choice.subscriber));
        at += usize::from(area.subscriber_digits);

        put(row, at, b",\"");
        at += 1 + usize::from(tables.unit_quotes[choice.unit]);
        let (street, house) = (&tables.street[choice.street], &tables.house[choice.house]);
        let (before, after) = if tables.number_first {
            (house, street)
        } else {
            (street, house)
        };
        put(row, at, &before.0);
        at += before.len();
        put(row, at, &after.0);
        at += after.len();
        let unit = &tables.unit[choice.unit];
        put(row, at, &unit.0);
        at += unit.len();

        let city = &tables.city[choice.city];
        put(row, at, &city.0);
        at += city.len();
        let tail = &tables.tail[choice.tail];
        put(row, at, &tail.0);
        at += tail.len();

        let micros = self.clock.micros(event.sequence);
        put(row, at, today.date(micros / DAY_MICROS));
        at += 11;
        put(row, at, &time_of_day(micros % DAY_MICROS));
        at += 17;
        let (sequence, length) = decimal(event.sequence);
        put(row, at, &sequence);
        at += length;
        put(row, at, b"\n");
        at + 1
    }
}

/// Bytes that are zeroed once and then written over and over: filling a `Vec` anew for each block would cost as much as
/// a good part of the rows.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    filled: usize,
}

impl Buffer {
    pub(crate) fn clear(&mut self) {
        self.filled = 0;
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }

    pub(crate) fn append(&mut self, bytes: &[u8]) {
        self.room(bytes.len())[..bytes.len()].copy_from_slice(bytes);
        self.filled += bytes.len();
    }

    /// What lies beyond the filled part, at least `wanted` bytes.
    fn room(&mut self, wanted: usize) -> &mut [u8] {
        if self.bytes.len() < self.filled + wanted {
            self.bytes.resize(self.filled + wanted, 0);
        }
        &mut self.bytes[self.filled..]
    }
}

/// The date's text, made anew only when the day changes.
struct Day {
    day: u64,
    text: [u8; 16],
}

impl Default for Day {
    fn default() -> Self {
        Self {
            day: u64::MAX,
            text: [0; 16],
        }
    }
}

impl Day {
    #[inline(always)]
    fn date(&mut self, day: u64) -> &[u8; 16] {
        if self.day != day {
            *self = Self {
                day,
                text: date(day),
            };
        }
        &self.text
    }
}
