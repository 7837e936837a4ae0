//! Answers of the SQL API: a status, and `ResultSet`, `QueryStatus` or `QueryFailureStatus`.

use super::error::ApiError;
use super::json_type;
use super::rowset::{Encoding, Format, Rowset};
use super::statement::{Outcome, Statement};
use super::value::Dialect;
use crate::engine::SnowflakeError;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// What everyone is told about a statement.
fn base(statement: &Statement, code: &str, sqlstate: &str, message: &str) -> Value {
    json!({
        "code": code,
        "sqlState": sqlstate,
        "message": message,
        "statementHandle": statement.handle,
        "statementStatusUrl": status_url(statement),
        "requestId": statement.request_id,
        "createdOn": statement.created_ms,
    })
}

fn status_url(statement: &Statement) -> String {
    let request_id: String = statement
        .request_id
        .bytes()
        .fold(String::new(), |mut url, byte| {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                    url.push(char::from(byte))
                }
                _ => url.push_str(&format!("%{byte:02X}")),
            }
            url
        });
    format!(
        "/api/v2/statements/{}?requestId={request_id}",
        statement.handle
    )
}

/// Status and JSON of a statement that has ended, with its first partition.
pub fn document(statement: &Statement, outcome: &Outcome) -> (u16, String) {
    match outcome {
        Outcome::Rows(rowset) if rowset.format == Format::Arrow => {
            let message = "the result is in Arrow, for the driver that asked for it";
            (422, base(statement, "000002", "0A000", message).to_string())
        }
        Outcome::Rows(rowset) => (200, result_set(statement, rowset, &[])),
        Outcome::Multiple(handles) => {
            let message = "Multiple statements executed successfully.";
            let whole = Encoding {
                dialect: Dialect::SqlApi,
                nullable: true,
                partition_bytes: usize::MAX,
                arrow: None,
            };
            let result = crate::engine::QueryResult {
                columns: vec![crate::engine::ColumnMeta::new(
                    "multiple statement execution",
                    crate::engine::SnowflakeType::TEXT,
                )],
                rows: vec![vec![crate::engine::Value::Text(message.into())]],
                ..Default::default()
            };
            (
                200,
                result_set(statement, &Rowset::encode(&result, whole), handles),
            )
        }
        Outcome::Failed(error) => (
            422,
            base(statement, error.code, error.sqlstate, &error.message).to_string(),
        ),
        Outcome::TimedOut(after) => {
            let seconds = after.as_secs();
            let message = format!(
                "Statement reached its statement or warehouse timeout of {seconds} second(s) and was canceled."
            );
            (
                408,
                base(statement, "000630", "57014", &message).to_string(),
            )
        }
        Outcome::Recalled(status, body) => (*status, body.clone()),
    }
}

fn result_set(statement: &Statement, rowset: &Rowset, handles: &[String]) -> String {
    let mut document = base(
        statement,
        "090001",
        "00000",
        "Statement executed successfully.",
    );
    document["resultSetMetaData"] = json!({
        "numRows": rowset.rows,
        "format": "jsonv2",
        "partitionInfo": rowset.partition_info(),
        "rowType": rowset.row_type,
    });
    if let Some(stats) = &rowset.stats {
        document["stats"] = stats.clone();
    }
    if !handles.is_empty() {
        document["statementHandles"] = handles.into();
    }
    // The rows are JSON already.
    let mut text = document.to_string();
    text.pop();
    text.push_str(",\"data\":");
    text.push_str(rowset.partitions.first().map_or("[]", |first| {
        std::str::from_utf8(&first.data).unwrap_or("[]")
    }));
    text.push('}');
    text
}

/// The answer about a statement, with one partition of its rows.
pub fn respond(statement: &Statement, outcome: Option<&Outcome>, partition: usize) -> Response {
    let Some(outcome) = outcome else {
        return running(statement);
    };
    if partition > 0 {
        return later_partition(statement, outcome, partition);
    }
    let (status, text) = document(statement, outcome);
    let mut response = (StatusCode::from_u16(status).unwrap_or_default(), text).into_response();
    json_type(response.headers_mut());
    if let Outcome::Rows(rowset) = outcome {
        link(
            response.headers_mut(),
            statement,
            0,
            rowset.partitions.len(),
        );
    }
    response
}

fn running(statement: &Statement) -> Response {
    let message = "Asynchronous execution in progress. Use provided query id to perform query monitoring and management.";
    let body = base(statement, "333334", "00000", message);
    let mut response = (StatusCode::ACCEPTED, body.to_string()).into_response();
    json_type(response.headers_mut());
    response
}

fn later_partition(statement: &Statement, outcome: &Outcome, partition: usize) -> Response {
    let Outcome::Rows(rowset) = outcome else {
        return ApiError::new(400, "the statement has no rows, so it has no partitions")
            .into_response();
    };
    let found = rowset.partitions.get(partition);
    let Some(found) = found.filter(|_| rowset.format == Format::Json) else {
        let message = format!(
            "there is no partition {partition}: there are {}, from 0",
            rowset.partitions.len()
        );
        return ApiError::new(400, message).into_response();
    };
    // A later partition holds its rows only, under the same name as in a ResultSet.
    let mut response = Response::new(Body::from(found.data.clone()));
    let headers = response.headers_mut();
    json_type(headers);
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    link(headers, statement, partition, rowset.partitions.len());
    response
}

/// `Link`, as documented: where the first, last, next and previous partitions are.
fn link(headers: &mut HeaderMap, statement: &Statement, at: usize, count: usize) {
    let url = status_url(statement);
    let mut links = vec![("first", 0), ("last", count - 1)];
    links.extend((at + 1 < count).then_some(("next", at + 1)));
    links.extend(at.checked_sub(1).map(|previous| ("prev", previous)));
    let links: Vec<_> = links
        .into_iter()
        .map(|(rel, number)| format!("<{url}&partition={number}>; rel=\"{rel}\""))
        .collect();
    if let Ok(value) = HeaderValue::from_str(&links.join(",")) {
        headers.insert(header::LINK, value);
    }
}

/// The answer to a poll for what is not there, or is another user's.
pub fn not_found(handle: &str) -> ApiError {
    ApiError::statement(&SnowflakeError::new(
        "000709",
        "02000",
        format!("Statement {handle} not found"),
    ))
    .with("statementHandle", handle)
}

/// The answer to a cancel.
pub fn cancelled(statement: &Statement) -> Response {
    let body = base(statement, "000604", "57014", "SQL execution canceled");
    let mut response = body.to_string().into_response();
    json_type(response.headers_mut());
    response
}
