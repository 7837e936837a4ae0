//! The first rows of a file, as names and texts.

use std::fs::File;

use csv::ReaderBuilder;
use serde_json::{Map, Value};

use super::evidence::Evidence;
use crate::contract::Format;
use crate::error::{Error, Result};
use crate::reader::beginning;

/// Delimiters that are tried.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// The sampled format of a file.
pub(super) struct Sample {
    pub format: Format,
    /// The delimiter, if the file is delimited text.
    pub delimiter: u8,
    /// Whether the first line names the columns.
    pub has_header: bool,
    /// Whether the text is not UTF-8 and has no byte order mark.
    pub is_windows_1252: bool,
    /// The number of sampled rows.
    pub rows: u64,
    /// Whether the sample is the whole file.
    pub is_whole: bool,
    /// Whether some rows lack some columns.
    pub has_gaps: bool,
    /// The columns, in the file's order.
    pub columns: Vec<Evidence>,
}

impl Sample {
    /// Samples the first `most` bytes of a file's text.
    ///
    /// # Errors
    /// `Config` if the file cannot hold rows of text, `Rejected` if there are none.
    pub fn of(file: File, most: u64) -> Result<Self> {
        let beginning = beginning(file, most)?;
        let mut bytes = beginning.text;
        if !beginning.is_whole {
            let end = memchr::memrchr(b'\n', &bytes).map_or(bytes.len(), |at| at + 1);
            bytes.truncate(end);
        }
        let (text, is_windows_1252) = match String::from_utf8(bytes) {
            Ok(text) => (text, false),
            Err(error) => {
                let (text, ..) = encoding_rs::WINDOWS_1252.decode(error.as_bytes());
                (text.into_owned(), true)
            }
        };
        let mut sample = if beginning.format == Format::Csv {
            Self::of_csv(&text)
        } else {
            Self::of_json(&text)?
        };
        if sample.rows == 0 {
            return Err(Error::rejected("file has no row to infer a contract from"));
        }
        sample.is_windows_1252 = is_windows_1252;
        sample.is_whole = beginning.is_whole;
        Ok(sample)
    }

    fn new(format: Format) -> Self {
        Self {
            format,
            delimiter: b',',
            has_header: true,
            is_windows_1252: false,
            rows: 0,
            is_whole: true,
            has_gaps: false,
            columns: Vec::new(),
        }
    }

    fn of_csv(text: &str) -> Self {
        let mut sample = Self::new(Format::Csv);
        sample.delimiter = delimiter(text);
        let mut records = records(text, sample.delimiter);
        let Some(first) = records.next() else {
            return sample;
        };
        sample.has_header = first.iter().all(is_name);
        if sample.has_header {
            sample.columns = first
                .iter()
                .map(|name| Evidence::new(name.trim()))
                .collect();
            // A delimiter at the end of every line does not add a column.
            while sample.columns.last().is_some_and(|one| one.name.is_empty()) {
                sample.columns.pop();
            }
        } else {
            let names = (1..=first.len()).map(|number| format!("column_{number}"));
            sample.columns = names.map(|name| Evidence::new(&name)).collect();
            sample.add(&first);
        }
        for record in records {
            sample.add(&record);
        }
        sample
    }

    fn add(&mut self, record: &csv::StringRecord) {
        // A footer or a cut row is not evidence for the columns.
        if record.len() < self.columns.len() {
            return;
        }
        self.rows += 1;
        for (column, value) in self.columns.iter_mut().zip(record) {
            column.add(value);
        }
    }

    fn of_json(text: &str) -> Result<Self> {
        let mut sample = Self::new(Format::JsonLines);
        for (line, text) in (1..).zip(text.lines()) {
            if text.trim().is_empty() || text.trim() == "null" {
                continue;
            }
            let Ok(Value::Object(object)) = serde_json::from_str(text) else {
                return Err(Error::config(format!(
                    "line {line} is not a JSON object: expected one object on each line"
                )));
            };
            if let Some(event) = debezium(&object) {
                sample.format = Format::Debezium;
                sample.add_object(&event);
            } else {
                sample.add_object(&object);
            }
        }
        Ok(sample)
    }

    fn add_object(&mut self, object: &Map<String, Value>) {
        for (name, value) in object {
            let at = self.columns.iter().position(|one| one.name == *name);
            let at = at.unwrap_or_else(|| {
                self.has_gaps |= self.rows > 0;
                self.columns.push(Evidence::new(name));
                self.columns.len() - 1
            });
            match value {
                Value::Null => self.columns[at].add(""),
                Value::String(text) => self.columns[at].add_text(text),
                Value::Bool(_) | Value::Number(_) => self.columns[at].add(&value.to_string()),
                Value::Array(_) | Value::Object(_) => self.columns[at].is_nested = true,
            }
        }
        self.has_gaps |= object.len() < self.columns.len();
        self.rows += 1;
    }
}

/// The row of a Debezium change event, with its operation.
fn debezium(object: &Map<String, Value>) -> Option<Map<String, Value>> {
    let envelope = object
        .get("payload")
        .and_then(Value::as_object)
        .unwrap_or(object);
    let operation = envelope.get("op")?.clone();
    let row = |name: &str| envelope.get(name).and_then(Value::as_object);
    let mut event = row("after").or_else(|| row("before"))?.clone();
    event.insert("op".to_owned(), operation);
    Some(event)
}

fn records(text: &str, delimiter: u8) -> impl Iterator<Item = csv::StringRecord> {
    ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes())
        .into_records()
        .filter_map(std::result::Result::ok)
}

/// The delimiter that splits the first rows into the most fields, the same number in each.
fn delimiter(text: &str) -> u8 {
    let fields = |delimiter: u8| {
        let mut counts = records(text, delimiter).take(50).map(|one| one.len());
        let first = counts.next().unwrap_or(0);
        let same = counts.filter(|count| *count == first).count();
        if first > 1 { (same, first) } else { (0, 0) }
    };
    // Ties are settled in favour of the first.
    let mut best = (DELIMITERS[0], fields(DELIMITERS[0]));
    for one in &DELIMITERS[1..] {
        let count = fields(*one);
        if count > best.1 {
            best = (*one, count);
        }
    }
    best.0
}

/// Whether a field of the first line looks like a name rather than a value.
fn is_name(field: &str) -> bool {
    let field = field.trim();
    let mut value = Evidence::new("");
    value.add(field);
    field.is_empty()
        || field.chars().count() > 1 && !value.is_telling()
        || field.len() == 1 && field.chars().all(char::is_lowercase)
}
