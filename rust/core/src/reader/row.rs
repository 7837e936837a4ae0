//! One row: where its fields and it end, and what is wrong with it.

use super::field::{self, Check, Fault, Field};
use super::marks::{Cursor, Marks};
use crate::contract::Op;

/// What a row turned out to be. Every `end` is past the row's line end.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Row {
    /// Fits the contract; spans `breaks` line ends within quotes.
    Valid { end: usize, breaks: u32 },
    /// Well formed, but field `index` does not fit.
    InvalidField {
        end: usize,
        breaks: u32,
        index: usize,
        fault: Fault,
    },
    /// Not the contract's number of fields.
    WrongFieldCount {
        end: usize,
        breaks: u32,
        fields: usize,
    },
    /// Quotes or line ends are wrong, so the row is cut at its first line end, lest it swallow rows after it.
    Malformed { reason: &'static str },
    /// The buffer ends before the row does.
    Partial,
}

/// The end of the row that begins at `start`, if it is plainly valid; else [`parse`] has the last word.
///
/// `ends` are the row's field ends, in a buffer whose quotes are all in order.
#[inline(always)]
pub(super) fn valid_end(
    bytes: &[u8],
    ends: &[u32],
    start: usize,
    checks: &[Check],
) -> Option<usize> {
    let (last, commas) = ends.split_last()?;
    let last = *last as usize;
    if bytes[last] != b'\n' {
        return None;
    }
    let first = *commas.first()? as usize;
    if bytes[first] != b',' {
        return None;
    }
    let is_delete = Op::parse(unquoted(bytes.get(start..first)?).value)? == Op::Delete;
    let mut at = first + 1;
    let (last_check, others) = checks.split_last()?;
    for (check, end) in others.iter().zip(&commas[1..]) {
        let end = *end as usize;
        if bytes[end] != b',' {
            return None;
        }
        field::check(check, unquoted(bytes.get(at..end)?), is_delete).ok()?;
        at = end + 1;
    }
    let value = bytes.get(at..last)?;
    let value = value.strip_suffix(b"\r").unwrap_or(value);
    field::check(last_check, unquoted(value), is_delete).ok()?;
    Some(last + 1)
}

/// A field of a row whose quotes are in order. Doubled quotes count twice, so a long text may need [`parse`] to tell.
#[inline(always)]
fn unquoted(field: &[u8]) -> Field<'_> {
    match field {
        [b'"', value @ .., b'"'] => Field {
            value,
            is_quoted: true,
            escapes: 0,
        },
        value => Field {
            value,
            is_quoted: false,
            escapes: 0,
        },
    }
}

/// Parses the row that begins at `start`.
pub(super) fn parse(
    bytes: &[u8],
    marks: &Marks,
    start: usize,
    checks: &[Check],
    is_last: bool,
) -> Row {
    match parsed(bytes, marks, start, checks, is_last) {
        Ok(row) | Err(row) => row,
    }
}

/// `Err` ends the parsing early.
fn parsed(
    bytes: &[u8],
    marks: &Marks,
    start: usize,
    checks: &[Check],
    is_last: bool,
) -> Result<Row, Row> {
    let mut cursor = marks.from(start);
    let mut at = start;
    let mut fields = 0;
    let mut breaks = 0;
    let mut is_delete = false;
    let mut first_fault = None;
    loop {
        let (field, stop) = if bytes.get(at) == Some(&b'"') {
            quoted(bytes, marks, &mut cursor, at, &mut breaks, is_last)?
        } else {
            let stop = marks.next(&mut cursor).unwrap_or(bytes.len());
            (plain(&bytes[at..stop]), stop)
        };
        let next = row_end(bytes, stop, is_last)?;
        if first_fault.is_none() {
            first_fault = fault(&field, fields, checks, &mut is_delete).map(|one| (fields, one));
        }
        fields += 1;
        let Some(end) = next else {
            at = stop + 1;
            continue;
        };
        return Ok(match first_fault {
            _ if fields != checks.len() + 1 => Row::WrongFieldCount {
                end,
                breaks,
                fields,
            },
            Some((index, fault)) => Row::InvalidField {
                end,
                breaks,
                index,
                fault,
            },
            None => Row::Valid { end, breaks },
        });
    }
}

fn plain(value: &[u8]) -> Field<'_> {
    Field {
        value,
        is_quoted: false,
        escapes: 0,
    }
}

/// The field whose opening quote is at `at`, and where it stops.
fn quoted<'b>(
    bytes: &'b [u8],
    marks: &Marks,
    cursor: &mut Cursor,
    at: usize,
    breaks: &mut u32,
    is_last: bool,
) -> Result<(Field<'b>, usize), Row> {
    let mut escapes = 0;
    marks.next(cursor);
    let closing = loop {
        let Some(quote) = marks.next(cursor) else {
            return Err(unended(is_last));
        };
        match bytes[quote] {
            b'"' if bytes.get(quote + 1) == Some(&b'"') => {
                marks.next(cursor);
                escapes += 1;
            }
            // A doubled quote may be cut by the buffer's end.
            b'"' if quote + 1 == bytes.len() && !is_last => return Err(Row::Partial),
            b'"' => break quote,
            b'\n' => *breaks += 1,
            _ => {}
        }
    };
    let stop = marks.next(cursor).unwrap_or(bytes.len());
    if stop != closing + 1 {
        return Err(Row::Malformed {
            reason: "text follows a closing quote",
        });
    }
    let field = Field {
        value: &bytes[at + 1..closing],
        is_quoted: true,
        escapes,
    };
    Ok((field, stop))
}

/// Where the row ends, if the field that stops at `stop` is its last.
fn row_end(bytes: &[u8], stop: usize, is_last: bool) -> Result<Option<usize>, Row> {
    match bytes.get(stop) {
        Some(b',') => Ok(None),
        Some(b'\n') => Ok(Some(stop + 1)),
        Some(b'\r') if bytes.get(stop + 1) == Some(&b'\n') => Ok(Some(stop + 2)),
        Some(b'\r') if stop + 1 == bytes.len() && !is_last => Err(Row::Partial),
        Some(b'\r') => Err(Row::Malformed {
            reason: "a carriage return stands alone",
        }),
        Some(_) => Err(Row::Malformed {
            reason: "a quote stands inside a field that is not quoted",
        }),
        None if is_last => Ok(Some(stop)),
        None => Err(Row::Partial),
    }
}

/// What is wrong with the field of this number; the first one tells whether the row is a delete.
fn fault(
    field: &Field<'_>,
    number: usize,
    checks: &[Check],
    is_delete: &mut bool,
) -> Option<Fault> {
    let Some(of_column) = number.checked_sub(1) else {
        let op = Op::parse(field.value);
        *is_delete = op == Some(Op::Delete);
        return op.is_none().then_some(Fault::UnknownOp);
    };
    // Surplus fields are counted, not checked.
    let check = checks.get(of_column)?;
    field::check(check, *field, *is_delete).err()
}

fn unended(is_last: bool) -> Row {
    if is_last {
        Row::Malformed {
            reason: "a quote is never closed",
        }
    } else {
        Row::Partial
    }
}
