//! The first steps of a run, which read staged rows, and the target and the history of their keys.

use super::snapshot;
use crate::merge::expression::{
    column, complaints, differ, equal, list, of, op_letter, others, text_line, typed,
};
use crate::merge::{Identifier, MergePlan, Names, literal};

pub(super) fn take_lock(plan: &MergePlan<'_>) -> String {
    let lock = &plan.names.lock;
    format!(
        "  -- Take the lock. Two concurrent runs would read the same open versions: the second one waits here for the first.
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
        "  -- Clear the work tables. The previous run left its rows for inspection.\n{}",
        deletes.join("\n")
    )
}

/// File, row and loading time identify a staged row: a file that is loaded twice has two loading times.
fn same_staged_row(names: &Names, left: &str, right: &str) -> String {
    names
        .source_columns()
        .map(|(name, _)| format!("{left}.{name} = {right}.{name}"))
        .join(" and ")
}

/// Selects the files that a run reads: all, or the first that fit the limit.
fn cut(plan: &MergePlan<'_>) -> String {
    if plan.contract.snapshot().is_some() {
        return snapshot::cut(plan);
    }
    let names = &plan.names;
    format!(
        "  -- A run reads whole files, the oldest first, up to {slice} rows. The next run reads the rest.
  select count(*) into :staged_rows from {staging};
  last_file := null;
  last_loaded_at := null;
  if (staged_rows > {slice}) then
    select max_by({source_file}, _firn_position), max({loaded_at}) into :last_file, :last_loaded_at
    from (
      select {source_file}, {loaded_at}, row_number() over (order by {loaded_at}, {source_file}) as _firn_position,
        sum(_firn_rows) over (order by {loaded_at}, {source_file} rows between unbounded preceding and current row) as _firn_total
      from (select {source_file}, {loaded_at}, count(*) as _firn_rows from {staging} group by {source_file}, {loaded_at}) files
    ) files
    where _firn_total <= {slice} or _firn_position = 1;
  end if;
",
        slice = plan.slice_rows,
        staging = names.staging,
        source_file = names.source_file,
        loaded_at = names.loaded_at,
    )
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
    let op_letter = op_letter(&format!("a.{op}"));
    // Only an update leaves columns unchanged.
    let a_source: Vec<String> = names
        .carried_columns()
        .map(|(name, _)| match &names.given_columns {
            Some(given) if given == name => format!("iff({op_letter} = 'U', a.{name}, null)"),
            _ => format!("a.{name}"),
        })
        .collect();
    let (loaded_at, source_file) = (&names.loaded_at, &names.source_file);
    let (is_read, reads_all) = if contract.snapshot().is_some() {
        snapshot::reads(names)
    } else {
        let is_before = format!("s.{loaded_at} < :last_loaded_at");
        let is_up_to = format!("s.{loaded_at} = :last_loaded_at and s.{source_file} <= :last_file");
        let is_read = format!(":last_file is null or {is_before} or ({is_up_to})");
        (is_read, "last_file is null")
    };
    let surplus = literal(&format!(
        "more than the {} fields of the contract",
        contract.header().count()
    ));
    format!(
        "{cut}  insert into {events} ({op}, {columns}, _firn_raw_line, _firn_reason, {source})
  with staged as (
    select
      s.*,
      case
        when s._firn_reject_reason is not null and s._firn_raw_line is not null then s._firn_reject_reason
        when s._firn_reject_reason is not null then {surplus}
        {complaints}
      end as _firn_reason
    from {staging} s
    where {is_read}
  )
  select
    {op_letter},
    {values},
    iff(a._firn_reason is not null, coalesce(a._firn_raw_line, {text}), null),
    a._firn_reason, {a_source}
  from staged a;
  event_rows := sqlrowcount;
  if ({reads_all}) then
    -- Consume the stream without inserting a row: its offset moves with the commit, so these rows do not trigger the task again.
    insert into {events} ({source_file}) select {source_file} from {stream} where false;
  end if;",
        cut = cut(plan),
        is_read = is_read,
        source_file = names.source_file,
        events = names.merge_events,
        source = names.carried_list(""),
        a_source = a_source.join(", "),
        complaints = complaints(contract, names, "s").join("\n        "),
        staging = names.staging,
        stream = names.staging_stream,
        values = values.join(",\n    "),
        text = text_line(contract, "a"),
    )
}

pub(super) fn delete_staged(plan: &MergePlan<'_>) -> String {
    let names = &plan.names;
    format!(
        "  -- DELETE instead of TRUNCATE: keep rows that are loaded meanwhile, and the table's load metadata.
  delete from {staging} using {events} b where {same};",
        staging = names.staging,
        events = names.merge_events,
        same = same_staged_row(names, &names.staging.to_string(), "b"),
    )
}

pub(super) fn find_differences(plan: &MergePlan<'_>) -> String {
    let (contract, names) = (plan.contract, &plan.names);
    let op = Identifier::new(contract.op());
    let either: Vec<String> = contract
        .key()
        .map(|one| format!("coalesce({}, {})", of("t", one), of("h", one)))
        .collect();
    let first = |alias: &str| {
        let key = contract.key().next();
        key.map(|one| of(alias, one)).unwrap_or_default()
    };
    format!(
        "  -- Without a usable stream, compare the whole target with the open versions.
  insert into {differences} ({key})
  select {either}
  from {target} t
  full outer join (select * from {open} where {op} <> 'D') h on {same}
  where {t_key} is null or {h_key} is null or {differ};",
        differences = names.merge_differences,
        key = list(contract.key(), ""),
        either = either.join(", "),
        target = names.target,
        open = names.history_open,
        same = equal(contract.key(), "t", "h"),
        t_key = first("t"),
        h_key = first("h"),
        differ = differ(others(contract), "t", "h"),
    )
}

pub(super) fn find_touched_keys(plan: &MergePlan<'_>) -> String {
    let (contract, names) = (plan.contract, &plan.names);
    let key = list(contract.key(), "");
    format!(
        "  -- Find the keys to process: those of the events, and those whose target row was changed manually. A change in the stream that no
  -- earlier run wrote is a manual change. This is the only read of the target.
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
      select {key}, 1 as _firn_count from _firn_changes group by {key} having count(iff(metadata$action = 'INSERT', 1, null)) = 0
      union all
      select {key}, -1 from {merge_changes} where not _firn_in_target
    ) deleted
    group by {key}
    having sum(_firn_count) <> 0
    union all
    select {key}, null from {differences}
  ),
  _firn_keys as (
    select {key}, min(_firn_first_at) as _firn_first_at from _firn_touched_keys group by {key}
  )
  select {k_key}, k._firn_first_at, {t_others}, {t_first_key} is not null,
    count(*) over (partition by {k_key}), row_number() over (partition by {k_key} order by {t_order})
  from _firn_keys k
  left join {target} t on {same};
  touched_keys := sqlrowcount;
  select count(iff(_firn_row_count > 1, 1, null)) into :duplicate_keys from {keys};

  -- A manual INSERT may repeat a key. Capture each row, delete all of them here, and insert one row below.
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
        differences = names.merge_differences,
        k_key = list(contract.key(), "k."),
        t_others = list(others(contract), "t."),
        t_order = list(contract.order(), "t."),
        t_first_key = contract.key().next().map(|one| of("t", one)).unwrap_or_default(),
        target = names.target,
        same = equal(contract.key(), "t", "k"),
        target_same = equal(contract.key(), &names.target.to_string(), "k"),
    )
}

pub(super) fn read_history(plan: &MergePlan<'_>) -> String {
    let (contract, names) = (plan.contract, &plan.names);
    let op = Identifier::new(contract.op());
    let stored = format!(
        "insert into {} ({op}, {}, _firn_valid_to, {})",
        names.merge_stored,
        list(contract.columns(), ""),
        names.carried_list("")
    );
    format!(
        "  -- Read the versions that may change: those whose interval ends at or after the earliest event of the key. Closed versions are
  -- read for late events only, and `earliest` lets Snowflake prune most of their partitions.
  {stored}
  select h.{op}, {h_columns}, null, {h_source}
  from {open} h
  join {keys} k on {same} and k._firn_row_number = 1;
  select count(*), min(k._firn_first_at) into :late_keys, :earliest
  from {keys} k
  join {merge_stored} h on {same}
  where k._firn_row_number = 1 and k._firn_first_at <= h.{changed_at};
  if (late_keys > 0) then
    {stored}
    select h.{op}, {h_columns}, h.{valid_to}, {h_source}
    from {closed} h
    join {keys} k on {same} and k._firn_row_number = 1
    where h.{valid_to} >= :earliest and h.{valid_to} >= k._firn_first_at;
  end if;",
        h_columns = list(contract.columns(), "h."),
        changed_at = column(contract.changed_at()),
        valid_to = names.valid_to,
        h_source = names.carried_list("h."),
        open = names.history_open,
        closed = names.history_closed,
        merge_stored = names.merge_stored,
        keys = names.merge_keys,
        same = equal(contract.key(), "h", "k"),
    )
}
