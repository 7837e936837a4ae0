//! The protocol of the official drivers (Python, JDBC, Go, ...): log in, query, poll, abort, renew, log out.
//!
//! Rows go as Arrow, in chunks, to the drivers that ask for it; else as JSON in one piece. File transfer is not offered.

mod login;
mod query;
pub mod sessions;

use super::{App, json_type};
use crate::auth::Unauthorized;
use crate::engine::SnowflakeError;
use axum::Router;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use sessions::KeptSession;
use std::sync::Arc;

/// The paths of the protocol.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/session/v1/login-request", post(login::login))
        .route("/session/token-request", post(login::renew))
        .route("/session/heartbeat", post(login::heartbeat))
        .route("/session", post(login::logout))
        .route("/queries/v1/query-request", post(query::submit))
        .route("/queries/v1/abort-request", post(query::abort))
        .route("/queries/{id}/result", get(query::result))
        .route("/queries/{id}/abort-request", post(query::abort_by_id))
        .route("/results/{key}/{id}/{number}", get(query::chunk))
        .route("/monitoring/queries/{id}", get(query::status))
        // The Python connector 5.2 doubles the slash.
        .route("/monitoring/queries//{id}", get(query::status))
        .route("/telemetry/send", post(async || success(Value::Null)))
}

/// A failure as the drivers read it: nearly always with status 200.
#[derive(Debug)]
struct Failure {
    code: String,
    message: String,
    data: Value,
}

type Outcome = Result<Response, Failure>;

fn success(data: Value) -> Response {
    let body = json!({"data": data, "code": null, "message": null, "success": true});
    let mut response = body.to_string().into_response();
    json_type(response.headers_mut());
    response
}

impl Failure {
    fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            data: Value::Null,
        }
    }

    /// No session has this token: log in again.
    fn no_session() -> Self {
        Self::new(
            "390111",
            "Session no longer exists.  New login required to access the service.",
        )
    }
}

impl From<Unauthorized> for Failure {
    fn from(refusal: Unauthorized) -> Self {
        Self::new(refusal.code, refusal.message)
    }
}

impl From<SnowflakeError> for Failure {
    fn from(error: SnowflakeError) -> Self {
        let data = json!({"errorCode": error.code, "sqlState": error.sqlstate, "internalError": false, "line": -1, "pos": -1});
        Self {
            code: error.code.into(),
            message: error.message,
            data,
        }
    }
}

impl From<super::error::ApiError> for Failure {
    fn from(error: super::error::ApiError) -> Self {
        Self::new(error.code(), error.message())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let body = json!({"data": self.data, "code": self.code, "message": self.message, "success": false, "headers": null});
        let mut response = body.to_string().into_response();
        json_type(response.headers_mut());
        response
    }
}

/// The token of `Authorization: Snowflake Token="…"`.
fn token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    value.strip_prefix("Snowflake Token=\"")?.strip_suffix('"')
}

/// The session whose token the headers carry.
fn session(app: &App, headers: &HeaderMap) -> Result<Arc<KeptSession>, Failure> {
    token(headers)
        .and_then(|token| app.sessions.find(token))
        .ok_or_else(Failure::no_session)
}
