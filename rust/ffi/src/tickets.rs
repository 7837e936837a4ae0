//! Handles for other runtimes: a number in a table of sessions, never a pointer. So a handle that is used after its close, closed twice, or
//! of another kind is reported as such, and a session stays alive until the last call that uses it returns.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use crate::failure::Failure;

/// A session with a handle.
pub trait Session: Any + Send + Sync {
    /// Its name in messages, with an article.
    const WHAT: &'static str;
}

struct Entry {
    what: &'static str,
    session: Arc<dyn Any + Send + Sync>,
}

#[derive(Default)]
struct Table {
    /// The last issued ticket. Tickets are never reused, so that a stale one cannot refer to another session.
    last: i64,
    open: HashMap<i64, Entry>,
}

static TABLE: LazyLock<Mutex<Table>> = LazyLock::new(Mutex::default);

fn table() -> MutexGuard<'static, Table> {
    // Each change of the table is one insert or remove, so a panic elsewhere cannot have left it inconsistent.
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Adds `session` to the table and returns its ticket, which is never 0.
pub fn issue<S: Session>(session: S) -> i64 {
    let mut table = table();
    table.last += 1;
    let ticket = table.last;
    table.open.insert(
        ticket,
        Entry {
            what: S::WHAT,
            session: Arc::new(session),
        },
    );
    ticket
}

/// The session of `ticket`.
///
/// # Errors
/// `Config` if it was closed, never existed, or is of another kind.
pub fn find<S: Session>(ticket: i64) -> Result<Arc<S>, Failure> {
    let (what, session) = {
        let table = table();
        let entry = table
            .open
            .get(&ticket)
            .ok_or_else(|| not_open(ticket, table.last))?;
        (entry.what, Arc::clone(&entry.session))
    };
    session.downcast().map_err(|_| {
        Failure::config(format!(
            "invalid handle {ticket}: it is {what}, expected {}",
            S::WHAT
        ))
    })
}

/// Removes `ticket`; its session ends with the last call that still uses it.
///
/// # Errors
/// As [`find`].
pub fn close<S: Session>(ticket: i64) -> Result<(), Failure> {
    find::<S>(ticket)?;
    let removed = table().open.remove(&ticket);
    // Dropped after the table is unlocked: ending a session may take long.
    drop(removed);
    Ok(())
}

fn not_open(ticket: i64, last: i64) -> Failure {
    if ticket > 0 && ticket <= last {
        Failure::config(format!("handle {ticket} is closed: open a new one"))
    } else {
        Failure::config(format!("invalid handle {ticket}: it was never opened"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Snowball;
    impl Session for Snowball {
        const WHAT: &'static str = "a snowball";
    }

    #[derive(Debug)]
    struct Icicle;
    impl Session for Icicle {
        const WHAT: &'static str = "an icicle";
    }

    #[test]
    fn a_closed_handle_is_distinguished_from_one_never_issued() {
        let ticket = issue(Snowball);
        close::<Snowball>(ticket).unwrap();
        assert_eq!(
            find::<Snowball>(ticket).unwrap_err().to_string(),
            format!("handle {ticket} is closed: open a new one")
        );
        assert!(
            close::<Snowball>(ticket)
                .unwrap_err()
                .to_string()
                .contains("is closed")
        );
        assert_eq!(
            find::<Snowball>(-7).unwrap_err().to_string(),
            "invalid handle -7: it was never opened"
        );
    }

    #[test]
    fn a_handle_of_another_kind_is_reported_and_stays_open() {
        let ticket = issue(Snowball);
        assert_eq!(
            find::<Icicle>(ticket).unwrap_err().to_string(),
            format!("invalid handle {ticket}: it is a snowball, expected an icicle")
        );
        assert!(close::<Icicle>(ticket).is_err());
        assert!(find::<Snowball>(ticket).is_ok());
    }

    #[test]
    fn a_session_outlives_its_close_while_a_call_uses_it() {
        let ticket = issue(Snowball);
        let in_use = find::<Snowball>(ticket).unwrap();
        close::<Snowball>(ticket).unwrap();
        assert_eq!(Arc::strong_count(&in_use), 1);
    }
}
