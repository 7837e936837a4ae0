//! Queries of drivers: submit, poll, abort. A request id that comes again joins the first run.

use super::login::formats;
use super::{Failure, Outcome, session, success};
use crate::engine::{
    ColumnMeta, Login, QueryResult, SnowflakeError, SnowflakeType, StatementKind, split_statements,
};
use crate::wire::error::ApiError;
use crate::wire::registry::Claim;
use crate::wire::request::{Binding, Job, Settings, binds, check_count, settings};
use crate::wire::rowset::{Encoding, Format, Rowset};
use crate::wire::run::{self, Within};
use crate::wire::statement::Outcome as Ended;
use crate::wire::statement::{Ending, Statement};
use crate::wire::value::Dialect;
use crate::wire::{App, body, json_type};
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// The query string of all calls.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Parameters {
    request_id: Option<String>,
}

/// The body of a query. Drivers send more, about themselves.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    sql_text: String,
    #[serde(default)]
    async_exec: bool,
    #[serde(default)]
    describe_only: bool,
    bindings: Option<HashMap<String, Binding>>,
    bind_stage: Option<String>,
    parameters: Option<Map<String, Value>>,
}

/// `POST /queries/v1/query-request`
pub async fn submit(
    State(app): State<App>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
    request: Body,
) -> Outcome {
    let kept = session(&app, &headers)?;
    let request: Request = body::read_json(&headers, request, app.limits.body_bytes).await?;
    let detached = request.async_exec;
    let told = match request.describe_only {
        true => described_change(&request.sql_text),
        false => None,
    };
    let job = match told {
        None => Some(job(request)?),
        Some(_) => None,
    };
    let claim = app
        .statements
        .claim(&kept.user, parameters.request_id.as_deref(), true);
    let claim = claim.map_err(|error| {
        log::error!("the ledger of requests: {error}");
        Failure::new(
            "390503",
            "cannot record the request on disk, so it was not run: try again",
        )
    })?;
    let statement = match claim {
        Claim::Known(statement) => statement,
        Claim::New(statement) => {
            let encoding = Encoding {
                dialect: Dialect::Drivers,
                nullable: true,
                partition_bytes: app.limits.partition_bytes,
                arrow: kept.arrow,
            };
            match job {
                Some(job) => run::spawn(
                    Within::Kept(kept),
                    app.statements.clone(),
                    statement.clone(),
                    job,
                    encoding,
                ),
                None => {
                    let rowset = Rowset::encode(&told.unwrap_or_default(), encoding);
                    app.statements.finish(&statement, Ended::Rows(rowset));
                }
            }
            statement
        }
    };
    if detached {
        return Ok(running(&statement, "333334"));
    }
    answer(&app, &statement, &headers).await
}

fn job(request: Request) -> Result<Job, Failure> {
    if request.bind_stage.is_some() {
        return Err(SnowflakeError::unsupported("bulk bindings through a stage").into());
    }
    let Settings {
        parameters,
        expected,
    } = settings(of_session(request.parameters.unwrap_or_default()))?;
    let binds = binds(request.bindings.unwrap_or_default(), true)?;
    let mut statements = split_statements(&request.sql_text)?;
    check_count(statements.len(), expected)?;
    if request.describe_only {
        statements = described(&statements)?;
    }
    Ok(Job {
        login: Login::default(),
        multiple: expected != 1,
        statements,
        binds,
        parameters,
        timeout: None,
    })
}

/// The parameters that are the session's. `NEW_SQL_FORMAT`, which JDBC sends with a batch, says how the driver wrote it;
/// Snowpark's and those that begin with `_` are about its own plan of a query.
fn of_session(mut parameters: Map<String, Value>) -> Map<String, Value> {
    const OF_CLIENTS: [&str; 2] = ["NEW_SQL_FORMAT", "CACHE_RESULT_TEMP_TABLE"];
    parameters.retain(|name, _| {
        let name = name.to_ascii_uppercase();
        !OF_CLIENTS.contains(&name.as_str())
            && !name.starts_with('_')
            && !name.starts_with("SNOWPARK_")
    });
    parameters
}

/// What returns the columns of a query and none of its rows. SHOW and its like change nothing, and run as they are.
fn described(statements: &[String]) -> Result<Vec<String>, SnowflakeError> {
    match statements {
        [query] => match first_word(query).as_str() {
            "SELECT" | "WITH" | "VALUES" | "" => {
                Ok(vec![format!("select * from ({query}) limit 0")])
            }
            "SHOW" | "DESC" | "DESCRIBE" | "LIST" | "LS" => Ok(vec![query.clone()]),
            _ => Err(undescribed()),
        },
        _ => Err(undescribed()),
    }
}

fn undescribed() -> SnowflakeError {
    SnowflakeError::unsupported("describing anything but a query or DML without running it")
}

/// What DML and DDL return, whatever they change: clients ask before they bind many rows. What is wrong with it is reported when it runs.
fn described_change(sql: &str) -> Option<QueryResult> {
    let upper = sql.to_uppercase();
    let count = |name: &str| {
        let kind = SnowflakeType::Number {
            precision: 18,
            scale: 0,
        };
        ColumnMeta::new(name, kind)
    };
    let inserted = || count("number of rows inserted");
    let updated = || count("number of rows updated");
    let deleted = || count("number of rows deleted");
    let (kind, columns) = match first_word(sql).as_str() {
        "INSERT" => (StatementKind::Insert, vec![inserted()]),
        "UPDATE" => {
            let joined = count("number of multi-joined rows updated");
            (StatementKind::Update, vec![updated(), joined])
        }
        "DELETE" => (StatementKind::Delete, vec![deleted()]),
        "MERGE" => {
            let clauses = [
                ("INSERT", inserted()),
                ("UPDATE", updated()),
                ("DELETE", deleted()),
            ];
            let used = clauses.into_iter().filter(|(word, _)| upper.contains(word));
            (
                StatementKind::Merge,
                used.map(|(_, column)| column).collect(),
            )
        }
        "CREATE" | "DROP" | "ALTER" | "TRUNCATE" | "USE" | "BEGIN" | "COMMIT" | "ROLLBACK" => {
            let status = ColumnMeta::new("status", SnowflakeType::TEXT);
            (StatementKind::Ddl, vec![status])
        }
        _ => return None,
    };
    Some(QueryResult {
        columns,
        kind,
        ..QueryResult::default()
    })
}

fn first_word(text: &str) -> String {
    let word = text.trim_start().split(|c: char| !c.is_ascii_alphabetic());
    word.map(str::to_uppercase).next().unwrap_or_default()
}

/// `GET /queries/{id}/result`
pub async fn result(State(app): State<App>, Path(id): Path<String>, headers: HeaderMap) -> Outcome {
    let statement = find(&app, &headers, &id)?;
    answer(&app, &statement, &headers).await
}

/// `GET /results/{key}/{id}/{number}`: a chunk of a result, by the address that its answer gave.
pub async fn chunk(
    State(app): State<App>,
    Path((key, id, number)): Path<(String, String, usize)>,
) -> Result<Response, ApiError> {
    let outcome = app.statements.by_handle(&id).and_then(|s| s.outcome());
    let data = match outcome.as_deref() {
        Some(Ended::Rows(rowset)) if rowset.key.to_string() == key => rowset
            .partitions
            .get(number)
            .map(|found| found.data.clone()),
        _ => None,
    };
    data.map(IntoResponse::into_response)
        .ok_or_else(|| ApiError::new(404, "unknown or expired result chunk"))
}

/// `GET /monitoring/queries/{id}`: how a query is getting on, without its rows.
pub async fn status(State(app): State<App>, Path(id): Path<String>, headers: HeaderMap) -> Outcome {
    let statement = find(&app, &headers, &id)?;
    let mut query = json!({"id": id, "startTime": statement.created_ms});
    match statement.outcome().as_deref() {
        None => query["status"] = "RUNNING".into(),
        Some(Ended::Rows(_) | Ended::Multiple(_)) => query["status"] = "SUCCESS".into(),
        Some(Ended::Failed(error)) => {
            query["status"] = "FAILED_WITH_ERROR".into();
            query["errorCode"] = error.code.into();
            query["errorMessage"] = error.message.clone().into();
        }
        Some(Ended::TimedOut(_) | Ended::Recalled(..)) => query["status"] = "ABORTED".into(),
    }
    Ok(success(json!({"queries": [query]})))
}

fn find(app: &App, headers: &HeaderMap, id: &str) -> Result<Arc<Statement>, Failure> {
    let kept = session(app, headers)?;
    let found = app.statements.find(&kept.user, id);
    found.ok_or_else(|| {
        SnowflakeError::new("000709", "02000", format!("Statement {id} not found")).into()
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Abort {
    request_id: String,
}

/// `POST /queries/v1/abort-request`
pub async fn abort(State(app): State<App>, headers: HeaderMap, request: Body) -> Outcome {
    let kept = session(&app, &headers)?;
    let Abort { request_id } = body::read_json(&headers, request, app.limits.body_bytes).await?;
    let running = app
        .statements
        .of_request(&kept.user, &request_id)
        .filter(|statement| statement.outcome().is_none());
    cancel(running)
}

/// `POST /queries/{id}/abort-request`
pub async fn abort_by_id(
    State(app): State<App>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Outcome {
    let statement = find(&app, &headers, &id)?;
    cancel(Some(statement).filter(|statement| statement.outcome().is_none()))
}

fn cancel(running: Option<Arc<Statement>>) -> Outcome {
    let Some(statement) = running else {
        let message = "Identified SQL statement is not currently executing.";
        return Err(SnowflakeError::new("000605", "02000", message).into());
    };
    tokio::spawn(async move { statement.end(Ending::Cancelled).await });
    Ok(success(Value::Null))
}

/// The result, or where to ask for it if it takes long.
async fn answer(app: &App, statement: &Statement, headers: &HeaderMap) -> Outcome {
    match tokio::time::timeout(app.limits.wait, statement.ended()).await {
        Ok(outcome) => finished(statement, &outcome, headers),
        Err(_) => Ok(running(statement, "333333")),
    }
}

fn running(statement: &Statement, code: &str) -> Response {
    let body = json!({
        "data": {
            "queryId": statement.handle,
            "getResultUrl": format!("/queries/{}/result", statement.handle),
            "queryAbortsAfterSecs": 604_800,
            "progressDesc": null,
        },
        "code": code,
        "message": "Query execution in progress.",
        "success": true,
    });
    let mut response = body.to_string().into_response();
    json_type(response.headers_mut());
    response
}

fn finished(statement: &Statement, outcome: &Ended, headers: &HeaderMap) -> Outcome {
    match outcome {
        Ended::Rows(rowset) => Ok(rows(statement, rowset, headers)),
        Ended::Multiple(handles) => Ok(success(json!({
            "queryId": statement.handle,
            "resultIds": handles.join(","),
            "resultTypes": vec!["4096"; handles.len()].join(","),
            "rowtype": [],
            "rowset": [],
            "total": 0,
            "returned": 0,
            "statementTypeId": 0xA000,
            "queryResultFormat": "json",
        }))),
        Ended::Failed(error) => {
            let mut failure = Failure::from(error.clone());
            failure.data["queryId"] = statement.handle.clone().into();
            Err(failure)
        }
        Ended::TimedOut(_) => Err(SnowflakeError::cancelled().into()),
        Ended::Recalled(..) => Err(Failure::no_session()),
    }
}

fn rows(statement: &Statement, rowset: &Rowset, headers: &HeaderMap) -> Response {
    let place = statement.place();
    let mut data = json!({
        "parameters": formats(),
        "rowtype": rowset.row_type,
        "total": rowset.rows,
        "returned": rowset.rows,
        "queryId": statement.handle,
        "databaseProvider": null,
        "finalDatabaseName": place.and_then(|place| place.database.as_ref()),
        "finalSchemaName": place.and_then(|place| place.schema.as_ref()),
        "finalWarehouseName": place.and_then(|place| place.warehouse.as_ref()),
        "finalRoleName": place.map(|place| &place.role),
        "numberOfBinds": 0,
        "arrayBindSupported": matches!(rowset.kind, StatementKind::Insert),
        "statementTypeId": statement_type(rowset.kind),
        "version": 1,
        "sendResultTime": statement.created_ms,
        "queryResultFormat": "json",
    });
    if let Some(stats) = &rowset.stats {
        data["stats"] = stats.clone();
    }
    if rowset.format == Format::Arrow {
        arrow(&mut data, statement, rowset, headers);
        return success(data);
    }
    // The rows are JSON already.
    let mut text = data.to_string();
    text.pop();
    text.push_str(",\"rowset\":");
    text.push_str(
        rowset
            .partitions
            .first()
            .map_or("[]", |all| std::str::from_utf8(&all.data).unwrap_or("[]")),
    );
    let body = format!("{{\"data\":{text}}},\"code\":null,\"message\":null,\"success\":true}}");
    let mut response = body.into_response();
    json_type(response.headers_mut());
    response
}

/// The first rows in the answer, and where the others are.
fn arrow(data: &mut Value, statement: &Statement, rowset: &Rowset, headers: &HeaderMap) {
    data["queryResultFormat"] = "arrow".into();
    let mut partitions = rowset.partitions.iter().enumerate();
    let first = partitions
        .next()
        .map(|(_, first)| BASE64.encode(&first.data));
    data["rowsetBase64"] = first.into();
    // The driver gets at the chunks as it got here.
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let address = format!(
        "http://{}/results/{}/{}",
        host.unwrap_or_default(),
        rowset.key,
        statement.handle
    );
    let chunks: Vec<Value> = partitions
        .map(|(number, partition)| {
            json!({
                "url": format!("{address}/{number}"),
                "rowCount": partition.rows,
                "uncompressedSize": partition.bytes,
                "compressedSize": partition.data.len(),
            })
        })
        .collect();
    if !chunks.is_empty() {
        data["chunks"] = chunks.into();
        data["chunkHeaders"] = json!({});
    }
}

/// Snowflake's `statementTypeId`, by which drivers tell DML from queries.
fn statement_type(kind: StatementKind) -> u32 {
    match kind {
        StatementKind::Select | StatementKind::Show | StatementKind::Call => 0x1000,
        StatementKind::Insert => 0x3100,
        StatementKind::Update => 0x3200,
        StatementKind::Delete => 0x3300,
        StatementKind::Merge => 0x3400,
        StatementKind::Copy | StatementKind::Unload => 0x3600,
        StatementKind::Session => 0x4000,
        StatementKind::Transaction => 0x5000,
        StatementKind::Ddl => 0x6000,
    }
}
