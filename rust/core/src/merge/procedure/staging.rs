//! What a run reads: staged rows, the keys they touch, the target and the history of those keys. The first steps of a run.

use crate::contract::{Column, Contract};
use crate::merge::expression::{column, complaints, equal, list, of, op_letter, text_line, typed};
use crate::merge::{Identifier, MergePlan, Names, literal};

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
        .filter(|table| **table != &plan.names.merge_changes)
        .map(|table| format!("  delete from {table};"))
        .collect();
    format!(
        "  -- What the run before left for inspection.\n{}",
        deletes.join("\n")
    )
}

/// File, row and time of loading name a staged row: a file that is loaded twice has two times.
fn same_staged_row(names: &Names, left: &str, right: &str) -> String {
    names
        .source_columns()
        .map(|(name, _)| format!("{left}.{name} = {right}.{name}"))
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
  -- staging: a run that waited for another must not read again what the other read.
  insert into {events} ({op}, {columns}, _firn_raw_line, _firn_reason, {source})
  with staged as (
    select
      s.*,
      case
        when s._firn_reject_reason is not null and s._firn_raw_line is not null then s._firn_reject_reason
        when s._firn_reject_reason is not null then {surplus}
        {complaints}
      end as _firn_reason
    from {staging} s
    where exists (select 1 from {stream} t where {same})
  )
  select
    {op_letter},
    {values},
    iff(a._firn_reason is not null, coalesce(a._firn_raw_line, {text}), null),
    a._firn_reason, {a_source}
  from staged a;",
        events = names.merge_events,
        source = names.source_list(""),
        a_source = names.source_list("a."),
        complaints = complaints(contract, "s").join("\n        "),
        staging = names.staging,
        stream = names.staging_stream,
        same = same_staged_row(names, "t", "s"),
        op_letter = op_letter(&format!("a.{op}")),
        values = values.join(",\n    "),
        text = text_line(contract, "a"),
    )
}

pub(super) fn delete_staged(plan: &MergePlan<'_>) -> String {
    let names = &plan.names;
    format!(
        "  -- Not TRUNCATE: rows that are loaded while this runs must stay, and the load's memory of its files too.
  delete from {staging} using {events} b where {same};",
        staging = names.staging,
        events = names.merge_events,
        same = same_staged_row(names, &names.staging.to_string(), "b"),
    )
}

pub(super) fn find_touched_keys(plan: &MergePlan<'_>) -> String {
    let (contract, names) = (plan.contract, &plan.names);
    let key = list(contract.key(), "");
    format!(
        "  -- The keys of the events, and those of the target that others have changed. What earlier runs wrote is known; where the stream
  -- shows less, more or something else, somebody else wrote it. The target's rows are read once, here.
  insert into {keys} ({key}, _firn_first_at, {others}, _firn_in_target, _firn_row_count, _firn_row_number)
  with _firn_changes as (
    select * from {changes}
  ),
  _firn_touched_keys as (
    select {key}, {changed_at} as _firn_first_at from {events} where _firn_reason is null
    union all
    select {key}, null from (
      select {columns}, 1 as _firn_count from _firn_changes where metadata$action = 'INSERT'
      union all
      select {columns}, -1 from {merge_changes} where _firn_in_target
    ) written
    group by {columns}
    having sum(_firn_count) <> 0
    union all
    select {key}, null from (
      select {key}, 1 as _firn_count from _firn_changes where metadata$action = 'DELETE' and not metadata$isupdate
      union all
      select {key}, -1 from {merge_changes} where not _firn_in_target
    ) deleted
    group by {key}
    having sum(_firn_count) <> 0
  ),
  _firn_keys as (
    select {key}, min(_firn_first_at) as _firn_first_at from _firn_touched_keys group by {key}
  )
  select {k_key}, k._firn_first_at, {t_others}, {t_first_key} is not null,
    count(*) over (partition by {k_key}), row_number() over (partition by {k_key} order by {t_order})
  from _firn_keys k
  left join {target} t on {same};
  select min(_firn_first_at), count(iff(_firn_row_count > 1, 1, null)) into :earliest, :duplicate_keys from {keys};

  -- Nothing stops anyone from inserting the same key twice. Each row is captured; here both go, and one row comes back below.
  if (duplicate_keys > 0) then
    delete from {target} using {keys} k where {target_same} and k._firn_row_count > 1;
  end if;",
        keys = names.merge_keys,
        others = list(others(contract), ""),
        columns = list(contract.columns(), ""),
        changed_at = column(contract.changed_at()),
        events = names.merge_events,
        changes = names.changes,
        merge_changes = names.merge_changes,
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
  insert into {stored} ({op}, {columns}, _firn_valid_to, {source})
  select h.{op}, {h_columns}, h.{valid_to}, {h_source}
  from {history} h
  join {keys} k on {same} and k._firn_row_number = 1
  where h.{valid_to} is null or (h.{valid_to} >= :earliest and h.{valid_to} >= k._firn_first_at);",
        stored = names.merge_stored,
        columns = list(contract.columns(), ""),
        h_columns = list(contract.columns(), "h."),
        valid_to = names.valid_to,
        source = names.source_list(""),
        h_source = names.source_list("h."),
        history = names.history,
        keys = names.merge_keys,
        same = equal(contract.key(), "h", "k"),
    )
}
