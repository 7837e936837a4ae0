//! INFORMATION_SCHEMA: its views, and its table functions with their histories (`histories`).

mod histories;

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
            .snapshot
            .catalog
            .all(kind)
            .filter(|o| o.path[0] == database && is_visible(context, o))
            .cloned()
            .collect::<Vec<_>>()
    };
    match name {
        "DATABASES" => {
            let rows = context
                .snapshot
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
                ("", Value::TimestampLtz(context.snapshot.now)),
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
    let all = context.snapshot.catalog.all(Kind::Role).filter(|o| {
        let is_enabled = context.names.roles.contains(o.short());
        is_enabled
            || view == "APPLICABLE_ROLES"
                && context
                    .snapshot
                    .catalog
                    .may_take_role(&context.names.user, o.short())
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
