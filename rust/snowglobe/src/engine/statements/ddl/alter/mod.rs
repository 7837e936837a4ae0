//! ALTER: what all objects share is here.
//!
//! - `table`: ALTER TABLE
//! - `operation`: what runs: tasks, pipes, warehouses

mod operation;
mod table;

use super::create::{STAGE_REFUSED, user_properties, warehouse_properties};
use super::{change, owned};
use crate::engine::catalog::signature;
use crate::engine::catalog::{Body, Kind, Object};
use crate::engine::compile::Variables;
use crate::engine::files::formats;
use crate::engine::session::Session;
use crate::sql::cursor::Cursor;
use crate::sql::properties::Properties;
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::{Binds, QueryResult};

use operation::{pipe, task, warehouse};
use table::{table, table_properties};

/// Runs what follows `ALTER`.
pub(super) fn run(session: &mut Session, mut cursor: Cursor<'_>) -> Result<QueryResult> {
    let kind = Kind::parse(&mut cursor)?;
    let if_exists = cursor.accept("IF EXISTS");
    let mut name = cursor.name()?;
    if kind == Kind::Procedure {
        signature::read(&mut name, &mut cursor)?;
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
                if o.short() == session.user || context.names.roles.contains("ACCOUNTADMIN") {
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

pub(super) fn rename(
    session: &mut Session,
    mut cursor: Cursor<'_>,
    object: &Object,
) -> Result<QueryResult> {
    let mut new = cursor.name()?;
    cursor.end()?;
    if let Body::Procedure(procedure) = &object.body {
        signature::sign(&mut new, &procedure.parameters);
    }
    let (binds, variables) = (Binds::default(), Variables::new());
    let context = session.context(&binds, &variables);
    let path = context.full_path(object.kind, &new)?;
    if context.snapshot.catalog.find(object.kind, &path).is_some() {
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
pub(super) fn set(
    session: &mut Session,
    mut cursor: Cursor<'_>,
    object: &Object,
) -> Result<QueryResult> {
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
            options,
            enabled,
            locations,
            blocked,
            external_id,
        } => {
            if let Some(new) = properties.take_text("STORAGE_AWS_ROLE_ARN")? {
                *options = new;
            }
            if let Some(new) = properties.take_text("STORAGE_AWS_EXTERNAL_ID")? {
                *external_id = Some(new);
            }
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
