//! Whether a text is a value of a type in the form that the tables read: the form of every staged file.
//!
//! The merge checks the same in SQL, so that files that others put into the stage are held to the same form.

use super::ColumnType;

impl ColumnType {
    /// Whether the text is a value of this type.
    #[must_use]
    #[inline(always)]
    pub fn accepts(self, text: &[u8]) -> bool {
        match self {
            Self::Text { max_chars } => {
                // There are never more characters than bytes.
                text.len() <= max_chars as usize || chars(text) <= max_chars as usize
            }
            Self::Number { precision, scale } => {
                is_number(text, usize::from(precision), usize::from(scale))
            }
            Self::Boolean => {
                text.eq_ignore_ascii_case(b"true") || text.eq_ignore_ascii_case(b"false")
            }
            Self::Date => is_date(text),
            Self::Timestamp => is_timestamp(text),
            Self::OffsetTimestamp | Self::Instant => is_instant(text),
            Self::Time => is_time(text),
            Self::Float => is_float(text),
            Self::Binary { max_bytes } => {
                text.len().is_multiple_of(2)
                    && text.len() / 2 <= max_bytes as usize
                    && text.iter().all(u8::is_ascii_hexdigit)
            }
            Self::Json => is_json(text),
        }
    }
}

/// How many characters a text of UTF-8 has.
#[cold]
pub(crate) fn chars(text: &[u8]) -> usize {
    text.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}

#[inline(always)]
fn is_number(text: &[u8], precision: usize, scale: usize) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    if scale == 0 {
        return !digits.is_empty() && digits.len() <= precision && are_digits(digits);
    }
    is_fraction(digits, precision - scale, scale)
}

fn is_fraction(digits: &[u8], whole: usize, scale: usize) -> bool {
    let point = digits.iter().position(|byte| *byte == b'.');
    let (left, right) = point.map_or((digits, None), |at| {
        (&digits[..at], Some(&digits[at + 1..]))
    });
    if !right.is_none_or(|right| !right.is_empty() && right.len() <= scale && are_digits(right)) {
        return false;
    }
    if whole == 0 {
        return right.is_some() && matches!(left, b"" | b"0");
    }
    !left.is_empty() && left.len() <= whole && are_digits(left)
}

#[inline(always)]
fn are_digits(text: &[u8]) -> bool {
    let (eights, rest) = text.as_chunks::<8>();
    eights
        .iter()
        .all(|eight| are_eight_digits(u64::from_le_bytes(*eight)))
        && rest.iter().all(u8::is_ascii_digit)
}

/// Adding six carries anything above '9' out of its upper half.
#[inline(always)]
fn are_eight_digits(eight: u64) -> bool {
    const UPPER: u64 = 0xf0f0_f0f0_f0f0_f0f0;
    const ZEROS: u64 = 0x3030_3030_3030_3030;
    (eight & UPPER) == ZEROS && (eight.wrapping_add(0x0606_0606_0606_0606) & UPPER) == ZEROS
}

#[inline(always)]
fn two(text: &[u8], at: usize) -> u8 {
    // Callers have checked that these are digits.
    text[at]
        .wrapping_sub(b'0')
        .wrapping_mul(10)
        .wrapping_add(text[at + 1].wrapping_sub(b'0'))
}

#[inline(always)]
fn is_date(text: &[u8]) -> bool {
    let Ok(text) = <&[u8; 10]>::try_from(text) else {
        return false;
    };
    let digits = [
        text[0], text[1], text[2], text[3], text[5], text[6], text[8], text[9],
    ];
    if text[4] != b'-' || text[7] != b'-' || !are_eight_digits(u64::from_le_bytes(digits)) {
        return false;
    }
    let (century, year, month, day) = (two(text, 0), two(text, 2), two(text, 5), two(text, 8));
    if (1..=28).contains(&day) && (1..=12).contains(&month) && (century | year) != 0 {
        return true;
    }
    let is_leap = if year == 0 {
        century.is_multiple_of(4)
    } else {
        year.is_multiple_of(4)
    };
    let days = match month {
        2 => 28 + u8::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (century | year) != 0 && day >= 1 && day <= days
}

#[inline(always)]
fn is_timestamp(text: &[u8]) -> bool {
    let text = text.strip_suffix(b"Z").unwrap_or(text);
    if text.len() < 19 || !is_date(&text[..10]) || !matches!(text[10], b'T' | b' ') {
        return false;
    }
    let digits = [
        b'0', b'0', text[11], text[12], text[14], text[15], text[17], text[18],
    ];
    if text[13] != b':' || text[16] != b':' || !are_eight_digits(u64::from_le_bytes(digits)) {
        return false;
    }
    if two(text, 11) > 23 || two(text, 14) > 59 || two(text, 17) > 59 {
        return false;
    }
    match &text[19..] {
        [] => true,
        [b'.', fraction @ ..] => {
            (1..=6).contains(&fraction.len()) && fraction.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    }
}

/// `2026-11-23 18:52:55.123456 +01:00`, exactly so.
fn is_instant(text: &[u8]) -> bool {
    let [time @ .., b' ', sign, h1, h2, b':', m1, m2] = text else {
        return false;
    };
    let offset = [*h1, *h2, *m1, *m2];
    matches!(sign, b'+' | b'-')
        && are_digits(&offset)
        && two(&offset, 0) <= 14
        && two(&offset, 2) <= 59
        && time.len() == 26
        && time[10] == b' '
        && is_timestamp(time)
}

fn is_time(text: &[u8]) -> bool {
    let day = b"2000-01-01T";
    text.len() >= 8 && !text.ends_with(b"Z") && is_timestamp(&[day, text].concat())
}

fn is_float(text: &[u8]) -> bool {
    let is_plain = text
        .iter()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E'));
    let number = std::str::from_utf8(text).ok().filter(|_| is_plain);
    number
        .and_then(|text| text.parse::<f64>().ok())
        .is_some_and(f64::is_finite)
}

fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_fit_their_digits_and_nothing_is_rounded() {
        assert!(is_number(b"123456789012345678", 18, 0) && is_number(b"-1", 18, 0));
        for text in [
            "",
            "-",
            "1.0",
            "1e3",
            "+1",
            " 1",
            "1234567890123456789",
            "12345678x",
            "0x12",
        ] {
            assert!(!is_number(text.as_bytes(), 18, 0), "{text}");
        }
        assert!(
            is_number(b"12.50", 4, 2)
                && is_number(b"12", 4, 2)
                && is_number(b".25", 2, 2)
                && is_number(b"0.2", 2, 2)
        );
        for text in ["12.", "123", "1.234", ".5", "1.2.3"] {
            assert!(!is_number(text.as_bytes(), 4, 2), "{text}");
        }
    }

    #[test]
    fn every_byte_but_a_digit_is_seen() {
        for byte in 0..=255_u8 {
            assert_eq!(
                are_digits(&[b'1', b'2', byte, b'4', b'5', b'6', b'7', b'8']),
                byte.is_ascii_digit(),
                "{byte}"
            );
        }
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert!(
            is_date(b"2024-02-29")
                && is_date(b"2000-02-29")
                && is_date(b"1999-12-31")
                && is_date(b"0001-01-01")
        );
        for text in [
            "2023-02-29",
            "1900-02-29",
            "2024-04-31",
            "2024-13-01",
            "2024-00-10",
            "0000-01-01",
            "2024-1-01",
            "2024/01/01",
        ] {
            assert!(!is_date(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn timestamps_are_utc_with_at_most_microseconds() {
        for text in [
            "2026-11-23T18:52:55Z",
            "2026-11-23 18:52:55",
            "2026-11-23T18:52:55.1Z",
            "2026-11-23T18:52:55.123456Z",
        ] {
            assert!(is_timestamp(text.as_bytes()), "{text}");
        }
        for text in [
            "2026-11-23T18:52:55+02:00",
            "2026-11-23T24:00:00Z",
            "2026-11-23T18:52:55.1234567Z",
            "2026-11-23",
            "1764000000",
            "2026-11-23T18:52:55.Z",
        ] {
            assert!(!is_timestamp(text.as_bytes()), "{text}");
        }
    }
}
