//! How the files of a contract's source look: what the table `[source]` says, with the defaults filled in.
//!
//! | file | what |
//! | --- | --- |
//! | `document` | the TOML keys, and what each accepts |
//! | `preset` | the keys that a named source sets |
//! | `time` | formats of timestamps |
//!
//! It describes files and reads none: `reader` does.

pub(super) mod document;
mod preset;
mod time;

pub use time::TimestampFormat;

use super::Op;

/// Everything that is known about the files of a source before one is opened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Source {
    /// The format of the files; by their content if none is given.
    pub format: Option<Format>,
    /// How fields find their columns.
    pub header: Header,
    /// What separates fields; the header decides if none is given.
    pub delimiter: Option<u8>,
    /// What encloses fields; none if quotes are text.
    pub quote: Option<u8>,
    /// What makes the character after it plain text. A quote within quotes may always be written twice.
    pub escape: Option<u8>,
    /// Lines that begin with it are skipped.
    pub comment: Option<u8>,
    /// How many lines stand above the header.
    pub skip_lines: usize,
    /// The encoding of the text, if no byte order mark says it; UTF-8 if none is given.
    pub encoding: Option<Encoding>,
    /// Texts without quotes that mean null.
    pub nulls: Vec<String>,
    /// Texts that mean that an update leaves the column as it is.
    pub unchanged: Vec<String>,
    /// What a column of the contract that the file lacks means.
    pub missing_columns: MissingColumns,
    /// What a column of the file that the contract lacks means.
    pub extra_columns: ExtraColumns,
    /// How timestamps are written.
    pub timestamps: Vec<TimestampFormat>,
    /// The IANA time zone of timestamps without offset; UTC if none is given.
    pub time_zone: Option<String>,
    /// How numbers are written.
    pub numbers: Numbers,
    /// How truth values are written.
    pub booleans: Booleans,
    /// Whether values that do not fit exactly are converted as Snowflake would: rounded, cut to microseconds.
    pub lenient: bool,
    /// Where the operation of an event stands.
    pub operation: Operation,
    /// Where each column's values come from, in the order of the contract's columns.
    pub columns: Vec<Origin>,
    /// Names of columns of the file that are left out.
    pub ignored: Vec<String>,
    /// If each file is the whole table as it was at one time.
    pub snapshot: Option<Snapshot>,
    /// How far an event may be dated ahead of the clock, in seconds; any time if there is no limit.
    pub max_ahead: Option<u64>,
}

/// What files mean that are the whole table as it was at one time: a key that is not in one was deleted at its time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Snapshot {
    /// Of a hundred keys, how many may be absent; a file that lacks more is held back.
    pub max_deleted_percent: u8,
}

/// A format of files.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// Delimited text.
    Csv,
    /// One JSON object a line.
    JsonLines,
    /// One change event of Debezium a line, as JSON.
    Debezium,
}

/// How fields find their columns.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Header {
    /// By the names in the first line; case, surrounding blanks and order do not matter.
    ByName,
    /// In the contract's order; the first line is a header and is skipped.
    ByPosition,
    /// In the contract's order; the first line is a row.
    None,
}

/// An encoding of text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(missing_docs, reason = "their names say it")]
pub enum Encoding {
    Utf8,
    Utf16Le,
    Utf16Be,
    Latin1,
    Windows1252,
}

/// What a column of the contract that the file lacks means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MissingColumns {
    /// The file, or the row, is refused.
    Refuse,
    /// Its values are null.
    Null,
    /// An update leaves the column as it is; otherwise it is null.
    Unchanged,
}

/// What a column of the file that the contract lacks means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ExtraColumns {
    /// The file, or the row, is refused.
    Refuse,
    /// Its values are left out.
    Ignore,
}

/// How numbers are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Numbers {
    /// Before the fraction.
    pub decimal: char,
    /// Between groups of three digits.
    pub grouping: Option<char>,
}

/// How truth values are written; case does not matter.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Booleans {
    /// Texts that mean true, in lower case.
    pub truths: Vec<String>,
    /// Texts that mean false, in lower case.
    pub falsehoods: Vec<String>,
}

/// Where the operation of an event stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Operation {
    /// The column of the file; if there is none, every row inserts or updates its key.
    pub column: Option<String>,
    /// What its values mean.
    pub spellings: Vec<(String, Op)>,
    /// Whether a row may lack the operation, and then is an insert: full loads of AWS DMS do.
    pub is_optional: bool,
}

/// Where a column's values come from.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Origin {
    /// The file's name for the column, or a path within JSON; the column's own name if none is given.
    pub from: Option<String>,
    /// What a missing or null value becomes.
    pub default: Option<String>,
    /// The one value of all rows.
    pub constant: Option<String>,
    /// What finds the value of all rows in the file's name: a text with one `*` where the value stands.
    pub file_name: Option<String>,
    /// Whether the value of all rows is the time when the file was last modified.
    pub is_modified_time: bool,
    /// How this column's timestamps are written, if otherwise than the source's.
    pub timestamps: Option<Vec<TimestampFormat>>,
}

/// Names and values, a line each.
#[derive(Default)]
struct Differences(String);

impl Differences {
    fn note<T: std::fmt::Debug + PartialEq>(&mut self, name: &str, value: &T, usual: &T) {
        if value != usual {
            self.0.push_str(&format!("{name} {value:?}\n"));
        }
    }
}

impl Origin {
    fn differences(&self, found: &mut Differences) {
        let usual = Self::default();
        found.0.push_str("column\n");
        found.note("from", &self.from, &usual.from);
        found.note("default", &self.default, &usual.default);
        found.note("constant", &self.constant, &usual.constant);
        found.note("file_name", &self.file_name, &usual.file_name);
        found.note("modified", &self.is_modified_time, &usual.is_modified_time);
        found.note("timestamps", &self.timestamps, &usual.timestamps);
    }

    /// Whether the file has no column for it.
    #[must_use]
    pub fn is_outside_the_rows(&self) -> bool {
        self.constant.is_some() || self.file_name.is_some() || self.is_modified_time
    }
}

impl Default for Source {
    fn default() -> Self {
        Self {
            format: None,
            header: Header::ByName,
            delimiter: None,
            quote: Some(b'"'),
            escape: None,
            comment: None,
            skip_lines: 0,
            encoding: None,
            nulls: vec![String::new()],
            unchanged: Vec::new(),
            missing_columns: MissingColumns::Refuse,
            extra_columns: ExtraColumns::Refuse,
            timestamps: vec![TimestampFormat::Rfc3339],
            time_zone: None,
            numbers: Numbers {
                decimal: '.',
                grouping: None,
            },
            booleans: Booleans {
                truths: words(&["true", "t", "1", "yes", "y", "on"]),
                falsehoods: words(&["false", "f", "0", "no", "n", "off"]),
            },
            lenient: false,
            operation: Operation {
                column: None,
                spellings: Op::SPELLINGS
                    .iter()
                    .map(|(text, op)| ((*text).to_owned(), *op))
                    .collect(),
                is_optional: false,
            },
            columns: Vec::new(),
            ignored: Vec::new(),
            snapshot: None,
            max_ahead: None,
        }
    }
}

fn words(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

impl Source {
    /// What is otherwise than usual, in a text that stays the same when later versions know more keys.
    #[must_use]
    pub fn differences(&self) -> String {
        let usual = Self::default();
        let mut found = Differences::default();
        found.note("format", &self.format, &usual.format);
        found.note("header", &self.header, &usual.header);
        found.note("delimiter", &self.delimiter, &usual.delimiter);
        found.note("quote", &self.quote, &usual.quote);
        found.note("escape", &self.escape, &usual.escape);
        found.note("comment", &self.comment, &usual.comment);
        found.note("skip_lines", &self.skip_lines, &usual.skip_lines);
        found.note("encoding", &self.encoding, &usual.encoding);
        found.note("null", &self.nulls, &usual.nulls);
        found.note("unchanged", &self.unchanged, &usual.unchanged);
        found.note("missing", &self.missing_columns, &usual.missing_columns);
        found.note("extra", &self.extra_columns, &usual.extra_columns);
        found.note("timestamps", &self.timestamps, &usual.timestamps);
        found.note("time_zone", &self.time_zone, &usual.time_zone);
        found.note("numbers", &self.numbers, &usual.numbers);
        found.note("booleans", &self.booleans, &usual.booleans);
        found.note("lenient", &self.lenient, &usual.lenient);
        found.note("operation", &self.operation, &usual.operation);
        found.note("ignored", &self.ignored, &usual.ignored);
        found.note("snapshot", &self.snapshot, &usual.snapshot);
        found.note("max_ahead", &self.max_ahead, &usual.max_ahead);
        for origin in &self.columns {
            origin.differences(&mut found);
        }
        found.0
    }

    /// Whether an update may give some columns and leave the others as they are.
    #[must_use]
    pub fn has_partial_updates(&self) -> bool {
        !self.unchanged.is_empty() || self.missing_columns == MissingColumns::Unchanged
    }

    /// Whether every valid text of a column in the tables' own form means itself here.
    #[must_use]
    pub fn takes_values_as_they_are(&self) -> bool {
        let usual = Self::default();
        self.escape.is_none()
            && self.nulls == usual.nulls
            && self.unchanged.is_empty()
            && self.timestamps.contains(&TimestampFormat::Rfc3339)
            && self.time_zone.is_none()
            && self.numbers == usual.numbers
            && self.booleans == usual.booleans
            && self.operation.spellings == usual.operation.spellings
            && self.columns.iter().all(|origin| {
                origin.default.is_none()
                    && origin.timestamps.is_none()
                    && !origin.is_outside_the_rows()
            })
    }
}

impl Encoding {
    /// The name that a contract gives it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
            Self::Latin1 => "latin-1",
            Self::Windows1252 => "windows-1252",
        }
    }
}
