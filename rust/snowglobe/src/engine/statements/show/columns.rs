//! SHOW COLUMNS and SHOW … KEYS.

use std::sync::Arc;

use super::describe::described;
use super::{arranged, layout, like, text};
use crate::engine::catalog::{Body, Column, Kind, Object};
use crate::engine::compile::Context;
use crate::sql::cursor::Cursor;
use crate::types::error::Result;
use crate::types::value::{ColumnMeta, QueryResult, SnowflakeType, Value};

/// The tables that the statement asks for, and its views: one by name, or all of a schema, a database or the account.
fn relations(context: &Context<'_>, cursor: &mut Cursor<'_>) -> Result<Vec<Arc<Object>>> {
    let mut within: Vec<String> = Vec::new();
    let here = || {
        context
            .names
            .database
            .iter()
            .chain(&context.names.schema)
            .cloned()
    };
    if !cursor.accept("IN") {
        within.extend(here());
    } else if cursor.accept("ACCOUNT") {
    } else if cursor.accept("DATABASE") {
        match cursor.is_done() {
            true => within.extend(context.names.database.clone()),
            false => within.clone_from(&context.find(Kind::Database, &cursor.name()?)?.path),
        }
    } else if cursor.accept("SCHEMA") {
        match cursor.is_done() {
            true => within.extend(here()),
            false => within.clone_from(&context.find(Kind::Schema, &cursor.name()?)?.path),
        }
    } else {
        let _ = cursor.accept("TABLE") || cursor.accept("VIEW");
        let object = context.find_relation(&cursor.name()?)?;
        cursor.end()?;
        return Ok(vec![object]);
    }
    cursor.end()?;
    let all = [Kind::Table, Kind::View].into_iter();
    let mut found: Vec<Arc<Object>> = all
        .flat_map(|kind| context.snapshot.catalog.all(kind))
        .filter(|o| o.path.starts_with(&within) && context.find(o.kind, &o.name()).is_ok())
        .cloned()
        .collect();
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

pub(super) fn columns(context: &Context<'_>, mut cursor: Cursor<'_>) -> Result<QueryResult> {
    let pattern = match cursor.accept("LIKE") {
        true => Some(cursor.text()?.to_uppercase()),
        false => None,
    };
    let mut rows = Vec::new();
    for object in relations(context, &mut cursor)? {
        let stored = match &object.body {
            Body::Table(table) => table.columns.as_slice(),
            _ => &[],
        };
        for (at, column) in described(context, &object)?.into_iter().enumerate() {
            let name = column.name.to_uppercase();
            if pattern.as_ref().is_none_or(|pattern| like(&name, pattern)) {
                rows.push(row(&object, &column, stored.get(at)));
            }
        }
    }
    Ok(arranged(rows, layout::COLUMNS, false))
}

fn row(object: &Object, column: &ColumnMeta, stored: Option<&Column>) -> super::Cells {
    let null = if column.nullable { "true" } else { "NOT_NULL" };
    let default = stored.and_then(|c| c.default.clone()).unwrap_or_default();
    let comment = stored.and_then(|c| c.comment.clone()).unwrap_or_default();
    let identity = match stored.is_some_and(|c| c.identity) {
        true => "IDENTITY START 1 INCREMENT 1 NOORDER",
        false => "",
    };
    vec![
        ("table_name", text(object.short().to_owned())),
        ("schema_name", text(object.path[1].clone())),
        ("column_name", text(column.name.clone())),
        ("data_type", text(type_json(column))),
        ("null?", text(null.to_owned())),
        ("default", text(default)),
        ("kind", text("COLUMN".to_owned())),
        ("expression", text(String::new())),
        ("comment", text(comment)),
        ("database_name", text(object.path[0].clone())),
        ("autoincrement", text(identity.to_owned())),
    ]
}

/// A column's type as SHOW COLUMNS writes it.
fn type_json(column: &ColumnMeta) -> String {
    let nullable = column.nullable;
    let json = match &column.kind {
        SnowflakeType::Number { precision, scale } => {
            serde_json::json!({"type": "FIXED", "precision": precision, "scale": scale, "nullable": nullable})
        }
        SnowflakeType::Varchar { length } => {
            let bytes = (length * 4).min(16_777_216);
            serde_json::json!({"type": "TEXT", "length": length, "byteLength": bytes, "nullable": nullable, "fixed": false})
        }
        SnowflakeType::Binary { length } => {
            serde_json::json!({"type": "BINARY", "length": length, "byteLength": length, "nullable": nullable, "fixed": true})
        }
        SnowflakeType::Float => serde_json::json!({"type": "REAL", "nullable": nullable}),
        SnowflakeType::Time { scale }
        | SnowflakeType::TimestampNtz { scale }
        | SnowflakeType::TimestampLtz { scale }
        | SnowflakeType::TimestampTz { scale } => {
            serde_json::json!({"type": word(&column.kind), "precision": 0, "scale": scale, "nullable": nullable})
        }
        other => serde_json::json!({"type": word(other), "nullable": nullable}),
    };
    json.to_string()
}

fn word(kind: &SnowflakeType) -> String {
    let shown = kind.to_string();
    shown.split('(').next().unwrap_or_default().to_owned()
}

pub(super) fn primary_keys(context: &Context<'_>, mut cursor: Cursor<'_>) -> Result<QueryResult> {
    let mut rows = Vec::new();
    for object in relations(context, &mut cursor)? {
        let Body::Table(table) = &object.body else {
            continue;
        };
        let keys = table.columns.iter().filter(|c| c.primary_key);
        for (at, column) in keys.enumerate() {
            let name = format!("SYS_CONSTRAINT_{}", object.id);
            rows.push(vec![
                ("created_on", Value::TimestampLtz(object.created_micros)),
                ("database_name", text(object.path[0].clone())),
                ("schema_name", text(object.path[1].clone())),
                ("table_name", text(object.short().to_owned())),
                ("column_name", text(column.name.clone())),
                ("key_sequence", Value::Number((at + 1) as i128)),
                ("constraint_name", text(name)),
            ]);
        }
    }
    Ok(arranged(rows, layout::PRIMARY_KEYS, false))
}

/// Keys of which Snowglobe keeps none: unique and foreign ones.
pub(super) fn no_keys(
    context: &Context<'_>,
    mut cursor: Cursor<'_>,
    layout: &'static str,
) -> Result<QueryResult> {
    relations(context, &mut cursor)?;
    Ok(arranged(Vec::new(), layout, false))
}
