//! The keys of the table `[source]`, and what each accepts.

use serde::Deserialize;

use super::{
    Booleans, Encoding, ExtraColumns, Format, Header, MissingColumns, Numbers, Operation, Snapshot,
    Source, TimestampFormat, preset,
};
use crate::contract::Op;
use crate::error::{Context, Error, Result};
use crate::quantity::duration;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::contract) struct Document {
    preset: Option<String>,
    format: Option<String>,
    header: Option<String>,
    delimiter: Option<String>,
    quote: Option<String>,
    escape: Option<String>,
    comment: Option<String>,
    skip_lines: Option<usize>,
    encoding: Option<String>,
    #[serde(rename = "null")]
    nulls: Option<Vec<String>>,
    unchanged: Option<Vec<String>>,
    missing_columns: Option<String>,
    extra_columns: Option<String>,
    timestamps: Option<Vec<String>>,
    time_zone: Option<String>,
    numbers: Option<DocumentNumbers>,
    booleans: Option<DocumentBooleans>,
    #[serde(default)]
    lenient: bool,
    operation: Option<DocumentOperation>,
    mode: Option<String>,
    pub snapshot_time: Option<String>,
    max_deleted: Option<String>,
    max_ahead: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DocumentNumbers {
    #[serde(default)]
    decimal: Option<char>,
    #[serde(default)]
    grouping: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DocumentBooleans {
    #[serde(rename = "true")]
    truths: Vec<String>,
    #[serde(rename = "false")]
    falsehoods: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct DocumentOperation {
    column: Option<String>,
    insert: Option<Vec<String>>,
    update: Option<Vec<String>>,
    delete: Option<Vec<String>>,
}

impl Document {
    /// The source that it describes; `op` is the contract's top-level operation column.
    pub(in crate::contract) fn read(self, op: Option<&str>) -> Result<Source> {
        self.refuse_what_is_not_supported_yet()?;
        let snapshot = self.snapshot()?;
        let preset = self.preset.as_deref().map(preset::named).transpose()?;
        let preset = preset.unwrap_or_default();
        let usual = Source::default();
        let owned = |text: &'static str| text.to_owned();
        let usual_nulls = match preset.nulls {
            Some(texts) => texts.iter().copied().map(owned).collect(),
            None => usual.nulls,
        };
        let usual_unchanged = preset.unchanged.iter().copied().map(owned).collect();
        let (format, header) = (preset.format.map(owned), preset.header.map(owned));
        let source = Source {
            format: choice("format", self.format.or(format), &FORMATS)?,
            header: choice("header", self.header.or(header), &HEADERS)?.unwrap_or(usual.header),
            delimiter: character("delimiter", self.delimiter)?.unwrap_or(usual.delimiter),
            quote: character("quote", self.quote)?.unwrap_or(usual.quote),
            // An escape equal to the quote changes nothing: a doubled quote is always accepted.
            escape: character("escape", self.escape)?
                .flatten()
                .filter(|byte| *byte != b'"'),
            comment: character("comment", self.comment)?.flatten(),
            skip_lines: self.skip_lines.unwrap_or(0),
            encoding: choice("encoding", self.encoding, &ENCODINGS)?,
            nulls: self.nulls.unwrap_or(usual_nulls),
            unchanged: self.unchanged.unwrap_or(usual_unchanged),
            missing_columns: choice("missing_columns", self.missing_columns, &MISSING)?
                .unwrap_or(usual.missing_columns),
            extra_columns: choice("extra_columns", self.extra_columns, &EXTRA)?
                .unwrap_or(usual.extra_columns),
            timestamps: match self.timestamps {
                Some(texts) => timestamps(&texts).context(|| "source.timestamps".to_owned())?,
                None => usual.timestamps,
            },
            time_zone: self.time_zone.map(time_zone).transpose()?,
            numbers: self
                .numbers
                .map(numbers)
                .transpose()?
                .unwrap_or(usual.numbers),
            booleans: self
                .booleans
                .map(booleans)
                .transpose()?
                .unwrap_or(usual.booleans),
            lenient: self.lenient,
            operation: operation(
                self.operation,
                op.or(preset.operation),
                preset.is_operation_optional,
            )?,
            columns: Vec::new(),
            ignored: Vec::new(),
            snapshot,
            max_ahead: self
                .max_ahead
                .as_deref()
                .map(max_ahead)
                .transpose()?
                .flatten(),
        };
        check_characters(&source)?;
        Ok(source)
    }

    fn refuse_what_is_not_supported_yet(&self) -> Result<()> {
        let unsupported = |key: &str, what: &str| {
            Err(Error::config(format!(
                "source.{key}: {what} are not supported in this version, remove the key"
            )))
        };
        if self.extra_columns.as_deref() == Some("evolve") {
            return unsupported("extra_columns", "added columns");
        }
        Ok(())
    }

    fn snapshot(&self) -> Result<Option<Snapshot>> {
        match self.mode.as_deref() {
            Some("snapshot") => {}
            None | Some("changes")
                if self.snapshot_time.is_none() && self.max_deleted.is_none() =>
            {
                return Ok(None);
            }
            None | Some("changes") => {
                return Err(Error::config(
                    "source.snapshot_time and source.max_deleted are of snapshots: add `mode = \"snapshot\"`",
                ));
            }
            Some(other) => return Err(expected("mode", other, "changes, snapshot")),
        }
        let text = self.max_deleted.as_deref().unwrap_or(USUAL_MAX_DELETED);
        let percent = text
            .strip_suffix('%')
            .and_then(|digits| digits.trim().parse().ok());
        match percent.filter(|percent| *percent <= 100) {
            Some(max_deleted_percent) => Ok(Some(Snapshot {
                max_deleted_percent,
            })),
            None => Err(expected(
                "max_deleted",
                text,
                "whole percents, such as `20%`",
            )),
        }
    }
}

/// Default fraction of the keys that a snapshot may lack.
const USUAL_MAX_DELETED: &str = "50%";

const FORMATS: [(&str, Format); 3] = [
    ("csv", Format::Csv),
    ("jsonl", Format::JsonLines),
    ("debezium", Format::Debezium),
];
const HEADERS: [(&str, Header); 3] = [
    ("by-name", Header::ByName),
    ("by-position", Header::ByPosition),
    ("none", Header::None),
];
const ENCODINGS: [(&str, Encoding); 5] = [
    ("utf-8", Encoding::Utf8),
    ("utf-16le", Encoding::Utf16Le),
    ("utf-16be", Encoding::Utf16Be),
    ("latin-1", Encoding::Latin1),
    ("windows-1252", Encoding::Windows1252),
];
const MISSING: [(&str, MissingColumns); 3] = [
    ("refuse", MissingColumns::Refuse),
    ("null", MissingColumns::Null),
    ("unchanged", MissingColumns::Unchanged),
];
const EXTRA: [(&str, ExtraColumns); 2] = [
    ("refuse", ExtraColumns::Refuse),
    ("ignore", ExtraColumns::Ignore),
];

fn expected(key: &str, found: &str, wanted: &str) -> Error {
    Error::config(format!(
        "source.{key}: invalid value `{}`: expected {wanted}",
        found.escape_debug()
    ))
}

fn choice<T: Copy>(key: &str, text: Option<String>, known: &[(&str, T)]) -> Result<Option<T>> {
    let Some(text) = text else { return Ok(None) };
    let found = known.iter().find(|(name, _)| *name == text);
    found.map(|(_, value)| Some(*value)).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        expected(key, &text, &names.join(", "))
    })
}

/// One character as a byte; an empty text means none.
#[expect(
    clippy::option_option,
    reason = "a key that is left out, and one that says none"
)]
fn character(key: &str, text: Option<String>) -> Result<Option<Option<u8>>> {
    let Some(text) = text else { return Ok(None) };
    match text.as_bytes() {
        [] => Ok(Some(None)),
        [byte] if byte.is_ascii() && !matches!(byte, b'\r' | b'\n') => Ok(Some(Some(*byte))),
        _ => Err(expected(
            key,
            &text,
            "one ASCII character, such as `;` or `\\t`",
        )),
    }
}

/// A length of time in seconds; none if there is no limit.
fn max_ahead(text: &str) -> Result<Option<u64>> {
    if text == "none" {
        return Ok(None);
    }
    match duration(text) {
        Ok(limit) if limit.as_secs() > 0 => Ok(Some(limit.as_secs())),
        _ => Err(expected(
            "max_ahead",
            text,
            "none, or a length of time such as `10m`, `1h` or `1d`",
        )),
    }
}

pub(in crate::contract) fn timestamps(texts: &[String]) -> Result<Vec<TimestampFormat>> {
    let formats = texts
        .iter()
        .map(|text| TimestampFormat::parse(text))
        .collect::<Result<Vec<_>>>()?;
    let is_epoch = |format: &&TimestampFormat| matches!(format, TimestampFormat::Epoch { .. });
    if formats.is_empty() {
        return Err(Error::config(
            "is empty: name at least one format, such as `rfc3339`",
        ));
    }
    if formats.iter().filter(is_epoch).count() > 1 {
        return Err(Error::config(
            "names two units of epoch timestamps, which look alike: name one, or give a column its own `timestamps`",
        ));
    }
    Ok(formats)
}

fn time_zone(name: String) -> Result<String> {
    match jiff::tz::TimeZone::get(&name) {
        Ok(_) => Ok(name),
        Err(_) => Err(expected(
            "time_zone",
            &name,
            "an IANA name, such as `Europe/Berlin`",
        )),
    }
}

fn numbers(document: DocumentNumbers) -> Result<Numbers> {
    let decimal = document.decimal.unwrap_or('.');
    if !matches!(decimal, '.' | ',' | '\u{66b}') {
        return Err(expected(
            "numbers.decimal",
            &decimal.to_string(),
            "`.` or `,`",
        ));
    }
    let text = document.grouping.unwrap_or_default();
    let mut chars = text.chars();
    let grouping = chars.next();
    let is_separator = grouping.is_none_or(|char| {
        matches!(char, '.' | ',' | '\'' | '_' | '\u{2019}') || char.is_whitespace()
    });
    if chars.next().is_some() || !is_separator || grouping == Some(decimal) {
        return Err(expected(
            "numbers.grouping",
            &text,
            "nothing, or a separator other than the decimal one: `,`, `.`, `'`, `_` or a blank",
        ));
    }
    Ok(Numbers { decimal, grouping })
}

fn booleans(document: DocumentBooleans) -> Result<Booleans> {
    let lower = |texts: Vec<String>| -> Vec<String> {
        texts.iter().map(|text| text.to_lowercase()).collect()
    };
    let (truths, falsehoods) = (lower(document.truths), lower(document.falsehoods));
    if let Some(both) = truths.iter().find(|text| falsehoods.contains(text)) {
        return Err(expected(
            "booleans",
            both,
            "a text that means true or false, not both",
        ));
    }
    if truths.is_empty() || falsehoods.is_empty() {
        return Err(expected(
            "booleans",
            "",
            "texts for both `true` and `false`",
        ));
    }
    Ok(Booleans { truths, falsehoods })
}

fn operation(
    document: Option<DocumentOperation>,
    op: Option<&str>,
    is_optional: bool,
) -> Result<Operation> {
    let usual = Source::default().operation;
    let Some(document) = document else {
        return Ok(Operation {
            column: op.map(str::to_owned),
            is_optional,
            ..usual
        });
    };
    let lists = [
        (document.insert, Op::Insert),
        (document.update, Op::Update),
        (document.delete, Op::Delete),
    ];
    let is_mapped = lists.iter().any(|(texts, _)| texts.is_some());
    let spellings: Vec<(String, Op)> = lists
        .into_iter()
        .flat_map(|(texts, op)| {
            texts
                .unwrap_or_default()
                .into_iter()
                .map(move |text| (text, op))
        })
        .collect();
    for (index, (text, _)) in spellings.iter().enumerate() {
        if spellings[..index].iter().any(|(other, _)| other == text) {
            return Err(expected("operation", text, "each value once"));
        }
    }
    let column = document.column.or_else(|| op.map(str::to_owned));
    if column.is_none() {
        return Err(Error::config(
            "source.operation: `column` is missing: name the file's column that holds the operation",
        ));
    }
    Ok(Operation {
        column,
        spellings: if is_mapped {
            spellings
        } else {
            usual.spellings
        },
        is_optional,
    })
}

fn check_characters(source: &Source) -> Result<()> {
    let named = [
        ("delimiter", source.delimiter),
        ("quote", source.quote),
        ("escape", source.escape),
        ("comment", source.comment),
    ];
    for (index, (key, byte)) in named.iter().enumerate() {
        let twin = named[..index]
            .iter()
            .find(|(_, other)| byte.is_some() && other == byte);
        if let (Some((other, _)), Some(byte)) = (twin, byte) {
            return Err(Error::config(format!(
                "source.{key}: `{}` is also the {other}: choose another",
                char::from(*byte).escape_debug()
            )));
        }
    }
    Ok(())
}
