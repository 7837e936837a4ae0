//! The format of a source's files: the table `[source]` of a contract, with the defaults filled in.
//!
//! | file | what |
//! | --- | --- |
//! | `document` | the TOML keys, and what each accepts |
//! | `preset` | the keys that a named source sets |
//! | `time` | formats of timestamps |
//!
//! It only describes files: `reader` reads them.

pub(super) mod document;
mod preset;
mod time;

pub use time::TimestampFormat;

use super::Op;

/// Everything that is known about the files of a source before one is opened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Source {
    /// The format of the files; detected from their content by default.
    pub format: Option<Format>,
    /// How fields are matched to columns.
    pub header: Header,
    /// The field delimiter; detected from the header by default.
    pub delimiter: Option<u8>,
    /// The quote character; none if quotes are text.
    pub quote: Option<u8>,
    /// The escape character. A quote within quotes may always be doubled.
    pub escape: Option<u8>,
    /// The comment character; lines that begin with it are skipped.
    pub comment: Option<u8>,
    /// The number of lines above the header.
    pub skip_lines: usize,
    /// The encoding of text without a byte order mark; UTF-8 by default.
    pub encoding: Option<Encoding>,
    /// Unquoted texts that mean null.
    pub nulls: Vec<String>,
    /// Texts that mean that an update leaves the column unchanged.
    pub unchanged: Vec<String>,
    /// How to handle a column of the contract that the file lacks.
    pub missing_columns: MissingColumns,
    /// How to handle a column of the file that the contract lacks.
    pub extra_columns: ExtraColumns,
    /// How timestamps are written.
    pub timestamps: Vec<TimestampFormat>,
    /// The IANA time zone of timestamps without offset; UTC by default.
    pub time_zone: Option<String>,
    /// How numbers are written.
    pub numbers: Numbers,
    /// How truth values are written.
    pub booleans: Booleans,
    /// Whether values that do not fit exactly are converted as Snowflake would: rounded, cut to microseconds.
    pub lenient: bool,
    /// Where to find the operation of an event.
    pub operation: Operation,
    /// Where each column's values come from, in the order of the contract's columns.
    pub columns: Vec<Origin>,
    /// Names of columns of the file that are ignored.
    pub ignored: Vec<String>,
    /// The snapshot settings, if each file is the whole table at one time.
    pub snapshot: Option<Snapshot>,
    /// How far an event may be dated ahead of the clock, in seconds; unlimited by default.
    pub max_ahead: Option<u64>,
}

/// Settings of files that are the whole table at one time: a key absent from a file was deleted at that file's time.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Snapshot {
    /// The percentage of keys that may be absent; a file that lacks more is held back.
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

/// How fields are matched to columns.
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

/// How to handle a column of the contract that the file lacks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MissingColumns {
    /// The file, or the row, is rejected.
    Refuse,
    /// Its values are null.
    Null,
    /// An update leaves the column unchanged; otherwise it is null.
    Unchanged,
}

/// How to handle a column of the file that the contract lacks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ExtraColumns {
    /// The file, or the row, is rejected.
    Refuse,
    /// Its values are ignored.
    Ignore,
}

/// How numbers are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Numbers {
    /// The decimal separator.
    pub decimal: char,
    /// The separator between groups of three digits.
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

/// Where to find the operation of an event.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Operation {
    /// The column of the file; without one, every row is an upsert.
    pub column: Option<String>,
    /// What its values mean.
    pub spellings: Vec<(String, Op)>,
    /// Whether a row may omit the operation, and is an insert then, as in full loads of AWS DMS.
    pub is_optional: bool,
}

/// Where a column's values come from.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Origin {
    /// The file's name for the column, or a path within JSON; the column's own name by default.
    pub from: Option<String>,
    /// The value that replaces a missing or null one.
    pub default: Option<String>,
    /// A constant value for all rows.
    pub constant: Option<String>,
    /// A pattern for the file's name; the text that its one `*` matches is the value of all rows.
    pub file_name: Option<String>,
    /// Whether the value of all rows is the file's modification time.
    pub is_modified_time: bool,
    /// The formats of this column's timestamps, if they differ from the source's.
    pub timestamps: Option<Vec<TimestampFormat>>,
}

/// Names and values, one pair per line.
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
    /// The values that differ from the defaults, as a text that stays the same when later versions add keys.
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

    /// Whether an update may set some columns and leave the others unchanged.
    #[must_use]
    pub fn has_partial_updates(&self) -> bool {
        !self.unchanged.is_empty() || self.missing_columns == MissingColumns::Unchanged
    }

    /// Whether a valid text in the tables' own form needs no conversion.
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
    /// Its name in a contract.
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
