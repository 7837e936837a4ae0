//! Snapshots: a file is the whole table at one time, so a key that it lacks was deleted by then. A run reads one of them.

use super::MANUAL_CHANGE;
use crate::contract::{Column, Contract};
use crate::merge::expression::{column, equal, line, list, of, others, typed};
use crate::merge::{Identifier, MergePlan, Names, literal};

/// Prefix of the file's name in the deletes that a snapshot implies.
const ABSENT: &str = "absent from ";

/// The variables that only snapshots need.
pub(super) fn declarations(contract: &Contract) -> &'static str {
    match contract.snapshot() {
        None => "",
        Some(_) => {
            "
  waiting_files number default 0;
  snapshot_at timestamp_ntz default null;
  snapshot_times number default 0;
  snapshot_rejects number default 0;
  first_reject number default null;
  newest_snapshot timestamp_ntz default null;
  is_known number default 0;
  living_keys number default 0;
  absent_keys number default 0;
  held_back varchar default null;"
        }
    }
}

/// Selects the file that a run reads: the oldest waiting snapshot.
pub(super) fn cut(plan: &MergePlan<'_>) -> String {
    let names = &plan.names;
    let changed_at = plan.contract.changed_at();
    format!(
        "  -- A run reads one snapshot: of those that wait, the one of the earliest time.
  select count(*), max(iff(_firn_position = 1, {source_file}, null)), max(iff(_firn_position = 1, {loaded_at}, null))
    into :waiting_files, :last_file, :last_loaded_at
  from (
    select {source_file}, {loaded_at}, row_number() over (order by min({at}) nulls first, {loaded_at}, {source_file}) as _firn_position
    from {staging} group by {source_file}, {loaded_at}
  ) files;
",
        source_file = names.source_file,
        loaded_at = names.loaded_at,
        at = typed(&column(changed_at).to_string(), changed_at.kind),
        staging = names.staging,
    )
}

/// Which staged rows are read, and whether they are all of the waiting rows.
pub(super) fn reads(names: &Names) -> (String, &'static str) {
    let (file, time) = (&names.source_file, &names.loaded_at);
    (
        format!("s.{file} = :last_file and s.{time} = :last_loaded_at"),
        "waiting_files <= 1",
    )
}

/// The keys that the history has at the snapshot's time.
fn living(plan: &MergePlan<'_>) -> String {
    let names = &plan.names;
    let op = Identifier::new(plan.contract.op());
    let key = list(plan.contract.key(), "");
    format!(
        "select {key} from {open} where {op} <> 'D' and {from} <= :snapshot_at
      union all
      select {key} from {closed} where {op} <> 'D' and {from} <= :snapshot_at and {to} > :snapshot_at",
        open = names.history_open,
        closed = names.history_closed,
        from = names.valid_from,
        to = names.valid_to,
    )
}

pub(super) fn read_snapshot(plan: &MergePlan<'_>) -> String {
    let (contract, names) = (plan.contract, &plan.names);
    format!(
        "  -- A snapshot holds every key of its time: a key of the history that it lacks was deleted then. One that is not whole or not in its
  -- turn is held back: all its rows go to the rejects. One that was merged before changes nothing.
  snapshot_at := null;
  if (event_rows > 0) then
    select max({at}), count(distinct {at}), count(_firn_reason), min(iff(_firn_reason is null, null, {source_row}))
      into :snapshot_at, :snapshot_times, :snapshot_rejects, :first_reject from {events};
    select max(snapshot_at), count(iff(source_file = :last_file, 1, null)) into :newest_snapshot, :is_known
    from {runs} where snapshot_at is not null;
  end if;
  if (event_rows > 0 and is_known > 0) then
    snapshot_at := null;
    update {events} set _firn_is_known = true where _firn_reason is null;
  elseif (event_rows > 0) then
{new_snapshot}
  end if;",
        at = column(contract.changed_at()),
        source_row = names.source_row,
        events = names.merge_events,
        runs = names.runs,
        new_snapshot = new_snapshot(plan),
    )
}

fn new_snapshot(plan: &MergePlan<'_>) -> String {
    let (contract, names) = (plan.contract, &plan.names);
    let op = Identifier::new(contract.op());
    let percent = contract
        .snapshot()
        .map_or(100, |one| one.max_deleted_percent);
    let changed_at = contract.changed_at();
    let placed = |one: &Column| {
        if one == changed_at {
            ":snapshot_at".to_owned()
        } else if one.position.is_some() {
            "''".to_owned()
        } else {
            "0".to_owned()
        }
    };
    let order: Vec<String> = contract.order().map(placed).collect();
    format!(
        "    select count(*) into :living_keys from (
      {living}
    ) living;
    insert into {events} ({op}, {key}, {order_columns}, {source})
    select 'D', {h_key}, {order}, {absent} || :last_file, row_number() over (order by {h_key}), :last_loaded_at
    from (
      {living}
    ) h
    where not exists (select 1 from {events} e where {same});
    absent_keys := sqlrowcount;
    held_back := case
      when snapshot_rejects > 0
        then 'held back: row ' || first_reject || ' of the snapshot is rejected, and a key that a snapshot lacks would be deleted'
      when snapshot_times > 1
        then 'held back: the rows of the snapshot have ' || snapshot_times || ' times in ' || {at_name} || ', and a snapshot has one'
      when snapshot_at <= newest_snapshot
        then 'held back: a snapshot of ' || to_varchar(newest_snapshot, 'YYYY-MM-DD HH24:MI:SS') || ' has been merged, and this one is not newer'
      when absent_keys * 100 > living_keys * {percent}
        then 'held back: the snapshot lacks ' || absent_keys || ' of ' || living_keys || ' keys, more than max_deleted = {percent}%'
    end;
    if (held_back is not null) then
      snapshot_at := null;
      absent_keys := 0;
      delete from {events} where {source_file} <> :last_file;
      update {events} set _firn_raw_line = coalesce(_firn_raw_line, {op} || ',' || {line}), _firn_reason = coalesce(_firn_reason, :held_back);
    end if;
    event_rows := event_rows + absent_keys;",
        living = living(plan),
        events = names.merge_events,
        key = list(contract.key(), ""),
        h_key = list(contract.key(), "h."),
        order_columns = list(contract.order(), ""),
        order = order.join(", "),
        source = names.source_list(""),
        absent = literal(ABSENT),
        same = equal(contract.key(), "e", "h"),
        at_name = literal(&changed_at.name),
        source_file = names.source_file,
        line = line(contract, &names.merge_events.to_string()),
    )
}

pub(super) fn find_known_rows(plan: &MergePlan<'_>) -> String {
    let (contract, names) = (plan.contract, &plan.names);
    let op = Identifier::new(contract.op());
    let events = names.merge_events.to_string();
    let at = |alias: &str| of(alias, contract.changed_at());
    let same_values: Vec<String> = others(contract)
        .filter(|one| contract.order().all(|ordering| ordering != *one))
        .map(|one| {
            format!(
                " and {} is not distinct from {}",
                of("h", one),
                of(&events, one)
            )
        })
        .collect();
    format!(
        "  -- A row of a snapshot that says what the history knows of its time is not an event: it counts as a duplicate.
  update {events} set _firn_is_known = true
  from {stored} h
  where {same_key} and {h_at} <= {at} and (h._firn_valid_to is null or h._firn_valid_to > {at})
    and h.{op} <> 'D' and {events}.{op} <> 'D' and {events}._firn_reason is null and {events}.{source_file} <> {manual_change}{same_values};",
        stored = names.merge_stored,
        same_key = equal(contract.key(), "h", &events),
        h_at = at("h"),
        at = at(&events),
        source_file = names.source_file,
        manual_change = literal(MANUAL_CHANGE),
        same_values = same_values.concat(),
    )
}

/// The condition that excludes the known rows.
pub(super) fn is_not_known(contract: &Contract) -> &'static str {
    match contract.snapshot() {
        None => "",
        Some(_) => " and _firn_is_known is null",
    }
}

/// The statement that counts the known rows as duplicates.
pub(super) fn known_rows(plan: &MergePlan<'_>, all: &str) -> String {
    if plan.contract.snapshot().is_none() {
        return String::new();
    }
    format!(
        "
  insert into {versions} ({all}, _firn_outcome, _firn_was_open)
  select {all}, 'duplicate', false from {events} where _firn_is_known;",
        versions = plan.names.merge_versions,
        events = plan.names.merge_events,
    )
}

/// The file to which a change of the target is attributed: the snapshot, also for the keys that it lacks.
pub(super) fn changing_file(contract: &Contract, source_file: &str) -> String {
    match contract.snapshot() {
        None => source_file.to_owned(),
        Some(_) => format!(
            "iff({source_file} = {} || :last_file, :last_file, {source_file})",
            literal(ABSENT)
        ),
    }
}

/// The column of the run log that holds a merged snapshot's time, and its value.
pub(super) fn of_run(contract: &Contract) -> (&'static str, &'static str) {
    match contract.snapshot() {
        None => ("", ""),
        Some(_) => (
            ", snapshot_at",
            ", iff(source_file = :last_file, :snapshot_at, null)",
        ),
    }
}
