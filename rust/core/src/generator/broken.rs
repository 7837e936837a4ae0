//! Rows that are broken in known ways, for trying out what a pipeline does with them.

use serde::{Deserialize, Serialize};

use super::Format;
use super::csv::Buffer;
use crate::event::Event;

/// How a row is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Breakage {
    /// `updated_at` is no date.
    BadDate,
    /// The last column is missing.
    MissingColumn,
    /// `op` is none of the known letters.
    UnknownOp,
    /// `city` is not UTF-8.
    WrongUtf8,
    /// `last_name` holds a quotation mark that nothing closes.
    UnbalancedQuote,
}

impl Breakage {
    /// Every way.
    pub const ALL: [Self; 5] = [
        Self::BadDate,
        Self::MissingColumn,
        Self::UnknownOp,
        Self::WrongUtf8,
        Self::UnbalancedQuote,
    ];
}

/// Stands in the row for a byte that cannot be in text; replaced when the row is bytes.
const NOT_UTF8: char = '\u{F8FF}';

/// Appends `event`'s row, broken.
pub(crate) fn write(event: Event, breakage: Breakage, format: Format, out: &mut Buffer) {
    let mut fields: Vec<(&str, String)> = super::text::fields(event);
    match breakage {
        Breakage::BadDate => fields[11].1 = "2026-13-45T25:61:00Z".into(),
        Breakage::MissingColumn => drop(fields.pop()),
        Breakage::UnknownOp => fields[0].1 = "X".into(),
        Breakage::WrongUtf8 => fields[7].1.push(NOT_UTF8),
        Breakage::UnbalancedQuote => {}
    }
    let row = match format {
        Format::Csv => super::text::csv_row(&fields, breakage == Breakage::UnbalancedQuote),
        Format::Jsonl => super::text::json_row(&fields, breakage == Breakage::UnbalancedQuote),
    };
    let mut marker = [0; 3];
    let marker = NOT_UTF8.encode_utf8(&mut marker).as_bytes();
    match row
        .as_bytes()
        .windows(marker.len())
        .position(|bytes| bytes == marker)
    {
        Some(at) => {
            out.append(&row.as_bytes()[..at]);
            out.append(&[0xff]);
            out.append(&row.as_bytes()[at + marker.len()..]);
        }
        None => out.append(row.as_bytes()),
    }
}
