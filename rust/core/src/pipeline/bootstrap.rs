//! Makes every object of a contract, one statement at a time; each is safe to run again.

use super::Pipeline;
use crate::error::{Context, Error, Result};
use crate::merge::{Script, scripts};
use crate::snowflake::Statement;

/// How far a bootstrap is.
#[derive(Clone, Copy, Debug)]
pub struct ScriptProgress<'a> {
    /// The file of `sql/` that is being run.
    pub script: &'a str,
    /// The statement.
    pub sql: &'a str,
    /// Its number, from 1.
    pub number: usize,
    /// How many there are.
    pub total: usize,
}

impl Pipeline {
    /// Every script, the one that takes all down included.
    #[must_use]
    pub fn scripts(&self) -> Vec<Script> {
        scripts(&self.contract, &self.deployment)
    }

    /// Makes all objects.
    ///
    /// # Errors
    /// `Config` if tables are there whose columns are not the contract's, or whose names another contract needs (then nothing is changed), or if a role lacks a
    /// right, naming the script; whatever was made stays.
    pub async fn bootstrap(&self, on_statement: impl FnMut(ScriptProgress<'_>)) -> Result<()> {
        self.check_collisions().await?;
        let mismatches = self.column_mismatches(Some(&self.deployment.owner)).await?;
        if let Some(mismatch) = mismatches.iter().flatten().next() {
            return Err(Error::config(mismatch.to_string()));
        }
        let scripts = self.scripts();
        let making: Vec<&Script> = scripts
            .iter()
            .filter(|script| script.name != "99_drop.sql")
            .collect();
        self.run_scripts(&making, on_statement).await
    }

    /// Takes all objects of the contract down, their data included.
    ///
    /// # Errors
    /// As [`Pipeline::bootstrap`].
    pub async fn drop_objects(&self, on_statement: impl FnMut(ScriptProgress<'_>)) -> Result<()> {
        let scripts = self.scripts();
        let dropping: Vec<&Script> = scripts
            .iter()
            .filter(|script| script.name == "99_drop.sql")
            .collect();
        self.run_scripts(&dropping, on_statement).await
    }

    async fn run_scripts(
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
                statement = statement.in_account();
            }
            self.client
                .run(statement)
                .await
                .context(|| format!("{script}, as {}", one.role))?;
        }
        Ok(())
    }
}
