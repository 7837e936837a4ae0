//! Manual changes of the target enter the history, once; the pipeline's own writes do not enter twice.

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

/// Rows of the target that are not open history, or the other way round.
fn differences(fixture: &mut Fixture) -> i64 {
    let target = "select id, name, price, changed_at, sequence from ITEM";
    let open = "select id, name, price, changed_at, sequence from ITEM_HISTORY where is_current and op <> 'D'";
    fixture.number(&format!("select count(*) from ({target} except {open}) a"))
        + fixture.number(&format!("select count(*) from ({open} except {target}) a"))
}

#[test]
fn the_pipelines_own_writes_are_not_edits() {
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
fn an_insert_an_update_and_a_delete_by_hand_enter_once() {
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
fn an_edit_is_history_before_a_merge_covers_it() {
    let mut fixture = fixture();
    fixture.run("update ITEM set name = 'edited' where id = 1");
    // Newer than any edit can be, so it covers it.
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
fn a_late_event_does_not_undo_an_edit() {
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
fn a_key_inserted_twice_by_hand_ends_as_one_row_and_nothing_is_lost() {
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
fn versions_for_people_join_equal_neighbours_and_leave_gaps_for_the_dead() {
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
fn a_hand_that_takes_back_what_was_just_written_is_seen_at_the_next_run() {
    let mut fixture = fixture();
    // For the stream of the target this row has never been: it came and went between two of its offsets.
    fixture.land(&[event("I", 5, "short-lived", "2026-01-02 00:00:00")]);
    fixture.merge();
    fixture.run("delete from ITEM where id = 5");
    fixture.merge();
    assert_eq!(fixture.lines(EDITS), ["D|5|short-lived"]);
    assert_eq!(differences(&mut fixture), 0);
}
