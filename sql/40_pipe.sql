-- 40_pipe.sql. Loads every new file of the stage into staging, as text, so that no row is lost to a cast: what is wrong
-- with a row is found by the merge, which keeps it in the rejects. Needs 20_stage.sql and 30_tables.sql. Safe to rerun.

use role FIRN_OWNER;
use schema FIRN.PUBLIC;
create pipe if not exists CUSTOMER_PIPE auto_ingest = true as
copy into CUSTOMER_STAGING (
  op, customer_id, first_name, last_name, email, phone, street, city, state, postal_code, country, updated_at, sequence, _firn_reject_reason, _firn_raw_line,
  source_file, source_row, loaded_at)
from (
  select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
    metadata$filename, metadata$file_row_number, metadata$start_scan_time
  from @CUSTOMER_STAGE)
file_format = (format_name = 'CUSTOMER_CSV')
on_error = continue;

grant operate, monitor on pipe CUSTOMER_PIPE to role FIRN_LOADER;
