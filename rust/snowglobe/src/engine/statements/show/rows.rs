//! What SHOW tells of an object: a row.

use super::{Cells, text, yes};
use crate::engine::catalog::{Body, Object};
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
    match &object.body {
        Body::Table(body) => {
            let rows = storage::count(
                context.connection,
                &format!(
                    "select count(*) from \"T{}\" where {}",
                    object.id,
                    context.visible()
                ),
            )?;
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
        }
        Body::View { text: query, .. } => cells.push(("text", text(query.clone()))),
        Body::Stream(stream) => {
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
        Body::Stage(stage) => {
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
            cells.push(("storage_integration", text(stage.integration.clone())));
        }
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
        Body::Pipe(pipe) => {
            cells.push(("definition", text(pipe.copy.clone())));
            let channel = pipe
                .auto_ingest
                .then(|| format!("arn:aws:sqs:local:000000000000:snowglobe-{}", object.id));
            cells.push(("notification_channel", text(channel)));
            cells.push(("pattern", text(pipes::pattern(context, object, pipe))));
        }
        Body::Task(task) => {
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
        Body::Procedure(procedure) => {
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
            cells.push(("language", text("SQL".to_owned())));
        }
        Body::User(user) => {
            cells.push(("default_role", text(user.default_role.clone())));
            cells.push(("default_warehouse", text(user.default_warehouse.clone())));
            cells.push(("disabled", yes(user.disabled)));
            cells.push((
                "has_rsa_public_key",
                yes(user.public_keys.iter().any(Option::is_some)),
            ));
        }
        Body::Warehouse(warehouse) => {
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
        }
        Body::Integration { enabled, .. } => {
            cells.push(("type", text("EXTERNAL_STAGE".to_owned())));
            cells.push(("category", text("STORAGE".to_owned())));
            cells.push(("enabled", yes(*enabled)));
        }
        Body::Database { .. } | Body::Schema { .. } | Body::Role => {}
    }
    cells.push(("owner", text(object.owner.clone())));
    cells.push(("comment", text(object.comment.clone().unwrap_or_default())));
    Ok(cells)
}

/// As [`row`], of tables and views together.
pub(super) fn object_row(context: &Context<'_>, object: &Object) -> Result<Cells> {
    let kind = if matches!(object.body, Body::View { .. }) {
        text("VIEW".to_owned())
    } else {
        Value::Null
    };
    let mut cells = row(context, object)?;
    let known = [
        "created_on",
        "name",
        "database_name",
        "schema_name",
        "kind",
        "rows",
        "retention_time",
        "owner",
        "comment",
    ];
    let mut take = |name| {
        let at = cells.iter().position(|(n, _)| *n == name)?;
        Some(cells.swap_remove(at).1)
    };
    let cell = |name: &'static str| {
        let missing = if name == "kind" {
            kind.clone()
        } else {
            Value::Null
        };
        (name, take(name).unwrap_or(missing))
    };
    Ok(known.map(cell).into())
}
