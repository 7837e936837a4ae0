//! Concurrent runs, and rows that are staged during a run.

use std::thread;

use firn::contract::Contract;

use super::fixture::{Fixture, run};
use super::fold::CONTRACT;

#[test]
fn two_concurrent_runs_merge_each_row_once() {
    let mut fixture = Fixture::new(Contract::parse(CONTRACT).unwrap());
    for round in 0..5 {
        let rows: Vec<_> = (0..200)
            .map(|id| {
                let at = format!("2026-01-01 00:00:{round:02}.000000");
                [
                    "U",
                    &id.to_string(),
                    &format!("name {round}"),
                    "1",
                    &at,
                    "0",
                ]
                .map(|cell| Some(cell.to_owned()))
                .to_vec()
            })
            .collect();
        fixture.land(&rows);
        let sessions: Vec<_> = (0..3).map(|_| fixture.session()).collect();
        thread::scope(|scope| {
            for mut session in sessions {
                scope.spawn(move || {
                    run(&mut session, "call MERGE_ITEM()").expect("the run waits for the other")
                });
            }
        });
        assert_eq!(
            fixture.number("select count(*) from ITEM_HISTORY"),
            200 * (round + 1)
        );
        assert_eq!(
            fixture.number("select sum(rows_in) from ITEM_RUNS"),
            200 * (round + 1)
        );
        assert_eq!(fixture.number("select sum(duplicates) from ITEM_RUNS"), 0);
        assert_eq!(
            fixture.number(
                "select count(*) from ITEM where name <> 'name {round}'"
                    .replace("{round}", &round.to_string())
                    .as_str()
            ),
            0
        );
    }
}

#[test]
fn rows_that_are_staged_during_runs_are_not_lost() {
    let mut fixture = Fixture::new(Contract::parse(CONTRACT).unwrap());
    let mut merging = fixture.session();
    let mut landing = fixture.session();
    thread::scope(|scope| {
        scope.spawn(move || {
            for id in 0..60 {
                let sql = format!(
                    "insert into ITEM_STAGING values ('I', '{id}', 'n', '1', '2026-01-01 00:00:00', '0', null, null, 'f{id}', 1, current_timestamp())"
                );
                run(&mut landing, &sql).expect("a row lands");
            }
        });
        scope.spawn(move || {
            for _ in 0..10 {
                run(&mut merging, "call MERGE_ITEM()").expect("a run ends well");
            }
        });
    });
    fixture.merge();
    assert_eq!(fixture.number("select count(*) from ITEM"), 60);
    assert_eq!(fixture.number("select count(*) from ITEM_HISTORY"), 60);
    assert_eq!(fixture.number("select count(*) from ITEM_STAGING"), 0);
}

#[test]
fn concurrent_merges_and_captures_capture_each_manual_change_once() {
    let mut fixture = Fixture::new(Contract::parse(CONTRACT).unwrap());
    let rows = |round: u32| -> Vec<_> {
        let row = |id: u32| {
            let at = format!("2026-01-01 00:00:{round:02}.000000");
            ["U", &id.to_string(), "from file", "1", &at, "0"]
                .map(|cell| Some(cell.to_owned()))
                .to_vec()
        };
        (0..100).map(row).collect()
    };
    fixture.land(&rows(0));
    fixture.merge();
    for round in 1..4 {
        fixture.run(&format!(
            "update ITEM set name = 'manual {round}' where id < 30"
        ));
        fixture.land(&rows(round));
        let calls = ["MERGE", "CAPTURE", "MERGE", "CAPTURE"];
        let sessions: Vec<_> = calls.map(|_| fixture.session()).into_iter().collect();
        thread::scope(|scope| {
            for (mut session, verb) in sessions.into_iter().zip(calls) {
                scope.spawn(move || {
                    run(&mut session, &format!("call {verb}_ITEM()"))
                        .expect("the run waits for the other")
                });
            }
        });
    }
    // The manual changes are newer than every file's event, so they stay; each of the three is there once for each of its rows.
    assert_eq!(
        fixture.lines(
            "select name, count(*) from ITEM_HISTORY where source_file = 'manual change' group by name"
        ),
        ["manual 1|30", "manual 2|30", "manual 3|30"]
    );
    assert_eq!(
        fixture.lines("select name, count(*) from ITEM group by name"),
        ["from file|70", "manual 3|30"]
    );
    assert_eq!(
        fixture.number("select count(*) from ITEM_HISTORY"),
        4 * 100 + 3 * 30
    );
    assert_eq!(
        fixture.number("select sum(rows_in) - sum(duplicates) from ITEM_RUNS"),
        4 * 100 + 3 * 30
    );
}
