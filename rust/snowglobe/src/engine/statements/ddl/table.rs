//! CREATE TABLE, in its forms: with columns, AS, LIKE and CLONE.

use std::sync::Arc;

use duckdb::Connection;
use sqlparser::tokenizer::Token;

use super::{New, make, taken};
use crate::engine::catalog::{Body, Column, Kind, Table};
use crate::engine::compile::Variables;
use crate::engine::compile::column_list;
use crate::engine::compile::time_travel;
use crate::engine::session::Session;
use crate::engine::statements::dml;
use crate::engine::storage;
use crate::engine::storage::HIDDEN_COLUMNS;
use crate::sql::cursor::{Cursor, quoted};
use crate::sql::fragment::Sql;
use crate::sql::properties::Properties;
use crate::sql::types;
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::{Binds, ColumnMeta, QueryResult, SnowflakeType};

/// What stands before `TABLE`.
pub(super) struct Flags {
    pub or_replace: bool,
    pub transient: bool,
    pub temporary: bool,
}

/// Runs what follows `CREATE … TABLE`.
pub(super) fn run(
    session: &mut Session,
    mut cursor: Cursor<'_>,
    flags: &Flags,
    variables: &Variables,
) -> Result<QueryResult> {
    let if_not_exists = super::if_not_exists(&mut cursor, flags.or_replace)?;
    let name = cursor.name()?;
    // Snowpark writes it behind the name, which Snowflake takes, too.
    let if_not_exists = if_not_exists || super::if_not_exists(&mut cursor, flags.or_replace)?;
    let (mut columns, mut copied) = (Vec::new(), None);
    if cursor.peek().is_some_and(|l| l.token == Token::LParen) {
        columns = column_definitions(&mut cursor)?;
    } else if cursor.accept("LIKE") || cursor.at_words("CLONE") {
        (columns, copied) = copied_from(session, &mut cursor, variables)?;
    }
    let mut cluster_by = None;
    let mut properties = Properties::parse(&mut cursor)?;
    while cursor.accept("CLUSTER BY") {
        cluster_by = Some(cursor.parenthesized()?.0.to_owned());
        properties.extend(Properties::parse(&mut cursor)?);
    }
    if cursor.accept("COPY GRANTS") {
        return Err(SnowflakeError::unsupported("COPY GRANTS"));
    }
    let query = if cursor.accept("AS") {
        Some(cursor.rest_text().to_owned())
    } else {
        None
    };
    if query.is_none() {
        cursor.end()?;
    }
    let comment = properties.take_text("COMMENT")?;
    let retention_days = properties
        .take_integer("DATA_RETENTION_TIME_IN_DAYS")?
        .unwrap_or(1);
    let change_tracking = properties.take_bool("CHANGE_TRACKING")?.unwrap_or(false);
    properties.end()?;
    let mut source = None;
    if let Some(query) = query {
        let (compiled, found) = described(session, &query, variables)?;
        columns = columns_for(columns, found)?;
        source = Some((query, compiled));
    }
    check_names(&columns)?;
    let table = Table {
        columns,
        transient: flags.transient,
        temporary_of: flags.temporary.then_some(session.id),
        cluster_by,
        retention_days,
        change_tracking,
    };
    let new = New {
        kind: Kind::Table,
        name,
        or_replace: flags.or_replace,
        if_not_exists,
        comment,
        body: Body::Table(table.clone()),
    };
    let rows = match (source, copied) {
        (Some((query, streams)), _) => Rows::Query { query, streams },
        (None, Some((source, at))) => Rows::Clone { source, at },
        (None, None) => Rows::None,
    };
    fill(session, new, &table, rows, variables)
}

/// The columns of the table after LIKE or CLONE; with CLONE also its rows: its id, and the commit that they are read at.
fn copied_from(
    session: &Session,
    cursor: &mut Cursor<'_>,
    variables: &Variables,
) -> Result<(Vec<Column>, Option<ClonedFrom>)> {
    let with_rows = cursor.accept("CLONE");
    let binds = Binds::default();
    let context = session.context(&binds, variables);
    let source = dml::find(&context, &cursor.name()?)?;
    context.require(&source, "SELECT")?;
    let columns = source.table()?.columns.clone();
    let mut at = context.snapshot.at;
    if with_rows && (cursor.at_words("AT") || cursor.at_words("BEFORE")) {
        let word = cursor.identifier()?;
        let (inside, _) = cursor.parenthesized()?;
        at = time_travel::snapshot_of_text(&context, &source, &format!("{word}({inside})"))?;
    }
    Ok((columns, with_rows.then_some((source.id, at))))
}

/// The columns that were given for those of a query, or else the query's.
fn columns_for(given: Vec<Column>, found: Vec<Column>) -> Result<Vec<Column>> {
    if given.is_empty() {
        return Ok(found);
    }
    if given.len() != found.len() {
        return Err(SnowflakeError::new(
            "002020",
            "21S01",
            format!(
                "SQL compilation error:\nInvalid column definition list: {} columns for a query of {}",
                given.len(),
                found.len()
            ),
        ));
    }
    Ok(given)
}

/// The table and the commit that a clone's rows come from.
type ClonedFrom = (u64, i64);

/// What a new table starts with.
enum Rows {
    None,
    Clone {
        source: u64,
        at: i64,
    },
    Query {
        query: String,
        streams: Vec<(u64, String)>,
    },
}

fn fill(
    session: &mut Session,
    new: New,
    table: &Table,
    rows: Rows,
    variables: &Variables,
) -> Result<QueryResult> {
    let shared = Arc::clone(&session.shared);
    match rows {
        Rows::None => make(session, new, |connection, id| {
            create_physical(connection, id, table)
        }),
        Rows::Clone { source, at } => {
            let now = shared.committed();
            let columns = column_list(table);
            make(session, new, |connection, id| {
                create_physical(connection, id, table)?;
                storage::run(
                    connection,
                    &format!(
                        "insert into \"T{id}\" ({columns}, _begin) select {columns}, {now} from \"T{source}\" where _begin <= {at} and _end > {at}"
                    ),
                )
            })
        }
        Rows::Query { query, streams } => {
            // A table that is there already must not cost the streams their offset.
            if let Some(answer) = taken(session, &new)? {
                return Ok(answer);
            }
            // The rows are computed first, in the session's own transaction, so that a failure leaves what is there.
            let staging = format!("_ctas_{}", session.id);
            session.write(&streams, &Binds::default(), variables, |context, _, effects| {
                let compiled = context.query(&query)?;
                effects.streams.extend(&compiled.streams);
                let aliases = (0..table.columns.len()).map(|n| format!("c{n}")).collect::<Vec<_>>().join(", ");
                let values: Vec<String> = table.columns.iter().enumerate().map(|(n, c)| format!("{} as c{n}", types::store(&Sql::written(format!("c{n}")), &c.kind).as_str())).collect();
                storage::run(
                    context.connection,
                    &format!("create or replace table \"{staging}\" as select {} from ({}) as s({aliases})", values.join(", "), compiled.sql),
                )
            })?;
            let at = shared.committed();
            let columns = column_list(table);
            let made = make(session, new, |connection, id| {
                create_physical(connection, id, table)?;
                storage::run(
                    connection,
                    &format!(
                        "insert into \"T{id}\" ({columns}, _begin) select *, {at} from \"{staging}\"; drop table \"{staging}\""
                    ),
                )
            });
            let _ = storage::run(
                &session.connection,
                &format!("drop table if exists \"{staging}\""),
            );
            made
        }
    }
}

/// Streams to lock, by id and name.
type Locks = Vec<(u64, String)>;

/// The streams that the query reads, and the columns that it returns.
fn described(
    session: &Session,
    query: &str,
    variables: &Variables,
) -> Result<(Locks, Vec<Column>)> {
    let binds = Binds::default();
    let context = session.context(&binds, variables);
    let compiled = context.query(query)?;
    let found = storage::query(
        &session.connection,
        &format!("select * from ({}) limit 0", compiled.sql),
    )?;
    Ok((
        dml::stream_locks(&context, &compiled.streams),
        found.columns.iter().map(column_of).collect(),
    ))
}

fn column_of(meta: &ColumnMeta) -> Column {
    let kind = match &meta.kind {
        SnowflakeType::Number { scale: 0, .. } => SnowflakeType::INTEGER,
        other => other.clone(),
    };
    Column {
        name: meta.name.clone(),
        kind,
        nullable: true,
        default: None,
        identity: false,
        comment: None,
        primary_key: false,
    }
}

fn check_names(columns: &[Column]) -> Result<()> {
    if columns.is_empty() {
        return Err(SnowflakeError::compilation("a table needs columns"));
    }
    for (at, column) in columns.iter().enumerate() {
        if let Some(twin) = columns[..at]
            .iter()
            .find(|c| c.name.eq_ignore_ascii_case(&column.name))
        {
            if twin.name == column.name {
                return Err(SnowflakeError::new(
                    "002025",
                    "42S21",
                    format!(
                        "SQL compilation error:\nduplicate column name '{}'",
                        column.name
                    ),
                ));
            }
            return Err(SnowflakeError::unsupported(format!(
                "columns {} and {} in one table: names that differ only in case",
                twin.name, column.name
            )));
        }
        if column.name.starts_with('_')
            && ["_rid", "_begin", "_end", "_updated", "_row", "_act"]
                .iter()
                .any(|h| column.name.eq_ignore_ascii_case(h))
        {
            return Err(SnowflakeError::unsupported(format!(
                "a column named {}: the name is reserved by Snowglobe",
                column.name
            )));
        }
    }
    Ok(())
}

/// Lays down the table in DuckDB.
pub(super) fn create_physical(connection: &Connection, id: u64, table: &Table) -> Result<()> {
    let mut parts = Vec::new();
    for (at, column) in table.columns.iter().enumerate() {
        let null = if column.nullable { "" } else { " not null" };
        parts.push(format!(
            "{} {}{null}",
            quoted(&column.name),
            types::duckdb(&column.kind)
        ));
        if column.identity {
            storage::run(connection, &format!("create sequence \"I{id}_{at}\""))?;
        }
    }
    storage::run(
        connection,
        &format!(
            "create table \"T{id}\" ({}, {HIDDEN_COLUMNS})",
            parts.join(", ")
        ),
    )
}

fn column_definitions(cursor: &mut Cursor<'_>) -> Result<Vec<Column>> {
    cursor.expect_token(&Token::LParen)?;
    let mut columns: Vec<Column> = Vec::new();
    loop {
        if is_constraint(cursor) {
            for name in table_constraint(cursor)? {
                let column = columns.iter_mut().find(|c| c.name == name);
                let column = column.ok_or_else(|| SnowflakeError::invalid_identifier(&name))?;
                column.primary_key = true;
                column.nullable = false;
            }
        } else {
            columns.push(column_definition(cursor)?);
        }
        if !cursor.accept_token(&Token::Comma) {
            break;
        }
    }
    cursor.expect_token(&Token::RParen)?;
    Ok(columns)
}

fn is_constraint(cursor: &Cursor<'_>) -> bool {
    ["CONSTRAINT", "PRIMARY KEY", "UNIQUE", "FOREIGN KEY"]
        .iter()
        .any(|words| cursor.at_words(words))
}

/// Reads a constraint of the whole table; returns the columns of a primary key. None is enforced, as on Snowflake.
fn table_constraint(cursor: &mut Cursor<'_>) -> Result<Vec<String>> {
    if cursor.accept("CONSTRAINT") {
        cursor.identifier()?;
    }
    let is_key = cursor.at_words("PRIMARY KEY");
    let length = cursor.until(&[",", ")"]);
    let mut inner = cursor.over(&cursor.rest()[..length]);
    cursor.take_text(length);
    if !is_key {
        return Ok(Vec::new());
    }
    inner.expect("PRIMARY KEY")?;
    inner.expect_token(&Token::LParen)?;
    let mut names = vec![inner.identifier()?];
    while inner.accept_token(&Token::Comma) {
        names.push(inner.identifier()?);
    }
    inner.expect_token(&Token::RParen)?;
    Ok(names)
}

/// Reads one column.
pub(super) fn column_definition(cursor: &mut Cursor<'_>) -> Result<Column> {
    let name = cursor.identifier()?;
    let kind = types::parse(cursor)?;
    let mut column = Column {
        name,
        kind,
        nullable: true,
        default: None,
        identity: false,
        comment: None,
        primary_key: false,
    };
    loop {
        if cursor.accept("NOT NULL") {
            column.nullable = false;
        } else if cursor.accept("NULL") {
            column.nullable = true;
        } else if cursor.accept("DEFAULT") {
            let stops = [
                ",",
                ")",
                "NOT",
                "COMMENT",
                "PRIMARY",
                "UNIQUE",
                "CONSTRAINT",
            ];
            column.default = Some(cursor.text_until(&stops)?.to_owned());
        } else if cursor.accept("AUTOINCREMENT") || cursor.accept("IDENTITY") {
            identity_options(cursor)?;
            column.identity = true;
        } else if cursor.accept("PRIMARY KEY") {
            column.primary_key = true;
            column.nullable = false;
        } else if cursor.accept("UNIQUE") {
        } else if cursor.accept("COMMENT") {
            column.comment = Some(cursor.text()?);
        } else if cursor.accept("CONSTRAINT") {
            cursor.identifier()?;
        } else if cursor.accept("REFERENCES") {
            cursor.name()?;
            if cursor.peek().is_some_and(|l| l.token == Token::LParen) {
                cursor.parenthesized()?;
            }
        } else if cursor
            .peek()
            .is_some_and(|l| l.token == Token::Comma || l.token == Token::RParen)
            || cursor.is_done()
        {
            return Ok(column);
        } else {
            return Err(cursor.unexpected());
        }
    }
}

fn identity_options(cursor: &mut Cursor<'_>) -> Result<()> {
    if cursor.peek().is_some_and(|l| l.token == Token::LParen) {
        let (text, _) = cursor.parenthesized()?;
        if text.replace(' ', "") != "1,1" {
            return Err(SnowflakeError::unsupported(
                "AUTOINCREMENT other than (1, 1)",
            ));
        }
    }
    if cursor.accept("START") && cursor.integer()? != 1
        || cursor.accept("INCREMENT") && cursor.integer()? != 1
    {
        return Err(SnowflakeError::unsupported(
            "AUTOINCREMENT other than START 1 INCREMENT 1",
        ));
    }
    let _ = cursor.accept("ORDER") || cursor.accept("NOORDER");
    Ok(())
}
