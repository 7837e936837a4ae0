//! Files that were handed to pipes and wait. With a data folder they wait across a restart, too: a file is forgotten once it is loaded.

use std::sync::atomic::Ordering;

use super::pipe_queue::Handed;
use super::shared::Shared;
use crate::engine::storage;
use crate::sql::cursor::literal;
use crate::types::error::Result;
use crate::types::value::Value;

/// Runs a statement on what is kept, if anything is.
fn keep(shared: &Shared, sql: &str) -> Result<()> {
    if shared.options.data_dir.is_none() {
        return Ok(());
    }
    let _writing = shared.start_writing();
    shared.with_main(|main| storage::run(main, sql))
}

/// Lets a pipe load files.
///
/// # Errors
/// If they cannot be kept: then they are not handed over.
pub(crate) fn hand_over(
    shared: &Shared,
    pipe: u64,
    keys: impl IntoIterator<Item = String>,
) -> Result<()> {
    let received_micros = shared.options.clock.now_micros();
    let handed = |key| Handed {
        id: shared.pipes.next.fetch_add(1, Ordering::SeqCst),
        pipe,
        key,
        received_micros,
    };
    let handed: Vec<Handed> = keys.into_iter().map(handed).collect();
    if handed.is_empty() {
        return Ok(());
    }
    let row = |h: &Handed| format!("({}, {pipe}, {}, {received_micros})", h.id, literal(&h.key));
    let rows: Vec<String> = handed.iter().map(row).collect();
    keep(
        shared,
        &format!("insert into sys_pipe_queue values {}", rows.join(", ")),
    )?;
    shared.pipes.lock().waiting.extend(handed);
    shared.pipes.wake();
    Ok(())
}

/// Forgets files that need not be loaded any more.
pub(crate) fn forget(shared: &Shared, files: &[Handed]) {
    let ids: Vec<String> = files.iter().map(|h| h.id.to_string()).collect();
    if ids.is_empty() {
        return;
    }
    let sql = format!(
        "delete from sys_pipe_queue where id in ({})",
        ids.join(", ")
    );
    if let Err(error) = keep(shared, &sql) {
        // A pipe loads a path once, so they are passed over when they come again.
        log::warn!(
            "{} files of a pipe will come again after a restart: {error}",
            ids.len()
        );
    }
}

/// Lets wait what waited when the process ended.
pub(crate) fn recover(shared: &Shared) -> Result<()> {
    let kept = shared.with_main(|main| {
        storage::query(
            main,
            "select id, pipe, path, received_micros from sys_pipe_queue order by id",
        )
    })?;
    let number = |value: &Value| match value {
        Value::Number(number) => *number,
        _ => 0,
    };
    let mut state = shared.pipes.lock();
    for row in kept.rows {
        let [id, pipe, Value::Text(key), received] = row.as_slice() else {
            continue;
        };
        let id = u64::try_from(number(id)).unwrap_or(0);
        shared.pipes.next.fetch_max(id + 1, Ordering::SeqCst);
        state.waiting.push_back(Handed {
            id,
            pipe: u64::try_from(number(pipe)).unwrap_or(0),
            key: key.clone(),
            received_micros: i64::try_from(number(received)).unwrap_or(0),
        });
    }
    Ok(())
}
