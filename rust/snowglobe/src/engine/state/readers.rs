//! Who reads at which commit, and up to which commit the past is gone.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// Who reads at which commit.
#[derive(Clone, Debug, Default)]
pub struct Readers(Arc<Mutex<BTreeMap<i64, usize>>>);

/// Row versions that are there at a commit stay until this is dropped.
#[derive(Debug)]
pub struct Reading {
    /// The commit.
    pub at: i64,
    readers: Readers,
}

impl Readers {
    /// Reads at the commit that `committed` returns.
    pub fn begin(&self, committed: impl FnOnce() -> i64) -> Reading {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = committed();
        *open.entry(at).or_default() += 1;
        Reading {
            at,
            readers: self.clone(),
        }
    }

    /// The oldest commit that anyone reads at, at most the one that `committed` returns.
    pub fn oldest(&self, committed: impl FnOnce() -> i64) -> i64 {
        let open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = committed();
        open.keys().next().map_or(now, |oldest| now.min(*oldest))
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let mut open = self
            .readers
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.at) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.at);
            }
        }
    }
}

/// Up to which commit ended versions are gone, and when that was: by table.
#[derive(Debug, Default)]
pub struct Cleared(Mutex<HashMap<u64, (i64, i64)>>);

impl Cleared {
    /// The first commit at which the table can still be read.
    pub fn up_to(&self, table: u64) -> i64 {
        self.get(table).map_or(0, |(seq, _)| seq)
    }

    pub fn get(&self, table: u64) -> Option<(i64, i64)> {
        let cleared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cleared.get(&table).copied()
    }

    pub fn set(&self, table: u64, seq: i64, at_micros: i64) {
        let mut cleared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cleared.insert(table, (seq, at_micros));
    }
}
