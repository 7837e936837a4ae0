//! Snowpipe: files are handed over by S3 events, REST or REFRESH, loaded in the background, each path once in fourteen days.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::Duration;

use super::catalog::{Body, Kind, Object, Pipe};
use super::copy::{self, Copy, OnError};
use super::dml::Variables;
use super::error::{Result, SnowflakeError};
use super::session::{Frame, Session};
use super::shared::Shared;
use super::value::{Binds, ColumnMeta, QueryResult, SnowflakeType, StatementKind, Value};
use super::{Login, PipeFileReport, stages, storage};
use crate::sql::cursor::{Cursor, literal};
use crate::sql::tokens::lex;

/// How long a pipe remembers a path, even when its content has changed.
const REMEMBERED_DAYS: i64 = 14;
/// How many files it loads at once.
const BATCH: usize = 100;

/// A file handed to a pipe.
#[derive(Clone, Debug)]
struct Handed {
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
pub(crate) fn check(session: &Session, text: &str) -> Result<()> {
    let lexemes = lex(text)?;
    let mut cursor = Cursor::new(text, &lexemes);
    cursor.expect("COPY INTO")?;
    let (binds, variables) = (Binds::default(), Variables::new());
    let copy = Copy::parse(&session.context(&binds, &variables), &mut cursor)?;
    if copy.location.stage.is_none() {
        return Err(SnowflakeError::compilation("a pipe needs a named stage"));
    }
    copy.check_for_pipe()
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

fn pipe_of(shared: &Shared, id: u64) -> Option<(Arc<Object>, Pipe)> {
    let object = Arc::clone(shared.catalog().by_id(id)?);
    let Body::Pipe(pipe) = &object.body else {
        return None;
    };
    let pipe = pipe.clone();
    Some((object, pipe))
}

/// Files of one pipe that is not paused.
fn next_batch(shared: &Shared) -> Option<Vec<Handed>> {
    let mut state = shared.pipes.lock();
    state.waiting.retain(|h| pipe_of(shared, h.pipe).is_some());
    let first = state
        .waiting
        .iter()
        .find(|h| pipe_of(shared, h.pipe).is_some_and(|(_, p)| !p.paused))?
        .pipe;
    let (mine, others): (Vec<Handed>, Vec<Handed>) =
        state.waiting.drain(..).partition(|h| h.pipe == first);
    state.waiting.extend(others);
    let (batch, later) = mine.split_at(mine.len().min(BATCH));
    state.waiting.extend(later.iter().cloned());
    state.loading.extend(batch.iter().cloned());
    Some(batch.to_vec())
}

fn load_batch(shared: &Arc<Shared>, batch: &[Handed]) {
    let Some((object, pipe)) = batch.first().and_then(|h| pipe_of(shared, h.pipe)) else {
        return;
    };
    let outcome = load(shared, &object, &pipe, batch);
    let mut state = shared.pipes.lock();
    let keys: Vec<&str> = batch.iter().map(|h| h.key.as_str()).collect();
    state
        .loading
        .retain(|h| !(h.pipe == object.id && keys.contains(&h.key.as_str())));
    match outcome {
        Ok(reports) => {
            state.last_error.remove(&object.id);
            for report in reports {
                if report.rows_inserted > 0 {
                    let last = (report.path.clone(), report.last_insert_micros);
                    state.last_loaded.insert(object.id, last);
                }
                state.reports.push_back((object.id, report));
            }
            while state.reports.len() > 10_000 {
                state.reports.pop_front();
            }
        }
        Err(error) => {
            log::warn!("pipe {}: {error}", object.name());
            state.last_error.insert(object.id, error.message);
        }
    }
}

/// A session that runs the pipe's COPY as its owner.
fn session_for(shared: &Arc<Shared>, object: &Object, pipe: &Pipe) -> Result<Session> {
    let mut session = Session::open(
        Arc::clone(shared),
        Login {
            user: "SNOWGLOBE".to_owned(),
            ..Login::default()
        },
    )?;
    session.frames = vec![Frame {
        role: object.owner.clone(),
        database: Some(pipe.home.0.clone()),
        schema: Some(pipe.home.1.clone()),
        is_owners: true,
    }];
    Ok(session)
}

fn parse(session: &Session, pipe: &Pipe) -> Result<Copy> {
    let lexemes = lex(&pipe.copy)?;
    let mut cursor = Cursor::new(&pipe.copy, &lexemes);
    cursor.expect("COPY INTO")?;
    let (binds, variables) = (Binds::default(), Variables::new());
    Copy::parse(&session.context(&binds, &variables), &mut cursor)
}

fn location(session: &Session, pipe: &Pipe) -> Result<stages::Location> {
    let lexemes = lex(&pipe.copy)?;
    let mut cursor = Cursor::new(&pipe.copy, &lexemes);
    cursor.expect("COPY INTO")?;
    let (binds, variables) = (Binds::default(), Variables::new());
    Copy::location(&session.context(&binds, &variables), &mut cursor)
}

/// What stops the pipe, if anything does.
fn stopped(shared: &Arc<Shared>, object: &Object, pipe: &Pipe) -> Option<(&'static str, String)> {
    let session = match session_for(shared, object, pipe) {
        Ok(session) => session,
        Err(error) => return Some(("STALLED_INTERNAL_ERROR", error.message)),
    };
    if let Err(error) = location(&session, pipe) {
        return Some(("STOPPED_STAGE_DROPPED", error.message));
    }
    let error = parse(&session, pipe).err()?;
    let (binds, variables) = (Binds::default(), Variables::new());
    let context = session.context(&binds, &variables);
    let table = lex(&pipe.copy).and_then(|lexemes| {
        let mut cursor = Cursor::new(&pipe.copy, &lexemes);
        cursor.expect("COPY INTO")?;
        super::dml::find(&context, &cursor.name()?)
    });
    let state = match table {
        Err(_) => "STOPPED_MISSING_TABLE",
        Ok(_) => "STALLED_COMPILATION_ERROR",
    };
    Some((state, error.message))
}

/// The pattern of the pipe's COPY.
pub(crate) fn pattern(shared: &Arc<Shared>, object: &Object, pipe: &Pipe) -> Option<String> {
    let session = session_for(shared, object, pipe).ok()?;
    parse(&session, pipe).ok()?.pattern
}

fn load(
    shared: &Arc<Shared>,
    object: &Object,
    pipe: &Pipe,
    batch: &[Handed],
) -> Result<Vec<PipeFileReport>> {
    let mut session = session_for(shared, object, pipe)?;
    let copy = parse(&session, pipe)?;
    let since = shared.options.clock.now_micros() - REMEMBERED_DAYS * 86_400_000_000;
    let known = storage::query(
        &session.connection,
        &format!(
            "select path from sys_loads where pipe = {} and counts and loaded_micros > {since}",
            object.id
        ),
    )?;
    let known: std::collections::BTreeSet<String> = known
        .rows
        .into_iter()
        .filter_map(|row| match row.into_iter().next() {
            Some(Value::Text(path)) => Some(path),
            _ => None,
        })
        .collect();
    let mut received = BTreeMap::new();
    let mut files = Vec::new();
    for handed in batch {
        if known.contains(&handed.key) || received.contains_key(&handed.key) {
            continue;
        }
        // A file that is gone by now is passed over, as Snowpipe does.
        if let Ok(meta) = shared
            .options
            .object_store
            .head(&copy.location.bucket, &handed.key)
        {
            received.insert(handed.key.clone(), handed.received_micros);
            files.push(meta);
        }
    }
    let files = stages::matching(
        &session.connection,
        files,
        &copy.location,
        copy.pattern.as_deref(),
    )?;
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let loads = copy::load(
        &mut session,
        &copy,
        files,
        object.id,
        OnError::SkipFile(1),
        Some(&received),
    )?;
    let now = shared.options.clock.now_micros();
    let report = |load: copy::Loaded| {
        let first = load.errors.first();
        PipeFileReport {
            path: load
                .key
                .strip_prefix(&copy.location.base)
                .unwrap_or(&load.key)
                .to_owned(),
            stage_location: format!("s3://{}/{}", copy.location.bucket, copy.location.base),
            file_size: load.size,
            time_received_micros: received.get(&load.key).copied().unwrap_or(now),
            last_insert_micros: now,
            rows_inserted: load.loaded,
            rows_parsed: load.parsed,
            errors_seen: load.errors.len() as u64,
            error_limit: load.error_limit,
            first_error: first.map(|e| e.error.message.clone()),
            first_error_line: first.map(|e| e.line),
            first_error_character: first.map(|e| e.character),
            first_error_column: first.map(|e| e.column.clone()),
            complete: true,
            status: load.status,
        }
    };
    Ok(loads.into_iter().map(report).collect())
}

fn hand_over(shared: &Shared, pipe: u64, keys: impl IntoIterator<Item = String>) -> usize {
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
    for object in catalog.all(Kind::Pipe) {
        let Body::Pipe(pipe) = &object.body else {
            continue;
        };
        if !pipe.auto_ingest {
            continue;
        }
        // What is wrong with the rest of the COPY shows when the file is to be loaded.
        let covers = session_for(shared, object, pipe)
            .and_then(|session| location(&session, pipe))
            .is_ok_and(|location| location.bucket == bucket && key.starts_with(&location.key("")));
        if covers {
            hand_over(shared, object.id, [key.to_owned()]);
        }
    }
}

/// `insertFiles`: paths relative to the pipe's stage.
pub(crate) fn insert_files(session: &Session, pipe: &Object, files: &[String]) -> Result<()> {
    let Some((object, body)) = pipe_of(&session.shared, pipe.id) else {
        return Err(SnowflakeError::missing("Pipe", pipe.name()));
    };
    let copy = parse(&session_for(&session.shared, &object, &body)?, &body)?;
    hand_over(
        &session.shared,
        pipe.id,
        files
            .iter()
            .map(|file| format!("{}{}", copy.location.base, file.trim_start_matches('/'))),
    );
    Ok(())
}

/// What became of the files of the last ten minutes.
pub(crate) fn reports(shared: &Shared, pipe: u64) -> Vec<PipeFileReport> {
    let since = shared.options.clock.now_micros() - 600_000_000;
    let state = shared.pipes.lock();
    state
        .reports
        .iter()
        .filter(|(id, report)| *id == pipe && report.last_insert_micros >= since)
        .map(|(_, r)| r.clone())
        .collect()
}

/// What became of files in `[from, to)`.
pub(crate) fn history(
    shared: &Shared,
    pipe: &Object,
    from: i64,
    to: i64,
) -> Result<Vec<PipeFileReport>> {
    let connection = shared.connect()?;
    let rows = storage::query(
        &connection,
        &format!(
            "select path, location, size, received_micros, loaded_micros, loaded, parsed, errors, error_limit, first_error, first_error_line, \
             first_error_character, first_error_column, status from sys_loads where pipe = {} and loaded_micros >= {from} and loaded_micros < {to} order by loaded_micros",
            pipe.id
        ),
    )?;
    let text = |v: &Value| match v {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    };
    let number = |v: &Value| match v {
        Value::Number(n) => u64::try_from(*n).ok(),
        _ => None,
    };
    let micros = |v: &Value| number(v).and_then(|n| i64::try_from(n).ok()).unwrap_or(0);
    Ok(rows
        .rows
        .iter()
        .map(|r| PipeFileReport {
            path: text(&r[0]).unwrap_or_default(),
            stage_location: format!("s3://{}/", text(&r[1]).unwrap_or_default()),
            file_size: number(&r[2]).unwrap_or(0),
            time_received_micros: micros(&r[3]),
            last_insert_micros: micros(&r[4]),
            rows_inserted: number(&r[5]).unwrap_or(0),
            rows_parsed: number(&r[6]).unwrap_or(0),
            errors_seen: number(&r[7]).unwrap_or(0),
            error_limit: number(&r[8]).unwrap_or(0),
            first_error: text(&r[9]),
            first_error_line: number(&r[10]),
            first_error_character: number(&r[11]),
            first_error_column: text(&r[12]),
            complete: true,
            status: match text(&r[13]).as_deref() {
                Some("LOADED") => "LOADED",
                Some("LOAD_FAILED") => "LOAD_FAILED",
                _ => "PARTIALLY_LOADED",
            },
        })
        .collect())
}

/// `ALTER PIPE … REFRESH`: hands over the staged files of the last seven days.
pub(crate) fn refresh(
    session: &Session,
    object: &Object,
    prefix: &str,
    modified_after: Option<&str>,
) -> Result<QueryResult> {
    let Some((object, pipe)) = pipe_of(&session.shared, object.id) else {
        return Err(SnowflakeError::missing("Pipe", object.name()));
    };
    let inner = session_for(&session.shared, &object, &pipe)?;
    let copy = parse(&inner, &pipe)?;
    let mut since = session.shared.options.clock.now_micros() - 7 * 86_400_000_000;
    if let Some(after) = modified_after {
        since = since.max(storage::count(
            &session.connection,
            &format!("select epoch_us(cast({} as timestamptz))", literal(after)),
        )?);
    }
    let start = copy.location.key(prefix);
    let files: Vec<String> = copy
        .location
        .list(&session.shared)?
        .into_iter()
        .filter(|f| {
            f.key.starts_with(&start) && f.modified_micros >= since && !f.key.ends_with('/')
        })
        .map(|f| f.key)
        .collect();
    let rows = files
        .iter()
        .map(|key| {
            vec![
                Value::Text(
                    key.strip_prefix(&copy.location.base)
                        .unwrap_or(key)
                        .to_owned(),
                ),
                Value::Text("SENT".to_owned()),
            ]
        })
        .collect();
    hand_over(&session.shared, object.id, files);
    let text = |name: &str| ColumnMeta::new(name, SnowflakeType::TEXT);
    Ok(QueryResult {
        columns: vec![text("File"), text("Status")],
        rows,
        kind: StatementKind::Ddl,
        ..QueryResult::default()
    })
}

/// What `SYSTEM$PIPE_STATUS` says.
pub(crate) fn status(shared: &Arc<Shared>, object: &Object) -> Result<serde_json::Value> {
    let Body::Pipe(pipe) = &object.body else {
        return Err(SnowflakeError::missing("Pipe", object.name()));
    };
    let stopped = stopped(shared, object, pipe);
    let state = shared.pipes.lock();
    let mine = |h: &&Handed| h.pipe == object.id;
    let pending = state.waiting.iter().chain(&state.loading).filter(mine);
    let execution = match &stopped {
        Some((state, _)) => state,
        None if pipe.paused => "PAUSED",
        None => "RUNNING",
    };
    let mut status = serde_json::json!({
        "executionState": execution,
        "pendingFileCount": pending.clone().count(),
    });
    if let Some(oldest) = pending.map(|h| h.received_micros).min() {
        status["oldestFileTimestamp"] = iso(oldest).into();
    }
    if let Some((path, at)) = state.last_loaded.get(&object.id) {
        status["lastIngestedTimestamp"] = iso(*at).into();
        status["lastIngestedFilePath"] = path.clone().into();
    }
    if pipe.auto_ingest {
        status["notificationChannelName"] =
            format!("arn:aws:sqs:local:000000000000:snowglobe-{}", object.id).into();
        status["numOutstandingMessagesOnChannel"] = 0.into();
    }
    let error = stopped.map(|(_, error)| error);
    if let Some(error) = error.or_else(|| state.last_error.get(&object.id).cloned()) {
        status["error"] = error.into();
    }
    Ok(status)
}

fn iso(micros: i64) -> String {
    let at = jiff::Timestamp::from_microsecond(micros).unwrap_or_default();
    let at = at.to_zoned_datetime(jiff::tz::TimeZone::UTC);
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}
