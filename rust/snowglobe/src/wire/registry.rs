//! The statements that run or have run: by handle for polls, by request id for retries.

use super::answer;
use super::ledger::{Known, Ledger};
use super::statement::{Outcome, Statement};
use crate::engine::SnowflakeError;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The answer to a submission that asks to be run.
pub enum Claim {
    /// Run it.
    New(Arc<Statement>),
    /// It was run, or runs.
    Known(Arc<Statement>),
}

/// All statements of the server.
pub struct Statements {
    index: Mutex<Index>,
    ledger: Option<Mutex<Ledger>>,
    kept_bytes: usize,
}

#[derive(Default)]
struct Index {
    by_handle: HashMap<String, Arc<Statement>>,
    by_request: HashMap<(String, String), String>,
    /// Handles of finished statements with the bytes that each holds, oldest first.
    finished: VecDeque<(String, usize)>,
    held_bytes: usize,
}

impl Statements {
    /// No statement but those of the last process. `kept_bytes` of results are kept.
    pub fn new(ledger: Option<Ledger>, known: Vec<Known>, kept_bytes: usize) -> Self {
        let mut index = Index::default();
        for Known {
            user,
            request_id,
            handle,
            answer,
        } in known
        {
            let outcome = match answer {
                Some((status, Some(body))) => Outcome::Recalled(status, body),
                Some((_, None)) => {
                    Outcome::Failed(lost("it ran to its end, and its result is gone"))
                }
                None => Outcome::Failed(lost("whether it committed is not known")),
            };
            let mut statement = Statement::new(&user, &request_id);
            if let Some(statement) = Arc::get_mut(&mut statement) {
                statement.handle.clone_from(&handle);
            }
            index.by_request.insert((user, request_id), handle.clone());
            index.by_handle.insert(handle, Arc::clone(&statement));
            index.finish(&statement, Arc::new(outcome));
        }
        Self {
            index: Mutex::new(index),
            ledger: ledger.map(Mutex::new),
            kept_bytes,
        }
    }

    /// Takes a submission in. With `retry`, one that is known under its request id is not run again.
    ///
    /// # Errors
    /// If the ledger cannot be written; nothing may run then.
    pub fn claim(&self, user: &str, request_id: Option<&str>, retry: bool) -> io::Result<Claim> {
        let mut index = self.index();
        if let Some(id) = request_id.filter(|_| retry)
            && let Some(handle) = index.by_request.get(&(user.to_owned(), id.to_owned()))
            && let Some(known) = index.by_handle.get(handle)
        {
            return Ok(Claim::Known(Arc::clone(known)));
        }
        let generated = uuid::Uuid::new_v4().to_string();
        let statement = Statement::new(user, request_id.unwrap_or(&generated));
        if let Some(ledger) = self.ledger.as_ref().filter(|_| request_id.is_some()) {
            let mut ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
            ledger.began(user, &statement.request_id, &statement.handle)?;
        }
        index.by_request.insert(
            (user.to_owned(), statement.request_id.clone()),
            statement.handle.clone(),
        );
        index
            .by_handle
            .insert(statement.handle.clone(), Arc::clone(&statement));
        Ok(Claim::New(statement))
    }

    /// A statement of a request of several.
    pub fn child(&self, of: &Statement) -> Arc<Statement> {
        let child = Statement::new(&of.user, &of.request_id);
        self.index()
            .by_handle
            .insert(child.handle.clone(), Arc::clone(&child));
        child
    }

    /// The user's statement of this handle.
    pub fn find(&self, user: &str, handle: &str) -> Option<Arc<Statement>> {
        self.index()
            .by_handle
            .get(handle)
            .filter(|statement| statement.user == user)
            .cloned()
    }

    /// Anybody's statement of this handle.
    pub fn by_handle(&self, handle: &str) -> Option<Arc<Statement>> {
        self.index().by_handle.get(handle).cloned()
    }

    /// The user's statement of this request.
    pub fn of_request(&self, user: &str, request_id: &str) -> Option<Arc<Statement>> {
        let index = self.index();
        let handle = index
            .by_request
            .get(&(user.to_owned(), request_id.to_owned()))?;
        index.by_handle.get(handle).cloned()
    }

    /// Notes how a statement ended, and forgets the oldest results if there are too many.
    pub fn finish(&self, statement: &Arc<Statement>, outcome: Outcome) {
        let outcome = Arc::new(outcome);
        if let Some(ledger) = &self.ledger {
            let (status, body) = answer::document(statement, &outcome);
            let mut ledger = ledger.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = ledger.ended(&statement.handle, status, &body) {
                log::error!(
                    "the ledger of requests: {error}: a retry after a restart will not know the outcome"
                );
            }
        }
        let mut index = self.index();
        index.finish(statement, outcome);
        while index.held_bytes > self.kept_bytes && index.finished.len() > 1 {
            index.forget_oldest();
        }
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Index {
    fn finish(&mut self, statement: &Statement, outcome: Arc<Outcome>) {
        let bytes = outcome.held_bytes();
        self.held_bytes += bytes;
        self.finished.push_back((statement.handle.clone(), bytes));
        statement.outcome.send_replace(Some(outcome));
    }

    fn forget_oldest(&mut self) {
        let Some((handle, bytes)) = self.finished.pop_front() else {
            return;
        };
        self.held_bytes -= bytes;
        if let Some(forgotten) = self.by_handle.remove(&handle) {
            let request = (forgotten.user.clone(), forgotten.request_id.clone());
            if self.by_request.get(&request) == Some(&handle) {
                self.by_request.remove(&request);
            }
        }
    }
}

fn lost(what: &str) -> SnowflakeError {
    let message = format!(
        "SQL execution internal error:\nthe server stopped while the statement ran: {what}"
    );
    SnowflakeError::new("000603", "XX000", message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::QueryResult;
    use crate::wire::rowset::Rowset;

    fn rows(count: usize) -> Outcome {
        let text = crate::engine::Value::Text("x".repeat(1000));
        let columns = vec![crate::engine::ColumnMeta::new(
            "T",
            crate::engine::SnowflakeType::TEXT,
        )];
        let result = QueryResult {
            columns,
            rows: vec![vec![text]; count],
            ..QueryResult::default()
        };
        let dialect = crate::wire::value::Dialect::SqlApi;
        let encoding = crate::wire::rowset::Encoding {
            dialect,
            nullable: true,
            partition_bytes: usize::MAX,
            arrow: None,
        };
        Outcome::Rows(Rowset::encode(&result, encoding))
    }

    fn run(statements: &Statements, id: &str, retry: bool) -> (Arc<Statement>, bool) {
        match statements.claim("ADA", Some(id), retry).unwrap() {
            Claim::New(statement) => (statement, true),
            Claim::Known(statement) => (statement, false),
        }
    }

    #[test]
    fn a_retry_finds_the_first_run_and_a_new_submission_does_not() {
        let statements = Statements::new(None, Vec::new(), usize::MAX);
        let (first, new) = run(&statements, "r", true);
        assert!(new, "a retry of what never arrived runs");
        let (again, new) = run(&statements, "r", true);
        assert!(
            !new && again.handle == first.handle,
            "it is found while it still runs"
        );
        assert!(
            run(&statements, "r", false).1,
            "without retry=true it runs again, as on Snowflake"
        );
        assert!(
            statements.find("BOB", &first.handle).is_none(),
            "another user does not see it"
        );
    }

    #[test]
    fn the_oldest_results_are_forgotten_first() {
        let statements = Statements::new(None, Vec::new(), 25_000);
        let handles: Vec<_> = (0..3)
            .map(|number| {
                let (statement, _) = run(&statements, &number.to_string(), false);
                statements.finish(&statement, rows(10));
                statement.handle.clone()
            })
            .collect();
        assert!(statements.find("ADA", &handles[0]).is_none());
        assert!(statements.find("ADA", &handles[2]).is_some());
        assert!(
            run(&statements, "0", true).1,
            "its request id is forgotten with it"
        );
    }

    #[test]
    fn a_request_cut_off_by_a_restart_says_so_and_does_not_run_again() {
        let dir = tempfile::tempdir().unwrap();
        let (ledger, known) = Ledger::open(dir.path()).unwrap();
        let statements = Statements::new(Some(ledger), known, usize::MAX);
        let (cut_off, _) = run(&statements, "cut off", false);
        let (ended, _) = run(&statements, "ended", false);
        statements.finish(&ended, rows(1));

        let (ledger, known) = Ledger::open(dir.path()).unwrap();
        let statements = Statements::new(Some(ledger), known, usize::MAX);
        let (found, new) = run(&statements, "cut off", true);
        assert!(!new && found.handle == cut_off.handle);
        assert!(
            matches!(&*found.outcome().unwrap(), Outcome::Failed(error) if error.message.contains("not known"))
        );
        let (found, new) = run(&statements, "ended", true);
        assert!(!new && matches!(&*found.outcome().unwrap(), Outcome::Recalled(200, _)));
    }
}
