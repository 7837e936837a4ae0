//! What an attacker tries, where a story cannot say it: binds, variables, names with control characters, and DuckDB itself.

use crate::engine::{Binds, Engine, EngineOptions, Login, Session, Value, storage};
use crate::sql::functions::HOSTILE;
use crate::types::value::Bind;

pub(super) fn session() -> Session {
    let login = Login {
        user: "SNOWGLOBE".to_owned(),
        ..Login::default()
    };
    let engine = Engine::open(EngineOptions::default()).unwrap();
    let mut session = engine.session(login).unwrap();
    for sql in [
        "create database d",
        "create table t (v varchar)",
        "insert into t values ('kept')",
    ] {
        session.execute(sql, &Binds::default()).unwrap();
    }
    session
}

pub(super) fn texts(session: &mut Session, sql: &str, bind: Option<&str>) -> Vec<String> {
    let bind = bind.map(|text| Bind {
        kind: "TEXT".to_owned(),
        values: vec![Some(text.to_owned())],
    });
    let binds = Binds(bind.into_iter().collect());
    let result = session.execute(sql, &binds);
    let rows = result.unwrap_or_else(|e| panic!("{sql}: {e}")).rows;
    let text = |value: Value| match value {
        Value::Text(text) => text,
        other => panic!("{sql}: {other:?}"),
    };
    rows.into_iter().flatten().map(text).collect()
}

fn literal(text: &str) -> String {
    super::substitute::escape(text)
}

#[test]
fn a_hostile_text_comes_back_as_it_was() {
    let mut session = session();
    for text in HOSTILE {
        let quoted = literal(text);
        for sql in [
            format!("select {quoted}"),
            format!("select coalesce(null, {quoted})"),
            format!("select nvl({quoted}, {quoted})"),
            format!("select iff({quoted} in ('x', {quoted}), {quoted}, 'other')"),
            format!("select iff({quoted} between {quoted} and {quoted}, {quoted}, 'other')"),
            format!("select case {quoted} when {quoted} then {quoted} end"),
            format!("select decode({quoted}, 'x', 'y', {quoted}, {quoted})"),
            format!("select {quoted} || ''"),
            format!("select {quoted}::varchar"),
            format!("select column1 from values ({quoted})"),
            format!("with c as (select {quoted} as v) select v from c where v = {quoted}"),
            format!("select max(v) from (select {quoted} as v)"),
            format!("select listagg({quoted}, ', ')"),
            format!("execute immediate {}", literal(&format!("select {quoted}"))),
        ] {
            if text.contains('\0') && sql.contains("listagg") {
                continue;
            }
            assert_eq!(texts(&mut session, &sql, None), [*text], "{sql}");
        }
        for sql in ["select ?", "select nvl(null, ?)"] {
            assert_eq!(texts(&mut session, sql, Some(text)), [*text], "{sql}");
        }
        let set = format!("set hostile = {quoted}");
        session.execute(&set, &Binds::default()).unwrap();
        assert_eq!(texts(&mut session, "select $hostile", None), [*text]);
        assert_eq!(
            texts(&mut session, "select nvl('{1}', $hostile)", None),
            ["{1}"]
        );
    }
}

#[test]
fn a_hostile_text_is_stored_and_found_as_it_is() {
    let mut session = session();
    for text in HOSTILE.iter().filter(|text| !text.contains('\0')) {
        let quoted = literal(text);
        for sql in [
            format!("insert into t values ({quoted})"),
            format!("update t set v = {quoted} where v = {quoted}"),
            format!(
                "merge into t using (select {quoted} as v) s on t.v = s.v when matched then update set v = {quoted} when not matched then insert values ({quoted})"
            ),
        ] {
            session
                .execute(&sql, &Binds::default())
                .unwrap_or_else(|e| panic!("{sql}: {e}"));
        }
        let found = format!("select v from t where v = {quoted}");
        assert_eq!(texts(&mut session, &found, None), [*text]);
        let delete = format!("delete from t where v = {quoted}");
        session.execute(&delete, &Binds::default()).unwrap();
    }
    assert_eq!(texts(&mut session, "select v from t", None), ["kept"]);
}

#[test]
fn a_hostile_name_is_a_name() {
    let mut session = session();
    for text in HOSTILE
        .iter()
        .filter(|text| !text.contains(char::is_control))
    {
        let name = crate::sql::cursor::quoted(text);
        let sql = format!("with {name} as (select 'x' as {name}) select a.{name} from {name} as a");
        assert_eq!(texts(&mut session, &sql, None), ["x"], "{sql}");
        let sql = format!("select {name} from (select 'x' as {name}) as {name}");
        assert_eq!(texts(&mut session, &sql, None), ["x"], "{sql}");
    }
}

#[test]
fn snowglobes_own_names_are_out_of_reach() {
    let mut session = session();
    let id = session
        .shared
        .catalog()
        .all(crate::engine::catalog::Kind::Table)
        .next()
        .unwrap()
        .id;
    for name in [
        "\u{1}target".to_owned(),
        format!("\u{1}{id}"),
        "\u{1}".to_owned(),
    ] {
        for sql in [
            format!("select * from \"{name}\""),
            format!("create view w as select * from \"{name}\""),
            format!("delete from t where exists (select 1 from \"{name}\")"),
            format!("update t set v = (select max(_rid) from \"{name}\")"),
            format!("insert into t select * from \"{name}\""),
            format!("merge into t using \"{name}\" s on t.v = s.v when matched then delete"),
            format!("select * from identifier('\"{name}\"')"),
            format!("execute immediate 'select * from \"{name}\"'"),
            format!("begin return (select count(*) from \"{name}\"); end"),
            format!("create table c as select * from \"{name}\""),
            format!("copy into @~ from (select * from \"{name}\")"),
        ] {
            let error = session.execute(&sql, &Binds::default()).unwrap_err();
            assert!(["001003", "002003"].contains(&error.code), "{sql}: {error}");
        }
    }
    for name in [
        "_plan",
        "_stage_0",
        "_copy",
        "_ready",
        "sys_loads",
        "row_ids",
        "duckdb_tables",
    ] {
        let sql = format!("delete from t where v in (select 1 from \"{name}\")");
        let error = session.execute(&sql, &Binds::default()).unwrap_err();
        assert_eq!(error.code, "002003", "{sql}: {error}");
    }
}

#[test]
fn duckdb_reaches_no_file_loads_nothing_and_keeps_its_settings() {
    let session = session();
    for sql in [
        "select * from read_text('/etc/passwd')",
        "select * from read_csv('/etc/passwd')",
        "select * from glob('/etc/*')",
        "select * from '/etc/passwd'",
        "copy (select 1) to '/tmp/snowglobe-must-not-be-there.csv'",
        "attach '/tmp/snowglobe-must-not-be-there.duckdb'",
        "export database '/tmp/snowglobe-must-not-be-there'",
        "install httpfs",
        "load httpfs",
        "set enable_external_access = true",
        "set memory_limit = '1TB'",
        "set lock_configuration = false",
        "set allowed_configs = ['memory_limit']",
    ] {
        assert!(storage::run(&session.connection, sql).is_err(), "{sql}");
    }
}
