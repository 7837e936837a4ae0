//! Whether the tables that are there have the contract's columns: `create table if not exists` leaves an older table as it is,
//! and a merge into it would fail only when the first file comes.

use std::collections::BTreeMap;
use std::fmt;

use super::Pipeline;
use crate::contract::ColumnType;
use crate::error::Result;
use crate::merge::Identifier;
use crate::snowflake::Statement;

/// A column of a table that is not as the contract wants it.
#[derive(Clone, Debug)]
pub(super) struct ColumnMismatch {
    table: Identifier,
    column: Identifier,
    wanted: String,
    /// Its type there; none if there is no such column.
    found: Option<String>,
}

impl fmt::Display for ColumnMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            table,
            column,
            wanted,
            found,
        } = self;
        match found {
            None => write!(
                f,
                "table {table} has no column {column}, which the contract has: `alter table {table} add column {column} {wanted}`, or take the right contract"
            ),
            Some(found) => write!(
                f,
                "column {column} of table {table} is {found}, in the contract {wanted}: `alter table {table} alter column {column} set data type {wanted}` if that widens it, or take the right contract"
            ),
        }
    }
}

impl Pipeline {
    /// What does not fit, of the tables that `role` (the connection's own without) may describe; none if there are none.
    ///
    /// # Errors
    /// `Transient` as the client gives it.
    pub(super) async fn column_mismatches(
        &self,
        role: Option<&Identifier>,
    ) -> Result<Option<Vec<ColumnMismatch>>> {
        let names = &self.names;
        let mut mismatches = None;
        for table in [&names.target, &names.history, &names.staging] {
            let Some(found) = self.columns(table, role).await? else {
                continue;
            };
            let mismatches = mismatches.get_or_insert_with(Vec::new);
            for column in self.contract.columns() {
                let name = Identifier::new(&column.name);
                // Staging takes rows as they come: all text.
                let wanted = (*table != names.staging).then_some(column.kind);
                let found = found.get(&name.stored());
                if !found.is_some_and(|found| holds(found, wanted)) {
                    mismatches.push(ColumnMismatch {
                        table: table.clone(),
                        column: name,
                        wanted: wanted.map_or("VARCHAR".to_owned(), |kind| kind.to_string()),
                        found: found.cloned(),
                    });
                }
            }
        }
        Ok(mismatches)
    }

    /// A table's columns with their types; none if it is not there.
    async fn columns(
        &self,
        table: &Identifier,
        role: Option<&Identifier>,
    ) -> Result<Option<BTreeMap<String, String>>> {
        let mut statement = Statement::new(format!("describe table {table}"));
        if let Some(role) = role {
            statement = statement.role(role.stored());
        }
        let rows = match self.client.run(statement).await {
            Ok(rows) => rows,
            Err(error) if error.is_transient() => return Err(error),
            // Before the first bootstrap neither the role nor the schema is there.
            Err(_) => return Ok(None),
        };
        let text = |row: usize, name: &str| rows.get(row, name).unwrap_or_default().to_owned();
        Ok(Some(
            (0..rows.rows.len())
                .map(|row| (text(row, "name"), text(row, "type")))
                .collect(),
        ))
    }
}

/// Whether a column of the type `found` takes every value of `wanted` (any text without): wider is well.
fn holds(found: &str, wanted: Option<ColumnType>) -> bool {
    let Some(wanted) = wanted else {
        return found.starts_with("VARCHAR");
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
    fn a_wider_column_holds_what_the_contract_sends() {
        let number = |precision, scale| Some(ColumnType::Number { precision, scale });
        assert!(holds("NUMBER(12,2)", number(10, 2)));
        assert!(!holds("NUMBER(12,2)", number(12, 0)));
        assert!(holds("VARCHAR(16777216)", None) && !holds("DATE", None));
        assert!(holds(
            "VARCHAR(60)",
            Some(ColumnType::Text { max_chars: 50 })
        ));
        assert!(!holds("VARIANT", Some(ColumnType::Date)));
    }
}
