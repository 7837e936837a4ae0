//! The time that everything in the engine goes by. A test moves it; nothing in the engine asks the system directly.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

/// A clock that runs with the system's, or ahead of it by what a test has moved it. Clones share the same time.
#[derive(Clone, Debug, Default)]
pub struct Clock(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    ahead: Mutex<Duration>,
    moved: Condvar,
}

impl Clock {
    /// The system's time.
    pub fn system() -> Self {
        Self::default()
    }

    /// The time now, in microseconds since 1970-01-01 UTC.
    pub fn now_micros(&self) -> i64 {
        let ahead = *self.0.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        Timestamp::now()
            .as_microsecond()
            .saturating_add(i64::try_from(ahead.as_micros()).unwrap_or(i64::MAX))
    }

    /// Moves the time forward and wakes whoever waits for it.
    pub fn advance(&self, by: Duration) {
        *self.0.ahead.lock().unwrap_or_else(PoisonError::into_inner) += by;
        self.0.moved.notify_all();
    }

    /// Waits until `wake` is called, the clock is moved, or `at_most` has passed on the system's clock.
    pub fn wait(&self, at_most: Duration) {
        let guard = self.0.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.0.moved.wait_timeout(guard, at_most));
    }

    /// Wakes whoever waits in [`Clock::wait`].
    pub fn wake(&self) {
        self.0.moved.notify_all();
    }
}
