//! What to generate, and the check that it makes sense.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::locale::Locale;

/// How a row is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// RFC 4180, UTF-8, with a header, lines ended by a line feed.
    #[default]
    Csv,
    /// One JSON object a line, all values as in the CSV; `customer_id` and `sequence` are numbers.
    Jsonl,
}

/// The whole description of a stream: equal options give equal bytes, on every machine, with any number of threads.
///
/// As JSON (for the state file and the JNI boundary) every field may be left out.
///
/// ```
/// let options = firn::generator::Options { seed: 42, updates: 0.3, deletes: 0.05, ..Default::default() };
/// assert!(options.validated().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Another seed, other customers.
    pub seed: u64,
    /// The locales that customers come from, equally often.
    pub locales: Vec<Locale>,
    /// How rows are written.
    pub format: Format,
    /// Events a file holds, before late and extra rows.
    pub rows_per_file: u64,
    /// The first events are inserts, this many.
    pub initial: u64,
    /// The share of updates among the events after the first ones, 0 to 1.
    pub updates: f64,
    /// The share of deletes likewise. The rest are inserts.
    pub deletes: f64,
    /// The share of those inserts that bring back a customer deleted before.
    pub returns: f64,
    /// The customer of the stream's first event; the next newcomers count up from it. Streams with ranges that do not
    /// overlap (one a cluster node, say) have disjoint customers.
    pub first_customer_id: u64,
    /// `updated_at` of the first event, in microseconds since 1970-01-01 UTC.
    pub start_micros: u64,
    /// Mean time from event to event, in microseconds; each `updated_at` lies somewhere in its own gap.
    pub gap_micros: u64,
    /// Mischief: the share of events delivered in one of the next three files.
    pub late: f64,
    /// Mischief: the share of rows that are written twice.
    pub duplicates: f64,
    /// Mischief: the share of events that change the customer of the event before once more, in the same file.
    pub same_key: f64,
    /// Mischief: broken rows, as a share of events. They are copies, broken, beside the sound row, so no event is missing.
    pub dirty: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            locales: vec![Locale::Us],
            format: Format::Csv,
            rows_per_file: 100_000,
            initial: 100,
            updates: 0.0,
            deletes: 0.0,
            returns: 0.05,
            first_customer_id: 1,
            start_micros: 1_767_225_600_000_000, // 2026-01-01T00:00:00Z
            gap_micros: 100_000,
            late: 0.0,
            duplicates: 0.0,
            same_key: 0.0,
            dirty: 0.0,
        }
    }
}

/// The year 9999 ends here; later times have no four-digit year.
const LAST_MICROS: u64 = 253_402_300_800_000_000;
/// Numbers are written with at most 16 digits.
const LARGEST_NUMBER: u64 = 9_999_999_999_999_999;

impl Options {
    /// These options, if they make sense.
    ///
    /// # Errors
    /// `Config`, naming the option, its value and what it may be.
    pub fn validated(self) -> Result<Self> {
        let shares = [
            ("updates", self.updates),
            ("deletes", self.deletes),
            ("returns", self.returns),
            ("late", self.late),
            ("duplicates", self.duplicates),
            ("same-key", self.same_key),
            ("dirty", self.dirty),
        ];
        for (name, share) in shares {
            // Written so that NaN fails too.
            if !(0.0..=1.0).contains(&share) {
                return Err(Error::config(format!(
                    "{name} is {share}: give a share from 0 to 1, such as 0.1"
                )));
            }
        }
        let changes = self.updates + self.deletes;
        if changes > 1.0 {
            return Err(Error::config(format!(
                "updates and deletes add up to {changes}: together at most 1"
            )));
        }
        if self.rows_per_file == 0 {
            return Err(Error::config("rows per file is 0: give at least 1"));
        }
        if self.initial > u64::from(u32::MAX) {
            return Err(Error::config(format!(
                "initial is {}: a stream holds 4294967295 customers",
                self.initial
            )));
        }
        if self.gap_micros == 0 {
            return Err(Error::config(
                "the gap between events is 0: give at least 1 microsecond",
            ));
        }
        if self.locales.is_empty() {
            return Err(Error::config(
                "no locale: give at least one of us, de, fr, es, br, jp",
            ));
        }
        if self.first_customer_id > LARGEST_NUMBER - u64::from(u32::MAX) {
            return Err(Error::config(format!(
                "first customer id is {}: give at most {}",
                self.first_customer_id,
                LARGEST_NUMBER - u64::from(u32::MAX)
            )));
        }
        Ok(self)
    }

    /// Whether events up to the sequence number `last` can be made.
    ///
    /// # Errors
    /// `Config` if the time would pass the year 9999, or customers run out (2^32 in a stream).
    pub fn reaches(&self, last: u64) -> Result<()> {
        let end = last
            .checked_add(1)
            .and_then(|events| events.checked_mul(self.gap_micros));
        if end
            .and_then(|span| span.checked_add(self.start_micros))
            .is_none_or(|end| end > LAST_MICROS)
        {
            return Err(Error::config(format!(
                "event {last} would lie after the year 9999: give fewer rows or a smaller gap between events"
            )));
        }
        if last >= u64::from(u32::MAX) && self.updates + self.deletes == 0.0 {
            return Err(Error::config(format!(
                "{last} customers are too many for one stream: it holds 4294967295"
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(options: Options) -> String {
        options.validated().unwrap_err().to_string()
    }

    #[test]
    fn shares_lie_between_none_and_all() {
        assert!(
            refused(Options {
                late: 1.5,
                ..Options::default()
            })
            .contains("late is 1.5: give a share from 0 to 1")
        );
        assert!(
            refused(Options {
                dirty: f64::NAN,
                ..Options::default()
            })
            .contains("dirty is NaN")
        );
        assert!(
            refused(Options {
                updates: 0.8,
                deletes: 0.4,
                ..Options::default()
            })
            .contains("together at most 1")
        );
    }

    #[test]
    fn json_may_leave_everything_out_but_not_misspell() {
        let options: Options = serde_json::from_str("{}").unwrap();
        assert_eq!(options, Options::default());
        assert!(serde_json::from_str::<Options>(r#"{"sead": 1}"#).is_err());
    }

    #[test]
    fn time_ends_with_the_year_9999() {
        let options = Options {
            gap_micros: 1_000_000_000_000,
            ..Options::default()
        };
        assert!(options.reaches(1_000).is_ok());
        assert!(
            options
                .reaches(1_000_000)
                .unwrap_err()
                .to_string()
                .contains("9999")
        );
    }
}
