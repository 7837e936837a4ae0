//! The rows of a file of JSON lines.

use std::io::Read;

use super::object::{self, Places};
use super::plan::{self, Node};
use super::schema::{self, Meaning};
use crate::contract::{Contract, Format, Op};
use crate::error::Result;
use crate::reader::convert::{Converter, Fault, Value};
use crate::reader::lines::{Line, Lines};
use crate::reader::piece::{Piece, RejectedRow};
use crate::reader::text::Text;

/// The number of bytes of rows that are converted before they are returned.
const RUN_BYTES: usize = 256 << 10;

/// Debezium's placeholder for a large value that did not change.
const UNAVAILABLE: &str = "\"__debezium_unavailable_value\"";

/// Reads the rows of a file of JSON lines.
pub(in crate::reader) struct Rows<R> {
    lines: Lines<R>,
    rows: u64,
    /// A rejected row that comes after the run before it.
    pending: Option<RejectedRow>,
    reading: Reading,
    converted: Vec<u8>,
}

/// Converts a line into a row.
struct Reading {
    contract: Contract,
    converter: Converter,
    is_debezium: bool,
    plan: Node,
    places: Places,
    /// The previous schema; most events of a file have the same one.
    schema: String,
    meanings: Vec<Option<Meaning>>,
    /// The meaning of columns that come from the envelope.
    of_envelope: Vec<Option<Meaning>>,
    scratch: Vec<u8>,
}

/// The fault of a line: the column at fault, if any, and the reason.
type Invalid = (Option<String>, String);

impl<R: Read> Rows<R> {
    pub fn new(contract: &Contract, converter: Converter, input: Text<R>, format: Format) -> Self {
        let is_debezium = format == Format::Debezium;
        let columns = contract.columns().len();
        let of_envelope = contract.source().columns.iter().map(|origin| {
            origin
                .from
                .as_deref()
                .filter(|_| is_debezium)
                .and_then(schema::of_path)
        });
        Self {
            lines: Lines::new(input),
            rows: 0,
            pending: None,
            reading: Reading {
                of_envelope: of_envelope.collect(),
                contract: contract.clone(),
                converter,
                is_debezium,
                plan: plan::of(contract, format),
                places: Places::default(),
                schema: String::new(),
                meanings: vec![None; columns],
                scratch: Vec::new(),
            },
            converted: Vec::new(),
        }
    }

    pub fn rows(&self) -> u64 {
        self.rows
    }

    pub fn next_within(&mut self, most: usize) -> Result<Option<Piece<'_>>> {
        if let Some(rejected) = self.pending.take() {
            self.rows += 1;
            return Ok(Some(Piece::Rejected(rejected)));
        }
        self.converted.clear();
        let (mut count, mut read) = (0, 0);
        while read < most && self.converted.len() < RUN_BYTES {
            let Some(line) = self.lines.next()? else {
                break;
            };
            let bytes = line.bytes.len() + 1;
            let kept = self.converted.len();
            match self.reading.row(&line, &mut self.converted) {
                Ok(false) => {}
                Ok(true) => {
                    count += 1;
                    read += bytes;
                }
                Err((column, reason)) => {
                    self.converted.truncate(kept);
                    let rejected = RejectedRow {
                        row: self.rows + count + 1,
                        line: line.number,
                        column,
                        reason,
                        raw: line.kept().to_vec(),
                    };
                    if count == 0 {
                        self.rows += 1;
                        return Ok(Some(Piece::Rejected(rejected)));
                    }
                    self.pending = Some(rejected);
                    break;
                }
            }
        }
        self.rows += count;
        Ok((count > 0).then_some(Piece::Rows {
            bytes: &self.converted,
            count,
            read,
        }))
    }

    pub fn is_done(&mut self) -> Result<bool> {
        Ok(self.pending.is_none() && self.lines.is_done()?)
    }
}

impl Reading {
    /// Appends a line's row; false if it has none.
    fn row(&mut self, line: &Line<'_>, output: &mut Vec<u8>) -> Result<bool, Invalid> {
        let malformed = |reason: String| (None, reason);
        if line.is_cut {
            return Err(malformed(format!(
                "is longer than {} bytes",
                line.bytes.len()
            )));
        }
        let text = simdutf8::basic::from_utf8(line.bytes)
            .map_err(|_| malformed("is not UTF-8".to_owned()))?;
        let text = text.trim();
        self.places.clear(self.contract.columns().len());
        let is_wrapped = self.is_debezium && is_wrapped(text);
        let event = self
            .plan
            .keys
            .get("payload")
            .filter(|_| self.is_debezium && !is_wrapped);
        object::read(text, text, event.unwrap_or(&self.plan), &mut self.places)
            .map_err(|reason| malformed(format!("is not a JSON object: {reason}")))?;
        if self.places.is_null || self.places.raw(text, self.places.payload) == Some("null") {
            return Ok(false);
        }
        if let Some(key) = &self.places.repeated {
            return Err(malformed(format!("has {key} twice")));
        }
        if let Some(key) = &self.places.extra {
            return Err(malformed(format!(
                "has {key}, which the contract does not have: extra_columns = \"ignore\" leaves it out"
            )));
        }
        self.learn(text);
        let op = self.operation(text, output)?;
        for index in 0..self.places.columns.len() {
            output.push(b',');
            self.column(text, index, op, output)?;
        }
        self.converter.end_row(output);
        Ok(true)
    }

    fn operation(&mut self, text: &str, output: &mut Vec<u8>) -> Result<Op, Invalid> {
        let raw = self.places.raw(text, self.places.operation);
        if self.is_debezium {
            let reason = match raw {
                Some("\"t\"") => "is a truncation, which no row is for",
                Some("\"m\"") => "is a message, not a change of a row",
                None => "is not a change event: it has no op",
                Some(_) => "",
            };
            if !reason.is_empty() {
                return Err((None, reason.to_owned()));
            }
        }
        let value = value(raw, &mut self.scratch);
        let op = self.converter.operation(value, output);
        op.map_err(|fault| {
            (
                Some(self.contract.op().to_owned()),
                fault.reason(&self.contract, None),
            )
        })
    }

    fn column(
        &mut self,
        text: &str,
        index: usize,
        op: Op,
        output: &mut Vec<u8>,
    ) -> Result<(), Invalid> {
        let is_delete = op == Op::Delete;
        let place = self.places.columns[index];
        let place = if is_delete {
            self.places.before[index].or(place)
        } else {
            place
        };
        let raw = self.places.raw(text, place);
        let meaning = self.of_envelope[index].or(self.meanings[index]);
        let result = if self.is_unknown(raw) {
            Err(Fault::Unchanged)
        } else {
            let known = match (meaning, raw) {
                (Some(meaning), Some(raw)) => schema::value(meaning, raw, &mut self.scratch),
                _ => None,
            };
            match known {
                Some(known) => self.converter.column(index, known, op, output),
                None => {
                    let value = value(raw, &mut self.scratch);
                    self.converter.column(index, value, op, output)
                }
            }
        };
        result.map_err(|fault| {
            let column = &self.contract.columns()[index];
            (
                Some(column.name.clone()),
                fault.reason(&self.contract, Some(column)),
            )
        })
    }

    /// Whether Debezium marks a value as unchanged, and the contract has no rule for it.
    fn is_unknown(&self, raw: Option<&str>) -> bool {
        self.is_debezium && raw == Some(UNAVAILABLE) && !self.contract.has_partial_updates()
    }

    /// Reads the meanings in the event's schema.
    fn learn(&mut self, text: &str) {
        if let Some(schema) = self.places.raw(text, self.places.schema)
            && schema != self.schema
        {
            self.meanings = schema::meanings(schema, &self.contract);
            schema.clone_into(&mut self.schema);
        }
    }
}

/// Whether an event is next to its schema: the first key is `schema` or `payload`.
fn is_wrapped(text: &str) -> bool {
    let first = text.trim_start_matches(['{', ' ', '\t']);
    first.starts_with("\"schema\"") || first.starts_with("\"payload\"")
}

/// Parses a JSON value.
fn value<'a>(raw: Option<&'a str>, scratch: &'a mut Vec<u8>) -> Value<'a> {
    let Some(raw) = raw else {
        return Value::Absent;
    };
    match raw.as_bytes() {
        [b'"', inner @ .., b'"'] => {
            let text = if memchr::memchr(b'\\', inner).is_none() {
                inner
            } else {
                scratch.clear();
                if let Ok(text) = sonic_rs::from_str::<String>(raw) {
                    scratch.extend_from_slice(text.as_bytes());
                }
                scratch
            };
            Value::Text {
                text,
                is_quoted: true,
            }
        }
        b"null" => Value::Null,
        b"true" => Value::Boolean(true),
        b"false" => Value::Boolean(false),
        [b'{' | b'[', ..] => Value::Nested(raw.as_bytes()),
        number => Value::Number(number),
    }
}
