-- 50_streams.sql, rendered by `firn sql` from the contract. Change the contract, not this file.
-- Creates the streams: new rows in staging, which start the task, and changes of the target, which show what others
-- have written. The merge reads the staged rows from staging itself, so a stream that is lost or stale loses none. Needs 30_tables.sql.
-- Safe to rerun.

use role FIRN_OWNER;
use schema FIRN.PUBLIC;
create stream if not exists CUSTOMER_STAGING_STREAM on table CUSTOMER_STAGING
  append_only = true;

create stream if not exists CUSTOMER_CHANGES on table CUSTOMER;
