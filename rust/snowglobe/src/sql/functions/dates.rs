//! Parts of dates and times, and what is added to them.

use super::special::cast_date;
use crate::engine::error::{Result, SnowflakeError};
use crate::sql::cursor::literal;

/// DuckDB's name for a date part.
pub fn unit(text: &str) -> Result<&'static str> {
    let bare = text.trim_matches(|c| c == '\'' || c == '"').to_uppercase();
    Ok(match bare.as_str() {
        "YEAR" | "Y" | "YY" | "YYY" | "YYYY" | "YR" | "YEARS" | "YRS" => "year",
        "QUARTER" | "Q" | "QTR" | "QTRS" | "QUARTERS" => "quarter",
        "MONTH" | "MM" | "MON" | "MONS" | "MONTHS" => "month",
        "WEEK" | "W" | "WK" | "WEEKOFYEAR" | "WOY" | "WY" => "week",
        "DAY" | "D" | "DD" | "DAYS" | "DAYOFMONTH" => "day",
        "HOUR" | "H" | "HH" | "HR" | "HOURS" | "HRS" => "hour",
        "MINUTE" | "M" | "MI" | "MIN" | "MINUTES" | "MINS" => "minute",
        "SECOND" | "S" | "SEC" | "SECONDS" | "SECS" => "second",
        "MILLISECOND" | "MS" | "MSEC" | "MILLISECONDS" => "millisecond",
        "MICROSECOND" | "US" | "USEC" | "MICROSECONDS" => "microsecond",
        _ => {
            let message = format!(
                "SQL compilation error:\n'{bare}' is not a valid date/time component, or Snowglobe does not support it."
            );
            return Err(SnowflakeError::new("001029", "22023", message));
        }
    })
}

pub(super) fn date_add(part: &str, amount: &str, date: &str) -> Result<String> {
    let unit = unit(part)?;
    let call = match unit {
        "quarter" => format!("to_months(3 * ({amount})::int)"),
        "millisecond" => format!("to_milliseconds(({amount})::double)"),
        "microsecond" => format!("to_microseconds(({amount})::bigint)"),
        "hour" | "minute" => format!("to_{unit}s(({amount})::bigint)"),
        "second" => format!("to_seconds(({amount})::double)"),
        _ => format!("to_{unit}s(({amount})::int)"),
    };
    let date = cast_date(date);
    // A date plus whole days stays a date on Snowflake; DuckDB makes it a timestamp.
    Ok(match unit {
        "year" | "quarter" | "month" | "week" | "day" if is_date(&date) => {
            format!("cast(({date}) + {call} as date)")
        }
        _ => format!("sf_shift({date}, {call})"),
    })
}

pub(super) fn date_trunc(part: &str, date: &str) -> Result<String> {
    let unit = literal(unit(part)?);
    let date = cast_date(date);
    // What is cut off a date is a date on Snowflake; DuckDB makes it a timestamp.
    Ok(if is_date(&date) {
        format!("cast(date_trunc({unit}, {date}) as date)")
    } else {
        format!("sf_date_trunc({unit}, {date})")
    })
}

/// The start, or the end, of the slice of time that a date lies in; slices count from 1970-01-01.
pub(super) fn time_slice(args: &[String]) -> Result<String> {
    let (date, length) = (cast_date(&args[0]), &args[1]);
    let unit = unit(&args[2])?;
    if !length.parse::<u32>().is_ok_and(|n| n > 0) {
        return Err(SnowflakeError::unsupported(
            "TIME_SLICE with a length that is no positive number",
        ));
    }
    // Weeks begin on Monday, as they do with Snowflake's default of WEEK_START.
    let origin = if unit == "week" {
        "1969-12-29"
    } else {
        "1970-01-01"
    };
    let interval = match unit {
        "quarter" => format!("to_months(3 * {length})"),
        "millisecond" | "microsecond" => {
            return Err(SnowflakeError::unsupported(format!("TIME_SLICE by {unit}")));
        }
        _ => format!("to_{unit}s({length})"),
    };
    let start = format!("time_bucket({interval}, ({date})::timestamp, timestamp '{origin}')");
    let slice = match args.get(3).map(|a| a.to_uppercase()).as_deref() {
        None | Some("'START'") => start,
        Some("'END'") => format!("({start} + {interval})"),
        Some(other) => {
            return Err(SnowflakeError::unsupported(format!(
                "TIME_SLICE to {other}"
            )));
        }
    };
    Ok(match is_date(&date) {
        true => format!("cast({slice} as date)"),
        false => slice,
    })
}

/// Whether the rendered expression is a date for sure.
fn is_date(text: &str) -> bool {
    let text = text.trim_start_matches('(').trim_end_matches(')');
    text.starts_with("cast(") && text.ends_with(" as date")
}

/// `DATE_PART` and `EXTRACT`.
///
/// # Errors
/// For a part that is none.
pub fn date_part(part: &str, date: &str) -> Result<String> {
    let bare = part.trim_matches(|c| c == '\'' || c == '"').to_uppercase();
    let (local, instant) = (format!("sf_local({date})"), format!("sf_instant({date})"));
    Ok(match bare.as_str() {
        "EPOCH_SECOND" | "EPOCH" | "EPOCH_SECONDS" => format!("floor(epoch({instant}))::bigint"),
        "EPOCH_MILLISECOND" | "EPOCH_MILLISECONDS" => format!("epoch_ms({instant})"),
        "EPOCH_MICROSECOND" | "EPOCH_MICROSECONDS" => format!("epoch_us({instant})"),
        "EPOCH_NANOSECOND" | "EPOCH_NANOSECONDS" => format!("epoch_ns({instant})"),
        "DAYOFWEEK" | "DOW" | "WEEKDAY" => format!("dayofweek({local})"),
        "DAYOFWEEKISO" | "DAYOFWEEK_ISO" | "WEEKDAY_ISO" | "DOW_ISO" | "DW_ISO" => {
            format!("isodow({local})")
        }
        "DAYOFYEAR" | "DOY" | "YEARDAY" => format!("dayofyear({local})"),
        "WEEKISO" | "WEEK_ISO" | "WEEKOFYEARISO" | "WEEKOFYEAR_ISO" => format!("week({local})"),
        "YEAROFWEEK" | "YEAROFWEEKISO" => format!("isoyear({local})"),
        "TIMEZONE_HOUR" | "TZH" => format!("trunc(sf_tz_minutes(sf_tz_only({date})) / 60)::bigint"),
        "TIMEZONE_MINUTE" | "TZM" => format!("(sf_tz_minutes(sf_tz_only({date})) % 60)"),
        _ => format!(
            "date_part({}, sf_local({}))",
            literal(unit(part)?),
            cast_date(date)
        ),
    })
}
