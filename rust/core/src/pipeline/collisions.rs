//! Finds names that this contract shares with another contract of the schema: ITEM has the history ITEM_HISTORY, so no other
//! contract's table may be ITEM_HISTORY.

use super::Pipeline;
use crate::contract::HistoryColumns;
use crate::error::{Error, Result};
use crate::merge::Names;
use crate::snowflake::Statement;

/// Suffix of a table that every deployed contract has.
const LOCK: &str = "_MERGE_LOCK";

impl Pipeline {
    /// Fails if an object of this contract has the same name as one of another deployed contract.
    ///
    /// # Errors
    /// `Config` with the two contracts and the name; `Transient` from the client.
    pub(super) async fn check_collisions(&self) -> Result<()> {
        for table in self.deployed_tables().await? {
            if table == self.names.target.stored() {
                continue;
            }
            if let Some(name) = collision(&self.names, &table) {
                return Err(Error::config(format!(
                    "contract {} needs the name {name}, which the deployed contract {table} uses: choose another `table`, or another \
                     schema with --schema",
                    self.names.target
                )));
            }
        }
        Ok(())
    }

    /// The target tables of the contracts that are deployed in the schema.
    async fn deployed_tables(&self) -> Result<Vec<String>> {
        let deployment = &self.deployment;
        // An underscore is a wildcard for one character.
        let sql = format!(
            "show tables like '%{LOCK}' in schema {}.{}",
            deployment.database, deployment.schema
        );
        let statement = Statement::new(sql).role(deployment.owner.stored());
        let rows = match self
            .client
            .run(statement.in_account().without_warehouse())
            .await
        {
            Ok(rows) => rows,
            Err(error) if error.is_transient() => return Err(error),
            // Before the first bootstrap neither the role nor the schema exists.
            Err(_) => return Ok(Vec::new()),
        };
        let name = |row| rows.get(row, "name")?.strip_suffix(LOCK);
        Ok((0..rows.rows.len())
            .filter_map(name)
            .map(str::to_owned)
            .collect())
    }
}

/// A name that both an object of `own` and one of the contract of `table` have.
fn collision(own: &Names, table: &str) -> Option<String> {
    let other = Names::of_table(table, &HistoryColumns::default());
    let others: Vec<String> = other.relations().map(|name| name.stored()).collect();
    own.relations()
        .map(|name| name.stored())
        .find(|name| others.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_contract_cannot_use_a_derived_name() {
        let names = |table| Names::of_table(table, &HistoryColumns::default());
        assert_eq!(
            collision(&names("item_history"), "ITEM").as_deref(),
            Some("ITEM_HISTORY")
        );
        assert_eq!(
            collision(&names("item"), "ITEM_HISTORY").as_deref(),
            Some("ITEM_HISTORY")
        );
        assert_eq!(collision(&names("item"), "ITEMS"), None);
        assert_eq!(collision(&names("item_line"), "ITEM"), None);
    }
}
