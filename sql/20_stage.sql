-- 20_stage.sql, rendered by `firn sql` from the contract. Change the contract, not this file.
-- Creates the storage integration, the file format and the stage, with which Snowflake reads the bucket. Needs 10_database.sql, and ACCOUNTADMIN for the integration. Safe to rerun.
--
-- On a real account, once:
--  1. In AWS, make a policy that allows s3:GetObject, s3:GetObjectVersion, s3:ListBucket and s3:GetBucketLocation on the
--     bucket of s3://firn-landing/, and a role arn:aws:iam::123456789012:role/firn-snowflake
--     with that policy (trusted entity: your own account, for now).
--  2. Run this script, then `desc integration FIRN_S3`: note STORAGE_AWS_IAM_USER_ARN and STORAGE_AWS_EXTERNAL_ID.
--  3. In the role's trust policy, allow sts:AssumeRole to that user, with the condition that sts:ExternalId is that id.
--  4. After 40_pipe.sql, `show pipes like 'CUSTOMER_PIPE'`: note notification_channel, the ARN of a queue.
--  5. In the bucket's properties, add an event notification: all object create events, the contract's prefix,
--     destination: that SQS queue. From now on every new file is loaded within seconds.
-- `firn doctor` reports which of these steps is missing.

use role ACCOUNTADMIN;
create storage integration if not exists FIRN_S3
  type = external_stage
  storage_provider = 'S3'
  enabled = true
  storage_aws_role_arn = 'arn:aws:iam::123456789012:role/firn-snowflake'
  storage_allowed_locations = ('s3://firn-landing/');

grant usage on integration FIRN_S3 to role FIRN_OWNER;

use role FIRN_OWNER;
use schema FIRN.PUBLIC;
create file format if not exists CUSTOMER_CSV
  type = csv
  parse_header = true
  field_optionally_enclosed_by = '"'
  escape = none
  escape_unenclosed_field = none
  null_if = ()
  empty_field_as_null = true
  skip_blank_lines = true
  error_on_column_count_mismatch = false;

create stage if not exists CUSTOMER_STAGE
  url = 's3://firn-landing/customer/'
  storage_integration = FIRN_S3
  file_format = (format_name = 'CUSTOMER_CSV');
