//! What both ways of loading share: the table of what is ready, and what is recorded of a file.

use std::collections::BTreeMap;

use super::{Copy, Loaded, malformed};
use crate::engine::session::{Effects, Session};
use crate::engine::state::transaction::LoadedFile;
use crate::engine::storage;
use crate::object_store::ObjectMeta;
use crate::sql::cursor::literal;
use crate::sql::types;
use crate::types::error::Result;

/// Notes what became of a file, which the commit makes known: in so many words, and so that the transaction does not load it again.
pub(super) fn note(
    effects: &mut Effects,
    copy: &Copy,
    load: &Loaded,
    file: &ObjectMeta,
    (pipe, now, received): (u64, i64, Option<&BTreeMap<String, i64>>),
) {
    effects
        .records
        .push(record(copy, load, file, pipe, now, received));
    if pipe != 0 && copy.select.is_none() {
        effects.records.extend(malformed::records(load, pipe, now));
    }
    let loaded = LoadedFile {
        target: copy.target.id,
        bucket: copy.location.bucket.clone(),
        key: file.key.clone(),
        etag: file.etag.clone(),
    };
    if copy.purge && load.status == "LOADED" {
        effects.purged.push(loaded.clone());
    }
    if pipe == 0 && load.status != "LOAD_FAILED" {
        effects.loaded.push(loaded);
    }
}

/// Makes the table of what is ready to be inserted.
pub(super) fn make_ready(session: &Session, copy: &Copy) -> Result<()> {
    let columns = copy.targets()?;
    let list: Vec<String> = columns
        .iter()
        .enumerate()
        .map(|(n, c)| format!("c{n} {}", types::duckdb(&c.kind)))
        .collect();
    storage::run(
        &session.connection,
        &format!(
            "create or replace temp table _ready(_file bigint, {})",
            list.join(", ")
        ),
    )
}

/// Drops the tables that reading files has left.
pub(super) fn drop_ready(session: &Session) {
    let _ = storage::run(
        &session.connection,
        "drop table if exists _ready; drop table if exists _copy",
    );
}

fn record(
    copy: &Copy,
    load: &Loaded,
    file: &ObjectMeta,
    pipe: u64,
    now: i64,
    received: Option<&BTreeMap<String, i64>>,
) -> String {
    let first = load.errors.first();
    let text = |value: Option<String>| value.map_or("null".to_owned(), |t| literal(&t));
    let number = |value: Option<u64>| value.map_or("null".to_owned(), |n| n.to_string());
    let received = received
        .and_then(|r| r.get(&file.key))
        .copied()
        .unwrap_or(now);
    format!(
        "insert into sys_loads values ({}, {pipe}, {}, {}, {}, {}, {}, {now}, {received}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {})",
        copy.target.id,
        literal(&copy.location.bucket),
        literal(&file.key),
        literal(&file.etag),
        file.size,
        file.modified_micros,
        load.parsed,
        load.loaded,
        load.errors.len(),
        load.error_limit,
        text(first.map(|e| e.error.message.clone())),
        number(first.map(|e| e.line)),
        number(first.map(|e| e.character)),
        text(first.map(|e| e.column.clone())),
        literal(load.status),
        // A file that failed may be tried again by COPY; a pipe remembers it all the same.
        load.status != "LOAD_FAILED" || pipe != 0,
    )
}
