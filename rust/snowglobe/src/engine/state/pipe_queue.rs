//! Files that were handed to pipes, and what became of them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::AtomicU64;
use std::sync::{Condvar, Mutex, PoisonError};

/// What `insertFiles` and Snowpipe's reports say of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipeFileReport {
    /// The path relative to the pipe's stage.
    pub path: String,
    /// The stage location.
    pub stage_location: String,
    /// Bytes.
    pub file_size: u64,
    /// When it was handed over, microseconds UTC.
    pub time_received_micros: i64,
    /// When its last row was loaded, microseconds UTC.
    pub last_insert_micros: i64,
    /// Rows loaded.
    pub rows_inserted: u64,
    /// Rows read.
    pub rows_parsed: u64,
    /// Rows refused.
    pub errors_seen: u64,
    /// How many refused rows would have failed the file.
    pub error_limit: u64,
    /// The first refused row's message.
    pub first_error: Option<String>,
    /// Its line.
    pub first_error_line: Option<u64>,
    /// Its character.
    pub first_error_character: Option<u64>,
    /// Its column.
    pub first_error_column: Option<String>,
    /// Whether loading is over, as Snowflake's `complete`.
    pub complete: bool,
    /// `LOAD_IN_PROGRESS`, `LOADED`, `LOAD_FAILED` or `PARTIALLY_LOADED`.
    pub status: &'static str,
}

/// A file handed to a pipe.
#[derive(Clone, Debug)]
pub(crate) struct Handed {
    pub id: u64,
    pub pipe: u64,
    pub key: String,
    pub received_micros: i64,
}

/// Files that wait, and what became of the others.
#[derive(Default)]
pub struct Queue {
    state: Mutex<State>,
    pub(crate) arrived: Condvar,
    pub(crate) next: AtomicU64,
}

#[derive(Default)]
pub(crate) struct State {
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

    pub(crate) fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
