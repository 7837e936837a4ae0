//! What a run reads: staged rows, the keys they touch, the target and the history of those keys. The first steps of a run.

use crate::contract::{Column, Contract};
use crate::merge::expression::{column, complaints, equal, list, of, op_letter, text_line, typed};
use crate::merge::{Identifier, MergePlan, literal};

pub(super) fn take_lock(plan: &MergePlan<'_>) -> String {
    let lock = &plan.names.lock;
    format!(
        "  -- Two runs at once would both read the same open versions: the second waits here until the first has ended.
  update {lock} set runs = runs + 1;
  select max(runs) into :run_id from {lock};"
    )
}

pub(super) fn clear_work_tables(plan: &MergePlan<'_>) -> String {
    let deletes: Vec<String> = plan
        .names
        .work_tables()
        .iter()
        .filter(|table| **table != &plan.names.delta)
        .map(|table| format!("  delete from {table};"))
        .collect();
    format!(
        "  -- What the run before left for inspection.\n{}",
        deletes.join("\n")
    )
}

/// `source_file`, `source_row` and `loaded_at` name a staged row: a file that lands twice has two times of landing.
fn same_staged_row(left: &str, right: &str) -> String {
    ["source_file", "source_row", "loaded_at"]
        .map(|name| format!("{left}.{name} = {right}.{name}"))
        .join(" and ")
}

pub(super) fn read_staging(plan: &MergePlan<'_>) -> String {
    let (contract, names) = (plan.contract, &plan.names);
    let op = Identifier::new(contract.op());
    let columns = list(contract.columns(), "");
    let values: Vec<String> = contract
        .columns()
        .iter()
        .map(|one| typed(&of("a", one), one.kind))
        .collect();
    let surplus = literal(&format!(
        "more than the {} fields of the contract",
        contract.header().count()
    ));
    format!(
        "  -- The stream is read once, in this transaction, so its offset moves with the commit. Its rows must still be in
  -- staging: a run that waited for another must not take again what the other took.
  insert into {batch} ({op}, {columns}, raw_line, reason, source_file, source_row, loaded_at)
  with arrived as (
    select
      s.*,
      case
        when s.reject_reason is not null and s.raw_line is not null then s.reject_reason
        when s.reject_reason is not null then {surplus}
        {complaints}
      end as reason
    from {staging} s
    where exists (select 1 from {stream} t where {same})
  )
  select
    {op_letter},
    {values},
    iff(a.reason is not null, coalesce(a.raw_line, {text}), null),
    a.reason, a.source_file, a.source_row, a.loaded_at
  from arrived a;",
        batch = names.batch,
        complaints = complaints(contract, "s").join("\n        "),
        staging = names.staging,
        stream = names.staging_stream,
        same = same_staged_row("t", "s"),
        op_letter = op_letter(&format!("a.{op}")),
        values = values.join(",\n    "),
        text = text_line(contract, "a"),
    )
}

pub(super) fn delete_staged(plan: &MergePlan<'_>) -> String {
    format!(
        "  -- Not TRUNCATE: rows that land while this runs must stay, and the load's memory of its files too.
  delete from {staging} using {batch} b where {same};",
        staging = plan.names.staging,
        batch = plan.names.batch,
        same = same_staged_row(&plan.names.staging.to_string(), "b"),
    )
}

pub(super) fn find_touched_keys(plan: &MergePlan<'_>) -> String {
    let (contract, names) = (plan.contract, &plan.names);
    let key = list(contract.key(), "");
    format!(
        "  -- Which keys to look at: those of the events, and those of the target that a hand has edited. What the runs before wrote is
  -- known; where the stream shows less, more or something else, it was a hand. The target's rows are read once, here.
  insert into {touched} ({key}, first_at, {others}, is_there, copies, copy)
  with changes as (
    select * from {changes}
  ),
  reached as (
    select {key}, {changed_at} as first_at from {batch} where reason is null
    union all
    select {key}, null from (
      select {columns}, 1 as seen from changes where metadata$action = 'INSERT'
      union all
      select {columns}, -1 from {delta} where is_there
    ) written
    group by {columns}
    having sum(seen) <> 0
    union all
    select {key}, null from (
      select {key}, 1 as seen from changes where metadata$action = 'DELETE' and not metadata$isupdate
      union all
      select {key}, -1 from {delta} where not is_there
    ) deleted
    group by {key}
    having sum(seen) <> 0
  ),
  keys as (
    select {key}, min(first_at) as first_at from reached group by {key}
  )
  select {k_key}, k.first_at, {t_others}, {t_first_key} is not null,
    count(*) over (partition by {k_key}), row_number() over (partition by {k_key} order by {t_order})
  from keys k
  left join {target} t on {same};
  select min(first_at), count(iff(copies > 1, 1, null)) into :earliest, :twins from {touched};

  -- Nothing stops two equal keys from being inserted by hand. Each is captured; here they go, and one row comes back below.
  if (twins > 0) then
    delete from {target} using {touched} k where {target_same} and k.copies > 1;
  end if;",
        touched = names.touched,
        others = list(others(contract), ""),
        columns = list(contract.columns(), ""),
        changed_at = column(contract.changed_at()),
        batch = names.batch,
        changes = names.changes,
        delta = names.delta,
        k_key = list(contract.key(), "k."),
        t_others = list(others(contract), "t."),
        t_order = list(contract.order(), "t."),
        t_first_key = contract.key().next().map(|one| of("t", one)).unwrap_or_default(),
        target = names.target,
        same = equal(contract.key(), "t", "k"),
        target_same = equal(contract.key(), &names.target.to_string(), "k"),
    )
}

/// The columns that are not part of the key.
pub(super) fn others(contract: &Contract) -> impl Iterator<Item = &Column> {
    contract
        .columns()
        .iter()
        .enumerate()
        .filter(|(index, _)| !contract.is_key(*index))
        .map(|(_, one)| one)
}

pub(super) fn read_history(plan: &MergePlan<'_>) -> String {
    let (contract, names) = (plan.contract, &plan.names);
    let op = Identifier::new(contract.op());
    format!(
        "  -- A row can change only if its interval ends at or after the key's earliest event. For events newer than what is
  -- there, that is the open version alone; `earliest` lets the engine skip closed versions without reading them.
  insert into {stored} ({op}, {columns}, valid_to, source_file, source_row, loaded_at)
  select h.{op}, {h_columns}, h.valid_to, h.source_file, h.source_row, h.loaded_at
  from {history} h
  join {touched} k on {same} and k.copy = 1
  where h.valid_to is null or (h.valid_to >= :earliest and h.valid_to >= k.first_at);",
        stored = names.stored,
        columns = list(contract.columns(), ""),
        h_columns = list(contract.columns(), "h."),
        history = names.history,
        touched = names.touched,
        same = equal(contract.key(), "h", "k"),
    )
}
