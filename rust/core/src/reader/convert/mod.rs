//! Converts values of a source into the tables' form; an ambiguous value is a fault.
//!
//! | file | what |
//! | --- | --- |
//! | `number` | decimal and grouping characters, exponents, rounding |
//! | `timestamp` | offsets, time zones, epochs and patterns |
//! | `fault` | the faults of values, and their reject reasons |

mod fault;
mod number;
mod timestamp;

pub(super) use fault::Fault;
pub(crate) use timestamp::is_rfc3339;

use super::FileFacts;
use crate::contract::{ColumnType, Contract, MissingColumns, Op, Operation, Position};
use crate::error::{Error, Result};
use timestamp::Timestamps;

/// A value in a file's format.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    /// The row does not have the column.
    Absent,
    Null,
    Text {
        text: &'a [u8],
        /// Whether it was quoted, so that it is never null.
        is_quoted: bool,
    },
    /// A number in JSON's notation, not in the source's.
    Number(&'a [u8]),
    Boolean(bool),
    /// An object or a list, as JSON.
    Nested(&'a [u8]),
    /// Nanoseconds since 1970 in UTC.
    Instant(i128),
    /// Days since 1970.
    Days(i32),
}

/// Writes rows in the tables' form: the operation's letter and the contract's columns, as CSV.
pub(super) struct Converter {
    operation: Operation,
    columns: Vec<Rule>,
    nulls: Vec<Vec<u8>>,
    unchanged: Vec<Vec<u8>>,
    truths: Vec<Vec<u8>>,
    falsehoods: Vec<Vec<u8>>,
    numbers: number::Notation,
    is_lenient: bool,
    missing: MissingColumns,
    is_upsert: bool,
    /// Whether the rows are JSON.
    is_of_json: bool,
    /// The columns that the current row does not give.
    not_given: Vec<usize>,
}

/// The conversion of one column.
struct Rule {
    name: String,
    kind: ColumnType,
    position: Option<Position>,
    is_always_filled: bool,
    is_required: bool,
    timestamps: Timestamps,
    default: Option<Vec<u8>>,
    /// The constant value of all rows of this file.
    fixed: Option<Fixed>,
}

/// The constant value of all rows of a file.
enum Fixed {
    Text(Vec<u8>),
    /// Nanoseconds since 1970 in UTC.
    Instant(i128),
}

impl Converter {
    /// Creates the converter for a file of a contract's source; `facts` are this file's.
    ///
    /// # Errors
    /// `Config` if a column's value is in the file's name, and the name does not match.
    pub fn new(contract: &Contract, facts: FileFacts<'_>) -> Result<Self> {
        let source = contract.source();
        let bytes = |texts: &[String]| -> Vec<Vec<u8>> {
            texts.iter().map(|text| text.clone().into_bytes()).collect()
        };
        let mut columns = Vec::new();
        for (index, (column, origin)) in contract.columns().iter().zip(&source.columns).enumerate()
        {
            let formats = origin.timestamps.as_ref().unwrap_or(&source.timestamps);
            let fixed = match &origin.file_name {
                Some(pattern) => Some(named_value(pattern, facts.name, &column.name)?),
                None => origin.constant.clone(),
            };
            let fixed = fixed.map(|text| Fixed::Text(text.into_bytes()));
            let modified = origin
                .is_modified_time
                .then(|| modified(facts, &column.name));
            columns.push(Rule {
                name: column.name.clone(),
                kind: column.kind,
                position: column.position,
                is_always_filled: contract.is_always_filled(index),
                is_required: column.required,
                timestamps: Timestamps::new(formats, source.time_zone.as_deref(), source.lenient)?,
                default: origin.default.clone().map(String::into_bytes),
                fixed: modified.transpose()?.or(fixed),
            });
        }
        Ok(Self {
            operation: source.operation.clone(),
            is_upsert: source.operation.column.is_none(),
            is_of_json: false,
            columns,
            nulls: bytes(&source.nulls),
            unchanged: bytes(&source.unchanged),
            truths: bytes(&source.booleans.truths),
            falsehoods: bytes(&source.booleans.falsehoods),
            numbers: number::Notation::new(source.numbers, source.lenient),
            is_lenient: source.lenient,
            missing: source.missing_columns,
            not_given: Vec::new(),
        })
    }

    /// The same for rows that are JSON.
    #[must_use]
    pub fn of_json(mut self) -> Self {
        self.is_of_json = true;
        self
    }

    /// The same for events that have an operation, regardless of the contract.
    #[must_use]
    pub fn with_operations(mut self) -> Self {
        self.is_upsert = false;
        self
    }

    /// Begins a row with the letter of its operation; a source without operations has only upserts.
    pub fn operation(&mut self, value: Value<'_>, output: &mut Vec<u8>) -> Result<Op, Fault> {
        self.not_given.clear();
        let op = match value {
            _ if self.is_upsert => Op::Update,
            Value::Absent | Value::Null if self.operation.is_optional => Op::Insert,
            Value::Text { text, .. } | Value::Number(text) => self.spelled(text)?,
            Value::Boolean(truth) => self.spelled(if truth { b"true" } else { b"false" })?,
            _ => return Err(Fault::UnknownOperation),
        };
        output.extend_from_slice(op.letter().as_bytes());
        Ok(op)
    }

    fn spelled(&self, text: &[u8]) -> Result<Op, Fault> {
        let spellings = self.operation.spellings.iter();
        let mut found = spellings.filter(|(spelling, _)| spelling.as_bytes() == text);
        found
            .next()
            .map(|(_, op)| *op)
            .ok_or(Fault::UnknownOperation)
    }

    /// Writes the value of the contract's column `index` as a field; an empty one for null.
    pub fn column(
        &mut self,
        index: usize,
        value: Value<'_>,
        op: Op,
        output: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let is_delete = op == Op::Delete;
        let Some(rule) = self.columns.get(index) else {
            return Err(Fault::InvalidValue);
        };
        if let Some(fixed) = &rule.fixed {
            let value = match fixed {
                Fixed::Text(fixed) => text(fixed),
                Fixed::Instant(nanos) => Value::Instant(*nanos),
            };
            return self.typed(rule, &value, output);
        }
        let is_unchanged = self.is_unchanged(value);
        if is_unchanged && op == Op::Update && !rule.is_always_filled {
            self.not_given.push(index);
            return Ok(());
        }
        let value = match value {
            Value::Text {
                text,
                is_quoted: false,
            } if self.nulls.iter().any(|null| null == text) => Value::Null,
            _ if is_unchanged && is_delete && !rule.is_always_filled => Value::Null,
            Value::Absent if is_unchanged => Value::Null,
            _ if is_unchanged => return Err(Fault::Unchanged),
            value => value,
        };
        if !matches!(value, Value::Absent | Value::Null) {
            return self.typed(rule, &value, output);
        }
        if let Some(default) = rule
            .default
            .as_ref()
            .filter(|_| !is_delete || rule.is_always_filled)
        {
            return self.typed(rule, &text(default), output);
        }
        if rule.is_always_filled || rule.is_required && !is_delete {
            return Err(Fault::Missing);
        }
        if value == Value::Absent && self.missing == MissingColumns::Refuse && !is_delete {
            return Err(Fault::Absent);
        }
        Ok(())
    }

    /// Whether the source marks a value as unchanged, and does not give it.
    fn is_unchanged(&self, value: Value<'_>) -> bool {
        match value {
            Value::Absent => self.missing == MissingColumns::Unchanged,
            Value::Text { text, .. } => self.unchanged.iter().any(|one| one == text),
            _ => false,
        }
    }

    /// Ends a row; a partial row lists its given columns after the fields of rejected rows.
    pub fn end_row(&self, output: &mut Vec<u8>) {
        if !self.not_given.is_empty() {
            let given = self.columns.iter().enumerate();
            let given = given
                .filter(|(index, rule)| !rule.is_always_filled && !self.not_given.contains(index));
            let names: Vec<&str> = given.map(|(_, rule)| rule.name.as_str()).collect();
            output.extend_from_slice(b",,,");
            push_text(names.join(",").as_bytes(), output);
        }
        output.push(b'\n');
    }

    /// Writes a value that is not missing.
    fn typed(&self, rule: &Rule, value: &Value<'_>, output: &mut Vec<u8>) -> Result<(), Fault> {
        match (rule.kind, value) {
            (ColumnType::Text { .. }, Value::Text { text, .. } | Value::Number(text)) => {
                if let Some(position) = rule.position {
                    return push_position(rule, position, text, output);
                }
                if !rule.kind.accepts(text) {
                    return Err(Fault::InvalidValue);
                }
                push_text(text, output);
            }
            (ColumnType::Text { .. }, Value::Boolean(truth)) => {
                output.extend_from_slice(if *truth { b"true" } else { b"false" });
            }
            (ColumnType::Number { precision, scale }, Value::Text { text, .. }) => {
                self.numbers.text(text, precision, scale, output)?;
            }
            (ColumnType::Number { precision, scale }, Value::Number(text)) => {
                number::exact(text, precision, scale, self.is_lenient, output)?;
            }
            (ColumnType::Boolean, Value::Boolean(truth)) => push_boolean(*truth, output),
            (ColumnType::Boolean, Value::Text { text, .. } | Value::Number(text)) => {
                push_boolean(self.truth(text)?, output);
            }
            (ColumnType::Date, Value::Text { text, .. }) => rule.timestamps.date(text, output)?,
            (ColumnType::Timestamp, Value::Text { text, .. }) => {
                rule.timestamps.timestamp(text, output)?;
            }
            (ColumnType::Timestamp, Value::Number(text)) => {
                rule.timestamps.epoch(text, output)?;
            }
            (ColumnType::Timestamp, Value::Instant(nanos)) => {
                rule.timestamps.instant(*nanos, output)?;
            }
            (ColumnType::Date, Value::Days(days)) => timestamp::days(*days, output)?,
            (ColumnType::OffsetTimestamp | ColumnType::Instant, value) => {
                rule.timestamps.zoned(value, rule.kind, output)?;
            }
            (ColumnType::Time, Value::Text { text, .. }) => timestamp::time(text, output)?,
            (ColumnType::Float, Value::Text { text, .. }) => self.numbers.float(text, output)?,
            (ColumnType::Float, Value::Number(text)) => number::float(text, output)?,
            (ColumnType::Binary { .. }, Value::Text { text, .. }) if rule.kind.accepts(text) => {
                push_text(&text.to_ascii_uppercase(), output);
            }
            (ColumnType::Json, value) => push_json(value, self.is_of_json, output)?,
            (_, Value::Nested(_)) => return Err(Fault::Nested),
            _ => return Err(Fault::InvalidValue),
        }
        Ok(())
    }

    fn truth(&self, text: &[u8]) -> Result<bool, Fault> {
        let is_one_of = |texts: &[Vec<u8>]| texts.iter().any(|one| one.eq_ignore_ascii_case(text));
        if is_one_of(&self.truths) {
            Ok(true)
        } else if is_one_of(&self.falsehoods) {
            Ok(false)
        } else {
            Err(Fault::InvalidValue)
        }
    }
}

fn text(bytes: &[u8]) -> Value<'_> {
    Value::Text {
        text: bytes,
        is_quoted: true,
    }
}

/// Writes a JSON value, or a text that contains one; within JSON, any other text is also a value.
fn push_json(value: &Value<'_>, is_of_json: bool, output: &mut Vec<u8>) -> Result<(), Fault> {
    match value {
        Value::Nested(json) | Value::Number(json) => push_text(json, output),
        Value::Boolean(truth) => push_boolean(*truth, output),
        Value::Text { text, .. } if is_of_json && !matches!(text, [b'{' | b'[', ..]) => {
            let text = std::str::from_utf8(text).map_err(|_| Fault::InvalidValue)?;
            push_text(serde_json::Value::from(text).to_string().as_bytes(), output);
        }
        Value::Text { text, .. } if ColumnType::Json.accepts(text) => push_text(text, output),
        _ => return Err(Fault::InvalidValue),
    }
    Ok(())
}

fn push_position(
    rule: &Rule,
    position: Position,
    text: &[u8],
    output: &mut Vec<u8>,
) -> Result<(), Fault> {
    let mut written = Vec::new();
    if !position.write(text, &mut written) || !rule.kind.accepts(&written) {
        return Err(Fault::InvalidValue);
    }
    push_text(&written, output);
    Ok(())
}

fn push_boolean(truth: bool, output: &mut Vec<u8>) {
    output.extend_from_slice(if truth { b"true" } else { b"false" });
}

/// Writes a text as a field, quoted if necessary; an empty text is `""`, as an empty field is null.
pub(super) fn push_text(text: &[u8], output: &mut Vec<u8>) {
    let is_plain = !text.is_empty()
        && memchr::memchr3(b',', b'"', b'\n', text).is_none()
        && memchr::memchr(b'\r', text).is_none();
    if is_plain {
        output.extend_from_slice(text);
        return;
    }
    output.push(b'"');
    let mut rest = text;
    while let Some(at) = memchr::memchr(b'"', rest) {
        output.extend_from_slice(&rest[..=at]);
        output.push(b'"');
        rest = &rest[at + 1..];
    }
    output.extend_from_slice(rest);
    output.push(b'"');
}

/// When the file was last modified, in whole microseconds.
fn modified(facts: FileFacts<'_>, column: &str) -> Result<Fixed> {
    let time = facts
        .modified
        .and_then(|time| jiff::Timestamp::try_from(time).ok());
    let time = time.ok_or_else(|| {
        Error::config(format!(
            "column `{column}`: the time when the file was modified is not known"
        ))
    })?;
    Ok(Fixed::Instant(i128::from(time.as_microsecond()) * 1_000))
}

/// The part of the file's name that the pattern's `*` matches.
fn named_value(pattern: &str, file_name: Option<&str>, column: &str) -> Result<String> {
    let name = file_name.unwrap_or_default();
    let (before, after) = pattern.split_once('*').unwrap_or((pattern, ""));
    let value = name
        .strip_prefix(before)
        .and_then(|rest| rest.strip_suffix(after));
    value.map(str::to_owned).ok_or_else(|| {
        Error::config(format!(
            "column `{column}`: the file's name `{}` does not match the pattern `{pattern}`",
            name.escape_debug()
        ))
    })
}

#[cfg(test)]
mod tests;
