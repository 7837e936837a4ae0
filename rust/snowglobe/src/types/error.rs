//! Errors as Snowflake gives them: a six-digit code, a SQLSTATE and its message. Nothing of DuckDB's wording leaves through here.

use std::fmt;

/// What went wrong, in Snowflake's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnowflakeError {
    /// Snowflake's code, such as `002003`.
    pub code: &'static str,
    /// The SQLSTATE, such as `42S02`.
    pub sqlstate: &'static str,
    /// What a user reads.
    pub message: String,
}

/// The result of anything that a statement does.
pub type Result<T> = std::result::Result<T, SnowflakeError>;

impl SnowflakeError {
    /// An error with its code and SQLSTATE.
    pub fn new(code: &'static str, sqlstate: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            sqlstate,
            message: message.into(),
        }
    }

    /// The text cannot be parsed. `line` is 1-based, `position` 0-based, as in Snowflake's messages.
    pub fn syntax(line: u64, position: u64, unexpected: &str) -> Self {
        Self::new(
            "001003",
            "42000",
            format!(
                "SQL compilation error:\nsyntax error line {line} at position {position} unexpected '{unexpected}'."
            ),
        )
    }

    /// Compiling failed for a reason that has no code of its own here.
    pub fn compilation(reason: impl fmt::Display) -> Self {
        Self::new(
            "002000",
            "42601",
            format!("SQL compilation error:\n{reason}"),
        )
    }

    /// An object is missing, or the role may not see it: Snowflake does not say which.
    pub fn missing(kind: &str, name: impl fmt::Display) -> Self {
        let (code, sqlstate) = match kind {
            "Database" | "Schema" | "Warehouse" | "Role" | "User" => ("002043", "02000"),
            _ => ("002003", "42S02"),
        };
        Self::new(
            code,
            sqlstate,
            format!("SQL compilation error:\n{kind} '{name}' does not exist or not authorized."),
        )
    }

    /// The name is taken.
    pub fn exists(name: impl fmt::Display) -> Self {
        Self::new(
            "002002",
            "42710",
            format!("SQL compilation error:\nObject '{name}' already exists."),
        )
    }

    /// A column or variable that nothing in scope has.
    pub fn invalid_identifier(name: impl fmt::Display) -> Self {
        Self::new(
            "000904",
            "42000",
            format!(
                "SQL compilation error: error line 1 at position 0\ninvalid identifier '{name}'"
            ),
        )
    }

    /// The role sees the object and may not do this to it.
    pub fn privileges(kind: &str, name: impl fmt::Display) -> Self {
        Self::new(
            "003001",
            "42501",
            format!(
                "SQL access control error:\nInsufficient privileges to operate on {} '{name}'",
                kind.to_lowercase()
            ),
        )
    }

    /// Snowflake has it, Snowglobe does not: said by name, never passed over.
    pub fn unsupported(feature: impl fmt::Display) -> Self {
        Self::new(
            "000002",
            "0A000",
            format!("Unsupported feature '{feature}'."),
        )
    }

    /// A bug of Snowglobe's own.
    pub fn internal(reason: impl fmt::Display) -> Self {
        Self::new(
            "300002",
            "XX000",
            format!("SQL execution internal error:\n{reason}"),
        )
    }

    /// The statement was cancelled.
    pub fn cancelled() -> Self {
        Self::new("000604", "57014", "SQL execution canceled")
    }
}

impl fmt::Display for SnowflakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.code, self.sqlstate, self.message)
    }
}

impl std::error::Error for SnowflakeError {}
