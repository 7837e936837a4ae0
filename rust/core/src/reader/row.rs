//! One row: where its fields and it end, and what is wrong with it.

use super::field::{self, Check, Fault, Field};
use super::marks::Marks;
use crate::contract::Op;

/// What a row turned out to be. Every `end` is past the row's line end.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Row {
    /// Fits the contract; spans `breaks` line ends within quotes.
    Sound { end: usize, breaks: u32 },
    /// Well formed, but field `index` does not fit.
    Unfit {
        end: usize,
        breaks: u32,
        index: usize,
        fault: Fault,
    },
    /// Not the contract's number of fields.
    Miscounted {
        end: usize,
        breaks: u32,
        fields: usize,
    },
    /// Quotes or line ends are wrong, so the row is cut at its first line end, lest it swallow rows after it.
    Malformed { reason: &'static str },
    /// The buffer ends before the row does.
    Partial,
}

/// The end of the row that begins at `start`, if it is plainly sound; else [`parse`] has the last word.
///
/// `ends` are the row's field ends, in a buffer whose quotes are all in order.
#[inline(always)]
pub(super) fn sound_end(
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
    let mut cursor = marks.from(start);
    let mut at = start;
    let mut fields = 0;
    let mut breaks = 0;
    let mut is_delete = false;
    let mut first_fault = None;
    loop {
        let is_quoted = bytes.get(at) == Some(&b'"');
        let mut escapes = 0;
        let (value, stop) = if is_quoted {
            marks.next(&mut cursor);
            let closing = loop {
                let Some(quote) = marks.next(&mut cursor) else {
                    return unended(is_last);
                };
                match bytes[quote] {
                    b'"' if bytes.get(quote + 1) == Some(&b'"') => {
                        marks.next(&mut cursor);
                        escapes += 1;
                    }
                    // A doubled quote may be cut by the buffer's end.
                    b'"' if quote + 1 == bytes.len() && !is_last => return Row::Partial,
                    b'"' => break quote,
                    b'\n' => breaks += 1,
                    _ => {}
                }
            };
            let stop = marks.next(&mut cursor).unwrap_or(bytes.len());
            if stop != closing + 1 {
                return Row::Malformed {
                    reason: "text follows a closing quote",
                };
            }
            (&bytes[at + 1..closing], stop)
        } else {
            let stop = marks.next(&mut cursor).unwrap_or(bytes.len());
            (&bytes[at..stop], stop)
        };
        let next = match bytes.get(stop) {
            Some(b',') => None,
            Some(b'\n') => Some(stop + 1),
            Some(b'\r') if bytes.get(stop + 1) == Some(&b'\n') => Some(stop + 2),
            Some(b'\r') if stop + 1 == bytes.len() && !is_last => return Row::Partial,
            Some(b'\r') => {
                return Row::Malformed {
                    reason: "a carriage return stands alone",
                };
            }
            Some(_) => {
                return Row::Malformed {
                    reason: "a quote stands inside a field that is not quoted",
                };
            }
            None if is_last => Some(stop),
            None => return Row::Partial,
        };
        if first_fault.is_none() {
            let result = if fields == 0 {
                match Op::parse(value) {
                    Some(op) => {
                        is_delete = op == Op::Delete;
                        Ok(())
                    }
                    None => Err(Fault::UnknownOp),
                }
            } else if let Some(one) = checks.get(fields - 1) {
                field::check(
                    one,
                    Field {
                        value,
                        is_quoted,
                        escapes,
                    },
                    is_delete,
                )
            } else {
                Ok(())
            };
            if let Err(fault) = result {
                first_fault = Some((fields, fault));
            }
        }
        fields += 1;
        let Some(end) = next else {
            at = stop + 1;
            continue;
        };
        return match first_fault {
            _ if fields != checks.len() + 1 => Row::Miscounted {
                end,
                breaks,
                fields,
            },
            Some((index, fault)) => Row::Unfit {
                end,
                breaks,
                index,
                fault,
            },
            None => Row::Sound { end, breaks },
        };
    }
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
