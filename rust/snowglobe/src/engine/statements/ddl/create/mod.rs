//! CREATE of everything but tables.
//!
//! - `relation`: views, streams, sequences
//! - `stage`: stages and storage integrations
//! - `task`: tasks, with the graph they belong to, and pipes
//! - `procedure`: procedures

mod procedure;
mod relation;
mod stage;
mod task;

use super::{New, if_not_exists, make, table};
use crate::engine::catalog::{Body, Kind, User, Warehouse};
use crate::engine::compile::Variables;
use crate::engine::files::formats;
use crate::engine::session::Session;
use crate::engine::state::warehouses;
use crate::engine::statements::stages;
use crate::sql::cursor::Cursor;
use crate::sql::properties::{Properties, Property};
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::{Binds, QueryResult};

use procedure::procedure;
use relation::{sequence, stream, view};
use stage::{integration, stage};
use task::{pipe, task};

pub(crate) use stage::STAGE_REFUSED;
pub(crate) use task::full_task_name;

/// Runs what follows `CREATE`.
pub(super) fn run(
    session: &mut Session,
    mut cursor: Cursor<'_>,
    text: &str,
    variables: &Variables,
) -> Result<QueryResult> {
    let or_replace = cursor.accept("OR REPLACE");
    if cursor.at_words("OR ALTER") {
        return Err(SnowflakeError::unsupported("CREATE OR ALTER"));
    }
    let flags = flags(&mut cursor, or_replace);
    let kind = Kind::parse(&mut cursor)?;
    if kind == Kind::Table {
        let binds = Binds::default();
        return stages::with_staged(session, cursor.rest_text(), &binds, variables, |session| {
            table::run(session, cursor, &flags, variables)
        });
    }
    if flags.temporary && !matches!(kind, Kind::Stage | Kind::View) {
        return Err(SnowflakeError::unsupported(format!(
            "TEMPORARY {}",
            kind.noun().to_uppercase()
        )));
    }
    if kind == Kind::Procedure {
        return procedure(session, cursor, or_replace);
    }
    let if_not_exists = if_not_exists(&mut cursor, or_replace)?;
    let name = cursor.name()?;
    let mut new = New {
        kind,
        name,
        or_replace,
        if_not_exists,
        comment: None,
        body: Body::Role,
    };
    match kind {
        Kind::View => {
            let owner = flags.temporary.then_some(session.id);
            view(session, cursor, &mut new, (text, variables), owner)?;
        }
        Kind::Stream => return stream(session, cursor, new, variables),
        Kind::Task => task(session, cursor, &mut new)?,
        Kind::Pipe => pipe(session, cursor, &mut new)?,
        Kind::Sequence => return sequence(session, cursor, new),
        _ => {
            let mut properties = Properties::parse(&mut cursor)?;
            let _ = cursor.accept("COPY GRANTS");
            cursor.end()?;
            new.comment = properties.take_text("COMMENT")?;
            new.body = simple(kind, &mut properties, flags.transient)?;
            properties.end()?;
        }
    }
    let name = new.name.last().to_owned();
    let is_warehouse = kind == Kind::Warehouse;
    let starts = matches!(&new.body, Body::Warehouse(w) if !w.suspended);
    let made = make(session, new, |_, _| Ok(()))?;
    if is_warehouse {
        // A new warehouse is the session's from now on, and runs, unless it is to wait.
        let shared = std::sync::Arc::clone(&session.shared);
        if starts {
            shared.warehouses.use_one(&shared, Some(&name), None)?;
        }
        session.warehouse = Some(name);
    }
    Ok(made)
}

/// The words before the kind.
fn flags(cursor: &mut Cursor<'_>, or_replace: bool) -> table::Flags {
    let mut flags = table::Flags {
        or_replace,
        transient: false,
        temporary: false,
    };
    loop {
        if cursor.accept("TRANSIENT") {
            flags.transient = true;
        } else if cursor.accept("TEMPORARY") || cursor.accept("TEMP") || cursor.accept("VOLATILE") {
            flags.temporary = true;
        } else if !(cursor.accept("SECURE")
            || cursor.accept("SCOPED")
            || cursor.accept("LOCAL")
            || cursor.accept("GLOBAL")
            || cursor.accept("RECURSIVE"))
        {
            break;
        }
    }
    flags
}

/// Objects that are nothing but properties.
fn simple(kind: Kind, properties: &mut Properties, transient: bool) -> Result<Body> {
    Ok(match kind {
        Kind::Database | Kind::Schema => {
            properties.take_integer("DATA_RETENTION_TIME_IN_DAYS")?;
            if kind == Kind::Database {
                Body::Database { transient }
            } else {
                Body::Schema { transient }
            }
        }
        Kind::Stage => stage(properties)?,
        Kind::FileFormat => {
            let options = formats::take_options(properties)?;
            formats::Format::parse(&options)?;
            Body::FileFormat { options }
        }
        Kind::Role => Body::Role,
        Kind::User => {
            let mut user = User::default();
            user_properties(&mut user, properties)?;
            Body::User(user)
        }
        Kind::Warehouse => {
            let suspended = properties
                .take_bool("INITIALLY_SUSPENDED")?
                .unwrap_or(false);
            let mut warehouse = Warehouse {
                size: "X-Small".to_owned(),
                auto_suspend_seconds: 600,
                auto_resume: true,
                suspended,
            };
            warehouse_properties(&mut warehouse, properties)?;
            Body::Warehouse(warehouse)
        }
        Kind::Integration => integration(properties)?,
        _ => {
            return Err(SnowflakeError::unsupported(format!(
                "CREATE {}",
                kind.noun().to_uppercase()
            )));
        }
    })
}

pub(super) fn user_properties(user: &mut User, properties: &mut Properties) -> Result<()> {
    for (at, key) in ["RSA_PUBLIC_KEY", "RSA_PUBLIC_KEY_2"]
        .into_iter()
        .enumerate()
    {
        if let Some(text) = properties.take_text(key)? {
            let body: String = text
                .lines()
                .filter(|l| !l.starts_with("-----"))
                .flat_map(|l| l.chars().filter(|c| !c.is_whitespace()))
                .collect();
            user.public_keys[at] = Some(body);
        }
    }
    let fold = |text: Option<String>| text.map(|t| t.to_uppercase());
    if let Some(role) = fold(properties.take_text("DEFAULT_ROLE")?) {
        user.default_role = Some(role);
    }
    if let Some(warehouse) = fold(properties.take_text("DEFAULT_WAREHOUSE")?) {
        user.default_warehouse = Some(warehouse);
    }
    if let Some(namespace) = properties.take_text("DEFAULT_NAMESPACE")? {
        user.default_namespace = Some(namespace);
    }
    if let Some(password) = properties.take_text("PASSWORD")? {
        user.password = Some(password);
    }
    if let Some(kind) = fold(properties.take_text("TYPE")?) {
        user.service = kind == "SERVICE";
    }
    if let Some(disabled) = properties.take_bool("DISABLED")? {
        user.disabled = disabled;
    }
    // What only a person's profile shows.
    for key in ["DISPLAY_NAME", "EMAIL", "FIRST_NAME", "LAST_NAME"] {
        properties.take(key);
    }
    properties.take_default("MUST_CHANGE_PASSWORD", "FALSE")?;
    properties.refuse(&["LOGIN_NAME", "DEFAULT_SECONDARY_ROLES"])
}

pub(super) fn warehouse_properties(
    warehouse: &mut Warehouse,
    properties: &mut Properties,
) -> Result<()> {
    if let Some(size) = properties.take_text("WAREHOUSE_SIZE")? {
        warehouse.size = warehouses::size(&size)?.to_owned();
    }
    let seconds = match properties.take("AUTO_SUSPEND") {
        None => None,
        Some(Property::Name(name)) if name.last() == "NULL" => Some(0),
        Some(Property::Number(digits)) => digits.parse().ok().filter(|n: &i64| *n >= 0),
        Some(_) => Some(-1),
    };
    match seconds {
        Some(-1) => {
            return Err(SnowflakeError::compilation(
                "AUTO_SUSPEND needs a number of seconds or NULL",
            ));
        }
        Some(seconds) => warehouse.auto_suspend_seconds = seconds,
        None => {}
    }
    if let Some(resume) = properties.take_bool("AUTO_RESUME")? {
        warehouse.auto_resume = resume;
    }
    properties.take_default("WAREHOUSE_TYPE", "STANDARD")?;
    properties.refuse(&[
        "STATEMENT_TIMEOUT_IN_SECONDS",
        "STATEMENT_QUEUED_TIMEOUT_IN_SECONDS",
        "MAX_CLUSTER_COUNT",
        "MIN_CLUSTER_COUNT",
        "SCALING_POLICY",
        "RESOURCE_MONITOR",
        "ENABLE_QUERY_ACCELERATION",
        "MAX_CONCURRENCY_LEVEL",
    ])
}
