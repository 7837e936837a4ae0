//! What all sessions share: the catalog, the commits, the locks and the offsets of streams.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use duckdb::Connection;

use super::meter::Meter;
use super::options::EngineOptions;
use super::pipe_queue::Queue;
use super::readers::{Cleared, Readers, Reading};
use super::task_runs::Scheduler;
use super::transaction::{Locks, Transaction};
use super::trust::Trust;
use crate::engine::catalog::bootstrap;
use crate::engine::catalog::{Access, Catalog, Change, Object};
use crate::engine::files::scan;
use crate::engine::storage;
use crate::engine::storage::ALIVE;
use crate::engine::storage::calls;
use crate::object_store::ObjectMeta;
use crate::sql::cursor::literal;
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::Value;

const DAY_MICROS: i64 = 86_400_000_000;

/// How long a note that a stream is fresh waits for a writer.
const WRITER_TIMEOUT: Duration = Duration::from_secs(1);

/// What all sessions share.
pub struct Shared {
    pub options: EngineOptions,
    /// The connection for catalog changes; catalog and storage change on it.
    main: Mutex<Connection>,
    /// Clones for sessions come from it: nothing holds it for long.
    spare: Mutex<Connection>,
    catalog: RwLock<Arc<Catalog>>,
    /// One statement writes at a time; whoever holds this knows the next commit.
    writing: Mutex<()>,
    committed: AtomicI64,
    pub locks: Locks,
    /// stream → the commit up to which it was consumed, and when that was
    offsets: RwLock<HashMap<u64, (i64, i64)>>,
    /// table → the last commit that changed it
    last_changes: RwLock<HashMap<u64, i64>>,
    next_transaction: AtomicU64,
    next_session: AtomicU64,
    pub pipes: Queue,
    pub tasks: Scheduler,
    pub warehouses: Meter,
    pub trust: Trust,
    /// Who reads at which commit, so that the vacuum spares it.
    pub readers: Readers,
    /// What the vacuum has taken away.
    pub cleared: Cleared,
    pub closing: AtomicBool,
    /// Dropped last: whoever waits for it to go knows that the files are closed.
    pub open: Arc<()>,
}

impl Shared {
    /// Opens the data and puts right what a crash has left.
    pub fn open(options: EngineOptions) -> Result<Self> {
        let main = storage::open(options.data_dir.as_deref())?;
        scan::register(&main)?;
        calls::define(&main)?;
        let objects = storage::query(&main, "select body from sys_objects")?;
        let is_new = objects.rows.is_empty();
        let parse = |row: Vec<Value>| match row.into_iter().next() {
            Some(Value::Text(json)) => {
                serde_json::from_str::<Object>(&json).map_err(SnowflakeError::internal)
            }
            _ => Err(SnowflakeError::internal("catalog row without body")),
        };
        let objects = objects
            .rows
            .into_iter()
            .map(parse)
            .collect::<Result<Vec<_>>>()?;
        let access = storage::query(&main, "select body from sys_access")?;
        let access = match access.rows.first().and_then(|row| row.first()) {
            Some(Value::Text(json)) => {
                serde_json::from_str(json).map_err(SnowflakeError::internal)?
            }
            _ => Access::default(),
        };
        let catalog = Catalog::restore(objects, access);
        recover(&main, &catalog)?;
        let committed = storage::count(&main, "select coalesce(max(seq), 1) from sys_commits")?;
        let shared = Self {
            pipes: Queue::default(),
            tasks: Scheduler::default(),
            warehouses: Meter::default(),
            trust: Trust::open(&main, options.strict_trust)?,
            readers: Readers::default(),
            cleared: Cleared::default(),
            offsets: RwLock::new(read_offsets(&main)?),
            last_changes: RwLock::new(
                catalog
                    .all(crate::engine::catalog::Kind::Table)
                    .chain(catalog.dropped())
                    .map(|t| (t.id, committed))
                    .collect(),
            ),
            options,
            spare: Mutex::new(main.try_clone().map_err(SnowflakeError::internal)?),
            main: Mutex::new(main),
            catalog: RwLock::new(Arc::new(catalog)),
            writing: Mutex::new(()),
            committed: AtomicI64::new(committed),
            locks: Locks::default(),
            next_transaction: AtomicU64::new(1),
            next_session: AtomicU64::new(1),
            closing: AtomicBool::new(false),
            open: Arc::default(),
        };
        if is_new {
            let now = shared.options.clock.now_micros();
            shared.change_catalog(|catalog| {
                bootstrap::fill(catalog, now);
                Ok(())
            })?;
        }
        Ok(shared)
    }

    /// A connection of one's own.
    pub fn connect(&self) -> Result<Connection> {
        let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
        spare.try_clone().map_err(SnowflakeError::internal)
    }

    fn main(&self) -> MutexGuard<'_, Connection> {
        self.main.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The catalog as it is now.
    pub fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The last commit.
    pub fn committed(&self) -> i64 {
        self.committed.load(Ordering::SeqCst)
    }

    /// Reads at the last commit.
    pub fn reading(&self) -> Arc<Reading> {
        Arc::new(self.readers.begin(|| self.committed()))
    }

    /// Does `work` on the connection of catalog changes. The caller writes.
    pub fn with_main<T>(&self, work: impl FnOnce(&Connection) -> T) -> T {
        work(&self.main())
    }

    /// Changes the catalog, on disk and in memory, or not at all.
    ///
    /// # Errors
    /// What `change` returns, and what DuckDB says while writing.
    pub fn change_catalog<T>(&self, change: impl FnOnce(&mut Catalog) -> Result<T>) -> Result<T> {
        self.change_storage(|catalog, _| change(catalog))
    }

    /// Changes the catalog together with what lies in DuckDB.
    ///
    /// # Errors
    /// As [`Self::change_catalog`].
    pub fn change_storage<T>(
        &self,
        change: impl FnOnce(&mut Catalog, &Connection) -> Result<T>,
    ) -> Result<T> {
        let _writing = self.start_writing();
        let main = self.main();
        let mut catalog = Catalog::clone(&self.catalog());
        storage::run(&main, "begin")?;
        let changed = change(&mut catalog, &main).and_then(|value| {
            persist(&main, &mut catalog)?;
            storage::run(&main, "commit")?;
            Ok(value)
        });
        match changed {
            Ok(value) => {
                *self.catalog.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(catalog);
                Ok(value)
            }
            Err(error) => {
                let _ = storage::run(&main, "rollback");
                Err(error)
            }
        }
    }

    /// Waits until no other statement writes.
    pub fn start_writing(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new transaction, which begins now.
    pub fn new_transaction(&self, depth: usize) -> Transaction {
        Transaction {
            id: self.next_transaction.fetch_add(1, Ordering::SeqCst),
            reading: self.reading(),
            tables: std::collections::BTreeSet::new(),
            streams: std::collections::BTreeSet::new(),
            records: Vec::new(),
            loaded: Vec::new(),
            forgotten: std::collections::BTreeSet::new(),
            purged: Vec::new(),
            depth,
        }
    }

    /// A new session's id.
    pub fn new_session_id(&self) -> u64 {
        self.next_session.fetch_add(1, Ordering::SeqCst)
    }

    /// The commit up to which the stream was consumed.
    pub fn offset_of(&self, stream: u64) -> i64 {
        self.offsets
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&stream)
            .map_or(0, |(seq, _)| *seq)
    }

    /// When it was.
    pub fn offset_time_of(&self, stream: u64) -> i64 {
        self.offsets
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&stream)
            .map_or(0, |(_, at)| *at)
    }

    /// Sets a new stream's offset. The caller writes.
    pub fn set_offset(&self, connection: &Connection, stream: u64, seq: i64) -> Result<()> {
        let now = self.options.clock.now_micros();
        storage::run(
            connection,
            &format!("insert or replace into sys_offsets values ({stream}, {seq}, {now})"),
        )?;
        self.offsets
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(stream, (seq, now));
        Ok(())
    }

    /// Notes that the stream was found empty: it is not getting stale. A day is near enough. A writer is not waited for without end: it may
    /// be the session itself, in a transaction of its own.
    pub fn found_empty(&self, stream: u64) {
        let now = self.options.clock.now_micros();
        let is_noted = |at: i64| now - at < DAY_MICROS;
        if is_noted(self.offset_time_of(stream)) {
            return;
        }
        let started = Instant::now();
        let _writing = loop {
            match self.writing.try_lock() {
                Ok(writing) => break writing,
                Err(_) if started.elapsed() > WRITER_TIMEOUT => return,
                Err(_) => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        let mut offsets = self.offsets.write().unwrap_or_else(PoisonError::into_inner);
        let Some((seq, at)) = offsets.get(&stream).copied() else {
            return;
        };
        if is_noted(at) {
            return;
        }
        let sql = format!("update sys_offsets set at_micros = {now} where stream = {stream}");
        match storage::run(&self.main(), &sql) {
            Ok(()) => drop(offsets.insert(stream, (seq, now))),
            Err(error) => log::warn!("stream {stream} may get stale: {error}"),
        }
    }

    /// The last commit that changed the table.
    pub fn last_change(&self, table: u64) -> i64 {
        self.last_changes
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&table)
            .copied()
            .unwrap_or(0)
    }

    /// The SQL that makes a commit of the number `seq` with the transaction's effects; row versions carry `seq` already, or the transaction's stamp.
    pub fn commit_sql(&self, transaction: &Transaction, seq: i64, stamped: bool) -> String {
        let now = self.options.clock.now_micros();
        let mut sql = format!("insert into sys_commits values ({seq}, {now});");
        if stamped {
            let stamp = transaction.stamp();
            for table in &transaction.tables {
                sql.push_str(&format!(
                    "update \"T{table}\" set _begin = {seq} where _begin = {stamp}; update \"T{table}\" set _end = {seq} where _end = {stamp};"
                ));
            }
        }
        for stream in &transaction.streams {
            let at = transaction.started_at().max(self.offset_of(*stream));
            sql.push_str(&format!(
                "insert or replace into sys_offsets values ({stream}, {at}, {now});"
            ));
        }
        for record in &transaction.records {
            sql.push_str(record);
            sql.push(';');
        }
        sql
    }

    /// Makes the commit known, once DuckDB has it.
    pub fn publish(&self, transaction: &Transaction, seq: i64) {
        let now = self.options.clock.now_micros();
        {
            let mut offsets = self.offsets.write().unwrap_or_else(PoisonError::into_inner);
            for stream in &transaction.streams {
                let before = offsets.get(stream).map_or(0, |(seq, _)| *seq);
                offsets.insert(*stream, (transaction.started_at().max(before), now));
            }
            let mut changes = self
                .last_changes
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            changes.extend(transaction.tables.iter().map(|table| (*table, seq)));
        }
        self.committed.store(seq, Ordering::SeqCst);
        self.options.clock.wake();
    }

    /// Takes away the files that COPY was told to purge. "COPY INTO <table>": "if the purge operation fails for any reason, no error is returned".
    pub fn purge(&self, transaction: &Transaction) {
        let store = &self.options.object_store;
        for file in &transaction.purged {
            // What has been put there since is not what was loaded.
            let is_same = |now: &ObjectMeta| now.etag == file.etag;
            if store
                .head(&file.bucket, &file.key)
                .is_ok_and(|now| is_same(&now))
                && let Err(error) = store.delete(&file.bucket, &file.key)
            {
                log::warn!(
                    "{} is loaded and was to be purged, but stays: {error}",
                    file.key
                );
            }
        }
    }
}

impl Default for Access {
    fn default() -> Self {
        Catalog::default().access()
    }
}

fn read_offsets(main: &Connection) -> Result<HashMap<u64, (i64, i64)>> {
    let rows = storage::query(main, "select stream, seq, at_micros from sys_offsets")?;
    let number = |value: &Value| match value {
        Value::Number(n) => i64::try_from(*n).unwrap_or(0),
        _ => 0,
    };
    Ok(rows
        .rows
        .iter()
        .map(|r| (number(&r[0]).unsigned_abs(), (number(&r[1]), number(&r[2]))))
        .collect())
}

/// Writes what has changed.
fn persist(main: &Connection, catalog: &mut Catalog) -> Result<()> {
    let mut access_changed = false;
    for change in catalog.take_changes() {
        match change {
            Change::Put(object) => {
                let json =
                    serde_json::to_string(object.as_ref()).map_err(SnowflakeError::internal)?;
                storage::run(
                    main,
                    &format!(
                        "insert or replace into sys_objects values ({}, {})",
                        object.id,
                        literal(&json)
                    ),
                )?;
            }
            Change::Remove(id) => {
                storage::run(main, &format!("delete from sys_objects where id = {id}"))?
            }
            Change::Access => access_changed = true,
        }
    }
    if access_changed {
        let json = serde_json::to_string(&catalog.access()).map_err(SnowflakeError::internal)?;
        storage::run(
            main,
            &format!(
                "delete from sys_access; insert into sys_access values ({})",
                literal(&json)
            ),
        )?;
    }
    Ok(())
}

/// Rolls back what was open when the process ended, and drops tables that the catalog does not know.
fn recover(main: &Connection, catalog: &Catalog) -> Result<()> {
    let tables = storage::query(
        main,
        "select table_name from duckdb_tables() where table_name like 'T%' and table_name not like 'sys%'",
    )?;
    for row in tables.rows {
        let Some(Value::Text(name)) = row.first() else {
            continue;
        };
        let id = name[1..].parse::<u64>().ok();
        let known = id
            .and_then(|id| {
                let dropped = catalog.dropped().find(|o| o.id == id);
                catalog.by_id(id).or(dropped)
            })
            .is_some_and(|o| match &o.body {
                crate::engine::catalog::Body::Table(table) => table.temporary_of.is_none(),
                _ => false,
            });
        if !known {
            storage::run(main, &format!("drop table \"{name}\""))?;
            continue;
        }
        // Stamps of open transactions are greater than any commit.
        let open = i64::MAX / 2;
        storage::run(
            main,
            &format!(
                "delete from \"{name}\" where _begin > {open}; update \"{name}\" set _end = {ALIVE} where _end > {open} and _end < {ALIVE}"
            ),
        )?;
    }
    Ok(())
}
