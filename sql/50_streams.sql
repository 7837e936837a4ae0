-- 50_streams.sql. What is new in staging, and what changes in the target. Should a stream be made anew, it begins with what still
-- waits in staging: nothing is skipped. Needs 30_tables.sql. Safe to rerun.

use role FIRN_OWNER;
use schema FIRN.PUBLIC;
create stream if not exists CUSTOMER_STAGING_STREAM on table CUSTOMER_STAGING
  append_only = true
  show_initial_rows = true;

create stream if not exists CUSTOMER_CHANGES on table CUSTOMER;
