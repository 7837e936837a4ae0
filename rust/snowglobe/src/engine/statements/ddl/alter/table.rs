//! ALTER TABLE.

use super::set;
use crate::engine::catalog::{Body, Object, Table};
use crate::engine::compile::Variables;
use crate::engine::session::Session;
use crate::engine::statements::ddl::table::column_definition;
use crate::engine::statements::dml;
use crate::engine::storage;
use crate::sql::cursor::{Cursor, literal, quoted};
use crate::sql::properties::Properties;
use crate::sql::types;
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::{Binds, QueryResult, Value};
use sqlparser::tokenizer::Token;

pub(super) fn table_properties(table: &mut Table, properties: &mut Properties) -> Result<()> {
    if let Some(days) = properties.take_integer("DATA_RETENTION_TIME_IN_DAYS")? {
        table.retention_days = days;
    }
    if let Some(tracking) = properties.take_bool("CHANGE_TRACKING")? {
        table.change_tracking = tracking;
    }
    Ok(())
}

pub(super) fn table(
    session: &mut Session,
    mut cursor: Cursor<'_>,
    object: &Object,
) -> Result<QueryResult> {
    if cursor.at_words("SET") || cursor.at_words("UNSET") {
        return set(session, cursor, object);
    }
    session.wait_for_table(object)?;
    let id = object.id;
    let mut new = object.clone();
    let Body::Table(body) = &mut new.body else {
        return Err(cursor.unexpected());
    };
    let mut statements = Vec::new();
    if cursor.accept("ADD") {
        add_columns(session, &mut cursor, id, body, &mut statements)?;
    } else if cursor.accept("DROP") {
        drop_columns(&mut cursor, object, body, &mut statements)?;
    } else if cursor.accept("RENAME COLUMN") {
        let old = cursor.identifier()?;
        cursor.expect("TO")?;
        let name = cursor.identifier()?;
        dml::column(object, &old)?;
        statements.push(format!(
            "alter table \"T{id}\" rename column {} to {}",
            quoted(&old),
            quoted(&name)
        ));
        body.columns
            .iter_mut()
            .filter(|c| c.name == old)
            .for_each(|c| c.name.clone_from(&name));
    } else if cursor.accept("ALTER") || cursor.accept("MODIFY") {
        let parenthesized = cursor.accept_token(&Token::LParen);
        loop {
            statements.push(alter_column(&mut cursor, object, body)?);
            if !cursor.accept_token(&Token::Comma) {
                break;
            }
        }
        if parenthesized {
            cursor.expect_token(&Token::RParen)?;
        }
    } else if cursor.accept("CLUSTER BY") {
        body.cluster_by = Some(cursor.parenthesized()?.0.to_owned());
    } else if cursor.accept("DROP CLUSTERING KEY") {
        body.cluster_by = None;
    } else {
        return Err(SnowflakeError::unsupported(format!(
            "ALTER TABLE … {}",
            cursor.rest_text()
        )));
    }
    cursor.end()?;
    session.shared.change_storage(|catalog, connection| {
        for statement in statements.iter().filter(|s| !s.is_empty()) {
            storage::run(connection, statement)?;
        }
        catalog.update(id, |o| *o = new);
        Ok(())
    })?;
    Ok(QueryResult::status("Statement executed successfully."))
}

/// Reads the columns after DROP, with the statements of DuckDB's that drop them.
fn drop_columns(
    cursor: &mut Cursor<'_>,
    object: &Object,
    body: &mut Table,
    statements: &mut Vec<String>,
) -> Result<()> {
    let id = object.id;
    cursor.accept("COLUMN");
    let if_exists = cursor.accept("IF EXISTS");
    loop {
        let name = cursor.identifier()?;
        match dml::column(object, &name) {
            Err(error) if !if_exists => return Err(error),
            Err(_) => {}
            Ok(_) => {
                statements.push(format!(
                    "alter table \"T{id}\" drop column {}",
                    quoted(&name)
                ));
                body.columns.retain(|c| c.name != name);
            }
        }
        if !cursor.accept_token(&Token::Comma) {
            break;
        }
    }
    Ok(())
}

/// Reads the columns after ADD, with the statements of DuckDB's that add them.
fn add_columns(
    session: &Session,
    cursor: &mut Cursor<'_>,
    id: u64,
    body: &mut Table,
    statements: &mut Vec<String>,
) -> Result<()> {
    cursor.accept("COLUMN");
    loop {
        let if_not_exists = cursor.accept("IF NOT EXISTS");
        let column = column_definition(cursor)?;
        if body.columns.iter().any(|c| c.name == column.name) {
            if !if_not_exists {
                return Err(SnowflakeError::new(
                    "001430",
                    "42601",
                    format!(
                        "SQL compilation error:\ncolumn '{}' already exists",
                        column.name
                    ),
                ));
            }
        } else {
            statements.push(add_column(session, id, &column)?);
            body.columns.push(column);
        }
        if !cursor.accept_token(&Token::Comma) {
            break;
        }
        cursor.accept("COLUMN");
    }
    Ok(())
}

fn add_column(
    session: &Session,
    id: u64,
    column: &crate::engine::catalog::Column,
) -> Result<String> {
    if column.identity {
        return Err(SnowflakeError::unsupported(
            "adding an AUTOINCREMENT column",
        ));
    }
    let (binds, variables) = (Binds::default(), Variables::new());
    if !column.nullable && column.default.is_none() {
        let rows = storage::count(
            &session.connection,
            &format!("select count(*) from \"T{id}\""),
        )?;
        if rows > 0 {
            return Err(SnowflakeError::new(
                "002108",
                "22000",
                format!(
                    "SQL compilation error:\nNon-nullable column '{}' cannot be added to non-empty table.",
                    column.name
                ),
            ));
        }
    }
    let (name, kind) = (quoted(&column.name), types::duckdb(&column.kind));
    let mut sql = format!("alter table \"T{id}\" add column {name} {kind}");
    if let Some(default) = &column.default {
        // DuckDB wants a constant, and gives it to the rows that are there.
        let default = session.context(&binds, &variables).expression(default)?;
        let value = types::store(&default, &column.kind).into_text();
        let found = storage::query(
            &session.connection,
            &format!("select cast({value} as varchar)"),
        )?;
        if let Some(Value::Text(text)) = found.rows.first().and_then(|row| row.first()) {
            sql += &format!(" default cast({} as {kind})", literal(text));
        }
    }
    if !column.nullable {
        sql += &format!("; alter table \"T{id}\" alter column {name} set not null");
    }
    Ok(sql)
}

fn alter_column(cursor: &mut Cursor<'_>, object: &Object, body: &mut Table) -> Result<String> {
    cursor.accept("COLUMN");
    let name = cursor.identifier()?;
    dml::column(object, &name)?;
    let Some(column) = body.columns.iter_mut().find(|c| c.name == name) else {
        return Err(cursor.unexpected());
    };
    let physical = format!(
        "alter table \"T{}\" alter column {}",
        object.id,
        quoted(&name)
    );
    if cursor.accept("SET NOT NULL") {
        column.nullable = false;
        return Ok(format!("{physical} set not null"));
    }
    if cursor.accept("DROP NOT NULL") {
        column.nullable = true;
        return Ok(format!("{physical} drop not null"));
    }
    if cursor.accept("COMMENT") {
        column.comment = Some(cursor.text()?);
        return Ok(String::new());
    }
    if cursor.accept("DROP DEFAULT") {
        column.default = None;
        return Ok(String::new());
    }
    let _ = cursor.accept("SET DATA") || cursor.accept("SET");
    cursor.expect("TYPE")?;
    let kind = types::parse(cursor)?;
    use crate::types::value::SnowflakeType::{Number, Varchar};
    let wider = match (&column.kind, &kind) {
        (Varchar { length: old }, Varchar { length: new }) => new >= old,
        (
            Number {
                precision: p,
                scale: s,
            },
            Number {
                precision: np,
                scale: ns,
            },
        ) => s == ns && np >= p,
        (old, new) => old == new,
    };
    if !wider {
        return Err(SnowflakeError::new(
            "002219",
            "42601",
            format!(
                "SQL compilation error:\ncannot change column {name} from type {} to {kind}",
                column.kind
            ),
        ));
    }
    let same = types::duckdb(&column.kind) == types::duckdb(&kind);
    column.kind = kind;
    Ok(if same {
        String::new()
    } else {
        format!("{physical} type {}", types::duckdb(&column.kind))
    })
}
