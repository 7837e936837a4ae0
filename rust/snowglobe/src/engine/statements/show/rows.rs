//! What SHOW tells of an object: a row.

use super::{Cells, text, yes};
use crate::engine::catalog::{
    Body, Object, Pipe, Procedure, Stage, Stream, Table, Task, User, Warehouse,
};
use crate::engine::compile::Context;
use crate::engine::compile::time_travel;
use crate::engine::files::formats;
use crate::engine::statements::pipes;
use crate::engine::storage;
use crate::types::error::Result;
use crate::types::value::Value;

pub(super) fn row(context: &Context<'_>, object: &Object) -> Result<Cells> {
    let mut cells: Cells = vec![("created_on", Value::TimestampLtz(object.created_micros))];
    cells.push((
        "name",
        text(
            object
                .short()
                .split('(')
                .next()
                .unwrap_or_default()
                .to_owned(),
        ),
    ));
    if object.path.len() > 1 {
        cells.push(("database_name", text(object.path[0].clone())));
    }
    if object.path.len() > 2 {
        cells.push(("schema_name", text(object.path[1].clone())));
    }
    body_cells(context, object, &mut cells)?;
    if is_current(context, object) {
        cells.push(("is_current", text("Y".to_owned())));
    }
    cells.push(("owner", text(object.owner.clone())));
    cells.push(("comment", text(object.comment.clone().unwrap_or_default())));
    Ok(cells)
}

/// What objects of its kind have beside.
fn body_cells(context: &Context<'_>, object: &Object, cells: &mut Cells) -> Result<()> {
    match &object.body {
        Body::Table(body) => table_cells(context, object, body, cells)?,
        Body::View { text: query, .. } => {
            cells.push(("text", text(query.clone())));
            cells.push(("kind", text("VIEW".to_owned())));
        }
        Body::Stream(stream) => stream_cells(context, object, stream, cells),
        Body::Stage(stage) => stage_cells(stage, cells),
        Body::FileFormat { options } => {
            let kind = match formats::Format::parse(options)?.is_json {
                true => "JSON",
                false => "CSV",
            };
            cells.push(("type", text(kind.to_owned())));
            cells.push(("format_options", text(options.clone())));
        }
        Body::Sequence { start, step } => {
            let next = storage::count(
                context.connection,
                &format!(
                    "select coalesce(last_value + {step}, {start}) from duckdb_sequences() where sequence_name = 'S{}'",
                    object.id
                ),
            )?;
            cells.push(("next_value", Value::Number(next.into())));
            cells.push(("interval", Value::Number((*step).into())));
        }
        Body::Pipe(pipe) => pipe_cells(context, object, pipe, cells),
        Body::Task(task) => task_cells(object, task, cells),
        Body::Procedure(procedure) => cells.extend(procedure_cells(object, procedure)),
        Body::User(user) => cells.extend(user_cells(object, user)),
        Body::Warehouse(warehouse) => warehouse_cells(context, object, warehouse, cells),
        Body::Integration { enabled, .. } => {
            cells.push(("type", text("EXTERNAL_STAGE".to_owned())));
            cells.push(("category", text("STORAGE".to_owned())));
            cells.push(("enabled", yes(*enabled)));
        }
        Body::Database { .. } => {
            cells.push(("kind", text("STANDARD".to_owned())));
            cells.push(("retention_time", text("1".to_owned())));
        }
        Body::Schema { .. } => cells.push(("retention_time", text("1".to_owned()))),
        Body::Role => {}
    }
    Ok(())
}

fn table_cells(
    context: &Context<'_>,
    object: &Object,
    body: &Table,
    cells: &mut Cells,
) -> Result<()> {
    let rows = context.row_count(object)?;
    let kind = if body.temporary_of.is_some() {
        "TEMPORARY"
    } else if body.transient {
        "TRANSIENT"
    } else {
        "TABLE"
    };
    cells.push(("kind", text(kind.to_owned())));
    cells.push((
        "cluster_by",
        text(body.cluster_by.clone().unwrap_or_default()),
    ));
    cells.push(("rows", Value::Number(rows.into())));
    cells.push(("retention_time", text(body.retention_days.to_string())));
    cells.push((
        "change_tracking",
        text(if body.change_tracking { "ON" } else { "OFF" }.to_owned()),
    ));
    Ok(())
}

fn stream_cells(context: &Context<'_>, object: &Object, stream: &Stream, cells: &mut Cells) {
    cells.push(("table_name", text(stream.table_name.to_string())));
    cells.push(("source_type", text("Table".to_owned())));
    cells.push(("base_tables", text(stream.table_name.to_string())));
    cells.push(("type", text("DELTA".to_owned())));
    let base = context.snapshot.catalog.by_id(stream.table);
    let stale_after = base.map(|base| time_travel::stale_after(context, object, base));
    cells.push((
        "stale",
        yes(stale_after.is_none_or(|at| context.snapshot.now > at)),
    ));
    cells.push((
        "mode",
        text(
            if stream.append_only {
                "APPEND_ONLY"
            } else {
                "DEFAULT"
            }
            .to_owned(),
        ),
    ));
    cells.push((
        "stale_after",
        stale_after.map_or(Value::Null, Value::TimestampLtz),
    ));
}

fn stage_cells(stage: &Stage, cells: &mut Cells) {
    cells.push(("url", text(stage.url.clone().unwrap_or_default())));
    cells.push((
        "type",
        text(
            if stage.url.is_some() {
                "EXTERNAL"
            } else {
                "INTERNAL"
            }
            .to_owned(),
        ),
    ));
    let cloud = stage.url.as_ref().map(|_| "AWS".to_owned());
    cells.push(("cloud", text(cloud)));
    cells.push(("storage_integration", text(stage.integration.clone())));
}

fn pipe_cells(context: &Context<'_>, object: &Object, pipe: &Pipe, cells: &mut Cells) {
    cells.push(("definition", text(pipe.copy.clone())));
    let channel = pipe
        .auto_ingest
        .then(|| format!("arn:aws:sqs:local:000000000000:snowglobe-{}", object.id));
    cells.push(("notification_channel", text(channel)));
    cells.push(("pattern", text(pipes::pattern(context, object, pipe))));
}

fn task_cells(object: &Object, task: &Task, cells: &mut Cells) {
    cells.push(("id", text(object.id.to_string())));
    cells.push(("warehouse", text(task.warehouse.clone())));
    cells.push(("schedule", text(task.schedule.clone())));
    let after: Vec<String> = task.after.iter().map(ToString::to_string).collect();
    cells.push(("predecessors", text(serde_json::json!(after).to_string())));
    cells.push((
        "state",
        text(if task.started { "started" } else { "suspended" }.to_owned()),
    ));
    cells.push(("definition", text(task.body.clone())));
    cells.push(("condition", text(task.when.clone())));
    cells.push(("allow_overlapping_execution", yes(task.allow_overlap)));
    cells.push(("config", text(task.config.clone())));
    let mut relations = serde_json::json!({ "Predecessors": after });
    if let Some(root) = &task.finalizes {
        relations["FinalizedRootTask"] = root.to_string().into();
    }
    cells.push(("task_relations", text(relations.to_string())));
}

fn warehouse_cells(
    context: &Context<'_>,
    object: &Object,
    warehouse: &Warehouse,
    cells: &mut Cells,
) {
    let running = context.environment.shared.warehouses.is_running(
        &context.environment.shared,
        object.short(),
        warehouse,
    );
    cells.push((
        "state",
        text(if running { "STARTED" } else { "SUSPENDED" }.to_owned()),
    ));
    cells.push(("type", text("STANDARD".to_owned())));
    cells.push(("size", text(warehouse.size.clone())));
    cells.push((
        "auto_suspend",
        Value::Number(warehouse.auto_suspend_seconds.into()),
    ));
    cells.push(("auto_resume", yes(warehouse.auto_resume)));
    for name in ["resumed_on", "updated_on"] {
        cells.push((name, Value::TimestampLtz(object.created_micros)));
    }
}

/// Whether it is where the session works, or with what.
fn is_current(context: &Context<'_>, object: &Object) -> bool {
    let here = match object.body {
        Body::Schema { .. } => context.names.schema.as_ref(),
        Body::Database { .. } => context.names.database.as_ref(),
        Body::Role => Some(&context.names.role),
        Body::Warehouse(_) => context.names.warehouse.as_ref(),
        _ => None,
    };
    let in_database =
        object.path.len() == 1 || context.names.database.as_ref() == object.path.first();
    in_database && here.is_some_and(|name| name == object.short())
}

fn procedure_cells(object: &Object, procedure: &Procedure) -> Cells {
    let mut cells = Cells::new();
    let returns = procedure
        .returns
        .as_ref()
        .map_or("TABLE ()".to_owned(), |k| {
            k.to_string()
                .split('(')
                .next()
                .unwrap_or_default()
                .to_owned()
        });
    cells.push((
        "arguments",
        text(format!("{} RETURN {returns}", object.short())),
    ));
    let given = procedure.parameters.iter();
    let needed = given.filter(|p| p.default.is_none()).count();
    cells.push(("min_num_arguments", Value::Number(needed as i128)));
    let count = procedure.parameters.len();
    cells.push(("max_num_arguments", Value::Number(count as i128)));
    cells.push(("catalog_name", text(object.path[0].clone())));
    cells.push(("description", text("user-defined procedure".to_owned())));
    cells
}

fn user_cells(object: &Object, user: &User) -> Cells {
    vec![
        ("login_name", text(object.short().to_owned())),
        ("display_name", text(object.short().to_owned())),
        ("default_namespace", text(user.default_namespace.clone())),
        ("type", text(user.service.then(|| "SERVICE".to_owned()))),
        ("default_role", text(user.default_role.clone())),
        ("default_warehouse", text(user.default_warehouse.clone())),
        ("disabled", yes(user.disabled)),
        (
            "has_rsa_public_key",
            yes(user.public_keys.iter().any(Option::is_some)),
        ),
    ]
}
