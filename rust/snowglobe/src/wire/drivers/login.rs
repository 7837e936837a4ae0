//! Logging in and out. A programmatic access token passes as a password too, as on Snowflake.

use super::sessions::{IDLE, Place};
use super::{Failure, Outcome, session, success, token};
use crate::engine::{Login, SNOWFLAKE_VERSION, Session};
use crate::wire::{App, body};
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Map, Value, json};

const TOKEN_SECONDS: u64 = 3600;

/// The query string of a login.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Start {
    database_name: Option<String>,
    schema_name: Option<String>,
    warehouse: Option<String>,
    role_name: Option<String>,
}

#[derive(Deserialize)]
struct Request {
    data: Data,
}

#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
struct Data {
    account_name: Option<String>,
    login_name: Option<String>,
    authenticator: Option<String>,
    password: Option<String>,
    token: Option<String>,
    client_app_id: Option<String>,
    session_parameters: Option<Map<String, Value>>,
}

/// `POST /session/v1/login-request`
pub async fn login(
    State(app): State<App>,
    Query(start): Query<Start>,
    headers: HeaderMap,
    request: Body,
) -> Outcome {
    let Request { data } = body::read_json(&headers, request, app.limits.body_bytes).await?;
    let user = user(&app, &data)?;
    let arrow = arrow_parameter(data.client_app_id.as_deref());
    let login = Login {
        user: user.clone(),
        role: given(start.role_name),
        warehouse: given(start.warehouse),
        database: given(start.database_name),
        schema: given(start.schema_name),
    };
    let engine = app.engine.clone();
    let opened = tokio::task::spawn_blocking(move || engine.session(login)).await;
    let mut opened = opened.map_err(|panic| {
        log::error!("the engine panicked: {panic}");
        Failure::new("390000", "internal error of Snowglobe")
    })??;
    for (name, value) in data.session_parameters.unwrap_or_default() {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        // A driver sends parameters of its own; those that the engine does not know concern the driver only.
        if let Err(error) = opened.set_parameter(&name.to_ascii_uppercase(), &text) {
            log::info!("the session parameter {name} of a driver is not set: {error}");
        }
    }
    let place = Place::of(&opened);
    let parameters = parameters(&opened);
    let kept = app.sessions.keep(&user, arrow, opened);
    let (tokens, kept) =
        kept.map_err(|_| Failure::new("390000", "the system provides no random numbers"))?;
    Ok(success(json!({
        "token": tokens.session,
        "masterToken": tokens.master,
        "validityInSeconds": TOKEN_SECONDS,
        "masterValidityInSeconds": IDLE.as_secs(),
        "sessionId": kept.id,
        "displayUserName": user,
        "serverVersion": SNOWFLAKE_VERSION,
        "firstLogin": false,
        "remMeToken": null,
        "remMeValidityInSeconds": 0,
        "healthCheckInterval": 45,
        "parameters": parameters,
        "sessionInfo": {
            "databaseName": place.database,
            "schemaName": place.schema,
            "warehouseName": place.warehouse,
            "roleName": place.role,
        },
    })))
}

/// An empty name is none.
fn given(name: Option<String>) -> Option<String> {
    name.filter(|name| !name.is_empty())
}

/// The session parameter by which a driver asks for Arrow. The others get JSON.
fn arrow_parameter(driver: Option<&str>) -> Option<&'static str> {
    match driver?.to_ascii_uppercase().as_str() {
        "PYTHONCONNECTOR" | "PYTHONSNOWPARK" | "SNOWFLAKESQLALCHEMY" => {
            Some("PYTHON_CONNECTOR_QUERY_RESULT_FORMAT")
        }
        "JDBC" => Some("JDBC_QUERY_RESULT_FORMAT"),
        _ => None,
    }
}

/// What the server tells a driver to do.
fn parameters(session: &Session) -> Value {
    let set = |name: &str| json!({"name": name, "value": session.parameter(name)});
    let mut told = vec![
        json!({"name": "AUTOCOMMIT", "value": session.parameter("AUTOCOMMIT").as_deref() != Some("FALSE")}),
        json!({"name": "CLIENT_TELEMETRY_ENABLED", "value": false}),
        json!({"name": "CLIENT_SESSION_KEEP_ALIVE", "value": false}),
        // Values are never bound through a stage.
        json!({"name": "CLIENT_STAGE_ARRAY_BINDING_THRESHOLD", "value": 0}),
        set("TIMEZONE"),
        set("PYTHON_CONNECTOR_QUERY_RESULT_FORMAT"),
        set("JDBC_QUERY_RESULT_FORMAT"),
        json!({"name": "GO_QUERY_RESULT_FORMAT", "value": "JSON"}),
    ];
    told.extend(formats());
    told.into()
}

/// How values are shown as text, and how a driver may fetch chunks: told at the login and with every result.
pub(super) fn formats() -> Vec<Value> {
    let mut told: Vec<Value> = [
        ("BINARY_OUTPUT_FORMAT", "HEX"),
        ("DATE_OUTPUT_FORMAT", "YYYY-MM-DD"),
        ("TIME_OUTPUT_FORMAT", "HH24:MI:SS"),
        (
            "TIMESTAMP_OUTPUT_FORMAT",
            "YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM",
        ),
        ("TIMESTAMP_NTZ_OUTPUT_FORMAT", "YYYY-MM-DD HH24:MI:SS.FF3"),
        ("TIMESTAMP_LTZ_OUTPUT_FORMAT", ""),
        ("TIMESTAMP_TZ_OUTPUT_FORMAT", ""),
    ]
    .map(|(name, value)| json!({"name": name, "value": value}))
    .into();
    // Snowflake's own; sizes are in megabytes.
    told.extend(
        [
            ("CLIENT_PREFETCH_THREADS", 4),
            ("CLIENT_MEMORY_LIMIT", 1536),
            ("CLIENT_RESULT_CHUNK_SIZE", 160),
        ]
        .map(|(name, value)| json!({"name": name, "value": value})),
    );
    told
}

/// The user that a login proves, whose name must be the one that it gives.
fn user(app: &App, data: &Data) -> Result<String, Failure> {
    if let Some(account) = data
        .account_name
        .as_deref()
        .filter(|account| !account.is_empty())
        && !account.eq_ignore_ascii_case(app.authenticator.account())
    {
        log::warn!(
            "login refused: the account is {account}, this one is {}",
            app.authenticator.account()
        );
        return Err(Failure::new(
            "390100",
            "Incorrect username or password was specified.",
        ));
    }
    let authenticator = data
        .authenticator
        .as_deref()
        .unwrap_or("SNOWFLAKE")
        .to_ascii_uppercase();
    let proven = match (authenticator.as_str(), &data.token, &data.password) {
        ("SNOWFLAKE_JWT", Some(token), _) => app.authenticator.by_jwt(token)?,
        ("PROGRAMMATIC_ACCESS_TOKEN", Some(token), _) => {
            app.authenticator.by_access_token(token)?
        }
        ("SNOWFLAKE" | "PROGRAMMATIC_ACCESS_TOKEN", _, Some(password)) => app
            .authenticator
            .by_access_token(password)
            .map_err(|_| Failure::new("390100", "Incorrect username or password was specified."))?,
        (other, _, _) => {
            let message = format!(
                "the authenticator {other} is not supported by Snowglobe: use a key pair or a programmatic access token"
            );
            return Err(Failure::new("390190", message));
        }
    };
    if data
        .login_name
        .as_ref()
        .is_some_and(|name| !name.is_empty() && !name.eq_ignore_ascii_case(&proven))
    {
        return Err(Failure::new(
            "390100",
            "Incorrect username or password was specified.",
        ));
    }
    Ok(proven)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Renewal {
    request_type: String,
}

/// `POST /session/token-request`
pub async fn renew(State(app): State<App>, headers: HeaderMap, request: Body) -> Outcome {
    let Renewal { request_type } =
        body::read_json(&headers, request, app.limits.body_bytes).await?;
    if request_type != "RENEW" {
        return Err(Failure::new(
            "390400",
            format!("the request type {request_type} is not supported by Snowglobe"),
        ));
    }
    let renewed = token(&headers)
        .map(|master| app.sessions.renew(master))
        .transpose();
    let renewed = renewed
        .map_err(|_| Failure::new("390000", "the system provides no random numbers"))?
        .flatten();
    let Some((tokens, id)) = renewed else {
        return Err(Failure::new("390113", "Master token not found"));
    };
    Ok(success(json!({
        "sessionToken": tokens.session,
        "validityInSecondsST": TOKEN_SECONDS,
        "masterToken": tokens.master,
        "validityInSecondsMT": IDLE.as_secs(),
        "sessionId": id,
    })))
}

/// `POST /session/heartbeat`
pub async fn heartbeat(State(app): State<App>, headers: HeaderMap) -> Outcome {
    session(&app, &headers)?;
    Ok(success(Value::Null))
}

#[derive(Deserialize)]
pub struct Logout {
    #[serde(default)]
    delete: bool,
}

/// `POST /session?delete=true`
pub async fn logout(
    State(app): State<App>,
    Query(query): Query<Logout>,
    headers: HeaderMap,
) -> Outcome {
    session(&app, &headers)?;
    if query.delete
        && let Some(token) = token(&headers)
    {
        app.sessions.end(token);
    }
    Ok(success(Value::Null))
}
