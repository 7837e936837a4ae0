//! Formats of timestamps: RFC 3339, counts since 1970, and patterns in Snowflake's notation.

use crate::error::{Error, Result};

/// One way to write a timestamp.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TimestampFormat {
    /// `2026-11-23T18:52:55.123456+01:00`; a blank is accepted for `T`, and any offset or none.
    Rfc3339,
    /// A whole number of `1 / per_second` seconds since 1970 in UTC.
    Epoch {
        /// 1, a thousand, a million or a billion.
        per_second: u64,
    },
    /// A pattern for jiff's `strptime`.
    Pattern {
        /// The pattern with `%` directives.
        directives: String,
        /// The pattern in the contract.
        text: String,
    },
}

/// The elements of Snowflake's notation, longest first, and their `strptime` directives.
const ELEMENTS: [(&str, &str); 18] = [
    ("TZH:TZM", "%:z"),
    ("TZHTZM", "%z"),
    ("HH24", "%H"),
    ("HH12", "%I"),
    ("YYYY", "%Y"),
    ("MMMM", "%B"),
    ("MON", "%b"),
    ("FF", "%f"),
    ("YY", "%y"),
    ("MM", "%m"),
    ("DD", "%d"),
    ("DY", "%a"),
    ("MI", "%M"),
    ("SS", "%S"),
    ("AM", "%p"),
    ("PM", "%p"),
    ("TZH", "%z"),
    ("HH", "%H"),
];

impl TimestampFormat {
    /// Parses a format in a contract.
    ///
    /// # Errors
    /// `Config` if it is not a valid format.
    pub fn parse(text: &str) -> Result<Self> {
        let per_second = match text {
            "rfc3339" => return Ok(Self::Rfc3339),
            "epoch-s" => 1,
            "epoch-ms" => 1_000,
            "epoch-us" => 1_000_000,
            "epoch-ns" => 1_000_000_000,
            _ => return pattern(text),
        };
        Ok(Self::Epoch { per_second })
    }
}

fn pattern(text: &str) -> Result<TimestampFormat> {
    let upper = text.to_ascii_uppercase();
    let mut directives = String::new();
    let mut at = 0;
    let mut elements = 0;
    while at < text.len() {
        let rest = &upper[at..];
        if let Some((element, directive)) = ELEMENTS.iter().find(|(one, _)| rest.starts_with(one)) {
            directives.push_str(directive);
            at += element.len();
            elements += 1;
            // `FF6` gives the expected number of fraction digits; any number is accepted.
            if *directive == "%f" && upper[at..].starts_with(|char: char| char.is_ascii_digit()) {
                at += 1;
            }
            continue;
        }
        let Some(char) = text[at..].chars().next() else {
            break;
        };
        let is_separator = matches!(char, 'T' | 't' | 'Z' | 'z') || !char.is_alphanumeric();
        if !is_separator || char == '%' || char == '"' {
            return Err(unknown(text));
        }
        directives.push(char);
        at += char.len_utf8();
    }
    if elements < 3 {
        return Err(unknown(text));
    }
    Ok(TimestampFormat::Pattern {
        directives,
        text: text.to_owned(),
    })
}

fn unknown(text: &str) -> Error {
    Error::config(format!(
        "invalid timestamp format `{text}`: expected rfc3339, epoch-s, epoch-ms, epoch-us, epoch-ns, or a pattern such as `DD.MM.YYYY HH24:MI:SS`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_in_snowflakes_notation_becomes_one_of_strptime() {
        let directives = |text: &str| match TimestampFormat::parse(text) {
            Ok(TimestampFormat::Pattern { directives, .. }) => directives,
            other => format!("{other:?}"),
        };
        assert_eq!(
            directives("DD.MM.YYYY HH24:MI:SS.FF6"),
            "%d.%m.%Y %H:%M:%S.%f"
        );
        assert_eq!(
            directives("YYYY-MM-DDTHH24:MI:SSTZH:TZM"),
            "%Y-%m-%dT%H:%M:%S%:z"
        );
        assert_eq!(directives("MON DD YYYY HH12:MI AM"), "%b %d %Y %I:%M %p");
        for text in ["", "iso", "DD.MM", "%Y-%m-%d", "YYYY-MM-DD noon"] {
            assert!(TimestampFormat::parse(text).is_err(), "{text}");
        }
    }
}
