//! SHOW GRANTS.

use super::{Cells, table, text, yes};
use crate::engine::catalog::signature;
use crate::engine::catalog::{Grant, GrantTarget, Kind, Member, Object};
use crate::engine::compile::Context;
use crate::sql::cursor::Cursor;
use crate::types::error::Result;
use crate::types::value::{QueryResult, Value};

pub(super) fn grants(context: &Context<'_>, mut cursor: Cursor<'_>) -> Result<QueryResult> {
    const NAMES: &[&str] = &[
        "created_on",
        "privilege",
        "granted_on",
        "name",
        "granted_to",
        "grantee_name",
        "grant_option",
        "granted_by",
    ];
    let grant_row = |grant: &Grant| grant_row(context, grant);
    if cursor.accept("TO USER") || cursor.accept("OF ROLE") {
        return members(context, &mut cursor);
    }
    if cursor.accept("TO ROLE") {
        let role = context
            .find(Kind::Role, &cursor.name()?)?
            .short()
            .to_owned();
        cursor.end()?;
        let rows = context
            .snapshot
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
                .snapshot
                .catalog
                .grants()
                .filter(|g| g.on == GrantTarget::Account)
                .map(grant_row)
                .collect(),
            NAMES,
        ));
    }
    let kind = Kind::parse(&mut cursor)?;
    let mut name = cursor.name()?;
    if kind == Kind::Procedure {
        signature::read(&mut name, &mut cursor)?;
    }
    cursor.end()?;
    let object = context.find(kind, &name)?;
    let mut rows = vec![owner_row(&object)];
    rows.extend(
        context
            .snapshot
            .catalog
            .grants()
            .filter(|g| g.on == GrantTarget::Object(object.id))
            .map(grant_row),
    );
    Ok(table(rows, NAMES))
}

fn grant_row(context: &Context<'_>, grant: &Grant) -> Cells {
    let (on, name) = match &grant.on {
        GrantTarget::Account => (
            "ACCOUNT".to_owned(),
            context.environment.shared.options.account.clone(),
        ),
        GrantTarget::Object(id) => {
            let object = context.snapshot.catalog.by_id(*id);
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
        ("created_on", Value::TimestampLtz(context.snapshot.now)),
        ("privilege", text(grant.privilege.clone())),
        ("granted_on", text(on)),
        ("name", text(name)),
        ("granted_to", text("ROLE".to_owned())),
        ("grantee_name", text(grant.role.clone())),
        ("grant_option", yes(grant.with_grant_option)),
        ("granted_by", text(String::new())),
    ]
}

fn owner_row(object: &Object) -> Cells {
    vec![
        ("created_on", Value::TimestampLtz(object.created_micros)),
        ("privilege", text("OWNERSHIP".to_owned())),
        ("granted_on", text(object.kind.noun().to_uppercase())),
        ("name", text(object.name().to_string())),
        ("granted_to", text("ROLE".to_owned())),
        ("grantee_name", text(object.owner.clone())),
        ("grant_option", yes(true)),
        ("granted_by", text(object.owner.clone())),
    ]
}

/// Who has a role, or which roles a user has.
fn members(context: &Context<'_>, cursor: &mut Cursor<'_>) -> Result<QueryResult> {
    let name = cursor.name()?;
    let found = context
        .snapshot
        .catalog
        .role_members()
        .filter(|(role, member)| {
            *member == Member::User(name.last().to_owned()) || role == name.last()
        });
    let row = |(role, member): &(String, Member)| {
        let (kind, who) = match member {
            Member::Role(who) => ("ROLE", who),
            Member::User(who) => ("USER", who),
        };
        vec![
            ("created_on", Value::TimestampLtz(context.snapshot.now)),
            ("role", text(role.clone())),
            ("granted_to", text(kind.to_owned())),
            ("grantee_name", text(who.clone())),
            ("granted_by", text(String::new())),
        ]
    };
    Ok(table(
        found.map(row).collect(),
        &[
            "created_on",
            "role",
            "granted_to",
            "grantee_name",
            "granted_by",
        ],
    ))
}

/// SHOW FUTURE GRANTS IN a schema or database, or TO a role.
pub(super) fn future_grants(context: &Context<'_>, mut cursor: Cursor<'_>) -> Result<QueryResult> {
    let (mut within, mut role) = (None, None);
    if cursor.accept("TO ROLE") {
        role = Some(
            context
                .find(Kind::Role, &cursor.name()?)?
                .short()
                .to_owned(),
        );
    } else {
        cursor.expect("IN")?;
        let kind = if cursor.accept("DATABASE") {
            Kind::Database
        } else {
            cursor.expect("SCHEMA")?;
            Kind::Schema
        };
        within = Some(context.find(kind, &cursor.name()?)?.path.clone());
    }
    cursor.end()?;
    let row = |grant: &Grant| {
        let GrantTarget::Future(kind, path) = &grant.on else {
            return None;
        };
        if within.as_ref().is_some_and(|w| w != path)
            || role.as_ref().is_some_and(|r| *r != grant.role)
        {
            return None;
        }
        let on = kind.noun().to_uppercase();
        Some(vec![
            ("created_on", Value::TimestampLtz(context.snapshot.now)),
            ("privilege", text(grant.privilege.clone())),
            ("grant_on", text(on.clone())),
            ("name", text(format!("{}.<{on}>", path.join(".")))),
            ("grant_to", text("ROLE".to_owned())),
            ("grantee_name", text(grant.role.clone())),
            ("grant_option", yes(grant.with_grant_option)),
        ])
    };
    let names = [
        "created_on",
        "privilege",
        "grant_on",
        "name",
        "grant_to",
        "grantee_name",
        "grant_option",
    ];
    let rows = context.snapshot.catalog.grants().filter_map(row).collect();
    Ok(table(rows, &names))
}
