//! A run that fails between any two of its statements changes nothing, and the next run does all of its work.

use firn::contract::Contract;

use super::fixture::{Event, Fixture};
use super::fold::{CONTRACT, fold};

fn event(text: &str) -> Event {
    text.split('|')
        .map(|cell| (cell != "null").then(|| cell.to_owned()))
        .collect()
}

/// The procedure's text with a failure after each statement of a call in turn, from the first to the one before `commit`, in the branches
/// that the call takes.
fn failing(procedure: &str, taken_branches: &[&str]) -> Vec<String> {
    let (head, rest) = procedure
        .split_once("begin transaction;\n")
        .expect("the run is one transaction");
    let (body, tail) = rest.split_once("\n    commit;").expect("the run commits");
    let lines: Vec<&str> = body.lines().collect();
    let mut texts = Vec::new();
    // For each open `if`, whether this call takes it.
    let mut taken = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let line = line.trim();
        if line.starts_with("if (") {
            taken.push(
                taken_branches
                    .iter()
                    .any(|branch| line == format!("if ({branch}) then")),
            );
            continue;
        }
        if line == "end if;" {
            taken.pop();
        }
        if line.ends_with(';') && taken.iter().all(|taken| *taken) {
            let (done, undone) = lines.split_at(index + 1);
            texts.push(format!(
                "{head}begin transaction;\n{}\n  raise target_changed_meanwhile;\n{}\n    commit;{tail}",
                done.join("\n"),
                undone.join("\n")
            ));
        }
    }
    texts
}

#[test]
fn a_failure_between_any_two_statements_changes_nothing() {
    let mut fixture = Fixture::new(Contract::parse(CONTRACT).unwrap());
    let first = [
        event("I|1|ann|1|2026-01-01 00:00:01.000000|0"),
        event("I|2|bob|1|2026-01-01 00:00:01.000000|0"),
    ];
    fixture.land(&first);
    fixture.merge();
    // Input for every step: a new key, a change, a late event, a tie, a delete, a malformed row, a manual change.
    let second = [
        event("I|3|eve|1|2026-01-01 00:00:02.000000|0"),
        event("U|1|anna|1|2026-01-01 00:00:03.000000|0"),
        event("U|1|late|1|2026-01-01 00:00:02.000000|0"),
        event("U|1|tie|1|2026-01-01 00:00:03.000000|0"),
        event("D|2|null|null|2026-01-01 00:00:04.000000|0"),
        event("U|2|older|1|2026-01-01 00:00:00.000000|0"),
    ];
    fixture.land(&second);
    fixture.land(&[event("X|9|broken|1|2026-01-01 00:00:02.000000|0")]);
    let before = fixture.state();

    let procedure = fixture.scripts[6].statements[0].sql.clone();
    let failing = failing(
        &procedure,
        &[
            "read_staging",
            "last_file is null",
            "event_rows > 0 or touched_keys > 0",
            "late_keys > 0",
        ],
    );
    assert!(
        failing.len() > 20,
        "only {} boundaries were found",
        failing.len()
    );
    for (index, text) in failing.iter().enumerate() {
        fixture.run(text);
        let error = fixture
            .try_run("call MERGE_ITEM()")
            .expect_err("the run fails");
        assert!(
            error.to_string().contains("nothing was changed"),
            "boundary {index}: {error}"
        );
        assert_eq!(fixture.state(), before, "boundary {index}");
        assert_eq!(
            fixture.run("select system$stream_has_data('ITEM_STAGING_STREAM')")[0][0],
            "true",
            "boundary {index}"
        );
    }

    fixture.run(&procedure);
    fixture.merge();
    let folded = fold(&[first.to_vec(), second.to_vec()].concat());
    let history = fixture.number("select count(*) from ITEM_HISTORY");
    assert_eq!(history, i64::try_from(folded.history.len()).unwrap());
    assert_eq!(fixture.number("select count(*) from ITEM"), 2);
    assert_eq!(fixture.number("select count(*) from ITEM_REJECTS"), 2);
}

#[test]
fn a_capture_that_fails_between_any_two_statements_changes_nothing() {
    let mut fixture = Fixture::new(Contract::parse(CONTRACT).unwrap());
    fixture.land(&[
        event("I|1|ann|1|2026-01-01 00:00:01.000000|0"),
        event("I|2|bob|1|2026-01-01 00:00:01.000000|0"),
    ]);
    fixture.merge();
    // Input for every step: a change, a delete, an insert, and a duplicate key; and staged rows, which a capture ignores.
    for edit in [
        "update ITEM set name = 'anna' where id = 1",
        "delete from ITEM where id = 2",
        "insert into ITEM (id, name) values (3, 'one'), (3, 'two')",
    ] {
        fixture.run(edit);
    }
    fixture.land(&[event("I|9|waits|1|2026-01-01 00:00:01.000000|0")]);
    let before = fixture.state();
    let procedure = fixture.scripts[6].statements[0].sql.clone();
    let failing = failing(
        &procedure,
        &["event_rows > 0 or touched_keys > 0", "duplicate_keys > 0"],
    );
    assert!(failing.len() > 15, "only {} boundaries", failing.len());
    for (index, text) in failing.iter().enumerate() {
        fixture.run(text);
        let error = fixture
            .try_run("call CAPTURE_ITEM()")
            .expect_err("the run fails");
        assert!(
            error.to_string().contains("nothing was changed"),
            "boundary {index}: {error}"
        );
        assert_eq!(fixture.state(), before, "boundary {index}");
    }
    fixture.run(&procedure);
    fixture.capture();
    fixture.capture();
    assert_eq!(
        fixture.lines("select op, id, name from ITEM_HISTORY where source_file = 'manual change'"),
        ["D|2|bob", "I|3|two", "U|1|anna"]
    );
    assert_eq!(fixture.number("select count(*) from ITEM_STAGING"), 1);
}
