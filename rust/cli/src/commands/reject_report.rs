//! Shows the malformed rows of files on the terminal: one by one, or as a summary by reason if there are many.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use clap::Args;
use firn::pipeline::Loaded;
use firn::reader::RejectedRow;
use firn::{Error, Result, printable};

use crate::quantity::{count, fraction};

/// The maximum number of listed reasons; the others are counted together.
const MAX_REASONS: usize = 1000;

/// What is said about rejects.
#[derive(Args, Clone, Debug)]
pub struct RejectArgs {
    /// Lines about the malformed rows of one file
    #[arg(long, value_name = "COUNT", default_value_t = 10, value_parser = crate::quantity::whole::<usize>)]
    max_lines: usize,
    /// Exit with 1 if more rows are rejected: a count, or a percentage
    #[arg(long, value_name = "COUNT|PERCENT", value_parser = limit)]
    max_rejects: Option<Limit>,
}

/// The maximum number of rejects.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Limit {
    Rows(u64),
    Share(f64),
}

fn limit(text: &str) -> Result<Limit, String> {
    let limit = if text.ends_with('%') {
        fraction(text).map(Limit::Share)
    } else {
        count(text).map(Limit::Rows)
    };
    limit.map_err(|_| {
        format!("invalid limit `{text}`: expected a count, or a percentage such as 5%")
    })
}

/// The row and reject counts of all files so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rejects {
    pub rows: u64,
    pub rejects: u64,
    /// Well-formed rows among them, which only the merge rejected.
    pub by_merge: u64,
}

impl Rejects {
    /// Adds a file: the rows that the merge rejected, or the malformed rows if the merge was not awaited.
    pub fn add(&mut self, loaded: &Loaded) {
        let read: u64 = loaded.objects.iter().map(|one| one.rows.rows).sum();
        let malformed: u64 = loaded.objects.iter().map(|one| one.rows.malformed).sum();
        let merged: i64 = loaded.reports.iter().map(|one| one.counts.rejects).sum();
        let merged = u64::try_from(merged).unwrap_or(0);
        self.rows += read;
        self.rejects += malformed.max(merged);
        self.by_merge += merged.saturating_sub(malformed);
    }

    /// A hint about rejects that are not malformed rows.
    pub fn hint(&self) -> Option<String> {
        (self.by_merge > 0).then(|| {
            format!(
                "hint: well-formed rows that the merge rejected: {}, such as losers of a tie; `firn rejects` lists them with their reasons",
                self.by_merge
            )
        })
    }

    /// # Errors
    /// `Rejected` if there are more than the arguments allow.
    pub fn within(&self, arguments: &RejectArgs) -> Result<()> {
        let Self { rows, rejects, .. } = *self;
        let (is_within, limit) = match arguments.max_rejects {
            None => return Ok(()),
            Some(Limit::Rows(most)) => (rejects <= most, most.to_string()),
            #[expect(clippy::cast_precision_loss, reason = "a share needs no more digits")]
            Some(Limit::Share(share)) => (
                rejects as f64 <= share * rows as f64,
                format!("{} %", share * 100.0),
            ),
        };
        if is_within {
            return Ok(());
        }
        Err(Error::rejected(format!(
            "{rejects} of {rows} rows are rejects, more than --max-rejects {limit} allows: see the reasons in the rejects table"
        )))
    }
}

/// The malformed rows of some files.
pub struct RejectReport {
    files: Vec<PathBuf>,
    max_lines: usize,
    rows: Vec<Mutex<FileRejects>>,
}

#[derive(Default)]
struct FileRejects {
    total: u64,
    /// The first rows, one line each.
    first: Vec<String>,
    reasons: HashMap<String, Reason>,
}

struct Reason {
    rows: u64,
    example: String,
}

impl RejectReport {
    pub fn of(files: &[PathBuf], arguments: &RejectArgs) -> Self {
        Self {
            files: files.to_vec(),
            max_lines: arguments.max_lines,
            rows: files.iter().map(|_| Mutex::default()).collect(),
        }
    }

    /// Adds a row of the file of this number.
    pub fn add(&self, file: usize, row: &RejectedRow) {
        let mut rejects = self.rows[file]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        rejects.add(&self.files[file], row, self.max_lines);
    }

    /// Removes and returns the lines about the file's rows so far.
    pub fn take(&self, file: usize) -> Vec<String> {
        let mut rejects = self.rows[file]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *rejects).lines(&self.files[file], self.max_lines)
    }
}

impl FileRejects {
    fn add(&mut self, file: &Path, row: &RejectedRow, max_lines: usize) {
        self.total += 1;
        if self.first.len() < max_lines {
            self.first.push(line(file, row));
        }
        if let Some(reason) = self.reasons.get_mut(&row.reason) {
            reason.rows += 1;
        } else if self.reasons.len() < MAX_REASONS {
            let example = format!(
                "first in row {}, line {}: [{}]",
                row.row,
                row.line,
                start(row)
            );
            self.reasons
                .insert(row.reason.clone(), Reason { rows: 1, example });
        }
    }

    fn lines(self, file: &Path, max_lines: usize) -> Vec<String> {
        if self.total <= max_lines as u64 {
            return self.first;
        }
        let mut reasons: Vec<_> = self.reasons.into_iter().collect();
        reasons.sort_by(|(one, a), (other, b)| (b.rows, one).cmp(&(a.rows, other)));
        let counted: u64 = reasons.iter().map(|(_, reason)| reason.rows).sum();
        let room = max_lines.saturating_sub(1);
        let shown = if reasons.len() <= room && counted == self.total {
            reasons.len()
        } else {
            room.saturating_sub(1)
        };
        let shown_rows: u64 = reasons[..shown].iter().map(|(_, reason)| reason.rows).sum();
        let mut lines = vec![format!(
            "{}: {} malformed rows, by reason:",
            file.display(),
            self.total
        )];
        let reason = |(text, reason): &(String, Reason)| {
            format!("  {} rows: {text}; {}", reason.rows, reason.example)
        };
        lines.extend(reasons[..shown].iter().map(reason));
        if shown_rows < self.total {
            lines.push(format!("  {} rows: other reasons", self.total - shown_rows));
        }
        lines.truncate(max_lines);
        lines
    }
}

/// A malformed row as one line.
fn line(file: &Path, row: &RejectedRow) -> String {
    format!(
        "{}:{}: row {}: {} [{}]",
        file.display(),
        row.line,
        row.row,
        row.reason,
        start(row)
    )
}

fn start(row: &RejectedRow) -> String {
    let raw: String = String::from_utf8_lossy(&row.raw)
        .chars()
        .take(120)
        .collect();
    printable(&raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(reasons: &[&str], max_lines: usize) -> Vec<String> {
        let mut rejects = FileRejects::default();
        for (row, reason) in (1..).zip(reasons) {
            let row = RejectedRow {
                row,
                line: row + 1,
                column: None,
                reason: (*reason).to_owned(),
                raw: b"I,x".to_vec(),
            };
            rejects.add(Path::new("a.csv"), &row, max_lines);
        }
        rejects.lines(Path::new("a.csv"), max_lines)
    }

    #[test]
    fn few_rows_are_shown_one_by_one_and_many_by_reason() {
        assert_eq!(lines(&["bad id"], 2), ["a.csv:2: row 1: bad id [I,x]"]);
        assert_eq!(
            lines(&["bad id", "bad day", "bad id", "bad id"], 3),
            [
                "a.csv: 4 malformed rows, by reason:",
                "  3 rows: bad id; first in row 1, line 2: [I,x]",
                "  1 rows: bad day; first in row 2, line 3: [I,x]",
            ]
        );
        assert_eq!(
            lines(&["a", "b", "c", "d", "d"], 3),
            [
                "a.csv: 5 malformed rows, by reason:",
                "  2 rows: d; first in row 4, line 5: [I,x]",
                "  3 rows: other reasons",
            ]
        );
        assert!(lines(&["a", "a"], 0).is_empty());
    }

    #[test]
    fn more_rejects_than_the_limit_are_an_error() {
        let fails = |text: &str| {
            let arguments = RejectArgs {
                max_lines: 10,
                max_rejects: Some(limit(text).unwrap()),
            };
            let rejects = Rejects {
                rows: 200,
                rejects: 10,
                ..Rejects::default()
            };
            rejects.within(&arguments).is_err()
        };
        assert_eq!(
            ["9", "10", "4.9%", "5%"].map(fails),
            [true, false, true, false]
        );
        assert!(limit("some").is_err());
    }
}
