//! The view COLUMNS.

use std::sync::Arc;

use super::{Cells, rows_of, text, typed, yes_no};
use crate::engine::catalog::{Body, Column, Object};
use crate::engine::compile::Context;
use crate::engine::storage::{self, Rows};
use crate::types::error::Result;
use crate::types::value::{SnowflakeType, Value};

/// Numbers end with `#`.
const COLUMNS: &str = "TABLE_CATALOG TABLE_SCHEMA TABLE_NAME COLUMN_NAME ORDINAL_POSITION# COLUMN_DEFAULT IS_NULLABLE DATA_TYPE CHARACTER_MAXIMUM_LENGTH# CHARACTER_OCTET_LENGTH# NUMERIC_PRECISION# NUMERIC_PRECISION_RADIX# NUMERIC_SCALE# DATETIME_PRECISION# IS_IDENTITY IDENTITY_GENERATION IDENTITY_START IDENTITY_INCREMENT IDENTITY_MAXIMUM IDENTITY_MINIMUM IDENTITY_CYCLE IDENTITY_ORDERED SCHEMA_EVOLUTION_RECORD IS_SELF_REFERENCING COMMENT DATA_TYPE_ALIAS";

/// The columns of tables and views.
///
/// # Errors
/// If a view cannot be read.
pub(super) fn columns(
    context: &Context<'_>,
    tables: Vec<Arc<Object>>,
    views: Vec<Arc<Object>>,
) -> Result<Rows> {
    let mut rows = Vec::new();
    for object in tables.iter().chain(&views) {
        let found: Vec<Column> = match &object.body {
            Body::Table(table) => table.columns.clone(),
            _ => {
                let compiled = context.query(&format!("select * from {}", object.name()))?;
                let described = storage::query(
                    context.connection,
                    &format!("select * from ({}) limit 0", compiled.sql),
                )?;
                described
                    .columns
                    .into_iter()
                    .map(|c| Column {
                        name: c.name,
                        kind: c.kind,
                        nullable: true,
                        default: None,
                        identity: false,
                        comment: None,
                        primary_key: false,
                    })
                    .collect()
            }
        };
        for (at, column) in found.into_iter().enumerate() {
            rows.push(column_row(object, at, column));
        }
    }
    Ok(rows_of(rows, &typed(COLUMNS)))
}

fn column_row(object: &Object, at: usize, column: Column) -> Cells {
    let number = |n: Option<u64>| n.map_or(Value::Null, |n| Value::Number(n.into()));
    let (mut length, mut precision, mut scale, mut decimals) = (None, None, None, None);
    match &column.kind {
        SnowflakeType::Varchar { length: n } | SnowflakeType::Binary { length: n } => {
            length = Some(*n);
        }
        SnowflakeType::Number {
            precision: p,
            scale: s,
        } => (precision, scale) = (Some(u64::from(*p)), Some(u64::from(*s))),
        SnowflakeType::Time { scale }
        | SnowflakeType::TimestampNtz { scale }
        | SnowflakeType::TimestampLtz { scale }
        | SnowflakeType::TimestampTz { scale } => decimals = Some(u64::from(*scale)),
        _ => {}
    }
    let octets = match &column.kind {
        SnowflakeType::Varchar { length } => Some((length * 4).min(16_777_216)),
        _ => length,
    };
    let word = match &column.kind {
        SnowflakeType::Varchar { .. } => "TEXT".to_owned(),
        other => other
            .to_string()
            .split('(')
            .next()
            .unwrap_or_default()
            .to_owned(),
    };
    let identity = |value: &str| text(column.identity.then(|| value.to_owned()));
    vec![
        ("", text(object.path[0].clone())),
        ("", text(object.path[1].clone())),
        ("", text(object.path[2].clone())),
        ("", text(column.name.clone())),
        ("", Value::Number((at as i128) + 1)),
        ("", text(column.default.clone())),
        ("", yes_no(column.nullable)),
        ("", text(word)),
        ("", number(length)),
        ("", number(octets)),
        ("", number(precision)),
        ("", number(precision.map(|_| 10))),
        ("", number(scale)),
        ("", number(decimals)),
        ("", yes_no(column.identity)),
        ("", identity("BY DEFAULT")),
        ("", identity("1")),
        ("", identity("1")),
        ("", Value::Null),
        ("", Value::Null),
        ("", identity("NO")),
        ("", identity("NO")),
        ("", Value::Null),
        ("", yes_no(false)),
        ("", text(column.comment.clone())),
        ("", Value::Null),
    ]
}
