//! Quantities as people write them: `1_000_000`, `10k`, `5%`, `500ms`. Text in, number out.

use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

/// A text that is not a quantity of its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The kind of quantity, such as "fraction".
    pub what: &'static str,
    /// The text.
    pub text: String,
    /// The valid values, such as "0 to 1, or a percentage such as 10%".
    pub expected: String,
}

impl Invalid {
    pub(crate) fn new(what: &'static str, text: &str, expected: impl Into<String>) -> Self {
        Self {
            what,
            text: text.to_owned(),
            expected: expected.into(),
        }
    }
}

/// Characters of an invalid text that its message shows.
const SHOWN: usize = 60;

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, expected) = (self.what, &self.expected);
        let mut text: String = self.text.chars().take(SHOWN).collect();
        if text.len() < self.text.len() {
            text.push('…');
        }
        write!(
            f,
            "invalid {what} `{}`: expected {expected}",
            crate::printable(&text)
        )
    }
}

impl std::error::Error for Invalid {}

/// The valid fractions, in words.
pub(crate) const FRACTIONS: &str = "0 to 1, or a percentage such as 10%";
/// The valid lengths of time, in words.
pub(crate) const DURATIONS: &str = "a number with a unit, such as 10s, 500ms, 250us, 1m or 2h";
/// The valid points in time, in words.
pub(crate) const TIMES: &str =
    "a date or time since 1970, such as 2026-01-01 or 2026-01-01T12:00:00Z";

/// A whole number from `min` to `max`: `1_000_000`, `10k`, `1.5M`, `2G`, `1e6`.
///
/// # Errors
/// If it is not one.
pub fn count(text: &str, min: u64, max: u64) -> Result<u64, Invalid> {
    let plain = text.replace(['_', ','], "");
    let (digits, factor) = match plain.char_indices().last() {
        Some((at, 'k' | 'K')) => (&plain[..at], 1_000),
        Some((at, 'm' | 'M')) => (&plain[..at], 1_000_000),
        Some((at, 'g' | 'G')) => (&plain[..at], 1_000_000_000),
        _ => (plain.as_str(), 1),
    };
    scaled(digits, factor)
        .filter(|number| (min..=max).contains(number))
        .ok_or_else(|| Invalid::new("number", text, counts(min, max)))
}

/// The valid counts, in words.
pub(crate) fn counts(min: u64, max: u64) -> String {
    let range = match (min, max) {
        (0, u64::MAX) => "a whole number".to_owned(),
        (_, u64::MAX) => format!("a whole number of at least {min}"),
        (0, _) => format!("a whole number of at most {max}"),
        _ => format!("a whole number from {min} to {max}"),
    };
    if max > 1_000_000 {
        range + ", such as 1_000_000, 10k or 2M"
    } else {
        range
    }
}

/// `digits`, which may hold a point and an exponent, times `factor`, if that is a whole number.
fn scaled(digits: &str, factor: u64) -> Option<u64> {
    let (digits, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) || !all_digits(exponent) {
        return None;
    }
    let power = |exponent: u32| 10_u64.checked_pow(exponent);
    let unit = power(u32::try_from(fraction.len()).ok()?)?;
    let number = format!("{whole}{fraction}").parse::<u64>().ok()?;
    let product = number
        .checked_mul(factor)?
        .checked_mul(power(exponent.parse().ok()?)?)?;
    product.is_multiple_of(unit).then_some(product / unit)
}

/// A fraction: `0.1` or `10%`.
///
/// # Errors
/// If it is not one from 0 to 1.
pub fn fraction(text: &str) -> Result<f64, Invalid> {
    let (digits, unit) = match text.strip_suffix('%') {
        Some(digits) => (digits.trim_end(), 100.0),
        None => (text, 1.0),
    };
    let fraction = digits.parse::<f64>().map(|number| number / unit).ok();
    fraction
        .filter(|fraction| (0.0..=1.0).contains(fraction))
        .ok_or_else(|| Invalid::new("fraction", text, FRACTIONS))
}

/// Events a second: `500`, `10k`, `0.5`.
///
/// # Errors
/// If it is not one.
pub fn rate(text: &str) -> Result<f64, Invalid> {
    let plain = text.parse::<f64>().ok();
    // A rate beyond 2^53 rows a second is out of range.
    let rate = plain.or_else(|| count(text, 0, u64::MAX).ok().map(|number| number as f64));
    rate.filter(|rate| (0.000_1..=10_000_000.0).contains(rate))
        .ok_or_else(|| {
            Invalid::new(
                "rate",
                text,
                "0.0001 to 10M rows per second, such as 500 or 10k",
            )
        })
}

/// A length of time of at least a microsecond: `10s`, `500ms`, `250us`, `1m`, `2h`, `100 millis`.
///
/// # Errors
/// If it is not one.
pub fn duration(text: &str) -> Result<Duration, Invalid> {
    let parsed = text.to_lowercase().parse::<Span>().ok();
    let days = SpanRelativeTo::days_are_24_hours();
    parsed
        .and_then(|span| span.to_duration(days).ok())
        .and_then(|duration| Duration::try_from(duration).ok())
        .filter(|duration| duration.as_micros() > 0)
        .ok_or_else(|| Invalid::new("length of time", text, DURATIONS))
}

/// The shortest text of a length of time.
pub(crate) fn duration_text(micros: u64) -> String {
    let duration = i64::try_from(micros).map_or(SignedDuration::MAX, SignedDuration::from_micros);
    format!("{duration:#}").replace('µ', "u")
}

/// A time, as microseconds since 1970: `2026-01-01T00:00:00Z`, or a day, which begins at midnight UTC.
///
/// # Errors
/// If it is not one.
pub fn time(text: &str) -> Result<u64, Invalid> {
    let timestamp = text
        .parse::<Timestamp>()
        .or_else(|_| format!("{text}T00:00:00Z").parse());
    timestamp
        .ok()
        .and_then(|time| u64::try_from(time.as_microsecond()).ok())
        .ok_or_else(|| Invalid::new("time", text, TIMES))
}

/// The text of a time.
pub(crate) fn time_text(micros: u64) -> String {
    let time = i64::try_from(micros)
        .ok()
        .and_then(|micros| Timestamp::from_microsecond(micros).ok());
    time.map_or_else(|| micros.to_string(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_may_have_separators_units_and_exponents() {
        let pairs = [
            ("7", 7),
            ("1_000_000", 1_000_000),
            ("1,000", 1_000),
            ("10k", 10_000),
            ("1.5M", 1_500_000),
            ("2G", 2_000_000_000),
            ("1e6", 1_000_000),
            ("1.5E3", 1_500),
            ("18446744073709551615", u64::MAX),
        ];
        for (text, number) in pairs {
            assert_eq!(count(text, 0, u64::MAX), Ok(number), "{text}");
        }
        for text in [
            "",
            "k",
            "-1",
            "1.5",
            "1e",
            "1e-3",
            "1e20",
            "e6",
            "0x10",
            "ten",
            "99999999999999999999",
        ] {
            assert!(count(text, 0, u64::MAX).is_err(), "{text}");
        }
    }

    #[test]
    fn an_error_for_a_count_out_of_range_names_the_range() {
        assert_eq!(
            count("0", 1, u64::MAX).unwrap_err().to_string(),
            "invalid number `0`: expected a whole number of at least 1, such as 1_000_000, 10k or 2M"
        );
        assert_eq!(
            count("2000", 1, 1024).unwrap_err().to_string(),
            "invalid number `2000`: expected a whole number from 1 to 1024"
        );
    }

    #[test]
    fn fractions_may_be_percentages() {
        assert_eq!(fraction("0.1"), Ok(0.1));
        assert_eq!(fraction("10%"), Ok(0.1));
        assert_eq!(fraction("100%"), Ok(1.0));
        for text in ["1.5", "150%", "-1%", "NaN", "%", ""] {
            assert!(fraction(text).is_err(), "{text}");
        }
        assert_eq!(
            fraction("x").unwrap_err().to_string(),
            "invalid fraction `x`: expected 0 to 1, or a percentage such as 10%"
        );
    }

    #[test]
    fn rates_have_a_range() {
        assert_eq!(rate("500"), Ok(500.0));
        assert_eq!(rate("0.5"), Ok(0.5));
        assert_eq!(rate("10k"), Ok(10_000.0));
        for text in ["0", "-1", "11M", "NaN", ""] {
            assert!(rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn lengths_of_time_have_a_unit() {
        let pairs = [
            ("10s", 10_000_000),
            ("0.5s", 500_000),
            ("250us", 250),
            ("1m", 60_000_000),
            ("90 min", 5_400_000_000),
            ("100 millis", 100_000),
            ("2 SECS", 2_000_000),
            ("1 day", 86_400_000_000),
        ];
        for (text, micros) in pairs {
            assert_eq!(duration(text), Ok(Duration::from_micros(micros)), "{text}");
            assert_eq!(
                duration(&duration_text(micros)),
                Ok(Duration::from_micros(micros)),
                "{text}"
            );
        }
        for text in ["10", "s", "0s", "-1s", "10ns", "1 fortnight", ""] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_is_rfc_3339_or_a_day() {
        assert_eq!(time("1970-01-01T00:00:01Z"), Ok(1_000_000));
        assert_eq!(time("1970-01-02"), Ok(86_400_000_000));
        assert_eq!(time_text(86_400_000_000), "1970-01-02T00:00:00Z");
        assert!(time("1969-12-31").is_err());
        assert!(time("yesterday").is_err());
    }
}
