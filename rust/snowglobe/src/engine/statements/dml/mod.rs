//! INSERT, UPDATE, DELETE, TRUNCATE and MERGE.
//!
//! Each computes a plan with a query, then ends the row versions that change and adds the new ones. Nothing is changed in place, so streams and other
//! transactions still find what was there.
//!
//! - `insert`: rows of values or of a query
//! - `update`: what each row becomes
//! - `delete`: DELETE and TRUNCATE

mod delete;
mod insert;
mod update;

use std::sync::Arc;

use duckdb::Connection;
use sqlparser::tokenizer::Token;

use crate::engine::catalog::{Body, Column, Object, Table};
use crate::engine::compile::Variables;
use crate::engine::compile::{Context, TARGET};
use crate::engine::session::Session;
use crate::engine::storage;
use crate::sql::cursor::{Cursor, Name, quoted};
use crate::sql::lexeme::Lexeme;
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::{
    Binds, ColumnMeta, QueryResult, RowStats, SnowflakeType, StatementKind, Value,
};

use delete::{delete, truncate};
use insert::insert;
use update::update;

pub(crate) use insert::{defaults, or_default};
pub(crate) use update::assignments;

/// The table that DML changes, and the name that its columns go by.
pub(crate) struct Target {
    pub object: Arc<Object>,
    pub alias: String,
}

impl Target {
    /// Reads `name [[AS] alias]`, stopping before `stops`.
    pub(crate) fn parse(
        context: &Context<'_>,
        cursor: &mut Cursor<'_>,
        stops: &[&str],
    ) -> Result<Self> {
        let name = cursor.name()?;
        let object = find(context, &name)?;
        let is_alias = cursor.accept("AS")
            || cursor
                .peek()
                .is_some_and(|l| matches!(l.token, Token::Word(_)))
                && !stops.iter().any(|s| cursor.at_words(s));
        let alias = if is_alias {
            cursor.identifier()?
        } else {
            object.short().to_owned()
        };
        Ok(Self { object, alias })
    }

    /// The table in FROM, with its hidden columns.
    pub(crate) fn relation(&self) -> String {
        format!("\"{TARGET}\" as {}", quoted(&self.alias))
    }

    pub(crate) fn table(&self) -> Result<&Table> {
        self.object.table()
    }

    pub(crate) fn physical(&self) -> String {
        format!("\"T{}\"", self.object.id)
    }

    pub(crate) fn lock(&self) -> (u64, String) {
        (self.object.id, self.object.name().to_string())
    }

    /// Ends the row versions that the temporary table `_plan` names by `_row`, and adds its rows for which `adds` holds, whose columns are `c0`, `c1`
    /// and so on: new versions of the rows `_rid`, and new rows where that is null. How many were ended, and how many added.
    pub(crate) fn change_as_planned(
        &self,
        connection: &Connection,
        adds: &str,
        stamp: i64,
    ) -> Result<(u64, u64)> {
        let physical = self.physical();
        let ended = storage::change(
            connection,
            &format!(
                "update {physical} set _end = {stamp} from _plan where {physical}.rowid = _plan._row and _plan._rid is not null"
            ),
        )?;
        let columns = &self.table()?.columns;
        let names: Vec<String> = columns.iter().map(|c| quoted(&c.name)).collect();
        let values: Vec<String> = (0..columns.len()).map(|n| format!("c{n}")).collect();
        let added = storage::change(
            connection,
            &format!(
                "insert into {physical} ({}, _rid, _begin, _updated) select {}, coalesce(_rid, nextval('row_ids')), {stamp}, _rid is not null \
                 from _plan where {adds}",
                names.join(", "),
                values.join(", ")
            ),
        )?;
        Ok((ended, added))
    }
}

/// The table that DML may change.
pub(crate) fn find(context: &Context<'_>, name: &Name) -> Result<Arc<Object>> {
    let object = context.find_relation(name)?;
    match object.body {
        Body::Table(_) => Ok(object),
        _ => Err(SnowflakeError::compilation(format!(
            "{} {} can not be changed by DML",
            object.kind.noun(),
            object.name()
        ))),
    }
}

/// The streams that the queries consume, to be locked in order.
pub(crate) fn stream_locks(
    context: &Context<'_>,
    streams: &std::collections::BTreeSet<u64>,
) -> Vec<(u64, String)> {
    let name = |id: &u64| {
        context
            .snapshot
            .catalog
            .by_id(*id)
            .map(|o| o.name().to_string())
            .unwrap_or_default()
    };
    streams.iter().map(|id| (*id, name(id))).collect()
}

/// Runs the statement.
pub(crate) fn run(
    session: &mut Session,
    mut cursor: Cursor<'_>,
    binds: &Binds,
    variables: &Variables,
) -> Result<QueryResult> {
    let word = cursor.peek().and_then(Lexeme::word).unwrap_or_default();
    cursor.next();
    match word.as_str() {
        "INSERT" => insert(session, cursor, binds, variables),
        "UPDATE" => update(session, cursor, binds, variables),
        "DELETE" => delete(session, cursor, binds, variables),
        _ => truncate(session, cursor),
    }
}

/// The answer of DML: one row with its counts.
pub(crate) fn answer(kind: StatementKind, counts: &[(&str, u64)], stats: RowStats) -> QueryResult {
    QueryResult {
        columns: counts
            .iter()
            .map(|(name, _)| {
                ColumnMeta::new(
                    *name,
                    SnowflakeType::Number {
                        precision: 18,
                        scale: 0,
                    },
                )
            })
            .collect(),
        rows: vec![
            counts
                .iter()
                .map(|(_, count)| Value::Number((*count).into()))
                .collect(),
        ],
        stats,
        kind,
        ..QueryResult::default()
    }
}

/// The table's column of that name.
pub(crate) fn column<'t>(object: &'t Object, name: &str) -> Result<&'t Column> {
    let found = object.table()?.columns.iter().find(|c| c.name == name);
    found.ok_or_else(|| SnowflakeError::invalid_identifier(name))
}

/// Two source rows would change one target row.
pub(crate) fn nondeterministic(row: &[Value]) -> SnowflakeError {
    let shown = |value: &Value| match value {
        Value::Null => "NULL".to_owned(),
        Value::Text(text) | Value::Json(text) => format!("\"{text}\""),
        Value::Number(n) => n.to_string(),
        Value::Boolean(yes) => yes.to_string(),
        Value::Float(n) => n.to_string(),
        Value::Date(n) => n.to_string(),
        Value::Time(n)
        | Value::TimestampNtz(n)
        | Value::TimestampLtz(n)
        | Value::TimestampTz { micros: n, .. } => n.to_string(),
        Value::Binary(bytes) => format!("{bytes:02x?}"),
    };
    let values = row.iter().map(shown).collect::<Vec<_>>().join(", ");
    SnowflakeError::new(
        "100090",
        "42P18",
        format!("Duplicate row detected during DML action\nRow Values: [{values}]"),
    )
}
