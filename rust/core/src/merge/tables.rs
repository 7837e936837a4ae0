//! Tables and the view for people.

use super::expression::{column, list};
use super::script::{RenderContext, Statement};
use super::{Identifier, Names};
use crate::contract::{Column, ColumnType};

pub(super) const ABOUT: &str = "Staging, target, history, rejects and the account of runs, then the tables of a run's own work.
Needs 10_database.sql. Safe to rerun: an existing table is left as it is.

Why the history is clustered by the day of valid_to: open versions (null) lie together, and so do those that ended of late. A merge asks
for rows that are open or ended since its earliest event, so Snowflake skips all older partitions unread, however many there are.
The target is clustered by its key, by which it is joined. Automatic clustering costs credits only while data moves.";

pub(super) const VIEWS: &str = "The history for people: tombstones and versions of no length are gone, equal neighbours are one, and intervals are
half-open, [valid_from, valid_to). Needs 30_tables.sql. Safe to rerun.";

pub(super) fn tables(context: &RenderContext<'_>) -> Vec<Statement> {
    let names = &context.names;
    let mut texts = vec![
        staging(context),
        target(context),
        history(context),
        rejects(names),
        runs(names),
        lock(names),
    ];
    texts.push(format!(
        "insert into {0} (runs) select 0 where not exists (select 1 from {0})",
        names.lock
    ));
    texts.extend(work(context));
    texts.push(format!(
        "grant select on table {} to role {}",
        names.runs, context.deployment.loader
    ));
    texts.into_iter().map(|sql| context.owned(sql)).collect()
}

fn create(kind: &str, table: &Identifier, lines: &[String], tail: &str) -> String {
    format!(
        "create {kind} if not exists {table} (\n  {}\n){tail}",
        lines.join(",\n  ")
    )
}

const SOURCE_COLUMNS: [&str; 3] = [
    "source_file varchar not null",
    "source_row number(18,0) not null",
    "loaded_at timestamp_ltz not null",
];

fn source_columns() -> impl Iterator<Item = String> {
    SOURCE_COLUMNS.into_iter().map(str::to_owned)
}

fn typed(one: &Column, constraint: &str) -> String {
    format!("{} {}{constraint}", column(one), one.kind)
}

fn staging(context: &RenderContext<'_>) -> String {
    let fields = context
        .contract
        .header()
        .chain(["reject_reason", "raw_line"]);
    let lines: Vec<String> = fields
        .map(|name| format!("{} varchar", Identifier::new(name)))
        .chain(source_columns())
        .collect();
    create("table", &context.names.staging, &lines, "")
}

fn target(context: &RenderContext<'_>) -> String {
    let contract = context.contract;
    let line = |(index, one): (usize, &Column)| {
        // Whoever inserts by hand need not know the time or the sequence: the capture fills them in.
        let is_filled = one.required && !contract.is_order(index);
        typed(one, if is_filled { " not null" } else { "" })
    };
    let lines: Vec<String> = contract.columns().iter().enumerate().map(line).collect();
    create(
        "table",
        &context.names.target,
        &lines,
        &format!("\ncluster by ({})", list(contract.key(), "")),
    )
}

fn history(context: &RenderContext<'_>) -> String {
    let contract = context.contract;
    let line = |(index, one): (usize, &Column)| {
        typed(
            one,
            if contract.is_always_filled(index) {
                " not null"
            } else {
                ""
            },
        )
    };
    let lines: Vec<String> = std::iter::once(format!(
        "{} varchar(1) not null",
        Identifier::new(contract.op())
    ))
    .chain(contract.columns().iter().enumerate().map(line))
    .chain(
        [
            "valid_from timestamp_ntz(6) not null",
            "valid_to timestamp_ntz(6)",
            "is_current boolean not null",
        ]
        .map(str::to_owned),
    )
    .chain(source_columns())
    .collect();
    create(
        "table",
        &context.names.history,
        &lines,
        "\ncluster by (to_date(valid_to))",
    )
}

fn rejects(names: &Names) -> String {
    let lines: Vec<String> = ["reject_id varchar not null", "run_id number(18,0) not null"]
        .into_iter()
        .map(str::to_owned)
        .chain(source_columns())
        .chain([
            "reason varchar not null".to_owned(),
            "raw_line varchar".to_owned(),
        ])
        .collect();
    create("table", &names.rejects, &lines, "")
}

fn runs(names: &Names) -> String {
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
    create("table", &names.runs, &lines.map(str::to_owned), "")
}

fn lock(names: &Names) -> String {
    create(
        "table",
        &names.lock,
        &["runs number(18,0) not null".to_owned()],
        "",
    )
}

/// The work tables: rewritten by every run, so neither time travel nor fail-safe is paid for.
fn work(context: &RenderContext<'_>) -> Vec<String> {
    let (contract, names) = (context.contract, &context.names);
    let op = format!("{} varchar", Identifier::new(contract.op()));
    // A broken row may hold a text of any length.
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
    let from = [
        "source_file varchar",
        "source_row number(18,0)",
        "loaded_at timestamp_ltz",
    ];
    let with = |extra: &[&'static str]| -> Vec<&'static str> {
        extra.iter().copied().chain(from).collect()
    };
    let transient = |table: &Identifier, lines: Vec<String>| {
        create(
            "transient table",
            table,
            &lines,
            " data_retention_time_in_days = 0",
        )
    };
    let mut touched = columns.clone();
    touched.extend(
        [
            "first_at timestamp_ntz(6)",
            "is_there boolean",
            "copies number(18,0)",
            "copy number(18,0)",
        ]
        .map(str::to_owned),
    );
    vec![
        transient(
            &names.batch,
            event(&with(&["raw_line varchar", "reason varchar"])),
        ),
        transient(&names.touched, touched),
        transient(&names.stored, event(&with(&["valid_to timestamp_ntz(6)"]))),
        transient(
            &names.fold,
            event(&with(&["valid_to timestamp_ntz(6)", "fate varchar"])),
        ),
        transient(
            &names.delta,
            event(&[
                "is_there boolean",
                "was_there boolean",
                "run_id number(18,0)",
            ]),
        ),
    ]
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
    let order = list(contract.order(), "");
    let changed: Vec<String> = std::iter::once(format!(
        "iff({op} = 'D', 1, 0) is distinct from lag(iff({op} = 'D', 1, 0)) over line_of_time"
    ))
    .chain(values.iter().map(|one| {
        let name = column(one);
        format!("or ({op} <> 'D' and {name} is distinct from lag({name}) over line_of_time)")
    }))
    .collect();
    let over = format!("(partition by {key} order by {order})");
    let changed = changed.join("\n        ").replace("line_of_time", &over);
    vec![context.owned(format!(
        "create or replace view {versions} as
with lasting as (
  select * from {history} where valid_to is null or valid_from < valid_to
),
marked as (
  select lasting.*,
    iff({changed}, 1, 0) as begins
  from lasting
),
numbered as (
  select marked.*, sum(begins) over (partition by {key} order by {order}
    rows between unbounded preceding and current row) as version
  from marked
)
select {shown},
  min(valid_from) as valid_from,
  iff(count(*) = count(valid_to), max(valid_to), null) as valid_to,
  count(*) <> count(valid_to) as is_current
from numbered
where {op} <> 'D'
group by {shown}, version",
        versions = names.versions,
        history = names.history,
        shown = list(shown(), ""),
    ))]
}
