//! Parts of dates and times, and what is added to them.

use crate::sql::fragment::Sql;
use crate::types::error::{Result, SnowflakeError};

/// DuckDB's name for a date part.
pub(super) fn unit(part: &str) -> Result<&'static str> {
    Ok(match part.to_uppercase().as_str() {
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
        bare => {
            let message = format!(
                "SQL compilation error:\n'{bare}' is not a valid date/time component, or Snowglobe does not support it."
            );
            return Err(SnowflakeError::new("001029", "22023", message));
        }
    })
}

/// The part that an argument names.
pub(super) fn word(part: &Sql) -> Result<&str> {
    part.as_word()
        .ok_or_else(|| SnowflakeError::unsupported("a date part that is not a literal"))
}

pub(super) fn date_add(part: &Sql, amount: &Sql, date: &Sql) -> Result<Sql> {
    let unit = unit(word(part)?)?;
    let span = match unit {
        "year" => "to_years(({0})::int)",
        "quarter" => "to_months(3 * ({0})::int)",
        "month" => "to_months(({0})::int)",
        "week" => "to_weeks(({0})::int)",
        "day" => "to_days(({0})::int)",
        "hour" => "to_hours(({0})::bigint)",
        "minute" => "to_minutes(({0})::bigint)",
        "second" => "to_seconds(({0})::double)",
        "millisecond" => "to_milliseconds(({0})::double)",
        _ => "to_microseconds(({0})::bigint)",
    };
    let date = cast_date(date);
    let is_whole = matches!(unit, "year" | "quarter" | "month" | "week" | "day");
    // A date plus whole days stays a date on Snowflake; DuckDB makes it a timestamp.
    let template = match is_whole && date.is_date() {
        true => "cast(({0}) + {1} as date)",
        false => "sf_shift({0}, {1})",
    };
    let span = Sql::of(span, std::slice::from_ref(amount));
    let moved = Sql::of(template, &[date, span]);
    Ok(match is_whole && template.starts_with("cast") {
        true => moved.into_date(),
        false => moved,
    })
}

pub(super) fn date_trunc(part: &Sql, date: &Sql) -> Result<Sql> {
    let unit = Sql::literal(unit(word(part)?)?);
    let date = cast_date(date);
    // What is cut off a date is a date on Snowflake; DuckDB makes it a timestamp.
    Ok(if date.is_date() {
        Sql::of("cast(date_trunc({0}, {1}) as date)", &[unit, date]).into_date()
    } else {
        Sql::of("sf_date_trunc({0}, {1})", &[unit, date])
    })
}

/// The start, or the end, of the slice of time that a date lies in; slices count from 1970-01-01.
pub(super) fn time_slice(args: &[Sql]) -> Result<Sql> {
    let (date, length) = (cast_date(&args[0]), &args[1]);
    let unit = unit(word(&args[2])?)?;
    let length = length.as_str().parse::<u32>().ok().filter(|n| *n > 0);
    let length = length.ok_or_else(|| {
        SnowflakeError::unsupported("TIME_SLICE with a length that is not a positive number")
    })?;
    // Weeks begin on Monday, as they do with Snowflake's default of WEEK_START.
    let origin = match unit {
        "week" => "1969-12-29",
        _ => "1970-01-01",
    };
    let span = match unit {
        "year" => "to_years({0})",
        "quarter" => "to_months(3 * {0})",
        "month" => "to_months({0})",
        "week" => "to_weeks({0})",
        "day" => "to_days({0})",
        "hour" => "to_hours({0})",
        "minute" => "to_minutes({0})",
        "second" => "to_seconds({0})",
        _ => return Err(SnowflakeError::unsupported(format!("TIME_SLICE by {unit}"))),
    };
    let is_date = date.is_date();
    let slice = match args.get(3).map(|a| a.as_literal().unwrap_or_default()) {
        None => "time_bucket({0}, ({1})::timestamp, timestamp {2})",
        Some(end) if end.eq_ignore_ascii_case("START") => {
            "time_bucket({0}, ({1})::timestamp, timestamp {2})"
        }
        Some(end) if end.eq_ignore_ascii_case("END") => {
            "(time_bucket({0}, ({1})::timestamp, timestamp {2}) + {0})"
        }
        Some(other) => {
            return Err(SnowflakeError::unsupported(format!(
                "TIME_SLICE to '{other}'"
            )));
        }
    };
    let span = Sql::of(span, &[Sql::integer(length)]);
    let slice = Sql::of(slice, &[span, date, Sql::literal(origin)]);
    Ok(match is_date {
        true => Sql::of("cast({0} as date)", &[slice]).into_date(),
        false => slice,
    })
}

pub(super) fn cast_date(date: &Sql) -> Sql {
    // A bare literal has no type to count days with.
    match date.as_literal() {
        Some(_) => Sql::of("cast({0} as timestamp)", std::slice::from_ref(date)),
        None => date.clone(),
    }
}

/// `DATE_PART` and `EXTRACT`.
///
/// # Errors
/// For a part that is none.
pub fn date_part(part: &str, date: &Sql) -> Result<Sql> {
    let template = match part.to_uppercase().as_str() {
        "EPOCH_SECOND" | "EPOCH" | "EPOCH_SECONDS" => "floor(epoch(sf_instant({0})))::bigint",
        "EPOCH_MILLISECOND" | "EPOCH_MILLISECONDS" => "epoch_ms(sf_instant({0}))",
        "EPOCH_MICROSECOND" | "EPOCH_MICROSECONDS" => "epoch_us(sf_instant({0}))",
        "EPOCH_NANOSECOND" | "EPOCH_NANOSECONDS" => "epoch_ns(sf_instant({0}))",
        "DAYOFWEEK" | "DOW" | "WEEKDAY" => "dayofweek(sf_local({0}))",
        "DAYOFWEEKISO" | "DAYOFWEEK_ISO" | "WEEKDAY_ISO" | "DOW_ISO" | "DW_ISO" => {
            "isodow(sf_local({0}))"
        }
        "DAYOFYEAR" | "DOY" | "YEARDAY" => "dayofyear(sf_local({0}))",
        "WEEKISO" | "WEEK_ISO" | "WEEKOFYEARISO" | "WEEKOFYEAR_ISO" => "week(sf_local({0}))",
        "YEAROFWEEK" | "YEAROFWEEKISO" => "isoyear(sf_local({0}))",
        "TIMEZONE_HOUR" | "TZH" => "trunc(sf_tz_minutes(sf_tz_only({0})) / 60)::bigint",
        "TIMEZONE_MINUTE" | "TZM" => "(sf_tz_minutes(sf_tz_only({0})) % 60)",
        _ => {
            let unit = Sql::literal(unit(part)?);
            let template = "date_part({0}, sf_local({1}))";
            return Ok(Sql::of(template, &[unit, cast_date(date)]));
        }
    };
    Ok(Sql::of(template, std::slice::from_ref(date)))
}
