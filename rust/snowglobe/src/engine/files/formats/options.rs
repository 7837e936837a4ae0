//! The options of a file format as text that is kept, merged and taken out of statements.

use super::Format;
use crate::sql::cursor::{Cursor, Name, literal};
use crate::sql::properties::{Properties, Property};
use crate::sql::tokens::lex;
use crate::types::error::{Result, SnowflakeError};

/// Options that Snowglobe understands.
const OPTIONS: &[&str] = &[
    "TYPE",
    "FORMAT_NAME",
    "COMPRESSION",
    "RECORD_DELIMITER",
    "FIELD_DELIMITER",
    "PARSE_HEADER",
    "SKIP_HEADER",
    "SKIP_BLANK_LINES",
    "DATE_FORMAT",
    "TIME_FORMAT",
    "TIMESTAMP_FORMAT",
    "ESCAPE",
    "ESCAPE_UNENCLOSED_FIELD",
    "TRIM_SPACE",
    "FIELD_OPTIONALLY_ENCLOSED_BY",
    "NULL_IF",
    "ERROR_ON_COLUMN_COUNT_MISMATCH",
    "REPLACE_INVALID_CHARACTERS",
    "EMPTY_FIELD_AS_NULL",
    "ENCODING",
    "STRIP_OUTER_ARRAY",
    "BINARY_FORMAT",
];

/// The value as it would be written.
fn property_text(property: &Property) -> Result<String> {
    Ok(match property {
        Property::Text(text) => literal(&text.replace('\\', "\\\\")),
        Property::Number(digits) => digits.clone(),
        Property::Name(name) => name.to_string(),
        Property::List(items) => format!(
            "({})",
            items
                .iter()
                .map(property_text)
                .collect::<Result<Vec<_>>>()?
                .join(", ")
        ),
        Property::Map(map) => format!("({})", properties_text(map.clone())?),
    })
}

fn properties_text(mut properties: Properties) -> Result<String> {
    let keys: Vec<String> = properties.keys().map(str::to_owned).collect();
    let mut parts = Vec::new();
    for key in keys {
        if let Some(value) = properties.take(&key) {
            parts.push(format!("{key} = {}", property_text(&value)?));
        }
    }
    Ok(parts.join(" "))
}

/// `FILE_FORMAT = (…)`, or a format's name, as text to keep.
///
/// # Errors
/// For what cannot be a file format.
pub fn option_text(property: Property) -> Result<String> {
    match property {
        Property::Map(map) => properties_text(map),
        Property::Text(name) => Ok(format!("FORMAT_NAME = {}", literal(&name))),
        Property::Name(name) => Ok(format!("FORMAT_NAME = {}", literal(&name.to_string()))),
        Property::List(items) if items.is_empty() => Ok(String::new()),
        _ => Err(SnowflakeError::compilation(
            "FILE_FORMAT needs a name or options in parentheses",
        )),
    }
}

/// Takes the options of a file format out of a statement's properties.
///
/// # Errors
/// If a value cannot be written down.
pub fn take_options(properties: &mut Properties) -> Result<String> {
    let mut taken = Properties::default();
    for key in OPTIONS {
        if let Some(value) = properties.take(key) {
            taken.push(key, value);
        }
    }
    properties_text(taken)
}

/// The name that the options refer to, if they do.
///
/// # Errors
/// If the options do not parse.
pub fn format_name(options: &str) -> Result<Option<Name>> {
    let lexemes = lex(options)?;
    let mut properties = Properties::parse(&mut Cursor::new(options, &lexemes))?;
    properties
        .take_text("FORMAT_NAME")?
        .map(|name| Name::parse(&name))
        .transpose()
}

/// The options with others laid over them, as text to keep.
///
/// # Errors
/// If one of them does not parse, or would change the type.
pub fn merged(old: &str, new: &str) -> Result<String> {
    let parse = |text: &str| {
        let lexemes = lex(text)?;
        Properties::parse(&mut Cursor::new(text, &lexemes))
    };
    let (mut old, mut new) = (parse(old)?, parse(new)?);
    if let Some(kind) = new.take_text("TYPE")? {
        return Err(SnowflakeError::compilation(format!(
            "the TYPE of a file format cannot be altered, to {kind} or anything else"
        )));
    }
    let keys: Vec<String> = new.keys().map(str::to_owned).collect();
    for key in keys {
        old.take(&key);
        if let Some(value) = new.take(&key) {
            old.push(&key, value);
        }
    }
    let text = properties_text(old)?;
    Format::parse(&text)?;
    Ok(text)
}
