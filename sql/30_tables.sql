-- 30_tables.sql, rendered by `firn sql` from the contract. Change the contract, not this file.
-- Creates staging, target, history, rejects and run log, then the work tables of the merge.
-- Needs 10_database.sql. Safe to rerun: an existing table stays as it is.
--
-- The history is a view over two tables: HISTORY_OPEN has the last event of each key, deletes too, and is as large as the target.
-- HISTORY_CLOSED has every version that has ended. A merge moves a version from one to the other when the next event arrives, so the
-- closed table is only appended to, in the order of time: Snowflake never rewrites it, and skips most of it when an event is late.
-- No table is clustered: below a terabyte, reclustering costs more than it saves.

use role FIRN_OWNER;
use schema FIRN.PUBLIC;
create transient table if not exists CUSTOMER_STAGING (
  op varchar,
  customer_id varchar,
  first_name varchar,
  last_name varchar,
  email varchar,
  phone varchar,
  street varchar,
  city varchar,
  state varchar,
  postal_code varchar,
  country varchar,
  updated_at varchar,
  sequence varchar,
  _firn_reject_reason varchar,
  _firn_raw_line varchar,
  source_file varchar not null,
  source_row number(18,0) not null,
  loaded_at timestamp_ltz not null
) data_retention_time_in_days = 0;

create table if not exists CUSTOMER (
  customer_id number(18,0) not null,
  first_name varchar(100),
  last_name varchar(100),
  email varchar(320),
  phone varchar(40),
  street varchar(200),
  city varchar(100),
  state varchar(100),
  postal_code varchar(20),
  country varchar(100),
  updated_at timestamp_ntz(6),
  sequence number(18,0)
);

create table if not exists CUSTOMER_HISTORY_OPEN (
  op varchar(1) not null,
  customer_id number(18,0) not null,
  first_name varchar(100),
  last_name varchar(100),
  email varchar(320),
  phone varchar(40),
  street varchar(200),
  city varchar(100),
  state varchar(100),
  postal_code varchar(20),
  country varchar(100),
  updated_at timestamp_ntz(6) not null,
  sequence number(18,0) not null,
  valid_from timestamp_ntz(6) not null,
  source_file varchar not null,
  source_row number(18,0) not null,
  loaded_at timestamp_ltz not null
);

create table if not exists CUSTOMER_HISTORY_CLOSED (
  op varchar(1) not null,
  customer_id number(18,0) not null,
  first_name varchar(100),
  last_name varchar(100),
  email varchar(320),
  phone varchar(40),
  street varchar(200),
  city varchar(100),
  state varchar(100),
  postal_code varchar(20),
  country varchar(100),
  updated_at timestamp_ntz(6) not null,
  sequence number(18,0) not null,
  valid_from timestamp_ntz(6) not null,
  valid_to timestamp_ntz(6) not null,
  source_file varchar not null,
  source_row number(18,0) not null,
  loaded_at timestamp_ltz not null
);

create or replace view CUSTOMER_HISTORY as
select op, customer_id, first_name, last_name, email, phone, street, city, state, postal_code, country, updated_at, sequence, valid_from, cast(null as timestamp_ntz(6)) as valid_to, true as is_current,
  source_file, source_row, loaded_at
from CUSTOMER_HISTORY_OPEN
union all
select op, customer_id, first_name, last_name, email, phone, street, city, state, postal_code, country, updated_at, sequence, valid_from, valid_to, false,
  source_file, source_row, loaded_at
from CUSTOMER_HISTORY_CLOSED;

create table if not exists CUSTOMER_REJECTS (
  reject_id varchar not null,
  run_id number(18,0) not null,
  source_file varchar not null,
  source_row number(18,0) not null,
  loaded_at timestamp_ltz not null,
  reason varchar not null,
  raw_line varchar
);

create table if not exists CUSTOMER_RETRIES (
  reject_id varchar not null,
  source_file varchar not null,
  sent_at timestamp_ltz not null
);

create table if not exists CUSTOMER_RUNS (
  run_id number(18,0) not null,
  source_file varchar not null,
  rows_in number(18,0) not null,
  history number(18,0) not null,
  duplicates number(18,0) not null,
  rejects number(18,0) not null,
  inserted number(18,0) not null,
  updated number(18,0) not null,
  deleted number(18,0) not null,
  landed_at timestamp_ltz not null,
  started_at timestamp_ntz(6) not null,
  finished_at timestamp_ntz(6) not null
);

create table if not exists CUSTOMER_MERGE_LOCK (
  runs number(18,0) not null
);

create table if not exists CUSTOMER_LOAD_LOCK (
  loads number(18,0) not null
);

insert into CUSTOMER_MERGE_LOCK (runs) select 0 where not exists (select 1 from CUSTOMER_MERGE_LOCK);

insert into CUSTOMER_LOAD_LOCK (loads) select 0 where not exists (select 1 from CUSTOMER_LOAD_LOCK);

create transient table if not exists CUSTOMER_MERGE_EVENTS (
  op varchar,
  customer_id number(18,0),
  first_name varchar,
  last_name varchar,
  email varchar,
  phone varchar,
  street varchar,
  city varchar,
  state varchar,
  postal_code varchar,
  country varchar,
  updated_at timestamp_ntz(6),
  sequence number(18,0),
  _firn_raw_line varchar,
  _firn_reason varchar,
  source_file varchar,
  source_row number(18,0),
  loaded_at timestamp_ltz
) data_retention_time_in_days = 0;

create transient table if not exists CUSTOMER_MERGE_DIFFERENCES (
  customer_id number(18,0)
) data_retention_time_in_days = 0;

create transient table if not exists CUSTOMER_MERGE_KEYS (
  customer_id number(18,0),
  first_name varchar,
  last_name varchar,
  email varchar,
  phone varchar,
  street varchar,
  city varchar,
  state varchar,
  postal_code varchar,
  country varchar,
  updated_at timestamp_ntz(6),
  sequence number(18,0),
  _firn_first_at timestamp_ntz(6),
  _firn_in_target boolean,
  _firn_row_count number(18,0),
  _firn_row_number number(18,0)
) data_retention_time_in_days = 0;

create transient table if not exists CUSTOMER_MERGE_STORED (
  op varchar,
  customer_id number(18,0),
  first_name varchar,
  last_name varchar,
  email varchar,
  phone varchar,
  street varchar,
  city varchar,
  state varchar,
  postal_code varchar,
  country varchar,
  updated_at timestamp_ntz(6),
  sequence number(18,0),
  _firn_valid_to timestamp_ntz(6),
  source_file varchar,
  source_row number(18,0),
  loaded_at timestamp_ltz
) data_retention_time_in_days = 0;

create transient table if not exists CUSTOMER_MERGE_VERSIONS (
  op varchar,
  customer_id number(18,0),
  first_name varchar,
  last_name varchar,
  email varchar,
  phone varchar,
  street varchar,
  city varchar,
  state varchar,
  postal_code varchar,
  country varchar,
  updated_at timestamp_ntz(6),
  sequence number(18,0),
  _firn_valid_to timestamp_ntz(6),
  _firn_outcome varchar,
  _firn_was_open boolean,
  source_file varchar,
  source_row number(18,0),
  loaded_at timestamp_ltz
) data_retention_time_in_days = 0;

create transient table if not exists CUSTOMER_MERGE_CHANGES (
  op varchar,
  customer_id number(18,0),
  first_name varchar,
  last_name varchar,
  email varchar,
  phone varchar,
  street varchar,
  city varchar,
  state varchar,
  postal_code varchar,
  country varchar,
  updated_at timestamp_ntz(6),
  sequence number(18,0),
  _firn_in_target boolean,
  _firn_was_there boolean,
  _firn_run_id number(18,0)
) data_retention_time_in_days = 0;
