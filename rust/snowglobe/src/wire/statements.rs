//! The three calls of SQL API v2: submit, poll, cancel.

use super::error::ApiError;
use super::registry::Claim;
use super::request::{Parameters, Submission};
use super::rowset::Encoding;
use super::run;
use super::statement::Ending;
use super::value::Dialect;
use super::{App, answer, body};
use crate::engine::SnowflakeError;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use serde::Deserialize;
use std::time::Duration;

/// How long a cancel waits for the statement to be gone.
const CANCEL_WAIT: Duration = Duration::from_secs(5);

/// `POST /api/v2/statements`
pub async fn submit(
    State(app): State<App>,
    headers: HeaderMap,
    parameters: Result<Query<Parameters>, axum::extract::rejection::QueryRejection>,
    request: Body,
) -> Result<Response, ApiError> {
    let user = app.user(&headers)?;
    check_headers(&headers)?;
    let Query(parameters) = parameters.map_err(|error| ApiError::new(400, error.body_text()))?;
    let submission: Submission = body::read_json(&headers, request, app.limits.body_bytes).await?;
    let job = submission.into_job(user.clone())?;

    let claim = app
        .statements
        .claim(&user, parameters.request_id.as_deref(), parameters.retry);
    let claim = claim.map_err(|error| {
        log::error!("the ledger of requests: {error}");
        ApiError::new(
            503,
            "cannot record the request on disk, so it was not run: try again",
        )
    })?;
    let statement = match claim {
        Claim::Known(statement) => statement,
        Claim::New(statement) => {
            let encoding = Encoding {
                dialect: Dialect::SqlApi,
                nullable: parameters.nullable.unwrap_or(true),
                partition_bytes: app.limits.partition_bytes,
                arrow: None,
            };
            run::spawn(
                run::Within::Fresh(app.engine),
                app.statements,
                statement.clone(),
                job,
                encoding,
            );
            statement
        }
    };
    let outcome = if parameters.r#async || app.limits.wait.is_zero() {
        None
    } else {
        tokio::time::timeout(app.limits.wait, statement.ended())
            .await
            .ok()
    };
    Ok(answer::respond(&statement, outcome.as_deref(), 0))
}

/// What Snowflake insists on beside the token.
fn check_headers(headers: &HeaderMap) -> Result<(), ApiError> {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok());
    if !accept.is_some_and(|accept| accept.contains("application/json") || accept.contains("*/*")) {
        let message = format!(
            "Unsupported Accept header {} is specified.",
            accept.unwrap_or("null")
        );
        return Err(ApiError::coded(400, "391902", message));
    }
    if !headers.contains_key(header::USER_AGENT) {
        return Err(ApiError::new(
            400,
            "the header User-Agent is missing: send application/version",
        ));
    }
    Ok(())
}

/// The query string of a poll.
#[derive(Deserialize)]
pub struct Poll {
    #[serde(default)]
    partition: usize,
}

/// `GET /api/v2/statements/{handle}`
pub async fn poll(
    State(app): State<App>,
    headers: HeaderMap,
    Path(handle): Path<String>,
    query: Result<Query<Poll>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, ApiError> {
    let user = app.user(&headers)?;
    check_headers(&headers)?;
    let Query(poll) = query.map_err(|error| ApiError::new(400, error.body_text()))?;
    let statement = app
        .statements
        .find(&user, &handle)
        .ok_or_else(|| answer::not_found(&handle))?;
    Ok(answer::respond(
        &statement,
        statement.outcome().as_deref(),
        poll.partition,
    ))
}

/// `POST /api/v2/statements/{handle}/cancel`
pub async fn cancel(
    State(app): State<App>,
    headers: HeaderMap,
    Path(handle): Path<String>,
) -> Result<Response, ApiError> {
    let user = app.user(&headers)?;
    let statement = app
        .statements
        .find(&user, &handle)
        .ok_or_else(|| answer::not_found(&handle))?;
    if statement.outcome().is_some() {
        let message = "Identified SQL statement is not currently executing.";
        let error = SnowflakeError::new("000605", "02000", message);
        return Err(ApiError::statement(&error).with("statementHandle", handle));
    }
    let ending = statement.clone();
    let ended = tokio::spawn(async move { ending.end(Ending::Cancelled).await });
    drop(tokio::time::timeout(CANCEL_WAIT, ended).await);
    Ok(answer::cancelled(&statement))
}
