//! INSERT, UPDATE, DELETE, TRUNCATE and MERGE.
//!
//! Each computes a plan with a query, then ends the row versions that change and adds the new ones. Nothing is changed in place, so streams and other
//! transactions still find what was there.

use std::collections::BTreeMap;
use std::sync::Arc;

use sqlparser::tokenizer::Token;

use super::catalog::{Body, Column, Object, Table};
use super::compile::{Context, TARGET, Typed, bind_literal};
use super::error::{Result, SnowflakeError};
use super::merge;
use super::session::{Effects, Session};
use super::storage;
use super::value::{Binds, ColumnMeta, QueryResult, RowStats, SnowflakeType, StatementKind, Value};
use crate::sql::cursor::{Cursor, Name, quoted};
use crate::sql::tokens::{Lexeme, lex};
use crate::sql::types;

pub(crate) type Variables = BTreeMap<String, Typed>;

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
        format!("\"{TARGET}{}\" as {}", self.object.id, quoted(&self.alias))
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
        "MERGE" => merge::run(session, cursor, binds, variables),
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

fn insert(
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
        .map(|((n, c), (_, found))| types::store_from(&format!("c{n}"), found, &c.kind))
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
                types::store(&context.expression(default)?, &column.kind),
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

/// The table's column of that name.
pub(crate) fn column<'t>(object: &'t Object, name: &str) -> Result<&'t Column> {
    let found = object.table()?.columns.iter().find(|c| c.name == name);
    found.ok_or_else(|| SnowflakeError::invalid_identifier(name))
}

/// Reads `column = expression, …` up to `stops`.
pub(crate) fn assignments(
    cursor: &mut Cursor<'_>,
    target: &Target,
    stops: &[&str],
) -> Result<Vec<(String, String)>> {
    let mut found: Vec<(String, String)> = Vec::new();
    loop {
        let name = cursor.name()?;
        let column = column(&target.object, name.last())?.name.clone();
        cursor.expect_token(&Token::Eq)?;
        let mut ends = vec![","];
        ends.extend(stops);
        let value = cursor.text_until(&ends)?.to_owned();
        if found.iter().any(|(c, _)| *c == column) {
            return Err(SnowflakeError::new(
                "002025",
                "42S21",
                format!("SQL compilation error:\nduplicate column name '{column}'"),
            ));
        }
        let value = or_default(&target.object, &column, value)?;
        found.push((column, value));
        if !cursor.accept_token(&Token::Comma) {
            return Ok(found);
        }
    }
}

fn update(
    session: &mut Session,
    mut cursor: Cursor<'_>,
    binds: &Binds,
    variables: &Variables,
) -> Result<QueryResult> {
    let context = session.context(binds, variables);
    let target = Target::parse(&context, &mut cursor, &["SET"])?;
    context.require(&target.object, "UPDATE")?;
    cursor.expect("SET")?;
    let set = assignments(&mut cursor, &target, &["FROM", "WHERE"])?;
    let from = if cursor.accept("FROM") {
        Some(cursor.text_until(&["WHERE"])?.to_owned())
    } else {
        None
    };
    let condition = if cursor.accept("WHERE") {
        cursor.text_until(&[])?.to_owned()
    } else {
        "true".to_owned()
    };
    cursor.end()?;
    let alias = quoted(&target.alias);
    let mut items = vec![
        format!("{alias}._rid as _rid"),
        format!("{alias}._row as _row"),
    ];
    for (at, column) in target.table()?.columns.iter().enumerate() {
        let value = set.iter().find(|(name, _)| *name == column.name);
        let value = value.map_or_else(
            || format!("{alias}.{}", quoted(&column.name)),
            |(_, value)| format!("({value})"),
        );
        items.push(format!("{value} as c{at}"));
    }
    let others = from
        .as_ref()
        .map_or(String::new(), |from| format!(", {from}"));
    let plan = format!(
        "select {} from {}{others} where {condition}",
        items.join(", "),
        target.relation()
    );
    let mut locks = stream_locks(&context, &context.query(&plan)?.streams);
    locks.push(target.lock());
    drop(context);
    let strict = session
        .parameters
        .is_true("ERROR_ON_NONDETERMINISTIC_UPDATE");
    let (updated, joined) =
        session.write(&locks, binds, variables, |context, stamp, effects| {
            let compiled = context.query(&plan)?;
            effects.streams.extend(&compiled.streams);
            effects.tables.insert(target.object.id);
            apply_update(
                context,
                &target,
                &set,
                &compiled.sql,
                from.is_some(),
                strict,
                stamp,
            )
        })?;
    let stats = RowStats {
        updated,
        ..RowStats::default()
    };
    Ok(answer(
        StatementKind::Update,
        &[
            ("number of rows updated", updated),
            ("number of multi-joined rows updated", joined),
        ],
        stats,
    ))
}

fn apply_update(
    context: &Context<'_>,
    target: &Target,
    set: &[(String, String)],
    plan: &str,
    is_joined: bool,
    strict: bool,
    stamp: i64,
) -> Result<(u64, u64)> {
    let columns = &target.table()?.columns;
    // Before a column's value, the plan has two of its own.
    let found = storage::types_of(context.connection, plan)?;
    let value = |(at, column): (usize, &Column)| {
        let is_set = set.iter().any(|(name, _)| *name == column.name);
        let name = format!("\"C{at}\"");
        let value = if is_set {
            types::store_from(&name, &found[at + 2].1, &column.kind)
        } else {
            name
        };
        format!("{value} as c{at}")
    };
    let values = columns
        .iter()
        .enumerate()
        .map(value)
        .collect::<Vec<_>>()
        .join(", ");
    let distinct = if is_joined { "distinct on (_rid)" } else { "" };
    let connection = context.connection;
    let mut joined = 0;
    if is_joined {
        joined = storage::count(
            connection,
            &format!(
                "select count(*) from (select _rid from ({plan}) group by _rid having count(*) > 1)"
            ),
        )?;
        if strict && joined > 0 {
            return Err(merge::nondeterministic(&[]));
        }
    }
    storage::run(
        connection,
        &format!(
            "create or replace temp table _plan as select {distinct} _rid, _row, {values} from ({plan})"
        ),
    )?;
    let physical = target.physical();
    let updated = storage::change(
        connection,
        &format!(
            "update {physical} set _end = {stamp} from _plan where {physical}.rowid = _plan._row"
        ),
    )?;
    let names = columns
        .iter()
        .map(|c| quoted(&c.name))
        .collect::<Vec<_>>()
        .join(", ");
    let new = (0..columns.len())
        .map(|n| format!("c{n}"))
        .collect::<Vec<_>>()
        .join(", ");
    storage::run(
        connection,
        &format!(
            "insert into {physical} ({names}, _rid, _begin, _updated) select {new}, _rid, {stamp}, true from _plan; drop table _plan"
        ),
    )?;
    Ok((updated, joined.unsigned_abs()))
}

fn delete(
    session: &mut Session,
    mut cursor: Cursor<'_>,
    binds: &Binds,
    variables: &Variables,
) -> Result<QueryResult> {
    cursor.expect("FROM")?;
    let context = session.context(binds, variables);
    let target = Target::parse(&context, &mut cursor, &["USING", "WHERE"])?;
    context.require(&target.object, "DELETE")?;
    let using = if cursor.accept("USING") {
        format!(", {}", cursor.text_until(&["WHERE"])?)
    } else {
        String::new()
    };
    let condition = if cursor.accept("WHERE") {
        cursor.text_until(&[])?.to_owned()
    } else {
        "true".to_owned()
    };
    cursor.end()?;
    let plan = format!(
        "select {}._row from {}{using} where {condition}",
        quoted(&target.alias),
        target.relation()
    );
    let mut locks = stream_locks(&context, &context.query(&plan)?.streams);
    locks.push(target.lock());
    drop(context);
    let deleted = session.write(&locks, binds, variables, |context, stamp, effects| {
        let compiled = context.query(&plan)?;
        effects.streams.extend(&compiled.streams);
        effects.tables.insert(target.object.id);
        storage::change(
            context.connection,
            &format!(
                "update {} set _end = {stamp} where rowid in ({})",
                target.physical(),
                compiled.sql
            ),
        )
    })?;
    let stats = RowStats {
        deleted,
        ..RowStats::default()
    };
    Ok(answer(
        StatementKind::Delete,
        &[("number of rows deleted", deleted)],
        stats,
    ))
}

fn truncate(session: &mut Session, mut cursor: Cursor<'_>) -> Result<QueryResult> {
    cursor.accept("TABLE");
    let if_exists = cursor.accept("IF EXISTS");
    let name = cursor.name()?;
    cursor.end()?;
    let (binds, variables) = (Binds::default(), Variables::new());
    let context = session.context(&binds, &variables);
    let object = match find(&context, &name) {
        Err(error) if if_exists && error.code == "002003" => {
            return Ok(QueryResult::status("Statement executed successfully."));
        }
        found => found?,
    };
    context.require(&object, "TRUNCATE")?;
    drop(context);
    let locks = [(object.id, object.name().to_string())];
    let deleted = session.write(&locks, &binds, &variables, |context, stamp, effects| {
        empty(context, &object, stamp, effects)
    })?;
    let stats = RowStats {
        deleted,
        ..RowStats::default()
    };
    Ok(QueryResult {
        stats,
        ..QueryResult::status("Statement executed successfully.")
    })
}

/// Ends every row, and forgets what COPY has loaded: it will load the same files again. What pipes have loaded is remembered with the pipe.
fn empty(context: &Context<'_>, object: &Object, stamp: i64, effects: &mut Effects) -> Result<u64> {
    effects.tables.insert(object.id);
    effects.forgotten.insert(object.id);
    effects.records.push(format!(
        "update sys_loads set counts = false where target = {} and pipe = 0",
        object.id
    ));
    storage::change(
        context.connection,
        &format!(
            "update \"T{}\" set _end = {stamp} where {}",
            object.id,
            context.visible()
        ),
    )
}
