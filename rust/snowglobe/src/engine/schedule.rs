//! A task's schedule: every so many minutes, or CRON. Pure arithmetic on times.

use jiff::Timestamp;
use jiff::tz::TimeZone;

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
    /// Every so many microseconds since it was resumed.
    Every(i64),
    /// The minutes, hours, days, months and weekdays of a CRON expression, in a time zone.
    Cron {
        fields: [Vec<i8>; 5],
        any_day: bool,
        any_weekday: bool,
        zone: TimeZone,
    },
}

impl Schedule {
    /// Reads `'5 MINUTE'`, `'30 SECONDS'`, `'1 HOUR'` or `'USING CRON 0 9 * * * UTC'`.
    ///
    /// # Errors
    /// If the text is no schedule.
    pub fn parse(text: &str) -> Result<Self> {
        let invalid = || {
            SnowflakeError::new(
                "091002",
                "22023",
                format!("SQL compilation error:\nInvalid schedule '{text}' for task."),
            )
        };
        let words: Vec<&str> = text.split_whitespace().collect();
        if words.len() == 8
            && words[0].eq_ignore_ascii_case("USING")
            && words[1].eq_ignore_ascii_case("CRON")
        {
            let limits = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 7)];
            let mut fields: [Vec<i8>; 5] = Default::default();
            for (at, (low, high)) in limits.into_iter().enumerate() {
                fields[at] = field(words[at + 2], low, high).ok_or_else(invalid)?;
            }
            let zone = TimeZone::get(words[7]).map_err(|_| invalid())?;
            return Ok(Self::Cron {
                fields,
                any_day: words[4] == "*",
                any_weekday: words[6] == "*",
                zone,
            });
        }
        let [count, unit] = words.as_slice() else {
            return Err(invalid());
        };
        let interval = interval(count, unit).ok_or_else(invalid)?;
        // "CREATE TASK", SCHEDULE: from ten seconds to eight days.
        if !(10 * SECOND..=8 * DAY).contains(&interval) {
            return Err(invalid());
        }
        Ok(Self::Every(interval))
    }

    /// The last time in `(after, until]` at which it runs; `start` is when it was resumed.
    pub fn last_between(&self, after: i64, until: i64, start: i64) -> Option<i64> {
        match self {
            Self::Every(interval) => {
                let last = start + (until - start).div_euclid(*interval) * interval;
                (last > after && last > start).then_some(last)
            }
            Self::Cron { .. } => {
                // Looking back a year finds any CRON that comes at all.
                let newest = until.div_euclid(MINUTE) * MINUTE;
                let oldest = after.max(until - 366 * 1440 * MINUTE);
                let mut minute = newest;
                while minute > oldest {
                    if self.matches(minute) {
                        return Some(minute);
                    }
                    minute -= MINUTE;
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
            Self::Cron { .. } => {
                let mut minute = (after.div_euclid(MINUTE) + 1) * MINUTE;
                while minute <= until && !self.matches(minute) {
                    minute += MINUTE;
                }
                minute
            }
        };
        (first <= until).then_some(first)
    }

    fn matches(&self, micros: i64) -> bool {
        let Self::Cron {
            fields,
            any_day,
            any_weekday,
            zone,
        } = self
        else {
            return false;
        };
        let Ok(at) = Timestamp::from_microsecond(micros) else {
            return false;
        };
        let at = at.to_zoned_datetime(zone.clone());
        let weekday = at.weekday().to_sunday_zero_offset();
        let day = fields[2].contains(&at.day());
        let weekday = fields[4].contains(&weekday) || (weekday == 0 && fields[4].contains(&7));
        // As in cron, a day given by both its number and its weekday is either.
        let is_day = match (any_day, any_weekday) {
            (false, false) => day || weekday,
            _ => day && weekday,
        };
        is_day
            && fields[0].contains(&at.minute())
            && fields[1].contains(&at.hour())
            && fields[3].contains(&at.month())
    }
}

fn field(text: &str, low: i8, high: i8) -> Option<Vec<i8>> {
    const NAMES: &[(&str, i8)] = &[
        ("SUN", 0),
        ("MON", 1),
        ("TUE", 2),
        ("WED", 3),
        ("THU", 4),
        ("FRI", 5),
        ("SAT", 6),
        ("JAN", 1),
        ("FEB", 2),
        ("MAR", 3),
        ("APR", 4),
        ("MAY", 5),
        ("JUN", 6),
        ("JUL", 7),
        ("AUG", 8),
        ("SEP", 9),
        ("OCT", 10),
        ("NOV", 11),
        ("DEC", 12),
    ];
    let number = |t: &str| {
        let named = NAMES
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(t))
            .map(|(_, n)| *n);
        named
            .or_else(|| t.parse().ok())
            .filter(|n| (low..=high).contains(n))
    };
    let mut found = Vec::new();
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse::<usize>().ok().filter(|s| *s > 0)?),
            None => (part, 1),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (low, high),
            Some((from, to)) => (number(from)?, number(to)?),
            None if step > 1 => (number(range)?, high),
            None => (number(range)?, number(range)?),
        };
        found.extend((from..=to).step_by(step));
    }
    Some(found)
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
    fn what_is_no_schedule_is_refused() {
        for text in [
            "",
            "5",
            "0 MINUTE",
            "five minutes",
            "USING CRON 61 * * * * UTC",
            "USING CRON * * * * * Nowhere",
        ] {
            assert_eq!(Schedule::parse(text).unwrap_err().code, "091002", "{text}");
        }
    }
}
