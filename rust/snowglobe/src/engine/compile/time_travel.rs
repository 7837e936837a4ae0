//! Which commit a time, an offset or a statement stands for, and when a stream is too old to read.

use sqlparser::ast::{Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident};

use crate::engine::catalog::{Body, Object, Table};
use crate::engine::compile::Context;
use crate::engine::state::shared::Shared;
use crate::engine::storage;
use crate::sql::cursor::Name;
use crate::sql::fragment::Sql;
use crate::types::error::{Result, SnowflakeError};

const DAY_MICROS: i64 = 86_400_000_000;

/// The commit of the table that `AT(…)` or `BEFORE(…)` names.
///
/// # Errors
/// For what Snowglobe does not know, and for a time before there was data or beyond the table's retention.
pub fn snapshot(context: &Context<'_>, object: &Object, clause: &Expr) -> Result<i64> {
    let Some((before, name, arg)) = parts(clause) else {
        return Err(SnowflakeError::unsupported(clause));
    };
    let arg = context.parsed_expression(arg)?;
    let sql = match name.value.to_uppercase().as_str() {
        "TIMESTAMP" => Sql::of("select epoch_us(cast({0} as timestamptz))", &[arg]),
        "OFFSET" => Sql::of(
            "select {0} + (({1})::double * 1000000)::bigint",
            &[Sql::integer(context.snapshot.now), arg],
        ),
        "STREAM" => {
            let name = arg.as_literal().ok_or_else(|| {
                SnowflakeError::unsupported("time travel to a stream that is not a literal")
            })?;
            let stream = context.find(crate::engine::catalog::Kind::Stream, &Name::parse(name)?)?;
            return readable(
                context,
                object,
                context.environment.shared.offset_of(stream.id),
            );
        }
        other => {
            return Err(SnowflakeError::unsupported(format!(
                "time travel by {other}"
            )));
        }
    };
    let at = storage::count(context.connection, sql.as_str())?;
    if at < retained_since(object.table()?, context.snapshot.now) {
        return Err(unavailable(object));
    }
    let compare = if before { "<" } else { "<=" };
    let found = storage::query(
        context.connection,
        &format!("select max(seq) from sys_commits where at_micros {compare} {at}"),
    )?;
    match found.rows.first().and_then(|row| row.first()) {
        Some(crate::types::value::Value::Number(seq)) => readable(
            context,
            object,
            i64::try_from(*seq).map_err(SnowflakeError::internal)?,
        ),
        _ => Err(unavailable(object)),
    }
}

/// Whether it is `BEFORE`, and the argument of `AT(name => …)` or `BEFORE(name => …)`.
fn parts(clause: &Expr) -> Option<(bool, &Ident, &Expr)> {
    let Expr::Function(function) = clause else {
        return None;
    };
    let word = function.name.to_string();
    let before = word.eq_ignore_ascii_case("BEFORE");
    let FunctionArguments::List(list) = &function.args else {
        return None;
    };
    match list.args.as_slice() {
        [
            FunctionArg::Named {
                name,
                arg: FunctionArgExpr::Expr(arg),
                ..
            },
        ] if before || word.eq_ignore_ascii_case("AT") => Some((before, name, arg)),
        _ => None,
    }
}

/// Since when the table's past can be asked for, microseconds UTC.
pub fn retained_since(table: &Table, now: i64) -> i64 {
    now.saturating_sub(table.retention_days.saturating_mul(DAY_MICROS))
}

/// The commit, unless versions that were there at it are gone.
fn readable(context: &Context<'_>, object: &Object, seq: i64) -> Result<i64> {
    if seq < context.environment.shared.cleared.up_to(object.id) {
        return Err(unavailable(object));
    }
    Ok(seq)
}

fn unavailable(object: &Object) -> SnowflakeError {
    SnowflakeError::new(
        "000707",
        "02000",
        format!(
            "Time travel data is not available for table {}. The requested time is either beyond the allowed time travel period or before the object creation time.",
            object.short()
        ),
    )
}

/// The longest that Snowflake extends a table's retention for a stream's sake.
const MAX_EXTENSION_DAYS: i64 = 14;

/// Until when the stream can be read, microseconds UTC.
pub fn stale_after(context: &Context<'_>, stream: &Object, base: &Object) -> i64 {
    stale_after_at(&context.environment.shared, stream, base)
}

/// As [`stale_after`], outside of a statement.
pub fn stale_after_at(shared: &Shared, stream: &Object, base: &Object) -> i64 {
    let retention = match &base.body {
        Body::Table(table) => table.retention_days.max(MAX_EXTENSION_DAYS),
        _ => MAX_EXTENSION_DAYS,
    };
    shared
        .offset_time_of(stream.id)
        .saturating_add(retention * DAY_MICROS)
}

/// Fails if the stream is stale.
///
/// # Errors
/// Snowflake's message for a stale stream.
pub fn check_stale(context: &Context<'_>, stream: &Object, base: &Object) -> Result<()> {
    if context.snapshot.now <= stale_after(context, stream, base) {
        return Ok(());
    }
    Err(SnowflakeError::new(
        "091901",
        "01000",
        format!(
            "Stream {} is stale: its offset is older than the data retention period of its table. Recreate the stream with CREATE OR REPLACE STREAM.",
            stream.short()
        ),
    ))
}

/// As [`snapshot`], from text such as `AT(OFFSET => -60)`.
///
/// # Errors
/// As [`snapshot`].
pub fn snapshot_of_text(context: &Context<'_>, object: &Object, text: &str) -> Result<i64> {
    let dialect = sqlparser::dialect::SnowflakeDialect {};
    let parsed = sqlparser::parser::Parser::new(&dialect)
        .try_with_sql(text)
        .and_then(|mut p| p.parse_expr());
    snapshot(
        context,
        object,
        &parsed.map_err(SnowflakeError::compilation)?,
    )
}
