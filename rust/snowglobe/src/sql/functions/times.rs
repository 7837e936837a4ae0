//! Texts as times and times as texts, by a format.

use super::special::unquote;
use crate::engine::error::{Result, SnowflakeError};
use crate::sql::cursor::literal;

pub(super) fn parse_timestamp(name: &str, args: &[String]) -> Result<String> {
    if !args[1].starts_with('\'') {
        return scaled_timestamp(&args[0], &args[1]);
    }
    parse_time(name, args)
}

fn scaled_timestamp(value: &str, scale: &str) -> Result<String> {
    let scale: u32 = scale
        .parse()
        .map_err(|_| SnowflakeError::unsupported("a timestamp scale that is not a literal"))?;
    let micros = match scale {
        0..=6 => format!("({value})::bigint * {}", 10_i64.pow(6 - scale)),
        _ => format!("({value})::bigint // {}", 10_i64.pow(scale.min(9) - 6)),
    };
    Ok(format!("make_timestamp({micros})"))
}

/// `TO_TIMESTAMP_TZ` of a number and its scale, or of a text and its format.
pub(super) fn parse_timestamp_tz(name: &str, args: &[String]) -> Result<String> {
    if !args[1].starts_with('\'') {
        let instant = scaled_timestamp(&args[0], &args[1])?.replacen(
            "make_timestamp(",
            "make_timestamptz(",
            1,
        );
        return Ok(format!("sf_tz_here({instant})"));
    }
    let format = unquote(&args[1])?.to_uppercase();
    if format == "AUTO" {
        return Ok(format!("sf_timestamp_tz({})", args[0]));
    }
    let parsed = parse_time(name, args)?;
    match format.find("TZH") {
        None => Ok(format!("sf_tz_here(({parsed})::timestamptz)")),
        // The offset is read off the text's end.
        Some(at) if ["TZHTZM", "TZH:TZM", "TZH"].contains(&&format[at..]) => Ok(format!(
            "sf_tz(epoch_us(({parsed})::timestamptz), sf_offset(regexp_extract({}, sf_tz_zone(), 1)))",
            args[0]
        )),
        Some(_) => Err(SnowflakeError::unsupported(format!(
            "date format '{format}': a time zone that is not at its end"
        ))),
    }
}

pub(super) fn parse_time(name: &str, args: &[String]) -> Result<String> {
    let function = if name.starts_with("TRY") {
        "try_strptime"
    } else {
        "strptime"
    };
    let format = unquote(&args[1])?;
    if format.eq_ignore_ascii_case("AUTO") {
        return Ok(format!("cast({} as timestamp)", args[0]));
    }
    Ok(format!(
        "{function}({}, {})",
        args[0],
        literal(&time_format(&format)?)
    ))
}

/// Snowflake's date format as `strftime`'s.
///
/// # Errors
/// For an element that has no counterpart.
pub fn time_format(format: &str) -> Result<String> {
    translated_format(
        format,
        &[("TZHTZM", "%z"), ("TZH:TZM", "%z"), ("TZH", "%z")],
    )
}

/// The same for showing a moment: `sf_strftime` puts the offset in place of the marks.
///
/// # Errors
/// As [`time_format`].
pub fn shown_format(format: &str) -> Result<String> {
    translated_format(
        format,
        &[
            ("TZH:TZM", "\u{e000}"),
            ("TZHTZM", "\u{e001}"),
            ("TZH", "\u{e002}"),
            ("TZM", "\u{e003}"),
        ],
    )
}

fn translated_format(format: &str, zones: &[(&str, &str)]) -> Result<String> {
    const ELEMENTS: &[(&str, &str)] = &[
        ("YYYY", "%Y"),
        ("YY", "%y"),
        ("MMMM", "%B"),
        ("MON", "%b"),
        ("MM", "%m"),
        ("DD", "%d"),
        ("DY", "%a"),
        ("HH24", "%H"),
        ("HH12", "%I"),
        ("AM", "%p"),
        ("PM", "%p"),
        ("MI", "%M"),
        ("SS", "%S"),
        ("FF3", "%g"),
        ("FF6", "%f"),
        ("FF9", "%n"),
        ("FF", "%f"),
    ];
    let (mut rest, mut out) = (format, String::new());
    while let Some(first) = rest.chars().next() {
        if let Some(quoted) = rest.strip_prefix('"') {
            let (inside, after) = quoted.split_once('"').unwrap_or((quoted, ""));
            out.push_str(&inside.replace('%', "%%"));
            rest = after;
            continue;
        }
        let upper = rest.to_uppercase();
        if let Some((element, to)) = zones
            .iter()
            .chain(ELEMENTS)
            .find(|(e, _)| upper.starts_with(e))
        {
            out.push_str(to);
            rest = &rest[element.len()..];
        } else if first.is_alphabetic() && first != 'T' && first != 'Z' {
            return Err(SnowflakeError::unsupported(format!(
                "date format '{format}'"
            )));
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    Ok(out)
}
