//! INSERT: rows of values or of a query, with defaults for what is not given.

use sqlparser::tokenizer::Token;

use super::{answer, column, find, stream_locks};
use crate::engine::catalog::{Column, Object};
use crate::engine::compile::Variables;
use crate::engine::compile::{Context, bind_literal};
use crate::engine::session::Session;
use crate::engine::storage;
use crate::sql::cursor::{Cursor, quoted};
use crate::sql::fragment::Sql;
use crate::sql::lexeme::Lexeme;
use crate::sql::tokens::lex;
use crate::sql::types;
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::{Binds, QueryResult, RowStats, StatementKind};

pub(super) fn insert(
    session: &mut Session,
    mut cursor: Cursor<'_>,
    binds: &Binds,
    variables: &Variables,
) -> Result<QueryResult> {
    let overwrite = cursor.accept("OVERWRITE");
    if cursor.at_words("ALL") || cursor.at_words("FIRST") {
        return Err(SnowflakeError::unsupported("multi-table INSERT"));
    }
    cursor.expect("INTO")?;
    let context = session.context(binds, variables);
    let object = find(&context, &cursor.name()?)?;
    context.require(&object, "INSERT")?;
    let columns = column_names(&mut cursor)?;
    let source = source_text(&mut cursor, binds)?;
    let source = with_defaults(&object, &columns, source)?;
    let streams = context.query(&source)?.streams;
    let mut locks = stream_locks(&context, &streams);
    if overwrite {
        context.require(&object, "DELETE")?;
        locks.push((object.id, object.name().to_string()));
    }
    drop(context);
    let count = session.write(&locks, binds, variables, |context, stamp, effects| {
        let compiled = context.query(&source)?;
        effects.streams.extend(&compiled.streams);
        effects.tables.insert(object.id);
        let sql = insert_sql(context, &object, &columns, &compiled.sql, stamp)?;
        if overwrite {
            // What the source reads is as it was before the table is emptied.
            storage::run(
                context.connection,
                &format!("create or replace temp table _source as {}", compiled.sql),
            )?;
            let ended = format!(
                "update \"T{}\" set _end = {stamp} where {}",
                object.id,
                context.visible()
            );
            storage::run(context.connection, &ended)?;
            let sql = insert_sql(context, &object, &columns, "select * from _source", stamp)?;
            return storage::change(context.connection, &sql);
        }
        storage::change(context.connection, &sql)
    })?;
    let stats = RowStats {
        inserted: count,
        ..RowStats::default()
    };
    Ok(answer(
        StatementKind::Insert,
        &[("number of rows inserted", count)],
        stats,
    ))
}

fn column_names(cursor: &mut Cursor<'_>) -> Result<Vec<String>> {
    let start = cursor.position();
    if !cursor.accept_token(&Token::LParen) {
        return Ok(Vec::new());
    }
    // `INSERT INTO t (SELECT …)`
    if cursor.at_words("SELECT") || cursor.at_words("WITH") {
        cursor.reset(start);
        return Ok(Vec::new());
    }
    let mut names = vec![cursor.identifier()?];
    while cursor.accept_token(&Token::Comma) {
        names.push(cursor.identifier()?);
    }
    cursor.expect_token(&Token::RParen)?;
    Ok(names)
}

/// The source query; a bulk bind makes one row of each of its values.
fn source_text(cursor: &mut Cursor<'_>, binds: &Binds) -> Result<String> {
    let text = cursor.rest_text();
    if text.is_empty() {
        return Err(cursor.unexpected());
    }
    let rows = binds.0.iter().map(|b| b.values.len()).max().unwrap_or(0);
    if rows <= 1 || !cursor.at_words("VALUES") {
        return Ok(text.to_owned());
    }
    let marks = cursor
        .rest()
        .iter()
        .filter(|l| matches!(&l.token, Token::Placeholder(p) if p == "?"))
        .count();
    if marks != binds.0.len() {
        return Err(SnowflakeError::unsupported(
            "bulk binding unless every value is a `?`",
        ));
    }
    let row = |at| {
        binds
            .0
            .iter()
            .map(|b| bind_literal(b, at))
            .collect::<Result<Vec<_>>>()
            .map(|v| format!("({})", v.join(", ")))
    };
    Ok(format!(
        "values {}",
        (0..rows).map(row).collect::<Result<Vec<_>>>()?.join(", ")
    ))
}

/// `VALUES` with each `DEFAULT` replaced by what it stands for.
fn with_defaults(object: &Object, columns: &[String], source: String) -> Result<String> {
    let lexemes = lex(&source)?;
    let is_default = |l: &Lexeme| l.is_word("DEFAULT");
    if !lexemes.first().is_some_and(|l| l.is_word("VALUES")) || !lexemes.iter().any(is_default) {
        return Ok(source);
    }
    let all = object.table()?.columns.iter().map(|c| c.name.as_str());
    let names: Vec<&str> = match columns {
        [] => all.collect(),
        _ => columns.iter().map(String::as_str).collect(),
    };
    let (mut out, mut done, mut depth, mut at) = (String::new(), 0, 0, 0);
    for lexeme in &lexemes {
        match lexeme.token {
            Token::LParen => {
                depth += 1;
                at = if depth == 1 { 0 } else { at };
            }
            Token::RParen => depth -= 1,
            Token::Comma if depth == 1 => at += 1,
            _ if depth == 1 && is_default(lexeme) && at < names.len() => {
                out.push_str(&source[done..lexeme.start]);
                out.push_str(&or_default(object, names[at], "default".to_owned())?);
                done = lexeme.end;
            }
            _ => {}
        }
    }
    out.push_str(&source[done..]);
    Ok(out)
}

/// The SQL that inserts what `source` (DuckDB's SQL) returns.
pub(crate) fn insert_sql(
    context: &Context<'_>,
    object: &Object,
    columns: &[String],
    source: &str,
    stamp: i64,
) -> Result<String> {
    let table = object.table()?;
    let named: Vec<&Column> = if columns.is_empty() {
        table.columns.iter().collect()
    } else {
        columns
            .iter()
            .map(|name| column(object, name))
            .collect::<Result<_>>()?
    };
    let found = storage::types_of(context.connection, source)?;
    if found.len() != named.len() {
        return Err(SnowflakeError::new(
            "002020",
            "21S01",
            format!(
                "SQL compilation error:\nInsert value list does not match column list expecting {} but got {}",
                named.len(),
                found.len()
            ),
        ));
    }
    let aliases = (0..named.len())
        .map(|n| format!("c{n}"))
        .collect::<Vec<_>>()
        .join(", ");
    let mut targets: Vec<String> = named.iter().map(|c| quoted(&c.name)).collect();
    let mut values: Vec<String> = named
        .iter()
        .enumerate()
        .zip(&found)
        .map(|((n, c), (_, found))| {
            types::store_from(&Sql::written(format!("c{n}")), found, &c.kind).into_text()
        })
        .collect();
    for (name, value) in defaults(context, object, |c| named.iter().any(|n| n.name == c.name))? {
        targets.push(quoted(&name));
        values.push(value);
    }
    Ok(format!(
        "insert into \"T{}\" ({}, _begin) select {}, {stamp} from ({source}) as s({aliases})",
        object.id,
        targets.join(", "),
        values.join(", ")
    ))
}

/// The defaults of the columns that a statement leaves out.
pub(crate) fn defaults(
    context: &Context<'_>,
    object: &Object,
    is_given: impl Fn(&Column) -> bool,
) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for (at, column) in object.table()?.columns.iter().enumerate() {
        if is_given(column) {
            continue;
        }
        if column.identity {
            found.push((
                column.name.clone(),
                format!("nextval('\"I{}_{at}\"')", object.id),
            ));
        } else if let Some(default) = &column.default {
            found.push((
                column.name.clone(),
                types::store(&context.expression(default)?, &column.kind).into_text(),
            ));
        }
    }
    Ok(found)
}

/// The value, or the column's default where the statement says `DEFAULT`.
pub(crate) fn or_default(object: &Object, name: &str, value: String) -> Result<String> {
    if !value.trim().eq_ignore_ascii_case("DEFAULT") {
        return Ok(value);
    }
    let column = column(object, name)?;
    if column.identity {
        return Err(SnowflakeError::unsupported(format!(
            "DEFAULT for the AUTOINCREMENT column {name}"
        )));
    }
    Ok(column.default.clone().unwrap_or_else(|| "null".to_owned()))
}
