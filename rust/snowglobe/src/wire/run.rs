//! Running a job in the engine, on a thread that may block.

use super::drivers::sessions::{KeptSession, Place};
use super::registry::Statements;
use super::request::Job;
use super::rowset::{Encoding, Rowset};
use super::statement::{Ending, Outcome, Statement};
use super::value::Dialect;
use crate::engine::{Binds, Engine, Session, SnowflakeError, StatementKind};
use std::sync::Arc;
use std::time::Duration;

/// Where a job runs.
pub enum Within {
    /// In a session of its own, as every request of the SQL API.
    Fresh(Engine),
    /// In a driver's session, after what runs there already.
    Kept(Arc<KeptSession>),
}

/// Runs `job` as `statement` to its end, whether or not anybody waits for it.
pub fn spawn(
    within: Within,
    statements: Arc<Statements>,
    statement: Arc<Statement>,
    job: Job,
    encoding: Encoding,
) {
    if let Some(timeout) = job.timeout {
        tokio::spawn(end_after(Arc::clone(&statement), timeout));
    }
    tokio::spawn(async move {
        let timeout = job.timeout.unwrap_or_default();
        let running = Arc::clone(&statement);
        let registry = Arc::clone(&statements);
        let ran =
            tokio::task::spawn_blocking(move || run(&within, &registry, &running, &job, encoding))
                .await;
        let outcome = match ran {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(error))
                if error.code == "000604" && statement.ending() == Some(Ending::TimedOut) =>
            {
                Outcome::TimedOut(timeout)
            }
            Ok(Err(error)) => Outcome::Failed(error),
            Err(panic) => {
                log::error!("the engine panicked: {panic}");
                Outcome::Failed(SnowflakeError::internal(
                    "Processing aborted by a bug of Snowglobe",
                ))
            }
        };
        statements.finish(&statement, outcome);
    });
}

async fn end_after(statement: Arc<Statement>, timeout: Duration) {
    if tokio::time::timeout(timeout, statement.ended())
        .await
        .is_err()
    {
        statement.end(Ending::TimedOut).await;
    }
}

fn run(
    within: &Within,
    statements: &Statements,
    statement: &Arc<Statement>,
    job: &Job,
    encoding: Encoding,
) -> Result<Outcome, SnowflakeError> {
    match within {
        Within::Fresh(engine) => {
            let mut session = engine.session(job.login.clone())?;
            for (name, value) in &job.parameters {
                session.set_parameter(name, value)?;
            }
            all(&mut session, statements, statement, job, encoding)
        }
        Within::Kept(kept) => {
            let mut session = kept.lock();
            // A driver's parameters are for its statement only.
            let mut before = Vec::with_capacity(job.parameters.len());
            for (name, value) in &job.parameters {
                before.push((name, session.parameter(name)));
                session.set_parameter(name, value)?;
            }
            let outcome = all(&mut session, statements, statement, job, encoding);
            for (name, value) in before {
                session.set_parameter(name, value.as_deref().unwrap_or_default())?;
            }
            statement.ended_in(Place::of(&session));
            outcome
        }
    }
}

fn all(
    session: &mut Session,
    statements: &Statements,
    statement: &Arc<Statement>,
    job: &Job,
    encoding: Encoding,
) -> Result<Outcome, SnowflakeError> {
    statement.cancel_with(session.cancel_handle());
    if !job.multiple {
        let sql = job.statements.first().map_or("", String::as_str);
        return Ok(Outcome::Rows(one(
            session,
            statement,
            &statement.handle,
            sql,
            &job.binds,
            encoding,
        )?));
    }
    let mut handles = Vec::with_capacity(job.statements.len());
    for sql in &job.statements {
        let child = statements.child(statement);
        handles.push(child.handle.clone());
        match one(
            session,
            statement,
            &child.handle,
            sql,
            &Binds::default(),
            encoding,
        ) {
            Ok(rowset) => statements.finish(&child, Outcome::Rows(rowset)),
            Err(error) => {
                statements.finish(&child, Outcome::Failed(error.clone()));
                return Err(error);
            }
        }
    }
    Ok(Outcome::Multiple(handles))
}

fn one(
    session: &mut Session,
    statement: &Statement,
    handle: &str,
    sql: &str,
    binds: &Binds,
    encoding: Encoding,
) -> Result<Rowset, SnowflakeError> {
    // Cancelled between two statements, or before the first.
    if statement.ending().is_some() {
        return Err(SnowflakeError::cancelled());
    }
    let result = session.execute_as(handle, sql, binds)?;
    let wants_arrow = encoding
        .arrow
        .and_then(|parameter| session.parameter(parameter))
        .is_some_and(|format| format == "ARROW");
    // As on Snowflake, queries alone are answered in Arrow.
    if wants_arrow && result.kind == StatementKind::Select {
        return Rowset::arrow(&result, encoding.partition_bytes);
    }
    let partition_bytes = match encoding.dialect {
        Dialect::SqlApi => encoding.partition_bytes,
        // JSON goes to drivers in one piece.
        Dialect::Drivers => usize::MAX,
    };
    Ok(Rowset::encode(
        &result,
        Encoding {
            partition_bytes,
            ..encoding
        },
    ))
}
