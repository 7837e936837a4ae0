//! Opens a session: the user, the role and where unqualified names lead.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Frame, Runtime, Session};
use crate::engine::catalog::{Body, Catalog, Kind, Object, User};
use crate::engine::storage::cancel::CancelHandle;
use crate::sql::cursor::Name;
use crate::types::error::{Result, SnowflakeError};
use crate::types::parameters::Parameters;

/// Who opens a session, and where it starts. Names are as Snowflake takes them: upper-cased unless in double quotes.
#[derive(Clone, Debug, Default)]
pub struct Login {
    /// The user; it must exist. A new engine has `SNOWGLOBE`, an account administrator.
    pub user: String,
    /// The role, or the user's default.
    pub role: Option<String>,
    /// The warehouse, or the user's default.
    pub warehouse: Option<String>,
    /// The database, or the user's default namespace.
    pub database: Option<String>,
    /// The schema, or `PUBLIC`.
    pub schema: Option<String>,
}

impl Session {
    /// A session in which an object, whose names lead to `home`, works with its owner's rights.
    pub(crate) fn of_owner(
        runtime: &Runtime,
        object: &Object,
        home: &(String, String),
    ) -> Result<Self> {
        let mut session = Self::open(
            runtime,
            Login {
                user: "SNOWGLOBE".to_owned(),
                ..Login::default()
            },
        )?;
        session.frames = vec![Frame {
            role: object.owner.clone(),
            database: Some(home.0.clone()),
            schema: Some(home.1.clone()),
            is_owners: true,
        }];
        Ok(session)
    }

    pub(crate) fn open(runtime: &Runtime, login: Login) -> Result<Self> {
        let shared = Arc::clone(&runtime.shared);
        let connection = shared.connect()?;
        let catalog = shared.catalog();
        let user = folded(&login.user)?;
        let body = user_of(&catalog, &user)?;
        let role = role_of(&catalog, &user, &body, login.role.as_deref())?;
        let (database, schema) = home_of(&body, &login)?;
        let warehouse = login.warehouse.as_deref().map(folded).transpose()?;
        let warehouse = warehouse.or(body.default_warehouse);
        let interrupt = connection.interrupt_handle();
        let mut session = Self {
            id: shared.new_session_id(),
            connection,
            user,
            warehouse,
            frames: vec![Frame {
                role,
                database,
                schema,
                is_owners: false,
            }],
            parameters: Parameters::default(),
            variables: BTreeMap::new(),
            transactions: Vec::new(),
            depth: 0,
            nesting: 0,
            results: Vec::new(),
            copies: Vec::new(),
            task: None,
            staged: BTreeMap::new(),
            query_id: String::new(),
            time_zone_set: String::new(),
            cancel: CancelHandle::new(interrupt),
            shared,
            wiring: runtime.wiring,
        };
        session.apply_time_zone()?;
        Ok(session)
    }
}

fn folded(name: &str) -> Result<String> {
    Name::parse(name).map(|name| name.last().to_owned())
}

fn user_of(catalog: &Catalog, user: &String) -> Result<User> {
    let refused = || {
        SnowflakeError::new(
            "390100",
            "08001",
            "Incorrect username or password was specified.",
        )
    };
    let Some(Body::User(body)) = catalog
        .find(Kind::User, std::slice::from_ref(user))
        .map(|o| o.body.clone())
    else {
        return Err(refused());
    };
    if body.disabled {
        return Err(SnowflakeError::new(
            "390101",
            "08001",
            "User access disabled. Contact your local system administrator.",
        ));
    }
    Ok(body)
}

fn role_of(catalog: &Catalog, user: &str, body: &User, given: Option<&str>) -> Result<String> {
    let role = match given {
        Some(role) => folded(role)?,
        None => body
            .default_role
            .clone()
            .unwrap_or_else(|| "PUBLIC".to_owned()),
    };
    if catalog
        .find(Kind::Role, std::slice::from_ref(&role))
        .is_none()
        || !catalog.may_take_role(user, &role)
    {
        return Err(SnowflakeError::new(
            "390189",
            "08001",
            format!(
                "Role '{role}' specified in the connect string does not exist or not authorized. Contact your local system administrator, or attempt to login with another role, e.g. PUBLIC."
            ),
        ));
    }
    Ok(role)
}

/// The database and the schema that names lead to at first.
fn home_of(body: &User, login: &Login) -> Result<(Option<String>, Option<String>)> {
    let namespace = body
        .default_namespace
        .as_deref()
        .map(Name::parse)
        .transpose()?;
    let part = |at: usize| namespace.as_ref().and_then(|n| n.0.get(at).cloned());
    let given = |name: &Option<String>| name.as_deref().map(folded).transpose();
    let database = given(&login.database)?.or_else(|| part(0));
    let schema = given(&login.schema)?.or_else(|| part(1));
    let schema = schema.or_else(|| database.as_ref().map(|_| "PUBLIC".to_owned()));
    Ok((database, schema))
}
