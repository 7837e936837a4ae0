//! Statements that are nested deeply, long, or call each other: each is answered or refused, and the process lives.

use super::tests::{session, texts};
use crate::types::value::Binds;

/// `inner` between `depth` openings and closings.
fn nested(open: &str, inner: &str, close: &str, depth: usize) -> String {
    format!("{}{inner}{}", open.repeat(depth), close.repeat(depth))
}

/// Statements nested in each way that the grammar has.
#[expect(clippy::too_many_lines, reason = "a list of texts")]
fn bombs(depth: usize) -> Vec<String> {
    let nested = |open: &str, inner: &str, close: &str| nested(open, inner, close, depth);
    let chain = |start: &str, item: &str| format!("{start}{}", item.repeat(depth));
    vec![
        format!("select {}", nested("(", "1", ")")),
        format!("select {}", nested("abs(", "1", ")")),
        format!("select {}", nested("nvl(null, ", "1", ")")),
        format!("select {}", nested("case when true then ", "1", " end")),
        format!("select {}", nested("iff(true, ", "1", ", 2)")),
        format!("select {}", nested("(select ", "1", ")")),
        format!(
            "select * from {}",
            nested("(select * from ", "(select 1)", ")")
        ),
        format!(
            "select {}",
            nested("(with c as (select 1 as v) select v + ", "1", " from c)")
        ),
        format!(
            "select 1 where {}",
            nested("exists (select 1 where ", "true", ")")
        ),
        format!(
            "select 1 where {}",
            nested("1 in (select 1 where ", "true", ")")
        ),
        format!("select {}", nested("- ", "1", "")),
        format!("select {}", nested("not ", "true", "")),
        format!("select {}", nested("cast(", "1", " as varchar)")),
        format!("select {}", nested("[", "1", "]")),
        format!("select {}", nested("{'a': ", "1", "}")),
        format!("select {}", nested("array_construct(", "1", ")")),
        format!("select {}", nested("div0(1, ", "2", ")")),
        format!("select {}", nested("to_timestamp(", "'2026-01-01'", ")")),
        chain("select 1", "::varchar"),
        chain("select 1", " + 1"),
        chain("select 1", " / 1"),
        chain("select 'a'", " || 'b'"),
        chain("select 1 where false", " or 1 = 2"),
        chain("select 1 where true", " and not 1 = 2"),
        chain("select 1 where 1", " = 1"),
        chain("select 1", " union all select 1"),
        chain("select 1", " union select 1"),
        chain("select 1", " intersect select 1"),
        chain("select 1 from t", " cross join t"),
        chain("select 1 from t", " t, t"),
        chain("select parse_json('{}')", ":a"),
        chain("select parse_json('{}'):a", ".a"),
        chain("select parse_json('[]')", "[0]"),
        chain("select 1 where 1 in (1", ", 1") + ")",
        chain("select 1", ", 1"),
        chain("select 1 from t", ".t"),
        chain("with c as (select 1 as v)", ", c as (select 1 as v)") + " select 1",
        format!("begin {} end", nested("begin ", "null; ", "end; ")),
        format!(
            "begin {} end",
            nested("if (true) then ", "null; ", "end if; ")
        ),
        format!(
            "begin {} end",
            nested("loop ", "break; ", "break; end loop; ")
        ),
        format!(
            "begin {} end",
            nested("case when true then ", "null; ", "end; ")
        ),
        format!(
            "begin {} end",
            nested("for i in 1 to 1 do ", "null; ", "end for; ")
        ),
        chain("begin", " begin null; end;") + " end",
        format!(
            "create table u (id number) tags = {}",
            nested("(", "1", ")")
        ),
        format!("create stage s file_format = {}", nested("(a = ", "1", ")")),
        format!("select 1 {} ", nested("/* ", "", " */")),
        format!("insert into t values {}", nested("(", "1", ")")),
        format!("delete from t where {}", nested("(", "true", ")")),
        format!("update t set v = {}", nested("(", "'a'", ")")),
        format!("set x = {}", nested("(", "1", ")")),
        format!("call p({})", nested("(", "1", ")")),
        format!("execute immediate {}", nested("(", "'select 1'", ")")),
        format!("copy into @~ from {}", nested("(", "select 1", ")")),
        format!("show tables like {}", nested("(", "'a'", ")")),
        format!("create view w as select {}", nested("(", "1", ")")),
        format!(
            "create procedure p() returns number as {}",
            nested("begin ", "null; ", "end; ")
        ),
    ]
}

#[test]
fn a_deeply_nested_statement_is_answered_or_refused() {
    let mut session = session();
    for depth in [3, 200, 1000, 20_000] {
        for sql in bombs(depth) {
            let shown: String = sql.chars().take(60).collect();
            if let Err(error) = session.execute(&sql, &Binds::default()) {
                assert!(
                    !["300002", "000603"].contains(&error.code),
                    "{depth} {shown}: {error}"
                );
            }
        }
    }
    assert_eq!(texts(&mut session, "select 'alive'", None), ["alive"]);
}

#[test]
fn a_statement_as_people_write_it_is_not_refused() {
    let mut session = session();
    for sql in bombs(50).into_iter().take(33) {
        // Not every one of them is SQL, but none is too much.
        if let Err(error) = session.execute(&sql, &Binds::default()) {
            assert!(!error.message.contains("too "), "{sql}: {error}");
        }
    }
    for sql in [
        format!("select 1 where {}", vec!["1 = 2"; 8000].join(" or ")),
        format!("select {}", vec!["'a'"; 10_000].join(" || ")),
        vec!["select 1"; 2000].join(" union all "),
        format!("select {}", nested("div0(1, ", "2", ")", 18)),
        format!(
            "select {}",
            nested("to_timestamp(", "'2026-01-01'", ")", 18)
        ),
        format!("select {}", nested("greatest(1, ", "2", ")", 30)),
        format!("select 1 in ({})", vec!["1"; 16_384].join(", ")),
    ] {
        let shown: String = sql.chars().take(60).collect();
        let result = session.execute(&sql, &Binds::default());
        assert!(result.is_ok(), "{shown}: {result:?}");
    }
}

#[test]
fn statements_that_call_each_other_endlessly_are_refused() {
    let mut session = session();
    for sql in [
        "set again = 'execute immediate $again'",
        "create view v0 as select 1 as a",
    ] {
        session.execute(sql, &Binds::default()).unwrap();
    }
    let error = session
        .execute("execute immediate $again", &Binds::default())
        .unwrap_err();
    assert!(error.message.contains("call each other"), "{error}");
    // Each view doubles what is below it.
    for n in 1..=25 {
        let below = n - 1;
        let sql = format!("create view v{n} as select x.a from v{below} x, v{below} y");
        if let Err(error) = session.execute(&sql, &Binds::default()) {
            assert!(error.message.contains("too complex"), "{error}");
            return;
        }
    }
    panic!("33 million views are read");
}

#[test]
fn a_statement_text_over_one_megabyte_is_refused() {
    let mut session = session();
    let long = format!("select '{}'", "a".repeat(1024 * 1024));
    let error = session.execute(&long, &Binds::default()).unwrap_err();
    assert!(error.message.contains("at most 1048576"), "{error}");
    let fits = format!("select length('{}')", "a".repeat(1024 * 1024 - 20));
    assert!(session.execute(&fits, &Binds::default()).is_ok());
    let list = format!("select 1 in ({})", vec!["1"; 200_001].join(","));
    let error = session.execute(&list, &Binds::default()).unwrap_err();
    assert_eq!(error.code, "001795", "{error}");
}

#[test]
fn a_deeply_nested_document_ends_nothing() {
    let mut session = session();
    let arrays = "parse_json(repeat('[', 100000) || repeat(']', 100000))";
    let objects = "parse_json(repeat('{\"a\":', 100000) || '1' || repeat('}', 100000))";
    for document in [arrays, objects] {
        for sql in [
            format!("select length({document}::varchar)"),
            format!("select typeof({document})"),
            format!("select array_contains(1::variant, {document})"),
            format!("select length(object_construct('k', {document})::varchar)"),
            format!("select object_insert({document}, 'k', 1) is null"),
            format!("select object_delete({document}, 'k') is null"),
            format!("select array_cat({document}, {document}) is null"),
            format!("select count(*) from table(flatten({document}))"),
            format!("select {document} = {document}"),
            format!("select object_keys({document}) is null"),
        ] {
            let _ = session.execute(&sql, &Binds::default());
        }
    }
    assert_eq!(texts(&mut session, "select v from t", None), ["kept"]);
}
