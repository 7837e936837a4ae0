//! Quantities as people write them: `1_000_000`, `10k`, `5%`, `500ms`. Text in, number or advice out.

use std::time::Duration;

use jiff::Timestamp;

/// A count: `1_000_000`, `10k`, `1.5M`, `2G`.
pub fn count(text: &str) -> Result<u64, String> {
    let advice = || format!("`{text}` is no count: give one such as 1_000_000, 10k or 2M");
    let plain = text.replace(['_', ','], "");
    let (digits, factor) = match plain.char_indices().last() {
        Some((at, 'k' | 'K')) => (&plain[..at], 1_000),
        Some((at, 'm' | 'M')) => (&plain[..at], 1_000_000),
        Some((at, 'g' | 'G')) => (&plain[..at], 1_000_000_000),
        _ => (plain.as_str(), 1),
    };
    scaled(digits, factor).ok_or_else(advice)
}

/// A count of one or more.
pub fn some(text: &str) -> Result<u64, String> {
    match count(text)? {
        0 => Err("give at least 1".to_owned()),
        number => Ok(number),
    }
}

/// `digits`, which may hold a point, times `factor`, if that is a whole number.
fn scaled(digits: &str, factor: u64) -> Option<u64> {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let unit = 10_u64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let number = format!("{whole}{fraction}").parse::<u64>().ok()?;
    let product = number.checked_mul(factor)?;
    product.is_multiple_of(unit).then_some(product / unit)
}

/// A share: `0.1` or `10%`.
pub fn share(text: &str) -> Result<f64, String> {
    let (digits, unit) = match text.strip_suffix('%') {
        Some(digits) => (digits.trim_end(), 100.0),
        None => (text, 1.0),
    };
    let share = digits.parse::<f64>().map(|number| number / unit).ok();
    share
        .filter(|share| (0.0..=1.0).contains(share))
        .ok_or_else(|| format!("`{text}` is no share: give one from 0 to 1 such as 0.1, or 10%"))
}

/// Events a second: `500`, `10k`, `0.5`.
pub fn rate(text: &str) -> Result<f64, String> {
    let plain = text.parse::<f64>().ok();
    #[expect(
        clippy::cast_precision_loss,
        reason = "a rate beyond 2^53 rows a second is refused below"
    )]
    let rate = plain.or_else(|| count(text).ok().map(|number| number as f64));
    rate.filter(|rate| (0.000_1..=10_000_000.0).contains(rate))
        .ok_or_else(|| {
            format!("`{text}` is no rate: give rows a second, 0.0001 to 10M, such as 500 or 10k")
        })
}

/// A length of time: `10s`, `500ms`, `250us`, `1m`, `2h`.
pub fn duration(text: &str) -> Result<Duration, String> {
    let at = text
        .find(|char: char| char.is_ascii_alphabetic())
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(at);
    let micros = match unit {
        "us" => 1,
        "ms" => 1_000,
        "s" => 1_000_000,
        "m" | "min" => 60_000_000,
        "h" => 3_600_000_000,
        _ => 0,
    };
    scaled(digits.trim_end(), micros)
        .filter(|&micros| micros > 0)
        .map(Duration::from_micros)
        .ok_or_else(|| {
            format!("`{text}` is no length of time: give one such as 10s, 500ms, 250us, 1m or 2h")
        })
}

/// A time, as microseconds since 1970: `2026-01-01T00:00:00Z`, or a day, which begins at midnight UTC.
pub fn time(text: &str) -> Result<u64, String> {
    let timestamp = text
        .parse::<Timestamp>()
        .or_else(|_| format!("{text}T00:00:00Z").parse());
    let micros = timestamp
        .ok()
        .and_then(|time| u64::try_from(time.as_microsecond()).ok());
    micros.ok_or_else(|| {
        format!(
            "`{text}` is no time: give one since 1970, such as 2026-01-01T00:00:00Z or 2026-01-01"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_written_as_people_do() {
        let pairs = [
            ("7", 7),
            ("1_000_000", 1_000_000),
            ("1,000", 1_000),
            ("10k", 10_000),
            ("1.5M", 1_500_000),
            ("2G", 2_000_000_000),
        ];
        for (text, number) in pairs {
            assert_eq!(count(text), Ok(number), "{text}");
        }
        for text in [
            "",
            "k",
            "-1",
            "1.5",
            "1e6",
            "0x10",
            "ten",
            "99999999999999999999",
        ] {
            assert!(count(text).is_err(), "{text}");
        }
    }

    #[test]
    fn shares_are_fractions_or_percentages() {
        assert_eq!(share("0.1"), Ok(0.1));
        assert_eq!(share("10%"), Ok(0.1));
        assert_eq!(share("100%"), Ok(1.0));
        for text in ["1.5", "150%", "-1%", "NaN", "%", ""] {
            assert!(share(text).is_err(), "{text}");
        }
    }

    #[test]
    fn lengths_of_time_have_a_unit() {
        assert_eq!(duration("10s"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("0.5s"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("250us"), Ok(Duration::from_micros(250)));
        assert_eq!(duration("1m"), Ok(Duration::from_secs(60)));
        for text in ["10", "s", "0s", "1 fortnight", ""] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_is_rfc_3339_or_a_day() {
        assert_eq!(time("1970-01-01T00:00:01Z"), Ok(1_000_000));
        assert_eq!(time("1970-01-02"), Ok(86_400_000_000));
        assert!(time("1969-12-31").is_err());
        assert!(time("yesterday").is_err());
    }
}
