//! The kinds of objects, and how many names each has.

use serde::{Deserialize, Serialize};

/// Kinds of objects. Those that share a name space share a [`Kind::space`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    Database,
    Schema,
    Table,
    View,
    Stream,
    Stage,
    FileFormat,
    Sequence,
    Pipe,
    Task,
    Procedure,
    Role,
    User,
    Warehouse,
    Integration,
}

impl Kind {
    /// As Snowflake's messages call it.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Database => "Database",
            Self::Schema => "Schema",
            Self::Table => "Table",
            Self::View => "View",
            Self::Stream => "Stream",
            Self::Stage => "Stage",
            Self::FileFormat => "File format",
            Self::Sequence => "Sequence",
            Self::Pipe => "Pipe",
            Self::Task => "Task",
            Self::Procedure => "Procedure",
            Self::Role => "Role",
            Self::User => "User",
            Self::Warehouse => "Warehouse",
            Self::Integration => "Integration",
        }
    }

    /// The kind that the words of a statement name.
    pub fn of_words(words: &str) -> Option<Self> {
        Some(match words {
            "DATABASE" => Self::Database,
            "SCHEMA" => Self::Schema,
            "TABLE" => Self::Table,
            "VIEW" => Self::View,
            "STREAM" => Self::Stream,
            "STAGE" => Self::Stage,
            "FILE FORMAT" => Self::FileFormat,
            "SEQUENCE" => Self::Sequence,
            "PIPE" => Self::Pipe,
            "TASK" => Self::Task,
            "PROCEDURE" => Self::Procedure,
            "ROLE" => Self::Role,
            "USER" => Self::User,
            "WAREHOUSE" => Self::Warehouse,
            "INTEGRATION" | "STORAGE INTEGRATION" => Self::Integration,
            _ => return None,
        })
    }

    /// How many parts its full name has.
    pub fn name_parts(self) -> usize {
        match self {
            Self::Database | Self::Role | Self::User | Self::Warehouse | Self::Integration => 1,
            Self::Schema => 2,
            _ => 3,
        }
    }

    pub(super) fn space(self) -> Self {
        if self == Self::View {
            Self::Table
        } else {
            self
        }
    }
}
