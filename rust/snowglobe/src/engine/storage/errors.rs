//! What DuckDB says of a failure, as Snowflake would say it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::types::error::SnowflakeError;

/// Ends a text that was a VARIANT's value; it stands twice after a string. See `prelude.sql`.
const FROM_VARIANT: char = '\u{b}';
/// The same for what should become a time, by what that is. See `timestamp_tz.sql`.
const TIME_FROM_VARIANT: [(char, &str); 3] = [
    ('\u{e001}', "TIMESTAMP_NTZ"),
    ('\u{e002}', "TIMESTAMP_LTZ"),
    ('\u{e003}', "TIMESTAMP_TZ"),
];
/// Ends a text that is no time for Snowflake, whatever DuckDB takes it for.
const NO_TIME: char = '\u{e000}';

/// Begins what stands for an error of Snowglobe's own in a message of DuckDB's; the error's number follows.
const CARRIED: &str = "SNOWGLOBE ERROR ";
/// Errors that nobody has fetched are kept, the newest of them.
const CARRIED_AT_MOST: usize = 1000;

// Process-wide: all that passes through DuckDB is a text.
static ERRORS: Mutex<VecDeque<(u64, SnowflakeError)>> = Mutex::new(VecDeque::new());
static NEXT_ERROR: AtomicU64 = AtomicU64::new(1);

/// The text that stands for an error on its way through DuckDB; [`from_duckdb`] finds the error again.
pub fn through_duckdb(error: SnowflakeError) -> String {
    let number = NEXT_ERROR.fetch_add(1, Ordering::Relaxed);
    let mut errors = ERRORS.lock().unwrap_or_else(PoisonError::into_inner);
    errors.push_back((number, error));
    if errors.len() > CARRIED_AT_MOST {
        errors.pop_front();
    }
    format!("{CARRIED}{number}.")
}

/// The error that the message stands for.
fn carried(message: &str) -> Option<SnowflakeError> {
    let (_, rest) = message.split_once(CARRIED)?;
    let number: u64 = rest.split('.').next()?.parse().ok()?;
    let errors = ERRORS.lock().unwrap_or_else(PoisonError::into_inner);
    let found = errors.iter().find(|(carried, _)| *carried == number);
    found.map(|(_, error)| error.clone())
}

/// DuckDB's message as Snowflake's error.
pub fn from_duckdb(message: &str) -> SnowflakeError {
    let new = SnowflakeError::new;
    if let Some(error) = carried(message) {
        return error;
    }
    if let Some(at) = message.find("SNOW|") {
        return own_error(&message[at + 5..]);
    }
    let quoted = |open: char| {
        let start = message.find(open)? + open.len_utf8();
        let end = message[start..].find(open)? + start;
        Some(&message[start..end])
    };
    let double = quoted('"').unwrap_or_default();
    let has = |text: &str| message.contains(text);
    if let Some(error) = variant_cast(message, double) {
        return error;
    }
    if has("Max expression depth limit") {
        return SnowflakeError::compilation(
            "the statement is nested too deeply: split it into several statements, or use a temporary table",
        );
    }
    if has("INTERRUPT") || has("Interrupted") {
        return SnowflakeError::cancelled();
    }
    if has("NOT NULL constraint failed") {
        let column = message.rsplit('.').next().unwrap_or_default().trim();
        return new(
            "100072",
            "22000",
            format!("NULL result in a non-nullable column: {column}"),
        );
    }
    if let Some(rest) = message.split("Could not convert string ").nth(1) {
        // The value stands between quotes of one kind; the text of the statement may follow.
        let quote = rest.chars().next().unwrap_or('\'');
        let value = rest[quote.len_utf8().min(rest.len())..]
            .split(&format!("{quote} to "))
            .next()
            .unwrap_or_default();
        return conversion(rest, value);
    }
    if let Some(error) = value_error(message, double).or_else(|| name_error(message, double)) {
        return error;
    }
    if has("No function matches") {
        return wrong_arguments(message);
    }
    if has("Binder Error") || has("Parser Error") || has("Catalog Error") {
        return SnowflakeError::compilation(first_line(message));
    }
    if has("IO Error") {
        return new(
            "000603",
            "XX000",
            format!("SQL execution internal error:\n{}", first_line(message)),
        );
    }
    new("100000", "22000", first_line(message))
}

/// A value that its type does not take.
fn value_error(message: &str, double: &str) -> Option<SnowflakeError> {
    let new = SnowflakeError::new;
    let has = |text: &str| message.contains(text);
    if has("invalid timestamp field format") || has("timestamp field value out of range") {
        return Some(new(
            "100035",
            "22007",
            format!(
                "Timestamp '{}' is not recognized",
                double.trim_end_matches(NO_TIME)
            ),
        ));
    }
    if has("invalid date field format") || has("date field value out of range") {
        return Some(new(
            "100040",
            "22007",
            format!("Date '{double}' is not recognized"),
        ));
    }
    if has("Could not parse string") {
        return Some(new(
            "100096",
            "22007",
            format!("Can't parse '{double}' as date or timestamp with the format given"),
        ));
    }
    if has("invalid time field format") || has("time field value out of range") {
        return Some(new(
            "100108",
            "22007",
            format!("Time '{double}' is not recognized"),
        ));
    }
    if has("Out of Range") || has("out of range") || has("Could not cast value") {
        return Some(new(
            "100039",
            "22003",
            format!("Numeric value is out of range: {}", first_line(message)),
        ));
    }
    None
}

/// A name, or what may not stand where it stands.
fn name_error(message: &str, double: &str) -> Option<SnowflakeError> {
    let new = SnowflakeError::new;
    let has = |text: &str| message.contains(text);
    if has("More than one row returned by a subquery") {
        return Some(new(
            "090150",
            "22000",
            "Single-row subquery returns more than one row.".to_owned(),
        ));
    }
    if has("Ambiguous reference") || has("Ambiguous column") {
        return Some(new(
            "002028",
            "42601",
            format!(
                "SQL compilation error: ambiguous column name '{}'",
                double.trim_matches('"')
            ),
        ));
    }
    if has("Referenced column") || has("does not have a column named") || has("Referenced table") {
        let name = if has("does not have a column named") {
            message
                .rsplit("named")
                .next()
                .and_then(|t| t.split('"').nth(1))
                .unwrap_or(double)
        } else {
            double
        };
        return Some(SnowflakeError::invalid_identifier(name));
    }
    if has("must appear in the GROUP BY clause") {
        return Some(new(
            "000979",
            "42601",
            format!("SQL compilation error:\n[{double}] is not a valid group by expression"),
        ));
    }
    None
}

/// A VARIANT's value that is none of the type it should become: what says so, or `None` if the message is about something else. `double` is what stands
/// between the message's first double quotes.
fn variant_cast(message: &str, double: &str) -> Option<SnowflakeError> {
    let is_json = message.contains("during read_json");
    let after = |text: &str| {
        let rest = message.split(text).nth(1)?.lines().next()?;
        Some(rest.split(" when casting from").next().unwrap_or(rest))
    };
    if let Some(value) = after("Failed to cast value to numerical: ")
        .or_else(|| after("Failed to cast value to decimal: "))
    {
        return Some(uncast(value, "FIXED"));
    }
    if message.contains("Unable to cast '") {
        let value = after("Unable to cast '")?.split_once("' to ")?;
        return Some(uncast(value.0, time_kind(value.1)));
    }
    let time = double.trim_end_matches(NO_TIME);
    let marked = TIME_FROM_VARIANT
        .into_iter()
        .find_map(|(mark, kind)| Some((time.strip_suffix(mark)?, kind)));
    if let Some((text, kind)) = marked {
        let is_bare = text.starts_with(['{', '[']) || ["true", "false"].contains(&text);
        let text = if is_bare {
            text.to_owned()
        } else {
            json_string(text)
        };
        return Some(uncast(&text, kind));
    }
    let kind = ["date", "timestamp", "time"]
        .into_iter()
        .find(|kind| message.contains(&format!("{kind} field")))?;
    is_json.then(|| uncast(&json_string(time), time_kind(&kind.to_uppercase())))
}

fn time_kind(name: &str) -> &'static str {
    match name {
        _ if name.starts_with("TIMESTAMP") => "TIMESTAMP_NTZ",
        _ if name.starts_with("TIME") => "TIME",
        _ => "DATE",
    }
}

fn uncast(value: &str, kind: &str) -> SnowflakeError {
    SnowflakeError::new(
        "100071",
        "22000",
        format!("Failed to cast variant value {value} to {kind}"),
    )
}

fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn own_error(rest: &str) -> SnowflakeError {
    let mut parts = rest.splitn(3, '|');
    let (code, state, text) = (
        parts.next().unwrap_or(""),
        parts.next().unwrap_or(""),
        parts.next().unwrap_or(""),
    );
    const KNOWN: &[(&str, &str)] = &[
        ("100072", "22000"),
        ("100078", "22000"),
        ("100051", "22012"),
        ("100069", "22P02"),
        ("000002", "0A000"),
        ("100090", "42P18"),
        ("001044", "42P13"),
    ];
    let (code, sqlstate) = KNOWN
        .iter()
        .find(|(c, s)| *c == code && *s == state)
        .copied()
        .unwrap_or(("100000", "22000"));
    SnowflakeError::new(code, sqlstate, text.trim_end())
}

/// `rest` is the message from the value on.
fn conversion(rest: &str, value: &str) -> SnowflakeError {
    if value == "Division by zero" {
        return SnowflakeError::new("100051", "22012", value);
    }
    let to = rest.get(value.len() + 2..).unwrap_or_default();
    if let Some(text) = value.strip_suffix(FROM_VARIANT) {
        let kind = match to {
            _ if to.starts_with(" to BOOL") => "BOOLEAN",
            _ if to.starts_with(" to DOUBLE") => "REAL",
            _ => "FIXED",
        };
        return match text.strip_suffix(FROM_VARIANT) {
            Some(text) => uncast(&json_string(text), kind),
            None => uncast(text, kind),
        };
    }
    if to.starts_with(" to BOOL") {
        return SnowflakeError::new(
            "100037",
            "22018",
            format!("Boolean value '{value}' is not recognized"),
        );
    }
    SnowflakeError::new(
        "100038",
        "22018",
        format!("Numeric value '{value}' is not recognized"),
    )
}

/// `No function matches the given name and argument types 'sf_x(TIME, VARCHAR)'`
fn wrong_arguments(message: &str) -> SnowflakeError {
    let call = message.split('\'').nth(1).unwrap_or_default();
    let (name, types) = call.split_once('(').unwrap_or((call, ")"));
    let name = name.trim_start_matches("sf_").to_uppercase();
    let types = types
        .replace("STRING_LITERAL", "VARCHAR")
        .replace("INTEGER_LITERAL", "NUMBER")
        .replace("HUGEINT", "NUMBER")
        .replace("BIGINT", "NUMBER")
        .replace("INTEGER", "NUMBER")
        .replace("DECIMAL", "NUMBER")
        .replace("DOUBLE", "FLOAT")
        .replace("JSON", "VARIANT")
        .replace("BLOB", "BINARY")
        .replace("INTERVAL", "TIMESTAMP_TZ")
        .replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMP_LTZ");
    SnowflakeError::new(
        "001044",
        "42P13",
        format!(
            "SQL compilation error: error line 1 at position 0\nInvalid argument types for function '{name}': ({types}"
        ),
    )
}

/// What DuckDB says, without its own kinds of errors and its advice.
fn first_line(message: &str) -> String {
    let mut line = message.lines().next().unwrap_or_default();
    while let Some((kind, rest)) = line.split_once(" Error: ")
        && kind.len() < 30
        && kind.chars().all(|c| c.is_alphabetic() || c == ' ')
    {
        line = rest;
    }
    let advice = [" You might need to add", " In order to select one"];
    for words in advice {
        line = line.split(words).next().unwrap_or(line);
    }
    line.replace("DuckDB", "Snowglobe")
}
