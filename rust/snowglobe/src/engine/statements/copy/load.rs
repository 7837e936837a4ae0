//! Inserts what the files hold and records what was loaded, in one transaction.

use std::collections::BTreeMap;

use super::convert::convert;
use super::{Copy, Loaded, OnError, fast, validate};
use crate::engine::compile::Variables;
use crate::engine::session::{Effects, Session};
use crate::engine::state::transaction::LoadedFile;
use crate::engine::statements::dml;
use crate::engine::storage;
use crate::object_store::ObjectMeta;
use crate::sql::cursor::{literal, quoted};
use crate::sql::types;
use crate::types::error::{Result, SnowflakeError};
use crate::types::value::Binds;

/// Loads the files, and records it.
pub(crate) fn load(
    session: &mut Session,
    copy: &Copy,
    files: Vec<ObjectMeta>,
    pipe: u64,
    default: OnError,
    received: Option<&BTreeMap<String, i64>>,
) -> Result<Vec<Loaded>> {
    let on_error = copy.on_error.unwrap_or(default);
    let files = within_size_limit(copy, files);
    match fast::load(session, copy, &files, pipe, on_error, received)? {
        Some(loads) => Ok(loads),
        None => carefully(session, copy, &files, pipe, (on_error, default), received),
    }
}

/// As many files as it takes to reach SIZE_LIMIT.
fn within_size_limit(copy: &Copy, mut files: Vec<ObjectMeta>) -> Vec<ObjectMeta> {
    let Some(limit) = copy.size_limit else {
        return files;
    };
    let mut size = 0;
    let is_over = |file: &ObjectMeta| {
        let is_over = size >= limit;
        size += file.size;
        is_over
    };
    if let Some(end) = files.iter().position(is_over) {
        files.truncate(end);
    }
    files
}

/// Converts every file in temporary tables first, so that each broken row is found.
pub(super) fn carefully(
    session: &mut Session,
    copy: &Copy,
    files: &[ObjectMeta],
    pipe: u64,
    (on_error, default): (OnError, OnError),
    received: Option<&BTreeMap<String, i64>>,
) -> Result<Vec<Loaded>> {
    let columns = copy.targets()?;
    make_ready(session, copy)?;
    let mut loads = Vec::new();
    for (number, file) in files.iter().enumerate() {
        if session.is_cancelled() {
            return Err(SnowflakeError::cancelled());
        }
        loads.push(convert(session, copy, file, number, (on_error, default))?);
    }
    let now = session.shared.options.clock.now_micros();
    let result = session.write(&[], &Binds::default(), &Variables::new(), |context, stamp, effects| {
        effects.tables.insert(copy.target.id);
        for (load, file) in loads.iter().zip(files) {
            note(effects, copy, load, file, (pipe, now, received));
        }
        let names: Vec<String> = columns.iter().map(|c| quoted(&c.name)).collect();
        let values: Vec<String> = (0..columns.len()).map(|n| format!("c{n}")).collect();
        let (mut names, mut values) = (names, values);
        for (name, value) in dml::defaults(context, &copy.target, |c| columns.iter().any(|t| t.name == c.name))? {
            names.push(quoted(&name));
            values.push(value);
        }
        storage::run(
            context.connection,
            &format!(
                "insert into \"T{}\" ({}, _begin) select {}, {stamp} from _ready; drop table _ready",
                copy.target.id,
                names.join(", "),
                values.join(", ")
            ),
        )
    });
    drop_ready(session);
    result?;
    Ok(loads)
}

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
        effects.records.extend(validate::records(load, pipe, now));
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
