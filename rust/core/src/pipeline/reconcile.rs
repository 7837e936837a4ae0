//! Compares the whole target with the open history, and captures the differences: for when the stream of the target was stale, dropped or
//! replaced, or the target was restored, so that the stream does not show the changed rows.

use serde::Serialize;

use super::{MergeReport, Pipeline};
use crate::contract::Column;
use crate::error::{Error, Result};
use crate::merge::{Identifier, MANUAL_CHANGE};
use crate::snowflake::Statement;

/// The result of a reconciliation.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Reconciled {
    /// Manual changes that were captured.
    pub captured: i64,
    /// The first of them, by key.
    pub changes: Vec<ManualChange>,
    /// The report of the run, including the rows that waited in staging.
    pub run: MergeReport,
}

/// A manual change that is in the history now.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct ManualChange {
    /// `I`, `U` or `D`.
    pub op: String,
    /// Its key's values.
    pub key: Vec<String>,
    /// The time of the change, in UTC.
    pub changed_at: String,
}

impl Pipeline {
    /// Merges the waiting rows, compares the whole target with the open history, and captures every difference; reports the first `limit`.
    ///
    /// # Errors
    /// `Config` if a table was dropped, as its rows would be captured as deletes; otherwise as [`Pipeline::merge`].
    pub async fn reconcile(&self, limit: u32) -> Result<Reconciled> {
        self.check_dropped(None).await?;
        let runs = &self.names.runs;
        let sql = format!("select coalesce(max(run_id), 0) from {runs}");
        let before = self.client.query(&sql).await?;
        let before = before.first().unwrap_or("0").to_owned();
        let run = self.call(&self.names.merge, "true, true").await?;
        let sql = format!(
            "select coalesce(sum(rows_in), 0) from {runs} where source_file = '{MANUAL_CHANGE}' and run_id > to_number(?)"
        );
        let captured = Statement::new(sql).bind(before.as_str());
        let captured = self.client.run(captured).await?;
        Ok(Reconciled {
            captured: captured
                .first()
                .and_then(|count| count.parse().ok())
                .unwrap_or(0),
            changes: self.manual_changes(&before, limit).await?,
            run,
        })
    }

    /// The manual changes that runs after `run_id` captured.
    async fn manual_changes(&self, run_id: &str, limit: u32) -> Result<Vec<ManualChange>> {
        let (contract, names) = (&self.contract, &self.names);
        let key: Vec<String> = contract.key().map(quoted).collect();
        let sql = format!(
            "select {op}, to_varchar({changed_at}, 'YYYY-MM-DD HH24:MI:SS.FF6'), {shown}
from {history}
where {source_file} = '{MANUAL_CHANGE}'
  and {loaded_at} in (select landed_at from {runs} where source_file = '{MANUAL_CHANGE}' and run_id > to_number(?))
order by {key}, {changed_at} limit {limit}",
            op = Identifier::new(contract.op()),
            changed_at = quoted(contract.changed_at()),
            shown = key
                .iter()
                .map(|name| format!("to_varchar({name})"))
                .collect::<Vec<_>>()
                .join(", "),
            history = names.history,
            source_file = names.source_file,
            loaded_at = names.loaded_at,
            runs = names.runs,
            key = key.join(", "),
        );
        let rows = self.client.run(Statement::new(sql).bind(run_id)).await?;
        let change = |row: Vec<Option<String>>| {
            let mut cells = row.into_iter().map(Option::unwrap_or_default);
            ManualChange {
                op: cells.next().unwrap_or_default(),
                changed_at: cells.next().unwrap_or_default(),
                key: cells.collect(),
            }
        };
        Ok(rows.rows.into_iter().map(change).collect())
    }

    /// Fails if a table was dropped whose loss a run would capture as changes, and that can be restored.
    ///
    /// # Errors
    /// `Config` with the statement that restores it.
    pub(super) async fn check_dropped(&self, role: Option<&Identifier>) -> Result<()> {
        match self.lost_tables(role).await?.as_slice() {
            [] => Ok(()),
            lost => {
                let undrops: Vec<String> = lost
                    .iter()
                    .map(|table| format!("undrop table {table}"))
                    .collect();
                Err(Error::config(format!(
                    "{} was dropped: run `{}`, then `firn reconcile`; to delete everything instead, run `firn bootstrap --drop --yes`",
                    lost[0],
                    undrops.join("; ")
                )))
            }
        }
    }

    /// The tables whose rows no script can restore, and that were dropped while others of them stayed.
    pub(super) async fn lost_tables(&self, role: Option<&Identifier>) -> Result<Vec<Identifier>> {
        let names = &self.names;
        let lasting = [
            &names.target,
            &names.history_open,
            &names.history_closed,
            &names.rejects,
            &names.runs,
        ];
        let sql = format!(
            "show tables history like {} in schema {}.{}",
            crate::merge::literal(&format!("{}%", names.target.stored())),
            self.deployment.database,
            self.deployment.schema
        );
        let mut statement = Statement::new(sql);
        if let Some(role) = role {
            statement = statement
                .role(role.stored())
                .in_account()
                .without_warehouse();
        }
        let rows = match self.client.run(statement).await {
            Ok(rows) => rows,
            Err(error) if error.is_transient() => return Err(error),
            // Before the first bootstrap neither the role nor the schema exists.
            Err(_) => return Ok(Vec::new()),
        };
        let is_there = |table: &Identifier, is_dropped: bool| {
            (0..rows.rows.len()).any(|row| {
                rows.get(row, "name") == Some(&table.stored())
                    && rows.get(row, "dropped_on").is_some() == is_dropped
            })
        };
        if !lasting.iter().any(|table| is_there(table, false)) {
            return Ok(Vec::new());
        }
        let is_lost = |table: &&&Identifier| !is_there(table, false) && is_there(table, true);
        Ok(lasting
            .iter()
            .filter(is_lost)
            .map(|one| (*one).clone())
            .collect())
    }
}

fn quoted(column: &Column) -> String {
    Identifier::new(&column.name).to_string()
}
