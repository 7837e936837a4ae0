//! The hot loop: planned events to CSV rows.
//!
//! Reasons for its form, each measured with `make bench-generate`:
//! - **Copies of constant size.** Every piece of a row is copied whole from a slot of 16, 32 or 64 bytes, and the cursor
//!   advances by the piece's length. The next piece overwrites the excess bytes. This is the largest gain.
//! - **No branch that depends on the row.** An absent piece has length zero; a choice is an index.
//! - **No bounds check.** A row is written into a window of fixed size, at positions that are masked, so that the
//!   compiler proves each copy to be inside. There is no unsafe code.
//! - **Pieces in the first-level cache.** The common ones are small: see `tables`.
//! - **The widest registers available**, chosen at run time by `pulp`: the same code is compiled for several x86-64
//!   levels, and a copy of 32 bytes is one instruction with AVX2.
//!
//! The choice does not change the rows. Knows nothing of files, late events or malformed rows.

use std::hint::select_unpredictable;

use super::Options;
use super::digits::{
    DAY_MICROS, Decimal, Rising, WINDOW, date, put, put_word, subscriber, time_of_day,
};
use super::person::SEPARATORS;
use super::plan::Planned;
use super::population::Population;
use super::tables::Slot;
use crate::random::Draws;

/// Turns planned events into rows; shared by all threads.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(super) population: Population,
    pub(super) clock: Clock,
    pub(super) first_customer_id: u64,
}

/// The times of events: each at a random point of its own gap, so time rises with the sequence number.
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

/// The call that is compiled for each processor level. A closure does not work: it is only inlined into the
/// specialised caller, and so specialised itself, with `inline(always)`.
struct Rows<'a> {
    writer: &'a Writer,
    events: &'a [Planned],
    room: &'a mut [u8],
}

impl pulp::NullaryFnOnce for Rows<'_> {
    type Output = usize;

    #[inline(always)]
    fn call(self) -> usize {
        self.writer.rows(self.events, self.room)
    }
}

/// An upper bound for the length of a row.
const LONGEST_ROW: usize = WINDOW / 2;

impl Writer {
    pub(crate) const fn new(options: &Options, population: Population) -> Self {
        Self {
            population,
            clock: Clock {
                start_micros: options.start_micros,
                gap_micros: options.gap_micros,
                jitter: Draws::new(options.seed, 6),
            },
            first_customer_id: options.first_customer_id,
        }
    }

    /// Appends the CSV rows of `events` to `out`.
    pub(crate) fn csv(&self, events: &[Planned], out: &mut Buffer) {
        let room = out.room(events.len() * LONGEST_ROW + WINDOW);
        out.filled += pulp::Arch::new().dispatch(Rows {
            writer: self,
            events,
            room,
        });
    }

    #[inline(always)]
    fn rows(&self, events: &[Planned], out: &mut [u8]) -> usize {
        let mut at = 0;
        let mut memory = Memory::default();
        for event in events {
            let Some(window) = out
                .get_mut(at..)
                .and_then(|rest| rest.first_chunk_mut::<WINDOW>())
            else {
                break;
            };
            at += self.row(event, &mut memory, window);
        }
        at
    }

    /// Writes one row, column by column, and returns its length.
    #[inline(always)]
    fn row(&self, event: &Planned, memory: &mut Memory, row: &mut [u8; WINDOW]) -> usize {
        let (person, tables) = self.population.person(event.id);
        let choice = person.choice(tables, event.life);
        let id = Decimal::of(self.first_customer_id + u64::from(event.id));

        put(row, 0, &[event.op.letter(), b',']);
        id.put(row, 2);
        let mut at = 2 + id.length;
        put(row, at, b",");
        at += 1;
        at = put_slot(row, at, &tables.first[choice.first]);
        at = put_slot(row, at, &tables.last[choice.last]);

        let first = &tables.first_ascii[choice.first];
        put(row, at, &first.0);
        at += select_unpredictable(choice.email_initial, 1, first.len());
        let separator = SEPARATORS[choice.email_separator & 3];
        put(row, at, &[separator]);
        at += usize::from(separator != b' ');
        at = put_slot(row, at, &tables.last_ascii[choice.email_last]);
        id.put(row, at);
        at += id.length;
        at = put_slot(row, at, &tables.domain[choice.domain]);

        let area = &tables.area[choice.city];
        at = put_slot(row, at, &area.phone);
        put_word(row, at, subscriber(choice.first_digit, choice.digits));
        at += usize::from(area.subscriber_digits);

        put(row, at, b",\"");
        at += 1 + usize::from(tables.unit_quotes[choice.unit]);
        let (street, house) = (&tables.street[choice.street], &tables.house[choice.house]);
        let (before, after) = if tables.number_first {
            (house, street)
        } else {
            (street, house)
        };
        at = put_slot(row, at, before);
        at = put_slot(row, at, after);
        at = put_slot(row, at, &tables.unit[choice.unit]);
        at = put_slot(row, at, &tables.city[choice.city]);
        at = put_slot(row, at, &tables.tail[choice.tail]);

        let (date, time) = memory.day.split(self.clock.micros(event.sequence));
        put(row, at, date);
        let [clock, fraction] = time_of_day(time);
        put_word(row, at + 11, clock);
        put_word(row, at + 19, fraction);
        put(row, at + 27, b",");
        at += 28;
        at += memory.sequence.put(row, at, event.sequence);
        put(row, at, b"\n");
        at + 1
    }
}

/// Writes a piece, and returns where the next one goes.
#[inline(always)]
fn put_slot<const N: usize>(row: &mut [u8; WINDOW], at: usize, slot: &Slot<N>) -> usize {
    put(row, at, &slot.0);
    at + slot.len()
}

/// State kept between rows: neighbours in a file are close in time.
#[derive(Default)]
struct Memory {
    day: Day,
    sequence: Rising,
}

/// Bytes that are zeroed once and then reused: filling a new `Vec` for each block would cost as much as
/// a large part of the rows.
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

    /// The unused bytes after the filled part, at least `wanted`.
    fn room(&mut self, wanted: usize) -> &mut [u8] {
        if self.bytes.len() < self.filled + wanted {
            self.bytes.resize(self.filled + wanted, 0);
        }
        &mut self.bytes[self.filled..]
    }
}

/// The date's text, rendered again only when the day changes.
#[derive(Default)]
struct Day {
    start_micros: u64,
    text: Option<[u8; 16]>,
}

impl Day {
    /// The date of that time, and the microseconds since its midnight.
    #[inline(always)]
    fn split(&mut self, micros: u64) -> (&[u8; 16], u64) {
        let since = micros.wrapping_sub(self.start_micros);
        if since < DAY_MICROS && self.text.is_some() {
            return (self.text.get_or_insert_default(), since);
        }
        let day = micros / DAY_MICROS;
        self.start_micros = day * DAY_MICROS;
        (self.text.insert(date(day)), micros - self.start_micros)
    }
}
