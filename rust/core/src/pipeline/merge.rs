//! Calls the procedures and reads their reports.

use std::collections::BTreeSet;
use std::iter::Sum;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Pipeline;
use crate::error::{Error, Result};
use crate::merge::Identifier;
use crate::snowflake::Statement;

/// What happened to rows: `rows_in = history + duplicates + rejects`; the last three are rows of the target.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct RowCounts {
    /// Rows read from staging, and manual changes.
    pub rows_in: i64,
    /// Events added to the history, minus those displaced by the winners of ties.
    pub history: i64,
    /// Rows that are already in the history.
    pub duplicates: i64,
    /// Rows in the rejects table.
    pub rejects: i64,
    /// Rows of the target that were inserted.
    pub inserted: i64,
    /// Rows of the target that were updated.
    pub updated: i64,
    /// Rows of the target that were deleted.
    pub deleted: i64,
}

impl RowCounts {
    /// Reads the counts from the columns of a query, in the order of the fields; missing ones are zero.
    pub(super) fn of(mut column: impl FnMut(usize) -> i64) -> Self {
        Self {
            rows_in: column(0),
            history: column(1),
            duplicates: column(2),
            rejects: column(3),
            inserted: column(4),
            updated: column(5),
            deleted: column(6),
        }
    }
}

impl Sum for RowCounts {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            rows_in: sum.rows_in + one.rows_in,
            history: sum.history + one.history,
            duplicates: sum.duplicates + one.duplicates,
            rejects: sum.rejects + one.rejects,
            inserted: sum.inserted + one.inserted,
            updated: sum.updated + one.updated,
            deleted: sum.deleted + one.deleted,
        })
    }
}

/// The report of one run.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct MergeReport {
    /// The run's number.
    pub run_id: u64,
    /// What happened to its rows.
    #[serde(flatten)]
    pub counts: RowCounts,
}

impl Pipeline {
    /// Merges the waiting rows of staging.
    ///
    /// # Errors
    /// `Transient` if the target was changed meanwhile or a lock was not obtained: nothing is written then, and a retry is safe.
    pub async fn merge(&self) -> Result<MergeReport> {
        self.call(&self.names.merge, "").await
    }

    /// Captures manual changes of the target in the history.
    ///
    /// # Errors
    /// As [`Pipeline::merge`].
    pub async fn capture(&self) -> Result<MergeReport> {
        self.call(&self.names.capture, "").await
    }

    pub(super) async fn call(
        &self,
        procedure: &Identifier,
        arguments: &str,
    ) -> Result<MergeReport> {
        let call = Statement::new(format!("call {procedure}({arguments})"));
        self.result_of(procedure, call.long()).await
    }

    /// Calls a procedure, and reads the document that it returns.
    pub(super) async fn result_of<T: DeserializeOwned>(
        &self,
        procedure: &Identifier,
        call: Statement,
    ) -> Result<T> {
        let rows = self.client.run(call).await?;
        let text = rows
            .first()
            .ok_or_else(|| Error::bug(format!("{procedure} returned nothing")))?;
        serde_json::from_str(text).map_err(|error| {
            Error::config(format!(
                "unexpected result `{text}` of {procedure}: run `firn bootstrap`"
            ))
            .with_source(error)
        })
    }
}

/// The call of a procedure whose argument is a list of file names.
pub(super) fn call_for(procedure: &Identifier, names: &BTreeSet<&str>) -> Statement {
    Statement::new(format!("call {procedure}(parse_json(?)::array)")).bind(json!(names).to_string())
}
