//! Names as objects that the role may know of and use.

use std::sync::Arc;

use crate::engine::catalog::{Body, Kind, Object, Table};
use crate::engine::compile::Context;
use crate::engine::storage;
use crate::sql::cursor::Name;
use crate::types::error::{Result, SnowflakeError};

impl Context<'_> {
    /// The predicate under which a row version is seen.
    pub fn visible(&self) -> String {
        let at = self.snapshot.at;
        match self.snapshot.own {
            None => format!("_begin <= {at} and _end > {at}"),
            Some(own) => {
                format!("(_begin <= {at} or _begin = {own}) and _end > {at} and _end <> {own}")
            }
        }
    }

    /// How many rows of a table are seen.
    ///
    /// # Errors
    /// As the query.
    pub fn row_count(&self, table: &Object) -> Result<i64> {
        let visible = self.visible();
        storage::count(
            self.connection,
            &format!("select count(*) from \"T{}\" where {visible}", table.id),
        )
    }

    /// The full path of a name.
    ///
    /// # Errors
    /// If the session has no current database or schema and the name needs one.
    pub fn full_path(&self, kind: Kind, name: &Name) -> Result<Vec<String>> {
        let wanted = kind.name_parts();
        let missing = wanted.checked_sub(name.0.len());
        let missing = missing.ok_or_else(|| {
            SnowflakeError::compilation(format!(
                "invalid name '{name}' for a {}",
                kind.noun().to_lowercase()
            ))
        })?;
        let mut path = Vec::with_capacity(wanted);
        let database = || {
            self.names.database.clone().ok_or_else(|| {
                SnowflakeError::new("090105", "22000", "Cannot perform operation. This session does not have a current database. Call 'USE DATABASE', or use a qualified name.")
            })
        };
        match (wanted, missing) {
            (_, 0) => {}
            (3, 2) => {
                path.push(database()?);
                path.push(self.names.schema.clone().ok_or_else(|| {
                    SnowflakeError::new("090106", "22000", "Cannot perform operation. This session does not have a current schema. Call 'USE SCHEMA', or use a qualified name.")
                })?);
            }
            _ => path.push(database()?),
        }
        path.extend(name.0.iter().cloned());
        Ok(path)
    }

    /// The object of that kind, if the role may know of it.
    ///
    /// # Errors
    /// `does not exist or not authorized`.
    pub fn find(&self, kind: Kind, name: &Name) -> Result<Arc<Object>> {
        let path = self.full_path(kind, name)?;
        let shown = Name(path.clone());
        let missing = || {
            SnowflakeError::missing(
                kind.noun(),
                if kind.name_parts() == 3 { &shown } else { name },
            )
        };
        let object = self
            .snapshot
            .catalog
            .find(kind, &path)
            .filter(|o| self.may_see(o))
            .ok_or_else(missing)?;
        Ok(Arc::clone(object))
    }

    /// A table, view or stream.
    ///
    /// # Errors
    /// `does not exist or not authorized`.
    pub fn find_relation(&self, name: &Name) -> Result<Arc<Object>> {
        let path = self.full_path(Kind::Table, name)?;
        let kinds = [Kind::Table, Kind::Stream];
        let found = kinds.into_iter().find_map(|kind| {
            self.snapshot
                .catalog
                .find(kind, &path)
                .filter(|o| self.may_see(o))
        });
        found
            .cloned()
            .ok_or_else(|| SnowflakeError::missing("Object", Name(path)))
    }

    fn may_see(&self, object: &Object) -> bool {
        if let Body::Table(Table {
            temporary_of: Some(session),
            ..
        })
        | Body::View {
            temporary_of: Some(session),
            ..
        } = &object.body
            && *session != self.names.session_id
        {
            return false;
        }
        if matches!(object.kind, Kind::Role | Kind::User) {
            return true;
        }
        let containers = [(Kind::Database, 1), (Kind::Schema, 2)];
        let open = containers
            .iter()
            .filter(|(_, depth)| object.path.len() > *depth)
            .all(|(kind, depth)| {
                let container = self.snapshot.catalog.find(*kind, &object.path[..*depth]);
                container.is_some_and(|c| {
                    self.snapshot
                        .catalog
                        .has_any_privilege(&self.names.roles, c)
                })
            });
        open && (self
            .snapshot
            .catalog
            .has_any_privilege(&self.names.roles, object)
            || self.owns_something_in(object))
    }

    fn owns_something_in(&self, object: &Object) -> bool {
        matches!(object.kind, Kind::Database | Kind::Schema)
            && self
                .snapshot
                .catalog
                .within(&object.path)
                .iter()
                .any(|o| self.names.roles.contains(&o.owner))
    }

    /// Fails unless the role has the privilege on the object.
    ///
    /// # Errors
    /// `Insufficient privileges`.
    pub fn require(&self, object: &Object, privilege: &str) -> Result<()> {
        if self
            .snapshot
            .catalog
            .has_privilege(&self.names.roles, object, privilege)
        {
            return Ok(());
        }
        Err(SnowflakeError::privileges(
            object.kind.noun(),
            object.short(),
        ))
    }
}
