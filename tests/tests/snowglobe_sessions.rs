//! What one story file cannot show: sessions that wait for each other, and data that outlives its process.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "what surrounds a test fails as the test does"
)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use snowglobe::engine::{Binds, Engine, EngineOptions, Login, QueryResult, Session, Value};

fn open(data_dir: Option<&Path>) -> Engine {
    let options = EngineOptions {
        data_dir: data_dir.map(Path::to_owned),
        ..EngineOptions::default()
    };
    Engine::open(options).expect("an engine opens")
}

fn session(engine: &Engine) -> Session {
    let login = Login {
        user: "SNOWGLOBE".to_owned(),
        database: Some("D".to_owned()),
        ..Login::default()
    };
    engine.session(login).expect("a session opens")
}

fn run(session: &mut Session, sql: &str) -> QueryResult {
    session
        .execute(sql, &Binds::default())
        .unwrap_or_else(|e| panic!("{sql}: {e}"))
}

fn number(session: &mut Session, sql: &str) -> i128 {
    match run(session, sql).rows[0][0] {
        Value::Number(number) => number,
        ref other => panic!("{sql}: {other:?}"),
    }
}

fn with_table(engine: &Engine) -> Session {
    let mut first = session(engine);
    run(&mut first, "create database d");
    run(&mut first, "create table t (id number, v number)");
    run(&mut first, "insert into t values (1, 0), (2, 0)");
    first
}

#[test]
fn an_update_waits_for_the_transaction_that_has_the_table_and_then_sees_its_rows() {
    let engine = open(None);
    let mut first = with_table(&engine);
    let mut second = session(&engine);
    run(&mut first, "begin");
    run(&mut first, "update t set v = v + 1");
    let (sender, receiver) = mpsc::channel();
    let waiting = std::thread::spawn(move || {
        run(&mut second, "update t set v = v + 10");
        sender.send(()).expect("the test listens");
        second
    });
    assert!(
        receiver.recv_timeout(Duration::from_millis(300)).is_err(),
        "the update did not wait"
    );
    run(&mut first, "commit");
    receiver
        .recv_timeout(Duration::from_secs(60))
        .expect("the update goes on after the commit");
    drop(waiting.join().expect("the second session ends"));
    assert_eq!(number(&mut first, "select sum(v) from t"), 22);
}

#[test]
fn an_insert_does_not_wait_for_the_transaction_that_updates() {
    let engine = open(None);
    let mut first = with_table(&engine);
    let mut second = session(&engine);
    run(&mut first, "begin");
    run(&mut first, "update t set v = 1");
    run(&mut second, "insert into t values (3, 0)");
    run(&mut first, "commit");
    assert_eq!(number(&mut first, "select sum(v) from t"), 2);
    assert_eq!(number(&mut first, "select count(*) from t"), 3);
}

#[test]
fn waiting_ends_after_lock_timeout() {
    let engine = open(None);
    let mut first = with_table(&engine);
    let mut second = session(&engine);
    run(&mut first, "begin");
    run(&mut first, "delete from t where id = 1");
    run(&mut second, "alter session set lock_timeout = 1");
    let error = second
        .execute("delete from t", &Binds::default())
        .expect_err("the table is locked");
    assert_eq!((error.code, error.sqlstate), ("000625", "57014"));
}

#[test]
fn of_two_transactions_that_wait_for_each_other_one_fails_with_a_deadlock() {
    let engine = open(None);
    let mut first = with_table(&engine);
    run(&mut first, "create table u (id number)");
    let mut second = session(&engine);
    run(&mut first, "begin");
    run(&mut first, "delete from t");
    run(&mut second, "begin");
    run(&mut second, "delete from u");
    let waiting = std::thread::spawn(move || {
        let outcome = first
            .execute("delete from u", &Binds::default())
            .map(|_| ());
        run(&mut first, "rollback");
        outcome
    });
    let other = second
        .execute("delete from t", &Binds::default())
        .map(|_| ());
    run(&mut second, "rollback");
    let outcomes = [waiting.join().expect("the first session ends"), other];
    let failures: Vec<_> = outcomes
        .iter()
        .filter_map(|o| o.as_ref().err())
        .map(|e| e.code)
        .collect();
    assert_eq!(failures, ["200001"]);
}

#[test]
fn a_stream_consumed_by_two_transactions_gives_each_row_once() {
    let engine = open(None);
    let mut first = with_table(&engine);
    run(&mut first, "create stream s on table t");
    run(&mut first, "create table sink (id number)");
    run(&mut first, "insert into t values (3, 0), (4, 0)");
    let mut second = session(&engine);
    run(&mut first, "begin");
    run(&mut first, "insert into sink select id from s");
    let waiting = std::thread::spawn(move || {
        run(&mut second, "insert into sink select id from s")
            .stats
            .inserted
    });
    run(&mut first, "commit");
    assert_eq!(waiting.join().expect("the second session ends"), 0);
    assert_eq!(number(&mut first, "select count(*) from sink"), 2);
}

#[test]
fn what_is_written_is_there_after_a_restart_and_what_was_open_is_not() {
    let dir = tempfile::tempdir().expect("a folder");
    {
        let engine = open(Some(dir.path()));
        let mut first = with_table(&engine);
        run(&mut first, "create stream s on table t");
        run(&mut first, "create table sink (id number)");
        run(&mut first, "insert into t values (3, 0)");
        run(&mut first, "insert into sink select id from s");
        run(&mut first, "insert into t values (4, 0)");
        run(&mut first, "create table dropped as select 5 as id");
        run(&mut first, "drop table dropped");
        run(&mut first, "begin");
        run(&mut first, "delete from t");
        // The process ends here as in a crash, without a rollback.
        std::mem::forget(first);
    }
    let engine = reopened(dir.path());
    let mut again = session(&engine);
    assert_eq!(number(&mut again, "select count(*) from t"), 4);
    assert_eq!(number(&mut again, "select id from s"), 4);
    run(&mut again, "undrop table dropped");
    assert_eq!(number(&mut again, "select id from dropped"), 5);
}

#[test]
fn a_pipe_takes_what_a_stream_is_unloaded_to_and_remembers_it_on_the_disk() {
    let dir = tempfile::tempdir().expect("a folder");
    let engine = open(Some(dir.path()));
    let mut session = with_table(&engine);
    for sql in [
        "create table copied (id number, v number)",
        "create stage lake url = 's3://lake/m/' file_format = (type = csv)",
        "create pipe p auto_ingest = true as copy into copied from @lake",
        "create stream changes on table t",
        "insert into t values (3, 0)",
        "copy into @lake from (select id, v from changes)",
    ] {
        run(&mut session, sql);
    }
    for _ in 0..3_000 {
        if number(&mut session, "select count(*) from copied") == 1 {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("the pipe loaded nothing");
}

/// Opens the engine after the threads of the previous one have released its files.
fn reopened(dir: &Path) -> Engine {
    for _ in 0..3_000 {
        let options = EngineOptions {
            data_dir: Some(dir.to_owned()),
            ..EngineOptions::default()
        };
        if let Ok(engine) = Engine::open(options) {
            return engine;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("the data stayed locked");
}

const CHILD_DIR: &str = "SNOWGLOBE_TEST_CHILD_DIR";

/// Not a test of its own: the process that the next test kills.
#[test]
fn child() {
    let Some(dir) = std::env::var_os(CHILD_DIR) else {
        return;
    };
    let engine = reopened(Path::new(&dir));
    let mut session = session(&engine);
    run(&mut session, "create database if not exists d");
    run(
        &mut session,
        "create table if not exists d.public.t (id number)",
    );
    for id in 0.. {
        run(
            &mut session,
            &format!("insert into d.public.t values ({id})"),
        );
        println!("acknowledged {id}");
    }
}

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let dir = tempfile::tempdir().expect("a folder");
    for statements in [1, 40, 150] {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["child", "--exact", "--nocapture"])
            .env(CHILD_DIR, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the child starts");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let acknowledged = lines
            .map_while(Result::ok)
            .filter(|line| line.contains("acknowledged"))
            .take(statements)
            .count();
        child.kill().expect("kill -9");
        child.wait().expect("it is gone");
        let engine = reopened(dir.path());
        let mut session = session(&engine);
        let found = number(&mut session, "select count(*) from d.public.t");
        // One more row may have been written whose response was not received.
        assert!(
            found >= acknowledged as i128,
            "{found} rows of {acknowledged}"
        );
        assert_eq!(
            number(
                &mut session,
                "select max(id) + 1 - count(*) from d.public.t"
            ),
            0
        );
        run(&mut session, "delete from d.public.t");
        drop(session);
        drop(engine);
    }
}
