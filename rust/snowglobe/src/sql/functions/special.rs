//! Functions whose text depends on their arguments.

use super::dates::{date_add, date_part, date_trunc, time_slice, unit};
use super::times::{parse_time, parse_timestamp, parse_timestamp_tz, shown_format};
use crate::engine::error::{Result, SnowflakeError};
use crate::sql::cursor::literal;

pub(super) fn special(name: &str, args: &[String]) -> Result<Option<String>> {
    let arg = |at: usize| args.get(at).map_or("", String::as_str);
    Ok(Some(match (name, args.len()) {
        ("DATEADD" | "TIMEADD" | "TIMESTAMPADD", 3) => date_add(arg(0), arg(1), arg(2))?,
        ("DATEDIFF" | "TIMEDIFF" | "TIMESTAMPDIFF", 3) => {
            format!(
                "sf_date_diff({}, ({}), ({}))",
                literal(unit(arg(0))?),
                cast_date(arg(1)),
                cast_date(arg(2))
            )
        }
        ("DATE_TRUNC", 2) => date_trunc(arg(0), arg(1))?,
        ("DATE_PART", 2) => date_part(arg(0), arg(1))?,
        ("OBJECT_CONSTRUCT" | "OBJECT_CONSTRUCT_KEEP_NULL", n) if n % 2 == 0 => object(name, args),
        ("DECODE", n) if n >= 3 => decode(args),
        ("TO_VARCHAR" | "TO_CHAR", 1) => format!("sf_text({})", arg(0)),
        ("TO_VARCHAR" | "TO_CHAR", 2) if is_binary_format(arg(1)) => {
            match unquote(arg(1))?.to_uppercase().as_str() {
                "HEX" => format!("hex({})", arg(0)),
                "BASE64" => format!("to_base64({})", arg(0)),
                _ => format!("decode({})", arg(0)),
            }
        }
        ("TO_BINARY", 2) => match unquote(arg(1))?.to_uppercase().as_str() {
            "HEX" => format!("unhex({})", arg(0)),
            "BASE64" => format!("from_base64({})", arg(0)),
            "UTF-8" | "UTF8" => format!("encode({})", arg(0)),
            other => {
                return Err(SnowflakeError::unsupported(format!(
                    "binary format {other}"
                )));
            }
        },
        ("TRUNC", 2) if arg(1).starts_with('\'') => date_trunc(arg(1), arg(0))?,
        ("TO_VARCHAR" | "TO_CHAR", 2) => format!(
            "sf_strftime({}, {})",
            arg(0),
            literal(&shown_format(&unquote(arg(1))?)?)
        ),
        ("TO_DATE" | "DATE", 1) => format!("cast(sf_local({}) as date)", arg(0)),
        ("TRY_TO_DATE", 1) => format!("try_cast(sf_local({}) as date)", arg(0)),
        ("TO_TIME" | "TIME", 1) => format!("cast(sf_local({}) as time)", arg(0)),
        ("TRY_TO_TIME", 1) => format!("try_cast(sf_local({}) as time)", arg(0)),
        ("TO_DATE" | "TRY_TO_DATE", 2) => format!("cast({} as date)", parse_time(name, args)?),
        ("TO_TIMESTAMP" | "TO_TIMESTAMP_NTZ", 1) => format!("sf_timestamp({})", arg(0)),
        ("TRY_TO_TIMESTAMP" | "TRY_TO_TIMESTAMP_NTZ", 1) => {
            format!("try(sf_timestamp({}))", arg(0))
        }
        ("TO_TIMESTAMP_LTZ", 1) => format!("sf_timestamp_ltz({})", arg(0)),
        ("TRY_TO_TIMESTAMP_LTZ", 1) => format!("try(sf_timestamp_ltz({}))", arg(0)),
        ("TO_TIMESTAMP_TZ", 1) => format!("sf_timestamp_tz({})", arg(0)),
        ("TRY_TO_TIMESTAMP_TZ", 1) => format!("try(sf_timestamp_tz({}))", arg(0)),
        ("TO_TIMESTAMP_TZ" | "TRY_TO_TIMESTAMP_TZ", 2) => parse_timestamp_tz(name, args)?,
        ("TO_TIMESTAMP" | "TO_TIMESTAMP_NTZ" | "TRY_TO_TIMESTAMP" | "TRY_TO_TIMESTAMP_NTZ", 2) => {
            parse_timestamp(name, args)?
        }
        ("TO_TIMESTAMP_LTZ", 2) => format!(
            "(({})::timestamptz)",
            parse_timestamp(name, args)?.replacen("make_timestamp(", "make_timestamptz(", 1)
        ),
        ("TO_NUMBER" | "TO_DECIMAL" | "TO_NUMERIC", _) => number("cast", args)?,
        ("TRY_TO_NUMBER" | "TRY_TO_DECIMAL" | "TRY_TO_NUMERIC", _) => number("try_cast", args)?,
        ("CONVERT_TIMEZONE", 3) => format!(
            "(((sf_local({2}))::timestamp at time zone {0}) at time zone {1})",
            arg(0),
            arg(1),
            arg(2)
        ),
        ("CONVERT_TIMEZONE", 2) => format!("sf_convert_timezone({}, {})", arg(0), arg(1)),
        ("REGEXP_REPLACE", 2) => format!("regexp_replace({}, {}, '', 'g')", arg(0), arg(1)),
        ("REGEXP_REPLACE", 3) => format!("regexp_replace({}, {}, {}, 'g')", arg(0), arg(1), arg(2)),
        ("REGEXP_SUBSTR", 2) => format!("nullif(regexp_extract({}, {}), '')", arg(0), arg(1)),
        ("ADD_MONTHS", 2) => format!("sf_add_months({}, {})", arg(0), arg(1)),
        ("TIME_SLICE", 3 | 4) => time_slice(args)?,
        ("MONTHS_BETWEEN", 2) => return Err(SnowflakeError::unsupported(name)),
        ("HASH" | "HASH_AGG", _) => {
            return Err(SnowflakeError::unsupported(format!(
                "{name}: its values are Snowflake's own"
            )));
        }
        ("GETDATE" | "SYSTIMESTAMP", 0) => return Ok(None),
        _ => return Ok(None),
    }))
}

fn is_binary_format(text: &str) -> bool {
    ["'HEX'", "'BASE64'", "'UTF-8'", "'UTF8'"].contains(&text.to_uppercase().as_str())
}

pub(super) fn cast_date(text: &str) -> String {
    // A bare literal has no type to count days with.
    if text.starts_with('\'') {
        format!("cast({text} as timestamp)")
    } else {
        text.to_owned()
    }
}

fn object(name: &str, args: &[String]) -> String {
    let members: Vec<String> = args.iter().map(|a| format!("sf_member({a})")).collect();
    let call = format!("json_object({})", members.join(", "));
    // Keys whose value is null are left out, unless KEEP_NULL.
    if name.ends_with("KEEP_NULL") {
        call
    } else {
        format!("sf_without_nulls({call})")
    }
}

pub(super) fn decode(args: &[String]) -> String {
    let mut text = "case".to_owned();
    let pairs = args[1..].chunks(2);
    for pair in pairs {
        match pair {
            [search, result] => text.push_str(&format!(
                " when ({}) is not distinct from ({search}) then {result}",
                args[0]
            )),
            [default] => text.push_str(&format!(" else {default}")),
            _ => {}
        }
    }
    text + " end"
}

pub(super) fn number(cast: &str, args: &[String]) -> Result<String> {
    let digit =
        |at: usize, default: &str| args.get(at).cloned().unwrap_or_else(|| default.to_owned());
    if let Some(format) = args.get(1).filter(|a| a.starts_with('\'')) {
        return hexadecimal(cast, &args[0], &unquote(format)?);
    }
    Ok(format!(
        "{cast}(sf_number_text({}) as decimal({}, {}))",
        digit(0, "null"),
        digit(1, "38"),
        digit(2, "0")
    ))
}

/// The one format of numbers that is here: up to 16 hexadecimal digits.
fn hexadecimal(cast: &str, text: &str, format: &str) -> Result<String> {
    if cast != "cast" || !(1..=16).contains(&format.len()) || format.bytes().any(|b| b != b'X') {
        return Err(SnowflakeError::unsupported("TO_NUMBER with a format"));
    }
    Ok(format!(
        "cast(cast('0x' || case when length({text}) <= {} then {text} else ' too long' end as ubigint) as decimal(38, 0))",
        format.len()
    ))
}

pub(super) fn unquote(text: &str) -> Result<String> {
    let inner = text.strip_prefix('\'').and_then(|t| t.strip_suffix('\''));
    inner
        .map(|t| t.replace("''", "'"))
        .ok_or_else(|| SnowflakeError::unsupported("a format that is not a literal"))
}
