//! One statement of a script, and what its rendering needs to know.

use super::{Deployment, Identifier, Names};
use crate::contract::Contract;

/// One statement and the role that runs it.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The role that may run it.
    pub role: Identifier,
    /// The text, without a semicolon at its end.
    pub sql: String,
    /// Whether names in it are looked up in the deployment's schema (which exists only after `10_database.sql`).
    pub in_schema: bool,
}

/// The input of a script's rendering.
pub(super) struct RenderContext<'a> {
    pub contract: &'a Contract,
    pub deployment: &'a Deployment,
    pub names: Names,
}

impl RenderContext<'_> {
    /// Prefix of the names of the stage's files in the tables: their folder's path in the bucket.
    pub fn stage_prefix(&self) -> String {
        let url = self.deployment.storage.table_url(self.contract.table());
        let path = url.strip_prefix("s3://").unwrap_or(&url);
        path.split_once('/')
            .map_or_else(String::new, |(_, prefix)| prefix.to_owned())
    }

    /// `database.schema`.
    pub fn schema(&self) -> String {
        format!("{}.{}", self.deployment.database, self.deployment.schema)
    }

    /// A statement that the owner runs in the schema.
    pub fn owned(&self, sql: String) -> Statement {
        Statement {
            role: self.deployment.owner.clone(),
            sql,
            in_schema: true,
        }
    }
}
