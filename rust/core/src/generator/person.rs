//! A customer's data: a function of the seed, the customer's number and their changes so far.
//!
//! A current customer takes eight bytes: the number, and a [`Life`]. Everything else (name, address, e-mail) is drawn again
//! from those whenever a row is written, so nothing else is stored.

use std::hint::select_unpredictable;

use super::tables::{self, Tables};
use crate::random::{Draws, below, lanes};

/// A customer's changes, as counters: how often they moved, changed their name, and so on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Life(u32);

/// What an update changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Street, city, state, postal code; and the telephone number's area.
    Move,
    Email,
    Phone,
    /// Another last name, as after a marriage. The e-mail address stays until it is changed.
    LastName,
}

impl Life {
    // From the low end: moves 8 bits, phones 8, e-mails 8, last names 4, and the last name when the e-mail was made 4.
    const PHONE: u32 = 8;
    const EMAIL: u32 = 16;
    const NAME: u32 = 24;
    const EMAIL_NAME: u32 = 28;

    #[inline(always)]
    const fn bits(self, from: u32, count: u32) -> u32 {
        self.0 >> from & ((1 << count) - 1)
    }

    const fn with(self, from: u32, count: u32, value: u32) -> Self {
        let mask = ((1 << count) - 1) << from;
        Self(self.0 & !mask | value << from & mask)
    }

    const fn moves(self) -> u32 {
        self.bits(0, 8)
    }

    const fn phones(self) -> u32 {
        self.bits(Self::PHONE, 8)
    }

    const fn emails(self) -> u32 {
        self.bits(Self::EMAIL, 8)
    }

    const fn last_name(self) -> u32 {
        self.bits(Self::NAME, 4)
    }

    const fn email_name(self) -> u32 {
        self.bits(Self::EMAIL_NAME, 4)
    }

    /// This life after one more change. The counters wrap around.
    #[inline(always)]
    pub(crate) fn after(self, change: Change) -> Self {
        let (from, count) = match change {
            Change::Move => (0, 8),
            Change::Phone => (Self::PHONE, 8),
            Change::Email => (Self::EMAIL, 8),
            Change::LastName => (Self::NAME, 4),
        };
        let changed = self.with(from, count, self.bits(from, count) + 1);
        let with_name = changed.with(Self::EMAIL_NAME, 4, self.last_name());
        select_unpredictable(change == Change::Email, with_name, changed)
    }
}

/// The draws that make customers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct People(Draws);

/// A customer's random bits, from which every version of every attribute follows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Person([u64; 4]);

/// A counter times this, added to 32 random bits, gives the bits for that version of an attribute: each is as evenly
/// spread as the first, and neighbours are far apart (the golden ratio's low-discrepancy sequence).
const STEP: u32 = 0x9E37_79B9;

/// The table pieces that make up a row, and the few digits that are not in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) first: usize,
    pub(crate) last: usize,
    pub(crate) email_last: usize,
    /// Whether the e-mail address has only the first name's initial.
    pub(crate) email_initial: bool,
    /// Index into `SEPARATORS`.
    pub(crate) email_separator: usize,
    pub(crate) domain: usize,
    /// Subscriber numbers begin with 2 to 9: this is 0 to 7.
    pub(crate) first_digit: usize,
    /// Random bits for the other digits.
    pub(crate) digits: u32,
    pub(crate) street: usize,
    pub(crate) house: usize,
    pub(crate) unit: usize,
    pub(crate) city: usize,
    pub(crate) tail: usize,
}

/// Separators of first and last name in an e-mail address; a space means none.
pub(crate) const SEPARATORS: [u8; 4] = [b'.', b' ', b'_', b'-'];

impl People {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(Draws::new(seed, 1))
    }

    #[inline(always)]
    pub(crate) const fn person(self, id: u32) -> Person {
        Person(lanes(self.0, id as u64))
    }
}

impl Person {
    /// The upper or lower half of a lane.
    #[inline(always)]
    const fn high(self, lane: usize) -> u32 {
        (self.0[lane] >> 32) as u32
    }

    #[inline(always)]
    const fn low(self, lane: usize) -> u32 {
        self.0[lane] as u32
    }

    /// The index of the customer's locale, below `locales`.
    #[inline(always)]
    pub(crate) const fn locale(self, locales: u32) -> usize {
        below(self.low(0), locales) as usize
    }

    #[inline(always)]
    fn last_name(self, tables: &Tables, version: u32) -> usize {
        tables
            .last_odds
            .pick(self.high(1).wrapping_add(version.wrapping_mul(STEP)))
    }

    /// The customer's row after `life`.
    ///
    /// After a change, the changed attribute always differs: house numbers, e-mail patterns and first digits cycle
    /// from a random start. (For last names, `marry` ensures it.)
    #[inline(always)]
    pub(crate) fn choice(self, tables: &Tables, life: Life) -> Choice {
        let (moves, emails, phones) = (life.moves(), life.emails(), life.phones());
        let step = moves.wrapping_mul(STEP);
        let city = tables.city_odds.pick(self.high(2).wrapping_add(step));
        // The lowest bits of the lane that also picks the locale, by its highest.
        let start = self.low(0);
        let pattern = start.wrapping_add(emails);
        let house = (start >> 3).wrapping_add(moves.wrapping_mul(197));
        let place = self.low(3);
        let tail =
            (place >> 6).wrapping_add(moves.wrapping_mul(211)) as usize & (tables::TAILS / 2 - 1);
        Choice {
            first: tables.first_odds.pick(self.high(0)),
            last: self.last_name(tables, life.last_name()),
            email_last: self.last_name(tables, life.email_name()),
            email_initial: pattern & 4 != 0,
            email_separator: pattern as usize & 3,
            domain: tables
                .domain_odds
                .pick(self.low(1).wrapping_add(emails.wrapping_mul(STEP))),
            first_digit: (start >> 12).wrapping_add(phones) as usize & 7,
            digits: self.high(3).wrapping_add(phones.wrapping_mul(STEP)),
            street: tables.street_odds.pick(self.low(2).wrapping_add(step)),
            house: house as usize & (tables::HOUSES - 1),
            unit: place.wrapping_add(moves.wrapping_mul(29)) as usize & (tables::UNITS - 1),
            city,
            tail: tail | (usize::from(tables.area[city].tail_half & 1) * (tables::TAILS / 2)),
        }
    }

    /// `life` after a marriage: with the next last name that differs.
    pub(crate) fn marry(self, tables: &Tables, life: Life) -> Life {
        let before = self.last_name(tables, life.last_name());
        let mut after = life.after(Change::LastName);
        while self.last_name(tables, after.last_name()) == before
            && after.last_name() != life.last_name()
        {
            after = after.after(Change::LastName);
        }
        after
    }
}
