//! Functions that ask who, where and when: known when a query is compiled.

use crate::engine::compile::Context;
use crate::engine::storage;
use crate::sql::fragment::Sql;
use crate::types::error::{Result, SnowflakeError};

/// The SQL of the function, if it is one of these.
///
/// # Errors
/// If an argument is missing, or no constant.
pub fn function(context: &Context<'_>, name: &str, args: &[Sql]) -> Result<Option<Sql>> {
    if let Some(sql) = moment(context, name) {
        return Ok(Some(sql));
    }
    if let Some(sql) = identity(context, name) {
        return Ok(Some(sql));
    }
    match name {
        "IS_ROLE_IN_SESSION" => {
            let role = args.first().and_then(Sql::as_literal);
            let role = role.ok_or_else(|| {
                SnowflakeError::unsupported("IS_ROLE_IN_SESSION of anything but a text")
            })?;
            let is_there = context.names.roles.contains(role);
            Ok(Some(Sql::known(if is_there { "true" } else { "false" })))
        }
        "SYSTEM$TYPEOF" => {
            let null = [Sql::known("null")];
            let args = if args.is_empty() { &null } else { args };
            Ok(Some(Sql::of("upper(typeof({0}))", args)))
        }
        _ => Ok(None),
    }
}

fn text(value: Option<&str>) -> Sql {
    value.map_or_else(|| Sql::known("null::varchar"), Sql::literal)
}

/// The statement's time.
fn moment(context: &Context<'_>, name: &str) -> Option<Sql> {
    let template = match name {
        "CURRENT_TIMESTAMP" | "LOCALTIMESTAMP" | "GETDATE" | "SYSTIMESTAMP" => {
            "make_timestamptz({0})"
        }
        "SYSDATE" => "make_timestamp({0})",
        "CURRENT_DATE" => "cast(make_timestamptz({0}) as date)",
        "CURRENT_TIME" | "LOCALTIME" => "cast(make_timestamptz({0}) as timestamp)::time",
        _ => return None,
    };
    let now = Sql::of(template, &[Sql::integer(context.snapshot.now)]);
    Some(match name {
        "CURRENT_DATE" => now.into_date(),
        _ => now,
    })
}

/// Who asks, and where.
fn identity(context: &Context<'_>, name: &str) -> Option<Sql> {
    Some(match name {
        "CURRENT_USER" => text(Some(&context.names.user)),
        "CURRENT_ROLE" => text(Some(&context.names.role)),
        "CURRENT_WAREHOUSE" => text(context.names.warehouse.as_deref()),
        "CURRENT_DATABASE" => text(context.names.database.as_deref()),
        "CURRENT_SCHEMA" => text(context.names.schema.as_deref()),
        "CURRENT_ACCOUNT" | "CURRENT_ACCOUNT_NAME" => {
            text(Some(&context.environment.shared.options.account))
        }
        "CURRENT_ORGANIZATION_NAME" => text(Some("SNOWGLOBE")),
        "CURRENT_REGION" => text(Some("LOCAL")),
        "CURRENT_VERSION" => text(Some(crate::types::SNOWFLAKE_VERSION)),
        "CURRENT_CLIENT" | "CURRENT_STATEMENT" => text(None),
        "CURRENT_IP_ADDRESS" => text(Some("127.0.0.1")),
        "CURRENT_SECONDARY_ROLES" => text(Some(r#"{"roles":"","value":""}"#)),
        "CURRENT_AVAILABLE_ROLES" => {
            let roles: Vec<&String> = context.names.roles.iter().collect();
            text(Some(&serde_json::json!(roles).to_string()))
        }
        "CURRENT_SESSION" => text(Some(&context.names.session_id.to_string())),
        "CURRENT_TRANSACTION" => {
            let own = context
                .snapshot
                .own
                .map(|own| (storage::ALIVE - own).to_string());
            text(own.as_deref())
        }
        "CURRENT_SCHEMAS" => {
            let (database, schema) = (
                context.names.database.as_deref().unwrap_or(""),
                context.names.schema.as_deref().unwrap_or(""),
            );
            text(Some(&format!("[\"{database}.{schema}\"]")))
        }
        "LAST_QUERY_ID" => text(context.memory.results.last().map(|(id, _)| id.as_str())),
        _ => return None,
    })
}
