//! Stage, pipe, streams and tasks.

use sha2::{Digest, Sha256};

use super::statement::{RenderContext, Statement};
use super::{Identifier, Names, Schedule, literal};

/// The folder of the stage whose files are loaded by name, with `LOAD_…`.
pub const DIRECT_FOLDER: &str = ".firn/";

/// The files that the pipe loads: all others, as COPY and pipe each keep a load history of their own.
const NOT_DIRECT: &str = "[^.].*";

pub(super) const PIPE: &str = "Creates the pipe, which loads every new file of the stage into staging, except those whose path begins with a dot:
`firn put` uploads below .firn/ and loads by name. All values are loaded as text, so that
no row is lost to a failed conversion: the merge validates them and writes invalid rows to the rejects. Needs 20_stage.sql and 30_tables.sql.
Safe to rerun.";

pub(super) const STREAMS: &str = "Creates the streams: new rows in staging, which start the task, and changes of the target, which show what others
have written. The merge reads the staged rows from staging itself, so a stream that is lost or stale loses none. Needs 30_tables.sql.
Safe to rerun.";

pub(super) const TASKS: &str =
    "Creates the task that merges when a stream has data, so that an idle pipeline costs nothing.
Needs 60_merge.sql. Safe to rerun.";

pub(super) fn stage_about(context: &RenderContext<'_>) -> String {
    let storage = &context.deployment.storage;
    format!(
        "Creates the storage integration, the file format and the stage, with which Snowflake reads the bucket. Needs 10_database.sql, and ACCOUNTADMIN for the integration. Safe to rerun.

On a real account, once:
 1. In AWS, make a policy that allows s3:GetObject, s3:GetObjectVersion, s3:ListBucket and s3:GetBucketLocation on the
    bucket of {url}, and a role {role}
    with that policy (trusted entity: your own account, for now).
 2. Run this script, then `desc integration {integration}`: note STORAGE_AWS_IAM_USER_ARN and STORAGE_AWS_EXTERNAL_ID.
 3. In the role's trust policy, allow sts:AssumeRole to that user, with the condition that sts:ExternalId is that id.
 4. After 40_pipe.sql, `show pipes like '{pipe}'`: note notification_channel, the ARN of a queue.
 5. In the bucket's properties, add an event notification: all object create events, the contract's prefix,
    destination: that SQS queue. From now on every new file is loaded within seconds.
`firn doctor` reports which of these steps is missing.",
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
        // As in the file reader, a backslash is an ordinary character, an empty field is null, and "" is an empty text.
        context.owned(format!(
            "create file format if not exists {}\n  type = csv\n  parse_header = true\n  field_optionally_enclosed_by = '\"'\n  escape = none\n  escape_unenclosed_field = none\n  null_if = ()\n  empty_field_as_null = true\n  skip_blank_lines = true\n  error_on_column_count_mismatch = false",
            names.format
        )),
        context.owned(format!(
            "create stage if not exists {}\n  url = {}\n  storage_integration = {}\n  file_format = (format_name = '{}')",
            names.stage,
            literal(&storage.table_url(context.contract.table())),
            storage.integration,
            names.format.to_string().replace('\'', "''"),
        )),
    ]
}

pub(super) fn pipe(context: &RenderContext<'_>) -> Vec<Statement> {
    let names = &context.names;
    vec![context.owned(format!(
        "create pipe if not exists {} auto_ingest = true comment = {} as\n{}",
        names.pipe,
        literal(&pipe_comment(names)),
        pipe_copy(names)
    ))]
}

fn pipe_copy(names: &Names) -> String {
    let Copy { head, options } = copy(names);
    format!("{head}\npattern = {}\n{options}", literal(NOT_DIRECT))
}

/// The pipe's comment: a pipe cannot be altered, so it is replaced where its comment names another definition.
pub(crate) fn pipe_comment(names: &Names) -> String {
    let digest = Sha256::digest(pipe_copy(names));
    let digest = digest[..4].iter().map(|byte| format!("{byte:02x}"));
    format!("Firn, definition {}", digest.collect::<String>())
}

/// The COPY into staging, except for the files that it loads.
pub(super) struct Copy {
    /// Target and source.
    pub head: String,
    /// The options for reading a file.
    pub options: String,
}

pub(super) fn copy(names: &Names) -> Copy {
    // Columns are matched by the names in a file's header, so that files of other tools load into the right columns. Firn's own
    // files have two more: the reason and the text of a malformed row.
    Copy {
        head: format!("copy into {}\nfrom @{}", names.staging, names.stage),
        options: format!(
            "file_format = (format_name = {})\nmatch_by_column_name = case_insensitive\ninclude_metadata = ({} = metadata$filename, {} = metadata$file_row_number, {} = metadata$start_scan_time)\non_error = continue",
            literal(&names.format.to_string()),
            names.source_file,
            names.source_row,
            names.loaded_at
        ),
    }
}

pub(super) fn streams(context: &RenderContext<'_>) -> Vec<Statement> {
    let names = &context.names;
    vec![
        context.owned(format!(
            "create stream if not exists {} on table {}\n  append_only = true",
            names.staging_stream, names.staging
        )),
        context.owned(format!(
            "create stream if not exists {} on table {}",
            names.changes, names.target
        )),
    ]
}

pub(super) fn tasks(context: &RenderContext<'_>) -> Vec<Statement> {
    let (deployment, names) = (context.deployment, &context.names);
    let schedule = match deployment.schedule {
        Schedule::Minutes(minutes) => format!("\n  schedule = '{minutes} minute'"),
        Schedule::Triggered => String::new(),
    };
    let has_data =
        |stream: &Identifier| format!("system$stream_has_data({})", literal(&stream.to_string()));
    vec![
        context.owned(format!("drop task if exists {}", names.capture_task)),
        context.owned(format!(
            "create or replace task {}\n  warehouse = {}{schedule}\nwhen {} or {}\nas call {}()",
            names.merge_task,
            deployment.warehouse,
            has_data(&names.staging_stream),
            has_data(&names.changes),
            names.merge
        )),
        context.owned(format!("alter task {} resume", names.merge_task)),
    ]
}
