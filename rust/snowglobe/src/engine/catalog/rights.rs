//! Who may do what: grants on objects, grants of roles, and what a role inherits.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::kind::Kind;
use super::{Catalog, Change, Object};

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

/// Who may have a role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Member {
    Role(String),
    User(String),
}

/// Grants and role members, as kept on disk.
#[derive(Serialize, Deserialize)]
pub struct Access {
    pub(super) grants: BTreeSet<Grant>,
    pub(super) role_members: BTreeSet<(String, Member)>,
}

impl Catalog {
    pub(super) fn apply_future_grants(&mut self, object: &Object) {
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
}

impl Catalog {
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
