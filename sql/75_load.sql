-- 75_load.sql, rendered by `firn sql` from the contract. Change the contract, not this file.
-- Loads named files of the stage and merges them into CUSTOMER; reports what happened to the rows of files.
-- The loader's role needs no other privilege. Needs 40_pipe.sql and 60_merge.sql. Safe to rerun.

use role FIRN_OWNER;
use schema FIRN.PUBLIC;
create or replace procedure REPORT_CUSTOMER(files array)
returns variant
language sql
execute as owner
as
$$
declare
  reports variant default null;
begin
  select array_agg(object_construct('source_file', source_file, 'rows_in', rows_in, 'history', history, 'duplicates', duplicates,
    'rejects', rejects, 'inserted', inserted, 'updated', updated, 'deleted', deleted)) into :reports
  from (
    select source_file, sum(rows_in) as rows_in, sum(history) as history, sum(duplicates) as duplicates, sum(rejects) as rejects,
      sum(inserted) as inserted, sum(updated) as updated, sum(deleted) as deleted
    from CUSTOMER_RUNS
    where source_file in (select 'customer/' || value::varchar from table(flatten(input => :files)))
    group by source_file
  ) sums;
  -- The rest says what these objects are, so that a file for other ones is refused before it is uploaded.
  return object_construct('files', :reports, 'stage_url', 's3://firn-landing/customer/', 'contract', '5bdc709785cd9548',
    'key', array_construct('customer_id'), 'order', array_construct('updated_at', 'sequence'));
end;
$$;

grant usage on procedure REPORT_CUSTOMER(array) to role FIRN_LOADER;

create or replace procedure LOAD_CUSTOMER(files array)
returns variant
language sql
execute as owner
as
$$
declare
  invalid_file exception (-20002, 'invalid path in FILES: expected letters, digits and . _ - = / only');
  path varchar default null;
  paths varchar default '';
  load_files varchar default null;
  report variant default null;
begin
  for position in 0 to array_size(files) - 1 do
    path := get(files, position)::varchar;
    -- Validate the path: it becomes part of a statement that runs with the owner's rights.
    if (not coalesce(regexp_like(path, '[A-Za-z0-9._=/-]+'), false)) then
      raise invalid_file;
    end if;
    paths := paths || iff(position = 0, '', ', ') || '''' || path || '''';
  end for;

  if (paths <> '') then
    begin transaction;
    -- Take the lock. Two concurrent loads could load the same file twice: the second one waits here for the first.
    update CUSTOMER_LOAD_LOCK set loads = loads + 1;
    -- COPY skips files that are already loaded: Snowflake keeps the load metadata of a table for 64 days.
    load_files := 'copy into CUSTOMER_STAGING
from @CUSTOMER_STAGE' || ' files = (' || paths || ') ' || 'file_format = (format_name = ''CUSTOMER_CSV'')
match_by_column_name = case_insensitive
include_metadata = (source_file = metadata$filename, source_row = metadata$file_row_number, loaded_at = metadata$start_scan_time)
on_error = continue';
    execute immediate load_files;
    -- A row that COPY cannot parse goes to staging, and the merge writes it to the rejects, as every malformed row.
    insert into CUSTOMER_STAGING (_firn_reject_reason, _firn_raw_line, source_file, source_row, loaded_at)
    select 'not loaded: ' || error, coalesce(rejected_record, ''),
      iff(startswith(source_path, 'customer/'), source_path, 'customer/' || source_path), coalesce(row_number, line, 0), current_timestamp()
    from (
      select error, rejected_record, row_number, line, regexp_replace(file, '^s3://[^/]*/', '') as source_path
      from table(validate(CUSTOMER_STAGING, job_id => '_last'))
    ) failed;
    commit;
  end if;
  call MERGE_CUSTOMER();
  call REPORT_CUSTOMER(:files) into :report;
  return report;
exception
  when other then
    rollback;
    raise;
end;
$$;

grant usage on procedure LOAD_CUSTOMER(array) to role FIRN_LOADER;
