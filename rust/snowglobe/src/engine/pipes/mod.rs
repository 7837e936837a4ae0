//! Snowpipe: files are handed over by S3 events, REST or REFRESH, loaded in the background, each path once in fourteen days.
//!
//! - `load`: what the background does with what was handed over
//! - `rest`: what Snowpipe's REST asks for, and REFRESH

mod load;
mod rest;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::catalog::{Body, Kind, Object, Pipe};
use super::copy::Copy;
use super::dml::Variables;
use super::error::{Result, SnowflakeError};
use super::session::Session;
use super::shared::Shared;
use super::value::Binds;
use super::{PipeFileReport, stages};
use crate::sql::cursor::Cursor;
use crate::sql::tokens::lex;

use load::{load_batch, next_batch, session_for};

pub(crate) use rest::{history, insert_files, refresh, reports, status};

/// How long a pipe remembers a path, even when its content has changed.
pub(super) const REMEMBERED_DAYS: i64 = 14;

/// How many files it loads at once.
pub(super) const BATCH: usize = 100;

/// A file handed to a pipe.
#[derive(Clone, Debug)]
pub(super) struct Handed {
    pipe: u64,
    key: String,
    received_micros: i64,
}

/// Files that wait, and what became of the others.
#[derive(Default)]
pub struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Handed>,
    loading: Vec<Handed>,
    reports: VecDeque<(u64, PipeFileReport)>,
    last_error: BTreeMap<u64, String>,
    /// pipe → the file loaded last, and when
    last_loaded: BTreeMap<u64, (String, i64)>,
    /// bucket → when its last event came
    last_received: BTreeMap<String, i64>,
    /// pipe → the file of the last event that was for it, and when it came
    last_forwarded: BTreeMap<u64, (String, i64)>,
}

impl Queue {
    /// Looks again at what waits.
    pub fn wake(&self) {
        self.arrived.notify_all();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Fails unless the text is a COPY that a pipe may run.
pub(crate) fn check(session: &Session, text: &str, auto_ingest: bool) -> Result<()> {
    let lexemes = lex(text)?;
    let mut cursor = Cursor::new(text, &lexemes);
    cursor.expect("COPY INTO")?;
    let (binds, variables) = (Binds::default(), Variables::new());
    let copy = Copy::parse(&session.context(&binds, &variables), &mut cursor)?;
    if copy.location.stage.is_none() {
        return Err(SnowflakeError::compilation("a pipe needs a named stage"));
    }
    copy.check_for_pipe()?;
    if auto_ingest {
        // It asks the bucket for its notifications.
        copy.location.assume(&session.shared)?;
    }
    Ok(())
}

/// Runs the loader until the engine closes.
pub(crate) fn start(shared: &Arc<Shared>) {
    let weak = Arc::downgrade(shared);
    let spawned = std::thread::Builder::new()
        .name("snowpipe".to_owned())
        .spawn(move || run(&weak));
    if let Err(error) = spawned {
        log::error!("the thread of pipes did not start: {error}");
    }
}

fn run(weak: &Weak<Shared>) {
    while let Some(shared) = weak.upgrade() {
        if shared.closing.load(std::sync::atomic::Ordering::SeqCst) {
            return;
        }
        match next_batch(&shared) {
            Some(batch) => load_batch(&shared, &batch),
            None => {
                let state = shared.pipes.lock();
                let _ = shared
                    .pipes
                    .arrived
                    .wait_timeout(state, Duration::from_millis(200));
            }
        }
    }
}

pub(super) fn pipe_of(shared: &Shared, id: u64) -> Option<(Arc<Object>, Pipe)> {
    let object = Arc::clone(shared.catalog().by_id(id)?);
    let Body::Pipe(pipe) = &object.body else {
        return None;
    };
    let pipe = pipe.clone();
    Some((object, pipe))
}

pub(super) fn parse(session: &Session, pipe: &Pipe) -> Result<Copy> {
    let lexemes = lex(&pipe.copy)?;
    let mut cursor = Cursor::new(&pipe.copy, &lexemes);
    cursor.expect("COPY INTO")?;
    let (binds, variables) = (Binds::default(), Variables::new());
    Copy::parse(&session.context(&binds, &variables), &mut cursor)
}

pub(super) fn location(session: &Session, pipe: &Pipe) -> Result<stages::Location> {
    let lexemes = lex(&pipe.copy)?;
    let mut cursor = Cursor::new(&pipe.copy, &lexemes);
    cursor.expect("COPY INTO")?;
    let (binds, variables) = (Binds::default(), Variables::new());
    Copy::location(&session.context(&binds, &variables), &mut cursor)
}

/// The pattern of the pipe's COPY.
pub(crate) fn pattern(shared: &Arc<Shared>, object: &Object, pipe: &Pipe) -> Option<String> {
    let session = session_for(shared, object, pipe).ok()?;
    parse(&session, pipe).ok()?.pattern
}

pub(super) fn hand_over(
    shared: &Shared,
    pipe: u64,
    keys: impl IntoIterator<Item = String>,
) -> usize {
    let now = shared.options.clock.now_micros();
    let mut state = shared.pipes.lock();
    let before = state.waiting.len();
    state.waiting.extend(keys.into_iter().map(|key| Handed {
        pipe,
        key,
        received_micros: now,
    }));
    let count = state.waiting.len() - before;
    drop(state);
    shared.pipes.wake();
    count
}

/// An S3 event: pipes with AUTO_INGEST whose stage covers the key take the file.
pub(crate) fn notify(shared: &Arc<Shared>, bucket: &str, key: &str) {
    let catalog = shared.catalog();
    let now = shared.options.clock.now_micros();
    for object in catalog.all(Kind::Pipe) {
        let Body::Pipe(pipe) = &object.body else {
            continue;
        };
        if !pipe.auto_ingest {
            continue;
        }
        // What is wrong with the rest of the COPY shows when the file is to be loaded.
        let location =
            session_for(shared, object, pipe).and_then(|session| location(&session, pipe));
        let Some(location) = location.ok().filter(|l| l.bucket == bucket) else {
            continue;
        };
        let covers = key.starts_with(&location.key(""));
        {
            let mut state = shared.pipes.lock();
            state.last_received.insert(bucket.to_owned(), now);
            if covers {
                let file = key.strip_prefix(&location.base).unwrap_or(key);
                state
                    .last_forwarded
                    .insert(object.id, (file.to_owned(), now));
            }
        }
        if covers {
            hand_over(shared, object.id, [key.to_owned()]);
        }
    }
}
