//! Whether another contract of the schema uses a name that this contract needs: ITEM has the history ITEM_HISTORY, so no contract's
//! table beside it may be ITEM_HISTORY.

use super::Pipeline;
use crate::contract::HistoryColumns;
use crate::error::{Error, Result};
use crate::merge::Names;
use crate::snowflake::Statement;

/// Every deployed contract has a table whose name ends so.
const LOCK: &str = "_MERGE_LOCK";

impl Pipeline {
    /// Fails if a name would stand for an object of this contract and one of another contract that is deployed.
    ///
    /// # Errors
    /// `Config` with the two contracts and the name; `Transient` as the client gives it.
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
        // An underscore stands for any character.
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
            // Before the first bootstrap neither the role nor the schema is there.
            Err(_) => return Ok(Vec::new()),
        };
        let name = |row| rows.get(row, "name")?.strip_suffix(LOCK);
        Ok((0..rows.rows.len())
            .filter_map(name)
            .map(str::to_owned)
            .collect())
    }
}

/// A name that stands for an object of `own` and for one of the contract of `table`.
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
    fn a_derived_name_is_not_free_for_another_contract() {
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
