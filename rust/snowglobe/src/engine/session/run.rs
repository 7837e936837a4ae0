//! Runs statements, in time, and keeps their results for RESULT_SCAN.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Session;
use crate::engine::compile::Typed;
use crate::engine::storage::Rows;
use crate::sql::lexeme::Lexeme;
use crate::sql::tokens::lex;
use crate::types::error::{Result, SnowflakeError};
use crate::types::stack;
use crate::types::value::{Binds, QueryResult};

/// How many results `RESULT_SCAN` can go back.
const RESULTS_KEPT: usize = 20;

/// Results of more rows than this are not kept for `RESULT_SCAN`.
const RESULT_ROWS_KEPT: usize = 100_000;

/// "Limits on query text size": 1 MB a statement, literals included.
const MAX_TEXT_BYTES: usize = 1024 * 1024;

/// How deep EXECUTE IMMEDIATE, blocks and procedures may call each other.
const MAX_NESTING: usize = 64;

fn check_size(sql: &str) -> Result<()> {
    match sql.len() {
        0..=MAX_TEXT_BYTES => Ok(()),
        length => Err(SnowflakeError::compilation(format!(
            "the text of the statement has {length} bytes: at most {MAX_TEXT_BYTES} are supported. Bind its values, or load them from a file"
        ))),
    }
}

/// Fails on what a procedure with its owner's rights may not run: queries, DML, DDL, grants, SHOW and DESCRIBE are all that it may.
fn check_owners_rights(sql: &str) -> Result<()> {
    let lexemes = lex(sql)?;
    let Some(word) = lexemes.first().and_then(Lexeme::word) else {
        return Ok(());
    };
    let is_second = |word: &str| lexemes.get(1).is_some_and(|l| l.is_word(word));
    let kind = match word.as_str() {
        word @ ("USE" | "SET" | "UNSET" | "LIST" | "REMOVE" | "PUT" | "GET") => word,
        "LS" => "LIST",
        "RM" => "REMOVE",
        "ALTER" if is_second("SESSION") => "ALTER_SESSION",
        "EXECUTE" if is_second("TASK") => "EXECUTE_TASK",
        _ => return Ok(()),
    };
    Err(SnowflakeError::new(
        "090236",
        "42601",
        format!("Stored procedure execution error: Unsupported statement type '{kind}'."),
    ))
}

impl Session {
    /// Runs one statement.
    ///
    /// # Errors
    /// What Snowflake would say.
    pub fn execute(&mut self, sql: &str, binds: &Binds) -> Result<QueryResult> {
        self.execute_as(&uuid::Uuid::new_v4().to_string(), sql, binds)
    }

    /// Runs one statement under an id that the caller has already given out.
    ///
    /// # Errors
    /// What Snowflake would say.
    pub fn execute_as(&mut self, query_id: &str, sql: &str, binds: &Binds) -> Result<QueryResult> {
        self.cancel.clear();
        query_id.clone_into(&mut self.query_id);
        let mut result = self.run_in_time(sql, binds)?;
        query_id.clone_into(&mut result.query_id);
        self.keep_result(&result);
        Ok(result)
    }

    /// Runs a statement for at most `STATEMENT_TIMEOUT_IN_SECONDS`, if the session has set it: nobody waits for the two days of its default.
    fn run_in_time(&mut self, sql: &str, binds: &Binds) -> Result<QueryResult> {
        let name = "STATEMENT_TIMEOUT_IN_SECONDS";
        let seconds = match self.parameters.is_set(name) {
            true => self.parameters.number(name),
            false => 0,
        };
        let cancel = self.cancel_handle();
        let (result, is_late) = cancel.within(Duration::from_secs(seconds), || {
            self.run(sql, binds, &BTreeMap::new())
        });
        match result {
            Err(error) if is_late && error.code == SnowflakeError::cancelled().code => {
                Err(SnowflakeError::new(
                    "000630",
                    "57014",
                    format!(
                        "Statement reached its statement or warehouse timeout of {seconds} second(s) and was canceled."
                    ),
                ))
            }
            result => result,
        }
    }

    pub(crate) fn keep_result(&mut self, result: &QueryResult) {
        if result.rows.len() > RESULT_ROWS_KEPT {
            return;
        }
        let rows = Rows {
            columns: result.columns.clone(),
            rows: result.rows.clone(),
        };
        self.results.push((result.query_id.clone(), Arc::new(rows)));
        if self.results.len() > RESULTS_KEPT {
            self.results.remove(0);
        }
    }

    /// Runs one statement of a session or of a script, whose variables `:name` reaches.
    pub(crate) fn run(
        &mut self,
        sql: &str,
        binds: &Binds,
        variables: &BTreeMap<String, Typed>,
    ) -> Result<QueryResult> {
        if self.cancel.is_cancelled() {
            return Err(SnowflakeError::cancelled());
        }
        check_size(sql)?;
        if self.frame().is_owners {
            check_owners_rights(sql)?;
        }
        if self.nesting >= MAX_NESTING {
            return Err(SnowflakeError::compilation(format!(
                "statements call each other in more than {MAX_NESTING} levels"
            )));
        }
        self.nesting += 1;
        let result = stack::with_room(|| (self.wiring.dispatch)(self, sql, binds, variables));
        self.nesting -= 1;
        match result {
            // A statement that was cut off by DuckDB's own means was cancelled all the same.
            Err(_) if self.cancel.is_cancelled() => Err(SnowflakeError::cancelled()),
            other => other,
        }
    }

    /// Resumes the warehouse for a statement that needs one.
    pub(crate) fn use_warehouse(&self) -> Result<()> {
        // A serverless task.
        if self.task.is_some() && self.warehouse.is_none() {
            return Ok(());
        }
        let shared = Arc::clone(&self.shared);
        // A procedure with its owner's rights runs on its caller's warehouse.
        let role = &self.frames[0].role;
        shared
            .warehouses
            .use_one(&shared, self.warehouse(), Some(role))
    }
}
