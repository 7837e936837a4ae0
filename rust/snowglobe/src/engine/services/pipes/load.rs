//! Loads what was handed over to a pipe, in batches.

use std::collections::{BTreeMap, BTreeSet};

use super::{BATCH, REMEMBERED_DAYS};
use crate::engine::catalog::{Object, Pipe};
use crate::engine::compile::Variables;
use crate::engine::session::{Runtime, Session};
use crate::engine::state::pipe_queue::{Handed, PipeFileReport};
use crate::engine::state::shared::Shared;
use crate::engine::state::waiting_files;
use crate::engine::statements::copy;
use crate::engine::statements::copy::OnError;
use crate::engine::statements::pipes::{parse, pipe_of};
use crate::engine::statements::stages;
use crate::engine::storage;
use crate::types::error::Result;
use crate::types::value::{Binds, Value};

/// Files of one pipe that is not paused.
pub(super) fn next_batch(shared: &Shared) -> Option<Vec<Handed>> {
    forget_dropped(shared);
    let mut state = shared.pipes.lock();
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

/// Files of pipes that are gone.
fn forget_dropped(shared: &Shared) {
    let gone: Vec<Handed> = {
        let mut state = shared.pipes.lock();
        let waiting = std::mem::take(&mut state.waiting);
        let (kept, gone) = waiting
            .into_iter()
            .partition(|h| pipe_of(shared, h.pipe).is_some());
        state.waiting = kept;
        gone.into()
    };
    waiting_files::forget(shared, &gone);
}

pub(super) fn load_batch(shared: &Runtime, batch: &[Handed]) {
    let Some((object, pipe)) = batch.first().and_then(|h| pipe_of(shared, h.pipe)) else {
        return;
    };
    let outcome = load(shared, &object, &pipe, batch);
    waiting_files::forget(shared, batch);
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
pub(super) fn session_for(shared: &Runtime, object: &Object, pipe: &Pipe) -> Result<Session> {
    Session::of_owner(shared, object, &pipe.home)
}

fn load(
    shared: &Runtime,
    object: &Object,
    pipe: &Pipe,
    batch: &[Handed],
) -> Result<Vec<PipeFileReport>> {
    let mut session = session_for(shared, object, pipe)?;
    let copy = {
        let (binds, variables) = (Binds::default(), Variables::new());
        parse(&session.context(&binds, &variables), object, pipe)?
    };
    let since = shared.options.clock.now_micros() - REMEMBERED_DAYS * 86_400_000_000;
    let known = known(&session, object, since)?;
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
    let report = |load| report(&copy.location, load, &received, now);
    Ok(loads.into_iter().map(report).collect())
}

/// The paths that the pipe has loaded since.
fn known(session: &Session, object: &Object, since: i64) -> Result<BTreeSet<String>> {
    let known = storage::query(
        &session.connection,
        &format!(
            "select path from sys_loads where pipe = {} and counts and loaded_micros > {since}",
            object.id
        ),
    )?;
    Ok(known
        .rows
        .into_iter()
        .filter_map(|row| match row.into_iter().next() {
            Some(Value::Text(path)) => Some(path),
            _ => None,
        })
        .collect())
}

fn report(
    location: &stages::Location,
    load: copy::Loaded,
    received: &BTreeMap<String, i64>,
    now: i64,
) -> PipeFileReport {
    let first = load.errors.first();
    PipeFileReport {
        path: load
            .key
            .strip_prefix(&location.base)
            .unwrap_or(&load.key)
            .to_owned(),
        stage_location: format!("s3://{}/{}", location.bucket, location.base),
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
}
