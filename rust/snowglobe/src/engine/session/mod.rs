//! A session: who runs statements, where unqualified names lead, its parameters, variables and its open transaction.
//!
//! - `open`: who logs in, and where names lead at first
//! - `runtime`: the shared state, and what is wired above sessions
//! - `run`: statements, in time, and their results
//! - `transaction`: what DML does inside and outside of BEGIN and COMMIT

mod open;
mod run;
mod runtime;
mod transaction;

use std::collections::BTreeMap;
use std::sync::Arc;

use duckdb::Connection;

use super::compile::{Context, Environment, Memory, Names, Snapshot, Typed, Variables};
use super::storage::{self, Rows};
use crate::engine::state::copies::Found;
use crate::engine::state::shared::Shared;
use crate::engine::state::task_runs::RunningTask;
use crate::engine::state::transaction::Transaction;
use crate::engine::storage::cancel::CancelHandle;
use crate::sql::cursor::literal;
use crate::types::error::Result;
use crate::types::parameters::Parameters;
use crate::types::value::Binds;

pub use open::Login;
pub(crate) use runtime::{Runtime, WeakRuntime, Wiring};
pub(crate) use transaction::Effects;

/// Whose rights a statement runs with, and where its names lead. A procedure with owner's rights adds one.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub role: String,
    pub database: Option<String>,
    pub schema: Option<String>,
    /// Whether session variables are out of reach.
    pub is_owners: bool,
}

/// A session. One thread runs its statements; its [`CancelHandle`] may be used from any.
pub struct Session {
    pub(crate) shared: Arc<Shared>,
    pub(crate) wiring: Wiring,
    pub(crate) connection: Connection,
    pub(crate) id: u64,
    pub(crate) user: String,
    pub(crate) warehouse: Option<String>,
    pub(crate) frames: Vec<Frame>,
    pub(crate) parameters: Parameters,
    pub(crate) variables: BTreeMap<String, Typed>,
    pub(crate) transactions: Vec<Transaction>,
    /// How deep in procedure calls it is.
    pub(crate) depth: usize,
    /// How deep statements that run statements are in each other.
    nesting: usize,
    pub(crate) results: Vec<(String, Arc<Rows>)>,
    /// What COPY has found, for VALIDATE; the last is the latest.
    pub(crate) copies: Vec<Found>,
    pub(crate) task: Option<Arc<RunningTask>>,
    /// Staged files that the statement reads, made readable, by the marker that stands for them.
    pub(crate) staged: BTreeMap<String, String>,
    pub(crate) query_id: String,
    pub(crate) time_zone_set: String,
    cancel: CancelHandle,
}

impl Session {
    /// What cancels this session's statement.
    pub fn cancel_handle(&self) -> CancelHandle {
        self.cancel.clone()
    }

    pub(crate) fn runtime(&self) -> Runtime {
        Runtime {
            shared: Arc::clone(&self.shared),
            wiring: self.wiring,
        }
    }

    /// The user.
    pub fn user(&self) -> &str {
        &self.user
    }

    pub(crate) fn frame(&self) -> &Frame {
        // The first frame is never taken away.
        &self.frames[self.frames.len() - 1]
    }

    pub(crate) fn frame_mut(&mut self) -> &mut Frame {
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    /// The current role.
    pub fn role(&self) -> &str {
        &self.frame().role
    }

    /// The current warehouse.
    pub fn warehouse(&self) -> Option<&str> {
        self.warehouse.as_deref()
    }

    /// The current database.
    pub fn database(&self) -> Option<&str> {
        self.frame().database.as_deref()
    }

    /// The current schema.
    pub fn schema(&self) -> Option<&str> {
        self.frame().schema.as_deref()
    }

    /// A session parameter's value (`TIMEZONE`, `MULTI_STATEMENT_COUNT`, `QUERY_TAG`, …), if Snowglobe knows the parameter.
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.parameters.get(name)
    }

    /// Sets a session parameter, as `ALTER SESSION SET` does.
    ///
    /// # Errors
    /// If Snowglobe does not know it, or the value does not fit.
    pub fn set_parameter(&mut self, name: &str, value: &str) -> Result<()> {
        self.parameters.set(name, value)?;
        self.apply_time_zone()
    }

    pub(crate) fn apply_time_zone(&mut self) -> Result<()> {
        let zone = self.parameters.text("TIMEZONE");
        if zone != self.time_zone_set {
            storage::run(
                &self.connection,
                &format!("set session timezone = {}", literal(&zone)),
            )?;
            self.time_zone_set = zone;
        }
        Ok(())
    }

    /// Whether a transaction is open.
    pub fn in_transaction(&self) -> bool {
        !self.transactions.is_empty()
    }

    /// What a statement that begins now is compiled against.
    pub(crate) fn context(
        &self,
        binds: &Binds,
        variables: &BTreeMap<String, Typed>,
    ) -> Context<'_> {
        let catalog = self.shared.catalog();
        let frame = self.frame();
        let transaction = self.transactions.last();
        let reading = self.shared.reading();
        let snapshot = reading.at;
        Context {
            names: Names {
                user: self.user.clone(),
                role: frame.role.clone(),
                roles: catalog.inherited_roles(&frame.role),
                warehouse: self.warehouse.clone(),
                database: frame.database.clone(),
                schema: frame.schema.clone(),
                session_id: self.id,
            },
            snapshot: Snapshot {
                catalog,
                at: snapshot,
                reading,
                own: transaction.map(Transaction::stamp),
                stream_end: transaction.map_or(snapshot, Transaction::started_at),
                now: self.shared.options.clock.now_micros(),
            },
            memory: Memory {
                session_variables: if frame.is_owners {
                    Variables::new()
                } else {
                    self.variables.clone()
                },
                script_variables: variables.clone(),
                binds: binds.clone(),
                results: self.results.clone(),
                copies: self.copies.clone(),
                task: self.task.clone(),
                staged: self.staged.clone(),
            },
            environment: Environment {
                shared: Arc::clone(&self.shared),
                builtins: self.wiring.builtins,
                cancelled: self.cancel.clone(),
                writes: false,
            },
            connection: &self.connection,
        }
    }
}
