//! Captures manual changes of the target as events.

use super::MANUAL_CHANGE;
use crate::contract::Column;
use crate::merge::expression::{column, differ, equal, list, of, others};
use crate::merge::{Identifier, MergePlan, literal};

pub(super) fn capture_manual_changes(plan: &MergePlan<'_>) -> String {
    let (contract, names) = (plan.contract, &plan.names);
    let op = Identifier::new(contract.op());
    let changed_at = contract.changed_at();
    let (t_at, h_at) = (of("t", changed_at), of("h", changed_at));
    let h_key = contract
        .key()
        .next()
        .map(|one| of("h", one))
        .unwrap_or_default();
    // The change's own time is used if it is newer than the open version's; otherwise the change is dated now, and after that version.
    let own_time =
        format!("t._firn_in_target and {t_at} is not null and ({h_at} is null or {t_at} > {h_at})");
    let value = |(index, one): (usize, &Column)| {
        let name = column(one);
        if contract.is_key(index) {
            format!("{} as {name}", of("t", one))
        } else if one == changed_at {
            format!(
                "iff({own_time}, {t_at},\n        greatest(:started_at, coalesce(dateadd(microsecond, 1, {h_at}), :started_at))) as {name}"
            )
        } else if contract.is_order(index) {
            let least = if one.position.is_some() { "''" } else { "0" };
            format!(
                "iff({own_time}, coalesce({}, {least}), {least}) as {name}",
                of("t", one)
            )
        } else {
            format!(
                "iff(t._firn_in_target, {}, {}) as {name}",
                of("t", one),
                of("h", one)
            )
        }
    };
    let values: Vec<String> = contract.columns().iter().enumerate().map(value).collect();
    format!(
        "  -- Capture manual changes. Each run leaves the target equal to the open history, so every difference is a manual change.
  insert into {events} ({op}, {columns}, {source})
  with manual_changes as (
    select
      iff(not t._firn_in_target, 'D', iff({h_key} is null or h.{op} = 'D', 'I', 'U')) as {op},
      {values}
    from {keys} t
    left join {stored} h on {same} and h._firn_valid_to is null
    where iff(t._firn_in_target, {h_key} is null or h.{op} = 'D' or {differ}, {h_key} is not null and h.{op} <> 'D')
  )
  select {op}, {columns}, {manual_change}, row_number() over (order by {key}), current_timestamp()
  from manual_changes;",
        events = names.merge_events,
        source = names.source_list(""),
        columns = list(contract.columns(), ""),
        values = values.join(",\n      "),
        keys = names.merge_keys,
        stored = names.merge_stored,
        same = equal(contract.key(), "h", "t"),
        differ = differ(others(contract), "h", "t"),
        manual_change = literal(MANUAL_CHANGE),
        key = list(contract.key(), ""),
    )
}
