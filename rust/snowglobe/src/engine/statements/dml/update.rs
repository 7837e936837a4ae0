//! UPDATE: a plan of what each row becomes, then versions ended and added.

use sqlparser::tokenizer::Token;

use super::insert::or_default;
use super::{Target, answer, column, stream_locks};
use crate::engine::catalog::Column;
use crate::engine::compile::Context;
use crate::engine::compile::Variables;
use crate::engine::session::Session;
use crate::engine::storage;
use crate::sql::cursor::{Cursor, quoted};
use crate::sql::fragment::Sql;
use crate::sql::types;
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::{Binds, QueryResult, RowStats, StatementKind};

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

pub(super) fn update(
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
    let mut locks = stream_locks(&context, &context.plan(&plan, target.object.id)?.streams);
    locks.push(target.lock());
    drop(context);
    let strict = session
        .parameters
        .is_true("ERROR_ON_NONDETERMINISTIC_UPDATE");
    let (updated, joined) =
        session.write(&locks, binds, variables, |context, stamp, effects| {
            let compiled = context.plan(&plan, target.object.id)?;
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
            types::store_from(&Sql::written(name), &found[at + 2].1, &column.kind).into_text()
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
            return Err(super::nondeterministic(&[]));
        }
    }
    storage::run(
        connection,
        &format!(
            "create or replace temp table _plan as select {distinct} _rid, _row, {values} from ({plan})"
        ),
    )?;
    let (updated, _) = target.change_as_planned(connection, "true", stamp)?;
    storage::run(connection, "drop table _plan")?;
    Ok((updated, joined.unsigned_abs()))
}
