//! Who a customer is: a function of the seed, the customer's number and what has happened to them so far.
//!
//! A living customer costs eight bytes: the number, and a [`Life`]. Everything else (name, address, e-mail) is drawn anew
//! from those whenever a row is written, so nothing else is remembered.

use super::tables::{self, Tables};
use crate::random::{Draws, below};

/// What has happened to a customer, as counters: how often they moved, took another name, and so on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Life(u32);

/// What an update changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Street, city, state, postal code; and the telephone number's area.
    Move,
    Email,
    Phone,
    /// A marriage, say: another last name. The e-mail address stays until it is changed.
    LastName,
}

impl Life {
    // From the low end: moves 8 bits, phones 8, e-mails 8, last names 4, and the last name when the e-mail was made 4.
    const PHONE: u32 = 8;
    const EMAIL: u32 = 16;
    const NAME: u32 = 24;
    const EMAIL_NAME: u32 = 28;

    #[inline(always)]
    const fn bits(self, from: u32, count: u32) -> u64 {
        (self.0 >> from & ((1 << count) - 1)) as u64
    }

    const fn with(self, from: u32, count: u32, value: u64) -> Self {
        let mask = ((1 << count) - 1) << from;
        Self(self.0 & !mask | (value as u32) << from & mask)
    }

    const fn moves(self) -> u64 {
        self.bits(0, 8)
    }

    const fn phones(self) -> u64 {
        self.bits(Self::PHONE, 8)
    }

    const fn emails(self) -> u64 {
        self.bits(Self::EMAIL, 8)
    }

    const fn last_name(self) -> u64 {
        self.bits(Self::NAME, 4)
    }

    const fn email_name(self) -> u64 {
        self.bits(Self::EMAIL_NAME, 4)
    }

    /// This life after one more change. The counters wrap around, so after 256 moves somebody lives where they began.
    pub(crate) const fn after(self, change: Change) -> Self {
        match change {
            Change::Move => self.with(0, 8, self.moves() + 1),
            Change::Phone => self.with(Self::PHONE, 8, self.phones() + 1),
            Change::Email => self.with(Self::EMAIL, 8, self.emails() + 1).with(
                Self::EMAIL_NAME,
                4,
                self.last_name(),
            ),
            Change::LastName => self.with(Self::NAME, 4, self.last_name() + 1),
        }
    }
}

/// The draws that make customers, one stream a purpose.
#[derive(Clone, Copy, Debug)]
pub(crate) struct People {
    person: Draws,
    last_name: Draws,
    email: Draws,
    phone: Draws,
    place: Draws,
}

/// Which pieces of the tables make up a row, and the few digits that come from no table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) first: usize,
    pub(crate) last: usize,
    pub(crate) email_last: usize,
    /// Only the first name's initial.
    pub(crate) email_initial: bool,
    /// Index into `SEPARATORS`.
    pub(crate) email_separator: usize,
    pub(crate) domain: usize,
    /// Eight digits, of which an area takes as many as it needs from the front.
    pub(crate) subscriber: u32,
    pub(crate) street: usize,
    pub(crate) house: usize,
    pub(crate) unit: usize,
    pub(crate) city: usize,
    pub(crate) tail: usize,
}

/// Between first and last name in an e-mail address; a space stands for nothing.
pub(crate) const SEPARATORS: [u8; 4] = [b'.', b' ', b'_', b'-'];

impl People {
    pub(crate) const fn new(seed: u64) -> Self {
        Self {
            person: Draws::new(seed, 1),
            last_name: Draws::new(seed, 2),
            email: Draws::new(seed, 3),
            phone: Draws::new(seed, 4),
            place: Draws::new(seed, 5),
        }
    }

    /// Which of `locales` tables customer number `id` is made from.
    #[inline(always)]
    pub(crate) const fn locale(self, id: u32, locales: u32) -> usize {
        below(self.person.at(id as u64, 0) as u32, locales) as usize
    }

    #[inline(always)]
    fn last_name(self, tables: &Tables, id: u32, version: u64) -> usize {
        tables
            .last_odds
            .pick(self.last_name.at(u64::from(id), version) as u32)
    }

    /// The row of customer number `id` after `life`.
    ///
    /// Where two lives of one customer are a change apart, what changed differs: counters are added to a drawn start, so
    /// that neighbours never fall together by chance. (For last names, `marry` sees to it.)
    #[inline(always)]
    pub(crate) fn choice(self, tables: &Tables, id: u32, life: Life) -> Choice {
        let key = u64::from(id);
        let person = self.person.at(key, 0);
        let start = self.person.at(key, 1);
        let email = self.email.at(key, life.emails());
        let phone = self.phone.at(key, life.phones());
        let place = self.place.at(key, life.moves());
        let place_more = self.place.at(key, life.moves() | 1 << 32);

        let city = tables.city_odds.pick((place >> 32) as u32);
        let pattern = (start as usize).wrapping_add(life.emails() as usize);
        let house = (start >> 8) as usize + life.moves() as usize * 197;
        // Subscriber numbers begin with 2 to 9.
        let first_digit = 2 + ((start >> 32) as u32).wrapping_add(life.phones() as u32) % 8;
        Choice {
            first: tables.first_odds.pick((person >> 32) as u32),
            last: self.last_name(tables, id, life.last_name()),
            email_last: self.last_name(tables, id, life.email_name()),
            email_initial: pattern & 4 != 0,
            email_separator: pattern & 3,
            domain: tables.domain_odds.pick(email as u32),
            subscriber: first_digit * 10_000_000 + below(phone as u32, 10_000_000),
            street: tables.street_odds.pick(place as u32),
            house: house & (tables::HOUSES - 1),
            unit: place_more as usize & (tables::UNITS - 1),
            city,
            tail: (place_more >> 32) as usize & (tables::TAILS / 2 - 1)
                | usize::from(tables.area[city].tail_half & 1) * (tables::TAILS / 2),
        }
    }

    /// `life` after a marriage: the first later last name that is another one.
    pub(crate) fn marry(self, tables: &Tables, id: u32, life: Life) -> Life {
        let before = self.last_name(tables, id, life.last_name());
        let mut after = life.after(Change::LastName);
        while self.last_name(tables, id, after.last_name()) == before
            && after.last_name() != life.last_name()
        {
            after = after.after(Change::LastName);
        }
        after
    }
}
