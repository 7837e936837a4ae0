//! Roles, database, warehouse, and the script that drops everything.

use super::Identifier;
use super::statement::{RenderContext, Statement};

pub(super) const ROLES: &str = "Creates two roles: the owner of all objects, and the loader, which may call the procedures that load and merge, \
and can neither read nor alter data.
Needs USERADMIN. Safe to rerun.";

pub(super) const DATABASE: &str =
    "Creates the warehouse, the database and the schema, and grants the two roles their privileges there.
Needs 00_roles.sql, SYSADMIN, and ACCOUNTADMIN for the privilege EXECUTE TASK. Safe to rerun.";

pub(super) const DROP: &str = "Drops the objects of the contract, and its tables with their data.
Database, warehouse, roles and integration stay, as other contracts may use them. Safe to rerun.";

fn run(role: &str, sql: String) -> Statement {
    Statement {
        role: Identifier::new(role),
        sql,
        in_schema: false,
    }
}

pub(super) fn roles(context: &RenderContext<'_>) -> Vec<Statement> {
    let (owner, loader) = (&context.deployment.owner, &context.deployment.loader);
    let mut statements = vec![
        run(
            "USERADMIN",
            format!("create role if not exists {owner} comment = 'owns the objects of Firn'"),
        ),
        run(
            "USERADMIN",
            format!("create role if not exists {loader} comment = 'loads files and calls merges'"),
        ),
        run("USERADMIN", format!("grant role {owner} to role SYSADMIN")),
        run("USERADMIN", format!("grant role {loader} to role {owner}")),
    ];
    if let Some(user) = &context.deployment.loader_user {
        statements.push(run(
            "USERADMIN",
            format!("grant role {loader} to user {user}"),
        ));
    }
    statements
}

pub(super) fn database(context: &RenderContext<'_>) -> Vec<Statement> {
    let deployment = context.deployment;
    let (database, warehouse, owner, loader, schema) = (
        &deployment.database,
        &deployment.warehouse,
        &deployment.owner,
        &deployment.loader,
        context.schema(),
    );
    let kinds = [
        "table",
        "view",
        "stage",
        "file format",
        "pipe",
        "stream",
        "task",
        "procedure",
    ];
    let creates: Vec<String> = kinds.iter().map(|kind| format!("create {kind}")).collect();
    vec![
        run(
            "SYSADMIN",
            format!(
                "create warehouse if not exists {warehouse} warehouse_size = xsmall auto_suspend = 60 auto_resume = true\n  initially_suspended = true"
            ),
        ),
        run(
            "SYSADMIN",
            format!("create database if not exists {database}"),
        ),
        run("SYSADMIN", format!("create schema if not exists {schema}")),
        run(
            "SYSADMIN",
            format!("grant usage on warehouse {warehouse} to role {owner}"),
        ),
        run(
            "SYSADMIN",
            format!("grant usage on warehouse {warehouse} to role {loader}"),
        ),
        run(
            "SYSADMIN",
            format!("grant usage on database {database} to role {owner}"),
        ),
        run(
            "SYSADMIN",
            format!("grant usage on database {database} to role {loader}"),
        ),
        run(
            "SYSADMIN",
            format!(
                "grant usage, {} on schema {schema}\n  to role {owner}",
                creates.join(", ")
            ),
        ),
        run(
            "SYSADMIN",
            format!("grant usage on schema {schema} to role {loader}"),
        ),
        run(
            "ACCOUNTADMIN",
            format!("grant execute task on account to role {owner}"),
        ),
    ]
}

pub(super) fn drop(context: &RenderContext<'_>) -> Vec<Statement> {
    let names = &context.names;
    let mut drops = vec![
        format!("task if exists {}", names.merge_task),
        format!("task if exists {}", names.capture_task),
        format!("pipe if exists {}", names.pipe),
        format!("stream if exists {}", names.staging_stream),
        format!("stream if exists {}", names.changes),
        format!("procedure if exists {}(boolean, boolean)", names.merge),
        format!("procedure if exists {}()", names.capture),
        format!("procedure if exists {}(array)", names.load),
        format!("procedure if exists {}(array)", names.report),
        format!("view if exists {}", names.versions),
        format!("view if exists {}", names.history),
        format!("stage if exists {}", names.stage),
        format!("file format if exists {}", names.format),
    ];
    let tables = [
        &names.staging,
        &names.target,
        &names.history_open,
        &names.history_closed,
        &names.rejects,
        &names.retries,
        &names.runs,
        &names.lock,
        &names.load_lock,
    ];
    drops.extend(
        tables
            .into_iter()
            .chain(names.work_tables())
            .map(|table| format!("table if exists {table}")),
    );
    drops
        .into_iter()
        .map(|object| context.owned(format!("drop {object}")))
        .collect()
}
