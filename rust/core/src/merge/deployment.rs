//! A contract's deployment: database, schema, roles, warehouse, bucket, and the schedule of the tasks.

use super::Identifier;

/// The location of a contract's objects, and the roles that own and load them.
#[derive(Clone, Debug)]
pub struct Deployment {
    /// The database.
    pub database: Identifier,
    /// The schema in it.
    pub schema: Identifier,
    /// The warehouse on which the tasks run.
    pub warehouse: Identifier,
    /// The role that owns every object.
    pub owner: Identifier,
    /// The role that may load and call procedures, and may not read or alter data.
    pub loader: Identifier,
    /// The user to whom the loader's role is granted; none if the account grants it by other means.
    pub loader_user: Option<Identifier>,
    /// The bucket of the files.
    pub storage: Storage,
    /// The schedule of the task.
    pub schedule: Schedule,
    /// The most staged rows that one transaction of a merge reads, unless a single file has more.
    pub slice_rows: u64,
}

/// The bucket and the privileges to read it.
#[derive(Clone, Debug)]
pub struct Storage {
    /// `s3://bucket/prefix/`, under which each contract has a folder.
    pub url: String,
    /// The storage integration's name.
    pub integration: Identifier,
    /// The AWS role that Snowflake assumes to read the bucket.
    pub aws_role: String,
}

/// When a task runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Schedule {
    /// At this interval, if a stream has data.
    Minutes(u32),
    /// As soon as a stream has data.
    Triggered,
}

impl Default for Deployment {
    fn default() -> Self {
        Self {
            database: Identifier::new("FIRN"),
            schema: Identifier::new("PUBLIC"),
            warehouse: Identifier::new("FIRN_WH"),
            owner: Identifier::new("FIRN_OWNER"),
            loader: Identifier::new("FIRN_LOADER"),
            loader_user: None,
            storage: Storage {
                url: "s3://firn-landing/".to_owned(),
                integration: Identifier::new("FIRN_S3"),
                aws_role: "arn:aws:iam::123456789012:role/firn-snowflake".to_owned(),
            },
            schedule: Schedule::Triggered,
            slice_rows: 2_000_000,
        }
    }
}

impl Storage {
    /// The URL of a table's files, with a slash at its end.
    #[must_use]
    pub fn table_url(&self, table: &str) -> String {
        let slash = if self.url.ends_with('/') { "" } else { "/" };
        format!("{}{slash}{}/", self.url, prefix_name(table))
    }
}

/// A table's name as a folder in a bucket: lower case, other characters as their hexadecimal bytes.
#[must_use]
pub fn prefix_name(table: &str) -> String {
    let mut folder = String::new();
    for byte in table.to_lowercase().bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' => folder.push(char::from(byte)),
            other => folder.push_str(&format!("={other:02x}")),
        }
    }
    folder
}
