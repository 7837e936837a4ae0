//! What there is: databases, schemas, tables and everything else with a name, and who may do what to it.
//! Pure data: it neither runs SQL nor keeps itself on disk.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::error::{Result, SnowflakeError};
use super::value::SnowflakeType;
use crate::sql::cursor::Name;

/// Kinds of objects. Those that share a name space share a [`Kind::space`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    Database,
    Schema,
    Table,
    View,
    Stream,
    Stage,
    FileFormat,
    Sequence,
    Pipe,
    Task,
    Procedure,
    Role,
    User,
    Warehouse,
    Integration,
}

impl Kind {
    /// As Snowflake's messages call it.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Database => "Database",
            Self::Schema => "Schema",
            Self::Table => "Table",
            Self::View => "View",
            Self::Stream => "Stream",
            Self::Stage => "Stage",
            Self::FileFormat => "File format",
            Self::Sequence => "Sequence",
            Self::Pipe => "Pipe",
            Self::Task => "Task",
            Self::Procedure => "Procedure",
            Self::Role => "Role",
            Self::User => "User",
            Self::Warehouse => "Warehouse",
            Self::Integration => "Integration",
        }
    }

    /// The kind that the words of a statement name.
    pub fn of_words(words: &str) -> Option<Self> {
        Some(match words {
            "DATABASE" => Self::Database,
            "SCHEMA" => Self::Schema,
            "TABLE" => Self::Table,
            "VIEW" => Self::View,
            "STREAM" => Self::Stream,
            "STAGE" => Self::Stage,
            "FILE FORMAT" => Self::FileFormat,
            "SEQUENCE" => Self::Sequence,
            "PIPE" => Self::Pipe,
            "TASK" => Self::Task,
            "PROCEDURE" => Self::Procedure,
            "ROLE" => Self::Role,
            "USER" => Self::User,
            "WAREHOUSE" => Self::Warehouse,
            "INTEGRATION" | "STORAGE INTEGRATION" => Self::Integration,
            _ => return None,
        })
    }

    /// How many parts its full name has.
    pub fn name_parts(self) -> usize {
        match self {
            Self::Database | Self::Role | Self::User | Self::Warehouse | Self::Integration => 1,
            Self::Schema => 2,
            _ => 3,
        }
    }

    fn space(self) -> Self {
        if self == Self::View {
            Self::Table
        } else {
            self
        }
    }
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name, folded.
    pub name: String,
    /// Its type.
    pub kind: SnowflakeType,
    /// Whether it takes nulls.
    pub nullable: bool,
    /// Its default, as Snowflake SQL.
    pub default: Option<String>,
    /// Whether its default is a sequence of its own (`AUTOINCREMENT`).
    pub identity: bool,
    /// Its comment.
    pub comment: Option<String>,
    /// Whether the table's primary key has it. Not enforced, as on Snowflake.
    pub primary_key: bool,
}

/// What makes each kind of object what it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Body {
    Database {
        transient: bool,
    },
    Schema {
        transient: bool,
    },
    Table(Table),
    View {
        columns: Vec<String>,
        query: String,
        text: String,
    },
    Stream(Stream),
    Stage(Stage),
    FileFormat {
        options: String,
    },
    Sequence {
        start: i64,
        step: i64,
    },
    Pipe(Pipe),
    Task(Task),
    Procedure(Procedure),
    Role,
    User(User),
    Warehouse(Warehouse),
    Integration {
        options: String,
        enabled: bool,
        locations: Vec<String>,
        #[serde(default)]
        blocked: Vec<String>,
    },
}

/// A table. Its rows lie in DuckDB under `T<id>`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Table {
    pub columns: Vec<Column>,
    pub transient: bool,
    /// The session that alone sees it.
    pub temporary_of: Option<u64>,
    pub cluster_by: Option<String>,
    pub retention_days: i64,
    pub change_tracking: bool,
}

/// A stream. Its offset moves with every committed DML that reads it, so it lies in DuckDB beside the rows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stream {
    /// The table's id: a table made anew under the same name is another table.
    pub table: u64,
    pub table_name: Name,
    pub append_only: bool,
    /// Whether the first read returns what the table held when the stream was made.
    pub show_initial_rows: bool,
}

/// A stage.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stage {
    /// `s3://bucket/prefix/`, or none for an internal stage.
    pub url: Option<String>,
    /// `FILE_FORMAT = (…)` as text.
    pub file_format: String,
    pub integration: Option<String>,
}

/// A pipe.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pipe {
    /// The `COPY INTO` that it runs for each file.
    pub copy: String,
    pub auto_ingest: bool,
    pub paused: bool,
    /// Where unqualified names of `copy` lead.
    pub home: (String, String),
}

/// A task.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Task {
    pub warehouse: Option<String>,
    pub schedule: Option<String>,
    pub after: Vec<Name>,
    pub when: Option<String>,
    pub body: String,
    pub started: bool,
    pub allow_overlap: bool,
    pub suspend_after_failures: i64,
    pub failures: i64,
    pub timeout_millis: i64,
    /// JSON, for the whole graph if it is its root's.
    pub config: Option<String>,
    /// The least time between two triggered runs.
    #[serde(default)]
    pub trigger_interval_seconds: Option<i64>,
    /// How often a run of the graph that has failed is tried again.
    #[serde(default)]
    pub retry_attempts: i64,
    /// The root of the graph at whose end it runs.
    #[serde(default)]
    pub finalizes: Option<Name>,
    pub home: (String, String),
    /// Since when its schedule counts, microseconds UTC.
    pub resumed_micros: i64,
}

/// A parameter of a procedure.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Parameter {
    pub name: String,
    pub kind: SnowflakeType,
    pub default: Option<String>,
}

/// A procedure in Snowflake Scripting.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Procedure {
    pub parameters: Vec<Parameter>,
    /// `None` for `RETURNS TABLE (…)`.
    pub returns: Option<SnowflakeType>,
    pub body: String,
    pub callers_rights: bool,
}

/// A user.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct User {
    pub default_role: Option<String>,
    pub default_warehouse: Option<String>,
    pub default_namespace: Option<String>,
    pub public_keys: [Option<String>; 2],
    pub disabled: bool,
    pub service: bool,
    pub password: Option<String>,
}

/// A warehouse.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Warehouse {
    pub size: String,
    pub auto_suspend_seconds: i64,
    pub auto_resume: bool,
    pub suspended: bool,
}

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

/// A privilege given to a role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Grant {
    pub privilege: String,
    /// What it is on.
    pub on: GrantTarget,
    /// The role that has it.
    pub role: String,
    pub with_grant_option: bool,
}

/// What a privilege is on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum GrantTarget {
    Account,
    Object(u64),
    /// Objects of a kind made later in a database or schema.
    Future(Kind, Vec<String>),
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

/// Who may have a role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Member {
    Role(String),
    User(String),
}

/// What has changed since the changes were last taken: what to write to disk.
#[derive(Clone, Debug)]
pub enum Change {
    Put(Arc<Object>),
    Remove(u64),
    Access,
}

/// Grants and role members, as kept on disk.
#[derive(Serialize, Deserialize)]
pub struct Access {
    grants: BTreeSet<Grant>,
    role_members: BTreeSet<(String, Member)>,
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

    fn apply_future_grants(&mut self, object: &Object) {
        let covers = |grant: &&Grant| match &grant.on {
            GrantTarget::Future(kind, path) => {
                *kind == object.kind && object.path.starts_with(path)
            }
            _ => false,
        };
        let new: Vec<Grant> = self
            .grants
            .iter()
            .filter(covers)
            .map(|g| Grant {
                on: GrantTarget::Object(object.id),
                ..g.clone()
            })
            .collect();
        if !new.is_empty() {
            self.grants.extend(new);
            self.changes.push(Change::Access);
        }
    }

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

    /// Gives a privilege.
    pub fn grant(&mut self, grant: Grant) {
        self.grants.insert(grant);
        self.changes.push(Change::Access);
    }

    /// Takes a privilege back.
    pub fn revoke(&mut self, privilege: &str, on: &GrantTarget, role: &str) {
        self.grants
            .retain(|g| !(g.privilege == privilege && g.on == *on && g.role == role));
        self.changes.push(Change::Access);
    }

    /// Gives a role to a role or user.
    pub fn grant_role(&mut self, role: &str, to: Member) {
        self.role_members.insert((role.to_owned(), to));
        self.changes.push(Change::Access);
    }

    /// Takes a role back.
    pub fn revoke_role(&mut self, role: &str, from: &Member) {
        self.role_members.retain(|(r, m)| !(r == role && m == from));
        self.changes.push(Change::Access);
    }

    /// Every grant.
    pub fn grants(&self) -> impl Iterator<Item = &Grant> {
        self.grants.iter()
    }

    /// Every membership.
    pub fn role_members(&self) -> impl Iterator<Item = &(String, Member)> {
        self.role_members.iter()
    }

    /// The role and all that it inherits. `PUBLIC` is everyone's.
    pub fn inherited_roles(&self, role: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::from(["PUBLIC".to_owned()]);
        let mut open = vec![role.to_owned()];
        while let Some(next) = open.pop() {
            if found.insert(next.clone()) || next == role {
                let member = Member::Role(next);
                let below = self
                    .role_members
                    .iter()
                    .filter(|(_, m)| *m == member)
                    .map(|(r, _)| r.clone());
                open.extend(below.filter(|r| !found.contains(r)));
            }
        }
        found
    }

    /// Whether the user may take the role.
    pub fn may_take_role(&self, user: &str, role: &str) -> bool {
        let direct = self
            .role_members
            .iter()
            .filter(|(_, m)| *m == Member::User(user.to_owned()));
        role == "PUBLIC"
            || direct
                .map(|(r, _)| r)
                .any(|r| r == role || self.inherited_roles(r).contains(role))
    }

    /// Whether one of `roles` owns the object or has the privilege on it.
    pub fn has_privilege(
        &self,
        roles: &BTreeSet<String>,
        object: &Object,
        privilege: &str,
    ) -> bool {
        roles.contains(&object.owner)
            || self.grants.iter().any(|g| {
                g.on == GrantTarget::Object(object.id)
                    && g.privilege == privilege
                    && roles.contains(&g.role)
            })
    }

    /// Whether one of `roles` has any privilege on the object, so that it may know of it.
    pub fn has_any_privilege(&self, roles: &BTreeSet<String>, object: &Object) -> bool {
        roles.contains(&object.owner)
            || self
                .grants
                .iter()
                .any(|g| g.on == GrantTarget::Object(object.id) && roles.contains(&g.role))
    }

    /// Whether one of `roles` has a privilege on the account.
    pub fn has_account_privilege(&self, roles: &BTreeSet<String>, privilege: &str) -> bool {
        self.grants.iter().any(|g| {
            g.on == GrantTarget::Account && g.privilege == privilege && roles.contains(&g.role)
        })
    }
}
