//! Texts as times and times as texts, by a format.

use crate::sql::fragment::Sql;
use crate::types::error::{Result, SnowflakeError};

/// The text of an argument that must be a literal.
pub(super) fn format_of(argument: &Sql) -> Result<&str> {
    argument
        .as_literal()
        .ok_or_else(|| SnowflakeError::unsupported("a format that is not a literal"))
}

/// `TO_TIMESTAMP` and `TO_TIMESTAMP_NTZ` of a number and its scale, or of a text and its format.
pub(super) fn parse_timestamp(name: &str, args: &[Sql]) -> Result<Sql> {
    match args[1].as_literal() {
        None => Ok(Sql::of("make_timestamp({0})", &[micros(args)?])),
        Some(_) => parse_time(name, args),
    }
}

/// `TO_TIMESTAMP_LTZ`, likewise.
pub(super) fn parse_timestamp_ltz(name: &str, args: &[Sql]) -> Result<Sql> {
    match args[1].as_literal() {
        None => Ok(Sql::of("make_timestamptz({0})", &[micros(args)?])),
        Some(_) => Ok(Sql::of("(({0})::timestamptz)", &[parse_time(name, args)?])),
    }
}

/// Microseconds since 1970 of a number and its scale.
fn micros(args: &[Sql]) -> Result<Sql> {
    let scale: u32 = args[1]
        .as_str()
        .parse()
        .map_err(|_| SnowflakeError::unsupported("a timestamp scale that is not a literal"))?;
    let (template, power) = match scale {
        0..=6 => ("({0})::bigint * {1}", 6 - scale),
        _ => ("({0})::bigint // {1}", scale.min(9) - 6),
    };
    let factor = Sql::integer(10_i64.pow(power));
    Ok(Sql::of(template, &[args[0].clone(), factor]))
}

/// `TO_TIMESTAMP_TZ`, likewise.
pub(super) fn parse_timestamp_tz(name: &str, args: &[Sql]) -> Result<Sql> {
    let Some(format) = args[1].as_literal() else {
        return Ok(Sql::of(
            "sf_tz_here(make_timestamptz({0}))",
            &[micros(args)?],
        ));
    };
    let format = format.to_uppercase();
    if format == "AUTO" {
        return Ok(Sql::of("sf_timestamp_tz({0})", &args[..1]));
    }
    let parsed = parse_time(name, args)?;
    match format.find("TZH") {
        None => Ok(Sql::of("sf_tz_here(({0})::timestamptz)", &[parsed])),
        // The offset is read off the text's end.
        Some(at) if ["TZHTZM", "TZH:TZM", "TZH"].contains(&&format[at..]) => Ok(Sql::of(
            "sf_tz(epoch_us(({0})::timestamptz), sf_offset(regexp_extract({1}, sf_tz_zone(), 1)))",
            &[parsed, args[0].clone()],
        )),
        Some(_) => Err(SnowflakeError::unsupported(format!(
            "date format '{format}': a time zone that is not at its end"
        ))),
    }
}

pub(super) fn parse_time(name: &str, args: &[Sql]) -> Result<Sql> {
    let template = match name.starts_with("TRY") {
        true => "try_strptime({0}, {1})",
        false => "strptime({0}, {1})",
    };
    let format = format_of(&args[1])?;
    if format.eq_ignore_ascii_case("AUTO") {
        return Ok(Sql::of("cast({0} as timestamp)", &args[..1]));
    }
    let format = Sql::literal(&time_format(format)?);
    Ok(Sql::of(template, &[args[0].clone(), format]))
}

/// Snowflake's date format as `strftime`'s.
///
/// # Errors
/// For an element that has no counterpart.
pub fn time_format(format: &str) -> Result<String> {
    let zones = [("TZHTZM", "%z"), ("TZH:TZM", "%z"), ("TZH", "%z")];
    translated_format(format, &zones, false)
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
        true,
    )
}

/// Letters that are no element are shown as they are; what they mean in a text to read is refused.
fn translated_format(format: &str, zones: &[(&str, &str)], is_shown: bool) -> Result<String> {
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
        } else if !is_shown && first.is_alphabetic() && first != 'T' && first != 'Z' {
            return Err(SnowflakeError::unsupported(format!(
                "date format '{format}'"
            )));
        } else {
            if first == '%' {
                out.push('%');
            }
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    Ok(out)
}
