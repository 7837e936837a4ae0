//! GRANT and REVOKE.

use std::sync::Arc;

use sqlparser::tokenizer::Token;

use crate::engine::catalog::signature;
use crate::engine::catalog::{Body, Grant, GrantTarget, Kind, Member, Object};
use crate::engine::compile::Context;
use crate::engine::compile::Variables;
use crate::engine::session::Session;
use crate::sql::cursor::{Cursor, Name};
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::{Binds, QueryResult};

/// Runs the statement.
pub(crate) fn run(session: &mut Session, mut cursor: Cursor<'_>) -> Result<QueryResult> {
    let is_grant = cursor.identifier()? == "GRANT";
    if !is_grant {
        let _ = cursor.accept("GRANT OPTION FOR");
    }
    if cursor.at_words("DATABASE ROLE") || cursor.at_words("APPLICATION") {
        return Err(SnowflakeError::unsupported(
            "database and application roles",
        ));
    }
    if cursor.accept("ROLE") {
        return role(session, cursor, is_grant);
    }
    let privileges = privileges(&mut cursor)?;
    cursor.expect("ON")?;
    let (binds, variables) = (Binds::default(), Variables::new());
    let context = session.context(&binds, &variables);
    let targets = targets(&context, &mut cursor)?;
    cursor.expect(if is_grant { "TO" } else { "FROM" })?;
    cursor.accept("ROLE");
    let role = context
        .find(Kind::Role, &cursor.name()?)?
        .short()
        .to_owned();
    let with_grant_option = cursor.accept("WITH GRANT OPTION");
    let _ = cursor.accept("COPY CURRENT GRANTS")
        || cursor.accept("REVOKE CURRENT GRANTS")
        || cursor.accept("CASCADE")
        || cursor.accept("RESTRICT");
    cursor.end()?;
    for (target, object) in &targets {
        may_grant(&context, target, object.as_deref(), &privileges)?;
        if is_grant && privileges == ["OWNERSHIP"] {
            may_change_owner(object.as_deref())?;
        }
    }
    drop(context);
    session.shared.change_catalog(|catalog| {
        for (target, object) in &targets {
            for privilege in expand(&privileges, target, object.as_deref()) {
                match (privilege.as_str(), object) {
                    ("OWNERSHIP", Some(object)) if is_grant => {
                        catalog.update(object.id, |o| o.owner.clone_from(&role))
                    }
                    _ if is_grant => {
                        catalog.grant(Grant {
                            privilege,
                            on: target.clone(),
                            role: role.clone(),
                            with_grant_option,
                        });
                    }
                    _ => catalog.revoke(&privilege, target, &role),
                }
            }
        }
        Ok(())
    })?;
    Ok(QueryResult::status("Statement executed successfully."))
}

fn role(session: &mut Session, mut cursor: Cursor<'_>, is_grant: bool) -> Result<QueryResult> {
    let (binds, variables) = (Binds::default(), Variables::new());
    let context = session.context(&binds, &variables);
    let role = context.find(Kind::Role, &cursor.name()?)?;
    cursor.expect(if is_grant { "TO" } else { "FROM" })?;
    let member = if cursor.accept("USER") {
        Member::User(
            context
                .find(Kind::User, &cursor.name()?)?
                .short()
                .to_owned(),
        )
    } else {
        cursor.expect("ROLE")?;
        Member::Role(
            context
                .find(Kind::Role, &cursor.name()?)?
                .short()
                .to_owned(),
        )
    };
    cursor.end()?;
    if !context
        .snapshot
        .catalog
        .has_account_privilege(&context.names.roles, "MANAGE GRANTS")
    {
        context.require(&role, "OWNERSHIP")?;
    }
    if let Member::Role(member) = &member
        && is_grant
        && context
            .snapshot
            .catalog
            .inherited_roles(role.short())
            .contains(member)
    {
        return Err(SnowflakeError::compilation(format!(
            "granting role {} to {member} would make a circle",
            role.short()
        )));
    }
    let name = role.short().to_owned();
    drop(context);
    session.shared.change_catalog(|catalog| {
        if is_grant {
            catalog.grant_role(&name, member);
        } else {
            catalog.revoke_role(&name, &member);
        }
        Ok(())
    })?;
    Ok(QueryResult::status("Statement executed successfully."))
}

/// Fails for a pipe that runs, and for a task that is resumed.
fn may_change_owner(object: Option<&Object>) -> Result<()> {
    let first = match object.map(|o| (o.short(), &o.body)) {
        Some((name, Body::Pipe(pipe))) if !pipe.paused => {
            format!("pipe {name} must be paused: ALTER PIPE … SET PIPE_EXECUTION_PAUSED = TRUE")
        }
        _ => return Ok(()),
    };
    Err(SnowflakeError::compilation(format!(
        "cannot transfer ownership: {first}"
    )))
}

/// Privileges of one or more words, separated by commas, up to `ON`.
fn privileges(cursor: &mut Cursor<'_>) -> Result<Vec<String>> {
    let mut found = vec![String::new()];
    while !cursor.at_words("ON") {
        if cursor.accept_token(&Token::Comma) {
            found.push(String::new());
            continue;
        }
        let word = cursor.identifier()?;
        if let Some(last) = found.last_mut() {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(&word);
        }
    }
    Ok(found)
}

type Targets = Vec<(GrantTarget, Option<Arc<Object>>)>;

fn targets(context: &Context<'_>, cursor: &mut Cursor<'_>) -> Result<Targets> {
    if cursor.accept("ACCOUNT") {
        return Ok(vec![(GrantTarget::Account, None)]);
    }
    let is_future = cursor.accept("FUTURE");
    if is_future || cursor.accept("ALL") {
        let kind = plural(cursor)?;
        cursor.expect("IN")?;
        let container = if cursor.accept("DATABASE") {
            Kind::Database
        } else {
            Kind::Schema
        };
        if container == Kind::Schema {
            cursor.expect("SCHEMA")?;
        }
        let object = context.find(container, &cursor.name()?)?;
        if is_future {
            return Ok(vec![(
                GrantTarget::Future(kind, object.path.clone()),
                Some(object),
            )]);
        }
        let inside = context
            .snapshot
            .catalog
            .within(&object.path)
            .into_iter()
            .filter(|o| o.kind == kind);
        return Ok(inside
            .map(|o| (GrantTarget::Object(o.id), Some(o)))
            .collect());
    }
    let kind = Kind::parse(cursor)?;
    let mut name = cursor.name()?;
    if kind == Kind::Procedure {
        signature::read(&mut name, cursor)?;
    }
    let object = find_for_grant(context, kind, &name)?;
    Ok(vec![(GrantTarget::Object(object.id), Some(object))])
}

/// Who manages grants may grant on what he cannot see otherwise.
fn find_for_grant(context: &Context<'_>, kind: Kind, name: &Name) -> Result<Arc<Object>> {
    let found = context.find(kind, name);
    if found.is_err()
        && context
            .snapshot
            .catalog
            .has_account_privilege(&context.names.roles, "MANAGE GRANTS")
    {
        let path = context.full_path(kind, name)?;
        if let Some(object) = context.snapshot.catalog.find(kind, &path) {
            return Ok(Arc::clone(object));
        }
    }
    found
}

fn plural(cursor: &mut Cursor<'_>) -> Result<Kind> {
    let word = cursor.identifier()?;
    if word == "FILE" {
        cursor.expect("FORMATS")?;
        return Ok(Kind::FileFormat);
    }
    Kind::of_words(word.strip_suffix('S').unwrap_or(&word))
        .ok_or_else(|| SnowflakeError::unsupported(format!("grants on {word}")))
}

fn may_grant(
    context: &Context<'_>,
    target: &GrantTarget,
    object: Option<&Object>,
    privileges: &[String],
) -> Result<()> {
    if context
        .snapshot
        .catalog
        .has_account_privilege(&context.names.roles, "MANAGE GRANTS")
        || context.names.roles.contains("ACCOUNTADMIN")
    {
        return Ok(());
    }
    let has_option = privileges.iter().all(|p| {
        context.snapshot.catalog.grants().any(|g| {
            g.on == *target
                && g.privilege == *p
                && g.with_grant_option
                && context.names.roles.contains(&g.role)
        })
    });
    match object {
        _ if has_option => Ok(()),
        Some(object) => context.require(object, "OWNERSHIP"),
        None => Err(SnowflakeError::privileges(
            "account",
            &context.environment.shared.options.account,
        )),
    }
}

/// The privileges by name, `ALL` taken apart.
fn expand(privileges: &[String], target: &GrantTarget, object: Option<&Object>) -> Vec<String> {
    if !matches!(privileges, [all] if all == "ALL" || all == "ALL PRIVILEGES") {
        return privileges.to_vec();
    }
    let kind = match (target, object) {
        (GrantTarget::Future(kind, _), _) => Some(*kind),
        (_, Some(object)) => Some(object.kind),
        _ => None,
    };
    let names: &[&str] = match kind {
        Some(Kind::Database) => &["USAGE", "MONITOR", "MODIFY", "CREATE SCHEMA"],
        Some(Kind::Schema) => &[
            "USAGE",
            "MONITOR",
            "MODIFY",
            "CREATE TABLE",
            "CREATE VIEW",
            "CREATE STREAM",
            "CREATE STAGE",
            "CREATE FILE FORMAT",
            "CREATE SEQUENCE",
            "CREATE PIPE",
            "CREATE TASK",
            "CREATE PROCEDURE",
        ],
        Some(Kind::Table) => &[
            "SELECT",
            "INSERT",
            "UPDATE",
            "DELETE",
            "TRUNCATE",
            "REFERENCES",
        ],
        Some(Kind::View | Kind::Stream) => &["SELECT"],
        Some(Kind::Stage) => &["USAGE", "READ", "WRITE"],
        Some(Kind::Pipe | Kind::Task) => &["MONITOR", "OPERATE"],
        Some(Kind::Warehouse) => &["USAGE", "OPERATE", "MODIFY", "MONITOR"],
        Some(_) => &["USAGE"],
        None => &[
            "CREATE DATABASE",
            "CREATE WAREHOUSE",
            "CREATE ROLE",
            "CREATE USER",
            "MANAGE GRANTS",
            "CREATE INTEGRATION",
            "EXECUTE TASK",
            "EXECUTE MANAGED TASK",
            "MONITOR USAGE",
        ],
    };
    names.iter().map(|n| (*n).to_owned()).collect()
}
