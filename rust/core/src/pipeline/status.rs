//! Lag, row counts, and the sum that proves that nothing is lost.

use serde::Serialize;

use super::{Pipeline, RowCounts};
use crate::error::Result;
use crate::snowflake::{Rows, Statement};

/// The status of the pipeline.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Status {
    /// Rows of the target.
    pub target: i64,
    /// Events of the history.
    pub history: i64,
    /// Current versions dated ahead of the clock: an event of today does not change such a row.
    pub ahead: i64,
    /// Rows that wait in staging.
    pub waiting: i64,
    /// The waiting time of the oldest of them.
    pub lag_seconds: Option<f64>,
    /// The sum.
    pub sum: RowSum,
    /// The latest runs that had work, the newest first.
    pub runs: Vec<Run>,
    /// Credits that the warehouse used in the last day, if the role may see them.
    pub credits_last_day: Option<f64>,
}

/// `rows_in = history + duplicates + rejects`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct RowSum {
    /// Rows read, by the run log.
    pub rows_in: i64,
    /// Rows in the history, counted.
    pub history: i64,
    /// Duplicate rows, by the run log.
    pub duplicates: i64,
    /// Rows in the rejects, counted.
    pub rejects: i64,
}

/// One run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Run {
    /// Its number.
    pub run_id: i64,
    /// When it ended, in UTC.
    pub finished_at: String,
    /// Its duration.
    pub seconds: f64,
    /// The number of files whose rows it read.
    pub files: i64,
    /// What happened to their rows.
    #[serde(flatten)]
    pub counts: RowCounts,
}

impl RowSum {
    /// Whether the two sides agree.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.rows_in == self.history + self.duplicates + self.rejects
    }
}

impl Pipeline {
    /// Reads the status of the pipeline.
    ///
    /// # Errors
    /// `Config` if the tables are missing or may not be read.
    pub async fn status(&self, runs: u32) -> Result<Status> {
        let names = &self.names;
        // One statement, so that all counts are of one moment.
        let counts = self
            .client
            .query(&format!(
                "select (select count(*) from {}), (select count(*) from {}), (select count(*) from {}),
  (select count(*) from {}), (select coalesce(sum(rows_in), 0) from {runs}), (select coalesce(sum(duplicates), 0) from {runs}),
  (select datediff(millisecond, min({}), current_timestamp()) from {}),
  (select count(*) from {history} where {is_current} and {valid_from} > sysdate())",
                names.target,
                names.history,
                names.staging,
                names.rejects,
                names.loaded_at,
                names.staging,
                runs = names.runs,
                history = names.history,
                is_current = names.is_current,
                valid_from = names.valid_from,
            ))
            .await?;
        let sum = RowSum {
            rows_in: number(&counts, 4),
            history: number(&counts, 1),
            duplicates: number(&counts, 5),
            rejects: number(&counts, 3),
        };
        let lag = counts
            .rows
            .first()
            .and_then(|row| row.get(6)?.as_deref()?.parse::<f64>().ok());
        Ok(Status {
            target: number(&counts, 0),
            history: number(&counts, 1),
            waiting: number(&counts, 2),
            ahead: number(&counts, 7),
            lag_seconds: lag.map(|milliseconds| milliseconds / 1000.0),
            sum,
            runs: self.last_runs(runs).await?,
            credits_last_day: self.credits().await,
        })
    }

    async fn last_runs(&self, limit: u32) -> Result<Vec<Run>> {
        let sql = format!(
            "select run_id, to_varchar(finished_at, 'YYYY-MM-DD HH24:MI:SS'), datediff(millisecond, started_at, finished_at),
  files, rows_in, history, duplicates, rejects, inserted, updated, deleted
from (
  select run_id, max(finished_at) as finished_at, min(started_at) as started_at, count(*) as files, sum(rows_in) as rows_in,
    sum(history) as history, sum(duplicates) as duplicates, sum(rejects) as rejects,
    sum(inserted) as inserted, sum(updated) as updated, sum(deleted) as deleted
  from {} group by run_id
) runs
order by run_id desc limit {limit}",
            self.names.runs
        );
        let rows = self.client.query(&sql).await?;
        let run = |row: &Vec<Option<String>>| {
            let text = |index: usize| {
                row.get(index)
                    .and_then(Option::as_deref)
                    .unwrap_or_default()
            };
            let number = |index: usize| text(index).parse().unwrap_or(0);
            Run {
                run_id: number(0),
                finished_at: text(1).to_owned(),
                seconds: text(2).parse().unwrap_or(0.0) / 1000.0,
                files: number(3),
                counts: RowCounts::of(|index| number(index + 4)),
            }
        };
        Ok(rows.rows.iter().map(run).collect())
    }

    /// The privilege to see credits is rarely granted; without it they are unknown, which is not an error.
    async fn credits(&self) -> Option<f64> {
        let sql = format!(
            "select sum(credits_used) from table({}.information_schema.warehouse_metering_history(dateadd(day, -1, current_date()), current_date(), ?))",
            self.deployment.database
        );
        let rows = self
            .client
            .run(Statement::new(sql).bind(self.deployment.warehouse.stored()))
            .await;
        rows.ok()?.first()?.parse().ok()
    }
}

fn number(rows: &Rows, index: usize) -> i64 {
    rows.rows
        .first()
        .and_then(|row| row.get(index)?.as_deref()?.parse().ok())
        .unwrap_or(0)
}
