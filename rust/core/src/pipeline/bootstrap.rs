//! Creates every object of a contract, one statement at a time; each is safe to run again.

use super::Pipeline;
use super::deployed::Deployed;
use crate::error::{Context, Error, Result};
use crate::merge::{self, Script, scripts, version};
use crate::snowflake::Statement;

/// The progress of a bootstrap.
#[derive(Clone, Copy, Debug)]
pub struct ScriptProgress<'a> {
    /// The file of `sql/` that is being run.
    pub script: &'a str,
    /// The statement.
    pub sql: &'a str,
    /// Its number, from 1.
    pub number: usize,
    /// The number of statements.
    pub total: usize,
}

impl Pipeline {
    /// Every script, including the one that drops everything.
    #[must_use]
    pub fn scripts(&self) -> Vec<Script> {
        scripts(&self.contract, &self.deployment)
    }

    /// Checks that the scripts may run, and returns the script that has to run before them.
    pub(super) async fn check_and_upgrade(&self) -> Result<Option<Script>> {
        self.check_collisions().await?;
        self.check_stage().await?;
        self.check_dropped(Some(&self.deployment.owner)).await?;
        self.upgrade().await
    }

    /// The script that migrates the objects of another version of the contract, before the others run: it suspends the task, adds or widens
    /// columns, and drops the work tables, which the other scripts create again. None if this version is deployed.
    ///
    /// # Errors
    /// `Config` if stored rows cannot be migrated.
    async fn upgrade(&self) -> Result<Option<Script>> {
        let owner = &self.deployment.owner;
        let Some(mismatches) = self.column_mismatches(Some(owner)).await? else {
            return Ok(None);
        };
        let deployed = match self.deployed(Some(owner)).await {
            Err(error) if error.is_transient() => return Err(error),
            deployed => deployed.ok(),
        };
        if let Some(deployed) = &deployed {
            self.check_identity(deployed)?;
        }
        if let Some(mismatch) = mismatches.iter().find(|one| one.change.is_none()) {
            return Err(Error::config(mismatch.to_string()));
        }
        let is_current = deployed.is_some_and(|one| one.contract == version(&self.contract));
        if is_current && mismatches.is_empty() {
            return Ok(None);
        }
        let names = &self.names;
        let pause = format!("alter task if exists {} suspend", names.merge_task);
        let changes = mismatches.into_iter().filter_map(|one| one.change);
        let drops = names
            .work_tables()
            .map(|table| format!("drop table if exists {table}"));
        let statements = std::iter::once(pause).chain(changes).chain(drops);
        Ok(Some(Script {
            name: "upgrade",
            about: "Brings the objects of another version of the contract along.".to_owned(),
            statements: statements
                .map(|sql| merge::Statement {
                    role: owner.clone(),
                    sql,
                    in_schema: true,
                })
                .collect(),
        }))
    }

    /// An existing stage keeps its URL, so the procedures must have the same URL.
    async fn check_stage(&self) -> Result<()> {
        match self.stage_mismatch().await {
            Ok(Some(mismatch)) => Err(Error::config(format!(
                "stage {} {mismatch}. Allow the folder in the storage integration, too",
                self.names.stage
            ))),
            Err(error) if error.is_transient() => Err(error),
            // The first bootstrap creates the stage.
            Ok(None) | Err(_) => Ok(()),
        }
    }

    /// With another key or another order the stored history would have another meaning.
    fn check_identity(&self, deployed: &Deployed) -> Result<()> {
        let names = |names: &mut dyn Iterator<Item = &str>| -> Vec<String> {
            names.map(str::to_owned).collect()
        };
        let key = self.contract.key();
        let table = self.contract.table();
        for (what, there, here) in [
            (
                "key",
                &deployed.key,
                names(&mut key.map(|one| one.name.as_str())),
            ),
            (
                "order",
                &deployed.order,
                names(&mut self.contract.order_names()),
            ),
        ] {
            if *there != here {
                return Err(Error::config(format!(
                    "the deployed {table} has the {what} {there:?}, but the contract says {here:?}: use the contract of this table, or \
                     one with another `table`"
                )));
            }
        }
        Ok(())
    }

    /// Drops all objects of the contract, including their data.
    ///
    /// # Errors
    /// `Config` if a role lacks a privilege, with the name of the script.
    pub async fn drop_objects(&self, on_statement: impl FnMut(ScriptProgress<'_>)) -> Result<()> {
        let scripts = self.scripts();
        let dropping: Vec<&Script> = scripts.iter().filter(|script| script.is_drop()).collect();
        self.run_scripts(&dropping, on_statement).await
    }

    pub(super) async fn run_scripts(
        &self,
        scripts: &[&Script],
        mut on_statement: impl FnMut(ScriptProgress<'_>),
    ) -> Result<()> {
        let total = scripts.iter().map(|script| script.statements.len()).sum();
        let all = scripts
            .iter()
            .flat_map(|script| script.statements.iter().map(|one| (script.name, one)));
        for (index, (script, one)) in all.enumerate() {
            on_statement(ScriptProgress {
                script,
                sql: &one.sql,
                number: index + 1,
                total,
            });
            let mut statement = Statement::new(one.sql.as_str()).role(one.role.stored());
            if !one.in_schema {
                statement = statement.in_account().without_warehouse();
            }
            self.client
                .run(statement)
                .await
                .context(|| format!("{script}, as {}", one.role))?;
        }
        Ok(())
    }
}
