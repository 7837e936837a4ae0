-- 80_tasks.sql. Two tasks, each woken only if its stream has data, so that an idle pipeline costs nothing.
-- Needs 60_merge.sql and 70_capture.sql. Safe to rerun.

use role FIRN_OWNER;
use schema FIRN.PUBLIC;
create or replace task MERGE_CUSTOMER_TASK
  warehouse = FIRN_WH
  schedule = '1 minute'
when system$stream_has_data('CUSTOMER_STAGING_STREAM')
as call MERGE_CUSTOMER();

create or replace task CAPTURE_CUSTOMER_TASK
  warehouse = FIRN_WH
  schedule = '1 minute'
when system$stream_has_data('CUSTOMER_CHANGES')
as call CAPTURE_CUSTOMER();

alter task MERGE_CUSTOMER_TASK resume;

alter task CAPTURE_CUSTOMER_TASK resume;
