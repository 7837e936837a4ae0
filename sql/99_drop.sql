-- 99_drop.sql, rendered by `firn sql` from the contract. Change the contract, not this file.
-- Drops the objects of the contract, and its tables with their data.
-- Database, warehouse, roles and integration stay, as other contracts may use them. Safe to rerun.

use role FIRN_OWNER;
use schema FIRN.PUBLIC;
drop task if exists MERGE_CUSTOMER_TASK;

drop task if exists CAPTURE_CUSTOMER_TASK;

drop pipe if exists CUSTOMER_PIPE;

drop stream if exists CUSTOMER_STAGING_STREAM;

drop stream if exists CUSTOMER_CHANGES;

drop procedure if exists MERGE_CUSTOMER(boolean, boolean);

drop procedure if exists CAPTURE_CUSTOMER();

drop procedure if exists LOAD_CUSTOMER(array);

drop procedure if exists REPORT_CUSTOMER(array);

drop view if exists CUSTOMER_VERSIONS;

drop view if exists CUSTOMER_HISTORY;

drop stage if exists CUSTOMER_STAGE;

drop file format if exists CUSTOMER_CSV;

drop table if exists CUSTOMER_STAGING;

drop table if exists CUSTOMER;

drop table if exists CUSTOMER_HISTORY_OPEN;

drop table if exists CUSTOMER_HISTORY_CLOSED;

drop table if exists CUSTOMER_REJECTS;

drop table if exists CUSTOMER_RETRIES;

drop table if exists CUSTOMER_RUNS;

drop table if exists CUSTOMER_MERGE_LOCK;

drop table if exists CUSTOMER_LOAD_LOCK;

drop table if exists CUSTOMER_MERGE_EVENTS;

drop table if exists CUSTOMER_MERGE_DIFFERENCES;

drop table if exists CUSTOMER_MERGE_KEYS;

drop table if exists CUSTOMER_MERGE_STORED;

drop table if exists CUSTOMER_MERGE_VERSIONS;

drop table if exists CUSTOMER_MERGE_CHANGES;
