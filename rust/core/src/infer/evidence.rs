//! What the values of one column look like.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use crate::contract::ColumnType;
use crate::reader::is_rfc3339;

/// Texts that often mean null.
const NULLS: [&str; 7] = ["\\N", "NULL", "null", "None", "NaN", "N/A", "#N/A"];
/// The maximum number of distinct values that are stored.
const MOST_DISTINCT: usize = 1_000_000;

/// The evidence for one column.
pub(super) struct Evidence {
    pub name: String,
    /// Values that are not null.
    pub values: u64,
    pub nulls: u64,
    /// Texts that may mean null.
    pub null_texts: BTreeMap<&'static str, u64>,
    /// Whether some values are JSON objects or lists.
    pub is_nested: bool,
    /// The first values, unchanged.
    pub examples: Vec<String>,
    /// How many values have each shape.
    counts: [u64; SHAPES],
    longest: usize,
    digits: usize,
    scale: usize,
    /// How often each short value occurs, to detect operations.
    pub short: BTreeMap<String, u64>,
    distinct: HashSet<u64>,
    hasher: RandomState,
}

const SHAPES: usize = 10;

/// What a value can be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Shape {
    Whole,
    LeadingZero,
    Decimal,
    DecimalComma,
    Truth,
    Date,
    Timestamp,
    GermanTime,
    GermanDate,
    /// A number with dots between thousands and a decimal comma.
    GermanNumber,
}

/// The proposed type of a column.
pub(super) struct Proposal {
    pub kind: ColumnType,
    /// The format of its timestamps, if not RFC 3339.
    pub timestamps: Option<&'static str>,
    /// The evidence for it.
    pub reason: String,
}

impl Evidence {
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            values: 0,
            nulls: 0,
            null_texts: BTreeMap::new(),
            is_nested: false,
            examples: Vec::new(),
            counts: [0; SHAPES],
            longest: 0,
            digits: 0,
            scale: 0,
            short: BTreeMap::new(),
            distinct: HashSet::new(),
            hasher: RandomState::new(),
        }
    }

    /// Adds a value of delimited text.
    pub fn add(&mut self, text: &str) {
        if let Some(null) = NULLS.iter().find(|null| **null == text) {
            *self.null_texts.entry(null).or_default() += 1;
            self.nulls += 1;
        } else if text.is_empty() {
            self.nulls += 1;
        } else {
            self.add_text(text);
        }
    }

    /// Adds a value that is not null.
    pub fn add_text(&mut self, text: &str) {
        self.values += 1;
        self.longest = self.longest.max(text.chars().count());
        if self.examples.len() < 2 {
            self.examples.push(text.chars().take(40).collect());
        }
        if text.len() <= 12 && self.short.len() < 20 || self.short.contains_key(text) {
            *self.short.entry(text.to_owned()).or_default() += 1;
        }
        if self.distinct.len() < MOST_DISTINCT {
            self.distinct.insert(self.hasher.hash_one(text));
        }
        if let Some(shape) = self.shape(text) {
            self.counts[shape as usize] += 1;
        }
    }

    fn shape(&mut self, text: &str) -> Option<Shape> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        if is_digits(digits) {
            if digits.len() > 1 && digits.starts_with('0') {
                return Some(Shape::LeadingZero);
            }
            self.digits = self.digits.max(digits.len());
            return Some(Shape::Whole);
        }
        for (point, shape) in [('.', Shape::Decimal), (',', Shape::DecimalComma)] {
            if let Some((whole, fraction)) = digits.split_once(point)
                && is_digits(whole)
                && is_digits(fraction)
            {
                self.digits = self.digits.max(whole.len());
                self.scale = self.scale.max(fraction.len());
                return Some(shape);
            }
        }
        if ColumnType::Date.accepts(text.as_bytes()) {
            return Some(Shape::Date);
        }
        if is_rfc3339(text) {
            return Some(Shape::Timestamp);
        }
        match shape_of(text).as_str() {
            "99.99.9999 99:99:99" => return Some(Shape::GermanTime),
            "99.99.9999" => return Some(Shape::GermanDate),
            _ => {}
        }
        if let Some((whole, fraction)) = grouped(digits) {
            self.digits = self.digits.max(whole);
            self.scale = self.scale.max(fraction);
            return Some(Shape::GermanNumber);
        }
        let lower = text.to_ascii_lowercase();
        let is_truth = ["true", "false", "t", "f", "yes", "no"].contains(&lower.as_str());
        is_truth.then_some(Shape::Truth)
    }

    fn count(&self, shape: Shape) -> u64 {
        self.counts[shape as usize]
    }

    /// Whether a value has a shape that names do not have.
    pub fn is_telling(&self) -> bool {
        self.counts.iter().sum::<u64>() > 0
    }

    /// Whether every row has a distinct value.
    pub fn is_unique(&self) -> bool {
        self.nulls == 0 && self.distinct.len() as u64 == self.values && self.values > 1
    }

    /// Whether there are decimal commas and no decimal points.
    pub fn has_decimal_commas(&self) -> bool {
        let commas = self.count(Shape::DecimalComma) + self.count(Shape::GermanNumber);
        commas > 0 && self.count(Shape::Decimal) == 0 && self.is_number()
    }

    /// Whether thousands are separated by dots.
    pub fn has_grouping_dots(&self) -> bool {
        self.count(Shape::GermanNumber) > 0 && self.has_decimal_commas()
    }

    fn is_number(&self) -> bool {
        let numbers = [
            Shape::Whole,
            Shape::Decimal,
            Shape::DecimalComma,
            Shape::GermanNumber,
        ];
        numbers.map(|shape| self.count(shape)).iter().sum::<u64>() == self.values
    }

    /// The type that all values fit, with the evidence for it.
    pub fn proposal(&self) -> Proposal {
        let values = self.values;
        let all = |shape| values > 0 && self.count(shape) == values;
        let of = |what: &str| format!("{values} of {values} values are {what}");
        let plain = |kind, reason| Proposal {
            kind,
            timestamps: None,
            reason,
        };
        if values == 0 {
            return plain(
                ColumnType::Text { max_chars: 255 },
                "no value seen".to_owned(),
            );
        }
        if all(Shape::Timestamp) {
            return plain(ColumnType::Timestamp, of("timestamps"));
        }
        if all(Shape::GermanTime) {
            return Proposal {
                timestamps: Some("DD.MM.YYYY HH24:MI:SS"),
                ..plain(ColumnType::Timestamp, of("timestamps"))
            };
        }
        if let Some(unit) = self.epoch() {
            return Proposal {
                timestamps: Some(unit),
                ..plain(
                    ColumnType::Timestamp,
                    of("numbers in the range of times since 1970"),
                )
            };
        }
        if all(Shape::Date) {
            return plain(ColumnType::Date, of("dates"));
        }
        if all(Shape::GermanDate) {
            return Proposal {
                timestamps: Some("DD.MM.YYYY"),
                ..plain(ColumnType::Date, of("dates"))
            };
        }
        if all(Shape::Truth) {
            return plain(ColumnType::Boolean, of("truth values"));
        }
        if self.is_number() && self.digits + self.scale <= 38 {
            return self.number();
        }
        let zeros = self.count(Shape::LeadingZero);
        let reason = if zeros > 0 && zeros + self.count(Shape::Whole) == values {
            format!(
                "numbers, {zeros} of {values} with leading zeros; at most {} characters",
                self.longest
            )
        } else {
            format!("at most {} characters", self.longest)
        };
        plain(
            ColumnType::Text {
                max_chars: with_room(self.longest),
            },
            reason,
        )
    }

    fn number(&self) -> Proposal {
        let room = |most: usize, least: usize| u8::try_from(most.max(least).min(38)).unwrap_or(38);
        let scale = u8::try_from(self.scale).unwrap_or(38);
        let precision = if self.scale == 0 {
            room(self.digits, 18)
        } else {
            room(self.digits + self.scale + 2, 12)
        };
        let what = if self.scale == 0 {
            format!("whole numbers of at most {} digits", self.digits)
        } else {
            format!("numbers with at most {} digits after the point", self.scale)
        };
        Proposal {
            kind: ColumnType::Number { precision, scale },
            timestamps: None,
            reason: format!("{0} of {0} values are {what}", self.values),
        }
    }

    /// The unit of numbers that are times, by their length and the column's name.
    fn epoch(&self) -> Option<&'static str> {
        let name = self.name.to_lowercase();
        let is_time = ["time", "date", "changed", "updated", "modified", "created"]
            .iter()
            .any(|part| name.contains(part))
            || ["_at", "_ms", "_ts", "_us"]
                .iter()
                .any(|end| name.ends_with(end))
            || name == "ts";
        if !is_time || self.count(Shape::Whole) != self.values {
            return None;
        }
        match self.digits {
            10 => Some("epoch-s"),
            13 => Some("epoch-ms"),
            16 => Some("epoch-us"),
            19 => Some("epoch-ns"),
            _ => None,
        }
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|one| one.is_ascii_digit())
}

/// The digits before and after the comma of a number such as `1.249,00`.
fn grouped(text: &str) -> Option<(usize, usize)> {
    let (whole, fraction) = text.split_once(',')?;
    let mut groups = whole.split('.');
    let first = groups
        .next()
        .filter(|one| is_digits(one) && one.len() <= 3)?;
    let mut digits = first.len();
    for group in groups {
        if group.len() != 3 || !is_digits(group) {
            return None;
        }
        digits += 3;
    }
    (digits > first.len() && is_digits(fraction)).then_some((digits, fraction.len()))
}

/// The text with each digit replaced by a nine.
fn shape_of(text: &str) -> String {
    let nine = |one: char| if one.is_ascii_digit() { '9' } else { one };
    text.chars().take(40).map(nine).collect()
}

/// A round number of at least twice as many characters.
fn with_room(longest: usize) -> u32 {
    let wanted = u32::try_from(longest.saturating_mul(2)).unwrap_or(u32::MAX);
    let rounds = [
        10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 20_000, 100_000, 1_000_000,
    ];
    rounds
        .into_iter()
        .find(|round| *round >= wanted)
        .unwrap_or(16_777_216)
}
