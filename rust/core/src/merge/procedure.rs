//! The text of `MERGE_…()` and `CAPTURE_…()`: each step of the plan as Snowflake SQL.

use super::expression::{
    column, complaints, differ, equal, line, list, of, op_letter, precedence, text_line, typed,
};
use super::{Identifier, MergePlan, Step, literal};
use crate::contract::{Column, Contract};

/// The file name under which edits made by hand are accounted.
pub(crate) const BY_HAND: &str = "by hand";

/// What the loser of a tie is told.
const TIE: &str =
    "another event of this key has the same order and wins: a delete, else the greater row";

/// A procedure's whole text, from `create` to its body's end.
pub(super) fn procedure(plan: &MergePlan<'_>, name: &Identifier) -> String {
    let contract = plan.contract;
    let edited = literal(&format!(
        "{} was edited while the run was under way: nothing was changed, run it again",
        contract.table()
    ));
    let steps: Vec<String> = plan.steps.iter().map(|step| render(plan, *step)).collect();
    let body = format!(
        "
declare
  edited_meanwhile exception (-20001, {edited});
  started_at timestamp_ntz default date_trunc('microsecond', sysdate());
  run_id number default 0;
  runs_before number default 0;
  earliest timestamp_ntz;
  twins number default 0;
  rows_in number default 0;
  history number default 0;
  rejects number default 0;
  inserted number default 0;
  updated number default 0;
  deleted number default 0;
  expected number default 0;
begin
  select max(runs) into :runs_before from {lock};
  begin transaction;

{}

  commit;
  return object_construct('run_id', :run_id, 'rows_in', :rows_in, 'history', :history,
    'duplicates', :rows_in - :history - :rejects, 'rejects', :rejects,
    'inserted', :inserted, 'updated', :updated, 'deleted', :deleted);
exception
  when other then
    rollback;
    raise;
end;
",
        steps.join("\n\n"),
        lock = plan.names.lock,
    );
    format!(
        "create or replace procedure {name}()\nreturns variant\nlanguage sql\nexecute as owner\nas\n{}",
        dollar_quoted(&body)
    )
}

/// A procedure's body between `$$`, or as a literal if it holds `$$` itself.
fn dollar_quoted(body: &str) -> String {
    if body.contains("$$") {
        literal(body)
    } else {
        format!("$${body}$$")
    }
}

/// The SQL of one step, its reason first.
pub(super) fn render(plan: &MergePlan<'_>, step: Step) -> String {
    match step {
        Step::Lock => lock(plan),
        Step::Clear => clear(plan),
        Step::Take => take(plan),
        Step::Forget => forget(plan),
        Step::Touch => touch(plan),
        Step::Recall => recall(plan),
        Step::Capture => capture(plan),
        Step::Fold => fold(plan),
        Step::Refuse => refuse(plan),
        Step::Remember => remember(plan),
        Step::Compare => compare(plan),
        Step::Apply => apply(plan),
        Step::Account => account(plan),
    }
}

fn lock(plan: &MergePlan<'_>) -> String {
    let lock = &plan.names.lock;
    format!(
        "  -- Two runs at once would both read the same open versions: the second waits here until the first has ended.
  update {lock} set runs = runs + 1;
  select max(runs) into :run_id from {lock};"
    )
}

fn clear(plan: &MergePlan<'_>) -> String {
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

fn take(plan: &MergePlan<'_>) -> String {
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

fn forget(plan: &MergePlan<'_>) -> String {
    format!(
        "  -- Not TRUNCATE: rows that land while this runs must stay, and the load's memory of its files too.
  delete from {staging} using {batch} b where {same};",
        staging = plan.names.staging,
        batch = plan.names.batch,
        same = same_staged_row(&plan.names.staging.to_string(), "b"),
    )
}

fn touch(plan: &MergePlan<'_>) -> String {
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
fn others(contract: &Contract) -> impl Iterator<Item = &Column> {
    contract
        .columns()
        .iter()
        .enumerate()
        .filter(|(index, _)| !contract.is_key(*index))
        .map(|(_, one)| one)
}

fn recall(plan: &MergePlan<'_>) -> String {
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

fn capture(plan: &MergePlan<'_>) -> String {
    let (contract, names) = (plan.contract, &plan.names);
    let op = Identifier::new(contract.op());
    let changed_at = contract.changed_at();
    let (t_at, h_at) = (of("t", changed_at), of("h", changed_at));
    let h_key = contract
        .key()
        .next()
        .map(|one| of("h", one))
        .unwrap_or_default();
    // The edit's own time is believed if it is newer than the open version; otherwise it happened now, and after it.
    let own_time =
        format!("t.is_there and {t_at} is not null and ({h_at} is null or {t_at} > {h_at})");
    let value = |(index, one): (usize, &Column)| {
        let name = column(one);
        if contract.is_key(index) {
            format!("{} as {name}", of("t", one))
        } else if one == changed_at {
            format!(
                "iff({own_time}, {t_at},\n        greatest(:started_at, coalesce(dateadd(microsecond, 1, {h_at}), :started_at))) as {name}"
            )
        } else if contract.is_order(index) {
            format!(
                "iff({own_time}, coalesce({}, 0), 0) as {name}",
                of("t", one)
            )
        } else {
            format!(
                "iff(t.is_there, {}, {}) as {name}",
                of("t", one),
                of("h", one)
            )
        }
    };
    let values: Vec<String> = contract.columns().iter().enumerate().map(value).collect();
    format!(
        "  -- Firn's own writes left the target equal to open history, so they do not show here; edits made by hand do.
  insert into {batch} ({op}, {columns}, source_file, source_row, loaded_at)
  with edits as (
    select
      iff(not t.is_there, 'D', iff({h_key} is null or h.{op} = 'D', 'I', 'U')) as {op},
      {values}
    from {touched} t
    left join {stored} h on {same} and h.valid_to is null
    where iff(t.is_there, {h_key} is null or h.{op} = 'D' or {differ}, {h_key} is not null and h.{op} <> 'D')
  )
  select {op}, {columns}, {by_hand}, row_number() over (order by {key}), current_timestamp()
  from edits;",
        batch = names.batch,
        columns = list(contract.columns(), ""),
        values = values.join(",\n      "),
        touched = names.touched,
        stored = names.stored,
        same = equal(contract.key(), "h", "t"),
        differ = differ(others(contract), "h", "t"),
        by_hand = literal(BY_HAND),
        key = list(contract.key(), ""),
    )
}

fn fold(plan: &MergePlan<'_>) -> String {
    let (contract, names) = (plan.contract, &plan.names);
    let op = Identifier::new(contract.op());
    let (columns, key) = (list(contract.columns(), ""), list(contract.key(), ""));
    let (order, precedence) = (list(contract.order(), ""), precedence(contract));
    let all = format!("{op}, {columns}, source_file, source_row, loaded_at");
    format!(
        "  -- One event per key and order wins; a stored row counts before an equal new one, so that a repetition changes
  -- nothing. The next winner's time ends an interval.
  insert into {fold} ({all}, valid_to, fate)
  with events as (
    select {all}, 0 as is_stored, cast(null as timestamp_ntz) as stored_valid_to from {batch} where reason is null
    union all
    select {all}, 1 as is_stored, valid_to as stored_valid_to from {stored}
  ),
  placed as (
    select events.*,
      rank() over (partition by {key}, {order} order by {precedence}) as peers_from,
      row_number() over (partition by {key}, {order} order by {precedence}, is_stored desc, source_file, source_row, loaded_at) as place
    from events
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
        changed_at = column(contract.changed_at()),
    )
}

fn refuse(plan: &MergePlan<'_>) -> String {
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

fn remember(plan: &MergePlan<'_>) -> String {
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

fn compare(plan: &MergePlan<'_>) -> String {
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

fn apply(plan: &MergePlan<'_>) -> String {
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

fn account(plan: &MergePlan<'_>) -> String {
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
