//! Sends rejected rows again once the contract accepts them, as an ordinary file, so that the same sum holds. A reject stays in
//! its table, as its own file's sum counts it; the table of retries has its new file.
//!
//! Only rows that the reader accepts now are sent, so a row is never rejected twice. Every step may be repeated: an interrupted retry
//! leaves its rows open, and the next one makes the same file, which loads once.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use super::rejects::{OpenReject, ReasonCount, RejectFilter};
use super::upload::without_endings;
use super::{FileReport, LoadMode, Loader, Pipeline, StagedFile};
use crate::contract::{Contract, Format, Header};
use crate::error::{Error, Result};
use crate::merge::{NOT_LOADED, TIE};
use crate::reader::{FileFacts, Piece, Reader};
use crate::snowflake::Statement;

/// The number of rejects that one statement records.
const IDS_PER_STATEMENT: usize = 10_000;

/// A text with more bytes than this may have been cut.
const LONGEST_WHOLE_TEXT: usize = 8 << 20;

/// Marks the files as UTF-8, which may differ from the contract's encoding.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The report of a retry.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Retried {
    /// Rows that were chosen.
    pub chosen: usize,
    /// Rows that the contract accepts now, and that were sent.
    pub sent: usize,
    /// Why the others stay in the rejects, the most frequent first.
    pub kept: Vec<ReasonCount>,
    /// What happened to the rows that were sent.
    pub files: Vec<FileReport>,
}

impl Loader {
    /// Sends those open rejects again that the contract accepts now; losers of ties only if `with_ties`.
    ///
    /// # Errors
    /// `Config` if the role may not read the rejects or write the retries; otherwise the errors of loading a file.
    pub async fn retry_rejects(
        &self,
        filter: &RejectFilter,
        with_ties: bool,
        timeout: Duration,
    ) -> Result<Retried> {
        if needs_its_file(&self.pipeline.contract) {
            return Err(Error::config(
                "the rows of this contract mean something in their own file only: correct the file and load it again",
            ));
        }
        if let Some(mismatch) = self.deployed_mismatch().await? {
            return Err(Error::config(mismatch));
        }
        let pipeline = &self.pipeline;
        let rejects = pipeline.open_rejects(filter, None).await?;
        let plan = Plan::of(&pipeline.contract, &rejects, with_ties);
        let folder = tempfile::tempdir()?;
        let mut staged = Vec::new();
        for (number, (form, rows)) in plan.files.iter().enumerate() {
            let folder = folder.path().join(number.to_string());
            std::fs::create_dir(&folder)?;
            let path = folder.join(&form.name);
            std::fs::write(&path, form.file(rows))?;
            let listener = Arc::new(());
            let mode = LoadMode::CopyAndMerge;
            let objects = self.upload(&path, mode, listener).await?;
            pipeline.note_retries(&objects, rows).await?;
            staged.extend(objects);
        }
        let files = match staged.as_slice() {
            [] => Vec::new(),
            staged => pipeline.load_and_merge(staged, timeout).await?,
        };
        Ok(Retried {
            chosen: rejects.len(),
            sent: plan.files.values().map(Vec::len).sum(),
            kept: plan.kept(),
            files,
        })
    }
}

impl Pipeline {
    /// Records the new object of each reject before the object is loaded, so that no loaded row stays open.
    async fn note_retries(&self, objects: &[StagedFile], rows: &[Row<'_>]) -> Result<()> {
        let retries = &self.names.retries;
        let sql = format!(
            "insert into {retries} (reject_id, source_file, sent_at)
select ids.value::varchar, ?, current_timestamp() from table(flatten(input => parse_json(?))) ids
where ids.value::varchar not in (select reject_id from {retries} where source_file = ?)"
        );
        let mut rest = rows;
        for object in objects {
            let count = usize::try_from(object.rows.rows).unwrap_or(usize::MAX);
            let (own, others) = rest.split_at(count.min(rest.len()));
            rest = others;
            for some in own.chunks(IDS_PER_STATEMENT) {
                let ids: Vec<&str> = some.iter().map(|row| row.reject_id).collect();
                let file = object.source_file.as_str();
                let statement = Statement::new(sql.as_str()).bind(file);
                let statement = statement.bind(json!(ids).to_string()).bind(file);
                self.client.run(statement).await?;
            }
        }
        Ok(())
    }
}

/// Name and head of a file that sends rows again.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Form {
    name: String,
    /// The lines above the rows.
    head: String,
}

/// A row to be sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Row<'r> {
    reject_id: &'r str,
    text: &'r str,
}

/// The files with the rows that are sent, and the reasons of the rows that are not.
#[derive(Debug, Default)]
struct Plan<'r> {
    files: BTreeMap<Form, Vec<Row<'r>>>,
    kept: BTreeMap<String, i64>,
}

impl<'r> Plan<'r> {
    fn of(contract: &Contract, rejects: &'r [OpenReject], with_ties: bool) -> Self {
        let mut plan = Self::default();
        for reject in rejects {
            let (form, text) = Form::of(contract, reject);
            let obstacle = obstacle(reject, with_ties)
                .map(str::to_owned)
                .or_else(|| form.fault(contract, text));
            if let Some(reason) = obstacle {
                *plan.kept.entry(reason).or_default() += 1;
            } else {
                let reject_id = &reject.reject_id;
                let row = Row { reject_id, text };
                plan.files.entry(form).or_default().push(row);
            }
        }
        plan
    }

    fn kept(&self) -> Vec<ReasonCount> {
        let count = |(reason, rows): (&String, &i64)| ReasonCount {
            reason: reason.clone(),
            rows: *rows,
        };
        let mut kept: Vec<ReasonCount> = self.kept.iter().map(count).collect();
        kept.sort_by_key(|one| -one.rows);
        kept
    }
}

/// Why a row is not tried.
fn obstacle(reject: &OpenReject, with_ties: bool) -> Option<&'static str> {
    if reject.reason == TIE && !with_ties {
        return Some("lost against another event of its key: --ties sends it again");
    }
    // Only its file has the order of its columns.
    if reject.reason.starts_with(NOT_LOADED) {
        return Some("COPY could not parse it: correct its file and load it again");
    }
    let text = reject.raw_line.as_bytes();
    let is_escaped = text.windows(4).any(|four| {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'A'..=b'F');
        four.starts_with(b"\\x") && is_digit(four[2]) && is_digit(four[3])
    });
    let is_cut = text.len() >= LONGEST_WHOLE_TEXT || reject.reason.ends_with("a quote may be open");
    (is_escaped || is_cut)
        .then_some("its text is not kept byte by byte: correct its file and load it again")
}

impl Form {
    /// The file for a reject, and the reject's row in it.
    fn of<'r>(contract: &Contract, reject: &'r OpenReject) -> (Self, &'r str) {
        let source = contract.source();
        let text = reject.raw_line.as_str();
        let takes_name = source.columns.iter().any(|one| one.file_name.is_some());
        let name = if takes_name {
            original_name(&reject.source_file)
        } else {
            "rejects.csv".to_owned()
        };
        let mark = BYTE_ORDER_MARK.to_string();
        let is_json = match source.format {
            Some(format) => format != Format::Csv,
            None => text.trim_start().starts_with('{'),
        };
        if is_json {
            return (Self { name, head: mark }, text);
        }
        let above = format!("{mark}{}", "\n".repeat(source.skip_lines));
        let own = match (source.header, text.split_once('\n')) {
            (Header::ByName, Some((header, row))) => {
                let head = format!("{above}{header}\n");
                let is_header = Reader::of_file(contract, facts(&name), head.as_bytes()).is_ok();
                is_header.then_some((head, row))
            }
            _ => None,
        };
        let (head, text) = own.unwrap_or_else(|| (above + &usual_header(contract), text));
        (Self { name, head }, text)
    }

    fn file(&self, rows: &[Row<'_>]) -> String {
        let mut file = self.head.clone();
        for row in rows {
            file.push_str(row.text);
            file.push('\n');
        }
        file
    }

    /// Why the contract rejects the row, if it does. The row is read alone, so that an unclosed quote cannot affect the next row.
    fn fault(&self, contract: &Contract, text: &str) -> Option<String> {
        let file = format!("{}{text}\n", self.head);
        let mut valid = 0;
        let mut read = || -> Result<Option<String>> {
            let mut reader = Reader::of_file(contract, facts(&self.name), file.as_bytes())?;
            while let Some(piece) = reader.next()? {
                match piece {
                    Piece::Rows { count, .. } => valid += count,
                    Piece::Rejected(row) => return Ok(Some(row.reason)),
                }
            }
            Ok(None)
        };
        match read() {
            Ok(None) if valid == 1 => None,
            Ok(None) => Some("is not one row".to_owned()),
            Ok(reason) => reason,
            Err(error) => Some(error.to_string()),
        }
    }
}

fn facts(name: &str) -> FileFacts<'_> {
    FileFacts {
        name: Some(name),
        modified: None,
    }
}

/// Whether rows depend on their own file: a file of a few of them would delete the others, or have another time or order.
fn needs_its_file(contract: &Contract) -> bool {
    let mut columns = contract.source().columns.iter();
    contract.snapshot().is_some()
        || contract.is_ordered_by_row()
        || columns.any(|one| one.is_modified_time)
}

/// The header of a file with the contract's columns in the contract's order; empty where files have no header.
fn usual_header(contract: &Contract) -> String {
    let source = contract.source();
    if source.header == Header::None {
        return String::new();
    }
    let delimiter = char::from(source.delimiter.unwrap_or(b',')).to_string();
    let name = |name: &str| match source.quote.map(char::from) {
        Some(quote) => {
            let escaped = name.replace(quote, &format!("{quote}{quote}"));
            format!("{quote}{escaped}{quote}")
        }
        None => name.to_owned(),
    };
    let names: Vec<String> = contract.header().map(name).collect();
    names.join(&delimiter) + "\n"
}

/// The original name of an object's file, as far as the object's name contains it.
fn original_name(source_file: &str) -> String {
    let base = source_file.rsplit('/').next().unwrap_or(source_file);
    let stem = without_endings(base);
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let stem = match stem.rsplit_once("-row-") {
        Some((before, row)) if is_number(row) => before,
        _ => stem,
    };
    let is_hash = |text: &str| text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let stem = match stem.rsplit_once('-') {
        Some((before, hash)) if is_hash(hash) => before,
        _ => stem,
    };
    let path = Path::new(stem).with_extension("csv");
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTRACT: &str = r#"
table = "T"
op = "op"
key = ["id"]
order = ["at"]
columns = [
    { name = "id", type = "NUMBER(9,0)" },
    { name = "name", type = "VARCHAR(5)" },
    { name = "at", type = "TIMESTAMP_NTZ(6)" },
]
"#;

    fn reject(reason: &str, raw_line: &str) -> OpenReject {
        OpenReject {
            reject_id: raw_line.to_owned(),
            source_file: "t/.firn/day-0123456789abcdef.csv.gz".to_owned(),
            source_row: 1,
            reason: reason.to_owned(),
            raw_line: raw_line.to_owned(),
        }
    }

    /// The files, and why rows are kept.
    fn plan(contract: &str, rejects: &[OpenReject]) -> (Vec<String>, Vec<String>) {
        let contract = Contract::parse(contract).unwrap();
        let plan = Plan::of(&contract, rejects, false);
        let file = |(form, rows): (&Form, &Vec<Row<'_>>)| {
            let text = form.file(rows).replace(BYTE_ORDER_MARK, "");
            format!("{}: {text}", form.name)
        };
        let kept = plan.kept().into_iter().map(|one| one.reason);
        (plan.files.iter().map(file).collect(), kept.collect())
    }

    #[test]
    fn valid_rows_are_sent_below_the_header_of_their_file_and_others_stay() {
        let rejects = [
            reject("x", "I,1,Ann,2026-01-05T08:00:00Z"),
            reject("x", "I,2,\"A\nB\",2026-01-05T08:00:00Z"),
            reject("x", "at;id;op;name\n2026-01-05T08:00:00Z;3;I;Eve"),
            reject("x", "I,4,\"open,2026-01-05T08:00:00Z"),
            reject("x", "I,5,Annabelle,2026-01-05T08:00:00Z"),
            reject("x", "op,id,name,at"),
            reject(TIE, "I,6,Ann,2026-01-05T08:00:00Z"),
            reject("not loaded: x", "I,7,Ann,2026-01-05T08:00:00Z"),
            reject("is not UTF-8", "I,8,A\\xE9,2026-01-05T08:00:00Z"),
        ];
        let (files, kept) = plan(CONTRACT, &rejects);
        assert_eq!(
            files,
            [
                "rejects.csv: \"op\",\"id\",\"name\",\"at\"\nI,1,Ann,2026-01-05T08:00:00Z\nI,2,\"A\nB\",2026-01-05T08:00:00Z\n",
                "rejects.csv: at;id;op;name\n2026-01-05T08:00:00Z;3;I;Eve\n",
            ]
        );
        assert_eq!(kept.len(), 6, "{kept:?}");
        assert!(kept.contains(&"name is longer than 5 characters".to_owned()));
    }

    #[test]
    fn rows_are_sent_in_the_format_of_their_source() {
        let rejects = [reject(
            "x",
            "{\"op\":\"I\",\"id\":1,\"name\":\"Ann\",\"at\":\"2026-01-05T08:00:00Z\"}",
        )];
        let (files, kept) = plan(CONTRACT, &rejects);
        assert_eq!(files.len(), 1, "{kept:?}");
        assert!(files[0].starts_with("rejects.csv: {\"op\""), "{files:?}");

        let source = "[source]\nheader = \"none\"\ndelimiter = \"|\"\nencoding = \"latin-1\"\nskip_lines = 1\n";
        let rejects = [reject("x", "I|1|Zoë|2026-01-05T08:00:00Z")];
        let (files, kept) = plan(&format!("{CONTRACT}{source}"), &rejects);
        assert_eq!(
            files,
            ["rejects.csv: \nI|1|Zoë|2026-01-05T08:00:00Z\n"],
            "{kept:?}"
        );
    }

    #[test]
    fn rows_of_a_snapshot_are_not_sent_again() {
        let contract = |source: &str| Contract::parse(&format!("{CONTRACT}{source}")).unwrap();
        assert!(!needs_its_file(&contract("")));
        let snapshot = CONTRACT.replace("op = \"op\"\n", "")
            + "[source]\nmode = \"snapshot\"\nsnapshot_time = \"modified\"\n";
        assert!(needs_its_file(&Contract::parse(&snapshot).unwrap()));
    }

    #[test]
    fn the_original_name_is_read_from_the_name_of_the_object() {
        for object in [
            "t/.firn/day-1-0123456789abcdef.csv.gz",
            "t/.firn/day-1-0123456789abcdef-row-41.csv",
            "t/day-1.csv.zst",
        ] {
            assert_eq!(original_name(object), "day-1.csv", "{object}");
        }
    }
}
