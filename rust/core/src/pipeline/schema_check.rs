//! Checks that existing tables have the contract's columns: `create table if not exists` leaves an older table unchanged,
//! and a merge into it would fail only with the first file.

use std::collections::BTreeMap;
use std::fmt;

use super::Pipeline;
use crate::contract::{Column, ColumnType};
use crate::error::Result;
use crate::merge::Identifier;
use crate::snowflake::Statement;

/// The type of a row number.
const ROW_NUMBER: ColumnType = ColumnType::Number {
    precision: 18,
    scale: 0,
};

/// The type of an op.
const OP: ColumnType = ColumnType::Text { max_chars: 1 };

/// A column of a table that does not match the contract.
#[derive(Clone, Debug)]
pub(super) struct ColumnMismatch {
    table: Identifier,
    column: Identifier,
    wanted: String,
    is_nullable: bool,
    /// Its type in the table; none if the column does not exist.
    found: Option<Found>,
    /// The statement that migrates the table without changing a stored value; none if there is none.
    pub(super) change: Option<String>,
}

impl fmt::Display for ColumnMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            table,
            column,
            wanted,
            found,
            change,
            ..
        } = self;
        match found {
            None => write!(
                f,
                "table {table} lacks column {column} {wanted} of the contract"
            )?,
            Some(found) if found.is_always_filled && self.is_nullable => write!(
                f,
                "column {column} of table {table} does not take null, but the contract does not require a value"
            )?,
            Some(Found { kind, .. }) => write!(
                f,
                "column {column} of table {table} has type {kind}, but the contract says {wanted}"
            )?,
        }
        f.write_str(match change {
            Some(_) => ": run `firn bootstrap`",
            None => ": use the contract of this table, or one with another `table`",
        })
    }
}

impl Pipeline {
    /// The mismatches of the tables that `role` (the connection's role by default) may describe; none if no table exists.
    ///
    /// # Errors
    /// `Transient` from the client.
    pub(super) async fn column_mismatches(
        &self,
        role: Option<&Identifier>,
    ) -> Result<Option<Vec<ColumnMismatch>>> {
        let mut mismatches = None;
        for (table, columns) in self.wanted_columns() {
            let Some(found) = self.columns(table, role).await? else {
                continue;
            };
            let mismatches = mismatches.get_or_insert_with(Vec::new);
            for (column, wanted) in columns {
                let found = found.get(&column.stored());
                let is_nullable = self.is_nullable(table, &column);
                let fits = |found: &Found| {
                    holds(&found.kind, &wanted) && !(is_nullable && found.is_always_filled)
                };
                if !found.is_some_and(fits) {
                    mismatches.push(ColumnMismatch {
                        table: table.clone(),
                        change: self.change(table, &column, &wanted, found),
                        column,
                        wanted: wanted.to_string(),
                        is_nullable,
                        found: found.cloned(),
                    });
                }
            }
        }
        Ok(mismatches)
    }

    /// A new column is null in existing rows, and a wider type holds all values of the narrower one.
    fn change(
        &self,
        table: &Identifier,
        column: &Identifier,
        wanted: &Wanted,
        found: Option<&Found>,
    ) -> Option<String> {
        let contract = &self.contract;
        let place = self.place(column);
        match found {
            None if *table == self.names.staging || *table == self.names.runs => {}
            None if self.names.given_columns.as_ref() == Some(column) => {}
            // Firn's own columns and those of key and order would have no value in existing rows.
            None if place.is_some_and(|index| !contract.is_always_filled(index)) => {}
            Some(found) if holds(&found.kind, wanted) => {
                return Some(format!(
                    "alter table {table} alter column {column} drop not null"
                ));
            }
            Some(found) if widens(&found.kind, wanted) => {
                return Some(format!(
                    "alter table {table} alter column {column} set data type {wanted}"
                ));
            }
            _ => return None,
        }
        Some(format!("alter table {table} add column {column} {wanted}"))
    }

    /// The position of the column in the contract.
    fn place(&self, column: &Identifier) -> Option<usize> {
        let mut columns = self.contract.columns().iter();
        columns.position(|one| Identifier::new(&one.name) == *column)
    }

    /// Whether a merge may write null into the column.
    fn is_nullable(&self, table: &Identifier, column: &Identifier) -> bool {
        let may_be_null = |index: usize| !self.contract.is_filled_in_target(index);
        *table == self.names.target && self.place(column).is_some_and(may_be_null)
    }

    /// The columns that target, history and staging must have.
    fn wanted_columns(&self) -> [(&Identifier, Vec<(Identifier, Wanted)>); 5] {
        let (contract, names) = (&self.contract, &self.names);
        let column = |one: &Column| (Identifier::new(&one.name), Wanted::Values(one.kind));
        let columns = || contract.columns().iter().map(column);
        let given = names.given_columns.iter();
        let given: Vec<_> = given.map(|name| (name.clone(), Wanted::AnyText)).collect();
        let source = || {
            let columns = [
                (names.source_file.clone(), Wanted::AnyText),
                (names.source_row.clone(), Wanted::Values(ROW_NUMBER)),
                (names.loaded_at.clone(), Wanted::LocalTime),
            ];
            columns.into_iter().chain(given.clone())
        };
        let time = |name: &Identifier| (name.clone(), Wanted::Values(ColumnType::Timestamp));
        let op = (Identifier::new(contract.op()), Wanted::Values(OP));
        let open: Vec<(Identifier, Wanted)> = std::iter::once(op)
            .chain(columns())
            .chain([time(&names.valid_from)])
            .chain(source())
            .collect();
        let mut closed = open.clone();
        closed.push(time(&names.valid_to));
        let runs = contract.snapshot().into_iter();
        let runs = runs.map(|_| time(&Identifier::new("snapshot_at")));
        // Staging stores rows untyped, as text.
        let header = contract
            .header()
            .chain(["_firn_reject_reason", "_firn_raw_line"]);
        let staging = header
            .map(|name| (Identifier::new(name), Wanted::AnyText))
            .chain(source());
        [
            (&names.target, columns().collect()),
            (&names.history_open, open),
            (&names.history_closed, closed),
            (&names.staging, staging.collect()),
            (&names.runs, runs.collect()),
        ]
    }

    /// A table's columns; none if it does not exist.
    async fn columns(
        &self,
        table: &Identifier,
        role: Option<&Identifier>,
    ) -> Result<Option<BTreeMap<String, Found>>> {
        let mut statement = Statement::new(format!("describe table {table}"));
        if let Some(role) = role {
            statement = statement.role(role.stored());
        }
        let rows = match self.client.run(statement).await {
            Ok(rows) => rows,
            Err(error) if error.is_transient() => return Err(error),
            // Before the first bootstrap neither the role nor the schema exists.
            Err(_) => return Ok(None),
        };
        let text = |row: usize, name: &str| rows.get(row, name).unwrap_or_default().to_owned();
        Ok(Some(
            (0..rows.rows.len())
                .map(|row| {
                    let found = Found {
                        kind: text(row, "type"),
                        is_always_filled: text(row, "null?") == "N",
                    };
                    (text(row, "name"), found)
                })
                .collect(),
        ))
    }
}

/// An existing column.
#[derive(Clone, Debug)]
struct Found {
    kind: String,
    /// Whether it is `not null`.
    is_always_filled: bool,
}

/// The values that a column must accept.
#[derive(Clone, Copy, Debug)]
enum Wanted {
    /// Every value of a type.
    Values(ColumnType),
    /// Any text.
    AnyText,
    /// A time with the session's time zone.
    LocalTime,
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Values(kind) => kind.fmt(f),
            Self::AnyText => f.write_str("varchar"),
            Self::LocalTime => f.write_str("timestamp_ltz"),
        }
    }
}

/// Whether Snowflake changes the type in place: a longer text, or more digits before the point.
fn widens(found: &str, wanted: &Wanted) -> bool {
    let Wanted::Values(wanted) = wanted else {
        return false;
    };
    match (ColumnType::parse(found), wanted) {
        (Ok(ColumnType::Text { max_chars: there }), ColumnType::Text { max_chars }) => {
            there < *max_chars
        }
        (
            Ok(ColumnType::Number {
                precision: digits,
                scale: places,
            }),
            ColumnType::Number { precision, scale },
        ) => places == *scale && digits < *precision,
        _ => false,
    }
}

/// Whether a column of the type `found` accepts all wanted values; so does a wider one.
fn holds(found: &str, wanted: &Wanted) -> bool {
    let wanted = match wanted {
        Wanted::Values(kind) => *kind,
        Wanted::AnyText => return found.starts_with("VARCHAR"),
        Wanted::LocalTime => return found.starts_with("TIMESTAMP_LTZ"),
    };
    match (ColumnType::parse(found), wanted) {
        (Ok(ColumnType::Text { max_chars: there }), ColumnType::Text { max_chars }) => {
            there >= max_chars
        }
        (
            Ok(ColumnType::Number {
                precision: digits,
                scale: places,
            }),
            ColumnType::Number { precision, scale },
        ) => places >= scale && digits - places >= precision - scale,
        (Ok(found), wanted) => found == wanted,
        (Err(_), _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wider_column_accepts_the_values_of_the_contract() {
        let number = |precision, scale| Wanted::Values(ColumnType::Number { precision, scale });
        assert!(holds("NUMBER(12,2)", &number(10, 2)));
        assert!(!holds("NUMBER(12,2)", &number(12, 0)));
        assert!(holds("VARCHAR(16777216)", &Wanted::AnyText) && !holds("DATE", &Wanted::AnyText));
        assert!(holds(
            "VARCHAR(60)",
            &Wanted::Values(ColumnType::Text { max_chars: 50 })
        ));
        assert!(!holds("VARIANT", &Wanted::Values(ColumnType::Date)));
    }
}
