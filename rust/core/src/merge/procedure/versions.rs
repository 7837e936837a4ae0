//! What the events come to: intervals, duplicates, ties; into the rejects and the history.

use super::TIE;
use crate::merge::expression::{column, equal, line, list, precedence};
use crate::merge::{Identifier, MergePlan, literal};

pub(super) fn resolve_versions(plan: &MergePlan<'_>) -> String {
    let (contract, names) = (plan.contract, &plan.names);
    let op = Identifier::new(contract.op());
    let (columns, key) = (list(contract.columns(), ""), list(contract.key(), ""));
    let (order, precedence) = (list(contract.order(), ""), precedence(contract));
    let all = format!("{op}, {columns}, source_file, source_row, loaded_at");
    format!(
        "  -- One event per key and order wins; a stored row counts before an equal new one, so that a repetition changes
  -- nothing. The next winner's time ends an interval. Most events are alone at their key and order: only the others are sorted by all
  -- their values.
  insert into {fold} ({all}, valid_to, fate)
  with events as (
    select {all}, 0 as is_stored, cast(null as timestamp_ntz) as stored_valid_to from {batch} where reason is null
    union all
    select {all}, 1 as is_stored, valid_to as stored_valid_to from {stored}
  ),
  crowded as (
    select {key}, {order} from events group by {key}, {order} having count(*) > 1
  ),
  placed as (
    select e.*, 1 as peers_from, 1 as place
    from events e
    where not exists (select 1 from crowded c where {same})
    union all
    select e.*,
      rank() over (partition by {key}, {order} order by {precedence}) as peers_from,
      row_number() over (partition by {key}, {order} order by {precedence}, is_stored desc, source_file, source_row, loaded_at) as place
    from events e
    where exists (select 1 from crowded c where {same})
  ),
  ended as (
    select placed.*,
      lead({changed_at}) over (partition by {key}, place = 1 order by {order}) as next_at
    from placed
  )
  select {all}, iff(place = 1, next_at, null),
    case
      when place > peers_from then 'duplicate'
      when place > 1 and is_stored = 1 then 'displaced'
      when place > 1 then 'tied'
      when is_stored = 0 then 'new'
      when next_at is distinct from stored_valid_to then 'moved'
      else 'kept'
    end
  from ended;
  select count(iff(fate = 'new', 1, null)) - count(iff(fate = 'displaced', 1, null)) into :history from {fold};",
        fold = names.fold,
        batch = names.batch,
        stored = names.stored,
        same = equal(contract.key().chain(contract.order()), "c", "e"),
        changed_at = column(contract.changed_at()),
    )
}

pub(super) fn write_rejects(plan: &MergePlan<'_>) -> String {
    let names = &plan.names;
    let op = Identifier::new(plan.contract.op());
    format!(
        "  -- A broken row is known by its place, the loser of a tie by its values: either is refused once, however often it comes.
  insert into {rejects} (reject_id, run_id, source_file, source_row, reason, raw_line, loaded_at)
  with candidates as (
    select md5(source_file || ':' || cast(source_row as varchar) || ':' || raw_line) as reject_id,
      reason, raw_line, source_file, source_row, loaded_at
    from {batch} where reason is not null
    union all
    select md5(line), {tie}, line, source_file, source_row, loaded_at
    from (
      select f.{op} || ',' || {line} as line, f.source_file, f.source_row, f.loaded_at
      from {fold} f where f.fate in ('tied', 'displaced')
    ) losers
  )
  select c.reject_id, :run_id, c.source_file, c.source_row, c.reason, c.raw_line, c.loaded_at
  from candidates c
  where not exists (select 1 from {rejects} r where r.reject_id = c.reject_id)
  qualify row_number() over (partition by c.reject_id order by c.source_file, c.source_row, c.loaded_at) = 1;
  rejects := sqlrowcount;",
        rejects = names.rejects,
        batch = names.batch,
        fold = names.fold,
        tie = literal(TIE),
        line = line(plan.contract, "f"),
    )
}

pub(super) fn write_history(plan: &MergePlan<'_>) -> String {
    let (contract, names) = (plan.contract, &plan.names);
    let op = Identifier::new(contract.op());
    let event = contract.key().chain(contract.order());
    let replaced = contract
        .columns()
        .iter()
        .enumerate()
        .filter(|(index, _)| !contract.is_always_filled(*index))
        .map(|(_, one)| format!("{0} = f.{0}", column(one)))
        .chain([format!("{op} = f.{op}")])
        .chain(["source_file", "source_row", "loaded_at"].map(|name| format!("{name} = f.{name}")));
    format!(
        "  -- A new event that meets a row has won its tie and takes the row's place.
  merge into {history} h
  using (select * from {fold} where fate in ('new', 'moved')) f
  on {same} and (h.valid_to is null or h.valid_to >= :earliest)
  when matched and f.fate = 'moved' then update set valid_to = f.valid_to, is_current = f.valid_to is null
  when matched then update set {replaced},
    valid_to = f.valid_to, is_current = f.valid_to is null
  when not matched then insert ({op}, {columns}, valid_from, valid_to, is_current, source_file, source_row, loaded_at)
    values (f.{op}, {f_columns}, f.{changed_at}, f.valid_to, f.valid_to is null, f.source_file, f.source_row, f.loaded_at);",
        history = names.history,
        fold = names.fold,
        same = equal(event, "h", "f"),
        replaced = replaced.collect::<Vec<_>>().join(", "),
        columns = list(contract.columns(), ""),
        f_columns = list(contract.columns(), "f."),
        changed_at = column(contract.changed_at()),
    )
}
