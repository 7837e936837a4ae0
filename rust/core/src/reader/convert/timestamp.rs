//! Timestamps and dates: RFC 3339 with any offset, local time of a named zone, counts since 1970, and patterns.

use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

use super::{Fault, Value};
use crate::contract::{ColumnType, TimestampFormat};
use crate::error::{Error, Result};

/// The formats of one column's timestamps.
pub(super) struct Timestamps {
    is_rfc3339: bool,
    /// Units per second.
    epoch: Option<u64>,
    patterns: Vec<String>,
    /// The zone of timestamps without offset; UTC by default.
    zone: Option<TimeZone>,
    is_lenient: bool,
}

/// A time as written in a text.
struct Written {
    time: DateTime,
    offset: Option<Offset>,
}

impl Timestamps {
    pub fn new(formats: &[TimestampFormat], zone: Option<&str>, is_lenient: bool) -> Result<Self> {
        let zone = zone.map(TimeZone::get).transpose();
        let mut timestamps = Self {
            is_rfc3339: false,
            epoch: None,
            patterns: Vec::new(),
            zone: zone.map_err(|error| Error::config(error.to_string()))?,
            is_lenient,
        };
        for format in formats {
            match format {
                TimestampFormat::Rfc3339 => timestamps.is_rfc3339 = true,
                TimestampFormat::Epoch { per_second } => timestamps.epoch = Some(*per_second),
                TimestampFormat::Pattern { directives, .. } => {
                    timestamps.patterns.push(directives.clone());
                }
            }
        }
        Ok(timestamps)
    }

    /// Writes a timestamp in UTC.
    pub fn timestamp(&self, text: &[u8], output: &mut Vec<u8>) -> Result<(), Fault> {
        if self.is_rfc3339 {
            let is_certain = self.zone.is_none() || text.ends_with(b"Z");
            if is_certain && ColumnType::Timestamp.accepts(text) {
                output.extend_from_slice(text);
                return Ok(());
            }
            if let Some(written) = rfc3339(text) {
                return self.push(&written, output);
            }
        }
        let is_number = text
            .strip_prefix(b"-")
            .unwrap_or(text)
            .iter()
            .all(u8::is_ascii_digit);
        if is_number && self.epoch.is_some() {
            return self.epoch(text, output);
        }
        let written = self.by_pattern(text).ok_or(Fault::InvalidValue)?;
        self.push(&written, output)
    }

    /// Writes a timestamp that is a count since 1970.
    pub fn epoch(&self, text: &[u8], output: &mut Vec<u8>) -> Result<(), Fault> {
        let per_second = self.epoch.ok_or(Fault::UnknownEpoch)?;
        let count = std::str::from_utf8(text)
            .ok()
            .and_then(|text| text.parse::<i64>().ok());
        let count = i128::from(count.ok_or(Fault::InvalidValue)?);
        self.instant(count * i128::from(1_000_000_000 / per_second), output)
    }

    /// Writes nanoseconds since 1970 as a timestamp.
    pub fn instant(&self, nanos: i128, output: &mut Vec<u8>) -> Result<(), Fault> {
        let instant = Timestamp::from_nanosecond(nanos).map_err(|_| Fault::InvalidValue)?;
        self.push_utc(Offset::UTC.to_datetime(instant), output)
    }

    /// Writes an instant: with its own offset, or in UTC.
    pub fn zoned(
        &self,
        value: &Value<'_>,
        kind: ColumnType,
        output: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let mut utc = Vec::new();
        let mut offset = Offset::UTC;
        match value {
            Value::Text { text, .. }
                if kind.accepts(text) && kind == ColumnType::OffsetTimestamp =>
            {
                output.extend_from_slice(text);
                return Ok(());
            }
            Value::Text { text, .. } => {
                self.timestamp(text, &mut utc)?;
                let written = rfc3339(text).filter(|_| self.is_rfc3339);
                let written = written.or_else(|| self.by_pattern(text));
                offset = written.and_then(|one| one.offset).unwrap_or(Offset::UTC);
            }
            Value::Number(text) => self.epoch(text, &mut utc)?,
            Value::Instant(nanos) => self.instant(*nanos, &mut utc)?,
            _ => return Err(Fault::InvalidValue),
        }
        let text = std::str::from_utf8(&utc).map_err(|_| Fault::InvalidValue)?;
        let instant: Timestamp = text
            .replacen(' ', "T", 1)
            .trim_end_matches('Z')
            .parse::<DateTime>()
            .ok()
            .and_then(|time| Offset::UTC.to_timestamp(time).ok())
            .ok_or(Fault::InvalidValue)?;
        let offset = if kind == ColumnType::OffsetTimestamp {
            offset
        } else {
            Offset::UTC
        };
        let minutes = offset.seconds() / 60;
        let local = offset.to_datetime(instant);
        let sign = if minutes < 0 { '-' } else { '+' };
        let (hours, rest) = (minutes.abs() / 60, minutes.abs() % 60);
        let text = format!(
            "{} {sign}{hours:02}:{rest:02}",
            local.strftime("%Y-%m-%d %H:%M:%S%.6f")
        );
        output.extend_from_slice(text.as_bytes());
        Ok(())
    }

    /// Writes a date.
    pub fn date(&self, text: &[u8], output: &mut Vec<u8>) -> Result<(), Fault> {
        if ColumnType::Date.accepts(text) {
            output.extend_from_slice(text);
            return Ok(());
        }
        let written = if self.is_rfc3339 { rfc3339(text) } else { None };
        let written = written
            .or_else(|| self.by_pattern(text))
            .ok_or(Fault::InvalidValue)?;
        let is_whole_day = written.time.time() == jiff::civil::Time::midnight();
        if !is_whole_day && !self.is_lenient || written.time.year() < 1 {
            return Err(Fault::InvalidValue);
        }
        output.extend_from_slice(written.time.date().to_string().as_bytes());
        Ok(())
    }

    fn by_pattern(&self, text: &[u8]) -> Option<Written> {
        self.patterns.iter().find_map(|pattern| {
            let broken_down = strtime::parse(pattern, text).ok()?;
            let date = broken_down.to_date().ok()?;
            let time = broken_down
                .to_time()
                .unwrap_or(jiff::civil::Time::midnight());
            Some(Written {
                time: date.to_datetime(time),
                offset: broken_down.offset(),
            })
        })
    }

    fn push(&self, written: &Written, output: &mut Vec<u8>) -> Result<(), Fault> {
        let utc = match (written.offset, &self.zone) {
            (Some(offset), _) => shifted(written.time, offset)?,
            (None, None) => written.time,
            (None, Some(zone)) => {
                let ambiguous = zone.to_ambiguous_timestamp(written.time);
                let instant = if self.is_lenient {
                    ambiguous.compatible()
                } else {
                    ambiguous.unambiguous()
                };
                Offset::UTC.to_datetime(instant.map_err(|_| Fault::AmbiguousTime)?)
            }
        };
        self.push_utc(utc, output)
    }

    fn push_utc(&self, utc: DateTime, output: &mut Vec<u8>) -> Result<(), Fault> {
        if utc.year() < 1 {
            return Err(Fault::InvalidValue);
        }
        let nanos = utc.subsec_nanosecond();
        if nanos % 1000 != 0 && !self.is_lenient {
            return Err(Fault::TooPrecise);
        }
        let text = format!(
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}",
            utc.year(),
            utc.month(),
            utc.day(),
            utc.hour(),
            utc.minute(),
            utc.second()
        );
        output.extend_from_slice(text.as_bytes());
        if nanos >= 1000 {
            output.extend_from_slice(format!(".{:06}", nanos / 1000).as_bytes());
        }
        output.push(b'Z');
        Ok(())
    }
}

/// Writes a time of day; seconds may be missing.
pub(super) fn time(text: &[u8], output: &mut Vec<u8>) -> Result<(), Fault> {
    if ColumnType::Time.accepts(text) {
        output.extend_from_slice(text);
        return Ok(());
    }
    let with_seconds = [text, b":00"].concat();
    if text.len() == 5 && ColumnType::Time.accepts(&with_seconds) {
        output.extend_from_slice(&with_seconds);
        return Ok(());
    }
    Err(Fault::InvalidValue)
}

/// Writes days since 1970 as a date.
pub(super) fn days(days: i32, output: &mut Vec<u8>) -> Result<(), Fault> {
    let epoch = jiff::civil::date(1970, 1, 1);
    let date = epoch.checked_add(
        jiff::Span::new()
            .try_days(days)
            .map_err(|_| Fault::InvalidValue)?,
    );
    let date = date
        .ok()
        .filter(|date| date.year() >= 1)
        .ok_or(Fault::InvalidValue)?;
    output.extend_from_slice(date.to_string().as_bytes());
    Ok(())
}

fn shifted(time: DateTime, offset: Offset) -> Result<DateTime, Fault> {
    let seconds = SignedDuration::from_secs(i64::from(offset.seconds()));
    time.checked_sub(seconds).map_err(|_| Fault::InvalidValue)
}

/// Whether a text is read as a timestamp of RFC 3339.
pub(crate) fn is_rfc3339(text: &str) -> bool {
    rfc3339(text.as_bytes()).is_some()
}

/// A timestamp of RFC 3339, or with small deviations: a blank for the `T`, no seconds, no offset, or one such as `+00`, `+0000` or `UTC`.
fn rfc3339(text: &[u8]) -> Option<Written> {
    let date = text
        .get(..10)
        .filter(|date| ColumnType::Date.accepts(date))?;
    if !matches!(text.get(10)?, b'T' | b't' | b' ') {
        return None;
    }
    let (hour, minute) = (two(text, 11)?, two(text, 14)?);
    if text.get(13) != Some(&b':') {
        return None;
    }
    let mut at = 16;
    let mut second = 0;
    let mut nanos = 0;
    if text.get(at) == Some(&b':') {
        second = two(text, at + 1)?;
        at += 3;
        if matches!(text.get(at), Some(b'.' | b',')) {
            let digits = text[at + 1..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            if !(1..=9).contains(&digits) {
                return None;
            }
            nanos = text[at + 1..=at + digits]
                .iter()
                .chain(std::iter::repeat_n(&b'0', 9 - digits))
                .fold(0_i32, |sum, digit| sum * 10 + i32::from(digit - b'0'));
            at += 1 + digits;
        }
    }
    let offset = offset(text.get(at..)?.trim_ascii_start())?;
    let year = i16::from(two(date, 0)?) * 100 + i16::from(two(date, 2)?);
    let time = DateTime::new(
        year,
        two(date, 5)?,
        two(date, 8)?,
        hour,
        minute,
        second,
        nanos,
    );
    Some(Written {
        time: time.ok()?,
        offset,
    })
}

/// `Some(None)` if there is no offset.
#[expect(
    clippy::option_option,
    reason = "no offset is one answer, and no valid offset another"
)]
fn offset(text: &[u8]) -> Option<Option<Offset>> {
    let is_utc = text.eq_ignore_ascii_case(b"z")
        || text.eq_ignore_ascii_case(b"utc")
        || text.eq_ignore_ascii_case(b"gmt");
    if is_utc {
        return Some(Some(Offset::UTC));
    }
    let sign = match text.first() {
        None => return Some(None),
        Some(b'+') => 1,
        Some(b'-') => -1,
        Some(_) => return None,
    };
    let (hours, minutes) = match text.len() {
        3 => (two(text, 1)?, 0),
        5 => (two(text, 1)?, two(text, 3)?),
        6 if text[3] == b':' => (two(text, 1)?, two(text, 4)?),
        _ => return None,
    };
    if minutes > 59 {
        return None;
    }
    let seconds = sign * (i32::from(hours) * 3600 + i32::from(minutes) * 60);
    Offset::from_seconds(seconds).ok().map(Some)
}

fn two(text: &[u8], at: usize) -> Option<i8> {
    let digits = text.get(at..at + 2)?;
    let value = digits
        .iter()
        .all(u8::is_ascii_digit)
        .then(|| (digits[0] - b'0') * 10 + digits[1] - b'0')?;
    i8::try_from(value).ok()
}
