//! The table functions: histories of tasks, loads, pipes and warehouses.

use std::collections::BTreeMap;

use super::{rows_of, text};
use crate::engine::catalog::{Body, Kind, Object};
use crate::engine::compile::Context;
use crate::engine::services::tasks;
use crate::engine::statements::copy;
use crate::engine::storage;
use crate::engine::storage::Rows;
use crate::sql::cursor::{Name, literal};
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::{SnowflakeType, Value};

fn micros(value: Option<&Value>) -> Result<Option<i64>> {
    Ok(match value {
        None | Some(Value::Null) => None,
        Some(Value::TimestampLtz(m) | Value::TimestampNtz(m)) => Some(*m),
        Some(Value::Date(days)) => Some(i64::from(*days) * 86_400_000_000),
        Some(other) => {
            return Err(SnowflakeError::compilation(format!(
                "invalid time {other:?}"
            )));
        }
    })
}

fn name_of(value: Option<&Value>) -> Result<Option<Name>> {
    match value {
        Some(Value::Text(text)) => Name::parse(text).map(Some),
        _ => Ok(None),
    }
}

/// The rows of a table function of INFORMATION_SCHEMA.
///
/// # Errors
/// For a function or an argument that is not known.
pub fn table_function(
    context: &Context<'_>,
    name: &str,
    arguments: &BTreeMap<String, Value>,
) -> Result<Rows> {
    let known = |names: &[&str]| match arguments.keys().find(|k| !names.contains(&k.as_str())) {
        Some(key) => Err(SnowflakeError::new(
            "001006",
            "22023",
            format!("SQL compilation error:\ninvalid argument '{key}' for function {name}"),
        )),
        None => Ok(()),
    };
    match name {
        "TASK_HISTORY" => {
            known(&[
                "SCHEDULED_TIME_RANGE_START",
                "SCHEDULED_TIME_RANGE_END",
                "RESULT_LIMIT",
                "TASK_NAME",
                "ERROR_ONLY",
                "ROOT_TASK_ID",
            ])?;
            task_history(context, arguments)
        }
        "TASK_DEPENDENTS" => {
            known(&["TASK_NAME", "RECURSIVE"])?;
            task_dependents(context, arguments)
        }
        "COPY_HISTORY" => {
            known(&["TABLE_NAME", "START_TIME", "END_TIME"])?;
            copy_history(context, arguments)
        }
        "VALIDATE_PIPE_LOAD" => {
            known(&["PIPE_NAME", "START_TIME", "END_TIME"])?;
            validate_pipe_load(context, arguments)
        }
        "PIPE_USAGE_HISTORY" => {
            known(&["DATE_RANGE_START", "DATE_RANGE_END", "PIPE_NAME"])?;
            pipe_usage(context, arguments)
        }
        "WAREHOUSE_METERING_HISTORY" => {
            known(&[
                "DATE_RANGE_START",
                "DATE_RANGE_END",
                "WAREHOUSE_NAME",
                "0",
                "1",
                "2",
            ])?;
            metering(context, arguments)
        }
        _ => Err(SnowflakeError::unsupported(format!(
            "table function {name}"
        ))),
    }
}

fn task_history(context: &Context<'_>, arguments: &BTreeMap<String, Value>) -> Result<Rows> {
    let mut conditions = vec!["true".to_owned()];
    if let Some(name) = name_of(arguments.get("TASK_NAME"))? {
        conditions.push(format!("name = {}", literal(name.last())));
    }
    if let Some(from) = micros(arguments.get("SCHEDULED_TIME_RANGE_START"))? {
        conditions.push(format!("scheduled_micros >= {from}"));
    }
    if let Some(to) = micros(arguments.get("SCHEDULED_TIME_RANGE_END"))? {
        conditions.push(format!("scheduled_micros <= {to}"));
    }
    if arguments.get("ERROR_ONLY") == Some(&Value::Boolean(true)) {
        conditions.push("state like 'FAILED%'".to_owned());
    }
    if let Some(Value::Text(id)) = arguments.get("ROOT_TASK_ID") {
        conditions.push(format!("root::varchar = {}", literal(id)));
    }
    let limit = match arguments.get("RESULT_LIMIT") {
        Some(Value::Number(n)) => *n,
        _ => 100,
    };
    if let Some(database) = &context.names.database {
        conditions.push(format!("database_name = {}", literal(database)));
    }
    storage::query(
        context.connection,
        &format!(
            "select query_id as \"QUERY_ID\", name as \"NAME\", database_name as \"DATABASE_NAME\", schema_name as \"SCHEMA_NAME\", query_text as \"QUERY_TEXT\", \
             state as \"STATE\", error_code as \"ERROR_CODE\", error_message as \"ERROR_MESSAGE\", make_timestamptz(scheduled_micros) as \"SCHEDULED_TIME\", \
             make_timestamptz(started_micros) as \"QUERY_START_TIME\", make_timestamptz(completed_micros) as \"COMPLETED_TIME\", root::varchar as \"ROOT_TASK_ID\", \
             run_id::decimal(38,0) as \"RUN_ID\", return_value as \"RETURN_VALUE\", scheduled_from as \"SCHEDULED_FROM\", \
             attempt::decimal(38,0) as \"ATTEMPT_NUMBER\", run_id::decimal(38,0) as \"GRAPH_RUN_GROUP_ID\" \
             from {} where {} order by scheduled_micros desc, completed_micros desc limit {limit}",
            tasks::history(&context.environment.shared),
            conditions.join(" and ")
        ),
    )
}

fn task_dependents(context: &Context<'_>, arguments: &BTreeMap<String, Value>) -> Result<Rows> {
    let name = name_of(arguments.get("TASK_NAME"))?
        .ok_or_else(|| SnowflakeError::compilation("TASK_DEPENDENTS needs TASK_NAME"))?;
    let recursive = arguments.get("RECURSIVE") != Some(&Value::Boolean(false));
    let mut rows = Vec::new();
    for object in tasks::dependents(context, &name, recursive)? {
        let Body::Task(task) = &object.body else {
            continue;
        };
        let after: Vec<String> = task.after.iter().map(ToString::to_string).collect();
        let state = if task.started { "started" } else { "suspended" };
        rows.push(vec![
            ("", Value::TimestampLtz(object.created_micros)),
            ("", text(object.short().to_owned())),
            ("", text(object.path[0].clone())),
            ("", text(object.path[1].clone())),
            ("", text(object.owner.clone())),
            ("", text(object.comment.clone())),
            ("", text(task.warehouse.clone())),
            ("", text(task.schedule.clone())),
            ("", text(serde_json::json!(after).to_string())),
            ("", text(state.to_owned())),
            ("", text(task.body.clone())),
            ("", text(task.when.clone())),
        ]);
    }
    let names = [
        "NAME",
        "DATABASE_NAME",
        "SCHEMA_NAME",
        "OWNER",
        "COMMENT",
        "WAREHOUSE",
        "SCHEDULE",
        "PREDECESSORS",
        "STATE",
        "DEFINITION",
        "CONDITION",
    ];
    let mut columns = vec![("CREATED_ON", SnowflakeType::LTZ)];
    columns.extend(names.map(|name| (name, SnowflakeType::TEXT)));
    Ok(rows_of(rows, &columns))
}

fn copy_history(context: &Context<'_>, arguments: &BTreeMap<String, Value>) -> Result<Rows> {
    let name = name_of(arguments.get("TABLE_NAME"))?
        .ok_or_else(|| SnowflakeError::compilation("COPY_HISTORY needs TABLE_NAME"))?;
    let table = context.find(Kind::Table, &name)?;
    let from = micros(arguments.get("START_TIME"))?
        .ok_or_else(|| SnowflakeError::compilation("COPY_HISTORY needs START_TIME"))?;
    let to = micros(arguments.get("END_TIME"))?.unwrap_or(i64::MAX);
    let pipe = pipe_name(context, |o| o.short().to_owned());
    storage::query(
        context.connection,
        &format!(
            "select path as \"FILE_NAME\", 's3://' || location || '/' as \"STAGE_LOCATION\", make_timestamptz(loaded_micros) as \"LAST_LOAD_TIME\", \
             loaded::decimal(18,0) as \"ROW_COUNT\", parsed::decimal(18,0) as \"ROW_PARSED\", size::decimal(18,0) as \"FILE_SIZE\", first_error as \"FIRST_ERROR_MESSAGE\", \
             first_error_line::decimal(18,0) as \"FIRST_ERROR_LINE_NUMBER\", first_error_character::decimal(18,0) as \"FIRST_ERROR_CHARACTER_POS\", \
             first_error_column as \"FIRST_ERROR_COLUMN_NAME\", errors::decimal(18,0) as \"ERROR_COUNT\", error_limit::decimal(18,0) as \"ERROR_LIMIT\", \
             case status when 'LOADED' then 'Loaded' when 'LOAD_FAILED' then 'Load failed' else 'Partially loaded' end as \"STATUS\", \
             {} as \"TABLE_CATALOG_NAME\", {} as \"TABLE_SCHEMA_NAME\", {} as \"TABLE_NAME\", {pipe} as \"PIPE_NAME\", \
             case when pipe <> 0 then make_timestamptz(received_micros) end as \"PIPE_RECEIVED_TIME\" \
             from sys_loads where target = {} and loaded_micros >= {from} and loaded_micros <= {to} order by loaded_micros",
            literal(&table.path[0]),
            literal(&table.path[1]),
            literal(&table.path[2]),
            table.id
        ),
    )
}

/// The name of a load's pipe, in SQL; null for a pipe that is gone.
fn pipe_name(context: &Context<'_>, name: impl Fn(&Object) -> String) -> String {
    let pipes = context.snapshot.catalog.all(Kind::Pipe);
    let pipes: String = pipes
        .map(|o| format!(" when {} then {}", o.id, literal(&name(o))))
        .collect();
    if pipes.is_empty() {
        return "null::varchar".to_owned();
    }
    format!("case pipe{pipes} end")
}

/// Malformed rows of a pipe's files, for its owner and for roles that may monitor it.
fn validate_pipe_load(context: &Context<'_>, arguments: &BTreeMap<String, Value>) -> Result<Rows> {
    let needs =
        |what: &str| SnowflakeError::compilation(format!("VALIDATE_PIPE_LOAD needs {what}"));
    let name = name_of(arguments.get("PIPE_NAME"))?.ok_or_else(|| needs("PIPE_NAME"))?;
    let pipe = context.find(Kind::Pipe, &name)?;
    context.require(&pipe, "MONITOR")?;
    let from = micros(arguments.get("START_TIME"))?.ok_or_else(|| needs("START_TIME"))?;
    let to = micros(arguments.get("END_TIME"))?.unwrap_or(i64::MAX);
    match &pipe.body {
        Body::Pipe(body) => copy::pipe_load(context, pipe.id, &body.copy, (from, to)),
        _ => Err(SnowflakeError::missing("Pipe", &name)),
    }
}

fn pipe_usage(context: &Context<'_>, arguments: &BTreeMap<String, Value>) -> Result<Rows> {
    let mut conditions = vec!["pipe <> 0".to_owned()];
    if let Some(name) = name_of(arguments.get("PIPE_NAME"))? {
        conditions.push(format!("pipe = {}", context.find(Kind::Pipe, &name)?.id));
    }
    if let Some(from) = micros(arguments.get("DATE_RANGE_START"))? {
        conditions.push(format!("loaded_micros >= {from}"));
    }
    if let Some(to) = micros(arguments.get("DATE_RANGE_END"))? {
        conditions.push(format!("loaded_micros <= {to}"));
    }
    let pipe = pipe_name(context, |o| o.name().to_string());
    // Snowpipe bills per gigabyte read; 0.0037 credits is Snowflake's published rate.
    storage::query(
        context.connection,
        &format!(
            "select date_trunc('hour', make_timestamptz(loaded_micros)) as \"START_TIME\", date_trunc('hour', make_timestamptz(loaded_micros)) + interval 1 hour as \"END_TIME\", \
             {pipe} as \"PIPE_NAME\", sum(size)::double / 1e9 * 0.0037 as \"CREDITS_USED\", sum(size)::decimal(38,0) as \"BYTES_INSERTED\", count(*)::decimal(18,0) as \"FILES_INSERTED\" \
             from sys_loads where {} group by 1, 2, 3 order by 1",
            conditions.join(" and ")
        ),
    )
}

/// Credits by hour and warehouse. A wake counts for the seconds that it bills, from its start.
fn metering(context: &Context<'_>, arguments: &BTreeMap<String, Value>) -> Result<Rows> {
    const HOUR: i64 = 3_600_000_000;
    let given = |name: &str, place: &str| arguments.get(name).or_else(|| arguments.get(place));
    let from = micros(given("DATE_RANGE_START", "0"))?.unwrap_or(i64::MIN);
    let to = micros(given("DATE_RANGE_END", "1"))?.unwrap_or(i64::MAX);
    let to = to.saturating_add(24 * HOUR);
    let name = name_of(given("WAREHOUSE_NAME", "2"))?;
    let mut hours: BTreeMap<(i64, String), f64> = BTreeMap::new();
    for wake in context
        .environment
        .shared
        .warehouses
        .wakes(&context.environment.shared)?
    {
        if name.as_ref().is_some_and(|n| n.last() != wake.warehouse) {
            continue;
        }
        let billed = (wake.end_micros - wake.start_micros).max(60_000_000);
        let (mut at, end) = (wake.start_micros, wake.start_micros + billed);
        while at < end {
            let hour = at.div_euclid(HOUR) * HOUR;
            let next = end.min(hour + HOUR);
            #[expect(
                clippy::cast_precision_loss,
                reason = "microseconds of a wake fit a double"
            )]
            let share = (next - at) as f64 / billed as f64;
            *hours.entry((hour, wake.warehouse.clone())).or_default() += wake.credits * share;
            at = next;
        }
    }
    let inside = |hour: i64| hour >= from.saturating_sub(HOUR) && hour < to;
    let row = |((hour, name), credits): ((i64, String), f64)| {
        vec![
            ("", Value::TimestampLtz(hour)),
            ("", Value::TimestampLtz(hour + HOUR)),
            ("", text(name)),
            ("", Value::Float(credits)),
            ("", Value::Float(credits)),
            ("", Value::Float(0.0)),
        ]
    };
    let found = hours.into_iter().filter(|((hour, _), _)| inside(*hour));
    Ok(rows_of(
        found.map(row).collect(),
        &[
            ("START_TIME", SnowflakeType::LTZ),
            ("END_TIME", SnowflakeType::LTZ),
            ("WAREHOUSE_NAME", SnowflakeType::TEXT),
            ("CREDITS_USED", SnowflakeType::Float),
            ("CREDITS_USED_COMPUTE", SnowflakeType::Float),
            ("CREDITS_USED_CLOUD_SERVICES", SnowflakeType::Float),
        ],
    ))
}
