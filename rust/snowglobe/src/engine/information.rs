//! INFORMATION_SCHEMA: its views, and its table functions with their histories.

use std::collections::BTreeMap;

use super::catalog::{Body, Kind, Object};
use super::compile::Context;
use super::error::{Result, SnowflakeError};
use super::storage::{self, Rows};
use super::tasks;
use super::value::{ColumnMeta, SnowflakeType, Value};
use crate::sql::cursor::{Name, literal};

type Cells = Vec<(&'static str, Value)>;

fn text(value: impl Into<Option<String>>) -> Value {
    value.into().map_or(Value::Null, Value::Text)
}

fn yes_no(flag: bool) -> Value {
    Value::Text(if flag { "YES" } else { "NO" }.to_owned())
}

/// Rows out of cells; `names` with their types say what an empty result looks like.
fn rows_of(rows: Vec<Cells>, names: &[(&str, SnowflakeType)]) -> Rows {
    let columns = names
        .iter()
        .map(|(name, kind)| ColumnMeta::new(*name, kind.clone()))
        .collect();
    let rows = rows
        .into_iter()
        .map(|row| row.into_iter().map(|(_, v)| v).collect())
        .collect();
    Rows { columns, rows }
}

fn is_visible(context: &Context<'_>, object: &Object) -> bool {
    context
        .find(object.kind, &Name(object.path.clone()))
        .is_ok()
}

/// The rows of a view of `database`.
///
/// # Errors
/// For a view that is not there.
pub fn view(context: &Context<'_>, database: &str, name: &str) -> Result<Rows> {
    context.find(Kind::Database, &Name(vec![database.to_owned()]))?;
    let t = SnowflakeType::TEXT;
    let inside = |kind: Kind| {
        context
            .catalog
            .all(kind)
            .filter(|o| o.path[0] == database && is_visible(context, o))
            .cloned()
            .collect::<Vec<_>>()
    };
    match name {
        "DATABASES" => {
            let rows = context
                .catalog
                .all(Kind::Database)
                .filter(|o| is_visible(context, o));
            let row = |o: &std::sync::Arc<Object>| {
                vec![
                    ("DATABASE_NAME", text(o.short().to_owned())),
                    ("DATABASE_OWNER", text(o.owner.clone())),
                    ("CREATED", Value::TimestampLtz(o.created_micros)),
                ]
            };
            Ok(rows_of(
                rows.map(row).collect(),
                &[
                    ("DATABASE_NAME", t.clone()),
                    ("DATABASE_OWNER", t),
                    ("CREATED", SnowflakeType::LTZ),
                ],
            ))
        }
        "SCHEMATA" => {
            let row = |o: std::sync::Arc<Object>| {
                vec![
                    ("", text(o.path[0].clone())),
                    ("", text(o.path[1].clone())),
                    ("", text(o.owner.clone())),
                    ("", Value::TimestampLtz(o.created_micros)),
                ]
            };
            let mut rows: Vec<Cells> = inside(Kind::Schema).into_iter().map(row).collect();
            rows.push(vec![
                ("", text(database.to_owned())),
                ("", text("INFORMATION_SCHEMA".to_owned())),
                ("", text(None)),
                ("", Value::TimestampLtz(context.now)),
            ]);
            Ok(rows_of(
                rows,
                &[
                    ("CATALOG_NAME", t.clone()),
                    ("SCHEMA_NAME", t.clone()),
                    ("SCHEMA_OWNER", t),
                    ("CREATED", SnowflakeType::LTZ),
                ],
            ))
        }
        "TABLES" => tables(context, inside(Kind::Table), inside(Kind::View)),
        "VIEWS" => {
            let row = |o: std::sync::Arc<Object>| {
                let definition = match &o.body {
                    Body::View { text, .. } => text.clone(),
                    _ => String::new(),
                };
                vec![
                    ("", text(o.path[0].clone())),
                    ("", text(o.path[1].clone())),
                    ("", text(o.path[2].clone())),
                    ("", text(o.owner.clone())),
                    ("", text(definition)),
                ]
            };
            Ok(rows_of(
                inside(Kind::View).into_iter().map(row).collect(),
                &[
                    ("TABLE_CATALOG", t.clone()),
                    ("TABLE_SCHEMA", t.clone()),
                    ("TABLE_NAME", t.clone()),
                    ("TABLE_OWNER", t.clone()),
                    ("VIEW_DEFINITION", t),
                ],
            ))
        }
        "COLUMNS" => columns(context, inside(Kind::Table), inside(Kind::View)),
        "PROCEDURES" => Ok(procedures(&inside(Kind::Procedure))),
        "TABLE_CONSTRAINTS" => Ok(constraints(&inside(Kind::Table))),
        "APPLICABLE_ROLES" | "ENABLED_ROLES" => Ok(roles(context, name)),
        "STAGES" | "PIPES" | "SEQUENCES" | "FILE_FORMATS" => named(
            name,
            &inside(match name {
                "STAGES" => Kind::Stage,
                "PIPES" => Kind::Pipe,
                "SEQUENCES" => Kind::Sequence,
                _ => Kind::FileFormat,
            }),
        ),
        "LOAD_HISTORY" => load_history(context, database),
        _ => Err(SnowflakeError::missing(
            "Object",
            format!("{database}.INFORMATION_SCHEMA.{name}"),
        )),
    }
}

fn procedures(objects: &[std::sync::Arc<Object>]) -> Rows {
    let row = |o: &std::sync::Arc<Object>| {
        let Body::Procedure(procedure) = &o.body else {
            return Vec::new();
        };
        let parameters = procedure.parameters.iter();
        let signature: Vec<String> = parameters
            .map(|p| {
                let kind = p.kind.to_string();
                format!("{} {}", p.name, kind.split('(').next().unwrap_or_default())
            })
            .collect();
        let returns = procedure.returns.as_ref();
        vec![
            ("", text(o.path[0].clone())),
            ("", text(o.path[1].clone())),
            (
                "",
                text(o.short().split('(').next().unwrap_or_default().to_owned()),
            ),
            ("", text(o.owner.clone())),
            ("", text(format!("({})", signature.join(", ")))),
            (
                "",
                text(returns.map_or("TABLE ()".to_owned(), ToString::to_string)),
            ),
            ("", text("SQL".to_owned())),
            ("", text(procedure.body.clone())),
        ]
    };
    let names = [
        "PROCEDURE_CATALOG",
        "PROCEDURE_SCHEMA",
        "PROCEDURE_NAME",
        "PROCEDURE_OWNER",
        "ARGUMENT_SIGNATURE",
        "DATA_TYPE",
        "PROCEDURE_LANGUAGE",
        "PROCEDURE_DEFINITION",
    ];
    rows_of(
        objects.iter().map(row).collect(),
        &names.map(|name| (name, SnowflakeType::TEXT)),
    )
}

/// Primary keys, which are all that is kept of constraints.
fn constraints(objects: &[std::sync::Arc<Object>]) -> Rows {
    let has_key = |o: &&std::sync::Arc<Object>| match &o.body {
        Body::Table(table) => table.columns.iter().any(|c| c.primary_key),
        _ => false,
    };
    let row = |o: &std::sync::Arc<Object>| {
        vec![
            ("", text(format!("SYS_CONSTRAINT_{}", o.id))),
            ("", text(o.path[0].clone())),
            ("", text(o.path[1].clone())),
            ("", text(o.path[2].clone())),
            ("", text("PRIMARY KEY".to_owned())),
            ("", yes_no(false)),
        ]
    };
    let names = [
        "CONSTRAINT_NAME",
        "TABLE_CATALOG",
        "TABLE_SCHEMA",
        "TABLE_NAME",
        "CONSTRAINT_TYPE",
        "ENFORCED",
    ];
    rows_of(
        objects.iter().filter(has_key).map(row).collect(),
        &names.map(|name| (name, SnowflakeType::TEXT)),
    )
}

/// The roles that the session may take, or has.
fn roles(context: &Context<'_>, view: &str) -> Rows {
    let all = context.catalog.all(Kind::Role).filter(|o| {
        let is_enabled = context.roles.contains(o.short());
        is_enabled
            || view == "APPLICABLE_ROLES" && context.catalog.may_take_role(&context.user, o.short())
    });
    let row = |o: &std::sync::Arc<Object>| {
        vec![
            ("", text(o.short().to_owned())),
            ("", text(o.owner.clone())),
        ]
    };
    let names = ["ROLE_NAME", "ROLE_OWNER"].map(|name| (name, SnowflakeType::TEXT));
    rows_of(all.map(row).collect(), &names)
}

fn named(view: &str, objects: &[std::sync::Arc<Object>]) -> Result<Rows> {
    let prefix = view.strip_suffix('S').unwrap_or(view);
    let columns: Vec<(String, SnowflakeType)> = ["CATALOG", "SCHEMA", "NAME", "OWNER"]
        .iter()
        .map(|p| (format!("{prefix}_{p}"), SnowflakeType::TEXT))
        .collect();
    let names: Vec<(&str, SnowflakeType)> = columns
        .iter()
        .map(|(n, k)| (n.as_str(), k.clone()))
        .collect();
    let row = |o: &std::sync::Arc<Object>| {
        let short = o.short().split('(').next().unwrap_or_default().to_owned();
        vec![
            ("", text(o.path[0].clone())),
            ("", text(o.path[1].clone())),
            ("", text(short)),
            ("", text(o.owner.clone())),
        ]
    };
    Ok(rows_of(objects.iter().map(row).collect(), &names))
}

fn tables(
    context: &Context<'_>,
    tables: Vec<std::sync::Arc<Object>>,
    views: Vec<std::sync::Arc<Object>>,
) -> Result<Rows> {
    let mut rows = Vec::new();
    for object in tables.iter().chain(&views) {
        let (kind, count, transient) = match &object.body {
            Body::Table(table) => {
                let count = storage::count(
                    context.connection,
                    &format!(
                        "select count(*) from \"T{}\" where {}",
                        object.id,
                        context.visible()
                    ),
                )?;
                (
                    if table.temporary_of.is_some() {
                        "LOCAL TEMPORARY"
                    } else {
                        "BASE TABLE"
                    },
                    Value::Number(count.into()),
                    table.transient,
                )
            }
            _ => ("VIEW", Value::Null, false),
        };
        rows.push(vec![
            ("", text(object.path[0].clone())),
            ("", text(object.path[1].clone())),
            ("", text(object.path[2].clone())),
            ("", text(object.owner.clone())),
            ("", text(kind.to_owned())),
            ("", yes_no(transient)),
            ("", count),
            ("", Value::TimestampLtz(object.created_micros)),
            ("", text(object.comment.clone())),
        ]);
    }
    let t = SnowflakeType::TEXT;
    Ok(rows_of(
        rows,
        &[
            ("TABLE_CATALOG", t.clone()),
            ("TABLE_SCHEMA", t.clone()),
            ("TABLE_NAME", t.clone()),
            ("TABLE_OWNER", t.clone()),
            ("TABLE_TYPE", t.clone()),
            ("IS_TRANSIENT", t.clone()),
            ("ROW_COUNT", SnowflakeType::INTEGER),
            ("CREATED", SnowflakeType::LTZ),
            ("COMMENT", t),
        ],
    ))
}

fn columns(
    context: &Context<'_>,
    tables: Vec<std::sync::Arc<Object>>,
    views: Vec<std::sync::Arc<Object>>,
) -> Result<Rows> {
    let mut rows = Vec::new();
    for object in tables.iter().chain(&views) {
        let found: Vec<(String, SnowflakeType, bool, Option<String>)> = match &object.body {
            Body::Table(table) => table
                .columns
                .iter()
                .map(|c| {
                    (
                        c.name.clone(),
                        c.kind.clone(),
                        c.nullable,
                        c.default.clone(),
                    )
                })
                .collect(),
            _ => {
                let compiled = context.query(&format!("select * from {}", object.name()))?;
                let described = storage::query(
                    context.connection,
                    &format!("select * from ({}) limit 0", compiled.sql),
                )?;
                described
                    .columns
                    .into_iter()
                    .map(|c| (c.name, c.kind, true, None))
                    .collect()
            }
        };
        for (at, (name, kind, nullable, default)) in found.into_iter().enumerate() {
            let number = |n: Option<u64>| n.map_or(Value::Null, |n| Value::Number(n.into()));
            let (length, precision, scale) = match &kind {
                SnowflakeType::Varchar { length } | SnowflakeType::Binary { length } => {
                    (Some(*length), None, None)
                }
                SnowflakeType::Number { precision, scale } => {
                    (None, Some(u64::from(*precision)), Some(u64::from(*scale)))
                }
                _ => (None, None, None),
            };
            let word = match &kind {
                SnowflakeType::Varchar { .. } => "TEXT".to_owned(),
                other => other
                    .to_string()
                    .split('(')
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
            };
            rows.push(vec![
                ("", text(object.path[0].clone())),
                ("", text(object.path[1].clone())),
                ("", text(object.path[2].clone())),
                ("", text(name)),
                ("", Value::Number((at as i128) + 1)),
                ("", text(default)),
                ("", yes_no(nullable)),
                ("", text(word)),
                ("", number(length)),
                ("", number(precision)),
                ("", number(scale)),
            ]);
        }
    }
    let (t, n) = (SnowflakeType::TEXT, SnowflakeType::INTEGER);
    Ok(rows_of(
        rows,
        &[
            ("TABLE_CATALOG", t.clone()),
            ("TABLE_SCHEMA", t.clone()),
            ("TABLE_NAME", t.clone()),
            ("COLUMN_NAME", t.clone()),
            ("ORDINAL_POSITION", n.clone()),
            ("COLUMN_DEFAULT", t.clone()),
            ("IS_NULLABLE", t.clone()),
            ("DATA_TYPE", t),
            ("CHARACTER_MAXIMUM_LENGTH", n.clone()),
            ("NUMERIC_PRECISION", n.clone()),
            ("NUMERIC_SCALE", n),
        ],
    ))
}

fn load_history(context: &Context<'_>, database: &str) -> Result<Rows> {
    let tables: Vec<_> = context
        .catalog
        .all(Kind::Table)
        .filter(|o| o.path[0] == database && is_visible(context, o))
        .collect();
    let cases: String = tables
        .iter()
        .map(|o| format!(" when {} then {}", o.id, literal(o.short())))
        .collect();
    let ids = tables
        .iter()
        .map(|o| o.id.to_string())
        .collect::<Vec<_>>()
        .join(", ");
    if tables.is_empty() {
        return storage::query(
            context.connection,
            "select ''::varchar as \"TABLE_NAME\", ''::varchar as \"FILE_NAME\", ''::varchar as \"STATUS\", 0::decimal(18,0) as \"ROW_COUNT\" where false",
        );
    }
    storage::query(
        context.connection,
        &format!(
            "select case target{cases} end as \"TABLE_NAME\", path as \"FILE_NAME\", make_timestamptz(loaded_micros) as \"LAST_LOAD_TIME\", status as \"STATUS\", \
             loaded::decimal(18,0) as \"ROW_COUNT\", parsed::decimal(18,0) as \"ROW_PARSED\", first_error as \"FIRST_ERROR_MESSAGE\", \
             first_error_line::decimal(18,0) as \"FIRST_ERROR_LINE_NUMBER\", errors::decimal(18,0) as \"ERROR_COUNT\" from sys_loads where pipe = 0 and target in ({ids})"
        ),
    )
}

fn micros(value: Option<&Value>) -> Result<Option<i64>> {
    Ok(match value {
        None | Some(Value::Null) => None,
        Some(Value::TimestampLtz(m) | Value::TimestampNtz(m)) => Some(*m),
        Some(Value::Date(days)) => Some(i64::from(*days) * 86_400_000_000),
        Some(other) => return Err(SnowflakeError::compilation(format!("{other:?} is no time"))),
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
    if let Some(database) = &context.database {
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
            tasks::history(&context.shared),
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
    let pipes: String = context
        .catalog
        .all(Kind::Pipe)
        .map(|o| format!(" when {} then {}", o.id, literal(o.short())))
        .collect();
    let pipe = if pipes.is_empty() {
        "null::varchar".to_owned()
    } else {
        format!("case pipe{pipes} end")
    };
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
    let pipes: String = context
        .catalog
        .all(Kind::Pipe)
        .map(|o| format!(" when {} then {}", o.id, literal(&o.name().to_string())))
        .collect();
    let pipe = if pipes.is_empty() {
        "null::varchar".to_owned()
    } else {
        format!("case pipe{pipes} end")
    };
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
    for wake in context.shared.warehouses.wakes(&context.shared)? {
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
