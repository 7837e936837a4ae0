//! Manual changes of the target are added to the history once; the pipeline's own writes are not captured.

use firn::contract::Contract;

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

const EDITS: &str = "select op, id, name from ITEM_HISTORY where source_file = 'manual change'";

/// The number of rows that the target has and the open history does not, or the reverse.
fn differences(fixture: &mut Fixture) -> i64 {
    let target = "select id, name, price, changed_at, sequence from ITEM";
    let open = "select id, name, price, changed_at, sequence from ITEM_HISTORY where is_current and op <> 'D'";
    fixture.number(&format!("select count(*) from ({target} except {open}) a"))
        + fixture.number(&format!("select count(*) from ({open} except {target}) a"))
}

#[test]
fn the_pipelines_own_writes_are_not_manual_changes() {
    let mut fixture = fixture();
    fixture.capture();
    fixture.land(&[
        event("U", 1, "anna", "2026-01-02 00:00:00"),
        event("D", 2, "bob", "2026-01-02 00:00:00"),
    ]);
    fixture.merge();
    fixture.capture();
    assert!(fixture.lines(EDITS).is_empty());
    assert_eq!(fixture.number("select count(*) from ITEM_HISTORY"), 4);
}

#[test]
fn a_manual_insert_update_and_delete_are_captured_once() {
    let mut fixture = fixture();
    fixture.run("update ITEM set name = 'edited' where id = 1");
    fixture.run("delete from ITEM where id = 2");
    fixture.run("insert into ITEM (id, name) values (3, 'new')");
    fixture.capture();
    fixture.capture();
    assert_eq!(fixture.lines(EDITS), ["D|2|bob", "I|3|new", "U|1|edited"]);
    assert_eq!(
        fixture.lines("select id, name from ITEM"),
        ["1|edited", "3|new"]
    );
    assert_eq!(differences(&mut fixture), 0);
}

#[test]
fn a_manual_change_is_in_the_history_before_a_merge_overwrites_it() {
    let mut fixture = fixture();
    fixture.run("update ITEM set name = 'edited' where id = 1");
    // Newer than any manual change, so it overwrites it.
    fixture.land(&[event("U", 1, "from file", "2999-01-01 00:00:00")]);
    fixture.merge();
    assert_eq!(fixture.lines(EDITS), ["U|1|edited"]);
    assert_eq!(
        fixture.lines("select name from ITEM where id = 1"),
        ["from file"]
    );
    assert_eq!(differences(&mut fixture), 0);
}

#[test]
fn a_late_event_does_not_undo_a_manual_change() {
    let mut fixture = fixture();
    fixture.run("update ITEM set name = 'edited' where id = 1");
    fixture.land(&[event("U", 1, "late", "2026-01-01 12:00:00")]);
    fixture.merge();
    assert_eq!(
        fixture.lines("select name from ITEM where id = 1"),
        ["edited"]
    );
    assert_eq!(
        fixture.number("select count(*) from ITEM_HISTORY where id = 1"),
        3
    );
    assert_eq!(differences(&mut fixture), 0);
}

#[test]
fn a_key_that_is_manually_inserted_twice_becomes_one_row_and_nothing_is_lost() {
    let mut fixture = fixture();
    fixture.run("insert into ITEM (id, name) values (3, 'one'), (3, 'two'), (1, 'twin')");
    fixture.capture();
    assert_eq!(
        fixture.lines("select id, name from ITEM"),
        ["1|twin", "2|bob", "3|two"]
    );
    assert_eq!(fixture.lines(EDITS), ["I|3|two", "U|1|twin"]);
    assert_eq!(fixture.number("select count(*) from ITEM_REJECTS"), 1);
    assert_eq!(differences(&mut fixture), 0);
}

#[test]
fn the_view_of_versions_joins_equal_neighbours_and_has_gaps_after_deletes() {
    let mut fixture = fixture();
    fixture.land(&[
        event("U", 1, "ann", "2026-01-02 00:00:00"),
        event("D", 1, "ann", "2026-01-03 00:00:00"),
        event("I", 1, "ann", "2026-01-04 00:00:00"),
    ]);
    fixture.merge();
    let versions = "select to_varchar(valid_from, 'DD'), to_varchar(valid_to, 'DD'), is_current from ITEM_VERSIONS where id = 1";
    assert_eq!(fixture.lines(versions), ["01|03|false", "04|null|true"]);
}

#[test]
fn a_manual_delete_of_a_new_row_is_captured_by_the_next_run() {
    let mut fixture = fixture();
    // The stream of the target never shows this row: it was inserted and deleted between two of its offsets.
    fixture.land(&[event("I", 5, "short-lived", "2026-01-02 00:00:00")]);
    fixture.merge();
    fixture.run("delete from ITEM where id = 5");
    fixture.merge();
    assert_eq!(fixture.lines(EDITS), ["D|5|short-lived"]);
    assert_eq!(differences(&mut fixture), 0);
}
