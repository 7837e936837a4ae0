//! What an object is beyond its name: a table and its columns, a stream, a task and so on.

use serde::{Deserialize, Serialize};

use crate::sql::cursor::Name;
use crate::types::value::SnowflakeType;

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name, folded.
    pub name: String,
    /// Its type.
    pub kind: SnowflakeType,
    /// Whether it takes nulls.
    pub nullable: bool,
    /// Its default, as Snowflake SQL.
    pub default: Option<String>,
    /// Whether its default is a sequence of its own (`AUTOINCREMENT`).
    pub identity: bool,
    /// Its comment.
    pub comment: Option<String>,
    /// Whether the table's primary key has it. Not enforced, as on Snowflake.
    pub primary_key: bool,
}

/// What makes each kind of object what it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Body {
    Database {
        transient: bool,
    },
    Schema {
        transient: bool,
    },
    Table(Table),
    View {
        columns: Vec<String>,
        query: String,
        text: String,
        /// The session that alone sees it.
        #[serde(default)]
        temporary_of: Option<u64>,
    },
    Stream(Stream),
    Stage(Stage),
    FileFormat {
        options: String,
    },
    Sequence {
        start: i64,
        step: i64,
    },
    Pipe(Pipe),
    Task(Task),
    Procedure(Procedure),
    Role,
    User(User),
    Warehouse(Warehouse),
    Integration {
        /// The AWS role's ARN.
        options: String,
        enabled: bool,
        locations: Vec<String>,
        #[serde(default)]
        blocked: Vec<String>,
        /// `STORAGE_AWS_EXTERNAL_ID`, if the statement has given it.
        #[serde(default)]
        external_id: Option<String>,
    },
}

/// A table. Its rows lie in DuckDB under `T<id>`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Table {
    pub columns: Vec<Column>,
    pub transient: bool,
    /// The session that alone sees it.
    pub temporary_of: Option<u64>,
    pub cluster_by: Option<String>,
    pub retention_days: i64,
    pub change_tracking: bool,
}

/// A stream. Its offset moves with every committed DML that reads it, so it lies in DuckDB beside the rows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stream {
    /// The table's id: a table made anew under the same name is another table.
    pub table: u64,
    pub table_name: Name,
    pub append_only: bool,
    /// Whether the first read returns what the table held when the stream was made.
    pub show_initial_rows: bool,
}

/// A stage.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stage {
    /// `s3://bucket/prefix/`, or none for an internal stage.
    pub url: Option<String>,
    /// `FILE_FORMAT = (…)` as text.
    pub file_format: String,
    pub integration: Option<String>,
}

/// A pipe.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pipe {
    /// The `COPY INTO` that it runs for each file.
    pub copy: String,
    pub auto_ingest: bool,
    pub paused: bool,
    /// Where unqualified names of `copy` lead.
    pub home: (String, String),
}

/// A task.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Task {
    pub warehouse: Option<String>,
    pub schedule: Option<String>,
    pub after: Vec<Name>,
    pub when: Option<String>,
    pub body: String,
    pub started: bool,
    pub allow_overlap: bool,
    pub suspend_after_failures: i64,
    pub failures: i64,
    pub timeout_millis: i64,
    /// JSON, for the whole graph if it is its root's.
    pub config: Option<String>,
    /// The least time between two triggered runs.
    #[serde(default)]
    pub trigger_interval_seconds: Option<i64>,
    /// `TARGET_COMPLETION_INTERVAL`.
    #[serde(default)]
    pub completion_interval: Option<String>,
    /// How often a run of the graph that has failed is tried again.
    #[serde(default)]
    pub retry_attempts: i64,
    /// The root of the graph at whose end it runs.
    #[serde(default)]
    pub finalizes: Option<Name>,
    pub home: (String, String),
    /// Since when its schedule counts, microseconds UTC.
    pub resumed_micros: i64,
}

/// A parameter of a procedure.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Parameter {
    pub name: String,
    pub kind: SnowflakeType,
    pub default: Option<String>,
}

/// A procedure in Snowflake Scripting.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Procedure {
    pub parameters: Vec<Parameter>,
    /// `None` for `RETURNS TABLE (…)`.
    pub returns: Option<SnowflakeType>,
    pub body: String,
    pub callers_rights: bool,
}

/// A user.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct User {
    pub default_role: Option<String>,
    pub default_warehouse: Option<String>,
    pub default_namespace: Option<String>,
    pub public_keys: [Option<String>; 2],
    pub disabled: bool,
    pub service: bool,
    pub password: Option<String>,
}

/// A warehouse.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Warehouse {
    pub size: String,
    pub auto_suspend_seconds: i64,
    pub auto_resume: bool,
    pub suspended: bool,
}
