//! Queries of the history: all versions of a key, and the table as of a time.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::Pipeline;
use crate::contract::{Column, ColumnType};
use crate::error::{Context, Error, Result};
use crate::merge::{Identifier, order_list, time_text};
use crate::snowflake::{Rows, Statement};

/// One event of a key and its validity.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Version {
    /// `I`, `U` or `D`.
    pub op: String,
    /// Start of its validity, in UTC.
    pub valid_from: String,
    /// End of its validity; none for the current version.
    pub valid_to: Option<String>,
    /// The file of the event, or `manual change`.
    pub source_file: String,
    /// Its row there.
    pub source_row: String,
    /// The columns that it gave, if it is a partial update.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_columns: Option<String>,
    /// Columns and values, without those of the key and the order.
    pub values: Vec<(String, Option<String>)>,
}

impl Pipeline {
    /// Every event of one key, the oldest first.
    ///
    /// # Errors
    /// `Config` if `key` does not have one value for each key column.
    pub async fn history(&self, key: &[String]) -> Result<Vec<Version>> {
        let contract = &self.contract;
        let columns: Vec<_> = contract.key().collect();
        if key.len() != columns.len() {
            let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            return Err(Error::config(format!(
                "the key of {} is {}: expected one value for each",
                contract.table(),
                names.join(", ")
            )));
        }
        let values: Vec<(usize, &str)> = contract
            .columns()
            .iter()
            .enumerate()
            .filter(|(index, _)| !contract.is_always_filled(*index))
            .map(|(index, column)| (index, column.name.as_str()))
            .collect();
        let sql = self.select_history(values.iter().map(|(index, _)| *index));
        let statement = key.iter().fold(Statement::new(sql), |statement, value| {
            statement.bind(value)
        });
        let rows = self.client.run(statement).await.context(|| {
            let wanted: Vec<String> = columns
                .iter()
                .map(|column| format!("{} {}", column.name, column.kind))
                .collect();
            format!("the key {} as {}", key.join(", "), wanted.join(", "))
        })?;
        let version = |row: Vec<Option<String>>| {
            let mut cells = row.into_iter();
            let mut text = || cells.next().flatten();
            Version {
                op: text().unwrap_or_default(),
                valid_from: text().unwrap_or_default(),
                valid_to: text(),
                source_file: text().unwrap_or_default(),
                source_row: text().unwrap_or_default(),
                given_columns: text(),
                values: values
                    .iter()
                    .map(|(_, name)| ((*name).to_owned(), text()))
                    .collect(),
            }
        };
        Ok(rows.rows.into_iter().map(version).collect())
    }

    /// Selects op, interval, source and the columns at these positions, of one key.
    fn select_history(&self, columns: impl Iterator<Item = usize>) -> String {
        let (contract, names) = (&self.contract, &self.names);
        let mut selected: Vec<String> = vec![
            Identifier::new(contract.op()).to_string(),
            shown(&names.valid_from, ColumnType::Timestamp),
            shown(&names.valid_to, ColumnType::Timestamp),
            names.source_file.to_string(),
            names.source_row.to_string(),
            names
                .given_columns
                .as_ref()
                .map_or_else(|| "null".to_owned(), Identifier::to_string),
        ];
        selected.extend(columns.map(|index| {
            let column = &contract.columns()[index];
            shown(&Identifier::new(&column.name), column.kind)
        }));
        let equals = |column: &Column| {
            let name = Identifier::new(&column.name);
            format!("{name} = cast(? as {})", column.kind)
        };
        format!(
            "select {} from {} where {} order by {}",
            selected.join(", "),
            self.names.history,
            contract.key().map(equals).collect::<Vec<_>>().join(" and "),
            order_list(contract, names, "")
        )
    }

    /// The target's rows as of `time` (UTC), at most `limit` of them, by key.
    ///
    /// # Errors
    /// `Config` if `time` is invalid.
    pub async fn as_of(&self, time: &str, limit: u32) -> Result<Rows> {
        let contract = &self.contract;
        let selected: Vec<String> = contract
            .columns()
            .iter()
            .map(|column| {
                let name = Identifier::new(&column.name);
                format!("{} as {name}", shown(&name, column.kind))
            })
            .collect();
        let key: Vec<String> = contract
            .key()
            .map(|column| format!("h.{}", Identifier::new(&column.name)))
            .collect();
        let sql = format!(
            "select {} from {} h
where h.{valid_from} <= cast(? as timestamp_ntz(6)) and (h.{valid_to} is null or h.{valid_to} > cast(? as timestamp_ntz(6))) and h.{op} <> 'D'
order by {key} limit {limit}",
            selected.join(", "),
            self.names.history,
            valid_from = self.names.valid_from,
            valid_to = self.names.valid_to,
            op = Identifier::new(contract.op()),
            key = key.join(", ")
        );
        let time = in_utc(time)?;
        self.client
            .run(Statement::new(sql).bind(&time).bind(&time))
            .await
    }
}

/// A time in the tables' format; a time without an offset is in UTC.
fn in_utc(text: &str) -> Result<String> {
    let time = text
        .parse::<Timestamp>()
        .map(|time| TimeZone::UTC.to_datetime(time))
        .or_else(|_| text.parse::<DateTime>())
        .map_err(|_| {
            Error::config(format!(
                "invalid time `{text}`: expected UTC, such as 2026-11-23T18:52:55Z or 2026-11-23"
            ))
        })?;
    Ok(time.strftime("%Y-%m-%d %H:%M:%S%.6f").to_string())
}

fn shown(name: &Identifier, kind: ColumnType) -> String {
    match kind {
        ColumnType::Timestamp => format!("to_varchar({name}, 'YYYY-MM-DD HH24:MI:SS.FF6')"),
        ColumnType::OffsetTimestamp | ColumnType::Instant => {
            format!("to_varchar({name}, 'YYYY-MM-DD HH24:MI:SS.FF6 TZH:TZM')")
        }
        ColumnType::Time => time_text(&name.to_string()),
        ColumnType::Binary { .. } => format!("to_varchar({name}, 'HEX')"),
        ColumnType::Json => format!("to_json({name})"),
        ColumnType::Date => format!("to_varchar({name}, 'YYYY-MM-DD')"),
        _ => format!("cast({name} as varchar)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_may_have_an_offset_a_fraction_or_only_a_day() {
        for (text, utc) in [
            ("2026-01-01T12:00:00Z", "2026-01-01 12:00:00.000000"),
            ("2026-01-01T12:00:00.5+02:00", "2026-01-01 10:00:00.500000"),
            ("2026-01-01 12:00:00", "2026-01-01 12:00:00.000000"),
            ("2026-01-01", "2026-01-01 00:00:00.000000"),
        ] {
            assert_eq!(in_utc(text).unwrap(), utc, "{text}");
        }
        let error = in_utc("yesterday").unwrap_err().to_string();
        assert!(error.starts_with("invalid time `yesterday`: expected UTC"));
    }
}
