//! The word lists in the shape that the hot loop copies from: pieces of a row, already escaped for CSV and followed by
//! their comma, each in a slot of fixed size.
//!
//! A copy of a constant size is one or two instructions, and a copy of an exact length is a call; the bytes beyond a
//! piece's length are overwritten by the next piece. All tables of a locale are about 150 KiB, and their common entries
//! fit the first-level cache, since a few names and cities are much more frequent than the rest.

use crate::locale::{Alias, City, Facts, Lists, Locale, Name};

/// A piece of a row: its bytes, with their number in the last byte.
#[derive(Clone, Copy, Debug)]
#[repr(align(16))]
pub(crate) struct Slot<const N: usize>(pub(crate) [u8; N]);

impl<const N: usize> Slot<N> {
    const EMPTY: Self = Self([0; N]);

    /// The slot that holds `text`, cut at the slot's size; a test checks that no list entry is cut.
    fn new(text: &[u8]) -> Self {
        let mut bytes = [0; N];
        let length = text.len().min(N - 1);
        bytes[..length].copy_from_slice(&text[..length]);
        bytes[N - 1] = length as u8;
        Self(bytes)
    }

    #[inline(always)]
    pub(crate) const fn len(&self) -> usize {
        self.0[N - 1] as usize
    }

    pub(crate) fn text(&self) -> &[u8] {
        &self.0[..self.len()]
    }
}

/// A city's telephone prefix, and the lengths of the rest of the number and postal code.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
pub(crate) struct Area {
    /// `+1212`.
    pub(crate) phone: Slot<16>,
    /// Digits that follow the prefix.
    pub(crate) subscriber_digits: u8,
    /// The half of `tails` that fits the length of the city's postal prefix.
    pub(crate) tail_half: u8,
}

pub(crate) const FIRST_NAMES: usize = 512;
pub(crate) const LAST_NAMES: usize = 1024;
pub(crate) const DOMAINS: usize = 64;
pub(crate) const STREETS: usize = 256;
pub(crate) const CITIES: usize = 256;
pub(crate) const HOUSES: usize = 512;
pub(crate) const UNITS: usize = 64;
pub(crate) const TAILS: usize = 1024;

/// One locale's tables, in one piece of memory: an entry's address is then one base plus a constant and an index.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    pub(crate) first_odds: Alias<FIRST_NAMES>,
    pub(crate) last_odds: Alias<LAST_NAMES>,
    pub(crate) domain_odds: Alias<DOMAINS>,
    pub(crate) street_odds: Alias<STREETS>,
    pub(crate) city_odds: Alias<CITIES>,
    /// `Mary,`
    pub(crate) first: [Slot<32>; FIRST_NAMES],
    /// `mary`
    pub(crate) first_ascii: [Slot<16>; FIRST_NAMES],
    /// `O'Brien,`
    pub(crate) last: [Slot<32>; LAST_NAMES],
    /// `obrien`
    pub(crate) last_ascii: [Slot<16>; LAST_NAMES],
    /// `@mail.example.com,`
    pub(crate) domain: [Slot<32>; DOMAINS],
    /// `Maple Street`
    pub(crate) street: [Slot<32>; STREETS],
    /// `12 ` or ` 12`
    pub(crate) house: [Slot<32>; HOUSES],
    pub(crate) number_first: bool,
    /// `, Apt 7",` or `,`
    pub(crate) unit: [Slot<32>; UNITS],
    /// 1 where the street needs an opening quote.
    pub(crate) unit_quotes: [u8; UNITS],
    /// `Springfield,IL,627`: the postal prefix is included.
    pub(crate) city: [Slot<64>; CITIES],
    pub(crate) area: [Area; CITIES],
    /// `04,US,`: the rest of the postal code, and the country.
    pub(crate) tail: [Slot<16>; TAILS],
}

impl Tables {
    pub(crate) fn of(locale: Locale) -> Box<Self> {
        let lists = Lists::of(locale);
        let facts = Facts::of(locale);
        let first_names = with_nicknames(&lists.first_names, facts);
        // Postal prefixes of one country have at most two lengths; the shorter one owns the first half of the tails.
        let short = lists
            .cities
            .iter()
            .map(|city| city.postal_prefix.len())
            .min()
            .unwrap_or(0);
        let (unit, unit_quotes) = units(facts);
        Box::new(Self {
            first_odds: odds(first_names.iter().map(|name| name.weight)),
            last_odds: odds(lists.last_names.iter().map(|name| name.weight)),
            domain_odds: odds(lists.email_domains.iter().map(|domain| domain.1)),
            street_odds: odds(lists.streets.iter().map(|street| street.1)),
            city_odds: odds(lists.cities.iter().map(|city| city.weight)),
            first: table(first_names.iter().map(|name| Slot::new(&cell(name.text)))),
            first_ascii: table(
                first_names
                    .iter()
                    .map(|name| Slot::new(name.ascii.as_bytes())),
            ),
            last: table(
                lists
                    .last_names
                    .iter()
                    .map(|name| Slot::new(&cell(name.text))),
            ),
            last_ascii: table(
                lists
                    .last_names
                    .iter()
                    .map(|name| Slot::new(name.ascii.as_bytes())),
            ),
            domain: table(
                lists
                    .email_domains
                    .iter()
                    .map(|domain| Slot::new(format!("@{},", domain.0).as_bytes())),
            ),
            street: table(
                lists
                    .streets
                    .iter()
                    .map(|street| Slot::new(street.0.as_bytes())),
            ),
            house: houses(facts),
            number_first: facts.number_first,
            unit,
            unit_quotes,
            city: table(lists.cities.iter().map(|city| {
                Slot::new(format!("{},{},{}", city.name, city.state, city.postal_prefix).as_bytes())
            })),
            area: areas(&lists.cities, facts, short),
            tail: tails(facts, short),
        })
    }
}

fn with_nicknames(names: &[Name], facts: &Facts) -> Vec<Name> {
    let total: u64 = names.iter().map(|name| name.weight).sum();
    let nicknames = facts
        .nicknames
        .iter()
        .map(|&(text, ascii, of_10_000)| Name {
            text,
            ascii,
            weight: (total * of_10_000 / 10_000).max(1),
        });
    // In a full list, the nicknames replace the four rarest names.
    names
        .iter()
        .copied()
        .take(FIRST_NAMES - facts.nicknames.len())
        .chain(nicknames)
        .collect()
}

fn odds<const N: usize>(weights: impl Iterator<Item = u64>) -> Alias<N> {
    Alias::new(&weights.collect::<Vec<_>>())
}

/// A table of `N` slots, padded with empty slots that are never picked.
fn table<const N: usize, const M: usize>(slots: impl Iterator<Item = Slot<M>>) -> [Slot<M>; N] {
    let mut table = [Slot::EMPTY; N];
    for (place, slot) in table.iter_mut().zip(slots) {
        *place = slot;
    }
    table
}

/// `text` as a CSV cell with its comma.
fn cell(text: &str) -> Vec<u8> {
    if text.contains([',', '"']) {
        format!("\"{}\",", text.replace('"', "\"\""))
    } else {
        format!("{text},")
    }
    .into_bytes()
}

/// 512 different house numbers, with small ones closer together: all from 1 to 128, then increasingly sparse up to about 9,000.
fn houses(facts: &Facts) -> [Slot<32>; HOUSES] {
    table((0..HOUSES).map(|i| {
        let number = match i {
            0..128 => i + 1,
            128..320 => 129 + (i - 128) * 5,
            _ => 1_100 + (i - 320) * 41,
        };
        let text = match (facts.country, facts.number_first) {
            // Japanese blocks: chome, block, house.
            ("JP", _) => format!(
                "{}-{}-{}",
                1 + i % 8,
                1 + i / 8 % 16,
                1 + i / 128 % 4 + i % 7 * 4
            ),
            (_, true) => format!("{number}{}", facts.between),
            // Numbers above 400 are common only in the United States.
            (_, false) => format!("{}{}", facts.between, i + 1),
        };
        Slot::new(text.as_bytes())
    }))
}

fn units(facts: &Facts) -> ([Slot<32>; UNITS], [u8; UNITS]) {
    let wordings = facts
        .units
        .iter()
        .flat_map(|unit| std::iter::repeat_n(unit.wording, unit.of_64));
    let texts = wordings.chain(std::iter::repeat(""));
    let (mut slots, mut quotes) = ([Slot::EMPTY; UNITS], [0; UNITS]);
    for (i, text) in texts.take(UNITS).enumerate() {
        let letter = ["A", "B", "C", "D"][i % 4];
        let text = text
            .replace('#', &(1 + i * 5 % 48).to_string())
            .replace('@', letter);
        let quoted = text.contains(',') || facts.between.contains(',');
        slots[i] = Slot::new(format!("{text}{}", if quoted { "\"," } else { "," }).as_bytes());
        quotes[i] = u8::from(quoted);
    }
    (slots, quotes)
}

fn areas(cities: &[City], facts: &Facts, short: usize) -> [Area; CITIES] {
    let mut areas = [Area {
        phone: Slot::EMPTY,
        subscriber_digits: 0,
        tail_half: 0,
    }; CITIES];
    for (area, city) in areas.iter_mut().zip(cities) {
        area.phone = Slot::new(format!("{}{}", facts.dial, city.phone_prefix).as_bytes());
        area.subscriber_digits = facts
            .phone_digits
            .saturating_sub(city.phone_prefix.len())
            .min(8) as u8;
        area.tail_half = u8::from(city.postal_prefix.len() > short);
    }
    areas
}

/// For each length of a city's prefix, 512 endings of postal codes. The factor 97 shares no divisor with a power of ten,
/// so the endings of one prefix differ until all are used.
fn tails(facts: &Facts, short: usize) -> [Slot<16>; TAILS] {
    table((0..TAILS).map(|i| {
        let (half, mut number) = (i / (TAILS / 2), (i % (TAILS / 2)) * 97 + 1);
        let mut rest: Vec<u8> = facts.postal.bytes().skip(short + half).collect();
        for place in rest.iter_mut().rev().filter(|place| **place == b'0') {
            *place = b'0' + (number % 10) as u8;
            number /= 10;
        }
        rest.extend(format!(",{},", facts.country).bytes());
        Slot::new(&rest)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_piece_fits_its_slot() {
        for locale in Locale::ALL {
            let (tables, lists) = (Tables::of(locale), Lists::of(locale));
            for (slot, name) in tables
                .first
                .iter()
                .zip(&lists.first_names)
                .take(FIRST_NAMES - 4)
            {
                assert_eq!(slot.text(), cell(name.text), "{locale:?}");
            }
            for (slot, name) in tables.last.iter().zip(&lists.last_names) {
                assert_eq!(slot.text(), cell(name.text), "{locale:?}");
            }
            for (slot, city) in tables.city.iter().zip(&lists.cities) {
                assert_eq!(
                    slot.text(),
                    format!("{},{},{}", city.name, city.state, city.postal_prefix).as_bytes()
                );
            }
            for (slot, street) in tables.street.iter().zip(&lists.streets) {
                assert_eq!(slot.text(), street.0.as_bytes());
            }
            for (slot, domain) in tables.domain.iter().zip(&lists.email_domains) {
                assert_eq!(slot.text(), format!("@{},", domain.0).as_bytes());
            }
            for (slot, name) in tables.last_ascii.iter().zip(&lists.last_names) {
                assert_eq!(slot.text(), name.ascii.as_bytes());
            }
            let lengths: std::collections::BTreeSet<_> = lists
                .cities
                .iter()
                .map(|city| city.postal_prefix.len())
                .collect();
            assert!(
                lengths.len() <= 2 && lengths.last().unwrap() - lengths.first().unwrap() <= 1,
                "{locale:?}"
            );
        }
    }

    #[test]
    fn house_numbers_all_differ() {
        for locale in Locale::ALL {
            let tables = Tables::of(locale);
            let texts: std::collections::HashSet<_> = tables
                .house
                .iter()
                .map(|slot| slot.text().to_vec())
                .collect();
            assert_eq!(texts.len(), HOUSES, "{locale:?}");
        }
    }
}
