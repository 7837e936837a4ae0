//! ALTER.

use super::create::{STAGE_REFUSED, full_task_name, user_properties, warehouse_properties};
use super::table::column_definition;
use super::{change, kind, owned};
use crate::engine::catalog::{Body, Kind, Object, Table};
use crate::engine::dml::{self, Variables};
use crate::engine::error::{Result, SnowflakeError};
use crate::engine::session::Session;
use crate::engine::value::{Binds, QueryResult, Value};
use crate::engine::{formats, pipes, script, storage, tasks};
use crate::sql::cursor::{Cursor, literal, quoted};
use crate::sql::properties::Properties;
use crate::sql::types;

/// Runs what follows `ALTER`.
pub(super) fn run(session: &mut Session, mut cursor: Cursor<'_>) -> Result<QueryResult> {
    let kind = kind(&mut cursor)?;
    let if_exists = cursor.accept("IF EXISTS");
    let mut name = cursor.name()?;
    if kind == Kind::Procedure {
        script::add_signature(&mut name, &mut cursor)?;
    }
    let found = match kind {
        // Others than the owner may operate these.
        Kind::Task | Kind::Pipe | Kind::Warehouse => {
            let (binds, variables) = (Binds::default(), Variables::new());
            let context = session.context(&binds, &variables);
            context.find(kind, &name).and_then(|o| {
                context
                    .require(&o, "OPERATE")
                    .or_else(|e| {
                        if kind == Kind::Warehouse {
                            context.require(&o, "MODIFY")
                        } else {
                            Err(e)
                        }
                    })
                    .map(|()| o)
            })
        }
        Kind::User => {
            let (binds, variables) = (Binds::default(), Variables::new());
            let context = session.context(&binds, &variables);
            context.find(kind, &name).and_then(|o| {
                if o.short() == session.user || context.roles.contains("ACCOUNTADMIN") {
                    Ok(o)
                } else {
                    context.require(&o, "OWNERSHIP").map(|()| o)
                }
            })
        }
        _ => owned(session, kind, &name),
    };
    let object = match found {
        Err(error) if if_exists && matches!(error.code, "002003" | "002043") => {
            return Ok(QueryResult::status("Statement executed successfully."));
        }
        found => found?,
    };
    if cursor.accept("RENAME TO") {
        return rename(session, cursor, &object);
    }
    match kind {
        Kind::Table => table(session, cursor, &object),
        Kind::Task => task(session, cursor, &object),
        Kind::Pipe => pipe(session, cursor, &object),
        Kind::Warehouse => warehouse(session, cursor, &object),
        Kind::Procedure if cursor.accept("EXECUTE AS") => rights(session, cursor, &object),
        _ => set(session, cursor, &object),
    }
}

fn rename(session: &mut Session, mut cursor: Cursor<'_>, object: &Object) -> Result<QueryResult> {
    let mut new = cursor.name()?;
    cursor.end()?;
    if let Body::Procedure(procedure) = &object.body {
        script::sign(&mut new, &procedure.parameters);
    }
    let (binds, variables) = (Binds::default(), Variables::new());
    let context = session.context(&binds, &variables);
    let path = context.full_path(object.kind, &new)?;
    if context.catalog.find(object.kind, &path).is_some() {
        return Err(SnowflakeError::exists(new));
    }
    drop(context);
    if object.kind == Kind::Warehouse {
        let (old, new) = (object.short(), path[0].as_str());
        session.shared.warehouses.rename(old, new);
        if session.warehouse.as_deref() == Some(old) {
            session.warehouse = Some(new.to_owned());
        }
    }
    session.shared.change_catalog(|catalog| {
        let depth = object.path.len();
        for inner in catalog.within(&object.path) {
            if matches!(object.kind, Kind::Database | Kind::Schema) {
                catalog.update(inner.id, |o| {
                    o.path.splice(..depth, path.iter().cloned()).for_each(drop)
                });
            }
        }
        catalog.update(object.id, |o| o.path.clone_from(&path));
        Ok(())
    })?;
    Ok(QueryResult::status("Statement executed successfully."))
}

/// `EXECUTE AS` of a procedure.
fn rights(session: &Session, mut cursor: Cursor<'_>, object: &Object) -> Result<QueryResult> {
    let callers = cursor.accept("CALLER");
    if !callers {
        cursor.expect("OWNER")?;
    }
    cursor.end()?;
    change(session, object, |o| {
        if let Body::Procedure(procedure) = &mut o.body {
            procedure.callers_rights = callers;
        }
    })
}

/// `SET key = value` and `UNSET key` of what is nothing but properties.
fn set(session: &mut Session, mut cursor: Cursor<'_>, object: &Object) -> Result<QueryResult> {
    if cursor.accept("UNSET") {
        let key = cursor.identifier()?;
        cursor.end()?;
        return match (key.as_str(), &object.body) {
            ("COMMENT", _) => change(session, object, |o| o.comment = None),
            ("RSA_PUBLIC_KEY" | "RSA_PUBLIC_KEY_2", Body::User(_)) => {
                change(session, object, |o| {
                    if let Body::User(user) = &mut o.body {
                        user.public_keys[usize::from(key.ends_with("_2"))] = None;
                    }
                })
            }
            _ => Err(SnowflakeError::unsupported(format!("UNSET {key}"))),
        };
    }
    cursor.expect("SET")?;
    let mut properties = Properties::parse(&mut cursor)?;
    cursor.end()?;
    let mut new = object.clone();
    if let Some(comment) = properties.take_text("COMMENT")? {
        new.comment = Some(comment);
    }
    match &mut new.body {
        Body::User(user) => user_properties(user, &mut properties)?,
        Body::Warehouse(warehouse) => warehouse_properties(warehouse, &mut properties)?,
        Body::Stage(stage) => {
            if let Some(url) = properties.take_text("URL")? {
                stage.url = Some(url);
            }
            if let Some(integration) = properties.take_text("STORAGE_INTEGRATION")? {
                stage.integration = Some(integration);
            }
            if let Some(format) = properties.take("FILE_FORMAT") {
                stage.file_format = formats::option_text(format)?;
            }
            properties.refuse(STAGE_REFUSED)?;
        }
        Body::Integration {
            enabled,
            locations,
            blocked,
            ..
        } => {
            if let Some(new) = properties.take_bool("ENABLED")? {
                *enabled = new;
            }
            if let Some(new) = properties.take_list("STORAGE_ALLOWED_LOCATIONS")? {
                *locations = new;
            }
            if let Some(new) = properties.take_list("STORAGE_BLOCKED_LOCATIONS")? {
                *blocked = new;
            }
        }
        Body::Table(table) => table_properties(table, &mut properties)?,
        Body::FileFormat { options } => {
            let new = formats::take_options(&mut properties)?;
            *options = formats::merged(options, &new)?;
        }
        _ => {}
    }
    properties.end()?;
    change(session, object, |o| *o = new)
}

fn table_properties(table: &mut Table, properties: &mut Properties) -> Result<()> {
    if let Some(days) = properties.take_integer("DATA_RETENTION_TIME_IN_DAYS")? {
        table.retention_days = days;
    }
    if let Some(tracking) = properties.take_bool("CHANGE_TRACKING")? {
        table.change_tracking = tracking;
    }
    Ok(())
}

fn table(session: &mut Session, mut cursor: Cursor<'_>, object: &Object) -> Result<QueryResult> {
    if cursor.at_words("SET") || cursor.at_words("UNSET") {
        return set(session, cursor, object);
    }
    session.wait_for_table(object)?;
    let id = object.id;
    let mut new = object.clone();
    let Body::Table(body) = &mut new.body else {
        return Err(cursor.unexpected());
    };
    let mut statements = Vec::new();
    if cursor.accept("ADD") {
        cursor.accept("COLUMN");
        loop {
            let if_not_exists = cursor.accept("IF NOT EXISTS");
            let column = column_definition(&mut cursor)?;
            if body.columns.iter().any(|c| c.name == column.name) {
                if !if_not_exists {
                    return Err(SnowflakeError::new(
                        "001430",
                        "42601",
                        format!(
                            "SQL compilation error:\ncolumn '{}' already exists",
                            column.name
                        ),
                    ));
                }
            } else {
                statements.push(add_column(session, id, &column)?);
                body.columns.push(column);
            }
            if !cursor.accept_token(&sqlparser::tokenizer::Token::Comma) {
                break;
            }
            cursor.accept("COLUMN");
        }
    } else if cursor.accept("DROP") {
        cursor.accept("COLUMN");
        let if_exists = cursor.accept("IF EXISTS");
        let name = cursor.identifier()?;
        match dml::column(object, &name) {
            Err(error) if !if_exists => return Err(error),
            Err(_) => {}
            Ok(_) => {
                statements.push(format!(
                    "alter table \"T{id}\" drop column {}",
                    quoted(&name)
                ));
                body.columns.retain(|c| c.name != name);
            }
        }
    } else if cursor.accept("RENAME COLUMN") {
        let old = cursor.identifier()?;
        cursor.expect("TO")?;
        let name = cursor.identifier()?;
        dml::column(object, &old)?;
        statements.push(format!(
            "alter table \"T{id}\" rename column {} to {}",
            quoted(&old),
            quoted(&name)
        ));
        body.columns
            .iter_mut()
            .filter(|c| c.name == old)
            .for_each(|c| c.name.clone_from(&name));
    } else if cursor.accept("ALTER") || cursor.accept("MODIFY") {
        statements.push(alter_column(&mut cursor, object, body)?);
    } else if cursor.accept("CLUSTER BY") {
        body.cluster_by = Some(cursor.parenthesized()?.0.to_owned());
    } else if cursor.accept("DROP CLUSTERING KEY") {
        body.cluster_by = None;
    } else {
        return Err(SnowflakeError::unsupported(format!(
            "ALTER TABLE … {}",
            cursor.rest_text()
        )));
    }
    cursor.end()?;
    session.shared.change_storage(|catalog, connection| {
        for statement in statements.iter().filter(|s| !s.is_empty()) {
            storage::run(connection, statement)?;
        }
        catalog.update(id, |o| *o = new);
        Ok(())
    })?;
    Ok(QueryResult::status("Statement executed successfully."))
}

fn add_column(
    session: &Session,
    id: u64,
    column: &crate::engine::catalog::Column,
) -> Result<String> {
    if column.identity {
        return Err(SnowflakeError::unsupported(
            "adding an AUTOINCREMENT column",
        ));
    }
    let (binds, variables) = (Binds::default(), Variables::new());
    if !column.nullable && column.default.is_none() {
        let rows = storage::count(
            &session.connection,
            &format!("select count(*) from \"T{id}\""),
        )?;
        if rows > 0 {
            return Err(SnowflakeError::new(
                "002108",
                "22000",
                format!(
                    "SQL compilation error:\nNon-nullable column '{}' cannot be added to non-empty table.",
                    column.name
                ),
            ));
        }
    }
    let (name, kind) = (quoted(&column.name), types::duckdb(&column.kind));
    let mut sql = format!("alter table \"T{id}\" add column {name} {kind}");
    if let Some(default) = &column.default {
        // DuckDB wants a constant, and gives it to the rows that are there.
        let default = session.context(&binds, &variables).expression(default)?;
        let value = types::store(&default, &column.kind);
        let found = storage::query(
            &session.connection,
            &format!("select cast({value} as varchar)"),
        )?;
        if let Some(Value::Text(text)) = found.rows.first().and_then(|row| row.first()) {
            sql += &format!(" default cast({} as {kind})", literal(text));
        }
    }
    if !column.nullable {
        sql += &format!("; alter table \"T{id}\" alter column {name} set not null");
    }
    Ok(sql)
}

fn alter_column(cursor: &mut Cursor<'_>, object: &Object, body: &mut Table) -> Result<String> {
    cursor.accept("COLUMN");
    let name = cursor.identifier()?;
    dml::column(object, &name)?;
    let Some(column) = body.columns.iter_mut().find(|c| c.name == name) else {
        return Err(cursor.unexpected());
    };
    let physical = format!(
        "alter table \"T{}\" alter column {}",
        object.id,
        quoted(&name)
    );
    if cursor.accept("SET NOT NULL") {
        column.nullable = false;
        return Ok(format!("{physical} set not null"));
    }
    if cursor.accept("DROP NOT NULL") {
        column.nullable = true;
        return Ok(format!("{physical} drop not null"));
    }
    if cursor.accept("COMMENT") {
        column.comment = Some(cursor.text()?);
        return Ok(String::new());
    }
    if cursor.accept("DROP DEFAULT") {
        column.default = None;
        return Ok(String::new());
    }
    let _ = cursor.accept("SET DATA") || cursor.accept("SET");
    cursor.expect("TYPE")?;
    let kind = types::parse(cursor)?;
    use crate::engine::value::SnowflakeType::{Number, Varchar};
    let wider = match (&column.kind, &kind) {
        (Varchar { length: old }, Varchar { length: new }) => new >= old,
        (
            Number {
                precision: p,
                scale: s,
            },
            Number {
                precision: np,
                scale: ns,
            },
        ) => s == ns && np >= p,
        (old, new) => old == new,
    };
    if !wider {
        return Err(SnowflakeError::new(
            "002219",
            "42601",
            format!(
                "SQL compilation error:\ncannot change column {name} from type {} to {kind}",
                column.kind
            ),
        ));
    }
    let same = types::duckdb(&column.kind) == types::duckdb(&kind);
    column.kind = kind;
    Ok(if same {
        String::new()
    } else {
        format!("{physical} type {}", types::duckdb(&column.kind))
    })
}

fn task(session: &mut Session, mut cursor: Cursor<'_>, object: &Object) -> Result<QueryResult> {
    let mut new = object.clone();
    let Body::Task(body) = &mut new.body else {
        return Err(cursor.unexpected());
    };
    if cursor.accept("RESUME") {
        tasks::require_execute(session, object)?;
        tasks::check_starts(body)?;
        body.started = true;
        body.failures = 0;
        body.resumed_micros = session.shared.options.clock.now_micros();
    } else if cursor.accept("SUSPEND") {
        body.started = false;
    } else if cursor.accept("ADD AFTER") {
        body.after.push(full_task_name(session, &cursor.name()?)?);
    } else if cursor.accept("REMOVE AFTER") {
        let gone = full_task_name(session, &cursor.name()?)?;
        body.after.retain(|name| *name != gone);
    } else if cursor.accept("MODIFY AS") {
        cursor.rest_text().clone_into(&mut body.body);
        while cursor.next().is_some() {}
    } else if cursor.accept("MODIFY WHEN") {
        body.when = Some(cursor.rest_text().to_owned());
        while cursor.next().is_some() {}
    } else if cursor.accept("REMOVE WHEN") {
        body.when = None;
    } else if cursor.accept("UNSET") {
        match cursor.identifier()?.as_str() {
            "SCHEDULE" => body.schedule = None,
            "WAREHOUSE" => body.warehouse = None,
            "COMMENT" => new.comment = None,
            other => return Err(SnowflakeError::unsupported(format!("UNSET {other}"))),
        }
    } else {
        cursor.expect("SET")?;
        let mut properties = Properties::parse(&mut cursor)?;
        if let Some(comment) = properties.take_text("COMMENT")? {
            new.comment = Some(comment);
        }
        tasks::set_properties(body, &mut properties)?;
        properties.end()?;
    }
    cursor.end()?;
    if let Body::Task(body) = &new.body {
        tasks::check(body)?;
    }
    let before = match &new.body {
        Body::Task(body) => body.after.clone(),
        _ => Vec::new(),
    };
    let catalog = session.shared.catalog();
    tasks::check_change(&catalog, catalog.by_id(object.id), &before)?;
    let changed = change(session, object, |o| *o = new);
    session.shared.options.clock.wake();
    changed
}

fn pipe(session: &mut Session, mut cursor: Cursor<'_>, object: &Object) -> Result<QueryResult> {
    if cursor.accept("REFRESH") {
        let mut properties = Properties::parse(&mut cursor)?;
        cursor.end()?;
        let prefix = properties.take_text("PREFIX")?.unwrap_or_default();
        let modified_after = properties.take_text("MODIFIED_AFTER")?;
        properties.end()?;
        return pipes::refresh(session, object, &prefix, modified_after.as_deref());
    }
    cursor.expect("SET")?;
    let mut properties = Properties::parse(&mut cursor)?;
    cursor.end()?;
    let paused = properties.take_bool("PIPE_EXECUTION_PAUSED")?;
    let comment = properties.take_text("COMMENT")?;
    properties.end()?;
    let changed = change(session, object, |o| {
        if let (Body::Pipe(pipe), Some(paused)) = (&mut o.body, paused) {
            pipe.paused = paused;
        }
        if comment.is_some() {
            o.comment = comment;
        }
    });
    session.shared.pipes.wake();
    changed
}

fn warehouse(
    session: &mut Session,
    mut cursor: Cursor<'_>,
    object: &Object,
) -> Result<QueryResult> {
    let Body::Warehouse(body) = &object.body else {
        return Err(cursor.unexpected());
    };
    let shared = std::sync::Arc::clone(&session.shared);
    let suspend = cursor.accept("SUSPEND");
    if suspend || cursor.accept("RESUME") {
        let _ = cursor.accept("IF SUSPENDED");
        cursor.end()?;
        if suspend {
            shared.warehouses.suspend(&shared, object.short(), body)?;
        }
        let changed = change(session, object, |o| {
            if let Body::Warehouse(warehouse) = &mut o.body {
                warehouse.suspended = suspend;
            }
        })?;
        if !suspend {
            shared
                .warehouses
                .use_one(&shared, Some(object.short()), None)?;
        }
        return Ok(changed);
    }
    set(session, cursor, object)
}
