//! The way in: stage, pipe, streams and tasks.

use super::statement::{RenderContext, Statement};
use super::{Identifier, Schedule, literal};

pub(super) const PIPE: &str = "Loads every new file of the stage into staging, as text, so that no row is lost to a cast: what is wrong
with a row is found by the merge, which keeps it in the rejects. Needs 20_stage.sql and 30_tables.sql. Safe to rerun.";

pub(super) const STREAMS: &str = "What is new in staging, and what changes in the target. Should a stream be made anew, it begins with what still
waits in staging: nothing is skipped. Needs 30_tables.sql. Safe to rerun.";

pub(super) const TASKS: &str =
    "Two tasks, each woken only if its stream has data, so that an idle pipeline costs nothing.
Needs 60_merge.sql and 70_capture.sql. Safe to rerun.";

pub(super) fn stage_about(context: &RenderContext<'_>) -> String {
    let storage = &context.deployment.storage;
    format!(
        "How Snowflake reads the bucket. Needs 10_database.sql, and ACCOUNTADMIN for the integration. Safe to rerun.

On a real account, once:
 1. In AWS, make a policy that allows s3:GetObject, s3:GetObjectVersion, s3:ListBucket and s3:GetBucketLocation on the
    bucket of {url}, and a role {role}
    with that policy (trusted entity: your own account, for now).
 2. Run this script, then `desc integration {integration}`: note STORAGE_AWS_IAM_USER_ARN and STORAGE_AWS_EXTERNAL_ID.
 3. In the role's trust policy, allow sts:AssumeRole to that user, with the condition that sts:ExternalId is that id.
 4. After 40_pipe.sql, `show pipes like '{pipe}'`: note notification_channel, the ARN of a queue.
 5. In the bucket's properties, add an event notification: all object create events, the prefix of the contract's folder,
    destination: that SQS queue. From now on every new file is loaded within seconds.
`firn doctor` tells which of these is missing.",
        url = storage.url,
        role = storage.aws_role,
        integration = storage.integration,
        pipe = context.names.pipe.stored(),
    )
}

pub(super) fn stage(context: &RenderContext<'_>) -> Vec<Statement> {
    let (deployment, names) = (context.deployment, &context.names);
    let storage = &deployment.storage;
    let admin = |sql: String| Statement {
        role: Identifier::new("ACCOUNTADMIN"),
        sql,
        in_schema: false,
    };
    vec![
        admin(format!(
            "create storage integration if not exists {}\n  type = external_stage\n  storage_provider = 'S3'\n  enabled = true\n  storage_aws_role_arn = {}\n  storage_allowed_locations = ({})",
            storage.integration,
            literal(&storage.aws_role),
            literal(&storage.url)
        )),
        admin(format!("grant usage on integration {} to role {}", storage.integration, deployment.owner)),
        // A backslash is a character like any other, an empty field is null, "" an empty text: as the reader of files has it.
        context.owned(format!(
            "create file format if not exists {}\n  type = csv\n  skip_header = 1\n  field_optionally_enclosed_by = '\"'\n  escape = none\n  escape_unenclosed_field = none\n  null_if = ()\n  empty_field_as_null = true\n  skip_blank_lines = true\n  error_on_column_count_mismatch = false",
            names.format
        )),
        context.owned(format!(
            "create stage if not exists {}\n  url = {}\n  storage_integration = {}\n  file_format = (format_name = '{}')",
            names.stage,
            literal(&storage.table_url(context.contract.table())),
            storage.integration,
            names.format.to_string().replace('\'', "''"),
        )),
        context.owned(format!("grant usage on stage {} to role {}", names.stage, deployment.loader)),
    ]
}

pub(super) fn pipe(context: &RenderContext<'_>) -> Vec<Statement> {
    let (deployment, names) = (context.deployment, &context.names);
    let columns: Vec<String> = context
        .contract
        .header()
        .map(|name| Identifier::new(name).to_string())
        .collect();
    // Two fields beyond the contract's: there the reader of files puts the reason and the text of a malformed row.
    let fields: Vec<String> = (1..=columns.len() + 2)
        .map(|number| format!("${number}"))
        .collect();
    vec![
        context.owned(format!(
            "create pipe if not exists {} auto_ingest = true as\ncopy into {} (\n  {}, _firn_reject_reason, _firn_raw_line,\n  {})\nfrom (\n  select {},\n    metadata$filename, metadata$file_row_number, metadata$start_scan_time\n  from @{})\nfile_format = (format_name = '{}')\non_error = continue",
            names.pipe,
            names.staging,
            columns.join(", "),
            names.source_list(""),
            fields.join(", "),
            names.stage,
            names.format.to_string().replace('\'', "''"),
        )),
        context.owned(format!("grant operate, monitor on pipe {} to role {}", names.pipe, deployment.loader)),
    ]
}

pub(super) fn streams(context: &RenderContext<'_>) -> Vec<Statement> {
    let names = &context.names;
    vec![
        context.owned(format!(
            "create stream if not exists {} on table {}\n  append_only = true\n  show_initial_rows = true",
            names.staging_stream, names.staging
        )),
        context.owned(format!("create stream if not exists {} on table {}", names.changes, names.target)),
    ]
}

pub(super) fn tasks(context: &RenderContext<'_>) -> Vec<Statement> {
    let (deployment, names) = (context.deployment, &context.names);
    let schedule = match deployment.schedule {
        Schedule::Minutes(minutes) => format!("\n  schedule = '{minutes} minute'"),
        Schedule::Triggered => String::new(),
    };
    let task = |task: &Identifier, stream: &Identifier, procedure: &Identifier| {
        let stream = literal(&stream.to_string());
        context.owned(format!(
            "create or replace task {task}\n  warehouse = {}{schedule}\nwhen system$stream_has_data({stream})\nas call {procedure}()",
            deployment.warehouse
        ))
    };
    let resume = |task: &Identifier| context.owned(format!("alter task {task} resume"));
    vec![
        task(&names.merge_task, &names.staging_stream, &names.merge),
        task(&names.capture_task, &names.changes, &names.capture),
        resume(&names.merge_task),
        resume(&names.capture_task),
    ]
}
