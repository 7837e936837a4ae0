//! Functions whose SQL depends on their arguments.

use super::dates::{cast_date, date_add, date_part, date_trunc, time_slice, unit, word};
use super::times::{
    format_of, parse_time, parse_timestamp, parse_timestamp_ltz, parse_timestamp_tz, shown_format,
};
use crate::sql::fragment::Sql;
use crate::types::error::{Result, SnowflakeError};

/// The functions that [`special`] answers, each with how many arguments it may take. `usize::MAX` stands for any number that it can do something with.
pub(super) const SPECIAL: &[(&str, &[usize])] = &[
    ("DATEADD", &[3]),
    ("TIMEADD", &[3]),
    ("TIMESTAMPADD", &[3]),
    ("DATEDIFF", &[3]),
    ("TIMEDIFF", &[3]),
    ("TIMESTAMPDIFF", &[3]),
    ("DATE_TRUNC", &[2]),
    ("DATE_PART", &[2]),
    ("OBJECT_CONSTRUCT", &[usize::MAX]),
    ("OBJECT_CONSTRUCT_KEEP_NULL", &[usize::MAX]),
    ("DECODE", &[usize::MAX]),
    ("TO_VARCHAR", &[1, 2]),
    ("TO_CHAR", &[1, 2]),
    ("TO_BINARY", &[2]),
    ("TRY_TO_BINARY", &[2]),
    ("TRUNC", &[2]),
    ("DIV0", &[2]),
    ("DIV0NULL", &[2]),
    ("TO_DATE", &[1, 2]),
    ("DATE", &[1]),
    ("TRY_TO_DATE", &[1, 2]),
    ("TO_TIME", &[1]),
    ("TIME", &[1]),
    ("TRY_TO_TIME", &[1]),
    ("TO_TIMESTAMP", &[1, 2]),
    ("TO_TIMESTAMP_NTZ", &[1, 2]),
    ("TRY_TO_TIMESTAMP", &[1, 2]),
    ("TRY_TO_TIMESTAMP_NTZ", &[1, 2]),
    ("TO_TIMESTAMP_LTZ", &[1, 2]),
    ("TRY_TO_TIMESTAMP_LTZ", &[1, 2]),
    ("TO_TIMESTAMP_TZ", &[1, 2]),
    ("TRY_TO_TIMESTAMP_TZ", &[1, 2]),
    ("TO_NUMBER", &[1, 2, 3]),
    ("TO_DECIMAL", &[1, 2, 3]),
    ("TO_NUMERIC", &[1, 2, 3]),
    ("TRY_TO_NUMBER", &[1, 2, 3]),
    ("TRY_TO_DECIMAL", &[1, 2, 3]),
    ("TRY_TO_NUMERIC", &[1, 2, 3]),
    ("TIME_SLICE", &[3, 4]),
    ("MONTHS_BETWEEN", &[2]),
    ("HASH", &[usize::MAX]),
    ("HASH_AGG", &[usize::MAX]),
];

/// The call's SQL, if it is one of these.
pub(super) fn special(name: &str, args: &[Sql]) -> Result<Option<Sql>> {
    let takes = |counts: &[usize]| counts.iter().any(|c| [args.len(), usize::MAX].contains(c));
    if !SPECIAL
        .iter()
        .any(|(n, counts)| *n == name && takes(counts))
    {
        return Ok(None);
    }
    if let Some(moment) = moment(name, args)? {
        return Ok(Some(moment));
    }
    Ok(Some(match (name, args) {
        ("OBJECT_CONSTRUCT" | "OBJECT_CONSTRUCT_KEEP_NULL", args) if args.len() % 2 == 0 => {
            object(name, args)
        }
        ("DECODE", [_, _, _, ..]) => decode(args),
        ("TO_VARCHAR" | "TO_CHAR", [_]) => Sql::of("sf_text({0})", args),
        ("TO_VARCHAR" | "TO_CHAR", [value, format]) => to_text(value, format)?,
        ("TO_BINARY", [value, format]) => binary(
            value,
            format_of(format)?,
            ["unhex({0})", "from_base64({0})", "encode({0})"],
        )?,
        ("TRY_TO_BINARY", [value, format]) => binary(
            value,
            format_of(format)?,
            [
                "case when length({0}) % 2 = 0 then try(unhex({0})) end",
                "try(from_base64({0}))",
                "encode({0})",
            ],
        )?,
        ("TO_NUMBER" | "TO_DECIMAL" | "TO_NUMERIC", _) => number(false, args)?,
        ("TRY_TO_NUMBER" | "TRY_TO_DECIMAL" | "TRY_TO_NUMERIC", _) => number(true, args)?,
        ("DIV0", [dividend, divisor]) => {
            super::zero_or_quotient("case when {0} = 0 then 0 else {1} end", dividend, divisor)
        }
        ("DIV0NULL", [dividend, divisor]) => super::zero_or_quotient(
            "case when coalesce({0}, 0) = 0 then 0 else {1} end",
            dividend,
            divisor,
        ),
        ("HASH" | "HASH_AGG", _) => {
            return Err(SnowflakeError::unsupported(format!(
                "{name}: its values are Snowflake's own"
            )));
        }
        ("MONTHS_BETWEEN", _) => return Err(SnowflakeError::unsupported(name)),
        _ => return Ok(None),
    }))
}

/// Those of dates and times.
fn moment(name: &str, args: &[Sql]) -> Result<Option<Sql>> {
    let template = match (name, args) {
        ("DATEADD" | "TIMEADD" | "TIMESTAMPADD", [part, amount, date]) => {
            return date_add(part, amount, date).map(Some);
        }
        ("DATEDIFF" | "TIMEDIFF" | "TIMESTAMPDIFF", [part, from, to]) => {
            let unit = Sql::literal(unit(word(part)?)?);
            let (from, to) = (cast_date(from), cast_date(to));
            return Ok(Some(Sql::of(
                "sf_date_diff({0}, ({1}), ({2}))",
                &[unit, from, to],
            )));
        }
        ("DATE_TRUNC", [part, date]) => return date_trunc(part, date).map(Some),
        ("TRUNC", [date, part]) if part.as_literal().is_some() => {
            return date_trunc(part, date).map(Some);
        }
        ("DATE_PART", [part, date]) => return date_part(word(part)?, date).map(Some),
        ("TIME_SLICE", args) => return time_slice(args).map(Some),
        ("TO_DATE" | "DATE", [_]) => {
            return Ok(Some(
                Sql::of("cast(sf_local({0}) as date)", args).into_date(),
            ));
        }
        ("TO_DATE" | "TRY_TO_DATE", [_, _]) => {
            let time = parse_time(name, args)?;
            return Ok(Some(Sql::of("cast({0} as date)", &[time]).into_date()));
        }
        ("TO_TIMESTAMP_TZ" | "TRY_TO_TIMESTAMP_TZ", [_, _]) => {
            return parse_timestamp_tz(name, args).map(Some);
        }
        ("TO_TIMESTAMP_LTZ" | "TRY_TO_TIMESTAMP_LTZ", [_, _]) => {
            return parse_timestamp_ltz(name, args).map(Some);
        }
        (
            "TO_TIMESTAMP" | "TO_TIMESTAMP_NTZ" | "TRY_TO_TIMESTAMP" | "TRY_TO_TIMESTAMP_NTZ",
            [_, _],
        ) => return parse_timestamp(name, args).map(Some),
        ("TRY_TO_DATE", _) => "try_cast(sf_local({0}) as date)",
        ("TO_TIME" | "TIME", _) => "cast(sf_local({0}) as time)",
        ("TRY_TO_TIME", _) => "try_cast(sf_local({0}) as time)",
        ("TO_TIMESTAMP" | "TO_TIMESTAMP_NTZ", _) => "sf_timestamp({0})",
        ("TRY_TO_TIMESTAMP" | "TRY_TO_TIMESTAMP_NTZ", _) => "try(sf_timestamp({0}))",
        ("TO_TIMESTAMP_LTZ", _) => "sf_timestamp_ltz({0})",
        ("TRY_TO_TIMESTAMP_LTZ", _) => "try(sf_timestamp_ltz({0}))",
        ("TO_TIMESTAMP_TZ", _) => "sf_timestamp_tz({0})",
        ("TRY_TO_TIMESTAMP_TZ", _) => "try(sf_timestamp_tz({0}))",
        _ => return Ok(None),
    };
    Ok(Some(Sql::of(template, args)))
}

/// A text by a format: of a binary value, or of a moment.
fn to_text(value: &Sql, format: &Sql) -> Result<Sql> {
    let format = format_of(format)?;
    if ["HEX", "BASE64", "UTF-8", "UTF8"].contains(&format.to_uppercase().as_str()) {
        return binary(value, format, ["hex({0})", "to_base64({0})", "decode({0})"]);
    }
    let format = Sql::literal(&shown_format(format)?);
    Ok(Sql::of("sf_strftime({0}, {1})", &[value.clone(), format]))
}

/// The template of the format: hexadecimal, base 64 or UTF-8.
fn binary(value: &Sql, format: &str, templates: [&'static str; 3]) -> Result<Sql> {
    let template = match format.to_uppercase().as_str() {
        "HEX" => templates[0],
        "BASE64" => templates[1],
        "UTF-8" | "UTF8" => templates[2],
        other => {
            return Err(SnowflakeError::unsupported(format!(
                "binary format '{other}'"
            )));
        }
    };
    Ok(Sql::of(template, std::slice::from_ref(value)))
}

/// An object of keys and values, as `{'a': 1}` is too.
pub fn object(name: &str, args: &[Sql]) -> Sql {
    let keeps = name.ends_with("KEEP_NULL");
    let mut members = Vec::with_capacity(args.len());
    for pair in args.chunks(2) {
        let member = Sql::call("sf_member", &pair[1..]);
        if pair[0].as_literal().is_some() || keeps {
            members.push(Sql::call("sf_member", &pair[..1]));
            members.push(member);
        } else {
            // A pair whose key is null is left out, as one whose value is.
            members.push(Sql::of("coalesce(({0})::varchar, '')", &pair[..1]));
            let template = "case when {0} is not null then {1} end";
            members.push(Sql::of(template, &[pair[0].clone().grouped(), member]));
        }
    }
    let call = Sql::call("json_object", &members);
    // Keys whose value is null are left out, unless KEEP_NULL.
    match keeps {
        true => call,
        false => Sql::of("sf_without_nulls({0})", &[call]),
    }
}

fn decode(args: &[Sql]) -> Sql {
    let branches = args.len() as u64 / 2;
    let uses = |at| if at == 0 { branches } else { 1 };
    Sql::over(args, uses, |args| {
        let branch = |pair: &[Sql]| match pair {
            [search, result] => Sql::of(
                " when ({0}) is not distinct from ({1}) then {2}",
                &[args[0].clone(), search.clone(), result.clone()],
            ),
            rest => Sql::of(" else {0}", rest),
        };
        let branches = Sql::join(args[1..].chunks(2).map(branch), "");
        Sql::of("case{0} end", &[branches])
    })
}

fn number(is_try: bool, args: &[Sql]) -> Result<Sql> {
    if let Some(format) = args.get(1).and_then(Sql::as_literal) {
        return hexadecimal(is_try, &args[0], format);
    }
    let digits = |at: usize, default: u8| match args.get(at) {
        None => Ok(default),
        Some(arg) => arg
            .as_str()
            .parse::<u8>()
            .ok()
            .filter(|n| *n <= 38)
            .ok_or_else(|| {
                SnowflakeError::unsupported(
                    "TO_NUMBER with a precision or scale that is not a literal up to 38",
                )
            }),
    };
    let kind = Sql::written(format!("decimal({}, {})", digits(1, 38)?, digits(2, 0)?));
    let template = match is_try {
        true => "try_cast(sf_number_text({0}) as {1})",
        false => "cast(sf_number_text({0}) as {1})",
    };
    Ok(Sql::of(template, &[args[0].clone(), kind]))
}

/// The one format of numbers that is here: up to 16 hexadecimal digits.
fn hexadecimal(is_try: bool, text: &Sql, format: &str) -> Result<Sql> {
    if is_try || !(1..=16).contains(&format.len()) || format.bytes().any(|b| b != b'X') {
        return Err(SnowflakeError::unsupported("TO_NUMBER with a format"));
    }
    Ok(Sql::of(
        "cast(cast('0x' || case when length({0}) <= {1} then {0} else ' too long' end as ubigint) as decimal(38, 0))",
        &[text.clone(), Sql::integer(format.len() as i64)],
    ))
}
