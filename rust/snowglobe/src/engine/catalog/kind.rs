//! The kinds of objects, and how many names each has.

use serde::{Deserialize, Serialize};

use crate::sql::cursor::Cursor;
use crate::sql::lexeme::Lexeme;
use crate::types::error::{Result, SnowflakeError};

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

    /// Reads the words of a kind.
    ///
    /// # Errors
    /// If the kind is unknown, or there is no DDL on it.
    pub(crate) fn parse(cursor: &mut Cursor<'_>) -> Result<Self> {
        for words in ["FILE FORMAT", "STORAGE INTEGRATION"] {
            if cursor.accept(words) {
                return Self::of_words(words).ok_or_else(|| cursor.unexpected());
            }
        }
        let Some(word) = cursor.peek().and_then(Lexeme::word) else {
            return Err(cursor.unexpected());
        };
        match Self::of_words(&word) {
            Some(kind) => {
                cursor.next();
                Ok(kind)
            }
            None => Err(match word.as_str() {
                "FUNCTION" | "DYNAMIC" | "EXTERNAL" | "MATERIALIZED" | "NETWORK" | "MASKING"
                | "TAG" | "SECRET" | "SHARE" | "ALERT" | "STREAMLIT" | "NOTIFICATION"
                | "RESOURCE" | "ICEBERG" | "HYBRID" | "EVENT" | "PASSWORD" | "SESSION"
                | "ACCOUNT" | "API" | "SECURITY" | "GIT" | "AGGREGATION" | "PROJECTION" | "ROW"
                | "FAILOVER" | "REPLICATION" | "CONNECTION" => {
                    SnowflakeError::unsupported(format!("DDL on {word}"))
                }
                _ => cursor.unexpected(),
            }),
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
