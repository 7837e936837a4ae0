//! MERGE, in every form of WHEN.
//!
//! A plan says for each joined pair which clause it falls under and what the row becomes. A target row that two source rows would change is an error,
//! unless ERROR_ON_NONDETERMINISTIC_MERGE says that an arbitrary one wins.

use std::collections::HashMap;

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::Token;

use super::catalog::Column;
use super::compile::Context;
use super::dml::{
    Target, Variables, answer, assignments, column, defaults, or_default, stream_locks,
};
use super::error::{Result, SnowflakeError};
use super::session::Session;
use super::storage;
use super::value::{Binds, QueryResult, RowStats, StatementKind, Value};
use crate::sql::cursor::{Cursor, quoted};
use crate::sql::tokens::{Lexeme, lex};
use crate::sql::types;

enum Action {
    Update(Vec<(String, String)>),
    Delete,
    Insert(Vec<(String, String)>),
}

struct Clause {
    matched: bool,
    condition: Option<String>,
    action: Action,
}

/// Runs what follows `MERGE`.
pub(crate) fn run(
    session: &mut Session,
    mut cursor: Cursor<'_>,
    binds: &Binds,
    variables: &Variables,
) -> Result<QueryResult> {
    cursor.expect("INTO")?;
    let context = session.context(binds, variables);
    let target = Target::parse(&context, &mut cursor, &["USING"])?;
    cursor.expect("USING")?;
    let source = cursor.text_until(&["ON"])?.to_owned();
    cursor.expect("ON")?;
    let on = cursor.text_until(&["WHEN"])?.to_owned();
    let mut clauses = Vec::new();
    while cursor.accept("WHEN") {
        clauses.push(clause(&context, &mut cursor, &target, &source)?);
    }
    cursor.end()?;
    if clauses.is_empty() {
        return Err(cursor.unexpected());
    }
    for clause in &clauses {
        let privilege = match clause.action {
            Action::Update(_) => "UPDATE",
            Action::Delete => "DELETE",
            Action::Insert(_) => "INSERT",
        };
        context.require(&target.object, privilege)?;
    }
    let plan = plan_text(&target, &source, &on, &clauses)?;
    let mut locks = stream_locks(&context, &context.query(&plan)?.streams);
    locks.push(target.lock());
    drop(context);
    let strict = session
        .parameters
        .is_true("ERROR_ON_NONDETERMINISTIC_MERGE");
    let stats = session.write(&locks, binds, variables, |context, stamp, effects| {
        let compiled = context.query(&plan)?;
        effects.streams.extend(&compiled.streams);
        effects.tables.insert(target.object.id);
        apply(context, &target, &clauses, &compiled.sql, strict, stamp)
    })?;
    let has = |wanted: fn(&Action) -> bool| clauses.iter().any(|c| wanted(&c.action));
    let mut counts = Vec::new();
    if has(|a| matches!(a, Action::Insert(_))) {
        counts.push(("number of rows inserted", stats.inserted));
    }
    if has(|a| matches!(a, Action::Update(_))) {
        counts.push(("number of rows updated", stats.updated));
    }
    if has(|a| matches!(a, Action::Delete)) {
        counts.push(("number of rows deleted", stats.deleted));
    }
    Ok(answer(StatementKind::Merge, &counts, stats))
}

fn clause(
    context: &Context<'_>,
    cursor: &mut Cursor<'_>,
    target: &Target,
    source: &str,
) -> Result<Clause> {
    let matched = !cursor.accept("NOT");
    cursor.expect("MATCHED")?;
    let condition = if cursor.accept("AND") {
        Some(cursor.text_until(&["THEN"])?.to_owned())
    } else {
        None
    };
    cursor.expect("THEN")?;
    let action = if matched && cursor.accept("UPDATE") {
        if cursor.accept("ALL BY NAME") {
            Action::Update(by_name(context, target, source)?)
        } else {
            cursor.expect("SET")?;
            Action::Update(assignments(cursor, target, &["WHEN"])?)
        }
    } else if matched {
        cursor.expect("DELETE")?;
        Action::Delete
    } else {
        cursor.expect("INSERT")?;
        if cursor.accept("ALL BY NAME") {
            Action::Insert(by_name(context, target, source)?)
        } else {
            Action::Insert(insert_values(cursor, target)?)
        }
    };
    Ok(Clause {
        matched,
        condition,
        action,
    })
}

/// Each column of the target with the source's column of that name; both must have the same names.
fn by_name(context: &Context<'_>, target: &Target, source: &str) -> Result<Vec<(String, String)>> {
    let compiled = context.query(&format!("select * from {source}"))?;
    let empty = format!("select * from ({}) limit 0", compiled.sql);
    let found = storage::query(context.connection, &empty)?.columns;
    let columns = &target.table()?.columns;
    let has = |name: &str| found.iter().any(|c| c.name == name);
    if found.len() != columns.len() || !columns.iter().all(|c| has(&c.name)) {
        return Err(SnowflakeError::compilation(
            "ALL BY NAME needs the same number of columns with the same names in the target table and the source",
        ));
    }
    let alias = source_alias(source)?;
    Ok(columns
        .iter()
        .map(|c| (c.name.clone(), format!("{alias}.{}", quoted(&c.name))))
        .collect())
}

/// The name that the source goes by.
fn source_alias(source: &str) -> Result<String> {
    let lexemes = lex(source)?;
    let mut cursor = Cursor::new(source, &lexemes);
    let mut name = None;
    if cursor.peek().is_some_and(|l| l.token == Token::LParen) {
        cursor.parenthesized()?;
    } else {
        name = Some(cursor.name()?.last().to_owned());
    }
    cursor.accept("AS");
    if !cursor.is_done() {
        name = Some(cursor.identifier()?);
    }
    match name {
        Some(name) => Ok(quoted(&name)),
        None => Err(SnowflakeError::unsupported(
            "ALL BY NAME from a source without an alias",
        )),
    }
}

fn insert_values(cursor: &mut Cursor<'_>, target: &Target) -> Result<Vec<(String, String)>> {
    let mut names = Vec::new();
    if cursor.accept_token(&Token::LParen) {
        loop {
            names.push(column(&target.object, cursor.name()?.last())?.name.clone());
            if !cursor.accept_token(&Token::Comma) {
                break;
            }
        }
        cursor.expect_token(&Token::RParen)?;
    } else {
        names.extend(target.table()?.columns.iter().map(|c| c.name.clone()));
    }
    cursor.expect("VALUES")?;
    cursor.expect_token(&Token::LParen)?;
    let mut values = Vec::new();
    loop {
        values.push(cursor.text_until(&[",", ")"])?.to_owned());
        if !cursor.accept_token(&Token::Comma) {
            break;
        }
    }
    cursor.expect_token(&Token::RParen)?;
    if values.len() != names.len() {
        return Err(SnowflakeError::new(
            "002020",
            "21S01",
            format!(
                "SQL compilation error:\nInsert value list does not match column list expecting {} but got {}",
                names.len(),
                values.len()
            ),
        ));
    }
    let pair = |(name, value): (String, String)| {
        let value = or_default(&target.object, &name, value)?;
        Ok((name, value))
    };
    names.into_iter().zip(values).map(pair).collect()
}

/// The query behind the plan: the clause that each pair falls under (0 for none), and what its expressions make of it.
fn plan_text(target: &Target, source: &str, on: &str, clauses: &[Clause]) -> Result<String> {
    let alias = quoted(&target.alias);
    let choose = |matched: bool| {
        let mut text = "case".to_owned();
        for (at, clause) in clauses
            .iter()
            .enumerate()
            .filter(|(_, c)| c.matched == matched)
        {
            text.push_str(&format!(
                " when {} then {}",
                clause.condition.as_deref().unwrap_or("true"),
                at + 1
            ));
        }
        if text == "case" {
            "0".to_owned()
        } else {
            text + " else 0 end"
        }
    };
    let mut items = vec![
        format!("{alias}._rid as _rid"),
        format!("{alias}._row as _row"),
        format!(
            "case when {alias}._rid is not null then {} else {} end as _act",
            choose(true),
            choose(false)
        ),
    ];
    for (at, clause) in clauses.iter().enumerate() {
        let (Action::Update(set) | Action::Insert(set)) = &clause.action else {
            continue;
        };
        for (n, (_, value)) in set.iter().enumerate() {
            let act = at + 1;
            // What may fail is reckoned for the clause's own rows alone; a column cannot.
            items.push(if is_column(value)? {
                format!("{value} as v{act}_{n}")
            } else {
                format!("case when _act = {act} then ({value}) end as v{act}_{n}")
            });
        }
    }
    if clauses
        .iter()
        .any(|c| matches!(c.action, Action::Update(_)))
    {
        let old = target
            .table()?
            .columns
            .iter()
            .enumerate()
            .map(|(n, c)| format!("{alias}.{} as o{n}", quoted(&c.name)));
        items.extend(old);
    }
    let join = if clauses.iter().any(|c| !c.matched) {
        "left join"
    } else {
        "join"
    };
    Ok(format!(
        "select {} from {source} {join} {} on ({on})",
        items.join(", "),
        target.relation()
    ))
}

/// Whether an expression is a column with its qualifiers, and nothing else.
fn is_column(text: &str) -> Result<bool> {
    let lexemes = lex(text)?;
    let is_part = |(at, lexeme): (usize, &Lexeme)| match &lexeme.token {
        Token::Word(word) => {
            at % 2 == 0
                && (at > 0 || word.quote_style.is_some() || word.keyword == Keyword::NoKeyword)
        }
        token => at % 2 == 1 && *token == Token::Period,
    };
    Ok(lexemes.len() >= 3 && lexemes.len() % 2 == 1 && lexemes.iter().enumerate().all(is_part))
}

/// What a column becomes, by clause; `found` has the types of the plan's columns.
fn column_value(
    context: &Context<'_>,
    target: &Target,
    clauses: &[Clause],
    found: &HashMap<String, String>,
    at: usize,
    column: &Column,
) -> Result<String> {
    let mut text = "case _act".to_owned();
    for (n, clause) in clauses.iter().enumerate() {
        let (set, is_insert) = match &clause.action {
            Action::Update(set) => (set, false),
            Action::Insert(set) => (set, true),
            Action::Delete => continue,
        };
        let given = set.iter().position(|(name, _)| *name == column.name);
        let value = match given {
            Some(v) => {
                let name = format!("V{}_{v}", n + 1);
                let found = found.get(&name).map_or("", String::as_str);
                types::store_from(&quoted(&name), found, &column.kind)
            }
            None if is_insert => {
                let default = defaults(context, &target.object, |c| c.name != column.name)?;
                default
                    .into_iter()
                    .next()
                    .map_or_else(|| "null".to_owned(), |(_, value)| value)
            }
            None => format!("\"O{at}\""),
        };
        text.push_str(&format!(" when {} then {value}", n + 1));
    }
    if text == "case _act" {
        return Ok(format!("null::{} as c{at}", types::duckdb(&column.kind)));
    }
    Ok(format!("{text} end as c{at}"))
}

fn apply(
    context: &Context<'_>,
    target: &Target,
    clauses: &[Clause],
    plan: &str,
    strict: bool,
    stamp: i64,
) -> Result<RowStats> {
    let connection = context.connection;
    let columns = &target.table()?.columns;
    let found: HashMap<String, String> = storage::types_of(connection, plan)?.into_iter().collect();
    let values: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(at, c)| column_value(context, target, clauses, &found, at, c))
        .collect::<Result<_>>()?;
    storage::run(
        connection,
        &format!(
            "create or replace temp table _plan as select _rid, _row, _act, {} from ({plan}) where _act <> 0",
            values.join(", ")
        ),
    )?;
    let acts = |wanted: fn(&Action) -> bool| {
        let found: Vec<String> = clauses
            .iter()
            .enumerate()
            .filter(|(_, c)| wanted(&c.action))
            .map(|(n, _)| (n + 1).to_string())
            .collect();
        if found.is_empty() {
            "0".to_owned()
        } else {
            found.join(", ")
        }
    };
    let (updates, deletes) = (
        acts(|a| matches!(a, Action::Update(_))),
        acts(|a| matches!(a, Action::Delete)),
    );
    if clauses.iter().any(|c| c.matched) {
        check_duplicates(context, target, &deletes, strict)?;
    }
    let physical = target.physical();
    let ended = storage::change(
        connection,
        &format!(
            "update {physical} set _end = {stamp} from _plan where {physical}.rowid = _plan._row and _plan._rid is not null"
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
    let written = storage::change(
        connection,
        &format!(
            "insert into {physical} ({names}, _rid, _begin, _updated) select {new}, coalesce(_rid, nextval('row_ids')), {stamp}, _rid is not null \
             from _plan where _act not in ({deletes})"
        ),
    )?;
    let updated = storage::count(
        connection,
        &format!("select count(*) from _plan where _act in ({updates})"),
    )?
    .unsigned_abs();
    storage::run(connection, "drop table _plan")?;
    Ok(RowStats {
        inserted: written - updated,
        updated,
        deleted: ended - updated,
    })
}

/// "Duplicate join behavior": several rows may delete one, but not update it, nor do both.
fn check_duplicates(
    context: &Context<'_>,
    target: &Target,
    deletes: &str,
    strict: bool,
) -> Result<()> {
    let connection = context.connection;
    let twice = "select count(_rid) <> count(distinct _rid) from _plan";
    if storage::count(connection, twice)? == 0 {
        return Ok(());
    }
    let columns = super::compile::column_list(target.table()?);
    let first = format!(
        "select {columns} from {} where rowid = (select _row from _plan where _rid is not null group by _rid, _row \
         having count(*) > 1 and not bool_and(_act in ({deletes})) limit 1)",
        target.physical()
    );
    if strict && let Some(row) = storage::query(connection, &first)?.rows.first() {
        return Err(nondeterministic(row));
    }
    storage::run(
        connection,
        "create or replace temp table _plan as select * from _plan where _rid is null union all select distinct on (_rid) * from _plan where _rid is not null",
    )
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
