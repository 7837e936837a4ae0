//! Snowpipe REST: insertFiles, insertReport, loadHistoryScan.

use super::error::ApiError;
use super::{App, body};
use crate::engine::{Login, PipeFileReport, Result as EngineResult, Session, SnowflakeError};
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

const MOST_FILES: usize = 5000;

/// The query string of all three calls.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Parameters {
    request_id: Option<String>,
    begin_mark: Option<String>,
    start_time_inclusive: Option<String>,
    end_time_exclusive: Option<String>,
}

#[derive(Deserialize)]
struct Files {
    files: Vec<FileEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileEntry {
    path: String,
    #[serde(rename = "size")]
    _size: Option<u64>,
}

type Outcome = Result<Json<Value>, ApiError>;

/// `POST /v1/data/pipes/{pipe}/insertFiles`
pub async fn insert_files(
    State(app): State<App>,
    headers: HeaderMap,
    Path(pipe): Path<String>,
    Query(parameters): Query<Parameters>,
    request: Body,
) -> Outcome {
    let user = app.user(&headers)?;
    let files = files(&app, &headers, request).await?;
    if files.len() > MOST_FILES {
        return Err(ApiError::new(
            413,
            format!(
                "{} files in one call: at most {MOST_FILES} are allowed",
                files.len()
            ),
        ));
    }
    in_session(&app, user, move |app, session| {
        app.engine.insert_files(session, &pipe, &files)
    })
    .await?;
    let request_id = parameters
        .request_id
        .unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
    Ok(Json(
        json!({"requestId": request_id, "status": "success", "responseCode": "SUCCESS"}),
    ))
}

/// Paths, from JSON or from a line each.
async fn files(app: &App, headers: &HeaderMap, request: Body) -> Result<Vec<String>, ApiError> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if kind.starts_with("text/plain") {
        let bytes = body::read(headers, request, app.limits.body_bytes).await?;
        let text =
            std::str::from_utf8(&bytes).map_err(|_| ApiError::new(400, "the body is not UTF-8"))?;
        return Ok(text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect());
    }
    let listed: Files = body::read_json(headers, request, app.limits.body_bytes).await?;
    Ok(listed.files.into_iter().map(|file| file.path).collect())
}

/// `GET /v1/data/pipes/{pipe}/insertReport`
pub async fn insert_report(
    State(app): State<App>,
    headers: HeaderMap,
    Path(pipe): Path<String>,
    Query(parameters): Query<Parameters>,
) -> Outcome {
    let user = app.user(&headers)?;
    let name = pipe.clone();
    let reports = in_session(&app, user, move |app, session| {
        app.engine.insert_report(session, &name)
    })
    .await?;
    // A mark is the time of the newest event that its report showed; a file that still loads is shown until it is done.
    let begin = parameters
        .begin_mark
        .as_deref()
        .map(|mark| mark.trim_start_matches("1_").parse::<i64>())
        .transpose();
    let begin = begin
        .map_err(|_| ApiError::new(400, "unknown beginMark"))?
        .unwrap_or(i64::MIN);
    let shown: Vec<_> = reports
        .iter()
        .filter(|report| !report.complete || report.last_insert_micros > begin)
        .collect();
    let newest = shown
        .iter()
        .filter(|report| report.complete)
        .map(|report| report.last_insert_micros)
        .max();
    Ok(Json(json!({
        "pipe": pipe,
        "completeResult": true,
        "nextBeginMark": format!("1_{}", newest.unwrap_or(begin.max(0))),
        "files": shown.into_iter().map(file).collect::<Vec<_>>(),
        "statistics": {"activeFilesCount": reports.iter().filter(|report| !report.complete).count()},
    })))
}

/// `GET /v1/data/pipes/{pipe}/loadHistoryScan`
pub async fn load_history_scan(
    State(app): State<App>,
    headers: HeaderMap,
    Path(pipe): Path<String>,
    Query(parameters): Query<Parameters>,
) -> Outcome {
    let user = app.user(&headers)?;
    let Some(start) = parameters.start_time_inclusive else {
        return Err(ApiError::new(400, "startTimeInclusive is missing"));
    };
    let from = micros(&start)?;
    let to = match &parameters.end_time_exclusive {
        Some(end) => micros(end)?,
        None => app.engine.clock().now_micros(),
    };
    let name = pipe.clone();
    let reports = in_session(&app, user, move |app, session| {
        app.engine.load_history_scan(session, &name, from, to)
    })
    .await?;
    let times = || reports.iter().map(|report| report.last_insert_micros);
    Ok(Json(json!({
        "pipe": pipe,
        "completeResult": true,
        "startTimeInclusive": iso(from),
        "endTimeExclusive": iso(to),
        "rangeStartTime": times().min().map(iso),
        "rangeEndTime": times().max().map(iso),
        "files": reports.iter().map(file).collect::<Vec<_>>(),
    })))
}

/// Calls the engine as `user`, on a thread that may block.
async fn in_session<T: Send + 'static>(
    app: &App,
    user: String,
    call: impl FnOnce(&App, &Session) -> EngineResult<T> + Send + 'static,
) -> Result<T, ApiError> {
    let app = app.clone();
    let done = tokio::task::spawn_blocking(move || {
        let session = app.engine.session(Login {
            user,
            ..Login::default()
        })?;
        call(&app, &session)
    });
    match done.await {
        Ok(result) => result.map_err(|error| refusal(&error)),
        Err(panic) => {
            log::error!("the engine panicked: {panic}");
            Err(ApiError::new(500, "internal error of Snowglobe"))
        }
    }
}

fn refusal(error: &SnowflakeError) -> ApiError {
    let status = match error.sqlstate {
        "02000" | "42S02" => 404,
        "42501" => 403,
        _ => 400,
    };
    ApiError::new(status, &error.message)
        .with("data", Value::Null)
        .with("success", false)
}

fn file(report: &PipeFileReport) -> Value {
    json!({
        "path": report.path,
        "stageLocation": report.stage_location,
        "fileSize": report.file_size,
        "timeReceived": iso(report.time_received_micros),
        "lastInsertTime": iso(report.last_insert_micros),
        "rowsInserted": report.rows_inserted,
        "rowsParsed": report.rows_parsed,
        "errorsSeen": report.errors_seen,
        "errorLimit": report.error_limit,
        "firstError": report.first_error,
        "firstErrorLineNum": report.first_error_line,
        "firstErrorCharacterPos": report.first_error_character,
        "firstErrorColumnName": report.first_error_column,
        "systemError": null,
        "complete": report.complete,
        "status": report.status,
    })
}

fn micros(text: &str) -> Result<i64, ApiError> {
    let time: Result<Timestamp, _> = text.parse();
    time.map(Timestamp::as_microsecond).map_err(|_| {
        ApiError::new(
            400,
            format!("invalid time {text}: expected ISO 8601 with a time zone"),
        )
    })
}

fn iso(micros: i64) -> String {
    Timestamp::from_microsecond(micros)
        .map(|time| format!("{time:.3}"))
        .unwrap_or_default()
}
