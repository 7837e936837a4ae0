//! The name, valid values and documentation of a generator option.
//!
//! Commands, JSON documents, NiFi properties and the reference of the options are all made from this.

use serde_json::Value;

use crate::locale::Locale;
use crate::quantity::{self, Invalid};

/// One row of the option table.
#[derive(Clone, Copy, Debug)]
pub struct OptionSpec {
    /// Name in a JSON document.
    pub name: &'static str,
    /// Earlier names in JSON documents, still read.
    pub aliases: &'static [&'static str],
    /// The group of the option.
    pub group: Group,
    /// Its values.
    pub kind: Kind,
    /// Name on the command line, without the dashes.
    pub flag: &'static str,
    /// Earlier names on the command line, still accepted.
    pub flag_aliases: &'static [&'static str],
    /// The default for a stream with a rate, in words, if it differs.
    pub default_with_rate: Option<&'static str>,
    /// The property of the NiFi processor, if there is one.
    pub property: Option<Property>,
    /// The explanation: a help fragment, then sentences.
    pub(super) doc: &'static [&'static str],
}

/// A property of the NiFi processor.
#[derive(Clone, Copy, Debug)]
pub struct Property {
    /// Its name.
    pub name: &'static str,
    /// Earlier names, which NiFi migrates.
    pub formerly: &'static [&'static str],
    /// The default in NiFi, if it differs.
    pub default: Option<&'static str>,
}

/// A group of options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// The amount of data.
    Size,
    /// The customers.
    Customers,
    /// The events.
    Events,
    /// Faults that a pipeline must cope with.
    Faults,
    /// The form of the rows.
    Output,
}

impl Group {
    /// Every group, in the order of the reference.
    pub const ALL: [Self; 5] = [
        Self::Size,
        Self::Customers,
        Self::Events,
        Self::Faults,
        Self::Output,
    ];

    /// The heading of its options.
    #[must_use]
    pub const fn heading(self) -> &'static str {
        match self {
            Self::Size => "Size",
            Self::Customers => "Customers",
            Self::Events => "Events",
            Self::Faults => "Fault injection (off by default)",
            Self::Output => "Output",
        }
    }
}

/// The valid values of an option, as text and in JSON.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A whole number within bounds.
    Number {
        /// The smallest.
        min: u64,
        /// The largest.
        max: u64,
    },
    /// A number from 0 to 1.
    Fraction,
    /// A point in time; in JSON as microseconds since 1970.
    Time,
    /// A length of time; in JSON as microseconds.
    Duration,
    /// One of several words, each with its explanation.
    Choice(&'static [(&'static str, &'static str)]),
    /// A list of locales.
    Locales,
}

impl OptionSpec {
    pub(super) const fn new(flag: &'static str, group: Group, kind: Kind) -> Self {
        Self {
            name: "",
            aliases: &[],
            group,
            kind,
            flag,
            flag_aliases: &[],
            default_with_rate: None,
            property: None,
            doc: &[],
        }
    }

    pub(super) const fn flag_alias(mut self, aliases: &'static [&'static str]) -> Self {
        self.flag_aliases = aliases;
        self
    }

    pub(super) const fn with_rate(mut self, default: &'static str) -> Self {
        self.default_with_rate = Some(default);
        self
    }

    pub(super) const fn property(
        mut self,
        name: &'static str,
        formerly: &'static [&'static str],
    ) -> Self {
        self.property = Some(Property {
            name,
            formerly,
            default: None,
        });
        self
    }

    pub(super) const fn property_default(mut self, default: &'static str) -> Self {
        if let Some(property) = &mut self.property {
            property.default = Some(default);
        }
        self
    }

    /// A fragment of at most 12 words.
    #[must_use]
    pub fn help(&self) -> &'static str {
        self.doc.first().map_or("", |line| line.trim())
    }

    /// Further sentences; empty if there are none.
    #[must_use]
    pub fn details(&self) -> String {
        let lines = self.doc.iter().skip(1).map(|line| line.trim());
        lines
            .filter(|line| !line.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Parses a text into the value, as JSON.
    ///
    /// # Errors
    /// If the value is invalid.
    pub fn parse(&self, text: &str) -> Result<Value, Invalid> {
        let text = text.trim();
        match self.kind {
            Kind::Number { min, max } => quantity::count(text, min, max).map(Value::from),
            Kind::Fraction => quantity::fraction(text).map(Value::from),
            Kind::Time => quantity::time(text).map(Value::from),
            Kind::Duration => quantity::duration(text).and_then(|duration| {
                let micros = u64::try_from(duration.as_micros());
                micros.map(Value::from).map_err(|_| self.invalid(text))
            }),
            Kind::Choice(choices) => {
                let known = choices.iter().any(|(choice, _)| *choice == text);
                known
                    .then(|| Value::from(text))
                    .ok_or_else(|| self.invalid(text))
            }
            Kind::Locales => {
                let names = text
                    .split(',')
                    .map(str::trim)
                    .filter(|name| !name.is_empty());
                let locales = names
                    .map(|name| name.parse::<Locale>().map(Locale::name))
                    .collect::<Result<Vec<_>, _>>()?;
                (!locales.is_empty())
                    .then(|| Value::from(locales))
                    .ok_or_else(|| self.invalid(text))
            }
        }
    }

    /// Checks a JSON value, or a text for it.
    ///
    /// # Errors
    /// If the value is invalid.
    pub fn check(&self, value: &Value) -> Result<Value, Invalid> {
        let taken = match (self.kind, value) {
            (_, Value::String(text)) => return self.parse(text),
            (Kind::Number { min, max }, _) => value
                .as_u64()
                .is_some_and(|number| (min..=max).contains(&number)),
            (Kind::Fraction, _) => value
                .as_f64()
                .is_some_and(|fraction| (0.0..=1.0).contains(&fraction)),
            (Kind::Time, _) => value.is_u64(),
            (Kind::Duration, _) => value.as_u64().is_some_and(|micros| micros > 0),
            (Kind::Locales, Value::Array(names)) if names.iter().all(Value::is_string) => {
                let names = names.iter().filter_map(Value::as_str).collect::<Vec<_>>();
                return self.parse(&names.join(","));
            }
            (Kind::Choice(_) | Kind::Locales, _) => false,
        };
        // JSON has no NaN: it becomes null.
        let shown = || {
            if value.is_null() {
                "NaN".into()
            } else {
                value.to_string()
            }
        };
        taken
            .then(|| value.clone())
            .ok_or_else(|| self.invalid(&shown()))
    }

    /// The text of a value.
    #[must_use]
    pub fn text(&self, value: &Value) -> String {
        match (self.kind, value) {
            (Kind::Time, Value::Number(micros)) => {
                quantity::time_text(micros.as_u64().unwrap_or_default())
            }
            (Kind::Duration, Value::Number(micros)) => {
                quantity::duration_text(micros.as_u64().unwrap_or_default())
            }
            (Kind::Fraction, Value::Number(fraction)) => {
                fraction.as_f64().unwrap_or_default().to_string()
            }
            (_, Value::String(text)) => text.clone(),
            (_, Value::Array(items)) => {
                let items = items.iter().filter_map(Value::as_str);
                items.collect::<Vec<_>>().join(",")
            }
            _ => value.to_string(),
        }
    }

    fn invalid(&self, text: &str) -> Invalid {
        Invalid::new(self.kind.what(), text, self.kind.expected())
    }
}

impl Kind {
    /// The name of the kind of value.
    #[must_use]
    pub const fn what(self) -> &'static str {
        match self {
            Self::Number { .. } => "number",
            Self::Fraction => "fraction",
            Self::Time => "time",
            Self::Duration => "length of time",
            Self::Choice(_) => "choice",
            Self::Locales => "locale",
        }
    }

    /// The valid values, in words.
    #[must_use]
    pub fn expected(self) -> String {
        match self {
            Self::Number { min, max } => quantity::counts(min, max),
            Self::Fraction => quantity::FRACTIONS.into(),
            Self::Time => quantity::TIMES.into(),
            Self::Duration => quantity::DURATIONS.into(),
            Self::Choice(choices) => {
                let names = choices.iter().map(|(name, _)| *name);
                names.collect::<Vec<_>>().join(" or ")
            }
            Self::Locales => format!("{}, separated by commas", Locale::list()),
        }
    }
}
