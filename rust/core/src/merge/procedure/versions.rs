//! Makes versions of the events: intervals, duplicates, ties; then writes the rejects and the history.

use super::TIE;
use super::{partial, snapshot};
use crate::merge::expression::{column, equal, line, list, order_list, precedence, same_place};
use crate::merge::{Identifier, MergePlan, literal};

pub(super) fn resolve_versions(plan: &MergePlan<'_>) -> String {
    let (contract, names) = (plan.contract, &plan.names);
    let op = Identifier::new(contract.op());
    let (columns, key) = (list(contract.columns(), ""), list(contract.key(), ""));
    let (order, precedence) = (order_list(contract, names, ""), precedence(contract, names));
    let source = names.source_list("");
    let all = format!("{op}, {columns}, {}", names.carried_list(""));
    let partial::Filled {
        steps,
        last,
        selected,
        is_changed,
        about,
    } = partial::filled(contract, names);
    format!(
        "  -- Resolve versions: one event per key and order wins, and the next winner's time ends its interval. A stored row wins over an
  -- equal new one, so a duplicate changes nothing. Only events that share key and order are sorted by all their values.{about}
  insert into {versions} ({all}, _firn_valid_to, _firn_outcome, _firn_was_open)
  with events as (
    select {all}, 0 as _firn_is_stored, cast(null as timestamp_ntz) as _firn_stored_valid_to from {events} where _firn_reason is null{is_not_known}
    union all
    select {all}, 1 as _firn_is_stored, _firn_valid_to as _firn_stored_valid_to from {stored}
  ),
  tied_orders as (
    select {key}, {order} from events group by {key}, {order} having count(*) > 1
  ),
  ranked as (
    select e.*, 1 as _firn_first_equal, 1 as _firn_rank
    from events e
    where not exists (select 1 from tied_orders c where {same})
    union all
    select e.*,
      rank() over (partition by {key}, {order} order by {precedence}) as _firn_first_equal,
      row_number() over (partition by {key}, {order} order by {precedence}, _firn_is_stored desc, {source}) as _firn_rank
    from events e
    where exists (select 1 from tied_orders c where {same})
  ),
  with_next as (
    select ranked.*,
      lead({changed_at}) over (partition by {key}, _firn_rank = 1 order by {order}) as _firn_next_at
    from ranked
  ){steps}
  select {selected}, iff(_firn_rank = 1, _firn_next_at, null),
    case
      when _firn_rank > _firn_first_equal then 'duplicate'
      when _firn_rank > 1 and _firn_is_stored = 1 then 'displaced'
      when _firn_rank > 1 then 'tie_lost'
      when _firn_is_stored = 0 then 'new'
      when _firn_next_at is distinct from _firn_stored_valid_to{is_changed} then 'end_moved'
      else 'unchanged'
    end,
    _firn_is_stored = 1 and _firn_stored_valid_to is null
  from {last};{known}
  select count(iff(_firn_outcome = 'new', 1, null)) - count(iff(_firn_outcome = 'displaced', 1, null)) into :history from {versions};",
        is_not_known = snapshot::is_not_known(contract),
        known = snapshot::known_rows(plan, &all),
        versions = names.merge_versions,
        events = names.merge_events,
        stored = names.merge_stored,
        same = same_place(contract, names, "c", "e"),
        changed_at = column(contract.changed_at()),
    )
}

pub(super) fn write_rejects(plan: &MergePlan<'_>) -> String {
    let names = &plan.names;
    let op = Identifier::new(plan.contract.op());
    format!(
        "  -- Write each reject once, even if it is loaded again: a malformed row is identified by its file and row, the loser of a tie by its values.
  insert into {rejects} (reject_id, run_id, source_file, source_row, reason, raw_line, loaded_at)
  with candidates as (
    select md5({source_file} || ':' || cast({source_row} as varchar) || ':' || _firn_raw_line) as reject_id,
      _firn_reason as reason, _firn_raw_line as raw_line, {source_file} as source_file, {source_row} as source_row,
      {loaded_at} as loaded_at
    from {events} where _firn_reason is not null
    union all
    select md5(raw_line), {tie}, raw_line, {source}
    from (
      select f.{op} || ',' || {line} as raw_line, {f_source}
      from {versions} f where f._firn_outcome in ('tie_lost', 'displaced')
    ) losers
  )
  select c.reject_id, :run_id, c.source_file, c.source_row, c.reason, c.raw_line, c.loaded_at
  from candidates c
  where not exists (select 1 from {rejects} r where r.reject_id = c.reject_id)
  qualify row_number() over (partition by c.reject_id order by c.source_file, c.source_row, c.loaded_at) = 1;
  rejects := sqlrowcount;",
        rejects = names.rejects,
        events = names.merge_events,
        versions = names.merge_versions,
        source_file = names.source_file,
        source_row = names.source_row,
        loaded_at = names.loaded_at,
        source = names.source_list(""),
        f_source = names.source_list("f."),
        tie = literal(TIE),
        line = line(plan.contract, "f"),
    )
}

pub(super) fn write_history(plan: &MergePlan<'_>) -> String {
    let (contract, names) = (plan.contract, &plan.names);
    let op = Identifier::new(contract.op());
    let columns = list(contract.columns(), "");
    let f_columns = list(contract.columns(), "f.");
    let source = names.carried_list("");
    let f_source = names.carried_list("f.");
    let valid_from = &names.valid_from;
    let replaced = contract
        .columns()
        .iter()
        .enumerate()
        .filter(|(index, _)| !contract.is_key(*index))
        .map(|(_, one)| format!("{0} = f.{0}", column(one)))
        .chain([
            format!("{op} = f.{op}"),
            format!("{valid_from} = f.{}", column(contract.changed_at())),
        ])
        .chain(
            names
                .carried_columns()
                .map(|(name, _)| format!("{name} = f.{name}")),
        );
    format!(
        "  -- Replace closed versions whose end has moved or that have lost a tie. Only late events cause this.
  if (late_keys > 0) then
    delete from {closed} using (
      select * from {versions} where _firn_outcome in ('end_moved', 'displaced') and not _firn_was_open
    ) f
    where {closed_is_f} and {closed}.{valid_to} >= :earliest;
  end if;
  insert into {closed} ({op}, {columns}, {valid_from}, {valid_to}, {source})
  select f.{op}, {f_columns}, f.{changed_at}, f._firn_valid_to, {f_source}
  from {versions} f
  where f._firn_outcome in ('new', 'end_moved') and f._firn_valid_to is not null;

  -- Replace the open version of each key, which has just been closed, with its last event.
  merge into {open} h
  using (select * from {versions} where {replaces_open} and _firn_valid_to is null) f
  on {same_key}
  when matched then update set {replaced}
  when not matched then insert ({op}, {columns}, {valid_from}, {source})
    values (f.{op}, {f_columns}, f.{changed_at}, {f_source});",
        // A late event may also change an open version, in a column that its update left unchanged.
        replaces_open = match names.given_columns {
            Some(_) => "_firn_outcome in ('new', 'end_moved')",
            None => "_firn_outcome = 'new'",
        },
        open = names.history_open,
        closed = names.history_closed,
        versions = names.merge_versions,
        valid_to = names.valid_to,
        closed_is_f = same_place(contract, names, &names.history_closed.to_string(), "f"),
        same_key = equal(contract.key(), "h", "f"),
        replaced = replaced.collect::<Vec<_>>().join(", "),
        changed_at = column(contract.changed_at()),
    )
}
