//! Checks rows that are already in the tables' own form, which are returned unchanged: the fast path for files in that form.
//!
//! A row that it does not accept is checked again by `row` and `convert`, and may still be valid.

use crate::contract::{ColumnType, Contract, Op};

/// The check of a column.
pub(super) struct Check {
    kind: ColumnType,
    is_always_filled: bool,
    is_required: bool,
}

/// The checks of the contract's columns.
pub(super) fn checks(contract: &Contract) -> Vec<Check> {
    let columns = contract.columns().iter().enumerate();
    columns
        .map(|(index, column)| Check {
            kind: column.kind,
            is_always_filled: contract.is_always_filled(index),
            is_required: column.required,
        })
        .collect()
}

/// The end of the row that begins at `start`, if it is certainly valid.
///
/// `ends` are the row's field ends, in a buffer with valid quotes.
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
    let is_delete = Op::parse(unquoted(bytes.get(start..first)?).0)? == Op::Delete;
    let mut at = first + 1;
    let (last_check, others) = checks.split_last()?;
    for (check, end) in others.iter().zip(&commas[1..]) {
        let end = *end as usize;
        if bytes[end] != b',' || !is_valid(check, bytes.get(at..end)?, is_delete) {
            return None;
        }
        at = end + 1;
    }
    let value = bytes.get(at..last)?;
    let value = value.strip_suffix(b"\r").unwrap_or(value);
    is_valid(last_check, value, is_delete).then_some(last + 1)
}

/// Whether a field of an event, which may be a delete, is certainly valid.
#[inline(always)]
fn is_valid(check: &Check, field: &[u8], is_delete: bool) -> bool {
    let (value, is_quoted) = unquoted(field);
    if value.is_empty() && !is_quoted {
        return !check.is_always_filled && (is_delete || !check.is_required);
    }
    // Doubled quotes count twice, so a long text may need the exact check.
    check.kind.accepts(value)
}

/// The value of a field in a row with valid quotes, and whether it is quoted.
#[inline(always)]
fn unquoted(field: &[u8]) -> (&[u8], bool) {
    match field {
        [b'"', value @ .., b'"'] => (value, true),
        value => (value, false),
    }
}
