//! The options of a stream: one table, from which every interface and documentation of an option is made.
//!
//! A new option needs an entry in the table and the code where it takes effect.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::spec::{Group, Kind, OptionSpec};
use crate::error::{Context, Error, Result};
use crate::locale::Locale;
use crate::quantity::Invalid;

/// How a row is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// RFC 4180, UTF-8, with a header, lines ended by a line feed.
    #[default]
    Csv,
    /// One JSON object per line, with the same values as in CSV; `customer_id` and `sequence` are numbers.
    Jsonl,
}

/// Declares [`Options`], its defaults and [`OPTIONS`]. An entry reads: explanation, `name: type = default => the rest;`, where
/// `name | "earlier name"` keeps reading documents with the earlier name.
macro_rules! options {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident $(| $alias:literal)*: $type:ty = $default:expr => $spec:expr;
    )+) => {
        /// The whole description of a stream: equal options give equal bytes, on every machine, with any number of threads.
        ///
        /// In a JSON document every field is optional.
        ///
        /// ```
        /// let options = firn::generator::Options { seed: 42, updates: 0.3, deletes: 0.05, ..Default::default() };
        /// assert!(options.validated().is_ok());
        /// ```
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Options {
            $(
                $(#[doc = $doc])+
                $(#[serde(alias = $alias)])*
                pub $name: $type,
            )+
        }

        impl Default for Options {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        /// Every option of a stream.
        pub const OPTIONS: &[OptionSpec] = &[
            $(OptionSpec {
                name: stringify!($name),
                aliases: &[$($alias),*],
                doc: &[$($doc),+],
                ..$spec
            },)+
        ];
    };
}

/// The year 9999 ends here; later times have no four-digit year.
const LAST_MICROS: u64 = 253_402_300_800_000_000;
/// Numbers are written with at most 16 digits.
const LARGEST_NUMBER: u64 = 9_999_999_999_999_999;
/// Customers of one stream.
const MOST_CUSTOMERS: u64 = u32::MAX as u64;

const fn number(min: u64, max: u64) -> Kind {
    Kind::Number { min, max }
}

options! {
    /// Seed of the stream; another seed gives other customers
    ///
    /// The same seed and options give the same bytes on every machine.
    seed: u64 = 1
        => OptionSpec::new("seed", Group::Customers, number(0, u64::MAX)).property("Seed", &[]);

    /// Countries of the customers, separated by commas, equally often
    locales: Vec<Locale> = vec![Locale::Us]
        => OptionSpec::new("locale", Group::Customers, Kind::Locales).property("Locales", &[]);

    /// Events per file, before duplicate and malformed rows are added
    ///
    /// The last file of a stream may hold fewer.
    rows_per_file: u64 = 100_000
        => OptionSpec::new("rows-per-file", Group::Size, number(1, LARGEST_NUMBER)).property("Max Rows per FlowFile", &[]);

    /// Number of inserts at the start of the stream
    ///
    /// The fractions of updates and deletes apply to the events after them.
    initial: u64 = 100
        => OptionSpec::new("initial", Group::Events, number(0, MOST_CUSTOMERS)).property("Initial Customers", &[]);

    /// Fraction of events that are updates, after the initial inserts
    ///
    /// An update changes a living customer: a move, another email address, another phone number or another last name. It carries
    /// the whole new row.
    updates: f64 = 0.0
        => OptionSpec::new("updates", Group::Events, Kind::Fraction)
            .property("Update Fraction", &["Update Ratio"]).property_default("0.3");

    /// Fraction of events that are deletes; the rest are inserts
    ///
    /// A delete removes a living customer and carries the last row.
    deletes: f64 = 0.0
        => OptionSpec::new("deletes", Group::Events, Kind::Fraction)
            .property("Delete Fraction", &["Delete Ratio"]).property_default("0.05");

    /// Fraction of later inserts that bring back a deleted customer
    returns: f64 = 0.05
        => OptionSpec::new("returns", Group::Events, Kind::Fraction).property("Return Fraction", &["Return Ratio"]);

    /// Id of the first customer; new customers count up from it
    ///
    /// Streams whose ranges do not overlap have no customer in common.
    first_customer_id: u64 = 1
        => OptionSpec::new("first-customer-id", Group::Customers, number(0, LARGEST_NUMBER - MOST_CUSTOMERS))
            .property("First Customer ID", &[]);

    /// Time of the first event, in UTC
    start_micros: u64 = 1_767_225_600_000_000 // 2026-01-01T00:00:00Z
        => OptionSpec::new("start-time", Group::Events, Kind::Time).with_rate("now").property("Start Time", &[]);

    /// Mean time from one event to the next
    ///
    /// It shapes `updated_at` and does not limit how fast rows are written.
    gap_micros: u64 = 100_000
        => OptionSpec::new("gap", Group::Events, Kind::Duration).with_rate("1/rate").property("Mean Interval", &[]);

    /// Fraction of events delivered in a later file
    ///
    /// Each arrives in one of the next three files.
    late: f64 = 0.0
        => OptionSpec::new("late", Group::Faults, Kind::Fraction).property("Late Fraction", &["Late Ratio"]);

    /// Fraction of rows written twice
    ///
    /// One duplicate in four comes with the next file.
    duplicates: f64 = 0.0
        => OptionSpec::new("duplicates", Group::Faults, Kind::Fraction).property("Duplicate Fraction", &["Duplicate Ratio"]);

    /// Fraction of events that update the same customer again within a file
    same_key: f64 = 0.0
        => OptionSpec::new("same-key", Group::Faults, Kind::Fraction).property("Same Key Fraction", &["Same Key Ratio"]);

    /// Fraction of malformed rows, added beside the valid ones
    ///
    /// Each is a valid row with one defect: a bad date, a missing column, an unknown operation, invalid UTF-8 or an unbalanced
    /// quote. The valid row is there too, so no event is missing.
    malformed | "dirty": f64 = 0.0
        => OptionSpec::new("malformed", Group::Faults, Kind::Fraction).flag_alias(&["dirty"])
            .property("Malformed Fraction", &["Dirty Ratio"]);

    /// Format of the rows
    format: Format = Format::Csv
        => OptionSpec::new("format", Group::Output, Kind::Choice(&[
            ("csv", "RFC 4180 with a header"),
            ("jsonl", "one JSON object per line"),
        ]));
}

impl Options {
    /// The options of a JSON document. A value may also be written as text in the command line's form, such as `"10%"`.
    ///
    /// # Errors
    /// `Config`, with the name of the option, its value and the valid values.
    pub fn from_json(document: &str) -> Result<Self> {
        let given = serde_json::from_str::<Map<String, Value>>(document).map_err(|error| {
            Error::config(format!(
                "invalid generator options: expected a JSON object: {error}"
            ))
        })?;
        let mut options = Self::default();
        for (name, value) in given {
            let spec = OptionSpec::named(&name)?;
            let value = spec.check(&value).map_err(|invalid| spec.error(&invalid))?;
            options.set(spec, value)?;
        }
        options.validated()
    }

    /// Every value as JSON, by the option's name.
    ///
    /// # Errors
    /// None; serialisation of these types does not fail.
    pub fn values(&self) -> Result<Map<String, Value>> {
        match serde_json::to_value(self) {
            Ok(Value::Object(values)) => Ok(values),
            _ => Err(Error::bug("generator options are not a JSON object")),
        }
    }

    /// Sets one option to a value of its kind.
    ///
    /// # Errors
    /// `Bug` for any other value.
    pub fn set(&mut self, spec: &OptionSpec, value: Value) -> Result<()> {
        let mut values = self.values()?;
        values.insert(spec.name.to_owned(), value);
        *self = serde_json::from_value(Value::Object(values))
            .map_err(|error| Error::bug(error.to_string()))
            .context(|| format!("option `{}`", spec.name))?;
        Ok(())
    }

    /// These options, if they are valid.
    ///
    /// # Errors
    /// `Config`, with the name of the option, its value and the valid values.
    pub fn validated(self) -> Result<Self> {
        let values = self.values()?;
        for spec in OPTIONS {
            let value = values.get(spec.name).unwrap_or(&Value::Null);
            spec.check(value).map_err(|invalid| spec.error(&invalid))?;
        }
        if self.updates + self.deletes > 1.0 {
            let sum = ((self.updates + self.deletes) * 1e6).round() / 1e6;
            return Err(Error::config(format!(
                "updates and deletes add up to {sum}: expected at most 1"
            )));
        }
        Ok(self)
    }

    /// Checks that events up to the sequence number `last` can be made.
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
                "event {last} would happen after the year 9999: use fewer rows or a smaller gap between events"
            )));
        }
        if last >= MOST_CUSTOMERS && self.updates + self.deletes == 0.0 {
            return Err(Error::config(format!(
                "{last} new customers are too many for one stream: use at most {MOST_CUSTOMERS} rows, or add updates"
            )));
        }
        Ok(())
    }
}

impl OptionSpec {
    /// The option of that name, or of that earlier name.
    ///
    /// # Errors
    /// `Config` if there is none.
    pub fn named(name: &str) -> Result<&'static Self> {
        let spec = OPTIONS
            .iter()
            .find(|spec| spec.name == name || spec.aliases.contains(&name));
        spec.ok_or_else(|| {
            let names: Vec<_> = OPTIONS.iter().map(|spec| spec.name).collect();
            let invalid = Invalid::new("generator option", name, names.join(", "));
            Error::config(invalid.to_string())
        })
    }

    /// The text of its default.
    #[must_use]
    pub fn default_text(&self) -> String {
        let defaults = Options::default().values().unwrap_or_default();
        defaults
            .get(self.name)
            .map_or_else(String::new, |value| self.text(value))
    }

    fn error(&self, invalid: &Invalid) -> Error {
        Error::config(invalid.to_string()).context(format!("option `{}`", self.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(options: Options) -> String {
        options.validated().unwrap_err().to_string()
    }

    #[test]
    fn an_invalid_option_is_named_with_its_value_and_what_is_expected() {
        assert_eq!(
            refused(Options {
                late: 1.5,
                ..Options::default()
            }),
            "option `late`: invalid fraction `1.5`: expected 0 to 1, or a percentage such as 10%"
        );
        assert!(
            refused(Options {
                malformed: f64::NAN,
                ..Options::default()
            })
            .contains("option `malformed`: invalid fraction `NaN`")
        );
        assert!(
            refused(Options {
                rows_per_file: 0,
                ..Options::default()
            })
            .starts_with(
                "option `rows_per_file`: invalid number `0`: expected a whole number from 1"
            )
        );
        assert!(
            refused(Options {
                locales: Vec::new(),
                ..Options::default()
            })
            .starts_with("option `locales`: invalid locale ``: expected us (en_US)")
        );
        assert_eq!(
            refused(Options {
                updates: 0.8,
                deletes: 0.4,
                ..Options::default()
            }),
            "updates and deletes add up to 1.2: expected at most 1"
        );
    }

    #[test]
    fn json_may_omit_options_and_write_values_as_text() {
        assert_eq!(Options::from_json("{}").unwrap(), Options::default());
        let options = Options::from_json(
            r#"{"seed": "42", "updates": "30%", "gap_micros": "10 millis", "locales": ["de_DE", "us"], "initial": 7}"#,
        );
        let expected = Options {
            seed: 42,
            updates: 0.3,
            gap_micros: 10_000,
            locales: vec![Locale::De, Locale::Us],
            initial: 7,
            ..Options::default()
        };
        assert_eq!(options.unwrap(), expected);
    }

    #[test]
    fn json_with_an_unknown_option_or_of_another_shape_is_rejected() {
        let refused = |json| Options::from_json(json).unwrap_err().to_string();
        assert!(refused(r#"{"sead": 1}"#).starts_with(
            "invalid generator option `sead`: expected seed, locales, rows_per_file,"
        ));
        assert!(refused(r#"{"seed": [1]}"#).starts_with("option `seed`: invalid number `[1]`"));
        assert!(refused("[1]").starts_with("invalid generator options: expected a JSON object"));
    }

    #[test]
    fn an_earlier_name_is_still_accepted() {
        let options = Options {
            malformed: 0.1,
            ..Options::default()
        };
        let earlier = r#"{"dirty": 0.1}"#;
        assert_eq!(Options::from_json(earlier).unwrap(), options);
        assert_eq!(serde_json::from_str::<Options>(earlier).unwrap(), options);
    }

    #[test]
    fn a_default_is_valid_text_for_its_option() {
        let defaults = Options::default().values().unwrap();
        for spec in OPTIONS {
            let text = spec.default_text();
            assert_eq!(
                spec.parse(&text).as_ref(),
                Ok(&defaults[spec.name]),
                "{}",
                spec.name
            );
            let property = spec.property.and_then(|property| property.default);
            assert!(property.is_none_or(|text| spec.parse(text).is_ok()));
        }
    }

    #[test]
    fn help_is_a_fragment_of_at_most_twelve_words() {
        for spec in OPTIONS {
            let help = spec.help();
            let words = help.split_whitespace().count();
            assert!((1..=12).contains(&words), "{help}");
            assert!(!help.ends_with('.'), "{help}");
        }
    }

    #[test]
    fn times_after_the_year_9999_are_rejected() {
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
