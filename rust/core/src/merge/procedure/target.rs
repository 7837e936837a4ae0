//! What changes in the target, how it is written so that no edit is lost, and the account of the run.

use super::staging::others;
use crate::merge::expression::{column, differ, equal, list, of};
use crate::merge::{Identifier, MergePlan};

pub(super) fn compare_with_target(plan: &MergePlan<'_>) -> String {
    let (contract, names) = (plan.contract, &plan.names);
    let op = Identifier::new(contract.op());
    format!(
        "  -- The open version of every touched key against the row that was found. Runs that had ended before this one began are
  -- behind the stream's offset now; those that ended while this one waited are not.
  delete from {delta} where run_id <= :runs_before;
  insert into {delta} ({op}, {columns}, is_there, was_there, run_id)
  select f.{op}, {f_columns}, f.{op} <> 'D', k.is_there and k.copies = 1, :run_id
  from {fold} f
  join {touched} k on {same} and k.copy = 1
  where f.fate in ('new', 'moved', 'kept') and f.valid_to is null
    and iff(f.{op} <> 'D' and k.is_there and k.copies = 1, {differ}, f.{op} <> 'D' or (k.is_there and k.copies = 1));
  select count(*), count(iff(was_there, null, 1)), count(iff(is_there, null, 1)) into :expected, :inserted, :deleted
  from {delta} where run_id = :run_id;
  updated := expected - inserted - deleted;",
        delta = names.delta,
        columns = list(contract.columns(), ""),
        f_columns = list(contract.columns(), "f."),
        fold = names.fold,
        touched = names.touched,
        same = equal(contract.key(), "f", "k"),
        differ = differ(others(contract), "f", "k"),
    )
}

pub(super) fn apply_to_target(plan: &MergePlan<'_>) -> String {
    let (contract, names) = (plan.contract, &plan.names);
    let assignments: Vec<String> = others(contract)
        .map(|one| format!("{0} = d.{0}", column(one)))
        .collect();
    // A name of its own for each value that was read, apart from the contract's.
    let before: Vec<String> = others(contract)
        .enumerate()
        .map(|(at, one)| format!("{} as before_{}", of("k", one), at + 1))
        .collect();
    let unchanged: Vec<String> = others(contract)
        .enumerate()
        .map(|(at, one)| format!("{} is not distinct from d.before_{}", of("t", one), at + 1))
        .collect();
    format!(
        "  -- At READ COMMITTED someone may have edited a row since it was read. Such a row matches no branch, the count is short,
  -- and the run is undone rather than the edit lost.
  merge into {target} t
  using (
    select {written}, x.is_there, x.was_there, {before}
    from {delta} x
    join {touched} k on {found} and k.copy = 1
    where x.run_id = :run_id
  ) d
  on {same}
  when matched and d.was_there and not d.is_there and {unchanged}
    then delete
  when matched and d.was_there and {unchanged}
    then update set {assignments}
  when not matched and not d.was_there
    then insert ({columns}) values ({d_columns});
  if (sqlrowcount <> expected) then
    raise edited_meanwhile;
  end if;",
        target = names.target,
        written = list(contract.columns(), "x."),
        before = before.join(", "),
        delta = names.delta,
        touched = names.touched,
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
    format!(
        "  -- What happened to the rows of every file. A displaced row leaves the history of the file that brought it; a row of the
  -- target changed for the file whose event is the key's last now.
  select count(*) into :rows_in from {batch};
  insert into {runs} (run_id, source_file, rows_in, history, duplicates, rejects, inserted, updated, deleted, landed_at, started_at, finished_at)
  with fates as (
    select source_file, loaded_at, 1 as came, 0 as kept, 0 as copies, iff(reason is null, 0, 1) as candidates, 0 as refused,
      0 as appeared, 0 as went, 0 as touched
    from {batch}
    union all
    select source_file, loaded_at, 0, iff(fate = 'new', 1, iff(fate = 'displaced', -1, 0)), iff(fate = 'duplicate', 1, 0),
      iff(fate in ('tied', 'displaced'), 1, 0), 0, 0, 0, 0
    from {fold} where fate in ('new', 'duplicate', 'tied', 'displaced')
    union all
    select source_file, loaded_at, 0, 0, 0, 0, 1, 0, 0, 0 from {rejects} where run_id = :run_id
    union all
    select f.source_file, f.loaded_at, 0, 0, 0, 0, 0, iff(d.was_there, 0, 1), iff(d.is_there, 0, 1), 1
    from {delta} d join {fold} f on {same} and f.fate = 'new' and f.valid_to is null
    where d.run_id = :run_id
  )
  select :run_id, source_file, sum(came), sum(kept), sum(copies) + sum(candidates) - sum(refused), sum(refused),
    sum(appeared), sum(touched) - sum(appeared) - sum(went), sum(went), min(loaded_at), :started_at, sysdate()
  from fates
  group by source_file;",
        batch = names.batch,
        runs = names.runs,
        fold = names.fold,
        delta = names.delta,
        same = equal(plan.contract.key(), "d", "f"),
        rejects = names.rejects,
    )
}
