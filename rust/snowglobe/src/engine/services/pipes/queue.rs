//! Files that were handed to pipes and wait. With a data folder they wait across a restart, too: a file is forgotten once it is loaded.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use crate::engine::PipeFileReport;
use crate::engine::state::shared::Shared;
use crate::engine::storage;
use crate::sql::cursor::literal;
use crate::types::error::Result;
use crate::types::value::Value;

/// A file handed to a pipe.
#[derive(Clone, Debug)]
pub(super) struct Handed {
    id: u64,
    pub pipe: u64,
    pub key: String,
    pub received_micros: i64,
}

/// Files that wait, and what became of the others.
#[derive(Default)]
pub struct Queue {
    state: Mutex<State>,
    pub(super) arrived: Condvar,
    next: AtomicU64,
}

#[derive(Default)]
pub(super) struct State {
    pub waiting: VecDeque<Handed>,
    pub loading: Vec<Handed>,
    pub reports: VecDeque<(u64, PipeFileReport)>,
    pub last_error: BTreeMap<u64, String>,
    /// pipe → the file loaded last, and when
    pub last_loaded: BTreeMap<u64, (String, i64)>,
    /// bucket → when its last event came
    pub last_received: BTreeMap<String, i64>,
    /// pipe → the file of the last event that was for it, and when it came
    pub last_forwarded: BTreeMap<u64, (String, i64)>,
}

impl Queue {
    /// Looks again at what waits.
    pub fn wake(&self) {
        self.arrived.notify_all();
    }

    pub(super) fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs a statement on what is kept, if anything is.
fn keep(shared: &Shared, sql: &str) -> Result<()> {
    if shared.options.data_dir.is_none() {
        return Ok(());
    }
    let _writing = shared.start_writing();
    shared.with_main(|main| storage::run(main, sql))
}

/// Lets a pipe load files.
///
/// # Errors
/// If they cannot be kept: then they are not handed over.
pub(super) fn hand_over(
    shared: &Shared,
    pipe: u64,
    keys: impl IntoIterator<Item = String>,
) -> Result<()> {
    let received_micros = shared.options.clock.now_micros();
    let handed = |key| Handed {
        id: shared.pipes.next.fetch_add(1, Ordering::SeqCst),
        pipe,
        key,
        received_micros,
    };
    let handed: Vec<Handed> = keys.into_iter().map(handed).collect();
    if handed.is_empty() {
        return Ok(());
    }
    let row = |h: &Handed| format!("({}, {pipe}, {}, {received_micros})", h.id, literal(&h.key));
    let rows: Vec<String> = handed.iter().map(row).collect();
    keep(
        shared,
        &format!("insert into sys_pipe_queue values {}", rows.join(", ")),
    )?;
    shared.pipes.lock().waiting.extend(handed);
    shared.pipes.wake();
    Ok(())
}

/// Forgets files that need not be loaded any more.
pub(super) fn forget(shared: &Shared, files: &[Handed]) {
    let ids: Vec<String> = files.iter().map(|h| h.id.to_string()).collect();
    if ids.is_empty() {
        return;
    }
    let sql = format!(
        "delete from sys_pipe_queue where id in ({})",
        ids.join(", ")
    );
    if let Err(error) = keep(shared, &sql) {
        // A pipe loads a path once, so they are passed over when they come again.
        log::warn!(
            "{} files of a pipe will come again after a restart: {error}",
            ids.len()
        );
    }
}

/// Lets wait what waited when the process ended.
pub(super) fn recover(shared: &Shared) -> Result<()> {
    let kept = shared.with_main(|main| {
        storage::query(
            main,
            "select id, pipe, path, received_micros from sys_pipe_queue order by id",
        )
    })?;
    let number = |value: &Value| match value {
        Value::Number(number) => *number,
        _ => 0,
    };
    let mut state = shared.pipes.lock();
    for row in kept.rows {
        let [id, pipe, Value::Text(key), received] = row.as_slice() else {
            continue;
        };
        let id = u64::try_from(number(id)).unwrap_or(0);
        shared.pipes.next.fetch_max(id + 1, Ordering::SeqCst);
        state.waiting.push_back(Handed {
            id,
            pipe: u64::try_from(number(pipe)).unwrap_or(0),
            key: key.clone(),
            received_micros: i64::try_from(number(received)).unwrap_or(0),
        });
    }
    Ok(())
}
