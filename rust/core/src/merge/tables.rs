//! The tables, and the view for people.

use super::expression::{column, list, order_list};
use super::statement::{RenderContext, Statement};
use super::{Identifier, Names};
use crate::contract::{Column, ColumnType};

pub(super) const ABOUT: &str = "Creates staging, target, history, rejects and run log, then the work tables of the merge.
Needs 10_database.sql. Safe to rerun: an existing table stays as it is.

The history is a view over two tables: HISTORY_OPEN has the last event of each key, deletes too, and is as large as the target.
HISTORY_CLOSED has every version that has ended. A merge moves a version from one to the other when the next event arrives, so the
closed table is only appended to, in the order of time: Snowflake never rewrites it, and skips most of it when an event is late.
No table is clustered: below a terabyte, reclustering costs more than it saves.";

pub(super) const VIEWS: &str = "Creates the history for reports: without deletes and versions of zero length, with equal neighbours joined.
Intervals are half-open, [valid_from, valid_to). Needs 30_tables.sql. Safe to rerun.";

pub(super) fn tables(context: &RenderContext<'_>) -> Vec<Statement> {
    let names = &context.names;
    let mut texts = vec![
        staging(context),
        target(context),
        history_open(context),
        history_closed(context),
        history(context),
        rejects(names),
        retries(names),
        runs(context),
        lock(&names.lock, "runs"),
        lock(&names.load_lock, "loads"),
    ];
    for (table, count) in [(&names.lock, "runs"), (&names.load_lock, "loads")] {
        texts.push(format!(
            "insert into {table} ({count}) select 0 where not exists (select 1 from {table})"
        ));
    }
    texts.extend(work(context));
    texts.into_iter().map(|sql| context.owned(sql)).collect()
}

fn create(kind: &str, table: &Identifier, lines: &[String], tail: &str) -> String {
    format!(
        "create {kind} if not exists {table} (\n  {}\n){tail}",
        lines.join(",\n  ")
    )
}

/// The columns of a row's source, and of the columns that it gave.
fn carried_columns(names: &Names) -> impl Iterator<Item = String> {
    names.carried_columns().map(|(name, kind)| {
        let is_given = names.given_columns.as_ref() == Some(name);
        let constraint = if is_given { "" } else { " not null" };
        format!("{name} {kind}{constraint}")
    })
}

fn typed(one: &Column, constraint: &str) -> String {
    format!("{} {}{constraint}", column(one), one.kind)
}

fn staging(context: &RenderContext<'_>) -> String {
    let fields = context
        .contract
        .header()
        .chain(["_firn_reject_reason", "_firn_raw_line"]);
    let lines: Vec<String> = fields
        .map(|name| format!("{} varchar", Identifier::new(name)))
        .chain(carried_columns(&context.names))
        .collect();
    transient(&context.names.staging, &lines)
}

fn target(context: &RenderContext<'_>) -> String {
    let contract = context.contract;
    let line = |(index, one): (usize, &Column)| {
        let is_filled = contract.is_filled_in_target(index);
        typed(one, if is_filled { " not null" } else { "" })
    };
    let lines: Vec<String> = contract.columns().iter().enumerate().map(line).collect();
    create("table", &context.names.target, &lines, "")
}

/// The columns of a version: the event, its start, `between`, and its source.
fn version(context: &RenderContext<'_>, between: &[String]) -> Vec<String> {
    let (contract, names) = (context.contract, &context.names);
    let line = |(index, one): (usize, &Column)| {
        let is_filled = contract.is_always_filled(index);
        typed(one, if is_filled { " not null" } else { "" })
    };
    let op = Identifier::new(contract.op());
    std::iter::once(format!("{op} varchar(1) not null"))
        .chain(contract.columns().iter().enumerate().map(line))
        .chain([format!("{} timestamp_ntz(6) not null", names.valid_from)])
        .chain(between.iter().cloned())
        .chain(carried_columns(names))
        .collect()
}

fn history_open(context: &RenderContext<'_>) -> String {
    let lines = version(context, &[]);
    create("table", &context.names.history_open, &lines, "")
}

fn history_closed(context: &RenderContext<'_>) -> String {
    let names = &context.names;
    let ended = format!("{} timestamp_ntz(6) not null", names.valid_to);
    let lines = version(context, &[ended]);
    create("table", &names.history_closed, &lines, "")
}

fn history(context: &RenderContext<'_>) -> String {
    let (contract, names) = (context.contract, &context.names);
    let columns = format!(
        "{}, {}, {}",
        Identifier::new(contract.op()),
        list(contract.columns(), ""),
        names.valid_from
    );
    format!(
        "create or replace view {history} as
select {columns}, cast(null as timestamp_ntz(6)) as {valid_to}, true as {is_current},
  {source}
from {open}
union all
select {columns}, {valid_to}, false,
  {source}
from {closed}",
        history = names.history,
        valid_to = names.valid_to,
        is_current = names.is_current,
        source = names.carried_list(""),
        open = names.history_open,
        closed = names.history_closed,
    )
}

fn rejects(names: &Names) -> String {
    let lines = [
        "reject_id varchar not null",
        "run_id number(18,0) not null",
        "source_file varchar not null",
        "source_row number(18,0) not null",
        "loaded_at timestamp_ltz not null",
        "reason varchar not null",
        "raw_line varchar",
    ];
    create("table", &names.rejects, &lines.map(str::to_owned), "")
}

/// A reject stays in its table when its row is sent again, as the sum of its file counts it. This table has the new file of each.
fn retries(names: &Names) -> String {
    let lines = [
        "reject_id varchar not null",
        "source_file varchar not null",
        "sent_at timestamp_ltz not null",
    ];
    create("table", &names.retries, &lines.map(str::to_owned), "")
}

fn runs(context: &RenderContext<'_>) -> String {
    let snapshot = context.contract.snapshot();
    let lines = [
        "run_id number(18,0) not null",
        "source_file varchar not null",
        "rows_in number(18,0) not null",
        "history number(18,0) not null",
        "duplicates number(18,0) not null",
        "rejects number(18,0) not null",
        "inserted number(18,0) not null",
        "updated number(18,0) not null",
        "deleted number(18,0) not null",
        "landed_at timestamp_ltz not null",
        "started_at timestamp_ntz(6) not null",
        "finished_at timestamp_ntz(6) not null",
    ];
    let lines = lines.map(str::to_owned).into_iter();
    let snapshot = snapshot.map(|_| "snapshot_at timestamp_ntz(6)".to_owned());
    let lines: Vec<String> = lines.chain(snapshot).collect();
    create("table", &context.names.runs, &lines, "")
}

/// A table of one row, whose update is an exclusive lock.
fn lock(table: &Identifier, count: &str) -> String {
    create(
        "table",
        table,
        &[format!("{count} number(18,0) not null")],
        "",
    )
}

/// The work tables, rewritten by every run.
fn work(context: &RenderContext<'_>) -> Vec<String> {
    let (contract, names) = (context.contract, &context.names);
    let op = format!("{} varchar", Identifier::new(contract.op()));
    // A malformed row may hold a text of any length.
    let loose = |one: &Column| match one.kind {
        ColumnType::Text { .. } => format!("{} varchar", column(one)),
        _ => typed(one, ""),
    };
    let columns: Vec<String> = contract.columns().iter().map(loose).collect();
    let event = |extra: &[&str]| -> Vec<String> {
        std::iter::once(op.clone())
            .chain(columns.iter().cloned())
            .chain(extra.iter().map(|text| (*text).to_owned()))
            .collect()
    };
    let sourced = |extra: &[&str]| -> Vec<String> {
        let source = names
            .carried_columns()
            .map(|(name, kind)| format!("{name} {kind}"));
        event(extra).into_iter().chain(source).collect()
    };
    let mut keys = columns.clone();
    keys.extend(
        [
            "_firn_first_at timestamp_ntz(6)",
            "_firn_in_target boolean",
            "_firn_row_count number(18,0)",
            "_firn_row_number number(18,0)",
        ]
        .map(str::to_owned),
    );
    let mut events = vec!["_firn_raw_line varchar", "_firn_reason varchar"];
    events.extend(contract.snapshot().map(|_| "_firn_is_known boolean"));
    let differences: Vec<String> = contract.key().map(|one| typed(one, "")).collect();
    vec![
        transient(&names.merge_events, &sourced(&events)),
        transient(&names.merge_differences, &differences),
        transient(&names.merge_keys, &keys),
        transient(
            &names.merge_stored,
            &sourced(&["_firn_valid_to timestamp_ntz(6)"]),
        ),
        transient(
            &names.merge_versions,
            &sourced(&[
                "_firn_valid_to timestamp_ntz(6)",
                "_firn_outcome varchar",
                "_firn_was_open boolean",
            ]),
        ),
        transient(
            &names.merge_changes,
            &event(&[
                "_firn_in_target boolean",
                "_firn_was_there boolean",
                "_firn_run_id number(18,0)",
            ]),
        ),
    ]
}

/// A table that is emptied by every run: transient, to avoid the cost of time travel and fail-safe.
fn transient(table: &Identifier, lines: &[String]) -> String {
    create(
        "transient table",
        table,
        lines,
        " data_retention_time_in_days = 0",
    )
}

pub(super) fn views(context: &RenderContext<'_>) -> Vec<Statement> {
    let (contract, names) = (context.contract, &context.names);
    let op = Identifier::new(contract.op());
    let key = list(contract.key(), "");
    let shown = || {
        let columns = contract.columns().iter().enumerate();
        columns
            .filter(|(index, _)| !contract.is_order(*index))
            .map(|(_, one)| one)
    };
    let values: Vec<&Column> = {
        let columns = contract.columns().iter().enumerate();
        columns
            .filter(|(index, _)| !contract.is_always_filled(*index))
            .map(|(_, one)| one)
            .collect()
    };
    let order = order_list(contract, names, "");
    let over = format!("(partition by {key} order by {order})");
    let is_delete = format!("iff({op} = 'D', 1, 0)");
    let changed: Vec<String> = std::iter::once(format!(
        "{is_delete} is distinct from lag({is_delete}) over {over}"
    ))
    .chain(values.iter().map(|one| {
        let name = column(one);
        format!("or ({op} <> 'D' and {name} is distinct from lag({name}) over {over})")
    }))
    .collect();
    vec![context.owned(format!(
        "create or replace view {versions} as
with lasting as (
  select * from {history} where {valid_to} is null or {valid_from} < {valid_to}
),
marked as (
  select lasting.*,
    iff({changed}, 1, 0) as _firn_begins
  from lasting
),
numbered as (
  select marked.*, sum(_firn_begins) over (partition by {key} order by {order}
    rows between unbounded preceding and current row) as _firn_version
  from marked
)
select {shown},
  min({valid_from}) as {valid_from},
  iff(count(*) = count({valid_to}), max({valid_to}), null) as {valid_to},
  count(*) <> count({valid_to}) as {is_current}
from numbered
where {op} <> 'D'
group by {shown}, _firn_version",
        versions = names.versions,
        history = names.history,
        valid_from = names.valid_from,
        valid_to = names.valid_to,
        is_current = names.is_current,
        changed = changed.join("\n        "),
        shown = list(shown(), ""),
    ))]
}
