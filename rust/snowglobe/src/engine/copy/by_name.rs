//! MATCH_BY_COLUMN_NAME: which field of a file each column of the table takes.

use std::borrow::Cow;

use super::Copy;
use crate::engine::csv::Reader;
use crate::engine::error::{Result, SnowflakeError};
use crate::engine::formats::Format;
use crate::sql::cursor::{literal, quoted};

/// How the names of fields are compared with those of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatchBy {
    /// Fields go by their place.
    None,
    CaseSensitive,
    CaseInsensitive,
}

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

/// Fails on what does not go together.
pub(super) fn check(copy: &Copy) -> Result<()> {
    let wrong = |text: &str| Err(SnowflakeError::compilation(text));
    if copy.match_by == MatchBy::None {
        return match copy.format.parse_header {
            true => Err(SnowflakeError::unsupported(
                "PARSE_HEADER = TRUE without MATCH_BY_COLUMN_NAME",
            )),
            false => Ok(()),
        };
    }
    if copy.select.is_some() {
        return wrong("MATCH_BY_COLUMN_NAME does not go with a transformation");
    }
    if !copy.format.is_json && !copy.format.parse_header {
        return wrong("MATCH_BY_COLUMN_NAME needs PARSE_HEADER = TRUE for CSV");
    }
    Ok(())
}

/// The COPY with what each column takes of this file.
pub(super) fn resolved<'c>(copy: &'c Copy, bytes: &[u8]) -> Result<Cow<'c, Copy>> {
    if copy.match_by == MatchBy::None {
        return Ok(Cow::Borrowed(copy));
    }
    let columns = copy.targets()?;
    let fields = if copy.format.is_json {
        columns
            .iter()
            .map(|c| json_field(copy.match_by, &c.name))
            .collect()
    } else {
        let header = header(bytes, &copy.format)?;
        let place = |column: &str| header.iter().position(|f| copy.match_by.is_same(f, column));
        columns
            .iter()
            .map(|c| place(&c.name).map_or("null".to_owned(), |at| quoted(&format!("${}", at + 1))))
            .collect()
    };
    let mut own = copy.clone();
    own.fields = fields;
    // The header has been read; its line holds no data.
    own.format.skip_header = 1;
    Ok(Cow::Owned(own))
}

fn header(bytes: &[u8], format: &Format) -> Result<Vec<String>> {
    let mut reader = Reader::new(bytes, format);
    match reader.next_record() {
        None => Ok(Vec::new()),
        Some(Err(fault)) => Err(SnowflakeError::new("100080", "22000", fault.message)),
        Some(Ok(())) => Ok(reader
            .fields
            .iter()
            .map(|f| String::from_utf8_lossy(f.as_deref().unwrap_or_default()).into_owned())
            .collect()),
    }
}

/// The key's value in the document `$1`; JSON's null is SQL's.
fn json_field(match_by: MatchBy, column: &str) -> String {
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
