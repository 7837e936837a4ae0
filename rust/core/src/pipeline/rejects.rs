//! Reads the open rejects, those not sent again, by reason and row by row.

use std::path::Path;

use serde::Serialize;

use super::Pipeline;
use super::upload::object_stem;
use crate::error::Result;
use crate::snowflake::Statement;

/// Selects rejected rows; all by default.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RejectFilter {
    /// A part of the reason, ignoring case.
    pub reason: Option<String>,
    /// The file's name, or a part of its path in the bucket.
    pub file: Option<String>,
}

/// Rejected rows that have not been sent again.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct OpenRejects {
    /// How many.
    pub open: i64,
    /// By reason, the most frequent first.
    pub reasons: Vec<ReasonCount>,
    /// The first of them, by file and row.
    pub rows: Vec<OpenReject>,
}

/// The number of rejects with one reason.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct ReasonCount {
    /// Why the rows were rejected.
    pub reason: String,
    /// How many.
    pub rows: i64,
}

/// A rejected row.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct OpenReject {
    /// Its id in the rejects table.
    pub reject_id: String,
    /// Its object in the stage.
    pub source_file: String,
    /// Its row there.
    pub source_row: i64,
    /// Why it was rejected.
    pub reason: String,
    /// Its text, after a line with the header of its file if that is not the contract's.
    pub raw_line: String,
}

impl RejectFilter {
    /// The condition for open rejects that match the filter; its values are in [`RejectFilter::bind`].
    fn condition(&self, retries: &str, runs: &str) -> String {
        // A retry counts once its file is merged: the rows of an interrupted one stay open.
        let mut condition = format!(
            "reject_id not in (select reject_id from {retries} where source_file in (select source_file from {runs}))"
        );
        if self.reason.is_some() {
            condition.push_str(" and contains(lower(reason), lower(?))");
        }
        if self.file.is_some() {
            condition.push_str(" and (contains(source_file, ?) or contains(source_file, ?))");
        }
        condition
    }

    fn bind(&self, mut statement: Statement) -> Statement {
        if let Some(reason) = &self.reason {
            statement = statement.bind(reason);
        }
        if let Some(file) = &self.file {
            let name = Path::new(file).file_name().unwrap_or_default();
            let of_name = format!("/{}-", object_stem(&name.to_string_lossy()));
            statement = statement.bind(file).bind(of_name);
        }
        statement
    }
}

impl Pipeline {
    /// Counts the open rejects by reason, and shows the first `limit` of them.
    ///
    /// # Errors
    /// `Config` if the tables are missing or may not be read.
    pub async fn rejects(&self, filter: &RejectFilter, limit: u32) -> Result<OpenRejects> {
        let sql = format!(
            "select reason, count(*) from {} where {} group by reason order by count(*) desc, reason",
            self.names.rejects,
            self.open(filter)
        );
        let counted = self.client.run(filter.bind(Statement::new(sql))).await?;
        let reason = |row: &Vec<Option<String>>| ReasonCount {
            reason: text(row, 0).to_owned(),
            rows: text(row, 1).parse().unwrap_or(0),
        };
        let reasons: Vec<ReasonCount> = counted.rows.iter().map(reason).collect();
        Ok(OpenRejects {
            open: reasons.iter().map(|one| one.rows).sum(),
            rows: self.open_rejects(filter, Some(limit)).await?,
            reasons,
        })
    }

    /// The open rejects, by file and row.
    pub(super) async fn open_rejects(
        &self,
        filter: &RejectFilter,
        limit: Option<u32>,
    ) -> Result<Vec<OpenReject>> {
        let limit = limit.map_or(String::new(), |limit| format!(" limit {limit}"));
        let sql = format!(
            "select reject_id, source_file, source_row, reason, raw_line from {} where {} order by source_file, source_row, reject_id{limit}",
            self.names.rejects,
            self.open(filter)
        );
        let rows = self.client.run(filter.bind(Statement::new(sql))).await?;
        let reject = |row: &Vec<Option<String>>| OpenReject {
            reject_id: text(row, 0).to_owned(),
            source_file: text(row, 1).to_owned(),
            source_row: text(row, 2).parse().unwrap_or(0),
            reason: text(row, 3).to_owned(),
            raw_line: text(row, 4).to_owned(),
        };
        Ok(rows.rows.iter().map(reject).collect())
    }

    fn open(&self, filter: &RejectFilter) -> String {
        let (retries, runs) = (&self.names.retries, &self.names.runs);
        filter.condition(&retries.to_string(), &runs.to_string())
    }
}

fn text(row: &[Option<String>], index: usize) -> &str {
    row.get(index)
        .and_then(Option::as_deref)
        .unwrap_or_default()
}
