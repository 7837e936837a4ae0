-- 40_pipe.sql, rendered by `firn sql` from the contract. Change the contract, not this file.
-- Creates the pipe, which loads every new file of the stage into staging, except those whose path begins with a dot:
-- `firn put` uploads below .firn/ and loads by name. All values are loaded as text, so that
-- no row is lost to a failed conversion: the merge validates them and writes invalid rows to the rejects. Needs 20_stage.sql and 30_tables.sql.
-- Safe to rerun.

use role FIRN_OWNER;
use schema FIRN.PUBLIC;
create pipe if not exists CUSTOMER_PIPE auto_ingest = true comment = 'Firn, definition c1a8bd81' as
copy into CUSTOMER_STAGING
from @CUSTOMER_STAGE
pattern = '[^.].*'
file_format = (format_name = 'CUSTOMER_CSV')
match_by_column_name = case_insensitive
include_metadata = (source_file = metadata$filename, source_row = metadata$file_row_number, loaded_at = metadata$start_scan_time)
on_error = continue;
