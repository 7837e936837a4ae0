//! Cancels the statement of a session, from any thread or after a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use duckdb::InterruptHandle;

/// Cancels what its session runs.
#[derive(Clone)]
pub struct CancelHandle {
    cancelled: Arc<AtomicBool>,
    interrupt: Arc<InterruptHandle>,
}

impl CancelHandle {
    pub(crate) fn new(interrupt: Arc<InterruptHandle>) -> Self {
        Self {
            cancelled: Arc::new(AtomicBool::new(false)),
            interrupt,
        }
    }

    /// What was cancelled before is over.
    pub(crate) fn clear(&self) {
        self.cancelled.store(false, Ordering::SeqCst);
    }

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
