-- The pipeline of the usual tutorials: a raw table, a current table with a comparison of all columns, and a stream that feeds a history.
-- Statements end with a semicolon at the end of a line.

create or replace table TUTORIAL_RAW (
  customer_id number, first_name varchar, last_name varchar, email varchar, phone varchar, street varchar, city varchar, state varchar,
  postal_code varchar, country varchar, updated_at varchar, sequence number);

create or replace table TUTORIAL_CUSTOMER (
  customer_id number, first_name varchar, last_name varchar, email varchar, phone varchar, street varchar, city varchar, state varchar,
  postal_code varchar, country varchar, update_timestamp timestamp_ntz default current_timestamp());

create or replace table TUTORIAL_HISTORY (
  customer_id number, first_name varchar, last_name varchar, email varchar, phone varchar, street varchar, city varchar, state varchar,
  postal_code varchar, country varchar, start_time timestamp_ntz, end_time timestamp_ntz, is_current boolean);

create or replace stream TUTORIAL_CHANGES on table TUTORIAL_CUSTOMER;

create or replace view TUTORIAL_CHANGE_DATA as
with changed as (
  select *, metadata$action as action, metadata$isupdate as is_update from TUTORIAL_CHANGES
)
select
  customer_id, first_name, last_name, email, phone, street, city, state, postal_code, country, update_timestamp as start_time,
  cast('9999-12-31' as timestamp_ntz) as end_time, true as is_current, 'I' as dml_type
from changed
where action = 'INSERT'
union all
select
  h.customer_id, null, null, null, null, null, null, null, null, null, h.start_time, c.update_timestamp, false, 'U'
from TUTORIAL_HISTORY h
join changed c on c.customer_id = h.customer_id
where c.action = 'INSERT' and c.is_update and h.is_current;
