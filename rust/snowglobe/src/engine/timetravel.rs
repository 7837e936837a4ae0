//! Which commit a time, an offset or a statement stands for, and when a stream is too old to read.

use sqlparser::ast::{Expr, FunctionArg, FunctionArguments};

use super::catalog::{Body, Object};
use super::compile::Context;
use super::error::{Result, SnowflakeError};
use super::storage;

/// The commit that `AT(…)` or `BEFORE(…)` names.
///
/// # Errors
/// For what Snowglobe does not know, and for a time before there was data.
pub fn snapshot(context: &Context<'_>, clause: &Expr) -> Result<i64> {
    let Expr::Function(function) = clause else {
        return Err(SnowflakeError::unsupported(clause));
    };
    let before = function
        .name
        .to_string()
        .trim_matches('"')
        .eq_ignore_ascii_case("BEFORE");
    let FunctionArguments::List(list) = &function.args else {
        return Err(SnowflakeError::unsupported(clause));
    };
    let [FunctionArg::Named { name, arg, .. }] = list.args.as_slice() else {
        return Err(SnowflakeError::unsupported(clause));
    };
    let text = arg.to_string();
    let sql = match name.value.to_uppercase().as_str() {
        "TIMESTAMP" => format!("select epoch_us(cast({text} as timestamptz))"),
        "OFFSET" => format!(
            "select {} + (({text})::double * 1000000)::bigint",
            context.now
        ),
        "STREAM" => {
            let stream = context.find(
                super::catalog::Kind::Stream,
                &crate::sql::cursor::Name::parse(text.trim_matches('\''))?,
            )?;
            return Ok(context.shared.offset_of(stream.id));
        }
        other => {
            return Err(SnowflakeError::unsupported(format!(
                "time travel by {other}"
            )));
        }
    };
    let at = storage::count(context.connection, &sql)?;
    let compare = if before { "<" } else { "<=" };
    let found = storage::query(
        context.connection,
        &format!("select max(seq) from sys_commits where at_micros {compare} {at}"),
    )?;
    match found.rows.first().and_then(|row| row.first()) {
        Some(super::Value::Number(seq)) => i64::try_from(*seq).map_err(SnowflakeError::internal),
        _ => Err(SnowflakeError::new(
            "000707",
            "02000",
            "Time travel data is not available for table. The requested time is either beyond the allowed time travel period or before the object creation time.",
        )),
    }
}

/// The longest that Snowflake extends a table's retention for a stream's sake.
const MAX_EXTENSION_DAYS: i64 = 14;

/// Until when the stream can be read, microseconds UTC.
pub fn stale_after(context: &Context<'_>, stream: &Object, base: &Object) -> i64 {
    let retention = match &base.body {
        Body::Table(table) => table.retention_days.max(MAX_EXTENSION_DAYS),
        _ => MAX_EXTENSION_DAYS,
    };
    context
        .shared
        .offset_time_of(stream.id)
        .saturating_add(retention * 86_400_000_000)
}

/// Fails if the stream is stale.
///
/// # Errors
/// Snowflake's message for a stale stream.
pub fn check_stale(context: &Context<'_>, stream: &Object, base: &Object) -> Result<()> {
    if context.now <= stale_after(context, stream, base) {
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
pub fn snapshot_of_text(context: &Context<'_>, text: &str) -> Result<i64> {
    let dialect = sqlparser::dialect::SnowflakeDialect {};
    let parsed = sqlparser::parser::Parser::new(&dialect)
        .try_with_sql(text)
        .and_then(|mut p| p.parse_expr());
    snapshot(context, &parsed.map_err(SnowflakeError::compilation)?)
}
