//! INFORMATION_SCHEMA: its views, and its table functions with their histories (`histories`).

mod columns;
mod histories;

use std::sync::Arc;

use crate::engine::catalog::{Body, Kind, Object};
use crate::engine::compile::Context;
use crate::engine::storage;
use crate::engine::storage::Rows;
use crate::sql::cursor::{Name, literal};
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::{ColumnMeta, SnowflakeType, Value};
pub use histories::table_function;

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

/// The columns of TABLES: numbers end with `#`, times with `@`.
const TABLES: &str = "TABLE_CATALOG TABLE_SCHEMA TABLE_NAME TABLE_OWNER TABLE_TYPE IS_TRANSIENT CLUSTERING_KEY ROW_COUNT# BYTES# RETENTION_TIME# IS_INSERTABLE_INTO CREATED@ LAST_ALTERED@ LAST_DDL@ AUTO_CLUSTERING_ON COMMENT IS_TEMPORARY IS_ICEBERG IS_DYNAMIC IS_IMMUTABLE IS_HYBRID";

fn typed(names: &'static str) -> Vec<(&'static str, SnowflakeType)> {
    let one = |name: &'static str| match (name.strip_suffix('#'), name.strip_suffix('@')) {
        (Some(name), _) => (name, SnowflakeType::INTEGER),
        (_, Some(name)) => (name, SnowflakeType::LTZ),
        _ => (name, SnowflakeType::TEXT),
    };
    names.split(' ').map(one).collect()
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
    let inside = |kind: Kind| {
        context
            .snapshot
            .catalog
            .all(kind)
            .filter(|o| o.path[0] == database && is_visible(context, o))
            .cloned()
            .collect::<Vec<_>>()
    };
    match name {
        "DATABASES" => Ok(databases(context)),
        "SCHEMATA" => Ok(schemata(context, database, inside(Kind::Schema))),
        "TABLES" => tables(context, inside(Kind::Table), inside(Kind::View)),
        "VIEWS" => Ok(views(inside(Kind::View))),
        "COLUMNS" => columns::columns(context, inside(Kind::Table), inside(Kind::View)),
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

fn databases(context: &Context<'_>) -> Rows {
    let t = SnowflakeType::TEXT;
    let rows = context
        .snapshot
        .catalog
        .all(Kind::Database)
        .filter(|o| is_visible(context, o));
    let row = |o: &Arc<Object>| {
        vec![
            ("DATABASE_NAME", text(o.short().to_owned())),
            ("DATABASE_OWNER", text(o.owner.clone())),
            ("CREATED", Value::TimestampLtz(o.created_micros)),
        ]
    };
    rows_of(
        rows.map(row).collect(),
        &[
            ("DATABASE_NAME", t.clone()),
            ("DATABASE_OWNER", t),
            ("CREATED", SnowflakeType::LTZ),
        ],
    )
}

fn schemata(context: &Context<'_>, database: &str, schemas: Vec<Arc<Object>>) -> Rows {
    let t = SnowflakeType::TEXT;
    let row = |o: Arc<Object>| {
        vec![
            ("", text(o.path[0].clone())),
            ("", text(o.path[1].clone())),
            ("", text(o.owner.clone())),
            (
                "",
                yes_no(matches!(o.body, Body::Schema { transient: true })),
            ),
            ("", yes_no(false)),
            ("", text("1".to_owned())),
            ("", Value::TimestampLtz(o.created_micros)),
            ("", Value::TimestampLtz(o.created_micros)),
            ("", text(o.comment.clone())),
        ]
    };
    let mut rows: Vec<Cells> = schemas.into_iter().map(row).collect();
    rows.push(vec![
        ("", text(database.to_owned())),
        ("", text("INFORMATION_SCHEMA".to_owned())),
        ("", text(None)),
        ("", yes_no(false)),
        ("", yes_no(false)),
        ("", text("1".to_owned())),
        ("", Value::TimestampLtz(context.snapshot.now)),
        ("", Value::TimestampLtz(context.snapshot.now)),
        ("", text(None)),
    ]);
    rows_of(
        rows,
        &[
            ("CATALOG_NAME", t.clone()),
            ("SCHEMA_NAME", t.clone()),
            ("SCHEMA_OWNER", t.clone()),
            ("IS_TRANSIENT", t.clone()),
            ("IS_MANAGED_ACCESS", t.clone()),
            ("RETENTION_TIME", t.clone()),
            ("CREATED", SnowflakeType::LTZ),
            ("LAST_ALTERED", SnowflakeType::LTZ),
            ("COMMENT", t),
        ],
    )
}

fn views(views: Vec<Arc<Object>>) -> Rows {
    let t = SnowflakeType::TEXT;
    let row = |o: Arc<Object>| {
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
            ("", text("NONE".to_owned())),
            ("", yes_no(false)),
            ("", yes_no(false)),
            ("", yes_no(false)),
            ("", Value::TimestampLtz(o.created_micros)),
            ("", Value::TimestampLtz(o.created_micros)),
            ("", text(o.comment.clone())),
        ]
    };
    rows_of(
        views.into_iter().map(row).collect(),
        &[
            ("TABLE_CATALOG", t.clone()),
            ("TABLE_SCHEMA", t.clone()),
            ("TABLE_NAME", t.clone()),
            ("TABLE_OWNER", t.clone()),
            ("VIEW_DEFINITION", t.clone()),
            ("CHECK_OPTION", t.clone()),
            ("IS_UPDATABLE", t.clone()),
            ("INSERTABLE_INTO", t.clone()),
            ("IS_SECURE", t.clone()),
            ("CREATED", SnowflakeType::LTZ),
            ("LAST_ALTERED", SnowflakeType::LTZ),
            ("COMMENT", t),
        ],
    )
}

fn procedures(objects: &[Arc<Object>]) -> Rows {
    let row = |o: &Arc<Object>| {
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
fn constraints(objects: &[Arc<Object>]) -> Rows {
    let has_key = |o: &&Arc<Object>| match &o.body {
        Body::Table(table) => table.columns.iter().any(|c| c.primary_key),
        _ => false,
    };
    let row = |o: &Arc<Object>| {
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
    let all = context.snapshot.catalog.all(Kind::Role).filter(|o| {
        let is_enabled = context.names.roles.contains(o.short());
        is_enabled
            || view == "APPLICABLE_ROLES"
                && context
                    .snapshot
                    .catalog
                    .may_take_role(&context.names.user, o.short())
    });
    let row = |o: &Arc<Object>| {
        vec![
            ("", text(o.short().to_owned())),
            ("", text(o.owner.clone())),
        ]
    };
    let names = ["ROLE_NAME", "ROLE_OWNER"].map(|name| (name, SnowflakeType::TEXT));
    rows_of(all.map(row).collect(), &names)
}

fn named(view: &str, objects: &[Arc<Object>]) -> Result<Rows> {
    let prefix = view.strip_suffix('S').unwrap_or(view);
    let columns: Vec<(String, SnowflakeType)> = ["CATALOG", "SCHEMA", "NAME", "OWNER"]
        .iter()
        .map(|p| (format!("{prefix}_{p}"), SnowflakeType::TEXT))
        .collect();
    let names: Vec<(&str, SnowflakeType)> = columns
        .iter()
        .map(|(n, k)| (n.as_str(), k.clone()))
        .collect();
    let row = |o: &Arc<Object>| {
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
    tables: Vec<Arc<Object>>,
    views: Vec<Arc<Object>>,
) -> Result<Rows> {
    let mut rows = Vec::new();
    for object in tables.iter().chain(&views) {
        let (kind, count, table) = match &object.body {
            Body::Table(table) => {
                let count = context.row_count(object)?;
                (
                    if table.temporary_of.is_some() {
                        "LOCAL TEMPORARY"
                    } else {
                        "BASE TABLE"
                    },
                    Value::Number(count.into()),
                    Some(table),
                )
            }
            _ => ("VIEW", Value::Null, None),
        };
        let created = || Value::TimestampLtz(object.created_micros);
        let retention = table.map_or(Value::Null, |t| Value::Number(t.retention_days.into()));
        let is_temporary = table.is_some_and(|t| t.temporary_of.is_some());
        rows.push(vec![
            ("", text(object.path[0].clone())),
            ("", text(object.path[1].clone())),
            ("", text(object.path[2].clone())),
            ("", text(object.owner.clone())),
            ("", text(kind.to_owned())),
            ("", yes_no(table.is_some_and(|t| t.transient))),
            ("", text(table.and_then(|t| t.cluster_by.clone()))),
            ("", count),
            ("", Value::Null),
            ("", retention),
            ("", yes_no(table.is_some())),
            ("", created()),
            ("", created()),
            ("", created()),
            ("", yes_no(false)),
            ("", text(object.comment.clone())),
            ("", yes_no(is_temporary)),
            ("", yes_no(false)),
            ("", yes_no(false)),
            ("", yes_no(false)),
            ("", yes_no(false)),
        ]);
    }
    Ok(rows_of(rows, &typed(TABLES)))
}

fn load_history(context: &Context<'_>, database: &str) -> Result<Rows> {
    let tables: Vec<_> = context
        .snapshot
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
