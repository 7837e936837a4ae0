//! File formats: their options and defaults.

use super::error::{Result, SnowflakeError};
use crate::sql::cursor::{Cursor, Name, literal};
use crate::sql::functions::time_format;
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

/// The characters of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    Latin1,
    /// Told by the byte order mark, big endian without one.
    Utf16,
    Utf16Be,
    Utf16Le,
}

impl Encoding {
    fn parse(name: &str) -> Result<Self> {
        let bare: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        match bare.to_uppercase().as_str() {
            "UTF8" => Ok(Self::Utf8),
            "ISO88591" => Ok(Self::Latin1),
            "UTF16" => Ok(Self::Utf16),
            "UTF16BE" => Ok(Self::Utf16Be),
            "UTF16LE" => Ok(Self::Utf16Le),
            _ => Err(SnowflakeError::unsupported(format!("ENCODING = {name}"))),
        }
    }

    /// The bytes as UTF-8; what is none in UTF-16 becomes the replacement character.
    pub fn decoded(self, bytes: Vec<u8>) -> Vec<u8> {
        let wide = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
            let units: Vec<u16> = bytes.chunks_exact(2).map(|b| unit([b[0], b[1]])).collect();
            String::from_utf16_lossy(&units).into_bytes()
        };
        match self {
            Self::Utf8 => bytes,
            Self::Latin1 => bytes
                .iter()
                .map(|b| char::from(*b))
                .collect::<String>()
                .into_bytes(),
            Self::Utf16Be => wide(&bytes, u16::from_be_bytes),
            Self::Utf16Le => wide(&bytes, u16::from_le_bytes),
            Self::Utf16 => match bytes.as_slice() {
                [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
                [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
                all => wide(all, u16::from_be_bytes),
            },
        }
    }
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
    pub encoding: Encoding,
    /// As in Snowflake; none for AUTO.
    pub date_format: Option<String>,
    pub time_format: Option<String>,
    pub timestamp_format: Option<String>,
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
            encoding: Encoding::Utf8,
            date_format: None,
            time_format: None,
            timestamp_format: None,
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
        self.take_times(&mut p)?;
        if let Some(encoding) = p.take_text("ENCODING")? {
            self.encoding = Encoding::parse(&encoding)?;
        }
        if let Some(format) = p.take_text("BINARY_FORMAT")?
            && !format.eq_ignore_ascii_case("HEX")
        {
            return Err(SnowflakeError::unsupported(format!(
                "BINARY_FORMAT = {format}"
            )));
        }
        p.end()?;
        if self.parse_header && self.skip_header > 0 {
            return Err(SnowflakeError::compilation(
                "PARSE_HEADER = TRUE takes the first line: it goes without SKIP_HEADER",
            ));
        }
        Ok(self)
    }

    fn take_times(&mut self, p: &mut Properties) -> Result<()> {
        let formats = [
            ("DATE_FORMAT", &mut self.date_format),
            ("TIME_FORMAT", &mut self.time_format),
            ("TIMESTAMP_FORMAT", &mut self.timestamp_format),
        ];
        for (key, kept) in formats {
            let Some(text) = p.take_text(key)? else {
                continue;
            };
            *kept = if text.eq_ignore_ascii_case("AUTO") {
                None
            } else {
                time_format(&text)?;
                Some(text)
            };
        }
        Ok(())
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

/// What the options do not say is the default of its type: each property with its type, value and default.
///
/// # Errors
/// As [`Format::parse`].
pub fn described(options: &str) -> Result<Vec<[String; 4]>> {
    let format = Format::parse(options)?;
    let default = Format {
        is_json: format.is_json,
        ..Format::default()
    };
    let rows = |format: &Format| -> Vec<(&'static str, &'static str, String)> {
        let flag = |yes: bool| yes.to_string();
        let bytes = |b: &Option<Vec<u8>>, none: &str| {
            b.as_ref().map_or(none.to_owned(), |b| {
                String::from_utf8_lossy(b)
                    .replace('\n', "\\n")
                    .replace('\t', "\\t")
            })
        };
        let byte = |b: Option<u8>| match b {
            None => "NONE".to_owned(),
            Some(b'\\') => "\\\\".to_owned(),
            Some(b) => char::from(b).to_string(),
        };
        let time = |t: &Option<String>| t.clone().unwrap_or_else(|| "AUTO".to_owned());
        let nulls = format.null_if.iter().map(|n| n.replace('\\', "\\\\"));
        let nulls = format!("[{}]", nulls.collect::<Vec<_>>().join(", "));
        let compression = format!("{:?}", format.compression).to_uppercase();
        if format.is_json {
            return vec![
                ("TYPE", "String", "JSON".to_owned()),
                ("COMPRESSION", "String", compression),
                ("TRIM_SPACE", "Boolean", flag(format.trim_space)),
                ("NULL_IF", "List", nulls),
                (
                    "STRIP_OUTER_ARRAY",
                    "Boolean",
                    flag(format.strip_outer_array),
                ),
            ];
        }
        let encoding = match format.encoding {
            Encoding::Utf8 => "UTF8",
            Encoding::Latin1 => "ISO88591",
            Encoding::Utf16 => "UTF16",
            Encoding::Utf16Be => "UTF16BE",
            Encoding::Utf16Le => "UTF16LE",
        };
        let mismatch = format.error_on_column_count_mismatch;
        vec![
            ("TYPE", "String", "CSV".to_owned()),
            (
                "RECORD_DELIMITER",
                "String",
                bytes(&format.record_delimiter, "\\n"),
            ),
            (
                "FIELD_DELIMITER",
                "String",
                bytes(&format.field_delimiter, "NONE"),
            ),
            ("SKIP_HEADER", "Integer", format.skip_header.to_string()),
            ("PARSE_HEADER", "Boolean", flag(format.parse_header)),
            ("DATE_FORMAT", "String", time(&format.date_format)),
            ("TIME_FORMAT", "String", time(&format.time_format)),
            ("TIMESTAMP_FORMAT", "String", time(&format.timestamp_format)),
            ("BINARY_FORMAT", "String", "HEX".to_owned()),
            ("ESCAPE", "String", byte(format.escape)),
            (
                "ESCAPE_UNENCLOSED_FIELD",
                "String",
                byte(format.escape_unenclosed),
            ),
            ("TRIM_SPACE", "Boolean", flag(format.trim_space)),
            ("FIELD_OPTIONALLY_ENCLOSED_BY", "String", byte(format.quote)),
            ("NULL_IF", "List", nulls),
            ("COMPRESSION", "String", compression),
            ("ERROR_ON_COLUMN_COUNT_MISMATCH", "Boolean", flag(mismatch)),
            ("SKIP_BLANK_LINES", "Boolean", flag(format.skip_blank_lines)),
            (
                "REPLACE_INVALID_CHARACTERS",
                "Boolean",
                flag(format.replace_invalid_characters),
            ),
            (
                "EMPTY_FIELD_AS_NULL",
                "Boolean",
                flag(format.empty_field_as_null),
            ),
            ("ENCODING", "String", encoding.to_owned()),
        ]
    };
    let pairs = rows(&format).into_iter().zip(rows(&default));
    let row = |((name, kind, value), (_, _, default))| {
        [name, kind]
            .map(str::to_owned)
            .into_iter()
            .chain([value, default])
    };
    Ok(pairs
        .map(row)
        .filter_map(|row| row.collect::<Vec<String>>().try_into().ok())
        .collect())
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
