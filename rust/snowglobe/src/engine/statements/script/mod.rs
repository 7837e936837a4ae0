//! Runs Snowflake Scripting: blocks, procedures and EXECUTE IMMEDIATE.

mod call;
mod expressions;
mod loops;
mod procedure;
mod run;
mod statements;
mod variables;

use crate::engine::compile::Variables;
use crate::engine::session::Session;
use crate::engine::statements::query;
use crate::sql::cursor::Cursor;
use crate::sql::lexeme::Lexeme;
use crate::sql::script as syntax;
use crate::sql::script::{Block, opens_block, parse};
use crate::sql::tokens::lex;
use crate::types::error::Result;
use crate::types::value::{Binds, ColumnMeta, QueryResult, SnowflakeType, StatementKind, Value};

pub(crate) use call::{call, call_anonymous};
pub(crate) use procedure::procedure_body;
use run::{Flow, Runner};

/// Whether the tokens are a block.
pub(crate) fn is_block(lexemes: &[Lexeme]) -> bool {
    opens_block(lexemes)
}

fn block_of(text: &str) -> Result<Block> {
    let lexemes = lex(text)?;
    parse(&mut Cursor::new(text, &lexemes))
}

/// Fails unless the text is a procedure's body.
pub(crate) fn check(body: &str) -> Result<()> {
    syntax::check(&block_of(body)?)
}

/// Runs an anonymous block.
pub(crate) fn run_block(
    session: &mut Session,
    text: &str,
    variables: &Variables,
) -> Result<QueryResult> {
    let block = block_of(text)?;
    syntax::check(&block)?;
    let flow = Runner::new(session, variables.clone()).run(&block)?;
    Ok(answer(flow, "anonymous block"))
}

fn answer(flow: Flow, name: &str) -> QueryResult {
    match flow {
        Flow::Table(rows) => QueryResult {
            columns: rows.columns.clone(),
            rows: rows.rows.clone(),
            kind: StatementKind::Call,
            ..QueryResult::default()
        },
        Flow::Return(Some(typed)) => QueryResult {
            columns: vec![ColumnMeta::new(name, typed.kind)],
            rows: vec![vec![typed.value]],
            kind: StatementKind::Call,
            ..QueryResult::default()
        },
        _ => QueryResult {
            columns: vec![ColumnMeta::new(name, SnowflakeType::TEXT)],
            rows: vec![vec![Value::Null]],
            kind: StatementKind::Call,
            ..QueryResult::default()
        },
    }
}

/// `EXECUTE IMMEDIATE 'text' | $variable | :variable [USING (a, b)]`.
pub(crate) fn execute_immediate(
    session: &mut Session,
    mut cursor: Cursor<'_>,
    binds: &Binds,
    variables: &Variables,
) -> Result<QueryResult> {
    cursor.expect("EXECUTE IMMEDIATE")?;
    let expression = cursor.text_until(&["USING"])?.to_owned();
    let text = match query::evaluate(
        session,
        &expressions::with_colons(&expression, variables)?,
        binds,
        variables,
    )?
    .value
    {
        Value::Text(text) => text,
        _ => {
            return Err(crate::types::error::SnowflakeError::compilation(
                "EXECUTE IMMEDIATE needs a text",
            ));
        }
    };
    let mut inner = Binds::default();
    if cursor.accept("USING") {
        let (list, _) = cursor.parenthesized()?;
        for name in list.split(',') {
            let value = query::evaluate(
                session,
                &expressions::with_colons(name, variables)?,
                binds,
                variables,
            )?;
            inner.0.push(call::bind_of(&value));
        }
    }
    cursor.end()?;
    // The text sees binds, not the variables of the block around it.
    session.run(&text, &inner, &Variables::new())
}
