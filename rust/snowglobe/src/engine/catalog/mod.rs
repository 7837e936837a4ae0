//! What there is: databases, schemas, tables and everything else with a name, and who may do what to it.
//! Pure data: it neither runs SQL nor keeps itself on disk.
//!
//! - `kind`: the kinds of objects, and how many names each has
//! - `body`: what an object is beyond its name
//! - `bootstrap`: what a new account has
//! - `retention`: how long what was dropped can come back
//! - `signature`: the parameters of a procedure
//! - `rights`: grants, and who may do what

mod body;
pub(crate) mod bootstrap;
mod kind;
pub(crate) mod retention;
mod rights;
pub(crate) mod signature;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::sql::cursor::Name;
use crate::types::error::{Result, SnowflakeError};

pub use body::{
    Body, Column, Parameter, Pipe, Procedure, Stage, Stream, Table, Task, User, Warehouse,
};
pub use kind::Kind;
pub use rights::{Access, Grant, GrantTarget, Member};

/// Anything with a name.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Object {
    pub id: u64,
    pub kind: Kind,
    /// The full name; a procedure's last part carries its argument types.
    pub path: Vec<String>,
    pub owner: String,
    pub created_micros: i64,
    pub comment: Option<String>,
    /// That it was dropped, and may come back.
    #[serde(default)]
    pub dropped: Option<Dropped>,
    pub body: Body,
}

/// What is known of an object that was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    pub micros: i64,
    /// The database or schema that it was dropped with.
    pub with: Option<u64>,
}

impl Object {
    /// The full name.
    pub fn name(&self) -> Name {
        Name(self.path.clone())
    }

    /// The last part of the name.
    pub fn short(&self) -> &str {
        self.path.last().map_or("", String::as_str)
    }

    /// The table's body.
    pub fn table(&self) -> Result<&Table> {
        match &self.body {
            Body::Table(table) => Ok(table),
            _ => Err(SnowflakeError::missing("Table", self.name())),
        }
    }
}

type Key = (Kind, Vec<String>);

/// Everything. Cloning it is cheap enough for DDL: objects are shared.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    objects: BTreeMap<Key, Arc<Object>>,
    by_id: BTreeMap<u64, Key>,
    /// What was dropped and may come back, by id.
    dropped: BTreeMap<u64, Arc<Object>>,
    grants: BTreeSet<Grant>,
    /// role → the roles and users that have it
    role_members: BTreeSet<(String, Member)>,
    next_id: u64,
    changes: Vec<Change>,
}

/// What has changed since the changes were last taken: what to write to disk.
#[derive(Clone, Debug)]
pub enum Change {
    Put(Arc<Object>),
    Remove(u64),
    Access,
}

impl Catalog {
    /// Puts together what was on disk.
    pub fn restore(objects: Vec<Object>, access: Access) -> Self {
        let mut catalog = Self {
            grants: access.grants,
            role_members: access.role_members,
            ..Self::default()
        };
        for object in objects {
            catalog.next_id = catalog.next_id.max(object.id);
            if object.dropped.is_some() {
                catalog.dropped.insert(object.id, Arc::new(object));
            } else {
                catalog.insert(Arc::new(object));
            }
        }
        catalog
    }

    /// Grants and role members, to be kept on disk.
    pub fn access(&self) -> Access {
        Access {
            grants: self.grants.clone(),
            role_members: self.role_members.clone(),
        }
    }

    /// What has changed since the last call.
    pub fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    fn insert(&mut self, object: Arc<Object>) {
        let key = (object.kind.space(), object.path.clone());
        self.by_id.insert(object.id, key.clone());
        self.objects.insert(key, object);
    }

    /// An id that nothing has had.
    pub fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// The object of that kind and full name.
    pub fn find(&self, kind: Kind, path: &[String]) -> Option<&Arc<Object>> {
        self.objects
            .get(&(kind.space(), path.to_vec()))
            .filter(|o| kind == Kind::Table || o.kind == kind)
    }

    /// The object with that id.
    pub fn by_id(&self, id: u64) -> Option<&Arc<Object>> {
        self.objects.get(self.by_id.get(&id)?)
    }

    /// The objects of a kind.
    pub fn all(&self, kind: Kind) -> impl Iterator<Item = &Arc<Object>> {
        self.objects.values().filter(move |o| o.kind == kind)
    }

    /// Everything in a database or schema.
    pub fn within(&self, path: &[String]) -> Vec<Arc<Object>> {
        let inside =
            |o: &&Arc<Object>| o.kind.name_parts() > path.len() && o.path.starts_with(path);
        self.objects.values().filter(inside).cloned().collect()
    }

    /// Adds or replaces an object, with what future grants say of it.
    pub fn put(&mut self, object: Object) {
        let object = Arc::new(object);
        let is_new = self.by_id(object.id).is_none();
        if let Some(old) = self.by_id.get(&object.id).cloned() {
            self.objects.remove(&old);
        }
        self.insert(Arc::clone(&object));
        if is_new {
            self.apply_future_grants(&object);
        }
        self.changes.push(Change::Put(object));
    }
}

impl Catalog {
    /// Changes an object in place.
    pub fn update(&mut self, id: u64, change: impl FnOnce(&mut Object)) {
        if let Some(object) = self.by_id(id).cloned() {
            let mut object = Arc::unwrap_or_clone(object);
            change(&mut object);
            self.put(object);
        }
    }

    /// Drops an object such that it may come back, with what is inside of it.
    pub fn bury(&mut self, id: u64, micros: i64) {
        let Some(key) = self.by_id.get(&id).cloned() else {
            return;
        };
        if matches!(key.0, Kind::Database | Kind::Schema) {
            for object in self.within(&key.1) {
                self.bury_one(
                    object.id,
                    Dropped {
                        micros,
                        with: Some(id),
                    },
                );
            }
        }
        self.bury_one(id, Dropped { micros, with: None });
    }

    fn bury_one(&mut self, id: u64, dropped: Dropped) {
        let found = self
            .by_id
            .remove(&id)
            .and_then(|key| self.objects.remove(&key));
        if let Some(object) = found {
            let mut object = Arc::unwrap_or_clone(object);
            object.dropped = Some(dropped);
            let object = Arc::new(object);
            self.dropped.insert(id, Arc::clone(&object));
            self.changes.push(Change::Put(object));
        }
    }

    /// Brings an object back, with what was dropped with it.
    pub fn restore_dropped(&mut self, id: u64) {
        let is_part =
            |o: &&Arc<Object>| o.id == id || o.dropped.is_some_and(|d| d.with == Some(id));
        let parts: Vec<Arc<Object>> = self.dropped.values().filter(is_part).cloned().collect();
        for part in parts {
            self.dropped.remove(&part.id);
            let mut object = Arc::unwrap_or_clone(part);
            object.dropped = None;
            let object = Arc::new(object);
            self.insert(Arc::clone(&object));
            self.changes.push(Change::Put(object));
        }
    }

    /// What was dropped and may come back.
    pub fn dropped(&self) -> impl Iterator<Item = &Arc<Object>> {
        self.dropped.values()
    }

    /// Forgets an object that was dropped.
    pub fn forget(&mut self, id: u64) {
        self.dropped.remove(&id);
        self.grants.retain(|g| g.on != GrantTarget::Object(id));
        self.changes.push(Change::Remove(id));
        self.changes.push(Change::Access);
    }

    /// Removes an object and the grants on it. What is inside a database or schema goes with it.
    pub fn remove(&mut self, id: u64) {
        let Some(key) = self.by_id.get(&id).cloned() else {
            return;
        };
        if matches!(key.0, Kind::Database | Kind::Schema) {
            for object in self.within(&key.1) {
                self.remove_one(object.id);
            }
        }
        self.remove_one(id);
    }

    fn remove_one(&mut self, id: u64) {
        let Some(key) = self.by_id.remove(&id) else {
            return;
        };
        if let Some(object) = self.objects.remove(&key)
            && object.kind == Kind::Role
        {
            let name = object.short();
            self.grants.retain(|g| g.role != name);
            self.role_members
                .retain(|(role, member)| role != name && *member != Member::Role(name.to_owned()));
        }
        self.grants.retain(|g| g.on != GrantTarget::Object(id));
        self.changes.push(Change::Remove(id));
        self.changes.push(Change::Access);
    }
}
