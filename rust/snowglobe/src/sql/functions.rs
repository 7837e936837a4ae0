//! Snowflake's functions as DuckDB's: renamed, rewritten, or refused. Pure text to text.

use super::cursor::literal;
use crate::engine::error::{Result, SnowflakeError};

/// Functions that DuckDB has under the same name with the same meaning, aggregates and window functions included.
const SAME: &str = " ABS ACOS ANY_VALUE ARRAY_AGG_ ASIN ATAN ATAN2 AVG CBRT CEIL CEILING COALESCE CONCAT_WS CORR COS COT COUNT COVAR_POP COVAR_SAMP \
    CUME_DIST DEGREES DENSE_RANK EXP FIRST_VALUE FLOOR GREATEST_ HASH_ LAG LAST_VALUE LEAD LEFT LENGTH LN LOWER LPAD LTRIM MAX MD5 MEDIAN MIN MODE \
    NTH_VALUE NTILE NULLIF PERCENT_RANK PI POWER RADIANS RANK REPEAT REPLACE REVERSE RIGHT ROW_NUMBER RPAD RTRIM SIGN SIN SKEW SQRT STDDEV \
    STDDEV_POP STDDEV_SAMP SUBSTR SUBSTRING SUM TAN TRIM TRANSLATE TRUNC UPPER VARIANCE VAR_POP VAR_SAMP \
    BIT_LENGTH OCTET_LENGTH ASCII CONTAINS MAX_BY MIN_BY KURTOSIS REGR_SLOPE REGR_INTERCEPT REGR_R2 REGR_COUNT REGR_AVGX REGR_AVGY APPROX_COUNT_DISTINCT \
    PERCENTILE_CONT PERCENTILE_DISC LISTAGG BOOLOR_AGG BOOLAND_AGG BITAND_AGG BITOR_AGG GROUPING COUNT_IF IF GENERATE_SERIES SHA1 EXISTS ROUND ";

/// Functions with another name in DuckDB.
const RENAMED: &[(&str, &str)] = &[
    ("BOOLAND_AGG", "bool_and"),
    ("BOOLOR_AGG", "bool_or"),
    ("COUNT_IF", "count_if"),
    ("CHARINDEX", "sf_charindex"),
    ("LISTAGG", "string_agg"),
    ("STARTSWITH", "starts_with"),
    ("ENDSWITH", "ends_with"),
    ("LEN", "length"),
    ("CHR", "chr"),
    ("CHAR", "chr"),
    ("INITCAP", "sf_initcap"),
    ("POW", "power"),
    ("SPLIT", "sf_split"),
    ("SPLIT_PART", "sf_split_part"),
    ("MD5_HEX", "md5"),
    ("SHA1_HEX", "sha1"),
    ("SHA2_HEX", "sf_sha2"),
    ("SHA2", "sf_sha2"),
    ("SQUARE", "sf_square"),
    ("STDDEV_SAMP", "stddev_samp"),
    ("VARIANCE_SAMP", "var_samp"),
    ("VARIANCE_POP", "var_pop"),
    ("UUID_STRING", "sf_uuid"),
    ("RLIKE", "regexp_full_match"),
    ("REGEXP_LIKE", "regexp_full_match"),
    ("TRUNCATE", "trunc"),
    ("HEX_ENCODE", "sf_hex"),
    ("BITAND_AGG", "bit_and"),
    ("BITOR_AGG", "bit_or"),
    ("BITXOR_AGG", "bit_xor"),
    ("STRTOK", "sf_strtok"),
];

/// Functions rewritten: `{0}`, `{1}` stand for arguments, `{,}` for all of them.
const REWRITTEN: &[(&str, usize, &str)] = &[
    ("NVL", 2, "coalesce({0}, {1})"),
    ("IFNULL", 2, "coalesce({0}, {1})"),
    ("NVL2", 3, "case when {0} is not null then {1} else {2} end"),
    ("ZEROIFNULL", 1, "coalesce({0}, 0)"),
    ("NULLIFZERO", 1, "nullif({0}, 0)"),
    ("IFF", 3, "case when {0} then {1} else {2} end"),
    ("EQUAL_NULL", 2, "({0} is not distinct from {1})"),
    ("DIV0", 2, "case when {1} = 0 then 0 else {0} / {1} end"),
    (
        "DIV0NULL",
        2,
        "case when coalesce({1}, 0) = 0 then 0 else {0} / {1} end",
    ),
    ("MOD", 2, "({0} % {1})"),
    ("SQRT", 1, "sqrt({0})"),
    ("LOG", 2, "(ln({1}) / ln({0}))"),
    ("POSITION", 2, "strpos({1}, {0})"),
    ("POSITION", 3, "sf_charindex({0}, {1}, {2})"),
    ("REPLACE", 2, "replace({0}, {1}, '')"),
    (
        "INSERT",
        4,
        "(substr({0}, 1, {1} - 1) || {3} || substr({0}, {1} + {2}))",
    ),
    ("BITSHIFTLEFT", 2, "({0}::hugeint << {1}::int)"),
    ("BITSHIFTRIGHT", 2, "({0}::hugeint >> {1}::int)"),
    ("BOOLXOR", 2, "({0}::boolean <> {1}::boolean)"),
    ("YEAROFWEEKISO", 1, "isoyear(sf_local({0}))"),
    ("TIME_FROM_PARTS", 3, "make_time({0}, {1}, {2})"),
    ("TIMEFROMPARTS", 3, "make_time({0}, {1}, {2})"),
    (
        "ARRAY_APPEND",
        2,
        "to_json(list_append(from_json({0}, '[\"JSON\"]'), sf_variant({1})))",
    ),
    (
        "ARRAY_CAT",
        2,
        "to_json(list_concat(from_json({0}, '[\"JSON\"]'), from_json({1}, '[\"JSON\"]')))",
    ),
    ("BITAND", 2, "({0}::bigint & {1}::bigint)"),
    ("BITOR", 2, "({0}::bigint | {1}::bigint)"),
    ("BITXOR", 2, "xor({0}::bigint, {1}::bigint)"),
    ("PARSE_JSON", 1, "sf_parse_json({0})"),
    ("TRY_PARSE_JSON", 1, "sf_try_parse_json({0})"),
    ("TO_JSON", 1, "sf_to_json({0})"),
    ("TO_VARIANT", 1, "sf_variant({0})"),
    ("TO_OBJECT", 1, "sf_variant({0})"),
    ("TO_ARRAY", 1, "sf_to_array({0})"),
    (
        "STRIP_NULL_VALUE",
        1,
        "case when json_type({0}) = 'NULL' then null else {0} end",
    ),
    ("IS_NULL_VALUE", 1, "(json_type({0}) = 'NULL')"),
    ("TYPEOF", 1, "sf_typeof({0})"),
    ("ARRAY_SIZE", 1, "json_array_length({0})"),
    ("ARRAY_LENGTH", 1, "json_array_length({0})"),
    ("ARRAY_CONTAINS", 2, "json_contains({1}, {0})"),
    (
        "ARRAY_TO_STRING",
        2,
        "array_to_string(from_json({0}, '[\"VARCHAR\"]'), {1})",
    ),
    ("OBJECT_KEYS", 1, "to_json(json_keys({0}))"),
    ("GET", 2, "sf_get({0}, {1})"),
    ("GET_PATH", 2, "sf_get_path({0}, {1})"),
    ("HEX_DECODE_STRING", 1, "decode(unhex({0}))"),
    ("HEX_DECODE_BINARY", 1, "unhex({0})"),
    ("BASE64_ENCODE", 1, "sf_base64({0})"),
    ("BASE64_DECODE_STRING", 1, "decode(from_base64({0}))"),
    ("TO_BOOLEAN", 1, "cast(sf_boolean({0}) as boolean)"),
    ("TRY_TO_BOOLEAN", 1, "try_cast(sf_boolean({0}) as boolean)"),
    ("TO_DOUBLE", 1, "cast(sf_number_text({0}) as double)"),
    ("TRY_TO_DOUBLE", 1, "try_cast({0} as double)"),
    ("EDITDISTANCE", 2, "levenshtein({0}, {1})"),
    ("YEAR", 1, "year(sf_local({0}))"),
    ("MONTH", 1, "month(sf_local({0}))"),
    ("DAY", 1, "day(sf_local({0}))"),
    ("MINUTE", 1, "minute(sf_local({0}))"),
    ("SECOND", 1, "second(sf_local({0}))"),
    ("QUARTER", 1, "quarter(sf_local({0}))"),
    ("DAYOFMONTH", 1, "day(sf_local({0}))"),
    ("DAYOFYEAR", 1, "dayofyear(sf_local({0}))"),
    ("WEEKISO", 1, "week(sf_local({0}))"),
    ("DAYOFWEEKISO", 1, "isodow(sf_local({0}))"),
    ("LAST_DAY", 1, "last_day(sf_local({0}))"),
    ("DAYNAME", 1, "left(dayname(sf_local({0})), 3)"),
    ("MONTHNAME", 1, "left(monthname(sf_local({0})), 3)"),
    ("DAYOFWEEK", 1, "dayofweek(sf_local({0}))"),
    ("WEEK", 1, "week(sf_local({0}))"),
    ("YEAROFWEEK", 1, "isoyear(sf_local({0}))"),
    ("TO_BINARY", 1, "unhex({0})"),
    ("REGEXP_COUNT", 2, "len(regexp_extract_all({0}, {1}))"),
    ("SPACE", 1, "repeat(' ', {0})"),
    ("BOOLAND", 2, "({0} and {1})"),
    ("BOOLOR", 2, "({0} or {1})"),
    ("BOOLNOT", 1, "(not {0})"),
    ("NULLIF", 2, "nullif({0}, {1})"),
    ("RANDOM", 0, "sf_random()"),
    ("HOUR", 1, "hour(sf_local({0}))"),
    ("DATE_FROM_PARTS", 3, "make_date({0}, {1}, {2})"),
    ("DATEFROMPARTS", 3, "make_date({0}, {1}, {2})"),
    (
        "TIMESTAMP_NTZ_FROM_PARTS",
        6,
        "make_timestamp({0}, {1}, {2}, {3}, {4}, {5})",
    ),
    (
        "TIMESTAMP_FROM_PARTS",
        6,
        "make_timestamp({0}, {1}, {2}, {3}, {4}, {5})",
    ),
    (
        "ARRAY_AGG",
        1,
        "to_json(coalesce(list(sf_member({0})) filter ({0} is not null), []))",
    ),
    (
        "OBJECT_INSERT",
        3,
        "sf_object_insert({0}, {1}, sf_member({2}), false)",
    ),
    (
        "OBJECT_INSERT",
        4,
        "sf_object_insert({0}, {1}, sf_member({2}), {3})",
    ),
    (
        "OBJECT_DELETE",
        2,
        "json_merge_patch({0}, json_object({1}, null))",
    ),
    (
        "OBJECT_DELETE",
        3,
        "json_merge_patch({0}, json_object({1}, null, {2}, null))",
    ),
    ("ARRAY_SLICE", 3, "sf_array_slice({0}, {1}, {2})"),
    ("NEXT_DAY", 2, "sf_next_day(sf_local({0})::date, {1})"),
    (
        "PREVIOUS_DAY",
        2,
        "sf_previous_day(sf_local({0})::date, {1})",
    ),
    ("WIDTH_BUCKET", 4, "sf_width_bucket({0}, {1}, {2}, {3})"),
    ("OBJECT_AGG", 2, "json_group_object({0}, sf_member({1}))"),
];

/// Functions of any number of arguments.
const VARIADIC: &[(&str, &str)] = &[
    // Snowflake's are null when any argument is.
    ("GREATEST", "sf_greatest"),
    ("LEAST", "sf_least"),
    ("CONCAT", "sf_concat"),
    ("ARRAY_CONSTRUCT", "json_array"),
];

/// How a function is answered.
pub enum Rendering {
    /// Call this DuckDB function with the arguments as they are.
    Rename(&'static str),
    /// DuckDB has it as it is.
    Same,
    /// This text.
    Text(String),
}

/// The rendering of a call with rendered arguments.
///
/// # Errors
/// `Unknown function` for what is not known here.
pub fn render(name: &str, args: &[String]) -> Result<Rendering> {
    if let Some((_, text)) = VARIADIC.iter().find(|(n, _)| *n == name) {
        return Ok(Rendering::Text(variadic(text, args)));
    }
    let rewritten = REWRITTEN
        .iter()
        .find(|(n, count, _)| *n == name && *count == args.len());
    if let Some((_, _, template)) = rewritten {
        return Ok(Rendering::Text(fill(template, args)));
    }
    if let Some(text) = special(name, args)? {
        return Ok(Rendering::Text(text));
    }
    if let Some((_, new)) = RENAMED.iter().find(|(n, _)| *n == name) {
        return Ok(Rendering::Rename(new));
    }
    if SAME.contains(&format!(" {name} ")) {
        return Ok(Rendering::Same);
    }
    if REWRITTEN.iter().any(|(n, _, _)| *n == name) {
        let message = format!(
            "SQL compilation error: error line 1 at position 0\nnot enough or too many arguments for function [{name}]"
        );
        return Err(SnowflakeError::new("000938", "22023", message));
    }
    Err(SnowflakeError::new(
        "002140",
        "42601",
        format!("SQL compilation error:\nUnknown function {name}"),
    ))
}

fn fill(template: &str, args: &[String]) -> String {
    let mut text = template.to_owned();
    for (at, arg) in args.iter().enumerate() {
        text = text.replace(&format!("{{{at}}}"), &format!("({arg})"));
    }
    text
}

fn variadic(name: &str, args: &[String]) -> String {
    let list = args.join(", ");
    let any_null = args
        .iter()
        .map(|a| format!("({a}) is null"))
        .collect::<Vec<_>>()
        .join(" or ");
    match name {
        "sf_greatest" => format!("case when {any_null} then null else greatest({list}) end"),
        "sf_least" => format!("case when {any_null} then null else least({list}) end"),
        "sf_concat" => args
            .iter()
            .map(|a| format!("(sf_member({a}))::varchar"))
            .collect::<Vec<_>>()
            .join(" || "),
        _ => {
            let members: Vec<String> = args.iter().map(|a| format!("sf_member({a})")).collect();
            format!("{name}({})", members.join(", "))
        }
    }
}

fn special(name: &str, args: &[String]) -> Result<Option<String>> {
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

fn cast_date(text: &str) -> String {
    // A bare literal has no type to count days with.
    if text.starts_with('\'') {
        format!("cast({text} as timestamp)")
    } else {
        text.to_owned()
    }
}

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

fn date_add(part: &str, amount: &str, date: &str) -> Result<String> {
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

fn date_trunc(part: &str, date: &str) -> Result<String> {
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
fn time_slice(args: &[String]) -> Result<String> {
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

fn decode(args: &[String]) -> String {
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

fn number(cast: &str, args: &[String]) -> Result<String> {
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

fn unquote(text: &str) -> Result<String> {
    let inner = text.strip_prefix('\'').and_then(|t| t.strip_suffix('\''));
    inner
        .map(|t| t.replace("''", "'"))
        .ok_or_else(|| SnowflakeError::unsupported("a format that is not a literal"))
}

fn parse_timestamp(name: &str, args: &[String]) -> Result<String> {
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
fn parse_timestamp_tz(name: &str, args: &[String]) -> Result<String> {
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

fn parse_time(name: &str, args: &[String]) -> Result<String> {
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
