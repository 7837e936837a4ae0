//! Responses of the SQL API: a result, a handle to poll, or a failure.

use serde::Deserialize;
use serde_json::Value;

use super::transport::Reply;
use crate::error::{Error, ErrorKind, Result};

/// A statement's result, every value as text.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Rows {
    /// The columns' names.
    pub columns: Vec<String>,
    /// The values of each row; `None` is null.
    pub rows: Vec<Vec<Option<String>>>,
}

impl Rows {
    /// The position of a column, ignoring case.
    #[must_use]
    pub fn position(&self, column: &str) -> Option<usize> {
        self.columns
            .iter()
            .position(|name| name.eq_ignore_ascii_case(column))
    }

    /// A value by its row and its column's name.
    #[must_use]
    pub fn get(&self, row: usize, column: &str) -> Option<&str> {
        self.rows.get(row)?.get(self.position(column)?)?.as_deref()
    }

    /// The first value of the first row.
    #[must_use]
    pub fn first(&self) -> Option<&str> {
        self.rows.first()?.first()?.as_deref()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    sql_state: String,
    statement_handle: Option<String>,
    result_set_meta_data: Option<Meta>,
    #[serde(default)]
    data: Vec<Vec<Option<String>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    #[serde(default)]
    row_type: Vec<ColumnMeta>,
    #[serde(default)]
    partition_info: Vec<Value>,
}

#[derive(Deserialize)]
struct ColumnMeta {
    name: String,
}

/// A parsed response.
pub(super) enum Answer {
    /// The first partition, and the number of partitions.
    Done {
        handle: String,
        rows: Rows,
        partitions: usize,
    },
    /// Still running.
    Running { handle: String },
}

pub(super) fn sort(reply: Reply) -> Result<Answer> {
    let status = reply.status;
    let body: Body = serde_json::from_value(reply.body).map_err(|error| {
        Error::transient(format!(
            "unexpected response of the SQL API, status {status}: {error}"
        ))
    })?;
    match status.as_u16() {
        200 => {
            let meta = body.result_set_meta_data.unwrap_or(Meta {
                row_type: Vec::new(),
                partition_info: Vec::new(),
            });
            let columns = meta
                .row_type
                .into_iter()
                .map(|column| column.name)
                .collect();
            let handle = body.statement_handle.unwrap_or_default();
            Ok(Answer::Done {
                handle,
                rows: Rows {
                    columns,
                    rows: body.data,
                },
                partitions: meta.partition_info.len(),
            })
        }
        202 => match body.statement_handle {
            Some(handle) => Ok(Answer::Running { handle }),
            None => Err(Error::transient(
                "the SQL API returned status 202 without a statement handle",
            )),
        },
        _ => Err(failure(status.as_u16(), &body)),
    }
}

fn failure(status: u16, body: &Body) -> Error {
    let code = if body.code.is_empty() {
        status.to_string()
    } else {
        body.code.clone()
    };
    let state = if body.sql_state.is_empty() {
        String::new()
    } else {
        format!(", SQLSTATE {}", body.sql_state)
    };
    // Snowflake's messages span several lines; Firn's are one line.
    let message: Vec<&str> = body.message.split_whitespace().collect();
    Error::new(
        kind(status, &body.code, &body.sql_state),
        format!(
            "snowflake: {} ({code}{state}){}",
            message.join(" "),
            fix(&body.code, &body.sql_state)
        ),
    )
}

/// The fix for common failures.
fn fix(code: &str, state: &str) -> &'static str {
    match (code, state) {
        ("002003" | "003001" | "002043" | "002141", _) | (_, "42S02" | "42501") => {
            ": run `firn bootstrap`, or use another role; `firn doctor` shows what is missing"
        }
        ("000606", _) => ": set `warehouse` in the connection, or SNOWFLAKE_WAREHOUSE",
        ("000904", _) => ": a table lacks a column of the contract; run `firn doctor` to see which",
        _ => "",
    }
}

/// Determined by Snowflake's codes, never by the text of a message.
fn kind(status: u16, code: &str, state: &str) -> ErrorKind {
    match (status, code, state) {
        // A timeout; a lock timeout; a deadlock; an exception of our own procedures, which rolled everything back; a server that
        // failed or was stopped while the statement ran.
        (408, ..)
        | (_, "000625" | "000628" | "625" | "628" | "000603" | "603" | "000604", _)
        | (_, _, "57014" | "40001" | "P0001" | "XX000") => ErrorKind::Transient,
        // Missing objects, privileges or warehouse.
        (403 | 404, ..)
        | (_, "002003" | "003001" | "000606" | "002043" | "002141" | "390201", _)
        | (_, _, "42S02" | "42501" | "02000") => ErrorKind::Config,
        _ => ErrorKind::Rejected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::StatusCode;
    use serde_json::json;

    fn failed(status: u16, code: &str, state: &str) -> Error {
        let body =
            json!({"code": code, "sqlState": state, "message": "no", "statementHandle": "h"});
        sort(Reply {
            status: StatusCode::from_u16(status).unwrap(),
            body,
        })
        .err()
        .unwrap()
    }

    #[test]
    fn a_failure_has_its_codes_a_fix_and_a_kind() {
        let missing = failed(422, "002003", "42S02");
        assert!(
            missing
                .to_string()
                .starts_with("snowflake: no (002003, SQLSTATE 42S02): run `firn bootstrap`")
        );
        assert_eq!(missing.kind(), ErrorKind::Config);
        assert!(failed(408, "000604", "57014").is_transient());
        assert!(failed(422, "100183", "P0001").is_transient());
        assert!(failed(422, "000603", "XX000").is_transient());
        assert_eq!(failed(422, "001003", "42000").kind(), ErrorKind::Rejected);
    }
}
