//! DESCRIBE.

use super::super::stages;
use super::rows::row;
use super::{arranged, layout, table, text};
use crate::engine::catalog::signature;
use crate::engine::catalog::{Body, Kind, Object, Procedure, Stage, User};
use crate::engine::compile::Context;
use crate::engine::compile::Variables;
use crate::engine::files::formats;
use crate::engine::session::Session;
use crate::engine::state::trust::USER_ARN;
use crate::engine::storage;
use crate::sql::cursor::Cursor;
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::{Binds, ColumnMeta, QueryResult, Value};
use sqlparser::tokenizer::Token;

pub(super) fn described(context: &Context<'_>, object: &Object) -> Result<Vec<ColumnMeta>> {
    match &object.body {
        Body::Table(body) => Ok(body
            .columns
            .iter()
            .map(|c| ColumnMeta {
                name: c.name.clone(),
                kind: c.kind.clone(),
                nullable: c.nullable,
            })
            .collect()),
        _ => {
            let compiled = context.query(&format!("select * from {}", object.name()))?;
            Ok(storage::query(
                context.connection,
                &format!("select * from ({}) limit 0", compiled.sql),
            )?
            .columns)
        }
    }
}

pub(super) fn describe(session: &mut Session, mut cursor: Cursor<'_>) -> Result<QueryResult> {
    let (binds, variables) = (Binds::default(), Variables::new());
    let context = session.context(&binds, &variables);
    if cursor.accept("RESULT") {
        return Err(SnowflakeError::unsupported("DESCRIBE RESULT"));
    }
    let kind = Kind::parse(&mut cursor)?;
    let mut name = cursor.name()?;
    if kind == Kind::Procedure {
        signature::read(&mut name, &mut cursor)?;
    }
    if cursor.accept("TYPE") {
        cursor.expect_token(&Token::Eq)?;
        if !cursor.accept("COLUMNS") {
            return Err(SnowflakeError::unsupported("DESCRIBE … TYPE = STAGE"));
        }
    }
    cursor.end()?;
    let object = match kind {
        Kind::Table | Kind::View => context.find_relation(&name)?,
        _ => context.find(kind, &name)?,
    };
    if matches!(object.kind, Kind::Table | Kind::View) {
        return describe_relation(&context, &object);
    }
    if let Body::Integration {
        enabled,
        locations,
        blocked,
        ..
    } = &object.body
    {
        let role = stages::aws_role(&object);
        let property = |name: &str, kind: &str, value: String| {
            vec![
                ("property", text(name.to_owned())),
                ("property_type", text(kind.to_owned())),
                ("property_value", text(value)),
            ]
        };
        let rows = vec![
            property("ENABLED", "Boolean", enabled.to_string()),
            property("STORAGE_PROVIDER", "String", "S3".to_owned()),
            property("STORAGE_ALLOWED_LOCATIONS", "List", locations.join(",")),
            property("STORAGE_BLOCKED_LOCATIONS", "List", blocked.join(",")),
            property("STORAGE_AWS_IAM_USER_ARN", "String", USER_ARN.to_owned()),
            property("STORAGE_AWS_ROLE_ARN", "String", role.arn),
            property("STORAGE_AWS_EXTERNAL_ID", "String", role.external_id),
        ];
        return Ok(table(rows, &[]));
    }
    match &object.body {
        Body::Procedure(procedure) => return Ok(describe_procedure(procedure)),
        Body::FileFormat { options } => return describe_format(options),
        Body::Stage(stage) => return describe_stage(stage),
        Body::User(user) => return Ok(describe_user(&object, user)),
        Body::Database { .. } | Body::Schema { .. } => {
            return Ok(describe_container(&context, &object));
        }
        _ => {}
    }
    let cells = row(&context, &object)?;
    Ok(arranged(vec![cells], layout::of(kind), false))
}

fn describe_relation(context: &Context<'_>, object: &Object) -> Result<QueryResult> {
    let stored = match &object.body {
        Body::Table(table) => table.columns.clone(),
        _ => Vec::new(),
    };
    let row = |(at, column): (usize, ColumnMeta)| {
        let stored = stored.get(at);
        let flag = |is| text(if is { "Y" } else { "N" }.to_owned());
        vec![
            ("name", text(column.name)),
            ("type", text(column.kind.to_string())),
            ("kind", text("COLUMN".to_owned())),
            ("null?", flag(column.nullable)),
            ("default", text(stored.and_then(|c| c.default.clone()))),
            ("primary key", flag(stored.is_some_and(|c| c.primary_key))),
            ("unique key", flag(false)),
            ("check", Value::Null),
            ("expression", Value::Null),
            ("comment", text(stored.and_then(|c| c.comment.clone()))),
            ("policy name", Value::Null),
            ("privacy domain", Value::Null),
        ]
    };
    let rows = described(context, object)?.into_iter().enumerate();
    Ok(table(
        rows.map(row).collect(),
        &["name", "type", "kind", "null?"],
    ))
}

fn describe_format(options: &str) -> Result<QueryResult> {
    let row = |[property, kind, value, default]: [String; 4]| {
        vec![
            ("property", text(property)),
            ("property_type", text(kind)),
            ("property_value", text(value)),
            ("property_default", text(default)),
        ]
    };
    let rows = formats::described(options)?;
    Ok(table(rows.into_iter().map(row).collect(), &[]))
}

fn describe_stage(stage: &Stage) -> Result<QueryResult> {
    let row = |parent: &str, property: &str, kind: &str, value: String, default: String| {
        vec![
            ("parent_property", text(parent.to_owned())),
            ("property", text(property.to_owned())),
            ("property_type", text(kind.to_owned())),
            ("property_value", text(value)),
            ("property_default", text(default)),
        ]
    };
    let mut rows = Vec::new();
    let options = match formats::format_name(&stage.file_format)? {
        Some(name) => {
            let name = name.to_string();
            rows.push(row(
                "STAGE_FILE_FORMAT",
                "FORMAT_NAME",
                "String",
                name,
                String::new(),
            ));
            ""
        }
        None => &stage.file_format,
    };
    if rows.is_empty() {
        for [property, kind, value, default] in formats::described(options)? {
            rows.push(row("STAGE_FILE_FORMAT", &property, &kind, value, default));
        }
    }
    if let Some(url) = &stage.url {
        let value = serde_json::json!([url]).to_string();
        rows.push(row("STAGE_LOCATION", "URL", "String", value, String::new()));
    }
    if let Some(integration) = &stage.integration {
        let (parent, value) = ("STAGE_INTEGRATION", integration.clone());
        rows.push(row(
            parent,
            "STORAGE_INTEGRATION",
            "String",
            value,
            String::new(),
        ));
    }
    Ok(table(rows, &[]))
}

fn describe_procedure(procedure: &Procedure) -> QueryResult {
    let parameters = procedure.parameters.iter();
    let signature: Vec<String> = parameters
        .map(|p| format!("{} {}", p.name, p.kind))
        .collect();
    let returns = procedure.returns.as_ref();
    let rows = [
        ("signature", format!("({})", signature.join(", "))),
        (
            "returns",
            returns.map_or("TABLE ()".to_owned(), ToString::to_string),
        ),
        ("language", "SQL".to_owned()),
        ("null handling", "CALLED ON NULL INPUT".to_owned()),
        ("volatility", "VOLATILE".to_owned()),
        (
            "execute as",
            if procedure.callers_rights {
                "CALLER"
            } else {
                "OWNER"
            }
            .to_owned(),
        ),
        ("body", procedure.body.clone()),
    ];
    let row = |(property, value): (&str, String)| {
        vec![
            ("property", text(property.to_owned())),
            ("value", text(value)),
        ]
    };
    table(rows.into_iter().map(row).collect(), &[])
}

fn describe_user(object: &Object, user: &User) -> QueryResult {
    let row = |(property, value): (&str, Option<String>)| {
        vec![
            ("property", text(property.to_owned())),
            ("value", text(value.unwrap_or_else(|| "null".to_owned()))),
        ]
    };
    let has_key = |at: usize| Some(user.public_keys[at].is_some().to_string());
    let rows = [
        ("NAME", Some(object.short().to_owned())),
        ("COMMENT", object.comment.clone()),
        ("TYPE", user.service.then(|| "SERVICE".to_owned())),
        ("DISABLED", Some(user.disabled.to_string())),
        ("DEFAULT_WAREHOUSE", user.default_warehouse.clone()),
        ("DEFAULT_NAMESPACE", user.default_namespace.clone()),
        ("DEFAULT_ROLE", user.default_role.clone()),
        ("HAS_RSA_PUBLIC_KEY", has_key(0)),
        ("HAS_RSA_PUBLIC_KEY_2", has_key(1)),
    ];
    table(rows.into_iter().map(row).collect(), &[])
}

/// What lies in a database or schema.
fn describe_container(context: &Context<'_>, container: &Object) -> QueryResult {
    let depth = container.path.len() + 1;
    let row = |created: i64, name: &str, kind: &str| {
        vec![
            ("created_on", Value::TimestampLtz(created)),
            ("name", text(name.to_owned())),
            ("kind", text(kind.to_uppercase().replace(' ', "_"))),
        ]
    };
    let mut rows = Vec::new();
    for object in context.snapshot.catalog.within(&container.path) {
        if object.path.len() == depth && context.find(object.kind, &object.name()).is_ok() {
            let name = object.short().split('(').next().unwrap_or_default();
            rows.push(row(object.created_micros, name, object.kind.noun()));
        }
    }
    if container.kind == Kind::Database {
        rows.push(row(context.snapshot.now, "INFORMATION_SCHEMA", "SCHEMA"));
    }
    table(rows, &["created_on", "name", "kind"])
}
