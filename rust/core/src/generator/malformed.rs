//! The text of malformed rows.

use super::Format;
use super::csv::Buffer;
use super::defect::Defect;
use crate::event::Event;

/// Placeholder for a byte that is not UTF-8, until the row is bytes.
const NOT_UTF8: char = '\u{F8FF}';

/// Appends the row of `event` with the defect.
pub(crate) fn write(event: Event, defect: Defect, format: Format, out: &mut Buffer) {
    let mut fields: Vec<(&str, String)> = super::text::fields(event);
    match defect {
        Defect::BadDate => fields[11].1 = "2026-13-45T25:61:00Z".into(),
        Defect::MissingColumn => drop(fields.pop()),
        Defect::UnknownOp => fields[0].1 = "X".into(),
        Defect::WrongUtf8 => fields[7].1.push(NOT_UTF8),
        Defect::UnbalancedQuote => {}
    }
    let row = match format {
        Format::Csv => super::text::csv_row(&fields, defect == Defect::UnbalancedQuote),
        Format::Jsonl => super::text::json_row(&fields, defect == Defect::UnbalancedQuote),
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
