//! A statement that runs or has run, and how it ended.

use super::drivers::sessions::Place;
use super::rowset::Rowset;
use crate::engine::{CancelHandle, SnowflakeError};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// Between two attempts to cancel: the first may come before the statement has begun.
const CANCEL_AGAIN: Duration = Duration::from_millis(20);

/// A statement, or a request of several.
pub struct Statement {
    pub handle: String,
    pub user: String,
    pub request_id: String,
    pub created_ms: u64,
    pub(super) outcome: watch::Sender<Option<Arc<Outcome>>>,
    pub(super) ending: AtomicU8,
    pub(super) cancel: Mutex<Option<CancelHandle>>,
    pub(super) place: OnceLock<Place>,
}

/// How a statement ended.
#[derive(Debug)]
pub enum Outcome {
    Rows(Rowset),
    /// A request of several, with their handles.
    Multiple(Vec<String>),
    Failed(SnowflakeError),
    TimedOut(Duration),
    /// It ended in the process before this one: the status and the JSON that it was answered.
    Recalled(u16, String),
}

/// Why a statement is asked to end early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Ending {
    Cancelled = 1,
    TimedOut = 2,
}

impl Statement {
    pub(super) fn new(user: &str, request_id: &str) -> Arc<Self> {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Arc::new(Self {
            handle: uuid::Uuid::new_v4().to_string(),
            user: user.to_owned(),
            request_id: request_id.to_owned(),
            created_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
            outcome: watch::Sender::new(None),
            ending: AtomicU8::new(0),
            cancel: Mutex::new(None),
            place: OnceLock::new(),
        })
    }

    /// Its outcome, if it has ended.
    pub fn outcome(&self) -> Option<Arc<Outcome>> {
        self.outcome.borrow().clone()
    }

    /// Waits for its end.
    pub async fn ended(&self) -> Arc<Outcome> {
        let mut receiver = self.outcome.subscribe();
        let found = receiver
            .wait_for(Option::is_some)
            .await
            .map(|outcome| outcome.clone());
        // The sender lives in `self`, so the wait does not fail.
        found
            .ok()
            .flatten()
            .unwrap_or_else(|| Arc::new(Outcome::Failed(SnowflakeError::cancelled())))
    }

    /// Notes where its session stands after it.
    pub fn ended_in(&self, place: Place) {
        // It runs once, so it is noted once.
        let _ = self.place.set(place);
    }

    /// Where its session stood after it, if that is a driver's.
    pub fn place(&self) -> Option<&Place> {
        self.place.get()
    }

    /// Says what to cancel with from now on.
    pub fn cancel_with(&self, handle: CancelHandle) {
        *self.cancel.lock().unwrap_or_else(PoisonError::into_inner) = Some(handle);
    }

    /// Why it was asked to end, if it was.
    pub fn ending(&self) -> Option<Ending> {
        match self.ending.load(Ordering::SeqCst) {
            1 => Some(Ending::Cancelled),
            2 => Some(Ending::TimedOut),
            _ => None,
        }
    }

    /// Asks it to end, again and again until it has.
    pub async fn end(&self, why: Ending) {
        // The first reason stays.
        let _ = self
            .ending
            .compare_exchange(0, why as u8, Ordering::SeqCst, Ordering::SeqCst);
        while self.outcome().is_none() {
            if let Some(handle) = &*self.cancel.lock().unwrap_or_else(PoisonError::into_inner) {
                handle.cancel();
            }
            drop(tokio::time::timeout(CANCEL_AGAIN, self.ended()).await);
        }
    }
}

impl Outcome {
    pub(super) fn held_bytes(&self) -> usize {
        // Beside its rows, each statement holds some hundred bytes.
        512 + match self {
            Self::Rows(rowset) => rowset.held_bytes(),
            Self::Recalled(_, body) => body.len(),
            _ => 0,
        }
    }
}
