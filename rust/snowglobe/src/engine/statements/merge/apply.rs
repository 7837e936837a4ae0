//! Ends and adds row versions as the plan says, after a check for two changes of one row.

use std::collections::HashMap;

use super::{Action, Clause};
use crate::engine::catalog::Column;
use crate::engine::compile::Context;
use crate::engine::statements::dml::nondeterministic;
use crate::engine::statements::dml::{Target, defaults};
use crate::engine::storage;
use crate::sql::fragment::Sql;
use crate::sql::types;
use crate::types::error::Result;
use crate::types::value::RowStats;

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
                types::store_from(&Sql::name(&name), found, &column.kind).into_text()
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

pub(super) fn apply(
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
    let (ended, written) =
        target.change_as_planned(connection, &format!("_act not in ({deletes})"), stamp)?;
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
    let columns = crate::engine::compile::column_list(target.table()?);
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
