//! What is answered when a request cannot be served.

use super::json_type;
use crate::auth::Unauthorized;
use crate::engine::SnowflakeError;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// An error with its status and the JSON that Snowflake sends.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    body: Value,
}

impl ApiError {
    /// An error of HTTP rather than of SQL.
    pub fn new(status: u16, message: impl AsRef<str>) -> Self {
        Self::coded(status, &format!("390{status}"), message)
    }

    /// An error with a code of its own.
    pub fn coded(status: u16, code: &str, message: impl AsRef<str>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self {
            status,
            body: json!({"code": code, "message": message.as_ref()}),
        }
    }

    /// A statement that cannot be run: 422 with Snowflake's code, SQLSTATE and message.
    pub fn statement(error: &SnowflakeError) -> Self {
        let body =
            json!({"code": error.code, "sqlState": error.sqlstate, "message": error.message});
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            body,
        }
    }

    /// Its code.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// Its message.
    pub fn message(&self) -> &str {
        self.body["message"].as_str().unwrap_or_default()
    }

    /// Adds a field.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.body[name] = value.into();
        self
    }
}

impl From<Unauthorized> for ApiError {
    fn from(refusal: Unauthorized) -> Self {
        Self::coded(401, refusal.code, refusal.message)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.body.to_string()).into_response();
        json_type(response.headers_mut());
        response
    }
}
