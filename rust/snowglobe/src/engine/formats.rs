//! File formats: their options and defaults.

use super::error::{Result, SnowflakeError};
use crate::sql::cursor::{Cursor, Name, literal};
use crate::sql::properties::{Properties, Property};
use crate::sql::tokens::lex;

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

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Told by the first bytes.
    Auto,
    None,
    Gzip,
    Zstd,
}

/// A file format.
#[derive(Clone, Debug, PartialEq)]
pub struct Format {
    pub is_json: bool,
    pub compression: Compression,
    pub field_delimiter: Option<Vec<u8>>,
    pub record_delimiter: Option<Vec<u8>>,
    pub parse_header: bool,
    pub skip_header: u64,
    pub skip_blank_lines: bool,
    pub quote: Option<u8>,
    pub escape: Option<u8>,
    pub escape_unenclosed: Option<u8>,
    pub trim_space: bool,
    pub null_if: Vec<String>,
    pub error_on_column_count_mismatch: bool,
    pub replace_invalid_characters: bool,
    pub empty_field_as_null: bool,
    pub strip_outer_array: bool,
}

impl Default for Format {
    fn default() -> Self {
        Self {
            is_json: false,
            compression: Compression::Auto,
            field_delimiter: Some(b",".to_vec()),
            record_delimiter: None,
            parse_header: false,
            skip_header: 0,
            skip_blank_lines: false,
            quote: None,
            escape: None,
            escape_unenclosed: Some(b'\\'),
            trim_space: false,
            null_if: vec!["\\N".to_owned()],
            error_on_column_count_mismatch: true,
            replace_invalid_characters: false,
            empty_field_as_null: true,
            strip_outer_array: false,
        }
    }
}

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

impl Format {
    /// Reads options as kept by [`option_text`]; `FORMAT_NAME` must have been resolved.
    ///
    /// # Errors
    /// For options that are unknown, or values that are not supported.
    pub fn parse(options: &str) -> Result<Self> {
        Self::default().overlay(options)
    }

    /// Lays further options over these.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn overlay(mut self, options: &str) -> Result<Self> {
        let lexemes = lex(options)?;
        let mut cursor = Cursor::new(options, &lexemes);
        let mut p = Properties::parse(&mut cursor)?;
        cursor.end()?;
        p.take("FORMAT_NAME");
        if let Some(kind) = p.take_text("TYPE")? {
            self.is_json = match kind.to_uppercase().as_str() {
                "CSV" => false,
                "JSON" => true,
                other => {
                    return Err(SnowflakeError::unsupported(format!(
                        "file format of type {other}"
                    )));
                }
            };
        }
        if let Some(compression) = p.take_text("COMPRESSION")? {
            self.compression = match compression.to_uppercase().as_str() {
                "AUTO" => Compression::Auto,
                "NONE" => Compression::None,
                "GZIP" => Compression::Gzip,
                "ZSTD" => Compression::Zstd,
                other => {
                    return Err(SnowflakeError::unsupported(format!(
                        "COMPRESSION = {other}"
                    )));
                }
            };
        }
        if let Some(text) = p.take_text("FIELD_DELIMITER")? {
            self.field_delimiter = delimiter(&text);
        }
        if let Some(text) = p.take_text("RECORD_DELIMITER")? {
            // A line feed also takes the carriage return before it, as by default.
            self.record_delimiter =
                delimiter(&text).filter(|d| !matches!(d.as_slice(), b"\n" | b"\r\n"));
        }
        self.quote = character(
            p.take_text("FIELD_OPTIONALLY_ENCLOSED_BY")?,
            "FIELD_OPTIONALLY_ENCLOSED_BY",
            self.quote,
        )?;
        self.escape = character(p.take_text("ESCAPE")?, "ESCAPE", self.escape)?;
        self.escape_unenclosed = character(
            p.take_text("ESCAPE_UNENCLOSED_FIELD")?,
            "ESCAPE_UNENCLOSED_FIELD",
            self.escape_unenclosed,
        )?;
        let flags: [(&str, &mut bool); 7] = [
            ("PARSE_HEADER", &mut self.parse_header),
            ("SKIP_BLANK_LINES", &mut self.skip_blank_lines),
            ("TRIM_SPACE", &mut self.trim_space),
            (
                "ERROR_ON_COLUMN_COUNT_MISMATCH",
                &mut self.error_on_column_count_mismatch,
            ),
            (
                "REPLACE_INVALID_CHARACTERS",
                &mut self.replace_invalid_characters,
            ),
            ("EMPTY_FIELD_AS_NULL", &mut self.empty_field_as_null),
            ("STRIP_OUTER_ARRAY", &mut self.strip_outer_array),
        ];
        for (key, flag) in flags {
            if let Some(value) = p.take_bool(key)? {
                *flag = value;
            }
        }
        if let Some(lines) = p.take_integer("SKIP_HEADER")? {
            self.skip_header = lines.unsigned_abs();
        }
        if let Some(list) = p.take_list("NULL_IF")? {
            self.null_if = list;
        }
        for key in ["DATE_FORMAT", "TIME_FORMAT", "TIMESTAMP_FORMAT"] {
            if let Some(format) = p.take_text(key)?
                && !format.eq_ignore_ascii_case("AUTO")
            {
                return Err(SnowflakeError::unsupported(format!(
                    "{key} = '{format}' in a file format: convert in a transformation"
                )));
            }
        }
        if let Some(encoding) = p.take_text("ENCODING")?
            && !["UTF8", "UTF-8"].contains(&encoding.to_uppercase().as_str())
        {
            return Err(SnowflakeError::unsupported(format!(
                "ENCODING = {encoding}"
            )));
        }
        if let Some(format) = p.take_text("BINARY_FORMAT")?
            && !format.eq_ignore_ascii_case("HEX")
        {
            return Err(SnowflakeError::unsupported(format!(
                "BINARY_FORMAT = {format}"
            )));
        }
        p.end()?;
        Ok(self)
    }
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

fn delimiter(text: &str) -> Option<Vec<u8>> {
    match text.to_uppercase().as_str() {
        "NONE" => None,
        "AUTO" => Some(b"\n".to_vec()),
        _ => Some(text.as_bytes().to_vec()),
    }
}

fn character(text: Option<String>, key: &str, default: Option<u8>) -> Result<Option<u8>> {
    match text.as_deref() {
        None => Ok(default),
        Some(text) if text.eq_ignore_ascii_case("NONE") => Ok(None),
        Some(text) => match text.as_bytes() {
            [byte] => Ok(Some(*byte)),
            _ => Err(SnowflakeError::unsupported(format!("{key} = '{text}'"))),
        },
    }
}
