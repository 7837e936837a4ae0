//! CREATE, ALTER, DROP, UNDROP and COMMENT.

mod alter;
mod create;
mod drop;
mod table;

use std::sync::Arc;

use duckdb::Connection;

use crate::engine::catalog::{Body, Catalog, Kind, Object};
use crate::engine::compile::Context;
use crate::engine::compile::Variables;
use crate::engine::session::Session;
use crate::engine::storage;
use crate::sql::cursor::{Cursor, Name};
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::{Binds, QueryResult};

/// Runs the statement. `text` is all of it.
pub(crate) fn run(
    session: &mut Session,
    mut cursor: Cursor<'_>,
    text: &str,
    variables: &Variables,
) -> Result<QueryResult> {
    let word = cursor.identifier()?;
    match word.as_str() {
        "CREATE" => create::run(session, cursor, text, variables),
        "ALTER" => alter::run(session, cursor),
        "DROP" => drop::run(session, cursor),
        "UNDROP" => drop::undrop(session, cursor),
        _ => comment(session, cursor),
    }
}

/// An object about to be made.
pub(crate) struct New {
    pub kind: Kind,
    pub name: Name,
    pub or_replace: bool,
    pub if_not_exists: bool,
    pub comment: Option<String>,
    pub body: Body,
}

/// Makes the object. `prepare` lays down what it keeps in DuckDB; it gets the new id.
pub(crate) fn make(
    session: &mut Session,
    new: New,
    prepare: impl FnOnce(&Connection, u64) -> Result<()>,
) -> Result<QueryResult> {
    let (binds, variables) = (Binds::default(), Variables::new());
    let context = session.context(&binds, &variables);
    let path = context.full_path(new.kind, &new.name)?;
    require_create(&context, new.kind, &path)?;
    let short = path.last().cloned().unwrap_or_default();
    let old = old_object(&context, new.kind, &path);
    if let Some(answer) = taken_by(&context, &new, &path, old.as_deref())? {
        return Ok(answer);
    }
    let (owner, now, shared) = (
        context.names.role.clone(),
        context.snapshot.now,
        Arc::clone(&context.environment.shared),
    );
    drop(context);
    let kind = new.kind;
    let made = path.clone();
    shared.change_storage(|catalog, connection| {
        if let Some(old) = &old {
            discard(catalog, connection, old, now)?;
        }
        let id = catalog.new_id();
        prepare(connection, id)?;
        if kind == Kind::Database {
            let public = Object {
                id: catalog.new_id(),
                kind: Kind::Schema,
                path: vec![path[0].clone(), "PUBLIC".to_owned()],
                owner: owner.clone(),
                created_micros: now,
                dropped: None,
                comment: None,
                body: Body::Schema { transient: false },
            };
            catalog.put(public);
        }
        catalog.put(Object {
            id,
            kind,
            path,
            owner,
            created_micros: now,
            dropped: None,
            comment: new.comment,
            body: new.body,
        });
        Ok(())
    })?;
    // A new database or schema becomes the session's.
    let frame = session.frame_mut();
    if !frame.is_owners && matches!(kind, Kind::Database | Kind::Schema) {
        frame.schema = Some(made.get(1).cloned().unwrap_or_else(|| "PUBLIC".to_owned()));
        frame.database = made.into_iter().next();
    }
    Ok(QueryResult::status(created(kind, &short)))
}

/// What is answered of a new object.
fn created(kind: Kind, short: &str) -> String {
    let noun = match kind {
        Kind::FileFormat => "File format".to_owned(),
        Kind::Procedure => "Function".to_owned(),
        Kind::Stage => "Stage area".to_owned(),
        other => other.noun().to_owned(),
    };
    match kind {
        Kind::Procedure => format!(
            "{noun} {} successfully created.",
            short.split('(').next().unwrap_or(short)
        ),
        _ => format!("{noun} {short} successfully created."),
    }
}

/// Takes `IF NOT EXISTS`, which does not go with `OR REPLACE`.
pub(crate) fn if_not_exists(cursor: &mut Cursor<'_>, or_replace: bool) -> Result<bool> {
    let is_there = cursor.accept("IF NOT EXISTS");
    match is_there && or_replace {
        true => Err(SnowflakeError::compilation(
            "options IF NOT EXISTS and OR REPLACE are incompatible.",
        )),
        false => Ok(is_there),
    }
}

fn old_object(context: &Context<'_>, kind: Kind, path: &[String]) -> Option<Arc<Object>> {
    let same = context.snapshot.catalog.find(kind, path);
    same.or_else(|| match kind {
        Kind::View => context.snapshot.catalog.find(Kind::Table, path),
        _ => None,
    })
    .cloned()
}

/// What is answered if the name is taken and the new object shall not replace the old.
fn taken_by(
    context: &Context<'_>,
    new: &New,
    path: &[String],
    old: Option<&Object>,
) -> Result<Option<QueryResult>> {
    let Some(old) = old else { return Ok(None) };
    if new.if_not_exists {
        let short = path.last().map_or("", String::as_str);
        return Ok(Some(QueryResult::status(format!(
            "{short} already exists, statement succeeded."
        ))));
    }
    if !new.or_replace || old.kind != new.kind {
        return Err(SnowflakeError::exists(Name(path.to_vec())));
    }
    context.require(old, "OWNERSHIP")?;
    Ok(None)
}

/// As [`make`] would find, before anything is done.
pub(crate) fn taken(session: &Session, new: &New) -> Result<Option<QueryResult>> {
    let (binds, variables) = (Binds::default(), Variables::new());
    let context = session.context(&binds, &variables);
    let path = context.full_path(new.kind, &new.name)?;
    require_create(&context, new.kind, &path)?;
    let old = old_object(&context, new.kind, &path);
    taken_by(&context, new, &path, old.as_deref())
}

fn require_create(context: &Context<'_>, kind: Kind, path: &[String]) -> Result<()> {
    let privilege = format!("CREATE {}", kind.noun().to_uppercase());
    match kind.name_parts() {
        1 => {
            if context
                .snapshot
                .catalog
                .has_account_privilege(&context.names.roles, &privilege)
            {
                return Ok(());
            }
            Err(SnowflakeError::privileges(
                "account",
                &context.environment.shared.options.account,
            ))
        }
        2 => {
            let database = context.find(Kind::Database, &Name(path[..1].to_vec()))?;
            context.require(&database, &privilege)
        }
        _ => {
            context.find(Kind::Database, &Name(path[..1].to_vec()))?;
            let schema = context.find(Kind::Schema, &Name(path[..2].to_vec()))?;
            context.require(&schema, &privilege)
        }
    }
}

/// Drops an object: what UNDROP may bring back is kept, the rest is removed with what it keeps in DuckDB.
pub(crate) fn discard(
    catalog: &mut Catalog,
    connection: &Connection,
    object: &Object,
    now: i64,
) -> Result<()> {
    let is_kept = match &object.body {
        Body::Database { .. } | Body::Schema { .. } => true,
        Body::Table(table) => table.retention_days > 0 && table.temporary_of.is_none(),
        _ => false,
    };
    if is_kept {
        catalog.bury(object.id, now);
        return Ok(());
    }
    erase(connection, object)?;
    catalog.remove(object.id);
    Ok(())
}

/// Removes what an object keeps in DuckDB.
pub(crate) fn erase(connection: &Connection, object: &Object) -> Result<()> {
    let id = object.id;
    match &object.body {
        Body::Table(table) => {
            storage::run(connection, &format!("drop table if exists \"T{id}\""))?;
            for (at, _) in table.columns.iter().enumerate().filter(|(_, c)| c.identity) {
                let sequence = format!("drop sequence if exists \"I{id}_{at}\"");
                storage::run(connection, &sequence)?;
            }
            let loads = format!("delete from sys_loads where target = {id} and pipe = 0");
            storage::run(connection, &loads)
        }
        Body::Sequence { .. } => {
            storage::run(connection, &format!("drop sequence if exists \"S{id}\""))
        }
        Body::Stream(_) => {
            let offset = format!("delete from sys_offsets where stream = {id}");
            storage::run(connection, &offset)
        }
        _ => Ok(()),
    }
}

fn comment(session: &mut Session, mut cursor: Cursor<'_>) -> Result<QueryResult> {
    let if_exists = cursor.accept("IF EXISTS");
    cursor.expect("ON")?;
    if cursor.accept("COLUMN") {
        let mut name = cursor.name()?;
        cursor.expect("IS")?;
        let text = cursor.text()?;
        cursor.end()?;
        let column = name.0.pop().unwrap_or_default();
        let object = owned(session, Kind::Table, &name)?;
        super::dml::column(&object, &column)?;
        return change(session, &object, |o| {
            if let Body::Table(table) = &mut o.body {
                table
                    .columns
                    .iter_mut()
                    .filter(|c| c.name == column)
                    .for_each(|c| c.comment = Some(text.clone()));
            }
        });
    }
    let kind = Kind::parse(&mut cursor)?;
    let name = cursor.name()?;
    cursor.expect("IS")?;
    let text = cursor.text()?;
    cursor.end()?;
    match owned(session, kind, &name) {
        Err(_) if if_exists => Ok(QueryResult::status("Statement executed successfully.")),
        found => change(session, &*found?, |o| o.comment = Some(text.clone())),
    }
}

/// The object, which the role must own.
pub(crate) fn owned(session: &Session, kind: Kind, name: &Name) -> Result<Arc<Object>> {
    let (binds, variables) = (Binds::default(), Variables::new());
    let context = session.context(&binds, &variables);
    let object = context.find(kind, name)?;
    context.require(&object, "OWNERSHIP")?;
    Ok(object)
}

/// Changes what the catalog says of an object.
pub(crate) fn change(
    session: &Session,
    object: &Object,
    edit: impl FnOnce(&mut Object),
) -> Result<QueryResult> {
    session.shared.change_catalog(|catalog| {
        catalog.update(object.id, edit);
        Ok(())
    })?;
    Ok(QueryResult::status("Statement executed successfully."))
}
