//! SHOW and DESCRIBE.

use std::sync::Arc;

use super::catalog::{Body, GrantTarget, Kind, Member, Object, Procedure, Stage};
use super::compile::Context;
use super::ddl;
use super::dml::Variables;
use super::error::{Result, SnowflakeError};
use super::script;
use super::session::Session;
use super::value::{Binds, ColumnMeta, QueryResult, SnowflakeType, StatementKind, Value};
use super::{formats, pipes, storage, timetravel};
use crate::sql::cursor::Cursor;

/// A text, or null.
fn text(value: impl Into<Option<String>>) -> Value {
    value.into().map_or(Value::Null, Value::Text)
}

fn yes(flag: bool) -> Value {
    Value::Text(flag.to_string())
}

type Cells = Vec<(&'static str, Value)>;

fn table(rows: Vec<Cells>, names: &[&'static str]) -> QueryResult {
    let names: Vec<&str> = rows.first().map_or_else(
        || names.to_vec(),
        |row| row.iter().map(|(n, _)| *n).collect(),
    );
    let kind = |at: usize| {
        let found = rows
            .iter()
            .map(|row| &row[at].1)
            .find(|v| **v != Value::Null);
        match found {
            Some(Value::TimestampLtz(_)) => SnowflakeType::LTZ,
            Some(Value::Number(_)) => SnowflakeType::INTEGER,
            _ => SnowflakeType::TEXT,
        }
    };
    let columns = names
        .iter()
        .enumerate()
        .map(|(at, name)| ColumnMeta::new(*name, kind(at)))
        .collect();
    let rows = rows
        .into_iter()
        .map(|row| row.into_iter().map(|(_, v)| v).collect())
        .collect();
    QueryResult {
        columns,
        rows,
        kind: StatementKind::Show,
        ..QueryResult::default()
    }
}

/// Runs the statement.
pub(crate) fn run(session: &mut Session, mut cursor: Cursor<'_>) -> Result<QueryResult> {
    if cursor.identifier()? != "SHOW" {
        return describe(session, cursor);
    }
    cursor.accept("TERSE");
    let (binds, variables) = (Binds::default(), Variables::new());
    if cursor.accept("PARAMETERS") {
        return parameters(session, &mut cursor);
    }
    let context = session.context(&binds, &variables);
    if cursor.accept("GRANTS") {
        return grants(&context, cursor);
    }
    if cursor.accept("TRANSACTIONS") || cursor.accept("LOCKS") || cursor.accept("VARIABLES") {
        return Err(SnowflakeError::unsupported(
            "SHOW of transactions, locks or variables",
        ));
    }
    if cursor.accept("COLUMNS") {
        return columns(&context, cursor);
    }
    let word = cursor.identifier()?;
    let kind = match word.as_str() {
        "FILE" => {
            cursor.expect("FORMATS")?;
            Kind::FileFormat
        }
        "OBJECTS" => Kind::Table,
        "STORAGE" => {
            cursor.expect("INTEGRATIONS")?;
            Kind::Integration
        }
        _ => Kind::of_words(word.strip_suffix('S').unwrap_or(&word))
            .ok_or_else(|| SnowflakeError::unsupported(format!("SHOW {word}")))?,
    };
    let filter = Filter::parse(&context, &mut cursor, kind)?;
    let mut rows = Vec::new();
    for object in context.catalog.all(kind) {
        if filter.takes(object) && context.find(kind, &object.name()).is_ok() {
            rows.push(row(&context, object)?);
        }
    }
    if let Some(limit) = filter.limit {
        rows.truncate(limit);
    }
    Ok(table(
        rows,
        &[
            "created_on",
            "name",
            "database_name",
            "schema_name",
            "owner",
            "comment",
        ],
    ))
}

/// `LIKE 'pattern' IN … STARTS WITH … LIMIT …`
struct Filter {
    like: Option<String>,
    starts: Option<String>,
    within: Vec<String>,
    limit: Option<usize>,
}

impl Filter {
    fn parse(context: &Context<'_>, cursor: &mut Cursor<'_>, kind: Kind) -> Result<Self> {
        let mut filter = Self {
            like: None,
            starts: None,
            within: Vec::new(),
            limit: None,
        };
        let mut is_in = false;
        loop {
            if cursor.accept("LIKE") {
                filter.like = Some(cursor.text()?.to_uppercase());
            } else if cursor.accept("STARTS WITH") {
                filter.starts = Some(cursor.text()?);
            } else if cursor.accept("LIMIT") {
                filter.limit = usize::try_from(cursor.integer()?).ok();
            } else if cursor.accept("IN") {
                is_in = true;
                if cursor.accept("ACCOUNT") {
                    continue;
                }
                let container = if cursor.accept("DATABASE") {
                    Kind::Database
                } else {
                    Kind::Schema
                };
                cursor.accept("SCHEMA");
                if cursor.is_done() {
                    filter.within.extend(context.database.clone());
                    if container == Kind::Schema {
                        filter.within.extend(context.schema.clone());
                    }
                } else {
                    let name = cursor.name()?;
                    let found = context.find(container, &name).or_else(|e| {
                        if kind == Kind::Schema {
                            context.find(Kind::Database, &name)
                        } else {
                            Err(e)
                        }
                    })?;
                    filter.within.clone_from(&found.path);
                }
            } else {
                break;
            }
        }
        cursor.end()?;
        // Without IN, SHOW looks where the session is.
        if !is_in && kind.name_parts() > 1 {
            filter.within.extend(context.database.clone());
            if kind.name_parts() == 3 && context.database.is_some() {
                filter.within.extend(context.schema.clone());
            }
        }
        Ok(filter)
    }

    fn takes(&self, object: &Object) -> bool {
        let name = object.short();
        // A procedure's own name ends before its argument types.
        let name = name.split('(').next().unwrap_or_default();
        object.path.starts_with(&self.within)
            && self.starts.as_ref().is_none_or(|s| name.starts_with(s))
            && self
                .like
                .as_ref()
                .is_none_or(|pattern| like(&name.to_uppercase(), pattern))
    }
}

/// SQL's LIKE.
fn like(text: &str, pattern: &str) -> bool {
    let mut chars = pattern.chars();
    match chars.next() {
        None => text.is_empty(),
        Some('%') => (0..=text.len())
            .filter(|at| text.is_char_boundary(*at))
            .any(|at| like(&text[at..], chars.as_str())),
        Some('_') => text
            .chars()
            .next()
            .is_some_and(|c| like(&text[c.len_utf8()..], chars.as_str())),
        Some(c) => text
            .strip_prefix(c)
            .is_some_and(|rest| like(rest, chars.as_str())),
    }
}

fn row(context: &Context<'_>, object: &Object) -> Result<Cells> {
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
            let base = context.catalog.by_id(stream.table);
            let stale_after = base.map(|base| timetravel::stale_after(context, object, base));
            cells.push(("stale", yes(stale_after.is_none_or(|at| context.now > at))));
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
            cells.push(("start", Value::Number((*start).into())));
            cells.push(("interval", Value::Number((*step).into())));
        }
        Body::Pipe(pipe) => {
            cells.push(("definition", text(pipe.copy.clone())));
            let channel = pipe
                .auto_ingest
                .then(|| format!("arn:aws:sqs:local:000000000000:snowglobe-{}", object.id));
            cells.push(("notification_channel", text(channel)));
            cells.push((
                "pattern",
                text(pipes::pattern(&context.shared, object, pipe)),
            ));
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
            let running =
                context
                    .shared
                    .warehouses
                    .is_running(&context.shared, object.short(), warehouse);
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

fn parameters(session: &Session, cursor: &mut Cursor<'_>) -> Result<QueryResult> {
    let like_pattern = if cursor.accept("LIKE") {
        Some(cursor.text()?.to_uppercase())
    } else {
        None
    };
    if cursor.accept("IN") {
        cursor.expect("SESSION")?;
    }
    cursor.end()?;
    let rows = session
        .parameters
        .all()
        .filter(|(name, _, _)| like_pattern.as_ref().is_none_or(|p| like(name, p)));
    let row = |(key, value, default): (&str, String, &str)| {
        vec![
            ("key", text(key.to_owned())),
            ("value", text(value)),
            ("default", text(default.to_owned())),
        ]
    };
    Ok(table(rows.map(row).collect(), &["key", "value", "default"]))
}

fn grants(context: &Context<'_>, mut cursor: Cursor<'_>) -> Result<QueryResult> {
    const NAMES: &[&str] = &[
        "privilege",
        "granted_on",
        "name",
        "granted_to",
        "grantee_name",
        "grant_option",
    ];
    let grant_row = |grant: &super::catalog::Grant| {
        let (on, name) = match &grant.on {
            GrantTarget::Account => ("ACCOUNT".to_owned(), context.shared.options.account.clone()),
            GrantTarget::Object(id) => {
                let object = context.catalog.by_id(*id);
                (
                    object.map_or(String::new(), |o| o.kind.noun().to_uppercase()),
                    object.map_or(String::new(), |o| o.name().to_string()),
                )
            }
            GrantTarget::Future(kind, path) => (
                kind.noun().to_uppercase(),
                format!("{}.<{}>", path.join("."), kind.noun().to_uppercase()),
            ),
        };
        vec![
            ("privilege", text(grant.privilege.clone())),
            ("granted_on", text(on)),
            ("name", text(name)),
            ("granted_to", text("ROLE".to_owned())),
            ("grantee_name", text(grant.role.clone())),
            ("grant_option", yes(grant.with_grant_option)),
        ]
    };
    let owner_row = |object: &Arc<Object>| {
        vec![
            ("privilege", text("OWNERSHIP".to_owned())),
            ("granted_on", text(object.kind.noun().to_uppercase())),
            ("name", text(object.name().to_string())),
            ("granted_to", text("ROLE".to_owned())),
            ("grantee_name", text(object.owner.clone())),
            ("grant_option", yes(true)),
        ]
    };
    if cursor.accept("TO USER") || cursor.accept("OF ROLE") {
        let name = cursor.name()?;
        let found = context.catalog.role_members().filter(|(role, member)| {
            *member == Member::User(name.last().to_owned()) || role == name.last()
        });
        let row = |(role, member): &(String, Member)| {
            let (kind, who) = match member {
                Member::Role(who) => ("ROLE", who),
                Member::User(who) => ("USER", who),
            };
            vec![
                ("role", text(role.clone())),
                ("granted_to", text(kind.to_owned())),
                ("grantee_name", text(who.clone())),
            ]
        };
        return Ok(table(
            found.map(row).collect(),
            &["role", "granted_to", "grantee_name"],
        ));
    }
    if cursor.accept("TO ROLE") {
        let role = context
            .find(Kind::Role, &cursor.name()?)?
            .short()
            .to_owned();
        cursor.end()?;
        let rows = context
            .catalog
            .grants()
            .filter(|g| g.role == role)
            .map(grant_row)
            .collect();
        return Ok(table(rows, NAMES));
    }
    cursor.expect("ON")?;
    if cursor.accept("ACCOUNT") {
        return Ok(table(
            context
                .catalog
                .grants()
                .filter(|g| g.on == GrantTarget::Account)
                .map(grant_row)
                .collect(),
            NAMES,
        ));
    }
    let kind = ddl::kind(&mut cursor)?;
    let mut name = cursor.name()?;
    if kind == Kind::Procedure {
        script::add_signature(&mut name, &mut cursor)?;
    }
    cursor.end()?;
    let object = context.find(kind, &name)?;
    let mut rows = vec![owner_row(&object)];
    rows.extend(
        context
            .catalog
            .grants()
            .filter(|g| g.on == GrantTarget::Object(object.id))
            .map(grant_row),
    );
    Ok(table(rows, NAMES))
}

fn columns(context: &Context<'_>, mut cursor: Cursor<'_>) -> Result<QueryResult> {
    cursor.expect("IN")?;
    let _ = cursor.accept("TABLE") || cursor.accept("VIEW");
    let object = context.find_relation(&cursor.name()?)?;
    cursor.end()?;
    let row = |column: ColumnMeta| {
        vec![
            ("table_name", text(object.short().to_owned())),
            ("schema_name", text(object.path[1].clone())),
            ("column_name", text(column.name)),
            (
                "data_type",
                text(format!(
                    "{{\"type\":\"{}\",\"nullable\":{}}}",
                    column.kind, column.nullable
                )),
            ),
            ("database_name", text(object.path[0].clone())),
        ]
    };
    Ok(table(
        described(context, &object)?.into_iter().map(row).collect(),
        &[
            "table_name",
            "schema_name",
            "column_name",
            "data_type",
            "database_name",
        ],
    ))
}

fn described(context: &Context<'_>, object: &Object) -> Result<Vec<ColumnMeta>> {
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

fn describe(session: &mut Session, mut cursor: Cursor<'_>) -> Result<QueryResult> {
    let (binds, variables) = (Binds::default(), Variables::new());
    let context = session.context(&binds, &variables);
    if cursor.accept("RESULT") {
        return Err(SnowflakeError::unsupported("DESCRIBE RESULT"));
    }
    let kind = ddl::kind(&mut cursor)?;
    let mut name = cursor.name()?;
    if kind == Kind::Procedure {
        script::add_signature(&mut name, &mut cursor)?;
    }
    cursor.end()?;
    let object = match kind {
        Kind::Table | Kind::View => context.find_relation(&name)?,
        _ => context.find(kind, &name)?,
    };
    if matches!(object.kind, Kind::Table | Kind::View) {
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
                ("comment", text(stored.and_then(|c| c.comment.clone()))),
            ]
        };
        return Ok(table(
            described(&context, &object)?
                .into_iter()
                .enumerate()
                .map(row)
                .collect(),
            &["name", "type", "kind", "null?"],
        ));
    }
    if let Body::Integration {
        options,
        enabled,
        locations,
        blocked,
    } = &object.body
    {
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
            property(
                "STORAGE_AWS_IAM_USER_ARN",
                "String",
                "arn:aws:iam::000000000000:user/snowglobe".to_owned(),
            ),
            property("STORAGE_AWS_ROLE_ARN", "String", options.clone()),
            property(
                "STORAGE_AWS_EXTERNAL_ID",
                "String",
                format!("SNOWGLOBE_{}", object.id),
            ),
        ];
        return Ok(table(rows, &[]));
    }
    match &object.body {
        Body::Procedure(procedure) => return Ok(describe_procedure(procedure)),
        Body::FileFormat { options } => return describe_format(options),
        Body::Stage(stage) => return describe_stage(stage),
        _ => {}
    }
    let cells = row(&context, &object)?;
    Ok(table(vec![cells], &[]))
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
