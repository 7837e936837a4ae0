//! Session parameters that Snowglobe knows; setting another is an error, for it would be accepted and ignored.

use std::collections::BTreeMap;

use super::error::{Result, SnowflakeError};

/// Name, default, and the values allowed; none means that anything of the default's kind goes.
const KNOWN: &[(&str, &str, &[&str])] = &[
    ("ABORT_DETACHED_QUERY", "FALSE", &["FALSE"]),
    ("AUTOCOMMIT", "TRUE", &["TRUE", "FALSE"]),
    ("BINARY_INPUT_FORMAT", "HEX", &["HEX"]),
    ("BINARY_OUTPUT_FORMAT", "HEX", &["HEX"]),
    ("CLIENT_MEMORY_LIMIT", "1536", &[]),
    (
        "CLIENT_METADATA_REQUEST_USE_CONNECTION_CTX",
        "FALSE",
        &["TRUE", "FALSE"],
    ),
    ("CLIENT_PREFETCH_THREADS", "4", &[]),
    (
        "CLIENT_RESULT_COLUMN_CASE_INSENSITIVE",
        "FALSE",
        &["TRUE", "FALSE"],
    ),
    ("CLIENT_RESULT_CHUNK_SIZE", "160", &[]),
    ("CLIENT_SESSION_KEEP_ALIVE", "FALSE", &["TRUE", "FALSE"]),
    ("CLIENT_SESSION_KEEP_ALIVE_HEARTBEAT_FREQUENCY", "3600", &[]),
    (
        "CLIENT_TIMESTAMP_TYPE_MAPPING",
        "TIMESTAMP_LTZ",
        &["TIMESTAMP_LTZ", "TIMESTAMP_NTZ"],
    ),
    ("DATE_INPUT_FORMAT", "AUTO", &["AUTO"]),
    ("DATE_OUTPUT_FORMAT", "YYYY-MM-DD", &["YYYY-MM-DD"]),
    (
        "ERROR_ON_NONDETERMINISTIC_MERGE",
        "TRUE",
        &["TRUE", "FALSE"],
    ),
    (
        "ERROR_ON_NONDETERMINISTIC_UPDATE",
        "FALSE",
        &["TRUE", "FALSE"],
    ),
    ("JDBC_QUERY_RESULT_FORMAT", "ARROW", &["ARROW", "JSON"]),
    ("JSON_INDENT", "2", &["2"]),
    ("LOCK_TIMEOUT", "43200", &[]),
    ("MULTI_STATEMENT_COUNT", "1", &[]),
    (
        "PYTHON_CONNECTOR_QUERY_RESULT_FORMAT",
        "ARROW",
        &["ARROW", "JSON"],
    ),
    ("QUERY_TAG", "", &[]),
    ("QUOTED_IDENTIFIERS_IGNORE_CASE", "FALSE", &["FALSE"]),
    ("STATEMENT_QUEUED_TIMEOUT_IN_SECONDS", "0", &[]),
    ("STATEMENT_TIMEOUT_IN_SECONDS", "172800", &[]),
    ("STRICT_JSON_OUTPUT", "FALSE", &["FALSE"]),
    ("TIME_INPUT_FORMAT", "AUTO", &["AUTO"]),
    ("TIME_OUTPUT_FORMAT", "HH24:MI:SS", &["HH24:MI:SS"]),
    ("TIMESTAMP_INPUT_FORMAT", "AUTO", &["AUTO"]),
    (
        "TIMESTAMP_TYPE_MAPPING",
        "TIMESTAMP_NTZ",
        &["TIMESTAMP_NTZ"],
    ),
    ("TIMEZONE", "America/Los_Angeles", &[]),
    (
        "TRANSACTION_DEFAULT_ISOLATION_LEVEL",
        "READ COMMITTED",
        &["READ COMMITTED"],
    ),
    ("TWO_DIGIT_CENTURY_START", "1970", &["1970"]),
    // Results never come from a cache, with or without it.
    ("USE_CACHED_RESULT", "TRUE", &["TRUE", "FALSE"]),
    ("WEEK_OF_YEAR_POLICY", "0", &["0"]),
    ("WEEK_START", "0", &["0"]),
];

/// The parameters that a session has set.
#[derive(Clone, Debug, Default)]
pub struct Parameters(BTreeMap<&'static str, String>);

impl Parameters {
    /// A parameter's value, if it is known.
    pub fn get(&self, name: &str) -> Option<String> {
        let (known, default, _) = KNOWN
            .iter()
            .find(|(known, _, _)| known.eq_ignore_ascii_case(name))?;
        Some(
            self.0
                .get(known)
                .cloned()
                .unwrap_or_else(|| (*default).to_owned()),
        )
    }

    /// A known parameter's value.
    pub fn text(&self, name: &str) -> String {
        self.get(name).unwrap_or_default()
    }

    /// A known parameter's value as a number.
    pub fn number(&self, name: &str) -> u64 {
        self.text(name).parse().unwrap_or(0)
    }

    /// A known parameter's value as a truth.
    pub fn is_true(&self, name: &str) -> bool {
        self.text(name).eq_ignore_ascii_case("TRUE")
    }

    /// Sets a parameter.
    ///
    /// # Errors
    /// For a parameter that is not known, or a value that is not supported.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let known = KNOWN
            .iter()
            .find(|(known, _, _)| known.eq_ignore_ascii_case(name));
        let Some((known, default, allowed)) = known else {
            return Err(SnowflakeError::new(
                "001006",
                "22023",
                format!(
                    "SQL compilation error:\ninvalid property '{}' for 'SESSION', or Snowglobe does not support it",
                    name.to_uppercase()
                ),
            ));
        };
        let fits = if allowed.is_empty() {
            default.parse::<u64>().is_err() || value.parse::<u64>().is_ok()
        } else {
            allowed.iter().any(|a| a.eq_ignore_ascii_case(value))
        };
        if !fits {
            return Err(SnowflakeError::new(
                "001008",
                "22023",
                format!(
                    "SQL compilation error:\ninvalid value [{value}] for parameter '{known}', or Snowglobe does not support it"
                ),
            ));
        }
        let value = if allowed.is_empty() {
            value.to_owned()
        } else {
            value.to_uppercase()
        };
        self.0.insert(known, value);
        Ok(())
    }

    /// Whether the session has set it.
    pub fn is_set(&self, name: &str) -> bool {
        self.0.keys().any(|known| known.eq_ignore_ascii_case(name))
    }

    /// Back to the default.
    pub fn unset(&mut self, name: &str) {
        self.0.retain(|known, _| !known.eq_ignore_ascii_case(name));
    }

    /// Every parameter with its value and default.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, String, &'static str)> {
        KNOWN
            .iter()
            .map(|(name, default, _)| (*name, self.text(name), *default))
    }
}
