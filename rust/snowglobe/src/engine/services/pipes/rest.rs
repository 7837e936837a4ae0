//! What Snowpipe's REST interface asks for: files handed over, reports and history; and ALTER PIPE … REFRESH.

use crate::engine::catalog::{Body, Object};
use crate::engine::compile::{Context, Variables};
use crate::engine::session::Session;
use crate::engine::state::pipe_queue::{Handed, PipeFileReport};
use crate::engine::state::shared::Shared;
use crate::engine::state::waiting_files::hand_over;
use crate::engine::statements::pipes::{location, parse, pipe_of, stopped};
use crate::engine::storage;
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::Binds;
use crate::types::value::Value;

/// `insertFiles`: paths relative to the pipe's stage.
pub(crate) fn insert_files(session: &Session, pipe: &Object, files: &[String]) -> Result<()> {
    let Some((object, body)) = pipe_of(&session.shared, pipe.id) else {
        return Err(SnowflakeError::missing("Pipe", pipe.name()));
    };
    let (binds, variables) = (Binds::default(), Variables::new());
    let copy = parse(&session.context(&binds, &variables), &object, &body)?;
    hand_over(
        &session.shared,
        pipe.id,
        files
            .iter()
            .map(|file| format!("{}{}", copy.location.base, file.trim_start_matches('/'))),
    )
}

/// What became of the files of the last ten minutes.
pub(crate) fn reports(shared: &Shared, pipe: u64) -> Vec<PipeFileReport> {
    let since = shared.options.clock.now_micros() - 600_000_000;
    let state = shared.pipes.lock();
    state
        .reports
        .iter()
        .filter(|(id, report)| *id == pipe && report.last_insert_micros >= since)
        .map(|(_, r)| r.clone())
        .collect()
}

/// What became of files in `[from, to)`.
pub(crate) fn history(
    shared: &Shared,
    pipe: &Object,
    from: i64,
    to: i64,
) -> Result<Vec<PipeFileReport>> {
    let connection = shared.connect()?;
    let rows = storage::query(
        &connection,
        &format!(
            "select path, location, size, received_micros, loaded_micros, loaded, parsed, errors, error_limit, first_error, first_error_line, \
             first_error_character, first_error_column, status from sys_loads where pipe = {} and loaded_micros >= {from} and loaded_micros < {to} order by loaded_micros",
            pipe.id
        ),
    )?;
    let text = |v: &Value| match v {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    };
    let number = |v: &Value| match v {
        Value::Number(n) => u64::try_from(*n).ok(),
        _ => None,
    };
    let micros = |v: &Value| number(v).and_then(|n| i64::try_from(n).ok()).unwrap_or(0);
    Ok(rows
        .rows
        .iter()
        .map(|r| PipeFileReport {
            path: text(&r[0]).unwrap_or_default(),
            stage_location: format!("s3://{}/", text(&r[1]).unwrap_or_default()),
            file_size: number(&r[2]).unwrap_or(0),
            time_received_micros: micros(&r[3]),
            last_insert_micros: micros(&r[4]),
            rows_inserted: number(&r[5]).unwrap_or(0),
            rows_parsed: number(&r[6]).unwrap_or(0),
            errors_seen: number(&r[7]).unwrap_or(0),
            error_limit: number(&r[8]).unwrap_or(0),
            first_error: text(&r[9]),
            first_error_line: number(&r[10]),
            first_error_character: number(&r[11]),
            first_error_column: text(&r[12]),
            complete: true,
            status: match text(&r[13]).as_deref() {
                Some("LOADED") => "LOADED",
                Some("LOAD_FAILED") => "LOAD_FAILED",
                _ => "PARTIALLY_LOADED",
            },
        })
        .collect())
}

/// What `SYSTEM$PIPE_STATUS` says.
pub(crate) fn status(context: &Context<'_>, object: &Object) -> Result<serde_json::Value> {
    let Body::Pipe(pipe) = &object.body else {
        return Err(SnowflakeError::missing("Pipe", object.name()));
    };
    let shared = &context.environment.shared;
    let stopped = stopped(context, object, pipe);
    let location = location(context, object, pipe);
    let bucket = location.map(|l| l.bucket).unwrap_or_default();
    let state = shared.pipes.lock();
    let mine = |h: &&Handed| h.pipe == object.id;
    let pending = state.waiting.iter().chain(&state.loading).filter(mine);
    let execution = match &stopped {
        Some((state, _)) => state,
        None if pipe.paused => "PAUSED",
        None => "RUNNING",
    };
    let mut status = serde_json::json!({
        "executionState": execution,
        "pendingFileCount": pending.clone().count(),
    });
    if let Some(oldest) = pending.map(|h| h.received_micros).min() {
        status["oldestFileTimestamp"] = iso(oldest).into();
    }
    if let Some((path, at)) = state.last_loaded.get(&object.id) {
        status["lastIngestedTimestamp"] = iso(*at).into();
        status["lastIngestedFilePath"] = path.clone().into();
    }
    if pipe.auto_ingest {
        let now = shared.options.clock.now_micros();
        status["notificationChannelName"] =
            format!("arn:aws:sqs:local:000000000000:snowglobe-{}", object.id).into();
        status["numOutstandingMessagesOnChannel"] = 0.into();
        status["lastPulledFromChannelTimestamp"] = iso(now).into();
        if let Some(at) = state.last_received.get(&bucket) {
            status["lastReceivedMessageTimestamp"] = iso(*at).into();
        }
        if let Some((path, at)) = state.last_forwarded.get(&object.id) {
            status["lastForwardedMessageTimestamp"] = iso(*at).into();
            status["lastForwardedFilePath"] = path.clone().into();
        }
    }
    let error = stopped.map(|(_, error)| error);
    if let Some(error) = error.or_else(|| state.last_error.get(&object.id).cloned()) {
        status["error"] = error.into();
    }
    Ok(status)
}

fn iso(micros: i64) -> String {
    let at = jiff::Timestamp::from_microsecond(micros).unwrap_or_default();
    let at = at.to_zoned_datetime(jiff::tz::TimeZone::UTC);
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}
