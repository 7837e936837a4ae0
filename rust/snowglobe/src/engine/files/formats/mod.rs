//! File formats: their options and defaults.
//!
//! - `encoding`: the characters of a file
//! - `options`: options as text: kept, merged, taken out of statements
//! - `described`: what DESCRIBE shows

mod described;
mod encoding;
mod options;

use crate::sql::cursor::Cursor;
use crate::sql::functions::time_format;
use crate::sql::properties::Properties;
use crate::sql::tokens::lex;
use crate::types::error::{Result, SnowflakeError};

pub use described::described;
pub use encoding::Encoding;
pub use options::{format_name, merged, option_text, take_options};

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
        self.take_kind(&mut p)?;
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

    fn take_kind(&mut self, p: &mut Properties) -> Result<()> {
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
        Ok(())
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

fn delimiter(text: &str) -> Option<Vec<u8>> {
    match text.to_uppercase().as_str() {
        "NONE" => None,
        "AUTO" => Some(b"\n".to_vec()),
        _ => Some(text.as_bytes().to_vec()),
    }
}

pub(super) fn character(
    text: Option<String>,
    key: &str,
    default: Option<u8>,
) -> Result<Option<u8>> {
    match text.as_deref() {
        None => Ok(default),
        Some(text) if text.eq_ignore_ascii_case("NONE") => Ok(None),
        Some(text) => match text.as_bytes() {
            [byte] => Ok(Some(*byte)),
            _ => Err(SnowflakeError::unsupported(format!("{key} = '{text}'"))),
        },
    }
}
