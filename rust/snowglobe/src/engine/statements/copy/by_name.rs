//! MATCH_BY_COLUMN_NAME and INCLUDE_METADATA: which field of a file, or which of its metadata, each column of the table takes.

use std::borrow::Cow;

use super::Copy;
use crate::engine::files::csv::Reader;
use crate::engine::files::formats::Format;
use crate::engine::statements::dml;
use crate::sql::cursor::{Name, literal, quoted};
use crate::sql::properties::{Properties, Property};
use crate::types::error::{Result, SnowflakeError};

/// How the names of fields are compared with those of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchBy {
    /// Fields go by their position.
    None,
    CaseSensitive,
    CaseInsensitive,
}

/// What a column of the table takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The field at this position, from 0.
    Field(usize),
    /// The value of this key of a JSON document.
    Key(String),
    /// A column of the stage, such as `METADATA$FILENAME`.
    Metadata(String),
    /// Null, for the file has no such field.
    Nothing,
}

impl Taken {
    /// The expression, over a file that was read.
    pub fn sql(&self, match_by: MatchBy) -> String {
        match self {
            Self::Field(at) => quoted(&format!("${}", at + 1)),
            Self::Key(key) => json_value(match_by, key),
            Self::Metadata(name) => quoted(name),
            Self::Nothing => "null".to_owned(),
        }
    }
}

const METADATA: [&str; 5] = [
    "METADATA$FILENAME",
    "METADATA$FILE_ROW_NUMBER",
    "METADATA$FILE_CONTENT_KEY",
    "METADATA$FILE_LAST_MODIFIED",
    "METADATA$START_SCAN_TIME",
];

impl MatchBy {
    pub(super) fn parse(text: &str) -> Result<Self> {
        match text.to_uppercase().as_str() {
            "NONE" => Ok(Self::None),
            "CASE_SENSITIVE" => Ok(Self::CaseSensitive),
            "CASE_INSENSITIVE" => Ok(Self::CaseInsensitive),
            _ => Err(SnowflakeError::new(
                "001008",
                "22023",
                format!(
                    "SQL compilation error:\ninvalid value [{text}] for parameter 'MATCH_BY_COLUMN_NAME'"
                ),
            )),
        }
    }

    fn is_same(self, field: &str, column: &str) -> bool {
        match self {
            Self::CaseInsensitive => field.to_uppercase() == column.to_uppercase(),
            _ => field == column,
        }
    }
}

/// Reads `INCLUDE_METADATA = (column = METADATA$…, …)`: the table's columns with what they take.
pub(super) fn take_metadata(properties: &mut Properties) -> Result<Vec<(String, String)>> {
    let invalid = |text: &str| {
        SnowflakeError::new(
            "001008",
            "22023",
            format!(
                "SQL compilation error:\ninvalid value [{text}] for parameter 'INCLUDE_METADATA'"
            ),
        )
    };
    let mut map = match properties.take("INCLUDE_METADATA") {
        None => return Ok(Vec::new()),
        Some(Property::Map(map)) => map,
        Some(_) => return Err(invalid("(…)")),
    };
    let columns: Vec<String> = map.keys().map(str::to_owned).collect();
    let mut found: Vec<(String, String)> = Vec::new();
    for column in columns {
        let source = match map.take(&column) {
            Some(Property::Name(Name(parts))) => parts.concat(),
            other => return Err(invalid(&format!("{column} = {other:?}"))),
        };
        if !METADATA.contains(&source.as_str()) || found.iter().any(|(c, _)| *c == column) {
            return Err(invalid(&format!("{column} = {source}")));
        }
        found.push((column, source));
    }
    Ok(found)
}

/// Fails on what does not go together.
pub(super) fn check(copy: &Copy) -> Result<()> {
    let wrong = |text: &str| Err(SnowflakeError::compilation(text));
    if copy.match_by == MatchBy::None {
        if !copy.metadata.is_empty() {
            return wrong("INCLUDE_METADATA needs MATCH_BY_COLUMN_NAME");
        }
        return match copy.format.parse_header {
            true => Err(SnowflakeError::unsupported(
                "PARSE_HEADER = TRUE without MATCH_BY_COLUMN_NAME",
            )),
            false => Ok(()),
        };
    }
    if copy.select.is_some() {
        return wrong("match_by_column_name is not supported with copy transform.");
    }
    if copy.validation.is_some() {
        return wrong("MATCH_BY_COLUMN_NAME does not go with VALIDATION_MODE");
    }
    if !copy.format.is_json && !copy.format.parse_header {
        return wrong("MATCH_BY_COLUMN_NAME needs PARSE_HEADER = TRUE for CSV");
    }
    for (column, _) in &copy.metadata {
        let name = &dml::column(&copy.target, column)?.name;
        if !copy.targets()?.iter().any(|c| c.name == *name) {
            return wrong("INCLUDE_METADATA names a column that the COPY does not load");
        }
    }
    Ok(())
}

/// The COPY with what each column takes of a file of these bytes.
pub(super) fn resolved<'c>(copy: &'c Copy, bytes: &[u8]) -> Result<Cow<'c, Copy>> {
    if copy.match_by == MatchBy::None {
        return Ok(Cow::Borrowed(copy));
    }
    if copy.format.is_json {
        return with_fields(copy, |column| Ok(Taken::Key(column.to_owned()))).map(Cow::Owned);
    }
    match header(bytes, true, &copy.format)? {
        Some(header) => with_header(copy, &header.names).map(Cow::Owned),
        None => Ok(Cow::Borrowed(copy)),
    }
}

/// The COPY with what each column takes of a file with this header.
pub(super) fn with_header(copy: &Copy, header: &[String]) -> Result<Copy> {
    with_fields(copy, |column| {
        let mut places = header.iter().enumerate();
        let mut next = || places.find(|(_, name)| copy.match_by.is_same(name, column));
        match (next(), next()) {
            (None, _) => Ok(Taken::Nothing),
            (Some((at, _)), None) => Ok(Taken::Field(at)),
            (Some(_), Some((_, name))) => Err(SnowflakeError::new(
                "100080",
                "22000",
                format!(
                    "the header has two fields for column \"{column}\", the second is '{name}'"
                ),
            )),
        }
    })
}

fn with_fields(copy: &Copy, field: impl Fn(&str) -> Result<Taken>) -> Result<Copy> {
    // "INCLUDE_METADATA": a column that it names takes the metadata, even if the file has a field of that name.
    let taken = |column: &str| match copy.metadata.iter().find(|(name, _)| name == column) {
        Some((_, source)) => Ok(Taken::Metadata(source.clone())),
        None => field(column),
    };
    let fields = copy.targets()?.into_iter().map(|c| taken(&c.name));
    let fields = fields.collect::<Result<Vec<_>>>()?;
    let mut own = copy.clone();
    own.fields = fields;
    Ok(own)
}

/// A file's header.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub names: Vec<String>,
    /// Where the file's first row begins.
    pub bytes: usize,
}

/// The header that the beginning of a file has: no names, if the file is empty. None, if the header may go on behind that beginning.
///
/// # Errors
/// If the header is malformed.
pub(super) fn header(beginning: &[u8], is_whole: bool, format: &Format) -> Result<Option<Header>> {
    let format = Format {
        parse_header: false,
        null_if: Vec::new(),
        ..format.clone()
    };
    let mut reader = Reader::new(beginning, &format);
    let read = reader.next_record();
    if !is_whole && reader.rest().is_empty() {
        return Ok(None);
    }
    let name = |field: &Option<Vec<u8>>| {
        String::from_utf8_lossy(field.as_deref().unwrap_or_default()).into_owned()
    };
    let names = match read {
        None => Vec::new(),
        Some(Ok(())) => reader.fields.iter().map(name).collect(),
        Some(Err(fault)) => return Err(SnowflakeError::new("100080", "22000", fault.message)),
    };
    let bytes = beginning.len() - reader.rest().len();
    Ok(Some(Header { names, bytes }))
}

/// The key's value in the document `$1`; JSON's null is SQL's.
fn json_value(match_by: MatchBy, column: &str) -> String {
    let value = match match_by {
        MatchBy::CaseInsensitive => format!(
            "(select any_value(value) from json_each(\"$1\") where upper(key) = {})",
            literal(&column.to_uppercase())
        ),
        _ => format!(
            "json_extract(\"$1\", {})",
            literal(&format!("$.\"{column}\""))
        ),
    };
    format!(
        "(select case when json_type(v) = 'NULL' then null else v end from (select {value} as v))"
    )
}
