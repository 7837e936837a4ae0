//! Transactions at READ COMMITTED over DuckDB's snapshots.
//!
//! Every row version carries the commits between which it is there (`_begin`, `_end`). A statement is one DuckDB transaction, so it happens wholly or
//! not at all and its failure leaves the Snowflake transaction as it was. What an open transaction writes carries its own stamp, which is greater than
//! any commit and so invisible to others; COMMIT turns the stamp into the commit's number.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::readers::Reading;
use crate::engine::storage::ALIVE;
use crate::types::error::{Result, SnowflakeError};

/// An open transaction.
#[derive(Clone, Debug)]
pub struct Transaction {
    /// Its id, unique in this engine.
    pub id: u64,
    /// The last commit when it began: streams are read up to there.
    pub reading: Arc<Reading>,
    /// The tables it wrote.
    pub tables: BTreeSet<u64>,
    /// The streams it consumed.
    pub streams: BTreeSet<u64>,
    /// SQL that records what it loaded, to be run at commit.
    pub records: Vec<String>,
    /// The files that COPY has loaded in it.
    pub loaded: Vec<LoadedFile>,
    /// The tables whose load metadata it has erased.
    pub forgotten: BTreeSet<u64>,
    /// The files that COPY takes away once it has committed.
    pub purged: Vec<LoadedFile>,
    /// How deep in procedure calls it was begun.
    pub depth: usize,
}

/// A file that COPY has loaded.
#[derive(Clone, Debug)]
pub struct LoadedFile {
    pub target: u64,
    pub bucket: String,
    pub key: String,
    pub etag: String,
}

impl Transaction {
    /// The last commit when it began.
    pub fn started_at(&self) -> i64 {
        self.reading.at
    }

    /// The stamp of its row versions.
    pub fn stamp(&self) -> i64 {
        ALIVE - i64::try_from(self.id).unwrap_or(0)
    }
}

/// Locks on tables and streams, held until the end of a transaction. Waiting ends with a timeout, a cancel or a deadlock.
#[derive(Default)]
pub struct Locks {
    state: Mutex<LockState>,
    freed: Condvar,
}

/// Who holds a lock.
#[derive(Clone, Debug)]
struct Holder {
    transaction: u64,
    /// The locked table's or stream's name.
    resource: String,
    since_micros: i64,
}

/// An open transaction, as SHOW tells it.
#[derive(Clone, Debug)]
pub struct Open {
    pub id: u64,
    pub user: String,
    pub session: u64,
    pub name: String,
    pub started_micros: i64,
}

/// A lock, as SHOW tells it; one that is waited for has no time.
#[derive(Clone, Debug)]
pub struct Lock {
    pub resource: String,
    pub transaction: u64,
    pub since_micros: Option<i64>,
}

#[derive(Default)]
struct LockState {
    holders: HashMap<u64, Holder>,
    open: BTreeMap<u64, Open>,
    /// transaction → the resource that it waits for
    waiting: BTreeMap<u64, u64>,
}

impl Locks {
    /// Takes the lock on `resource` for `transaction`, waiting for whoever holds it.
    ///
    /// # Errors
    /// `000625` after `timeout`, the deadlock error for the transaction that closes a circle, and `000604` once `cancelled` says so.
    pub fn take(
        &self,
        resource: u64,
        name: &str,
        transaction: u64,
        timeout: Duration,
        cancelled: impl Fn() -> bool,
        now: i64,
    ) -> Result<()> {
        let started = Instant::now();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let other = state.holders.get(&resource).map(|h| h.transaction);
            let Some(holder) = other.filter(|h| *h != transaction) else {
                state.holders.entry(resource).or_insert_with(|| Holder {
                    transaction,
                    resource: name.to_owned(),
                    since_micros: now,
                });
                state.waiting.remove(&transaction);
                return Ok(());
            };
            state.waiting.insert(transaction, resource);
            let failure = if state.is_circle(transaction) {
                Some(SnowflakeError::new(
                    "200001",
                    "40001",
                    format!(
                        "Statement aborted because of a deadlock: it waits for table {name}, which transaction {holder} has locked while waiting for this one."
                    ),
                ))
            } else if cancelled() {
                Some(SnowflakeError::cancelled())
            } else if started.elapsed() >= timeout {
                Some(SnowflakeError::new(
                    "000625",
                    "57014",
                    format!(
                        "Statement has locked table '{name}' in transaction {holder} and this lock has not yet been released.\nYour statement was aborted because the lock wait exceeded LOCK_TIMEOUT ({} s).",
                        timeout.as_secs()
                    ),
                ))
            } else {
                None
            };
            if let Some(failure) = failure {
                state.waiting.remove(&transaction);
                return Err(failure);
            }
            let waited = self.freed.wait_timeout(state, Duration::from_millis(20));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Frees all that the transaction holds.
    pub fn release(&self, transaction: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.holders.retain(|_, h| h.transaction != transaction);
        state.open.remove(&transaction);
        self.freed.notify_all();
    }

    /// Notes a transaction that has begun, until it is released.
    pub fn opens(&self, open: Open) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.open.insert(open.id, open);
    }

    /// The open transactions.
    pub fn open(&self) -> Vec<Open> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.open.values().cloned().collect()
    }

    /// The locks that are held and waited for.
    pub fn list(&self) -> Vec<Lock> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let held = state.holders.values().map(|h| Lock {
            resource: h.resource.clone(),
            transaction: h.transaction,
            since_micros: Some(h.since_micros),
        });
        let waiting = state.waiting.iter().filter_map(|(transaction, resource)| {
            Some(Lock {
                resource: state.holders.get(resource)?.resource.clone(),
                transaction: *transaction,
                since_micros: None,
            })
        });
        held.chain(waiting).collect()
    }
}

impl LockState {
    fn is_circle(&self, start: u64) -> bool {
        let mut at = start;
        let mut seen = BTreeSet::new();
        while let Some(holder) = self
            .waiting
            .get(&at)
            .and_then(|resource| self.holders.get(resource))
        {
            if holder.transaction == start {
                return true;
            }
            if !seen.insert(holder.transaction) {
                return false;
            }
            at = holder.transaction;
        }
        false
    }
}
