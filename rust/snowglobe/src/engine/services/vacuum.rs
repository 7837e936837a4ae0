//! Takes away row versions that nobody can ask for any more: no statement or transaction that is under way, no stream that has yet to be read, and
//! no time travel, which ends with the table's retention.

use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::engine::catalog::retention::is_kept;
use crate::engine::catalog::{Body, Catalog, Kind, Object};
use crate::engine::compile::time_travel;
use crate::engine::state::shared::Shared;
use crate::engine::storage;
use crate::types::error::Result;

/// How often the engine looks for ended versions.
const INTERVAL: Duration = Duration::from_secs(1);
/// Deleted rows that are worth a checkpoint.
const SWEPT_TOGETHER: u64 = 4_000_000;
/// How often it looks at tables that keep theirs for days.
const RETAINED_INTERVAL_MICROS: i64 = 600_000_000;

/// The thread that looks for ended versions. Dropping it ends it.
pub(crate) struct Vacuum(Option<JoinHandle<()>>);

impl Vacuum {
    pub(crate) fn start(shared: &Arc<Shared>) -> Self {
        let weak = Arc::downgrade(shared);
        let spawned = std::thread::Builder::new()
            .name("vacuum".to_owned())
            .spawn(move || run(&weak));
        if let Err(error) = &spawned {
            log::error!("the thread of the vacuum did not start: {error}");
        }
        Self(spawned.ok())
    }
}

impl Drop for Vacuum {
    /// Waits for a pass that is under way: whoever closes an engine may open its files right after.
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            thread.thread().unpark();
            if thread.join().is_err() {
                log::error!("the thread of the vacuum panicked");
            }
        }
    }
}

fn run(weak: &Weak<Shared>) {
    let mut unswept = 0;
    while let Some(shared) = weak.upgrade() {
        if shared.closing.load(std::sync::atomic::Ordering::SeqCst) {
            return;
        }
        match pass(&shared) {
            Ok(0) => {}
            Ok(rows) => {
                log::debug!("vacuum: {rows} row versions taken away");
                unswept += rows;
            }
            Err(error) => log::warn!("vacuum: {error}"),
        }
        if unswept >= SWEPT_TOGETHER && sweep(&shared) {
            unswept = 0;
        }
        drop(shared);
        std::thread::park_timeout(INTERVAL);
    }
}

/// Gives back the space of rows that were deleted; false where others write meanwhile, until the next pass.
fn sweep(shared: &Shared) -> bool {
    let _writing = shared.start_writing();
    let swept = shared.with_main(|main| storage::run(main, "checkpoint"));
    if let Err(error) = &swept {
        log::debug!("vacuum: no checkpoint: {error}");
    }
    swept.is_ok()
}

/// Erases what was dropped and can no longer come back; what was dropped with a container goes with it.
fn erase_dropped(shared: &Shared, now: i64) -> Result<()> {
    let over = |catalog: &Catalog| -> Vec<Arc<Object>> {
        let alone = catalog
            .dropped()
            .filter(|o| o.dropped.is_some_and(|d| d.with.is_none()) && !is_kept(o, now));
        let ids: Vec<u64> = alone.map(|o| o.id).collect();
        let is_part = |o: &&Arc<Object>| {
            ids.contains(&o.id)
                || o.dropped
                    .and_then(|d| d.with)
                    .is_some_and(|with| ids.contains(&with))
        };
        catalog.dropped().filter(is_part).cloned().collect()
    };
    let gone = over(&shared.catalog());
    if gone.is_empty() {
        return Ok(());
    }
    shared.change_storage(|catalog, connection| {
        for object in over(catalog) {
            crate::engine::statements::ddl::erase(connection, &object)?;
            catalog.forget(object.id);
        }
        Ok(())
    })?;
    for object in gone {
        crate::engine::statements::stages::empty(shared, object.id);
    }
    Ok(())
}

/// Takes away what can go, and says how many row versions that were.
pub(crate) fn pass(shared: &Shared) -> Result<u64> {
    let now = shared.options.clock.now_micros();
    erase_dropped(shared, now)?;
    let is_due = |object: &Object| {
        let Body::Table(table) = &object.body else {
            return false;
        };
        shared.cleared.get(object.id).is_none_or(|(seq, at)| {
            shared.last_change(object.id) > seq
                && (table.retention_days == 0 || now >= at.saturating_add(RETAINED_INTERVAL_MICROS))
        })
    };
    let due: Vec<Arc<Object>> = {
        let catalog = shared.catalog();
        let tables = catalog.all(Kind::Table).filter(|object| is_due(object));
        tables.map(Arc::clone).collect()
    };
    let mut gone = 0;
    for object in due {
        let _writing = shared.start_writing();
        // Now nothing is committed and no table is dropped until this one is done.
        let catalog = shared.catalog();
        if catalog.by_id(object.id).is_none() {
            continue;
        }
        let horizon = horizon(shared, &catalog, &object, now)?;
        if horizon > shared.cleared.up_to(object.id) {
            gone += shared.with_main(|main| {
                storage::change(
                    main,
                    &format!("delete from \"T{}\" where _end <= {horizon}", object.id),
                )
            })?;
        }
        shared.cleared.set(object.id, horizon, now);
    }
    Ok(gone)
}

/// The commit from which on the table must stay readable.
fn horizon(shared: &Shared, catalog: &Catalog, object: &Object, now: i64) -> Result<i64> {
    let mut horizon = shared.readers.oldest(|| shared.committed());
    for stream in catalog.all(Kind::Stream) {
        if matches!(&stream.body, Body::Stream(body) if body.table == object.id)
            && now <= time_travel::stale_after_at(shared, stream, object)
        {
            horizon = horizon.min(shared.offset_of(stream.id));
        }
    }
    if let Body::Table(table) = &object.body
        && table.retention_days > 0
    {
        let since = time_travel::retained_since(table, now);
        let kept = shared.with_main(|main| {
            storage::count(
                main,
                &format!(
                    "select coalesce(max(seq), 0) from sys_commits where at_micros <= {since}"
                ),
            )
        })?;
        horizon = horizon.min(kept);
    }
    Ok(horizon)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Binds, Engine, EngineOptions, Login, Session};

    fn engine() -> Engine {
        Engine::open(EngineOptions::default()).unwrap()
    }

    fn session(engine: &Engine) -> Session {
        let login = Login {
            user: "SNOWGLOBE".to_owned(),
            ..Login::default()
        };
        let mut session = engine.session(login).unwrap();
        for sql in ["create database D", "use schema D.PUBLIC"] {
            run(&mut session, sql);
        }
        session
    }

    fn run(session: &mut Session, sql: &str) -> usize {
        session.execute(sql, &Binds::default()).unwrap().rows.len()
    }

    /// All versions of the rows of all tables.
    fn versions(engine: &Engine) -> i64 {
        let shared = engine.shared();
        let catalog = shared.catalog();
        let tables = catalog.all(Kind::Table).map(|table| table.id);
        tables
            .map(|id| {
                let sql = format!("select count(*) from \"T{id}\"");
                shared.with_main(|main| storage::count(main, &sql)).unwrap()
            })
            .sum()
    }

    #[test]
    fn a_table_without_retention_keeps_only_what_is_there() {
        let engine = engine();
        let mut session = session(&engine);
        run(
            &mut session,
            "create table T (N number) data_retention_time_in_days = 0",
        );
        for _ in 0..5 {
            run(&mut session, "insert into T values (1), (2)");
            run(&mut session, "delete from T");
        }
        run(&mut session, "insert into T values (3)");
        pass(engine.shared()).unwrap();
        assert_eq!(versions(&engine), 1);
        assert_eq!(run(&mut session, "select * from T"), 1);
        let past = session.execute("select * from T at(offset => -1)", &Binds::default());
        assert_eq!(past.unwrap_err().code, "000707");
    }

    #[test]
    fn a_stream_finds_what_was_deleted_before_it_was_read() {
        let engine = engine();
        let mut session = session(&engine);
        run(
            &mut session,
            "create table T (N number) data_retention_time_in_days = 0",
        );
        run(&mut session, "insert into T values (1), (2)");
        run(&mut session, "create stream S on table T");
        run(&mut session, "delete from T");
        pass(engine.shared()).unwrap();
        assert_eq!(run(&mut session, "select * from S"), 2);
        run(&mut session, "create table SEEN as select N from S");
        pass(engine.shared()).unwrap();
        assert_eq!(versions(&engine), 2, "those of SEEN");
    }

    #[test]
    fn an_open_transaction_reads_its_stream_twice_alike() {
        let engine = engine();
        let mut session = session(&engine);
        run(
            &mut session,
            "create table T (N number) data_retention_time_in_days = 0",
        );
        run(&mut session, "create stream S on table T");
        run(&mut session, "insert into T values (1), (2)");
        run(&mut session, "begin");
        assert_eq!(run(&mut session, "select * from S"), 2);
        let mut other = engine
            .session(Login {
                user: "SNOWGLOBE".to_owned(),
                ..Login::default()
            })
            .unwrap();
        run(&mut other, "delete from D.PUBLIC.T");
        pass(engine.shared()).unwrap();
        assert_eq!(run(&mut session, "select * from S"), 2);
    }

    #[test]
    fn time_travel_reaches_as_far_as_the_retention() {
        let engine = engine();
        let mut session = session(&engine);
        run(
            &mut session,
            "create table T (N number) data_retention_time_in_days = 1",
        );
        run(&mut session, "insert into T values (1)");
        engine.clock().advance(Duration::from_secs(60));
        run(&mut session, "delete from T");
        engine.clock().advance(Duration::from_secs(3600));
        pass(engine.shared()).unwrap();
        let past = "select * from T at(offset => -3630)";
        assert_eq!(run(&mut session, past), 1);
        engine.clock().advance(Duration::from_secs(86_400));
        pass(engine.shared()).unwrap();
        assert_eq!(versions(&engine), 0);
        let past = format!("{} - 86400)", &past[..past.len() - 1]);
        let refused = session.execute(&past, &Binds::default()).unwrap_err();
        assert_eq!(refused.code, "000707");
    }

    #[test]
    fn what_was_dropped_is_erased_when_it_can_no_longer_come_back() {
        let engine = engine();
        let mut session = session(&engine);
        let tables = |engine: &Engine| {
            let sql = "select count(*) from duckdb_tables() where table_name similar to 'T[0-9]+'";
            let shared = engine.shared();
            shared.with_main(|main| storage::count(main, sql)).unwrap()
        };
        run(&mut session, "create table T (N number)");
        run(&mut session, "create schema S");
        run(&mut session, "create table INSIDE (N number)");
        run(&mut session, "drop table D.PUBLIC.T");
        run(&mut session, "drop schema D.S");
        pass(engine.shared()).unwrap();
        assert_eq!(tables(&engine), 2);
        engine.clock().advance(Duration::from_secs(90_000));
        pass(engine.shared()).unwrap();
        assert_eq!(tables(&engine), 0);
    }
}
