-- 60_merge.sql. Merges staged rows into CUSTOMER and its history. Needs 50_streams.sql. Safe to rerun.

use role FIRN_OWNER;
use schema FIRN.PUBLIC;
create or replace procedure MERGE_CUSTOMER()
returns variant
language sql
execute as owner
as
$$
declare
  edited_meanwhile exception (-20001, 'CUSTOMER was edited while the run was under way: nothing was changed, run it again');
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
  select max(runs) into :runs_before from CUSTOMER_MERGE_LOCK;
  begin transaction;

  -- Two runs at once would both read the same open versions: the second waits here until the first has ended.
  update CUSTOMER_MERGE_LOCK set runs = runs + 1;
  select max(runs) into :run_id from CUSTOMER_MERGE_LOCK;

  -- What the run before left for inspection.
  delete from CUSTOMER_MERGE_BATCH;
  delete from CUSTOMER_MERGE_TOUCHED;
  delete from CUSTOMER_MERGE_STORED;
  delete from CUSTOMER_MERGE_FOLD;

  -- The stream is read once, in this transaction, so its offset moves with the commit. Its rows must still be in
  -- staging: a run that waited for another must not take again what the other took.
  insert into CUSTOMER_MERGE_BATCH (op, customer_id, first_name, last_name, email, phone, street, city, state, postal_code, country, updated_at, sequence, line, reason, source_file, source_row, loaded_at)
  with arrived as (
    select
      s.*,
      case
        when s.reject_reason is not null and s.raw_line is not null then s.reject_reason
        when s.reject_reason is not null then 'more than the 13 fields of the contract'
        when s.op is null or s.op not in ('I', 'U', 'D', 'c', 'u', 'd', 'r') then 'op is not one of I, U, D, c, u, d, r'
        when s.customer_id is null then 'customer_id is missing'
        when s.customer_id is not null and (not regexp_like(s.customer_id, '-?[0-9]{1,18}') or try_to_number(s.customer_id, 18, 0) is null) then 'customer_id is no number(18,0)'
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
        when s.updated_at is not null and (not regexp_like(s.updated_at, '[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6})?Z?') or try_to_timestamp_ntz(replace(replace(s.updated_at, 'T', ' '), 'Z', '')) is null) then 'updated_at is no timestamp in UTC like 2026-11-23T18:52:55.123456Z'
        when s.sequence is null then 'sequence is missing'
        when s.sequence is not null and (not regexp_like(s.sequence, '-?[0-9]{1,18}') or try_to_number(s.sequence, 18, 0) is null) then 'sequence is no number(18,0)'
      end as reason
    from CUSTOMER_STAGING s
    where exists (select 1 from CUSTOMER_STAGING_STREAM t where t.source_file = s.source_file and t.source_row = s.source_row and t.loaded_at = s.loaded_at)
  ),
  events as (
    select
      case a.op when 'c' then 'I' when 'u' then 'U' when 'd' then 'D' when 'r' then 'I' else a.op end as op,
      try_to_number(a.customer_id, 18, 0) as customer_id,
      a.first_name as first_name,
      a.last_name as last_name,
      a.email as email,
      a.phone as phone,
      a.street as street,
      a.city as city,
      a.state as state,
      a.postal_code as postal_code,
      a.country as country,
      try_to_timestamp_ntz(replace(replace(a.updated_at, 'T', ' '), 'Z', '')) as updated_at,
      try_to_number(a.sequence, 18, 0) as sequence,
      a.reason,
      coalesce(a.raw_line, coalesce('"' || replace(a.op, '"', '""') || '"', '')
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
          || ',' || coalesce('"' || replace(a.sequence, '"', '""') || '"', '')) as text_line,
      a.source_file, a.source_row, a.loaded_at
    from arrived a
  )
  select
    e.op, e.customer_id, e.first_name, e.last_name, e.email, e.phone, e.street, e.city, e.state, e.postal_code, e.country, e.updated_at, e.sequence,
    iff(e.reason is not null, e.text_line,
          coalesce(cast(e.customer_id as varchar), '')
          || ',' || coalesce('"' || replace(e.first_name, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(e.last_name, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(e.email, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(e.phone, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(e.street, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(e.city, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(e.state, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(e.postal_code, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(e.country, '"', '""') || '"', '')
          || ',' || coalesce(to_varchar(e.updated_at, 'YYYY-MM-DD HH24:MI:SS.FF6'), '')
          || ',' || coalesce(cast(e.sequence as varchar), '')),
    e.reason, e.source_file, e.source_row, e.loaded_at
  from events e;

  -- Not TRUNCATE: rows that land while this runs must stay, and the load's memory of its files too.
  delete from CUSTOMER_STAGING using CUSTOMER_MERGE_BATCH b where CUSTOMER_STAGING.source_file = b.source_file and CUSTOMER_STAGING.source_row = b.source_row and CUSTOMER_STAGING.loaded_at = b.loaded_at;

  -- The target's rows are read once, here. Whatever differs from open history was edited by hand. A stream shows net changes
  -- only: what a run before wrote and a hand took back is in no stream, so the keys of such runs are looked at too.
  insert into CUSTOMER_MERGE_TOUCHED (customer_id, first_at, first_name, last_name, email, phone, street, city, state, postal_code, country, updated_at, sequence, line, copies, copy)
  with keys as (
    select customer_id, min(first_at) as first_at
    from (
      select customer_id, updated_at as first_at from CUSTOMER_MERGE_BATCH where reason is null
      union all
      select customer_id, cast(null as timestamp_ntz) as first_at from CUSTOMER_CHANGES
      union all
      select customer_id, cast(null as timestamp_ntz) as first_at from CUSTOMER_MERGE_DELTA
    ) reached
    group by customer_id
  ),
  found as (
    select k.customer_id, k.first_at, t.first_name, t.last_name, t.email, t.phone, t.street, t.city, t.state, t.postal_code, t.country, t.updated_at, t.sequence,
      iff(t.customer_id is null, null,
          coalesce(cast(t.customer_id as varchar), '')
          || ',' || coalesce('"' || replace(t.first_name, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(t.last_name, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(t.email, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(t.phone, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(t.street, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(t.city, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(t.state, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(t.postal_code, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(t.country, '"', '""') || '"', '')
          || ',' || coalesce(to_varchar(t.updated_at, 'YYYY-MM-DD HH24:MI:SS.FF6'), '')
          || ',' || coalesce(cast(t.sequence as varchar), '')) as line
    from keys k
    left join CUSTOMER t on t.customer_id = k.customer_id
  )
  select customer_id, first_at, first_name, last_name, email, phone, street, city, state, postal_code, country, updated_at, sequence, line,
    count(*) over (partition by customer_id), row_number() over (partition by customer_id order by line desc)
  from found;
  select min(first_at), count(iff(copies > 1, 1, null)) into :earliest, :twins from CUSTOMER_MERGE_TOUCHED;

  -- Nothing stops two equal keys from being inserted by hand. Each is captured; here they go, and one row comes back below.
  if (twins > 0) then
    delete from CUSTOMER using CUSTOMER_MERGE_TOUCHED k where CUSTOMER.customer_id = k.customer_id and k.copies > 1;
  end if;

  -- A row can change only if its interval ends at or after the key's earliest event. For events newer than what is
  -- there, that is the open version alone; `earliest` lets the engine skip closed versions without reading them.
  insert into CUSTOMER_MERGE_STORED (op, customer_id, first_name, last_name, email, phone, street, city, state, postal_code, country, updated_at, sequence, line, valid_to, source_file, source_row, loaded_at)
  select h.op, h.customer_id, h.first_name, h.last_name, h.email, h.phone, h.street, h.city, h.state, h.postal_code, h.country, h.updated_at, h.sequence,
          coalesce(cast(h.customer_id as varchar), '')
          || ',' || coalesce('"' || replace(h.first_name, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(h.last_name, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(h.email, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(h.phone, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(h.street, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(h.city, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(h.state, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(h.postal_code, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(h.country, '"', '""') || '"', '')
          || ',' || coalesce(to_varchar(h.updated_at, 'YYYY-MM-DD HH24:MI:SS.FF6'), '')
          || ',' || coalesce(cast(h.sequence as varchar), ''),
    h.valid_to, h.source_file, h.source_row, h.loaded_at
  from CUSTOMER_HISTORY h
  join CUSTOMER_MERGE_TOUCHED k on h.customer_id = k.customer_id and k.copy = 1
  where h.valid_to is null or (h.valid_to >= :earliest and h.valid_to >= k.first_at);

  -- Firn's own writes left the target equal to open history, so they do not show here; edits made by hand do.
  insert into CUSTOMER_MERGE_BATCH (op, customer_id, first_name, last_name, email, phone, street, city, state, postal_code, country, updated_at, sequence, line, source_file, source_row, loaded_at)
  with edits as (
    select
      iff(t.line is null, 'D', iff(h.customer_id is null or h.op = 'D', 'I', 'U')) as op,
      t.customer_id as customer_id,
      iff(t.line is null, h.first_name, t.first_name) as first_name,
      iff(t.line is null, h.last_name, t.last_name) as last_name,
      iff(t.line is null, h.email, t.email) as email,
      iff(t.line is null, h.phone, t.phone) as phone,
      iff(t.line is null, h.street, t.street) as street,
      iff(t.line is null, h.city, t.city) as city,
      iff(t.line is null, h.state, t.state) as state,
      iff(t.line is null, h.postal_code, t.postal_code) as postal_code,
      iff(t.line is null, h.country, t.country) as country,
      iff(t.line is not null and t.updated_at is not null and (h.updated_at is null or t.updated_at > h.updated_at), t.updated_at,
        greatest(:started_at, coalesce(dateadd(microsecond, 1, h.updated_at), :started_at))) as updated_at,
      iff(t.line is not null and t.updated_at is not null and (h.updated_at is null or t.updated_at > h.updated_at), coalesce(t.sequence, 0), 0) as sequence
    from CUSTOMER_MERGE_TOUCHED t
    left join CUSTOMER_MERGE_STORED h on h.customer_id = t.customer_id and h.valid_to is null
    where (t.line is not null and (h.customer_id is null or h.op = 'D' or h.line <> t.line))
       or (t.line is null and h.customer_id is not null and h.op <> 'D')
  )
  select e.op, e.customer_id, e.first_name, e.last_name, e.email, e.phone, e.street, e.city, e.state, e.postal_code, e.country, e.updated_at, e.sequence,
          coalesce(cast(e.customer_id as varchar), '')
          || ',' || coalesce('"' || replace(e.first_name, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(e.last_name, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(e.email, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(e.phone, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(e.street, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(e.city, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(e.state, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(e.postal_code, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(e.country, '"', '""') || '"', '')
          || ',' || coalesce(to_varchar(e.updated_at, 'YYYY-MM-DD HH24:MI:SS.FF6'), '')
          || ',' || coalesce(cast(e.sequence as varchar), ''),
    'by hand', row_number() over (order by e.customer_id), current_timestamp()
  from edits e;

  -- One event per key and order wins; a stored row counts before an equal new one, so that a repetition changes
  -- nothing. The next winner's time ends an interval.
  insert into CUSTOMER_MERGE_FOLD (op, customer_id, first_name, last_name, email, phone, street, city, state, postal_code, country, updated_at, sequence, line, source_file, source_row, loaded_at, valid_to, fate)
  with events as (
    select op, customer_id, first_name, last_name, email, phone, street, city, state, postal_code, country, updated_at, sequence, line, source_file, source_row, loaded_at, 0 as is_stored, cast(null as timestamp_ntz) as stored_valid_to from CUSTOMER_MERGE_BATCH where reason is null
    union all
    select op, customer_id, first_name, last_name, email, phone, street, city, state, postal_code, country, updated_at, sequence, line, source_file, source_row, loaded_at, 1 as is_stored, valid_to as stored_valid_to from CUSTOMER_MERGE_STORED
  ),
  copied as (
    select events.*,
      row_number() over (partition by customer_id, updated_at, sequence, op, line
        order by is_stored desc, source_file, source_row, loaded_at) as copy
    from events
  ),
  placed as (
    select copied.*,
      iff(row_number() over (partition by customer_id, updated_at, sequence
        order by iff(op = 'D', 1, 0) desc, first_name desc nulls last, last_name desc nulls last, email desc nulls last, phone desc nulls last, street desc nulls last, city desc nulls last, state desc nulls last, postal_code desc nulls last, country desc nulls last, op desc, copy) = 1, 1, 0) as wins
    from copied
  ),
  ended as (
    select placed.*,
      lead(updated_at) over (partition by customer_id, wins order by updated_at, sequence) as next_at
    from placed
  )
  select op, customer_id, first_name, last_name, email, phone, street, city, state, postal_code, country, updated_at, sequence, line, source_file, source_row, loaded_at, iff(wins = 1, next_at, null),
    case
      when copy > 1 then 'duplicate'
      when wins = 0 and is_stored = 1 then 'displaced'
      when wins = 0 then 'tied'
      when is_stored = 0 then 'new'
      when next_at is distinct from stored_valid_to then 'moved'
      else 'kept'
    end
  from ended;
  select count(iff(fate = 'new', 1, null)) - count(iff(fate = 'displaced', 1, null)) into :history from CUSTOMER_MERGE_FOLD;

  -- A broken row is known by its place, the loser of a tie by its values: either is refused once, however often it comes.
  insert into CUSTOMER_REJECTS (reject_id, run_id, source_file, source_row, reason, raw_line, loaded_at)
  with candidates as (
    select md5(source_file || ':' || cast(source_row as varchar) || ':' || line) as reject_id,
      reason, line as raw_line, source_file, source_row, loaded_at
    from CUSTOMER_MERGE_BATCH where reason is not null
    union all
    select md5(op || ',' || line) as reject_id,
      'another event of this key has the same order and wins: a delete, else the greater row' as reason, op || ',' || line as raw_line, source_file, source_row, loaded_at
    from CUSTOMER_MERGE_FOLD where fate in ('tied', 'displaced')
  )
  select c.reject_id, :run_id, c.source_file, c.source_row, c.reason, c.raw_line, c.loaded_at
  from candidates c
  where not exists (select 1 from CUSTOMER_REJECTS r where r.reject_id = c.reject_id)
  qualify row_number() over (partition by c.reject_id order by c.source_file, c.source_row, c.loaded_at) = 1;
  rejects := sqlrowcount;

  -- A new event that meets a row has won its tie and takes the row's place.
  merge into CUSTOMER_HISTORY h
  using (select * from CUSTOMER_MERGE_FOLD where fate in ('new', 'moved')) f
  on h.customer_id = f.customer_id and h.updated_at = f.updated_at and h.sequence = f.sequence and (h.valid_to is null or h.valid_to >= :earliest)
  when matched and f.fate = 'moved' then update set valid_to = f.valid_to, is_current = f.valid_to is null
  when matched then update set first_name = f.first_name, last_name = f.last_name, email = f.email, phone = f.phone, street = f.street, city = f.city, state = f.state, postal_code = f.postal_code, country = f.country, op = f.op, source_file = f.source_file, source_row = f.source_row, loaded_at = f.loaded_at,
    valid_to = f.valid_to, is_current = f.valid_to is null
  when not matched then insert (op, customer_id, first_name, last_name, email, phone, street, city, state, postal_code, country, updated_at, sequence, valid_from, valid_to, is_current, source_file, source_row, loaded_at)
    values (f.op, f.customer_id, f.first_name, f.last_name, f.email, f.phone, f.street, f.city, f.state, f.postal_code, f.country, f.updated_at, f.sequence, f.updated_at, f.valid_to, f.valid_to is null, f.source_file, f.source_row, f.loaded_at);

  -- The open version of every touched key against the row that was found. Runs that had ended before this one began are
  -- behind the stream's offset now; those that ended while this one waited are not.
  delete from CUSTOMER_MERGE_DELTA where run_id <= :runs_before;
  insert into CUSTOMER_MERGE_DELTA (op, customer_id, first_name, last_name, email, phone, street, city, state, postal_code, country, updated_at, sequence, line, before_line, run_id)
  with opened as (
    select f.op, f.customer_id, f.first_name, f.last_name, f.email, f.phone, f.street, f.city, f.state, f.postal_code, f.country, f.updated_at, f.sequence, iff(f.op = 'D', null, f.line) as line, iff(k.copies > 1, null, k.line) as before_line
    from CUSTOMER_MERGE_FOLD f
    join CUSTOMER_MERGE_TOUCHED k on f.customer_id = k.customer_id and k.copy = 1
    where f.fate in ('new', 'moved', 'kept') and f.valid_to is null
  )
  select op, customer_id, first_name, last_name, email, phone, street, city, state, postal_code, country, updated_at, sequence, line, before_line, :run_id from opened where line is distinct from before_line;
  select count(*), count(iff(before_line is null, 1, null)), count(iff(line is null, 1, null)) into :expected, :inserted, :deleted
  from CUSTOMER_MERGE_DELTA where run_id = :run_id;
  updated := expected - inserted - deleted;

  -- At READ COMMITTED someone may have edited a row since it was read. Such a row matches no branch, the count is short,
  -- and the run is undone rather than the edit lost.
  merge into CUSTOMER t
  using (select * from CUSTOMER_MERGE_DELTA where run_id = :run_id) d
  on t.customer_id = d.customer_id
  when matched and d.line is null and d.before_line =
          coalesce(cast(t.customer_id as varchar), '')
          || ',' || coalesce('"' || replace(t.first_name, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(t.last_name, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(t.email, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(t.phone, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(t.street, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(t.city, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(t.state, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(t.postal_code, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(t.country, '"', '""') || '"', '')
          || ',' || coalesce(to_varchar(t.updated_at, 'YYYY-MM-DD HH24:MI:SS.FF6'), '')
          || ',' || coalesce(cast(t.sequence as varchar), '')
    then delete
  when matched and d.before_line =
          coalesce(cast(t.customer_id as varchar), '')
          || ',' || coalesce('"' || replace(t.first_name, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(t.last_name, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(t.email, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(t.phone, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(t.street, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(t.city, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(t.state, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(t.postal_code, '"', '""') || '"', '')
          || ',' || coalesce('"' || replace(t.country, '"', '""') || '"', '')
          || ',' || coalesce(to_varchar(t.updated_at, 'YYYY-MM-DD HH24:MI:SS.FF6'), '')
          || ',' || coalesce(cast(t.sequence as varchar), '')
    then update set first_name = d.first_name, last_name = d.last_name, email = d.email, phone = d.phone, street = d.street, city = d.city, state = d.state, postal_code = d.postal_code, country = d.country, updated_at = d.updated_at, sequence = d.sequence
  when not matched and d.before_line is null
    then insert (customer_id, first_name, last_name, email, phone, street, city, state, postal_code, country, updated_at, sequence) values (d.customer_id, d.first_name, d.last_name, d.email, d.phone, d.street, d.city, d.state, d.postal_code, d.country, d.updated_at, d.sequence);
  if (sqlrowcount <> expected) then
    raise edited_meanwhile;
  end if;

  -- What happened to the rows of every file. A displaced row leaves the history of the file that brought it; a row of the
  -- target changed for the file whose event is the key's last now.
  select count(*) into :rows_in from CUSTOMER_MERGE_BATCH;
  insert into CUSTOMER_RUNS (run_id, source_file, rows_in, history, duplicates, rejects, inserted, updated, deleted, landed_at, started_at, finished_at)
  with fates as (
    select source_file, loaded_at, 1 as came, 0 as kept, 0 as copies, iff(reason is null, 0, 1) as candidates, 0 as refused,
      0 as appeared, 0 as went, 0 as touched
    from CUSTOMER_MERGE_BATCH
    union all
    select source_file, loaded_at, 0, iff(fate = 'new', 1, iff(fate = 'displaced', -1, 0)), iff(fate = 'duplicate', 1, 0),
      iff(fate in ('tied', 'displaced'), 1, 0), 0, 0, 0, 0
    from CUSTOMER_MERGE_FOLD where fate in ('new', 'duplicate', 'tied', 'displaced')
    union all
    select source_file, loaded_at, 0, 0, 0, 0, 1, 0, 0, 0 from CUSTOMER_REJECTS where run_id = :run_id
    union all
    select f.source_file, f.loaded_at, 0, 0, 0, 0, 0, iff(d.before_line is null, 1, 0), iff(d.line is null, 1, 0), 1
    from CUSTOMER_MERGE_DELTA d join CUSTOMER_MERGE_FOLD f on d.customer_id = f.customer_id and f.fate = 'new' and f.valid_to is null
    where d.run_id = :run_id
  )
  select :run_id, source_file, sum(came), sum(kept), sum(copies) + sum(candidates) - sum(refused), sum(refused),
    sum(appeared), sum(touched) - sum(appeared) - sum(went), sum(went), min(loaded_at), :started_at, sysdate()
  from fates
  group by source_file;

  commit;
  return object_construct('run_id', :run_id, 'rows_in', :rows_in, 'history', :history,
    'duplicates', :rows_in - :history - :rejects, 'rejects', :rejects,
    'inserted', :inserted, 'updated', :updated, 'deleted', :deleted);
exception
  when other then
    rollback;
    raise;
end;
$$;

grant usage on procedure MERGE_CUSTOMER() to role FIRN_LOADER;
