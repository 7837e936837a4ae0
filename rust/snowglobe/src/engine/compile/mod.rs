//! Compiles a Snowflake query to DuckDB's SQL: folds names, resolves them against the catalog as the current role sees it, and translates functions,
//! casts and paths. It runs nothing, save what a table function must know to answer.

mod expression;
mod overload;
mod relation;
mod substitute;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use sqlparser::ast::{
    Expr, Ident, LimitClause, Query, Select, SelectItem, SetExpr, SetOperator, TableFactor,
    VisitMut, VisitorMut, With,
};
use sqlparser::dialect::SnowflakeDialect;
use sqlparser::parser::Parser;

use super::Shared;
use super::catalog::Catalog;
use super::copy::validate::Found;
use super::error::{Result, SnowflakeError};
use super::session::CancelHandle;
use super::storage::Rows;
use super::vacuum::Reading;
use super::value::{Binds, SnowflakeType, Value};
use crate::sql::tokens::lex;

pub use relation::{TARGET, column_list, stream_sql};
pub use substitute::{bind_literal, decimal, literal_of, stage_marker, take_stage};

/// A value with its type: a variable's.
#[derive(Clone, Debug, PartialEq)]
pub struct Typed {
    pub kind: SnowflakeType,
    pub value: Value,
}

/// What a statement is compiled against: who runs it, what there is, and which commits it sees.
pub struct Context<'c> {
    pub shared: Arc<Shared>,
    pub catalog: Arc<Catalog>,
    pub user: String,
    pub role: String,
    /// The role and all that it inherits.
    pub roles: BTreeSet<String>,
    pub warehouse: Option<String>,
    pub database: Option<String>,
    pub schema: Option<String>,
    pub session_id: u64,
    /// The last commit that tables are read at.
    pub snapshot: i64,
    /// Keeps what is there at that commit.
    pub reading: Arc<Reading>,
    /// The stamp of the open transaction's own changes.
    pub own: Option<i64>,
    /// The last commit that streams are read at: the transaction's start.
    pub stream_end: i64,
    /// The statement's time, microseconds UTC.
    pub now: i64,
    pub time_zone: String,
    /// `$name`.
    pub session_variables: BTreeMap<String, Typed>,
    /// `:name`, in a script.
    pub script_variables: BTreeMap<String, Typed>,
    pub binds: Binds,
    /// Results by query id, for `RESULT_SCAN`; the last is the latest.
    pub results: Vec<(String, Arc<Rows>)>,
    /// What COPY has found, for `VALIDATE`; the last is the latest.
    pub copies: Vec<Found>,
    /// What functions such as `SYSTEM$STREAM_HAS_DATA` ask while compiling.
    pub connection: &'c duckdb::Connection,
    /// The task that runs.
    pub task: Option<Arc<super::tasks::RunningTask>>,
    /// Whether the statement has been cancelled, for functions that wait.
    pub cancelled: CancelHandle,
    /// Staged files made readable, by the marker that stands for them.
    pub staged: BTreeMap<String, String>,
}

/// A compiled query.
#[derive(Clone, Debug, Default)]
pub struct Compiled {
    /// DuckDB's SQL.
    pub sql: String,
    /// The streams that it reads.
    pub streams: BTreeSet<u64>,
}

impl Context<'_> {
    /// Compiles a query.
    ///
    /// # Errors
    /// What Snowflake says of text that does not parse, names that are not there, and what may not be read.
    pub fn query(&self, sql: &str) -> Result<Compiled> {
        let mut compiler = Compiler::new(self);
        let sql = compiler.query_text(sql)?;
        Ok(Compiled {
            sql,
            streams: compiler.streams,
        })
    }

    /// Compiles an expression without columns, such as a default.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub fn expression(&self, sql: &str) -> Result<String> {
        let compiled = self.query(&format!("select {sql} as value"))?;
        Ok(format!("({})", compiled.sql))
    }

    fn elsewhere(&self, database: &str, schema: &str, owner: &str) -> Context<'_> {
        Context {
            shared: Arc::clone(&self.shared),
            catalog: Arc::clone(&self.catalog),
            reading: Arc::clone(&self.reading),
            connection: self.connection,
            user: self.user.clone(),
            role: self.role.clone(),
            roles: self.catalog.inherited_roles(owner),
            warehouse: self.warehouse.clone(),
            database: Some(database.to_owned()),
            schema: Some(schema.to_owned()),
            time_zone: self.time_zone.clone(),
            session_variables: BTreeMap::new(),
            script_variables: BTreeMap::new(),
            binds: Binds::default(),
            results: Vec::new(),
            copies: Vec::new(),
            task: None,
            cancelled: self.cancelled.clone(),
            staged: BTreeMap::new(),
            ..*self
        }
    }
}

struct Compiler<'a> {
    context: &'a Context<'a>,
    streams: BTreeSet<u64>,
    /// CTE names in scope, innermost last.
    scopes: Vec<BTreeSet<String>>,
    /// `WITH` clauses put aside while their query is visited.
    withs: Vec<Option<With>>,
    /// Names of VARIANT columns met so far: casting one to text takes its quotes off.
    failure: Option<SnowflakeError>,
    views: usize,
}

/// Marks text that is DuckDB's already.
fn raw(text: impl Into<String>) -> Ident {
    Ident::new(text)
}

fn raw_expr(text: impl Into<String>) -> Expr {
    Expr::Identifier(raw(text))
}

impl<'a> Compiler<'a> {
    fn new(context: &'a Context<'a>) -> Self {
        Self {
            context,
            streams: BTreeSet::new(),
            scopes: Vec::new(),
            withs: Vec::new(),
            failure: None,
            views: 0,
        }
    }

    fn query_text(&mut self, sql: &str) -> Result<String> {
        let lexemes = lex(sql)?;
        let tokens = substitute::tokens(self.context, sql, &lexemes)?;
        let mut parser = Parser::new(&SnowflakeDialect {}).with_tokens_with_locations(tokens);
        let failed = |e: sqlparser::parser::ParserError| syntax_error(&e, sql);
        let mut query = parser.parse_query().map_err(failed)?;
        if parser.peek_token().token != sqlparser::tokenizer::Token::EOF {
            let token = parser.peek_token();
            let (line, column) = (token.span.start.line.max(1), token.span.start.column.max(1));
            return Err(SnowflakeError::syntax(
                line,
                column - 1,
                &token.token.to_string(),
            ));
        }
        let _ = query.visit(&mut NameColumns);
        let _ = query.visit(&mut Fold);
        if query.visit(self).is_break() {
            return Err(self
                .failure
                .take()
                .unwrap_or_else(|| SnowflakeError::internal("compilation stopped")));
        }
        Ok(overload::settle(&query.to_string()))
    }

    fn fail(&mut self, error: SnowflakeError) -> ControlFlow<()> {
        self.failure = Some(error);
        ControlFlow::Break(())
    }

    fn is_cte(&self, name: &str) -> bool {
        self.scopes.iter().any(|scope| scope.contains(name))
    }
}

/// Snowflake's syntax error out of the parser's: its place is at the end of its message.
fn syntax_error(error: &sqlparser::parser::ParserError, sql: &str) -> SnowflakeError {
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

/// Names the columns that the query leaves unnamed as Snowflake does: by their text, in upper case.
struct NameColumns;

impl VisitorMut for NameColumns {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        for item in &mut select.projection {
            let SelectItem::UnnamedExpr(expr) = item else {
                continue;
            };
            if matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) {
                continue;
            }
            let alias =
                Ident::with_quote('"', expr.to_string().to_uppercase().replace('"', "\"\""));
            *item = SelectItem::ExprWithAlias {
                expr: expr.clone(),
                alias,
            };
        }
        ControlFlow::Continue(())
    }
}

/// Folds names: upper case unless quoted, and quoted from here on.
struct Fold;

impl VisitorMut for Fold {
    type Break = ();

    fn pre_visit_ident(&mut self, ident: &mut Ident) -> ControlFlow<()> {
        if ident.quote_style.is_none() {
            ident.value = ident.value.to_uppercase();
            ident.quote_style = Some('"');
        }
        ControlFlow::Continue(())
    }
}

impl VisitorMut for Compiler<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        self.scopes.push(BTreeSet::new());
        let mut with = query.with.take();
        if let Some(with) = &mut with {
            for cte in &mut with.cte_tables {
                let name = cte.alias.name.value.clone();
                // A CTE may read the table whose name it takes, unless it is recursive.
                if with.recursive
                    && let Some(scope) = self.scopes.last_mut()
                {
                    scope.insert(name.clone());
                }
                cte.query.visit(self)?;
                if let Some(scope) = self.scopes.last_mut() {
                    scope.insert(name);
                }
            }
        }
        self.withs.push(with);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        query.with = self.withs.pop().flatten();
        self.scopes.pop();
        if let SetExpr::Select(select) = query.body.as_mut()
            && let Some(top) = select.top.take()
        {
            let quantity = match top.quantity {
                Some(sqlparser::ast::TopQuantity::Constant(n)) => raw_expr(n.to_string()),
                Some(sqlparser::ast::TopQuantity::Expr(e)) => e,
                None => return self.fail(SnowflakeError::unsupported("TOP without a number")),
            };
            query.limit_clause = Some(LimitClause::LimitOffset {
                limit: Some(quantity),
                offset: None,
                limit_by: Vec::new(),
            });
        }
        minus_to_except(query.body.as_mut());
        ControlFlow::Continue(())
    }

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        match self.table_factor(factor) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => self.fail(error),
        }
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match self.expr(expr) {
            Ok(Some(new)) => {
                *expr = new;
                ControlFlow::Continue(())
            }
            Ok(None) => ControlFlow::Continue(()),
            Err(error) => self.fail(error),
        }
    }
}

fn minus_to_except(body: &mut SetExpr) {
    if let SetExpr::SetOperation {
        op, left, right, ..
    } = body
    {
        if *op == SetOperator::Minus {
            *op = SetOperator::Except;
        }
        minus_to_except(left);
        minus_to_except(right);
    }
}
