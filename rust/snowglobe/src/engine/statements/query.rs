//! Queries, and the values of expressions.

use super::{identifiers, stages};
use crate::engine::compile::{Typed, Variables};
use crate::engine::session::Session;
use crate::engine::storage;
use crate::types::error::Result;
use crate::types::value::{Binds, QueryResult, SnowflakeType, Value};

/// Runs a query.
pub(crate) fn query(
    session: &mut Session,
    sql: &str,
    binds: &Binds,
    variables: &Variables,
) -> Result<QueryResult> {
    let (sql, binds) = &identifiers::resolve(session, sql, binds, variables)?;
    let rows = stages::with_staged(session, sql, binds, variables, |session| {
        let compiled = session.context(binds, variables).query(sql)?;
        if compiled.reads_tables {
            session.use_warehouse()?;
        }
        storage::query(&session.connection, &compiled.sql)
    })?;
    Ok(QueryResult {
        columns: rows.columns,
        rows: rows.rows,
        ..QueryResult::default()
    })
}

/// The value of an expression, which may use variables and be a subquery.
pub(crate) fn evaluate(
    session: &mut Session,
    sql: &str,
    binds: &Binds,
    variables: &Variables,
) -> Result<Typed> {
    let result = query(session, &format!("select {sql}"), binds, variables)?;
    let kind = result
        .columns
        .first()
        .map_or(SnowflakeType::TEXT, |c| c.kind.clone());
    let value = result
        .rows
        .into_iter()
        .next()
        .and_then(|row| row.into_iter().next())
        .unwrap_or(Value::Null);
    Ok(Typed { kind, value })
}
