//! A task's schedule: an interval, or CRON. Pure arithmetic on times.

use croner::parser::{CronParser, Seconds, Year};
use croner::{Cron, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};

use super::error::{Result, SnowflakeError};

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const DAY: i64 = 24 * 60 * MINUTE;

/// So many microseconds, if the words are a number above 0 and a unit.
fn interval(count: &str, unit: &str) -> Option<i64> {
    let unit = match unit.to_uppercase().as_str() {
        "S" | "SECOND" | "SECONDS" => SECOND,
        "M" | "MINUTE" | "MINUTES" => MINUTE,
        "H" | "HOUR" | "HOURS" => 60 * MINUTE,
        _ => return None,
    };
    let count: i64 = count.parse().ok().filter(|n| *n > 0)?;
    count.checked_mul(unit)
}

/// Fails unless the text is a `TARGET_COMPLETION_INTERVAL`: from ten seconds to a day.
///
/// # Errors
/// Names the text.
pub fn check_completion(text: &str) -> Result<()> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let found = match words.as_slice() {
        [count, unit] => interval(count, unit),
        _ => None,
    };
    if found.is_some_and(|interval| (10 * SECOND..=DAY).contains(&interval)) {
        return Ok(());
    }
    Err(SnowflakeError::new(
        "001008",
        "22023",
        format!(
            "SQL compilation error:\ninvalid value [{text}] for parameter 'TARGET_COMPLETION_INTERVAL'"
        ),
    ))
}

/// When a task runs.
#[derive(Clone, Debug)]
pub enum Schedule {
    /// An interval in microseconds, counted from when the task was resumed.
    Every(i64),
    /// A CRON expression in a time zone.
    Cron { cron: Box<Cron>, zone: TimeZone },
}

impl Schedule {
    /// Reads `'5 MINUTE'`, `'30 SECONDS'`, `'1 HOUR'` or `'USING CRON 0 9 * * * UTC'`.
    ///
    /// # Errors
    /// If the text is not a schedule.
    pub fn parse(text: &str) -> Result<Self> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let schedule = match words.as_slice() {
            [using, cron, fields @ .., zone]
                if using.eq_ignore_ascii_case("USING") && cron.eq_ignore_ascii_case("CRON") =>
            {
                cron_of(fields).zip(TimeZone::get(zone).ok())
            }
            // "CREATE TASK", SCHEDULE: from ten seconds to eight days.
            [count, unit] => {
                let interval = interval(count, unit)
                    .filter(|interval| (10 * SECOND..=8 * DAY).contains(interval));
                return interval.map(Self::Every).ok_or_else(|| invalid(text));
            }
            _ => None,
        };
        let (cron, zone) = schedule.ok_or_else(|| invalid(text))?;
        let cron = Box::new(cron);
        Ok(Self::Cron { cron, zone })
    }

    /// The last time in `(after, until]` at which it runs; `start` is when it was resumed.
    pub fn last_between(&self, after: i64, until: i64, start: i64) -> Option<i64> {
        match self {
            Self::Every(interval) => {
                let last = start + (until - start).div_euclid(*interval) * interval;
                (last > after && last > start).then_some(last)
            }
            Self::Cron { cron, zone } => {
                // A year back finds every CRON expression but those of a leap day.
                let oldest = after.max(until - 366 * DAY);
                let mut minute = until.div_euclid(MINUTE) * MINUTE;
                while minute > oldest {
                    let at = zoned(minute, zone)?;
                    minute = if !is_day(cron, &at)? {
                        at.start_of_day().ok()?.timestamp().as_microsecond() - MINUTE
                    } else if is_minute(cron, &at)? {
                        return Some(minute);
                    } else {
                        minute - MINUTE
                    };
                }
                None
            }
        }
    }

    /// The first time after `after` at which it runs, if that is not beyond `until`; `start` is when it was resumed.
    pub fn next_after(&self, after: i64, until: i64, start: i64) -> Option<i64> {
        let first = match self {
            Self::Every(interval) => {
                start + ((after - start).div_euclid(*interval) + 1).max(1) * interval
            }
            Self::Cron { cron, zone } => {
                let mut minute = (after.div_euclid(MINUTE) + 1) * MINUTE;
                while minute <= until {
                    let at = zoned(minute, zone)?;
                    minute = if !is_day(cron, &at)? {
                        let tomorrow = at.tomorrow().and_then(|day| day.start_of_day()).ok()?;
                        tomorrow.timestamp().as_microsecond()
                    } else if is_minute(cron, &at)? {
                        break;
                    } else {
                        minute + MINUTE
                    };
                }
                minute
            }
        };
        (first <= until).then_some(first)
    }
}

fn invalid(text: &str) -> SnowflakeError {
    SnowflakeError::new(
        "091002",
        "22023",
        format!("SQL compilation error:\nInvalid schedule '{text}' for task."),
    )
}

/// Five fields with what Snowflake documents: lists, ranges, `n/step`, names of months and days, and `L`. Of what the parser knows
/// beyond that, `W`, `#`, `?` and `+` are refused, and so is an empty item of a list.
fn cron_of(fields: &[&str]) -> Option<Cron> {
    for field in fields {
        let unknown = field.to_uppercase().replace("WED", "");
        if unknown.contains(['W', '#', '?', '+', '@']) {
            return None;
        }
        if field
            .split(',')
            .any(|item| item.is_empty() || item.starts_with('/'))
        {
            return None;
        }
    }
    // Which weekday is the last, needs a weekday.
    if fields.get(4)?.eq_ignore_ascii_case("L") {
        return None;
    }
    // `n/step`, from n on, is what the parser calls sloppy.
    CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .sloppy_ranges(true)
        .build()
        .parse(&fields.join(" "))
        .ok()
}

fn zoned(micros: i64, zone: &TimeZone) -> Option<ZonedDateTime> {
    let at = Timestamp::from_microsecond(micros).ok()?;
    Some(at.to_zoned_datetime(zone.clone()))
}

/// A day given by both its number and its weekday is either, as in cron.
fn is_day(cron: &Cron, at: &ZonedDateTime) -> Option<bool> {
    let (month, day) = (
        u32::try_from(at.month()).ok()?,
        u32::try_from(at.day()).ok()?,
    );
    let weekday = u32::try_from(at.weekday().to_sunday_zero_offset()).ok()?;
    let weekday = Weekday::from_days_from_sunday(weekday);
    let is_day = cron
        .pattern
        .day_match(at.year().into(), month, day, weekday)
        .ok()?;
    Some(is_day && cron.pattern.month_match(month).ok()?)
}

/// By the clock on the wall: where it is set back, an hour comes twice, and a task of that hour runs twice, as on Snowflake.
fn is_minute(cron: &Cron, at: &ZonedDateTime) -> Option<bool> {
    let (hour, minute) = (
        u32::try_from(at.hour()).ok()?,
        u32::try_from(at.minute()).ok()?,
    );
    Some(cron.pattern.hour_match(hour).ok()? && cron.pattern.minute_match(minute).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_microsecond()
    }

    #[test]
    fn minutes_count_from_when_the_task_was_resumed() {
        let schedule = Schedule::parse("5 minutes").unwrap();
        let start = micros("2026-01-01T00:00:30Z");
        assert_eq!(
            schedule.last_between(start, start + 4 * MINUTE, start),
            None
        );
        assert_eq!(
            schedule.last_between(start, start + 11 * MINUTE, start),
            Some(start + 10 * MINUTE)
        );
    }

    #[test]
    fn cron_goes_by_its_time_zone() {
        let schedule = Schedule::parse("USING CRON 0 9 * * MON-FRI America/New_York").unwrap();
        let friday = micros("2026-01-02T14:00:00Z");
        assert_eq!(
            schedule.last_between(friday - MINUTE, friday + MINUTE, 0),
            Some(friday)
        );
        let saturday = micros("2026-01-03T14:00:00Z");
        assert_eq!(
            schedule.last_between(saturday - MINUTE, saturday + MINUTE, 0),
            None
        );
    }

    #[test]
    fn the_next_run_is_the_first_that_comes() {
        let start = micros("2026-01-01T00:00:30Z");
        let week = start + 7 * 1440 * MINUTE;
        let minutes = Schedule::parse("5 minutes").unwrap();
        for (after, next) in [(0, 5), (4, 5), (5, 10), (11, 15)] {
            let found = minutes.next_after(start + after * MINUTE, week, start);
            assert_eq!(found, Some(start + next * MINUTE), "after {after}");
        }
        let cron = Schedule::parse("USING CRON 0 9 * * MON Europe/Berlin").unwrap();
        let monday = micros("2026-01-05T08:00:00Z");
        assert_eq!(cron.next_after(start, week, start), Some(monday));
        assert_eq!(cron.next_after(monday, week, start), None);
    }

    #[test]
    fn cron_knows_the_last_day_of_a_month_and_its_last_weekday() {
        let year = 366 * 1440 * MINUTE;
        for (fields, after, next) in [
            ("0 9 L * *", "2026-02-01T00:00:00Z", "2026-02-28T09:00:00Z"),
            ("0 9 L * *", "2028-02-28T10:00:00Z", "2028-02-29T09:00:00Z"),
            ("0 9 L * *", "2026-12-01T00:00:00Z", "2026-12-31T09:00:00Z"),
            ("0 9 * * 5L", "2026-12-01T00:00:00Z", "2026-12-25T09:00:00Z"),
            (
                "0 9 1,L * *",
                "2026-12-01T10:00:00Z",
                "2026-12-31T09:00:00Z",
            ),
            (
                "0 9 * 4/3 *",
                "2026-01-01T00:00:00Z",
                "2026-04-01T09:00:00Z",
            ),
            // Either day will do.
            (
                "0 9 13 * FRI",
                "2026-02-01T00:00:00Z",
                "2026-02-06T09:00:00Z",
            ),
            ("0 9 * * 7", "2026-02-01T10:00:00Z", "2026-02-08T09:00:00Z"),
        ] {
            let schedule = Schedule::parse(&format!("USING CRON {fields} UTC")).unwrap();
            let (after, next) = (micros(after), micros(next));
            let found = schedule.next_after(after, after + year, 0);
            assert_eq!(found, Some(next), "{fields}");
            let found = schedule.last_between(after, next + 60 * MINUTE, 0);
            assert_eq!(found, Some(next), "{fields}");
        }
    }

    #[test]
    fn an_hour_that_comes_twice_runs_twice_and_one_that_is_skipped_does_not() {
        let schedule = Schedule::parse("USING CRON 30 1 * * * America/Los_Angeles").unwrap();
        let first = micros("2026-11-01T08:30:00Z");
        let second = first + 60 * MINUTE;
        assert_eq!(schedule.next_after(first, second, 0), Some(second));
        let schedule = Schedule::parse("USING CRON 30 2 * * * America/Los_Angeles").unwrap();
        let day = micros("2026-03-08T08:00:00Z");
        assert_eq!(schedule.next_after(day, day + 23 * 60 * MINUTE, 0), None);
    }

    #[test]
    fn what_is_no_schedule_is_refused() {
        for text in [
            "",
            "5",
            "0 MINUTE",
            "five minutes",
            "USING CRON 61 * * * * UTC",
            "USING CRON * * * * UTC",
            "USING CRON * * * * * * UTC",
            "USING CRON * * * * * Nowhere",
            "USING CRON @daily UTC",
            "USING CRON 0 9 15W * * UTC",
            "USING CRON 0 9 * * 5#2 UTC",
            "USING CRON 0 9 ? * * UTC",
            "USING CRON 0 9 * * L UTC",
            "USING CRON 0 9 1,,2 * * UTC",
            "USING CRON /5 * * * * UTC",
            "USING CRON L * * * * UTC",
        ] {
            assert_eq!(Schedule::parse(text).unwrap_err().code, "091002", "{text}");
        }
    }
}
