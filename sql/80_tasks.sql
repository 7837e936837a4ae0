-- 80_tasks.sql, rendered by `firn sql` from the contract. Change the contract, not this file.
-- Creates the task that merges when a stream has data, so that an idle pipeline costs nothing.
-- Needs 60_merge.sql. Safe to rerun.

use role FIRN_OWNER;
use schema FIRN.PUBLIC;
drop task if exists CAPTURE_CUSTOMER_TASK;

create or replace task MERGE_CUSTOMER_TASK
  warehouse = FIRN_WH
when system$stream_has_data('CUSTOMER_STAGING_STREAM') or system$stream_has_data('CUSTOMER_CHANGES')
as call MERGE_CUSTOMER();

alter task MERGE_CUSTOMER_TASK resume;
