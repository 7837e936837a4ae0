//! Staging is the queue, and the open versions record the target: whatever happens to the streams, no row and no manual change is lost.

use firn::contract::Contract;
use firn::merge::Deployment;

use super::fixture::{Event, Fixture};
use super::fold::CONTRACT;

fn event(op: &str, id: u32, name: &str, at: &str) -> Event {
    [op, &id.to_string(), name, "1", at, "0"]
        .map(|cell| Some(cell.to_owned()))
        .to_vec()
}

fn fixture() -> Fixture {
    let mut fixture = Fixture::new(Contract::parse(CONTRACT).unwrap());
    fixture.land(&[
        event("I", 1, "ann", "2026-01-01 00:00:00"),
        event("I", 2, "bob", "2026-01-01 00:00:00"),
    ]);
    fixture.merge();
    fixture
}

const HISTORY: &str = "select id, op, name, is_current from ITEM_HISTORY";

#[test]
fn a_manually_changed_key_closes_the_old_key_and_opens_the_new_one() {
    let mut fixture = fixture();
    fixture.run("update ITEM set id = 9 where id = 1");
    fixture.capture();
    fixture.capture();
    assert_eq!(
        fixture.lines(HISTORY),
        [
            "1|D|ann|true",
            "1|I|ann|false",
            "2|I|bob|true",
            "9|I|ann|true"
        ]
    );
    assert_eq!(
        fixture.lines("select id, name from ITEM"),
        ["2|bob", "9|ann"]
    );
}

#[test]
fn a_merge_without_its_streams_finds_every_row_and_every_manual_change() {
    for lost in [
        [
            "drop stream ITEM_STAGING_STREAM",
            "drop stream ITEM_CHANGES",
        ],
        // As with tools that rebuild a table: the stream of the old one can no longer be read.
        [
            "create or replace transient table ITEM_STAGING as select * from ITEM_STAGING",
            "create or replace table ITEM as select * from ITEM",
        ],
    ] {
        let mut fixture = fixture();
        fixture.land(&[event("I", 3, "eve", "2026-01-02 00:00:00")]);
        fixture.run("update ITEM set name = 'edited' where id = 1");
        for sql in lost {
            fixture.run(sql);
        }
        fixture.run("delete from ITEM where id = 2");
        fixture.merge();
        let edits = "select op, id, name from ITEM_HISTORY where source_file = 'manual change'";
        assert_eq!(fixture.lines(edits), ["D|2|bob", "U|1|edited"], "{lost:?}");
        assert_eq!(
            fixture.lines("select id, name from ITEM"),
            ["1|edited", "3|eve"]
        );
        // The streams exist again, and show the next change.
        fixture.run("update ITEM set name = 'again' where id = 3");
        fixture.merge();
        assert_eq!(fixture.lines(edits), ["D|2|bob", "U|1|edited", "U|3|again"]);
    }
}

#[test]
fn a_change_that_no_stream_shows_is_found_by_a_full_comparison() {
    let mut fixture = fixture();
    fixture.run("update ITEM set name = 'edited' where id = 1");
    fixture.run("delete from ITEM where id = 2");
    fixture.run("create or replace stream ITEM_CHANGES on table ITEM");
    fixture.merge();
    assert_eq!(fixture.lines(HISTORY).len(), 2);
    fixture.run("call MERGE_ITEM(false, true)");
    assert_eq!(
        fixture.lines(HISTORY),
        [
            "1|I|ann|false",
            "1|U|edited|true",
            "2|D|bob|true",
            "2|I|bob|false"
        ]
    );
}

#[test]
fn a_backlog_is_merged_in_slices_of_whole_files() {
    let deployment = Deployment {
        slice_rows: 3,
        ..Deployment::default()
    };
    let contract = Contract::parse(CONTRACT).unwrap();
    let mut sliced = Fixture::with(contract.clone(), deployment);
    let mut whole = Fixture::new(contract);
    for fixture in [&mut sliced, &mut whole] {
        for day in 1..=6 {
            let at = format!("2026-01-0{day} 00:00:00");
            let many = if day == 4 { 5 } else { 2 };
            let events: Vec<Event> = (0..many)
                .map(|id| {
                    event(
                        if day == 1 { "I" } else { "U" },
                        id,
                        &format!("day {day}"),
                        &at,
                    )
                })
                .collect();
            fixture.land(&events);
        }
        fixture.merge();
    }
    let runs = "select count(distinct run_id) from ITEM_RUNS";
    assert_eq!(whole.number(runs), 1);
    assert_eq!(sliced.number(runs), 6);
    assert_eq!(sliced.lines(HISTORY), whole.lines(HISTORY));
    assert_eq!(
        sliced.lines("select * from ITEM"),
        whole.lines("select * from ITEM")
    );
    assert_eq!(sliced.number("select count(*) from ITEM_STAGING"), 0);
}

#[test]
fn a_merge_leaves_nothing_that_would_start_the_task() {
    let mut fixture = fixture();
    let waking = "select system$stream_has_data('ITEM_STAGING_STREAM') or system$stream_has_data('ITEM_CHANGES')";
    assert_eq!(fixture.lines(waking), ["false"]);
    let runs = "select max(runs) from ITEM_MERGE_LOCK";
    let before = fixture.number(runs);
    fixture.merge();
    fixture.capture();
    assert_eq!(fixture.number(runs), before, "an idle call makes no run");
    fixture.run("update ITEM set name = 'edited' where id = 1");
    assert_eq!(fixture.lines(waking), ["true"]);
    fixture.merge();
    assert_eq!(fixture.lines(waking), ["false"]);
}

#[test]
fn events_in_order_only_append_to_the_closed_versions() {
    let mut fixture = fixture();
    fixture.run("create stream WATCH on table ITEM_HISTORY_CLOSED");
    fixture.land(&[
        event("U", 1, "anna", "2026-01-02 00:00:00"),
        event("D", 2, "bob", "2026-01-02 00:00:00"),
        event("U", 1, "annie", "2026-01-03 00:00:00"),
    ]);
    fixture.merge();
    let watched = "select metadata$action, id, name from WATCH";
    assert_eq!(
        fixture.lines(watched),
        ["INSERT|1|ann", "INSERT|1|anna", "INSERT|2|bob"]
    );
    // Only a late event changes them.
    fixture.land(&[event("U", 1, "late", "2026-01-02 12:00:00")]);
    fixture.merge();
    assert_eq!(
        fixture.lines("select name, to_varchar(valid_from, 'DD HH24'), to_varchar(valid_to, 'DD HH24') from ITEM_HISTORY where id = 1"),
        [
            "anna|02 00|02 12",
            "annie|03 00|null",
            "ann|01 00|02 00",
            "late|02 12|03 00"
        ]
    );
}
