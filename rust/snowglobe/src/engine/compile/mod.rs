//! Compiles a Snowflake query to DuckDB's SQL: folds names, resolves them against the catalog as the current role sees it, and translates functions,
//! casts and paths. What the query will do is data: which streams it reads, whether it needs a warehouse, which SYSTEM$ functions it calls. Before it runs,
//! nothing is asked but what cannot change anything: rows of INFORMATION_SCHEMA, and the commit at a time.
//!
//! - `query`, `select`: the clauses of a query
//! - `expression`: expressions, with `operators`, `predicates`, `forms` (functions with a syntax of their own) and `function` (all others)
//! - `relation`: what stands in FROM
//! - `calls`: SYSTEM$ functions
//! - `builtins`: what a query asks of the engine itself
//! - `time_travel`: the commit that AT and BEFORE name, and when a stream is stale
//! - `substitute`: values in the place of binds and variables, before the text is parsed

#[cfg(test)]
mod bounds_tests;
mod builtins;
mod calls;
mod expression;
mod forms;
mod function;
mod operators;
mod predicates;
mod query;
mod relation;
mod select;
mod substitute;
#[cfg(test)]
mod tests;
mod textual;
pub(crate) mod time_travel;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sqlparser::ast::{Expr, Ident};
use sqlparser::dialect::SnowflakeDialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::Token;

use super::catalog::{Catalog, Object};
use super::state::shared::Shared;
use super::storage::Rows;
use crate::engine::state::copies::Found;
use crate::engine::state::readers::Reading;
use crate::engine::state::task_runs::RunningTask;
use crate::engine::storage::cancel::CancelHandle;
use crate::sql::fragment::Sql;
use crate::sql::tokens::lex;
use crate::types::error::{Result, SnowflakeError};
use crate::types::stack;
use crate::types::value::{Binds, SnowflakeType, Value};

pub use builtins::Builtins;
pub use calls::{Call, Returns, SystemFunction};
pub use relation::{TARGET, column_list, stream_sql};
pub use substitute::{bind_literal, decimal, literal_of, stage_marker, take_stage};

/// A value with its type: a variable's.
#[derive(Clone, Debug, PartialEq)]
pub struct Typed {
    pub kind: SnowflakeType,
    pub value: Value,
}

/// Variables by name, upper case.
pub type Variables = BTreeMap<String, Typed>;

/// Who asks, and where unqualified names lead.
#[derive(Clone)]
pub struct Names {
    pub user: String,
    pub role: String,
    /// The role and all that it inherits.
    pub roles: BTreeSet<String>,
    pub warehouse: Option<String>,
    pub database: Option<String>,
    pub schema: Option<String>,
    pub session_id: u64,
}

/// What there is, and which commits are seen.
#[derive(Clone)]
pub struct Snapshot {
    pub catalog: Arc<Catalog>,
    /// The last commit that tables are read at.
    pub at: i64,
    /// Keeps what is there at that commit.
    pub reading: Arc<Reading>,
    /// The stamp of the open transaction's own changes.
    pub own: Option<i64>,
    /// The last commit that streams are read at: the transaction's start.
    pub stream_end: i64,
    /// The statement's time, microseconds UTC.
    pub now: i64,
}

/// What the session remembers, and what was given to the statement.
#[derive(Clone, Default)]
pub struct Memory {
    /// `$name`.
    pub session_variables: Variables,
    /// `:name`, in a script.
    pub script_variables: Variables,
    pub binds: Binds,
    /// Results by query id, for `RESULT_SCAN`; the last is the latest.
    pub results: Vec<(String, Arc<Rows>)>,
    /// What COPY has found, for `VALIDATE`; the last is the latest.
    pub copies: Vec<Found>,
    /// The task that runs.
    pub task: Option<Arc<RunningTask>>,
    /// Staged files made readable, by the marker that stands for them.
    pub staged: BTreeMap<String, String>,
}

/// What surrounds a statement.
#[derive(Clone)]
pub struct Environment {
    pub shared: Arc<Shared>,
    /// Who answers what the query asks of the engine itself.
    pub builtins: &'static dyn Builtins,
    /// Whether the statement has been cancelled, for functions that wait.
    pub cancelled: CancelHandle,
    /// Whether the statement writes, for which no other may meanwhile.
    pub writes: bool,
}

/// What a statement is compiled against.
pub struct Context<'c> {
    pub names: Names,
    pub snapshot: Snapshot,
    pub memory: Memory,
    pub environment: Environment,
    /// Answers what must be known before the query runs, such as the commit at a time.
    pub connection: &'c duckdb::Connection,
}

/// A compiled query.
#[derive(Debug, Default)]
pub struct Compiled {
    /// DuckDB's SQL.
    pub sql: String,
    /// The streams that it reads.
    pub streams: BTreeSet<u64>,
    /// Whether it reads a table, for which it needs a warehouse.
    pub reads_tables: bool,
    /// The SYSTEM$ functions that it calls when it runs, and only if it reaches them.
    pub calls: Vec<Call>,
}

impl Context<'_> {
    /// Compiles a query.
    ///
    /// # Errors
    /// What Snowflake says of text that does not parse, names that are not there, and what may not be read.
    pub fn query(&self, sql: &str) -> Result<Compiled> {
        stack::with_room(|| Compiler::new(self).compile(sql))
    }

    /// Compiles the plan of DML: in it, [`TARGET`] leads to the table that is changed, with its hidden columns.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub fn plan(&self, sql: &str, target: u64) -> Result<Compiled> {
        let mut compiler = Compiler::new(self);
        compiler.target = Some(target);
        stack::with_room(|| compiler.compile(sql))
    }

    /// Compiles an expression without columns, such as a default.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub fn expression(&self, sql: &str) -> Result<Sql> {
        let sql = format!("select {sql} as value");
        let mut compiler = Compiler::new(self);
        let query = stack::with_room(|| compiler.query_text(&sql))?;
        compiler.calls_nothing()?;
        check_weight(&query)?;
        Ok(Sql::of("({0})", &[query]))
    }

    /// Compiles an expression that is parsed already, without columns.
    pub(super) fn parsed_expression(&self, expr: &Expr) -> Result<Sql> {
        let mut compiler = Compiler::new(self);
        let written = stack::with_room(|| compiler.expr(expr))?;
        compiler.calls_nothing()?;
        check_weight(&written)?;
        Ok(written)
    }

    /// The context in which an object, whose names lead to `home`, works with its owner's rights.
    pub fn of_owner(&self, object: &Object, home: &(String, String)) -> Context<'_> {
        self.elsewhere(&home.0, &home.1, &object.owner)
    }

    fn elsewhere(&self, database: &str, schema: &str, owner: &str) -> Context<'_> {
        Context {
            names: Names {
                roles: self.snapshot.catalog.inherited_roles(owner),
                database: Some(database.to_owned()),
                schema: Some(schema.to_owned()),
                ..self.names.clone()
            },
            snapshot: self.snapshot.clone(),
            memory: Memory::default(),
            environment: self.environment.clone(),
            connection: self.connection,
        }
    }
}

/// Expressions and queries may be nested this deep.
const MAX_DEPTH: usize = 400;
/// A compiled statement may have about this many nodes, views and macros written out.
const MAX_WEIGHT: u64 = 2_000_000;

fn check_weight(sql: &Sql) -> Result<()> {
    match sql.weight() {
        0..=MAX_WEIGHT => Ok(()),
        _ => Err(too_complex("the statement is too complex")),
    }
}

/// The statement is beyond what can be compiled.
pub(super) fn too_complex(reason: &str) -> SnowflakeError {
    SnowflakeError::compilation(format!(
        "{reason}: split it into several statements, or use a temporary table"
    ))
}

struct Compiler<'a> {
    context: &'a Context<'a>,
    streams: BTreeSet<u64>,
    reads_tables: bool,
    calls: Vec<Call>,
    /// CTEs in scope by name, innermost last, each with the name that it is written with.
    scopes: Vec<BTreeMap<String, String>>,
    ctes: usize,
    /// The table that DML changes.
    target: Option<u64>,
    views: usize,
    depth: usize,
    /// The weight of the views so far.
    views_weight: u64,
    /// Whether `$1` means the first column of what stands in FROM.
    by_position: bool,
}

/// The identifier as Snowflake folds it: upper case unless quoted.
fn folded(ident: &Ident) -> String {
    match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_uppercase(),
    }
}

impl<'a> Compiler<'a> {
    fn new(context: &'a Context<'a>) -> Self {
        Self {
            context,
            streams: BTreeSet::new(),
            reads_tables: false,
            calls: Vec::new(),
            scopes: Vec::new(),
            ctes: 0,
            target: None,
            views: 0,
            depth: 0,
            views_weight: 0,
            by_position: false,
        }
    }

    fn compile(mut self, sql: &str) -> Result<Compiled> {
        let sql = self.query_text(sql)?;
        check_weight(&sql)?;
        Ok(Compiled {
            sql: sql.into_text(),
            streams: self.streams,
            reads_tables: self.reads_tables,
            calls: self.calls,
        })
    }

    fn query_text(&mut self, sql: &str) -> Result<Sql> {
        let lexemes = lex(sql)?;
        let tokens = substitute::tokens(self.context, sql, &lexemes)?;
        let mut parser = Parser::new(&SnowflakeDialect {})
            .with_recursion_limit(MAX_DEPTH)
            .with_tokens_with_locations(tokens);
        let query = parser.parse_query().map_err(|e| syntax_error(&e, sql))?;
        let next = parser.peek_token();
        if next.token != Token::EOF {
            let (line, column) = (next.span.start.line.max(1), next.span.start.column.max(1));
            let found = next.token.to_string();
            return Err(SnowflakeError::syntax(line, column - 1, &found));
        }
        self.query(&query)
    }

    /// Fails if a SYSTEM$ function is called where a constant is needed.
    fn calls_nothing(&self) -> Result<()> {
        match self.calls.is_empty() {
            true => Ok(()),
            false => Err(calls::not_constant()),
        }
    }

    /// Goes one level deeper, unless that is too deep or the statement has been cancelled.
    fn enter(&mut self) -> Result<()> {
        if self.context.environment.cancelled.is_cancelled() {
            return Err(SnowflakeError::cancelled());
        }
        self.depth += 1;
        match self.depth {
            0..=MAX_DEPTH => Ok(()),
            _ => Err(too_deep()),
        }
    }

    fn leave(&mut self) {
        self.depth -= 1;
    }

    /// The name that a CTE is written with.
    fn cte_named(&self, name: &str) -> Option<&str> {
        let scopes = self.scopes.iter().rev();
        scopes
            .filter_map(|scope| scope.get(name))
            .map(String::as_str)
            .next()
    }
}

fn too_deep() -> SnowflakeError {
    too_complex(&format!(
        "the statement is nested too deeply, in more than {MAX_DEPTH} levels"
    ))
}

/// Snowflake's syntax error out of the parser's: its place is at the end of its message.
fn syntax_error(error: &ParserError, sql: &str) -> SnowflakeError {
    if matches!(error, ParserError::RecursionLimitExceeded) {
        return too_deep();
    }
    let text = error.to_string();
    let number_after = |word: &str| {
        let rest = &text[text.rfind(word)? + word.len()..];
        rest.chars()
            .take_while(char::is_ascii_digit)
            .collect::<String>()
            .parse::<u64>()
            .ok()
    };
    let found = text
        .split("found: ")
        .nth(1)
        .and_then(|t| t.split(" at Line").next())
        .unwrap_or("<EOF>");
    let found = if found == "EOF" { "<EOF>" } else { found };
    let line = number_after("Line: ").unwrap_or(1).max(1);
    let column = number_after("Column: ")
        .unwrap_or(sql.chars().count() as u64)
        .max(1);
    SnowflakeError::syntax(line, column - 1, found)
}
