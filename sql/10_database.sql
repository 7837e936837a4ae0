-- 10_database.sql, rendered by `firn sql` from the contract. Change the contract, not this file.
-- Creates the warehouse, the database and the schema, and grants the two roles their privileges there.
-- Needs 00_roles.sql, SYSADMIN, and ACCOUNTADMIN for the privilege EXECUTE TASK. Safe to rerun.

use role SYSADMIN;
create warehouse if not exists FIRN_WH warehouse_size = xsmall auto_suspend = 60 auto_resume = true
  initially_suspended = true;

create database if not exists FIRN;

create schema if not exists FIRN.PUBLIC;

grant usage on warehouse FIRN_WH to role FIRN_OWNER;

grant usage on warehouse FIRN_WH to role FIRN_LOADER;

grant usage on database FIRN to role FIRN_OWNER;

grant usage on database FIRN to role FIRN_LOADER;

grant usage, create table, create view, create stage, create file format, create pipe, create stream, create task, create procedure on schema FIRN.PUBLIC
  to role FIRN_OWNER;

grant usage on schema FIRN.PUBLIC to role FIRN_LOADER;

use role ACCOUNTADMIN;
grant execute task on account to role FIRN_OWNER;
