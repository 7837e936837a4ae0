-- 60_merge.sql, rendered by `firn sql` from the contract. Change the contract, not this file.
-- Merges staged rows into CUSTOMER and its history. Needs 50_streams.sql. Safe to rerun.

use role FIRN_OWNER;
use schema FIRN.PUBLIC;
create or replace procedure MERGE_CUSTOMER(read_staging boolean default true, reconcile boolean default false)
returns variant
language sql
execute as owner
as
$$
declare
  target_changed_meanwhile exception (-20001, 'CUSTOMER was changed while the run was under way: nothing was changed, run it again');
  called_at timestamp_ntz default sysdate();
  compare_all boolean default reconcile;
  started_at timestamp_ntz default null;
  run_id number default 0;
  runs_before number default 0;
  waiting number default 0;
  target_changed boolean default false;
  staged_rows number default 0;
  last_file varchar default null;
  last_loaded_at timestamp_ltz default null;
  event_rows number default 0;
  touched_keys number default 0;
  duplicate_keys number default 0;
  late_keys number default 0;
  earliest timestamp_ntz default null;
  expected number default 0;
  rows_in number default 0;
  history number default 0;
  rejects number default 0;
  inserted number default 0;
  updated number default 0;
  deleted number default 0;
  all_rows_in number default 0;
  all_history number default 0;
  all_rejects number default 0;
  all_inserted number default 0;
  all_updated number default 0;
  all_deleted number default 0;
begin
  -- Recreate a stream that is stale or whose table was replaced. Its changes of the target are then found by comparison;
  -- staging needs no comparison, because the merge reads its rows directly.
  begin
    select count(*) into :waiting from CUSTOMER_STAGING_STREAM where false;
  exception
    when other then
      create or replace stream CUSTOMER_STAGING_STREAM on table CUSTOMER_STAGING append_only = true;
  end;
  begin
    select count(*) into :waiting from CUSTOMER_CHANGES where false;
  exception
    when other then
      create or replace stream CUSTOMER_CHANGES on table CUSTOMER;
      compare_all := true;
  end;

  -- Each round is one transaction: a slice of the staged rows, or the changes in a stream. The last round finds only changes that the
  -- earlier rounds wrote, and moves the streams past them, so that they do not trigger the task.
  loop
    select count(*) into :waiting from (select 1 from CUSTOMER_STAGING limit 1) staged;
    select system$stream_has_data('CUSTOMER_CHANGES') into :target_changed;
    if (not compare_all and not target_changed and (waiting = 0 or not read_staging)) then
      break;
    end if;
    started_at := date_trunc('microsecond', sysdate());
    event_rows := 0;
    rows_in := 0;
    history := 0;
    rejects := 0;
    inserted := 0;
    updated := 0;
    deleted := 0;
    select max(runs) into :runs_before from CUSTOMER_MERGE_LOCK;
    begin transaction;

    -- Take the lock. Two concurrent runs would read the same open versions: the second one waits here for the first.
    update CUSTOMER_MERGE_LOCK set runs = runs + 1;
    select max(runs) into :run_id from CUSTOMER_MERGE_LOCK;

    -- Clear the work tables. The previous run left its rows for inspection.
    delete from CUSTOMER_MERGE_EVENTS;
    delete from CUSTOMER_MERGE_DIFFERENCES;
    delete from CUSTOMER_MERGE_KEYS;
    delete from CUSTOMER_MERGE_STORED;
    delete from CUSTOMER_MERGE_VERSIONS;

    if (read_staging) then
      -- A run reads whole files, the oldest first, up to 2000000 rows. The next run reads the rest.
      select count(*) into :staged_rows from CUSTOMER_STAGING;
      last_file := null;
      last_loaded_at := null;
      if (staged_rows > 2000000) then
        select max_by(source_file, _firn_position), max(loaded_at) into :last_file, :last_loaded_at
        from (
          select source_file, loaded_at, row_number() over (order by loaded_at, source_file) as _firn_position,
            sum(_firn_rows) over (order by loaded_at, source_file rows between unbounded preceding and current row) as _firn_total
          from (select source_file, loaded_at, count(*) as _firn_rows from CUSTOMER_STAGING group by source_file, loaded_at) files
        ) files
        where _firn_total <= 2000000 or _firn_position = 1;
      end if;
      insert into CUSTOMER_MERGE_EVENTS (op, customer_id, first_name, last_name, email, phone, street, city, state, postal_code, country, updated_at, sequence, _firn_raw_line, _firn_reason, source_file, source_row, loaded_at)
      with staged as (
        select
          s.*,
          case
            when s._firn_reject_reason is not null and s._firn_raw_line is not null then s._firn_reject_reason
            when s._firn_reject_reason is not null then 'more than the 13 fields of the contract'
            when s.op is null or s.op not in ('I', 'U', 'D', 'c', 'u', 'd', 'r') then 'op is not one of I, U, D, c, u, d, r'
            when s.customer_id is null then 'customer_id is missing'
            when s.customer_id is not null and (not regexp_like(s.customer_id, '-?[0-9]{1,18}') or try_to_number(s.customer_id, 18, 0) is null) then 'customer_id is not a valid NUMBER(18,0)'
            when length(s.first_name) > 100 then 'first_name is longer than 100 characters'
            when length(s.last_name) > 100 then 'last_name is longer than 100 characters'
            when length(s.email) > 320 then 'email is longer than 320 characters'
            when length(s.phone) > 40 then 'phone is longer than 40 characters'
            when length(s.street) > 200 then 'street is longer than 200 characters'
            when length(s.city) > 100 then 'city is longer than 100 characters'
            when length(s.state) > 100 then 'state is longer than 100 characters'
            when length(s.postal_code) > 20 then 'postal_code is longer than 20 characters'
            when length(s.country) > 100 then 'country is longer than 100 characters'
            when s.updated_at is null then 'updated_at is missing'
            when regexp_like(s.updated_at, '[^.]+[.][0-9]{7,}Z?') then 'updated_at has more than six digits of a second: lenient = true cuts them'
            when s.updated_at is not null and (not regexp_like(s.updated_at, '[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?Z?') or try_to_timestamp_ntz(replace(replace(s.updated_at, 'T', ' '), 'Z', '')) is null) then 'updated_at is not a valid UTC timestamp: expected a value like 2026-11-23T18:52:55.123456Z'
            when s.sequence is null then 'sequence is missing'
            when s.sequence is not null and (not regexp_like(s.sequence, '-?[0-9]{1,18}') or try_to_number(s.sequence, 18, 0) is null) then 'sequence is not a valid NUMBER(18,0)'
          end as _firn_reason
        from CUSTOMER_STAGING s
        where :last_file is null or s.loaded_at < :last_loaded_at or (s.loaded_at = :last_loaded_at and s.source_file <= :last_file)
      )
      select
        case a.op when 'c' then 'I' when 'u' then 'U' when 'd' then 'D' when 'r' then 'I' else a.op end,
        try_to_number(a.customer_id, 18, 0),
        a.first_name,
        a.last_name,
        a.email,
        a.phone,
        a.street,
        a.city,
        a.state,
        a.postal_code,
        a.country,
        try_to_timestamp_ntz(replace(replace(a.updated_at, 'T', ' '), 'Z', '')),
        try_to_number(a.sequence, 18, 0),
        iff(a._firn_reason is not null, coalesce(a._firn_raw_line, coalesce('"' || replace(a.op, '"', '""') || '"', '')
              || ',' || coalesce('"' || replace(a.customer_id, '"', '""') || '"', '')
              || ',' || coalesce('"' || replace(a.first_name, '"', '""') || '"', '')
              || ',' || coalesce('"' || replace(a.last_name, '"', '""') || '"', '')
              || ',' || coalesce('"' || replace(a.email, '"', '""') || '"', '')
              || ',' || coalesce('"' || replace(a.phone, '"', '""') || '"', '')
              || ',' || coalesce('"' || replace(a.street, '"', '""') || '"', '')
              || ',' || coalesce('"' || replace(a.city, '"', '""') || '"', '')
              || ',' || coalesce('"' || replace(a.state, '"', '""') || '"', '')
              || ',' || coalesce('"' || replace(a.postal_code, '"', '""') || '"', '')
              || ',' || coalesce('"' || replace(a.country, '"', '""') || '"', '')
              || ',' || coalesce('"' || replace(a.updated_at, '"', '""') || '"', '')
              || ',' || coalesce('"' || replace(a.sequence, '"', '""') || '"', '')), null),
        a._firn_reason, a.source_file, a.source_row, a.loaded_at
      from staged a;
      event_rows := sqlrowcount;
      if (last_file is null) then
        -- Consume the stream without inserting a row: its offset moves with the commit, so these rows do not trigger the task again.
        insert into CUSTOMER_MERGE_EVENTS (source_file) select source_file from CUSTOMER_STAGING_STREAM where false;
      end if;

      -- DELETE instead of TRUNCATE: keep rows that are loaded meanwhile, and the table's load metadata.
      delete from CUSTOMER_STAGING using CUSTOMER_MERGE_EVENTS b where CUSTOMER_STAGING.source_file = b.source_file and CUSTOMER_STAGING.source_row = b.source_row and CUSTOMER_STAGING.loaded_at = b.loaded_at;
    end if;

    if (compare_all) then
      -- Without a usable stream, compare the whole target with the open versions.
      insert into CUSTOMER_MERGE_DIFFERENCES (customer_id)
      select coalesce(t.customer_id, h.customer_id)
      from CUSTOMER t
      full outer join (select * from CUSTOMER_HISTORY_OPEN where op <> 'D') h on t.customer_id = h.customer_id
      where t.customer_id is null or h.customer_id is null or (t.first_name is distinct from h.first_name or t.last_name is distinct from h.last_name or t.email is distinct from h.email or t.phone is distinct from h.phone or t.street is distinct from h.street or t.city is distinct from h.city or t.state is distinct from h.state or t.postal_code is distinct from h.postal_code or t.country is distinct from h.country or t.updated_at is distinct from h.updated_at or t.sequence is distinct from h.sequence);
    end if;

    -- Find the keys to process: those of the events, and those whose target row was changed manually. A change in the stream that no
    -- earlier run wrote is a manual change. This is the only read of the target.
    insert into CUSTOMER_MERGE_KEYS (customer_id, _firn_first_at, first_name, last_name, email, phone, street, city, state, postal_code, country, updated_at, sequence, _firn_in_target, _firn_row_count, _firn_row_number)
    with _firn_changes as (
      select * from CUSTOMER_CHANGES
    ),
    _firn_touched_keys as (
      select customer_id, updated_at as _firn_first_at from CUSTOMER_MERGE_EVENTS where _firn_reason is null
      union all
      select customer_id, null from (
        select customer_id, first_name, last_name, email, phone, street, city, state, postal_code, country, updated_at, sequence, 1 as _firn_count from _firn_changes where metadata$action = 'INSERT'
        union all
        select customer_id, first_name, last_name, email, phone, street, city, state, postal_code, country, updated_at, sequence, -1 from CUSTOMER_MERGE_CHANGES where _firn_in_target
      ) written
      group by customer_id, first_name, last_name, email, phone, street, city, state, postal_code, country, updated_at, sequence
      having sum(_firn_count) <> 0
      union all
      select customer_id, null from (
        select customer_id, 1 as _firn_count from _firn_changes group by customer_id having count(iff(metadata$action = 'INSERT', 1, null)) = 0
        union all
        select customer_id, -1 from CUSTOMER_MERGE_CHANGES where not _firn_in_target
      ) deleted
      group by customer_id
      having sum(_firn_count) <> 0
      union all
      select customer_id, null from CUSTOMER_MERGE_DIFFERENCES
    ),
    _firn_keys as (
      select customer_id, min(_firn_first_at) as _firn_first_at from _firn_touched_keys group by customer_id
    )
    select k.customer_id, k._firn_first_at, t.first_name, t.last_name, t.email, t.phone, t.street, t.city, t.state, t.postal_code, t.country, t.updated_at, t.sequence, t.customer_id is not null,
      count(*) over (partition by k.customer_id), row_number() over (partition by k.customer_id order by t.updated_at, t.sequence)
    from _firn_keys k
    left join CUSTOMER t on t.customer_id = k.customer_id;
    touched_keys := sqlrowcount;
    select count(iff(_firn_row_count > 1, 1, null)) into :duplicate_keys from CUSTOMER_MERGE_KEYS;

    -- A manual INSERT may repeat a key. Capture each row, delete all of them here, and insert one row below.
    if (duplicate_keys > 0) then
      delete from CUSTOMER using CUSTOMER_MERGE_KEYS k where CUSTOMER.customer_id = k.customer_id and k._firn_row_count > 1;
    end if;

    if (event_rows > 0 or touched_keys > 0) then
      -- Read the versions that may change: those whose interval ends at or after the earliest event of the key. Closed versions are
      -- read for late events only, and `earliest` lets Snowflake prune most of their partitions.
      insert into CUSTOMER_MERGE_STORED (op, customer_id, first_name, last_name, email, phone, street, city, state, postal_code, country, updated_at, sequence, _firn_valid_to, source_file, source_row, loaded_at)
      select h.op, h.customer_id, h.first_name, h.last_name, h.email, h.phone, h.street, h.city, h.state, h.postal_code, h.country, h.updated_at, h.sequence, null, h.source_file, h.source_row, h.loaded_at
      from CUSTOMER_HISTORY_OPEN h
      join CUSTOMER_MERGE_KEYS k on h.customer_id = k.customer_id and k._firn_row_number = 1;
      select count(*), min(k._firn_first_at) into :late_keys, :earliest
      from CUSTOMER_MERGE_KEYS k
      join CUSTOMER_MERGE_STORED h on h.customer_id = k.customer_id
      where k._firn_row_number = 1 and k._firn_first_at <= h.updated_at;
      if (late_keys > 0) then
        insert into CUSTOMER_MERGE_STORED (op, customer_id, first_name, last_name, email, phone, street, city, state, postal_code, country, updated_at, sequence, _firn_valid_to, source_file, source_row, loaded_at)
        select h.op, h.customer_id, h.first_name, h.last_name, h.email, h.phone, h.street, h.city, h.state, h.postal_code, h.country, h.updated_at, h.sequence, h.valid_to, h.source_file, h.source_row, h.loaded_at
        from CUSTOMER_HISTORY_CLOSED h
        join CUSTOMER_MERGE_KEYS k on h.customer_id = k.customer_id and k._firn_row_number = 1
        where h.valid_to >= :earliest and h.valid_to >= k._firn_first_at;
      end if;

      -- Capture manual changes. Each run leaves the target equal to the open history, so every difference is a manual change.
      insert into CUSTOMER_MERGE_EVENTS (op, customer_id, first_name, last_name, email, phone, street, city, state, postal_code, country, updated_at, sequence, source_file, source_row, loaded_at)
      with manual_changes as (
        select
          iff(not t._firn_in_target, 'D', iff(h.customer_id is null or h.op = 'D', 'I', 'U')) as op,
          t.customer_id as customer_id,
          iff(t._firn_in_target, t.first_name, h.first_name) as first_name,
          iff(t._firn_in_target, t.last_name, h.last_name) as last_name,
          iff(t._firn_in_target, t.email, h.email) as email,
          iff(t._firn_in_target, t.phone, h.phone) as phone,
          iff(t._firn_in_target, t.street, h.street) as street,
          iff(t._firn_in_target, t.city, h.city) as city,
          iff(t._firn_in_target, t.state, h.state) as state,
          iff(t._firn_in_target, t.postal_code, h.postal_code) as postal_code,
          iff(t._firn_in_target, t.country, h.country) as country,
          iff(t._firn_in_target and t.updated_at is not null and (h.updated_at is null or t.updated_at > h.updated_at), t.updated_at,
            greatest(:started_at, coalesce(dateadd(microsecond, 1, h.updated_at), :started_at))) as updated_at,
          iff(t._firn_in_target and t.updated_at is not null and (h.updated_at is null or t.updated_at > h.updated_at), coalesce(t.sequence, 0), 0) as sequence
        from CUSTOMER_MERGE_KEYS t
        left join CUSTOMER_MERGE_STORED h on h.customer_id = t.customer_id and h._firn_valid_to is null
        where iff(t._firn_in_target, h.customer_id is null or h.op = 'D' or (h.first_name is distinct from t.first_name or h.last_name is distinct from t.last_name or h.email is distinct from t.email or h.phone is distinct from t.phone or h.street is distinct from t.street or h.city is distinct from t.city or h.state is distinct from t.state or h.postal_code is distinct from t.postal_code or h.country is distinct from t.country or h.updated_at is distinct from t.updated_at or h.sequence is distinct from t.sequence), h.customer_id is not null and h.op <> 'D')
      )
      select op, customer_id, first_name, last_name, email, phone, street, city, state, postal_code, country, updated_at, sequence, 'manual change', row_number() over (order by customer_id), current_timestamp()
      from manual_changes;

      -- Resolve versions: one event per key and order wins, and the next winner's time ends its interval. A stored row wins over an
      -- equal new one, so a duplicate changes nothing. Only events that share key and order are sorted by all their values.
      insert into CUSTOMER_MERGE_VERSIONS (op, customer_id, first_name, last_name, email, phone, street, city, state, postal_code, country, updated_at, sequence, source_file, source_row, loaded_at, _firn_valid_to, _firn_outcome, _firn_was_open)
      with events as (
        select op, customer_id, first_name, last_name, email, phone, street, city, state, postal_code, country, updated_at, sequence, source_file, source_row, loaded_at, 0 as _firn_is_stored, cast(null as timestamp_ntz) as _firn_stored_valid_to from CUSTOMER_MERGE_EVENTS where _firn_reason is null
        union all
        select op, customer_id, first_name, last_name, email, phone, street, city, state, postal_code, country, updated_at, sequence, source_file, source_row, loaded_at, 1 as _firn_is_stored, _firn_valid_to as _firn_stored_valid_to from CUSTOMER_MERGE_STORED
      ),
      tied_orders as (
        select customer_id, updated_at, sequence from events group by customer_id, updated_at, sequence having count(*) > 1
      ),
      ranked as (
        select e.*, 1 as _firn_first_equal, 1 as _firn_rank
        from events e
        where not exists (select 1 from tied_orders c where c.customer_id = e.customer_id and c.updated_at = e.updated_at and c.sequence = e.sequence)
        union all
        select e.*,
          rank() over (partition by customer_id, updated_at, sequence order by iff(op = 'D', 1, 0) desc, first_name desc nulls last, last_name desc nulls last, email desc nulls last, phone desc nulls last, street desc nulls last, city desc nulls last, state desc nulls last, postal_code desc nulls last, country desc nulls last, op desc) as _firn_first_equal,
          row_number() over (partition by customer_id, updated_at, sequence order by iff(op = 'D', 1, 0) desc, first_name desc nulls last, last_name desc nulls last, email desc nulls last, phone desc nulls last, street desc nulls last, city desc nulls last, state desc nulls last, postal_code desc nulls last, country desc nulls last, op desc, _firn_is_stored desc, source_file, source_row, loaded_at) as _firn_rank
        from events e
        where exists (select 1 from tied_orders c where c.customer_id = e.customer_id and c.updated_at = e.updated_at and c.sequence = e.sequence)
      ),
      with_next as (
        select ranked.*,
          lead(updated_at) over (partition by customer_id, _firn_rank = 1 order by updated_at, sequence) as _firn_next_at
        from ranked
      )
      select op, customer_id, first_name, last_name, email, phone, street, city, state, postal_code, country, updated_at, sequence, source_file, source_row, loaded_at, iff(_firn_rank = 1, _firn_next_at, null),
        case
          when _firn_rank > _firn_first_equal then 'duplicate'
          when _firn_rank > 1 and _firn_is_stored = 1 then 'displaced'
          when _firn_rank > 1 then 'tie_lost'
          when _firn_is_stored = 0 then 'new'
          when _firn_next_at is distinct from _firn_stored_valid_to then 'end_moved'
          else 'unchanged'
        end,
        _firn_is_stored = 1 and _firn_stored_valid_to is null
      from with_next;
      select count(iff(_firn_outcome = 'new', 1, null)) - count(iff(_firn_outcome = 'displaced', 1, null)) into :history from CUSTOMER_MERGE_VERSIONS;

      -- Write each reject once, even if it is loaded again: a malformed row is identified by its file and row, the loser of a tie by its values.
      insert into CUSTOMER_REJECTS (reject_id, run_id, source_file, source_row, reason, raw_line, loaded_at)
      with candidates as (
        select md5(source_file || ':' || cast(source_row as varchar) || ':' || _firn_raw_line) as reject_id,
          _firn_reason as reason, _firn_raw_line as raw_line, source_file as source_file, source_row as source_row,
          loaded_at as loaded_at
        from CUSTOMER_MERGE_EVENTS where _firn_reason is not null
        union all
        select md5(raw_line), 'another event of this key has the same order and wins: a delete, else the greater row', raw_line, source_file, source_row, loaded_at
        from (
          select f.op || ',' || coalesce(cast(f.customer_id as varchar), '')
              || ',' || coalesce('"' || replace(f.first_name, '"', '""') || '"', '')
              || ',' || coalesce('"' || replace(f.last_name, '"', '""') || '"', '')
              || ',' || coalesce('"' || replace(f.email, '"', '""') || '"', '')
              || ',' || coalesce('"' || replace(f.phone, '"', '""') || '"', '')
              || ',' || coalesce('"' || replace(f.street, '"', '""') || '"', '')
              || ',' || coalesce('"' || replace(f.city, '"', '""') || '"', '')
              || ',' || coalesce('"' || replace(f.state, '"', '""') || '"', '')
              || ',' || coalesce('"' || replace(f.postal_code, '"', '""') || '"', '')
              || ',' || coalesce('"' || replace(f.country, '"', '""') || '"', '')
              || ',' || coalesce(to_varchar(f.updated_at, 'YYYY-MM-DD HH24:MI:SS.FF6'), '')
              || ',' || coalesce(cast(f.sequence as varchar), '') as raw_line, f.source_file, f.source_row, f.loaded_at
          from CUSTOMER_MERGE_VERSIONS f where f._firn_outcome in ('tie_lost', 'displaced')
        ) losers
      )
      select c.reject_id, :run_id, c.source_file, c.source_row, c.reason, c.raw_line, c.loaded_at
      from candidates c
      where not exists (select 1 from CUSTOMER_REJECTS r where r.reject_id = c.reject_id)
      qualify row_number() over (partition by c.reject_id order by c.source_file, c.source_row, c.loaded_at) = 1;
      rejects := sqlrowcount;

      -- Replace closed versions whose end has moved or that have lost a tie. Only late events cause this.
      if (late_keys > 0) then
        delete from CUSTOMER_HISTORY_CLOSED using (
          select * from CUSTOMER_MERGE_VERSIONS where _firn_outcome in ('end_moved', 'displaced') and not _firn_was_open
        ) f
        where CUSTOMER_HISTORY_CLOSED.customer_id = f.customer_id and CUSTOMER_HISTORY_CLOSED.updated_at = f.updated_at and CUSTOMER_HISTORY_CLOSED.sequence = f.sequence and CUSTOMER_HISTORY_CLOSED.valid_to >= :earliest;
      end if;
      insert into CUSTOMER_HISTORY_CLOSED (op, customer_id, first_name, last_name, email, phone, street, city, state, postal_code, country, updated_at, sequence, valid_from, valid_to, source_file, source_row, loaded_at)
      select f.op, f.customer_id, f.first_name, f.last_name, f.email, f.phone, f.street, f.city, f.state, f.postal_code, f.country, f.updated_at, f.sequence, f.updated_at, f._firn_valid_to, f.source_file, f.source_row, f.loaded_at
      from CUSTOMER_MERGE_VERSIONS f
      where f._firn_outcome in ('new', 'end_moved') and f._firn_valid_to is not null;

      -- Replace the open version of each key, which has just been closed, with its last event.
      merge into CUSTOMER_HISTORY_OPEN h
      using (select * from CUSTOMER_MERGE_VERSIONS where _firn_outcome = 'new' and _firn_valid_to is null) f
      on h.customer_id = f.customer_id
      when matched then update set first_name = f.first_name, last_name = f.last_name, email = f.email, phone = f.phone, street = f.street, city = f.city, state = f.state, postal_code = f.postal_code, country = f.country, updated_at = f.updated_at, sequence = f.sequence, op = f.op, valid_from = f.updated_at, source_file = f.source_file, source_row = f.source_row, loaded_at = f.loaded_at
      when not matched then insert (op, customer_id, first_name, last_name, email, phone, street, city, state, postal_code, country, updated_at, sequence, valid_from, source_file, source_row, loaded_at)
        values (f.op, f.customer_id, f.first_name, f.last_name, f.email, f.phone, f.street, f.city, f.state, f.postal_code, f.country, f.updated_at, f.sequence, f.updated_at, f.source_file, f.source_row, f.loaded_at);

      -- Compare the open version of every touched key with its target row. The stream's offset is now past the runs that ended
      -- before this one began, but not past those that ended while this one waited.
      delete from CUSTOMER_MERGE_CHANGES where _firn_run_id <= :runs_before;
      insert into CUSTOMER_MERGE_CHANGES (op, customer_id, first_name, last_name, email, phone, street, city, state, postal_code, country, updated_at, sequence, _firn_in_target, _firn_was_there, _firn_run_id)
      select f.op, f.customer_id, f.first_name, f.last_name, f.email, f.phone, f.street, f.city, f.state, f.postal_code, f.country, f.updated_at, f.sequence, f.op <> 'D', k._firn_in_target and k._firn_row_count = 1, :run_id
      from CUSTOMER_MERGE_VERSIONS f
      join CUSTOMER_MERGE_KEYS k on f.customer_id = k.customer_id and k._firn_row_number = 1
      where f._firn_outcome in ('new', 'end_moved', 'unchanged') and f._firn_valid_to is null
        and iff(f.op <> 'D' and k._firn_in_target and k._firn_row_count = 1, (f.first_name is distinct from k.first_name or f.last_name is distinct from k.last_name or f.email is distinct from k.email or f.phone is distinct from k.phone or f.street is distinct from k.street or f.city is distinct from k.city or f.state is distinct from k.state or f.postal_code is distinct from k.postal_code or f.country is distinct from k.country or f.updated_at is distinct from k.updated_at or f.sequence is distinct from k.sequence),
          f.op <> 'D' or (k._firn_in_target and k._firn_row_count = 1));
      select count(*), count(iff(_firn_was_there, null, 1)), count(iff(_firn_in_target, null, 1)) into :expected, :inserted, :deleted
      from CUSTOMER_MERGE_CHANGES where _firn_run_id = :run_id;
      updated := expected - inserted - deleted;

      -- At READ COMMITTED, a row may have been changed manually since it was read. Such a row matches no branch, so the row count differs,
      -- and the run is rolled back. The change is not lost.
      merge into CUSTOMER t
      using (
        select x.customer_id, x.first_name, x.last_name, x.email, x.phone, x.street, x.city, x.state, x.postal_code, x.country, x.updated_at, x.sequence, x._firn_in_target, x._firn_was_there, k.first_name as _firn_before_1, k.last_name as _firn_before_2, k.email as _firn_before_3, k.phone as _firn_before_4, k.street as _firn_before_5, k.city as _firn_before_6, k.state as _firn_before_7, k.postal_code as _firn_before_8, k.country as _firn_before_9, k.updated_at as _firn_before_10, k.sequence as _firn_before_11
        from CUSTOMER_MERGE_CHANGES x
        join CUSTOMER_MERGE_KEYS k on x.customer_id = k.customer_id and k._firn_row_number = 1
        where x._firn_run_id = :run_id
      ) d
      on t.customer_id = d.customer_id
      when matched and d._firn_was_there and not d._firn_in_target and t.first_name is not distinct from d._firn_before_1 and t.last_name is not distinct from d._firn_before_2 and t.email is not distinct from d._firn_before_3 and t.phone is not distinct from d._firn_before_4 and t.street is not distinct from d._firn_before_5 and t.city is not distinct from d._firn_before_6 and t.state is not distinct from d._firn_before_7 and t.postal_code is not distinct from d._firn_before_8 and t.country is not distinct from d._firn_before_9 and t.updated_at is not distinct from d._firn_before_10 and t.sequence is not distinct from d._firn_before_11
        then delete
      when matched and d._firn_was_there and t.first_name is not distinct from d._firn_before_1 and t.last_name is not distinct from d._firn_before_2 and t.email is not distinct from d._firn_before_3 and t.phone is not distinct from d._firn_before_4 and t.street is not distinct from d._firn_before_5 and t.city is not distinct from d._firn_before_6 and t.state is not distinct from d._firn_before_7 and t.postal_code is not distinct from d._firn_before_8 and t.country is not distinct from d._firn_before_9 and t.updated_at is not distinct from d._firn_before_10 and t.sequence is not distinct from d._firn_before_11
        then update set first_name = d.first_name, last_name = d.last_name, email = d.email, phone = d.phone, street = d.street, city = d.city, state = d.state, postal_code = d.postal_code, country = d.country, updated_at = d.updated_at, sequence = d.sequence
      when not matched and not d._firn_was_there
        then insert (customer_id, first_name, last_name, email, phone, street, city, state, postal_code, country, updated_at, sequence) values (d.customer_id, d.first_name, d.last_name, d.email, d.phone, d.street, d.city, d.state, d.postal_code, d.country, d.updated_at, d.sequence);
      if (sqlrowcount <> expected) then
        raise target_changed_meanwhile;
      end if;

      -- Write the load report: what happened to the rows of every file. A displaced row no longer counts as history of its file. A
      -- change of the target counts for the file that holds the last event of the key.
      select count(*) into :rows_in from CUSTOMER_MERGE_EVENTS;
      insert into CUSTOMER_RUNS (run_id, source_file, rows_in, history, duplicates, rejects, inserted, updated, deleted, landed_at, started_at, finished_at)
      with outcomes as (
        select source_file as source_file, loaded_at as loaded_at, 1 as rows_in, 0 as history, 0 as duplicates,
          iff(_firn_reason is null, 0, 1) as candidates, 0 as rejects, 0 as inserted, 0 as deleted, 0 as changed
        from CUSTOMER_MERGE_EVENTS
        union all
        select source_file, loaded_at, 0, iff(_firn_outcome = 'new', 1, iff(_firn_outcome = 'displaced', -1, 0)),
          iff(_firn_outcome = 'duplicate', 1, 0), iff(_firn_outcome in ('tie_lost', 'displaced'), 1, 0), 0, 0, 0, 0
        from CUSTOMER_MERGE_VERSIONS where _firn_outcome in ('new', 'duplicate', 'tie_lost', 'displaced')
        union all
        select source_file, loaded_at, 0, 0, 0, 0, 1, 0, 0, 0 from CUSTOMER_REJECTS where run_id = :run_id
        union all
        select f.source_file, f.loaded_at, 0, 0, 0, 0, 0, iff(d._firn_was_there, 0, 1), iff(d._firn_in_target, 0, 1), 1
        from CUSTOMER_MERGE_CHANGES d join CUSTOMER_MERGE_VERSIONS f on d.customer_id = f.customer_id and f._firn_outcome = 'new' and f._firn_valid_to is null
        where d._firn_run_id = :run_id
      )
      select :run_id, source_file, sum(rows_in), sum(history), sum(duplicates) + sum(candidates) - sum(rejects), sum(rejects),
        sum(inserted), sum(changed) - sum(inserted) - sum(deleted), sum(deleted), min(loaded_at), :started_at, sysdate()
      from outcomes
      group by source_file;
    end if;

    commit;
    all_rows_in := all_rows_in + rows_in;
    all_history := all_history + history;
    all_rejects := all_rejects + rejects;
    all_inserted := all_inserted + inserted;
    all_updated := all_updated + updated;
    all_deleted := all_deleted + deleted;
    compare_all := false;
    if ((event_rows = 0 and touched_keys = 0) or datediff(second, called_at, sysdate()) > 1800) then
      break;
    end if;
  end loop;
  return object_construct('run_id', :run_id, 'rows_in', :all_rows_in, 'history', :all_history,
    'duplicates', :all_rows_in - :all_history - :all_rejects, 'rejects', :all_rejects,
    'inserted', :all_inserted, 'updated', :all_updated, 'deleted', :all_deleted);
exception
  when other then
    rollback;
    raise;
end;
$$;

grant usage on procedure MERGE_CUSTOMER(boolean, boolean) to role FIRN_LOADER;
