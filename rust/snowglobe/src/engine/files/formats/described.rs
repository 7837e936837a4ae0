//! What DESCRIBE FILE FORMAT shows.

use super::Format;
use super::encoding::Encoding;
use crate::types::error::Result;

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

/// Name, type and value of each option.
type Rows = Vec<(&'static str, &'static str, String)>;

fn rows(format: &Format) -> Rows {
    match format.is_json {
        true => json(format),
        false => csv(format),
    }
}

fn nulls(format: &Format) -> String {
    let nulls = format.null_if.iter().map(|n| n.replace('\\', "\\\\"));
    format!("[{}]", nulls.collect::<Vec<_>>().join(", "))
}

fn compression(format: &Format) -> String {
    format!("{:?}", format.compression).to_uppercase()
}

fn json(format: &Format) -> Rows {
    let flag = |yes: bool| yes.to_string();
    let (nulls, compression) = (nulls(format), compression(format));
    vec![
        ("TYPE", "String", "JSON".to_owned()),
        ("COMPRESSION", "String", compression),
        ("TRIM_SPACE", "Boolean", flag(format.trim_space)),
        ("NULL_IF", "List", nulls),
        (
            "STRIP_OUTER_ARRAY",
            "Boolean",
            flag(format.strip_outer_array),
        ),
    ]
}

fn csv(format: &Format) -> Rows {
    let (nulls, compression) = (nulls(format), compression(format));
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
}
