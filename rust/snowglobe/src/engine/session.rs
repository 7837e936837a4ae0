//! A session: who runs statements, where unqualified names lead, its parameters, variables and its open transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use duckdb::{Connection, InterruptHandle};

use super::catalog::{Body, Kind};
use super::compile::{Context, Typed};
use super::copy::validate::Found;
use super::error::{Result, SnowflakeError};
use super::parameters::Parameters;
use super::shared::Shared;
use super::storage::{self, Rows};
use super::transaction::{LoadedFile, Open, Transaction};
use super::value::{Binds, QueryResult};
use super::{Login, execute};
use crate::sql::cursor::{Name, literal};

/// Whose rights a statement runs with, and where its names lead. A procedure with owner's rights adds one.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub role: String,
    pub database: Option<String>,
    pub schema: Option<String>,
    /// Whether session variables are out of reach.
    pub is_owners: bool,
}

/// What DML has done, for the transaction that it belongs to.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub tables: BTreeSet<u64>,
    pub streams: BTreeSet<u64>,
    pub records: Vec<String>,
    pub loaded: Vec<LoadedFile>,
    pub forgotten: BTreeSet<u64>,
    pub purged: Vec<LoadedFile>,
}

/// A session. One thread runs its statements; its [`CancelHandle`] may be used from any.
pub struct Session {
    pub(crate) shared: Arc<Shared>,
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
    pub(crate) results: Vec<(String, Arc<Rows>)>,
    /// What COPY has found, for VALIDATE; the last is the latest.
    pub(crate) copies: Vec<Found>,
    pub(crate) task: Option<Arc<super::tasks::RunningTask>>,
    /// Staged files that the statement reads, made readable, by the marker that stands for them.
    pub(crate) staged: BTreeMap<String, String>,
    pub(crate) query_id: String,
    pub(crate) time_zone_set: String,
    cancel: CancelHandle,
}

/// Cancels what its session runs.
#[derive(Clone)]
pub struct CancelHandle {
    cancelled: Arc<AtomicBool>,
    interrupt: Arc<InterruptHandle>,
}

impl CancelHandle {
    /// Ends the statement that runs now with `000604`; without one, does nothing.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        self.interrupt.interrupt();
    }

    /// Does `work`, which is cancelled if it takes longer than `limit` (none, if zero); says whether it was.
    pub(crate) fn within<T>(&self, limit: Duration, work: impl FnOnce() -> T) -> (T, bool) {
        if limit.is_zero() {
            return (work(), false);
        }
        let (done, waiting) = std::sync::mpsc::channel::<()>();
        std::thread::scope(|scope| {
            let watch = scope.spawn(move || {
                // The sender goes away when the work has ended.
                let is_late =
                    waiting.recv_timeout(limit) == Err(std::sync::mpsc::RecvTimeoutError::Timeout);
                if is_late {
                    self.cancel();
                }
                is_late
            });
            let result = work();
            drop(done);
            (result, watch.join().unwrap_or(false))
        })
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }
}

/// How many results `RESULT_SCAN` can go back.
const RESULTS_KEPT: usize = 20;
/// Results of more rows than this are not kept for `RESULT_SCAN`.
const RESULT_ROWS_KEPT: usize = 100_000;

impl Session {
    pub(crate) fn open(shared: Arc<Shared>, login: Login) -> Result<Self> {
        let connection = shared.connect()?;
        let catalog = shared.catalog();
        let fold = |name: &str| Name::parse(name).map(|n| n.last().to_owned());
        let user = fold(&login.user)?;
        let refused = || {
            SnowflakeError::new(
                "390100",
                "08001",
                "Incorrect username or password was specified.",
            )
        };
        let Some(Body::User(body)) = catalog
            .find(Kind::User, std::slice::from_ref(&user))
            .map(|o| o.body.clone())
        else {
            return Err(refused());
        };
        if body.disabled {
            return Err(SnowflakeError::new(
                "390101",
                "08001",
                "User access disabled. Contact your local system administrator.",
            ));
        }
        let role = match &login.role {
            Some(role) => fold(role)?,
            None => body
                .default_role
                .clone()
                .unwrap_or_else(|| "PUBLIC".to_owned()),
        };
        if catalog
            .find(Kind::Role, std::slice::from_ref(&role))
            .is_none()
            || !catalog.may_take_role(&user, &role)
        {
            return Err(SnowflakeError::new(
                "390189",
                "08001",
                format!(
                    "Role '{role}' specified in the connect string does not exist or not authorized. Contact your local system administrator, or attempt to login with another role, e.g. PUBLIC."
                ),
            ));
        }
        let namespace = body
            .default_namespace
            .as_deref()
            .map(Name::parse)
            .transpose()?;
        let part = |at: usize| namespace.as_ref().and_then(|n| n.0.get(at).cloned());
        let database = login
            .database
            .as_deref()
            .map(fold)
            .transpose()?
            .or_else(|| part(0));
        let schema = login
            .schema
            .as_deref()
            .map(fold)
            .transpose()?
            .or_else(|| part(1));
        let schema = schema.or_else(|| database.as_ref().map(|_| "PUBLIC".to_owned()));
        let warehouse = login
            .warehouse
            .as_deref()
            .map(fold)
            .transpose()?
            .or(body.default_warehouse);
        let interrupt = connection.interrupt_handle();
        let mut session = Self {
            id: shared.new_session_id(),
            connection,
            user,
            warehouse,
            frames: vec![Frame {
                role,
                database,
                schema,
                is_owners: false,
            }],
            parameters: Parameters::default(),
            variables: BTreeMap::new(),
            transactions: Vec::new(),
            depth: 0,
            results: Vec::new(),
            copies: Vec::new(),
            task: None,
            staged: BTreeMap::new(),
            query_id: String::new(),
            time_zone_set: String::new(),
            cancel: CancelHandle {
                cancelled: Arc::new(AtomicBool::new(false)),
                interrupt,
            },
            shared,
        };
        session.apply_time_zone()?;
        Ok(session)
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
    pub fn execute_as(&mut self, query_id: &str, sql: &str, binds: &Binds) -> Result<QueryResult> {
        self.cancel.cancelled.store(false, Ordering::SeqCst);
        query_id.clone_into(&mut self.query_id);
        let mut result = self.run_in_time(sql, binds)?;
        query_id.clone_into(&mut result.query_id);
        self.keep_result(&result);
        Ok(result)
    }

    /// Runs a statement for at most `STATEMENT_TIMEOUT_IN_SECONDS`, if the session has set it: nobody waits for the two days of its default.
    fn run_in_time(&mut self, sql: &str, binds: &Binds) -> Result<QueryResult> {
        let name = "STATEMENT_TIMEOUT_IN_SECONDS";
        let seconds = match self.parameters.is_set(name) {
            true => self.parameters.number(name),
            false => 0,
        };
        let cancel = self.cancel_handle();
        let (result, is_late) = cancel.within(Duration::from_secs(seconds), || {
            self.run(sql, binds, &BTreeMap::new())
        });
        match result {
            Err(error) if is_late && error.code == SnowflakeError::cancelled().code => {
                Err(SnowflakeError::new(
                    "000630",
                    "57014",
                    format!(
                        "Statement reached its statement or warehouse timeout of {seconds} second(s) and was canceled."
                    ),
                ))
            }
            result => result,
        }
    }

    pub(crate) fn keep_result(&mut self, result: &QueryResult) {
        if result.rows.len() > RESULT_ROWS_KEPT {
            return;
        }
        let rows = Rows {
            columns: result.columns.clone(),
            rows: result.rows.clone(),
        };
        self.results.push((result.query_id.clone(), Arc::new(rows)));
        if self.results.len() > RESULTS_KEPT {
            self.results.remove(0);
        }
    }

    /// Runs one statement of a session or of a script, whose variables `:name` reaches.
    pub(crate) fn run(
        &mut self,
        sql: &str,
        binds: &Binds,
        variables: &BTreeMap<String, Typed>,
    ) -> Result<QueryResult> {
        if self.cancel.is_cancelled() {
            return Err(SnowflakeError::cancelled());
        }
        let result = execute::statement(self, sql, binds, variables);
        match result {
            // A statement that was cut off by DuckDB's own means was cancelled all the same.
            Err(_) if self.cancel.is_cancelled() => Err(SnowflakeError::cancelled()),
            other => other,
        }
    }

    /// What cancels this session's statement.
    pub fn cancel_handle(&self) -> CancelHandle {
        self.cancel.clone()
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
            roles: catalog.inherited_roles(&frame.role),
            catalog,
            user: self.user.clone(),
            role: frame.role.clone(),
            warehouse: self.warehouse.clone(),
            database: frame.database.clone(),
            schema: frame.schema.clone(),
            session_id: self.id,
            snapshot,
            reading,
            own: transaction.map(Transaction::stamp),
            stream_end: transaction.map_or(snapshot, Transaction::started_at),
            now: self.shared.options.clock.now_micros(),
            time_zone: self.parameters.text("TIMEZONE"),
            session_variables: if frame.is_owners {
                BTreeMap::new()
            } else {
                self.variables.clone()
            },
            script_variables: variables.clone(),
            binds: binds.clone(),
            results: self.results.clone(),
            copies: self.copies.clone(),
            connection: &self.connection,
            task: self.task.clone(),
            cancelled: self.cancel.clone(),
            staged: self.staged.clone(),
            shared: Arc::clone(&self.shared),
        }
    }

    /// Runs DML as one DuckDB transaction: it happens wholly or not at all. `locks` are the tables that it changes and the streams that it consumes.
    pub(crate) fn write<T>(
        &mut self,
        locks: &[(u64, String)],
        binds: &Binds,
        variables: &BTreeMap<String, Typed>,
        change: impl FnOnce(&mut Context<'_>, i64, &mut Effects) -> Result<T>,
    ) -> Result<T> {
        // "AUTOCOMMIT": without it DML begins a transaction, unless one is open. Procedures have their own scope.
        if self.depth == 0 && !self.parameters.is_true("AUTOCOMMIT") {
            self.begin(None);
        }
        let open = self.transactions.last().cloned();
        let transaction = open
            .clone()
            .unwrap_or_else(|| self.shared.new_transaction(self.depth));
        let result = self.locked_write(
            locks,
            transaction.clone(),
            open.is_some(),
            binds,
            variables,
            change,
        );
        if open.is_none() {
            self.shared.locks.release(transaction.id);
        }
        result
    }

    fn locked_write<T>(
        &mut self,
        locks: &[(u64, String)],
        mut transaction: Transaction,
        is_open: bool,
        binds: &Binds,
        variables: &BTreeMap<String, Typed>,
        change: impl FnOnce(&mut Context<'_>, i64, &mut Effects) -> Result<T>,
    ) -> Result<T> {
        let timeout = Duration::from_secs(self.parameters.number("LOCK_TIMEOUT"));
        for (resource, name) in locks {
            self.shared.locks.take(
                *resource,
                name,
                transaction.id,
                timeout,
                || self.cancel.is_cancelled(),
                self.shared.options.clock.now_micros(),
            )?;
        }
        let shared = Arc::clone(&self.shared);
        let _writing = shared.start_writing();
        let seq = shared.committed() + 1;
        let stamp = if is_open { transaction.stamp() } else { seq };
        let mut effects = Effects::default();
        storage::run(&self.connection, "begin")?;
        let changed = {
            let mut context = self.context(binds, variables);
            if !is_open {
                transaction.reading = Arc::clone(&context.reading);
            }
            change(&mut context, stamp, &mut effects)
        };
        let finished = changed.and_then(|value| {
            transaction.tables.extend(effects.tables);
            transaction.streams.extend(effects.streams);
            transaction.records.extend(effects.records);
            transaction
                .loaded
                .retain(|l| !effects.forgotten.contains(&l.target));
            transaction.forgotten.extend(effects.forgotten);
            transaction.loaded.extend(effects.loaded);
            transaction.purged.extend(effects.purged);
            if !is_open {
                storage::run(
                    &self.connection,
                    &shared.commit_sql(&transaction, seq, false),
                )?;
            }
            storage::run(&self.connection, "commit")?;
            Ok(value)
        });
        match finished {
            Ok(value) if is_open => {
                if let Some(last) = self.transactions.last_mut() {
                    *last = transaction;
                }
                Ok(value)
            }
            Ok(value) => {
                shared.publish(&transaction, seq);
                shared.purge(&transaction);
                Ok(value)
            }
            Err(error) => {
                let _ = storage::run(&self.connection, "rollback");
                Err(error)
            }
        }
    }

    /// `BEGIN`. Inside a transaction of the same scope it changes nothing.
    pub(crate) fn begin(&mut self, name: Option<String>) {
        if self
            .transactions
            .last()
            .is_none_or(|t| t.depth < self.depth)
        {
            let transaction = self.shared.new_transaction(self.depth);
            self.shared.locks.opens(Open {
                id: transaction.id,
                user: self.user.clone(),
                session: self.id,
                name: name.unwrap_or_else(|| uuid::Uuid::new_v4().to_string()),
                started_micros: self.shared.options.clock.now_micros(),
            });
            self.transactions.push(transaction);
        }
    }

    fn take_transaction(&mut self) -> Result<Option<Transaction>> {
        if self
            .transactions
            .last()
            .is_some_and(|t| t.depth < self.depth)
        {
            return Err(SnowflakeError::new(
                "090231",
                "22000",
                "Modifying a transaction that has started at a different scope is not allowed.",
            ));
        }
        Ok(self.transactions.pop())
    }

    /// `COMMIT`; without a transaction it does nothing.
    pub(crate) fn commit(&mut self) -> Result<()> {
        let Some(transaction) = self.take_transaction()? else {
            return Ok(());
        };
        let shared = Arc::clone(&self.shared);
        let _writing = shared.start_writing();
        let is_empty = transaction.tables.is_empty()
            && transaction.streams.is_empty()
            && transaction.records.is_empty();
        let seq = shared.committed() + 1;
        let sql = format!(
            "begin; {} commit",
            shared.commit_sql(&transaction, seq, true)
        );
        let done = if is_empty {
            Ok(())
        } else {
            storage::run(&self.connection, &sql)
        };
        match &done {
            Ok(()) if !is_empty => {
                shared.publish(&transaction, seq);
                shared.purge(&transaction);
            }
            Ok(()) => {}
            Err(_) => {
                let _ = storage::run(&self.connection, "rollback");
                let _ = self.undo(&transaction);
            }
        }
        shared.locks.release(transaction.id);
        done
    }

    /// `ROLLBACK`; without a transaction it does nothing.
    pub(crate) fn rollback(&mut self) -> Result<()> {
        let Some(transaction) = self.take_transaction()? else {
            return Ok(());
        };
        self.abandon(&transaction)
    }

    /// Takes back what a transaction that is no longer on the stack has written.
    pub(crate) fn abandon(&mut self, transaction: &Transaction) -> Result<()> {
        let shared = Arc::clone(&self.shared);
        let _writing = shared.start_writing();
        let undone = self.undo(transaction);
        shared.locks.release(transaction.id);
        undone
    }

    fn undo(&self, transaction: &Transaction) -> Result<()> {
        let stamp = transaction.stamp();
        for table in &transaction.tables {
            storage::run(
                &self.connection,
                &format!(
                    "begin; delete from \"T{table}\" where _begin = {stamp}; update \"T{table}\" set _end = {} where _end = {stamp}; commit",
                    storage::ALIVE
                ),
            )?;
        }
        Ok(())
    }

    /// Waits until no transaction holds the table, before DDL changes it.
    pub(crate) fn wait_for_table(&mut self, object: &super::catalog::Object) -> Result<()> {
        let transaction = self.shared.new_transaction(self.depth);
        let timeout = Duration::from_secs(self.parameters.number("LOCK_TIMEOUT"));
        let name = object.name().to_string();
        let taken = self.shared.locks.take(
            object.id,
            &name,
            transaction.id,
            timeout,
            || self.cancel.is_cancelled(),
            self.shared.options.clock.now_micros(),
        );
        self.shared.locks.release(transaction.id);
        taken
    }

    /// DDL commits what is open before it begins.
    pub(crate) fn commit_before_ddl(&mut self) -> Result<()> {
        self.commit()
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.depth = 0;
        while let Some(transaction) = self.transactions.pop() {
            if let Err(error) = self.abandon(&transaction) {
                log::error!("rolling back session {} failed: {error}", self.id);
            }
        }
        let id = self.id;
        let is_mine = |body: &Body| matches!(body, Body::Table(t) if t.temporary_of == Some(id));
        if !self
            .shared
            .catalog()
            .all(Kind::Table)
            .any(|o| is_mine(&o.body))
        {
            return;
        }
        let dropped = self.shared.change_storage(|catalog, connection| {
            let mine: Vec<u64> = catalog
                .all(Kind::Table)
                .filter(|o| is_mine(&o.body))
                .map(|o| o.id)
                .collect();
            for id in mine {
                storage::run(connection, &format!("drop table \"T{id}\""))?;
                catalog.remove(id);
            }
            Ok(())
        });
        if let Err(error) = dropped {
            log::error!("dropping temporary tables of session {id} failed: {error}");
        }
    }
}
