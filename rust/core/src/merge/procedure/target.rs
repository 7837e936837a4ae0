//! Finds and writes the changes of the target without losing a manual change, and writes the run log.

use super::snapshot;
use crate::merge::expression::{column, differ, equal, list, of, order_list, others};
use crate::merge::{Identifier, MergePlan};

pub(super) fn compare_with_target(plan: &MergePlan<'_>) -> String {
    let (contract, names) = (plan.contract, &plan.names);
    let op = Identifier::new(contract.op());
    format!(
        "  -- Compare the open version of every touched key with its target row. The stream's offset is now past the runs that ended
  -- before this one began, but not past those that ended while this one waited.
  delete from {changes} where _firn_run_id <= :runs_before;
  insert into {changes} ({op}, {columns}, _firn_in_target, _firn_was_there, _firn_run_id)
  select f.{op}, {f_columns}, f.{op} <> 'D', k._firn_in_target and k._firn_row_count = 1, :run_id
  from {versions} f
  join {keys} k on {same} and k._firn_row_number = 1
  where f._firn_outcome in ('new', 'end_moved', 'unchanged') and f._firn_valid_to is null
    and iff(f.{op} <> 'D' and k._firn_in_target and k._firn_row_count = 1, {differ},
      f.{op} <> 'D' or (k._firn_in_target and k._firn_row_count = 1));
  select count(*), count(iff(_firn_was_there, null, 1)), count(iff(_firn_in_target, null, 1)) into :expected, :inserted, :deleted
  from {changes} where _firn_run_id = :run_id;
  updated := expected - inserted - deleted;",
        changes = names.merge_changes,
        columns = list(contract.columns(), ""),
        f_columns = list(contract.columns(), "f."),
        versions = names.merge_versions,
        keys = names.merge_keys,
        same = equal(contract.key(), "f", "k"),
        differ = differ(others(contract), "f", "k"),
    )
}

pub(super) fn apply_to_target(plan: &MergePlan<'_>) -> String {
    let (contract, names) = (plan.contract, &plan.names);
    let assignments: Vec<String> = others(contract)
        .map(|one| format!("{0} = d.{0}", column(one)))
        .collect();
    let before: Vec<String> = others(contract)
        .enumerate()
        .map(|(at, one)| format!("{} as _firn_before_{}", of("k", one), at + 1))
        .collect();
    let unchanged: Vec<String> = others(contract)
        .enumerate()
        .map(|(at, one)| {
            format!(
                "{} is not distinct from d._firn_before_{}",
                of("t", one),
                at + 1
            )
        })
        .collect();
    format!(
        "  -- At READ COMMITTED, a row may have been changed manually since it was read. Such a row matches no branch, so the row count differs,
  -- and the run is rolled back. The change is not lost.
  merge into {target} t
  using (
    select {written}, x._firn_in_target, x._firn_was_there, {before}
    from {changes} x
    join {keys} k on {found} and k._firn_row_number = 1
    where x._firn_run_id = :run_id
  ) d
  on {same}
  when matched and d._firn_was_there and not d._firn_in_target and {unchanged}
    then delete
  when matched and d._firn_was_there and {unchanged}
    then update set {assignments}
  when not matched and not d._firn_was_there
    then insert ({columns}) values ({d_columns});
  if (sqlrowcount <> expected) then
    raise target_changed_meanwhile;
  end if;",
        target = names.target,
        written = list(contract.columns(), "x."),
        before = before.join(", "),
        changes = names.merge_changes,
        keys = names.merge_keys,
        found = equal(contract.key(), "x", "k"),
        same = equal(contract.key(), "t", "d"),
        unchanged = unchanged.join(" and "),
        assignments = assignments.join(", "),
        columns = list(contract.columns(), ""),
        d_columns = list(contract.columns(), "d."),
    )
}

pub(super) fn write_run_log(plan: &MergePlan<'_>) -> String {
    let names = &plan.names;
    let (snapshot_column, snapshot_at) = snapshot::of_run(plan.contract);
    format!(
        "  -- Write the load report: what happened to the rows of every file. A displaced row no longer counts as history of its file. A
  -- change of the target counts for the file that holds the last event of the key.
  select count(*) into :rows_in from {events};
  insert into {runs} (run_id, source_file, rows_in, history, duplicates, rejects, inserted, updated, deleted, landed_at, started_at, finished_at{snapshot_column})
  with outcomes as (
    select {source_file} as source_file, {loaded_at} as loaded_at, 1 as rows_in, 0 as history, 0 as duplicates,
      iff(_firn_reason is null, 0, 1) as candidates, 0 as rejects, 0 as inserted, 0 as deleted, 0 as changed
    from {events}
    union all
    select {source_file}, {loaded_at}, 0, iff(_firn_outcome = 'new', 1, iff(_firn_outcome = 'displaced', -1, 0)),
      iff(_firn_outcome = 'duplicate', 1, 0), iff(_firn_outcome in ('tie_lost', 'displaced'), 1, 0), 0, 0, 0, 0
    from {versions} where _firn_outcome in ('new', 'duplicate', 'tie_lost', 'displaced')
    union all
    select source_file, loaded_at, 0, 0, 0, 0, 1, 0, 0, 0 from {rejects} where run_id = :run_id
    union all
    select {changing_file}, f.{loaded_at}, 0, 0, 0, 0, 0, iff(d._firn_was_there, 0, 1), iff(d._firn_in_target, 0, 1), 1
    from {changes} d join {last_event}
    where d._firn_run_id = :run_id
  )
  select :run_id, source_file, sum(rows_in), sum(history), sum(duplicates) + sum(candidates) - sum(rejects), sum(rejects),
    sum(inserted), sum(changed) - sum(inserted) - sum(deleted), sum(deleted), min(loaded_at), :started_at, sysdate(){snapshot_at}
  from outcomes
  group by source_file;",
        events = names.merge_events,
        runs = names.runs,
        source_file = names.source_file,
        loaded_at = names.loaded_at,
        versions = names.merge_versions,
        changes = names.merge_changes,
        changing_file =
            snapshot::changing_file(plan.contract, &format!("f.{}", names.source_file)),
        last_event = last_event(plan),
        rejects = names.rejects,
    )
}

/// The last new event of a key, joined to the target's changes. A partial update may cause one without being the key's last event.
fn last_event(plan: &MergePlan<'_>) -> String {
    let (contract, names) = (plan.contract, &plan.names);
    let versions = &names.merge_versions;
    let same = equal(contract.key(), "d", "f");
    if names.given_columns.is_none() {
        return format!(
            "{versions} f on {same} and f._firn_outcome = 'new' and f._firn_valid_to is null"
        );
    }
    let key = list(contract.key(), "");
    format!(
        "(
      select {key}, {source} from {versions} where _firn_outcome = 'new'
      qualify row_number() over (partition by {key} order by {order}) = count(*) over (partition by {key})
    ) f on {same}",
        source = names.source_list(""),
        order = order_list(contract, names, ""),
)
}
