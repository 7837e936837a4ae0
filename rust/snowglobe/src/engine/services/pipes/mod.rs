//! Snowpipe: files are handed over by S3 events, REST or REFRESH, loaded in the background, each path once in fourteen days.
//!
//! - `load`: what the background does with what was handed over
//! - `rest`: what Snowpipe's REST asks for, and REFRESH

mod load;
mod rest;

use std::time::Duration;

use crate::engine::catalog::{Body, Kind};
use crate::engine::compile::Variables;
use crate::engine::session::{Runtime, WeakRuntime};
use crate::engine::state::waiting_files;
use crate::engine::statements::pipes::location;
use crate::types::value::Binds;

use load::{load_batch, next_batch, session_for};

pub(crate) use rest::{history, insert_files, reports, status};

/// How long a pipe remembers a path, even when its content has changed.
pub(super) const REMEMBERED_DAYS: i64 = 14;

/// How many files it loads at once.
pub(super) const BATCH: usize = 100;

/// Runs the loader until the engine closes.
pub(crate) fn start(shared: &Runtime) {
    if let Err(error) = waiting_files::recover(shared) {
        log::error!("the files that waited for pipes are not known: {error}");
    }
    let weak = shared.downgrade();
    let spawned = std::thread::Builder::new()
        .name("snowpipe".to_owned())
        .stack_size(crate::types::stack::THREAD)
        .spawn(move || run(&weak));
    if let Err(error) = spawned {
        log::error!("the thread of pipes did not start: {error}");
    }
}

fn run(weak: &WeakRuntime) {
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

/// An S3 event: pipes with AUTO_INGEST whose stage covers the key take the file.
pub(crate) fn notify(shared: &Runtime, bucket: &str, key: &str) {
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
        let location = session_for(shared, object, pipe).and_then(|session| {
            let (binds, variables) = (Binds::default(), Variables::new());
            location(&session.context(&binds, &variables), object, pipe)
        });
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
            let handed = waiting_files::hand_over(shared, object.id, [key.to_owned()]);
            if let Err(error) = handed {
                log::error!("pipe {} was not given {key}: {error}", object.name());
            }
        }
    }
}
