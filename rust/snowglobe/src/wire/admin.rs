//! What Snowglobe has beside Snowflake's own paths: health, faults, the clock, trust policies of AWS roles, and warehouses that suspend.
//! All but health takes the admin token.

use super::error::ApiError;
use super::{App, body};
use crate::engine::TrustPolicy;
use crate::faults::Fault;
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// `GET /_snowglobe/health`, open to everybody.
pub async fn health() -> Json<Value> {
    Json(json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}))
}

/// `GET /_snowglobe/faults`
pub async fn list(State(app): State<App>, headers: HeaderMap) -> Result<Json<Value>, ApiError> {
    app.require_admin(&headers)?;
    Ok(Json(json!({"faults": app.faults.list()})))
}

/// `POST /_snowglobe/faults`
pub async fn arm(
    State(app): State<App>,
    headers: HeaderMap,
    request: Body,
) -> Result<Json<Value>, ApiError> {
    app.require_admin(&headers)?;
    let fault: Fault = body::read_json(&headers, request, app.limits.body_bytes).await?;
    Ok(Json(json!({"id": app.faults.arm(fault)})))
}

/// `DELETE /_snowglobe/faults`
pub async fn clear(State(app): State<App>, headers: HeaderMap) -> Result<Json<Value>, ApiError> {
    app.require_admin(&headers)?;
    app.faults.clear();
    Ok(Json(json!({"faults": []})))
}

/// `DELETE /_snowglobe/faults/{id}`
pub async fn disarm(
    State(app): State<App>,
    headers: HeaderMap,
    Path(id): Path<u64>,
) -> Result<Json<Value>, ApiError> {
    app.require_admin(&headers)?;
    if app.faults.disarm(id) {
        return Ok(Json(json!({"id": id})));
    }
    Err(ApiError::new(
        404,
        format!("unknown fault {id}: GET /_snowglobe/faults lists them"),
    ))
}

/// `GET /_snowglobe/clock`
pub async fn clock(State(app): State<App>, headers: HeaderMap) -> Result<Json<Value>, ApiError> {
    app.require_admin(&headers)?;
    Ok(Json(now(&app)))
}

/// 9999-12-31, in seconds since 1970.
const LAST_SECOND: f64 = 253_402_214_400.0;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_seconds: f64,
}

/// `POST /_snowglobe/clock`: tasks, histories and `CURRENT_TIMESTAMP` go by this clock, which only moves forward.
pub async fn advance(
    State(app): State<App>,
    headers: HeaderMap,
    request: Body,
) -> Result<Json<Value>, ApiError> {
    app.require_admin(&headers)?;
    let Advance { advance_seconds } =
        body::read_json(&headers, request, app.limits.body_bytes).await?;
    let seconds = app.engine.clock().now_micros() as f64 / 1e6;
    let by = Duration::try_from_secs_f64(advance_seconds).ok();
    // Snowflake's timestamps end with the year 9999.
    let by = by.filter(|by| by.as_secs_f64() + seconds < LAST_SECOND);
    let by = by.ok_or_else(|| {
        ApiError::new(
            400,
            "invalid advance_seconds: expected 0 or more, up to the year 9999",
        )
    })?;
    app.engine.clock().advance(by);
    Ok(Json(now(&app)))
}

fn now(app: &App) -> Value {
    let micros = app.engine.clock().now_micros();
    let now = jiff::Timestamp::from_microsecond(micros)
        .map(|now| now.to_string())
        .unwrap_or_default();
    json!({"now": now})
}

/// `POST /_snowglobe/warehouses/{name}/suspend`
pub async fn suspend(
    State(app): State<App>,
    headers: HeaderMap,
    Path(name): Path<String>,
) -> Result<Json<Value>, ApiError> {
    app.require_admin(&headers)?;
    app.engine
        .suspend_warehouse(&name)
        .map_err(|error| ApiError::statement(&error))?;
    Ok(Json(json!({"warehouse": name})))
}

/// `GET /_snowglobe/trust`
pub async fn trusted(State(app): State<App>, headers: HeaderMap) -> Result<Json<Value>, ApiError> {
    app.require_admin(&headers)?;
    Ok(policies(&app))
}

/// `POST /_snowglobe/trust`: the trust policy of an AWS role, as IAM would keep it.
pub async fn trust(
    State(app): State<App>,
    headers: HeaderMap,
    request: Body,
) -> Result<Json<Value>, ApiError> {
    app.require_admin(&headers)?;
    let policy: TrustPolicy = body::read_json(&headers, request, app.limits.body_bytes).await?;
    let kept = app.engine.trust(policy);
    kept.map_err(|error| ApiError::statement(&error))?;
    Ok(policies(&app))
}

/// `DELETE /_snowglobe/trust`
pub async fn distrust(State(app): State<App>, headers: HeaderMap) -> Result<Json<Value>, ApiError> {
    app.require_admin(&headers)?;
    let gone = app.engine.distrust();
    gone.map_err(|error| ApiError::statement(&error))?;
    Ok(policies(&app))
}

fn policies(app: &App) -> Json<Value> {
    Json(json!({"policies": app.engine.trusted()}))
}
