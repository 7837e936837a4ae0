//! The SYSTEM$ functions that pipelines call. They run while a query runs, on a connection of their own.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::catalog::{Body, Kind, Object};
use crate::engine::compile::{Context, Returns, SystemFunction, stream_sql, time_travel};
use crate::engine::services::{pipes, tasks};
use crate::engine::statements::stages;
use crate::engine::storage;
use crate::sql::cursor::Name;
use crate::types::error::{Result, SnowflakeError};

const fn asks(name: &'static str, arguments: (usize, usize), returns: Returns) -> SystemFunction {
    SystemFunction {
        name,
        arguments,
        returns,
        changes_catalog: false,
    }
}

const fn changes(
    name: &'static str,
    arguments: (usize, usize),
    returns: Returns,
) -> SystemFunction {
    SystemFunction {
        name,
        arguments,
        returns,
        changes_catalog: true,
    }
}

/// All of them, sorted.
static FUNCTIONS: [SystemFunction; 13] = [
    asks("SYSTEM$CANCEL_ALL_QUERIES", (1, 1), Returns::Text),
    asks("SYSTEM$CURRENT_USER_TASK_NAME", (0, 0), Returns::Text),
    asks("SYSTEM$GET_PREDECESSOR_RETURN_VALUE", (0, 1), Returns::Text),
    asks("SYSTEM$GET_TASK_GRAPH_CONFIG", (0, 1), Returns::Text),
    asks("SYSTEM$LAST_CHANGE_COMMIT_TIME", (1, 1), Returns::Integer),
    changes("SYSTEM$PIPE_FORCE_RESUME", (1, 2), Returns::Text),
    asks("SYSTEM$PIPE_STATUS", (1, 1), Returns::Text),
    asks("SYSTEM$SET_RETURN_VALUE", (1, 1), Returns::Boolean),
    asks("SYSTEM$STREAM_GET_TABLE_TIMESTAMP", (1, 1), Returns::Text),
    asks("SYSTEM$STREAM_HAS_DATA", (1, 1), Returns::Boolean),
    changes("SYSTEM$TASK_DEPENDENTS_ENABLE", (1, 1), Returns::Boolean),
    asks("SYSTEM$VALIDATE_STORAGE_INTEGRATION", (4, 4), Returns::Text),
    asks("SYSTEM$WAIT", (1, 2), Returns::Text),
];

/// The function of that name.
///
/// # Errors
/// If there is none, though the name begins as theirs do.
pub fn find(name: &str) -> Result<Option<&'static SystemFunction>> {
    if !name.starts_with("SYSTEM$") {
        return Ok(None);
    }
    match FUNCTIONS.binary_search_by_key(&name, |function| function.name) {
        Ok(at) => Ok(Some(&FUNCTIONS[at])),
        Err(_) if matches!(name, "SYSTEM$ABORT_TRANSACTION" | "SYSTEM$ABORT_SESSION") => {
            Err(SnowflakeError::unsupported(name))
        }
        Err(_) => Err(SnowflakeError::new(
            "002140",
            "42601",
            format!("SQL compilation error:\nUnknown function {name}"),
        )),
    }
}

/// Runs the function.
///
/// # Errors
/// As the function has them, for instance when its object is not there.
pub fn call(
    context: &Context<'_>,
    name: &str,
    arguments: &[Option<String>],
) -> Result<Option<String>> {
    let argument = |at: usize| {
        arguments
            .get(at)
            .cloned()
            .flatten()
            .ok_or_else(|| SnowflakeError::compilation("a constant is needed as argument"))
    };
    let named = |kind: Kind| object(context, kind, &argument(0)?);
    let task = context.memory.task.as_deref();
    Ok(match name {
        "SYSTEM$CANCEL_ALL_QUERIES" => {
            if argument(0)? != context.names.session_id.to_string() {
                return Err(SnowflakeError::unsupported(
                    "SYSTEM$CANCEL_ALL_QUERIES of another session",
                ));
            }
            // The statements of a session run one after another, so none but this one runs.
            Some("no queries to cancel".to_owned())
        }
        "SYSTEM$CURRENT_USER_TASK_NAME" => task.map(|task| task.name.clone()),
        "SYSTEM$GET_PREDECESSOR_RETURN_VALUE" => {
            tasks::predecessor_value(task, argument(0).ok().as_deref())?
        }
        "SYSTEM$GET_TASK_GRAPH_CONFIG" => {
            let path = argument(0).ok();
            let catalog = &context.snapshot.catalog;
            task.and_then(|task| tasks::graph_config(catalog, &task.name, path.as_deref()))
        }
        "SYSTEM$LAST_CHANGE_COMMIT_TIME" => {
            let table = named(Kind::Table)?;
            Some(context.environment.shared.last_change(table.id).to_string())
        }
        "SYSTEM$PIPE_FORCE_RESUME" => {
            let pipe = named(Kind::Pipe)?;
            context.require(&pipe, "OPERATE")?;
            resume_pipe(context, &pipe)?;
            Some("SUCCESS".to_owned())
        }
        "SYSTEM$PIPE_STATUS" => Some(pipes::status(context, &*named(Kind::Pipe)?)?.to_string()),
        "SYSTEM$SET_RETURN_VALUE" => {
            let task = task.ok_or_else(|| {
                SnowflakeError::compilation("SYSTEM$SET_RETURN_VALUE is called by a task")
            })?;
            task.set_returned(argument(0)?);
            Some("true".to_owned())
        }
        "SYSTEM$STREAM_GET_TABLE_TIMESTAMP" => {
            Some(offset_nanos(context, &*named(Kind::Stream)?)?.to_string())
        }
        "SYSTEM$STREAM_HAS_DATA" => Some(stream_has_data(context, &argument(0)?)?.to_string()),
        "SYSTEM$TASK_DEPENDENTS_ENABLE" => {
            tasks::enable_dependents(context, &Name::parse(&argument(0)?)?)?;
            Some("true".to_owned())
        }
        "SYSTEM$VALIDATE_STORAGE_INTEGRATION" => {
            let given = [argument(0)?, argument(1)?, argument(2)?, argument(3)?];
            Some(stages::validate_integration(context, given)?)
        }
        "SYSTEM$WAIT" => {
            let amount: u64 = argument(0)?.parse().map_err(SnowflakeError::compilation)?;
            let unit = argument(1).map_or("SECONDS".to_owned(), |unit| unit.to_uppercase());
            wait(context, amount, &unit)?;
            Some(format!("waited {amount} {}", unit.to_lowercase()))
        }
        _ => return Err(SnowflakeError::internal(name)),
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
        let left = Duration::from_micros(left.unsigned_abs());
        clock.wait(left.min(Duration::from_millis(50)));
    }
}

fn object(context: &Context<'_>, kind: Kind, name: &str) -> Result<Arc<Object>> {
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
    let sql = stream_sql(
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

#[cfg(test)]
mod tests {
    use super::FUNCTIONS;

    #[test]
    fn the_functions_are_sorted_by_name() {
        assert!(FUNCTIONS.is_sorted_by_key(|function| function.name));
    }
}
