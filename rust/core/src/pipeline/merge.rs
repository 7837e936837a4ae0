//! Calls the procedures, and reads what they did.

use serde::{Deserialize, Serialize};

use super::Pipeline;
use crate::error::{Error, Result};
use crate::merge::Identifier;
use crate::snowflake::Statement;

/// What one run did.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Merged {
    /// The run's number.
    pub run_id: u64,
    /// Rows taken, edits made by hand included.
    pub rows_in: i64,
    /// Events added to the history, less those displaced by the winners of ties.
    pub history: i64,
    /// Rows that said what was known.
    pub duplicates: i64,
    /// Rows refused.
    pub rejects: i64,
    /// Rows of the target that appeared.
    pub inserted: i64,
    /// Rows of the target that changed.
    pub updated: i64,
    /// Rows of the target that went away.
    pub deleted: i64,
}

impl Pipeline {
    /// Merges what waits in staging.
    ///
    /// # Errors
    /// `Transient` if the target was edited meanwhile or a lock was not obtained: nothing was changed, call again.
    pub async fn merge(&self) -> Result<Merged> {
        self.call(&self.names.merge).await
    }

    /// Brings edits made by hand on the target into the history.
    ///
    /// # Errors
    /// As [`Pipeline::merge`].
    pub async fn capture(&self) -> Result<Merged> {
        self.call(&self.names.capture).await
    }

    async fn call(&self, procedure: &Identifier) -> Result<Merged> {
        let rows = self
            .client
            .run(Statement::new(format!("call {procedure}()")).long())
            .await?;
        let text = rows
            .first()
            .ok_or_else(|| Error::bug(format!("{procedure} returned nothing")))?;
        serde_json::from_str(text).map_err(|error| {
            Error::config(format!(
                "{procedure} returned `{text}`: run `firn bootstrap` again"
            ))
            .with_source(error)
        })
    }
}
