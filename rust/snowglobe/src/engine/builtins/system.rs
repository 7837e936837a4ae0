//! Functions that ask who, where and when, and the SYSTEM$ functions that pipelines call.

use crate::engine::catalog::{Body, Kind, Object};
use crate::engine::compile::Context;
use crate::engine::compile::time_travel;
use crate::engine::services::{pipes, tasks};
use crate::engine::statements::stages;
use crate::engine::storage;
use crate::sql::cursor::Name;
use crate::sql::fragment::Sql;
use crate::types::error::{Result, SnowflakeError};

/// The SQL of the function, if it is one of these.
///
/// # Errors
/// As the function has them, for instance when its object is not there.
pub fn function(context: &Context<'_>, name: &str, args: &[Sql]) -> Result<Option<Sql>> {
    if let Some(sql) = moment(context, name) {
        return Ok(Some(sql));
    }
    if let Some(sql) = identity(context, name) {
        return Ok(Some(sql));
    }
    if name == "IS_ROLE_IN_SESSION" {
        let role = argument(context, args, 0)?;
        return Ok(Some(boolean(context.names.roles.contains(&role))));
    }
    if !name.starts_with("SYSTEM$") {
        return Ok(None);
    }
    if let Some(sql) = of_tasks(context, name, args)? {
        return Ok(Some(sql));
    }
    of_objects(context, name, args).map(Some)
}

fn text(value: Option<&str>) -> Sql {
    value.map_or_else(|| Sql::known("null::varchar"), Sql::literal)
}

fn boolean(yes: bool) -> Sql {
    Sql::known(if yes { "true" } else { "false" })
}

/// The statement's time.
fn moment(context: &Context<'_>, name: &str) -> Option<Sql> {
    let template = match name {
        "CURRENT_TIMESTAMP" | "LOCALTIMESTAMP" | "GETDATE" | "SYSTIMESTAMP" => {
            "make_timestamptz({0})"
        }
        "SYSDATE" => "make_timestamp({0})",
        "CURRENT_DATE" => "cast(make_timestamptz({0}) as date)",
        "CURRENT_TIME" | "LOCALTIME" => "cast(make_timestamptz({0}) as timestamp)::time",
        _ => return None,
    };
    let now = Sql::of(template, &[Sql::integer(context.snapshot.now)]);
    Some(match name {
        "CURRENT_DATE" => now.into_date(),
        _ => now,
    })
}

/// Who asks, and where.
fn identity(context: &Context<'_>, name: &str) -> Option<Sql> {
    Some(match name {
        "CURRENT_USER" => text(Some(&context.names.user)),
        "CURRENT_ROLE" => text(Some(&context.names.role)),
        "CURRENT_WAREHOUSE" => text(context.names.warehouse.as_deref()),
        "CURRENT_DATABASE" => text(context.names.database.as_deref()),
        "CURRENT_SCHEMA" => text(context.names.schema.as_deref()),
        "CURRENT_ACCOUNT" | "CURRENT_ACCOUNT_NAME" => {
            text(Some(&context.environment.shared.options.account))
        }
        "CURRENT_ORGANIZATION_NAME" => text(Some("SNOWGLOBE")),
        "CURRENT_REGION" => text(Some("LOCAL")),
        "CURRENT_VERSION" => text(Some(concat!("snowglobe ", env!("CARGO_PKG_VERSION")))),
        "CURRENT_CLIENT" | "CURRENT_STATEMENT" => text(None),
        "CURRENT_SESSION" => text(Some(&context.names.session_id.to_string())),
        "CURRENT_TRANSACTION" => {
            let own = context
                .snapshot
                .own
                .map(|own| (storage::ALIVE - own).to_string());
            text(own.as_deref())
        }
        "CURRENT_SCHEMAS" => {
            let (database, schema) = (
                context.names.database.as_deref().unwrap_or(""),
                context.names.schema.as_deref().unwrap_or(""),
            );
            text(Some(&format!("[\"{database}.{schema}\"]")))
        }
        "LAST_QUERY_ID" => text(context.memory.results.last().map(|(id, _)| id.as_str())),
        _ => return None,
    })
}

/// Those that a task calls.
fn of_tasks(context: &Context<'_>, name: &str, args: &[Sql]) -> Result<Option<Sql>> {
    let optional = || match args.is_empty() {
        true => Ok(None),
        false => argument(context, args, 0).map(Some),
    };
    Ok(Some(match name {
        "SYSTEM$CURRENT_USER_TASK_NAME" => {
            text(context.memory.task.as_ref().map(|t| t.name.as_str()))
        }
        "SYSTEM$GET_TASK_GRAPH_CONFIG" => {
            let path = optional()?;
            let config = context.memory.task.as_ref().and_then(|task| {
                tasks::graph_config(&context.snapshot.catalog, &task.name, path.as_deref())
            });
            text(config.as_deref())
        }
        "SYSTEM$SET_RETURN_VALUE" => {
            let value = argument(context, args, 0)?;
            let task = context.memory.task.as_ref().ok_or_else(|| {
                SnowflakeError::compilation("SYSTEM$SET_RETURN_VALUE is called by a task")
            })?;
            task.set_returned(value);
            boolean(true)
        }
        "SYSTEM$GET_PREDECESSOR_RETURN_VALUE" => {
            let name = optional()?;
            text(
                tasks::predecessor_value(context.memory.task.as_deref(), name.as_deref())?
                    .as_deref(),
            )
        }
        "SYSTEM$TASK_DEPENDENTS_ENABLE" => {
            tasks::enable_dependents(context, &Name::parse(&argument(context, args, 0)?)?)?;
            boolean(true)
        }
        _ => return Ok(None),
    }))
}

/// Those that ask about an object, and the rest.
fn of_objects(context: &Context<'_>, name: &str, args: &[Sql]) -> Result<Sql> {
    Ok(match name {
        "SYSTEM$STREAM_HAS_DATA" => {
            boolean(stream_has_data(context, &argument(context, args, 0)?)?)
        }
        "SYSTEM$PIPE_STATUS" => {
            let pipe = object(context, Kind::Pipe, &argument(context, args, 0)?)?;
            text(Some(&pipes::status(context, &pipe)?.to_string()))
        }
        "SYSTEM$PIPE_FORCE_RESUME" => {
            let pipe = object(context, Kind::Pipe, &argument(context, args, 0)?)?;
            context.require(&pipe, "OPERATE")?;
            resume_pipe(context, &pipe)?;
            text(Some("SUCCESS"))
        }
        "SYSTEM$VALIDATE_STORAGE_INTEGRATION" => {
            let argument = |at| argument(context, args, at);
            let given = [argument(0)?, argument(1)?, argument(2)?, argument(3)?];
            text(Some(&stages::validate_integration(context, given)?))
        }
        "SYSTEM$STREAM_GET_TABLE_TIMESTAMP" => {
            let stream = object(context, Kind::Stream, &argument(context, args, 0)?)?;
            text(Some(&offset_nanos(context, &stream)?.to_string()))
        }
        "SYSTEM$LAST_CHANGE_COMMIT_TIME" => {
            let table = object(context, Kind::Table, &argument(context, args, 0)?)?;
            Sql::integer(context.environment.shared.last_change(table.id))
        }
        "SYSTEM$TYPEOF" => {
            let null = [Sql::known("null")];
            let args = if args.is_empty() { &null } else { args };
            Sql::of("upper(typeof({0}))", args)
        }
        "SYSTEM$WAIT" => {
            let amount: u64 = argument(context, args, 0)?
                .parse()
                .map_err(SnowflakeError::compilation)?;
            let unit = match args.len() {
                1 => "SECONDS".to_owned(),
                _ => argument(context, args, 1)?.to_uppercase(),
            };
            wait(context, amount, &unit)?;
            text(Some(&format!("waited {amount} {}", unit.to_lowercase())))
        }
        "SYSTEM$ABORT_TRANSACTION" | "SYSTEM$ABORT_SESSION" => {
            return Err(SnowflakeError::unsupported(name));
        }
        _ => {
            return Err(SnowflakeError::new(
                "002140",
                "42601",
                format!("SQL compilation error:\nUnknown function {name}"),
            ));
        }
    })
}

fn resume_pipe(context: &Context<'_>, pipe: &Object) -> Result<()> {
    context.environment.shared.change_catalog(|catalog| {
        catalog.update(pipe.id, |o| {
            if let Body::Pipe(pipe) = &mut o.body {
                pipe.paused = false;
            }
        });
        Ok(())
    })
}

/// Waits on the engine's clock, which a test may move, and ends with the statement.
fn wait(context: &Context<'_>, amount: u64, unit: &str) -> Result<()> {
    let millis = match unit {
        "DAYS" => 86_400_000,
        "HOURS" => 3_600_000,
        "MINUTES" => 60_000,
        "SECONDS" => 1000,
        "MILLISECONDS" => 1,
        _ => {
            return Err(SnowflakeError::compilation(format!(
                "SYSTEM$WAIT knows no unit {unit}"
            )));
        }
    };
    let clock = &context.environment.shared.options.clock;
    let micros = i64::try_from(amount.saturating_mul(millis).saturating_mul(1000));
    let until = clock
        .now_micros()
        .saturating_add(micros.unwrap_or(i64::MAX));
    loop {
        if context.environment.cancelled.is_cancelled() {
            return Err(SnowflakeError::cancelled());
        }
        let left = until - clock.now_micros();
        if left <= 0 {
            return Ok(());
        }
        let left = std::time::Duration::from_micros(left.unsigned_abs());
        clock.wait(left.min(std::time::Duration::from_millis(50)));
    }
}

/// The constant argument, as text.
fn argument(context: &Context<'_>, args: &[Sql], at: usize) -> Result<String> {
    let Some(arg) = args.get(at) else {
        return Err(SnowflakeError::new(
            "000938",
            "22023",
            "SQL compilation error:\nnot enough arguments for function",
        ));
    };
    if let Some(text) = arg.as_literal() {
        return Ok(text.to_owned());
    }
    let sql = Sql::of("select ({0})::varchar", std::slice::from_ref(arg));
    let rows = storage::query(context.connection, sql.as_str())?;
    match rows.rows.first().and_then(|row| row.first()) {
        Some(crate::types::value::Value::Text(text)) => Ok(text.clone()),
        _ => Err(SnowflakeError::compilation(
            "a constant is needed as argument",
        )),
    }
}

fn object(context: &Context<'_>, kind: Kind, name: &str) -> Result<std::sync::Arc<Object>> {
    context.find(kind, &Name::parse(name)?)
}

/// When the stream's offset was committed, in nanoseconds since 1970; 0 before any commit.
fn offset_nanos(context: &Context<'_>, stream: &Object) -> Result<i64> {
    let offset = context.environment.shared.offset_of(stream.id);
    let sql = format!("select max(at_micros) from sys_commits where seq <= {offset}");
    Ok(storage::count(context.connection, &sql)? * 1000)
}

/// Whether the stream would return rows now.
///
/// # Errors
/// If there is no such stream.
pub fn stream_has_data(context: &Context<'_>, name: &str) -> Result<bool> {
    let object = object(context, Kind::Stream, name)?;
    let Body::Stream(stream) = &object.body else {
        return Ok(false);
    };
    let from = context.environment.shared.offset_of(object.id);
    let Some(base) = context.snapshot.catalog.by_id(stream.table) else {
        return Ok(false);
    };
    time_travel::check_stale(context, &object, base)?;
    // Nothing was committed to the table since: no need to look.
    if context.environment.shared.last_change(stream.table) <= from && from >= 0 {
        context.environment.shared.found_empty(object.id);
        return Ok(false);
    }
    let sql = crate::engine::compile::stream_sql(
        base.id,
        base.table()?,
        stream.append_only,
        from,
        context.snapshot.stream_end,
    );
    let exists = format!("select exists (select 1 from {sql})");
    let has_data = storage::count(context.connection, &exists)? != 0;
    if !has_data {
        context.environment.shared.found_empty(object.id);
    }
    Ok(has_data)
}
