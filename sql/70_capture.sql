-- 70_capture.sql, rendered by `firn sql` from the contract. Change the contract, not this file.
-- Captures manual changes of CUSTOMER in its history, with the procedure of 60_merge.sql. Safe to rerun.

use role FIRN_OWNER;
use schema FIRN.PUBLIC;
create or replace procedure CAPTURE_CUSTOMER()
returns variant
language sql
execute as owner
as
$$
declare
  report variant default null;
begin
  call MERGE_CUSTOMER(false) into :report;
  return report;
end;
$$;

grant usage on procedure CAPTURE_CUSTOMER() to role FIRN_LOADER;
