//! Inserts what the files hold and records what was loaded, in one transaction.

use std::collections::BTreeMap;

use super::convert::convert;
use super::record::{drop_ready, make_ready, note};
use super::{Copy, Loaded, OnError, fast};
use crate::engine::compile::Variables;
use crate::engine::session::Session;
use crate::engine::statements::dml;
use crate::engine::storage;
use crate::object_store::ObjectMeta;
use crate::sql::cursor::quoted;
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
