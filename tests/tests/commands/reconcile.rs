//! `firn reconcile` captures changes that no stream shows; `firn doctor` suggests it, and never a destructive command.

use super::fixture::{Fixture, row, said};

/// Three customers; the task is suspended.
fn loaded() -> Fixture {
    let fixture = Fixture::new();
    fixture.sql("alter task MERGE_CUSTOMER_TASK suspend");
    let rows = [1, 2, 3].map(|id| row("I", id, "Rome", "2026-01-01T00:00:00Z"));
    fixture.file("monday.csv", &rows);
    fixture.ok("put monday.csv --role FIRN_LOADER");
    fixture
}

const MANUAL: &str = "select op, customer_id from CUSTOMER_HISTORY where source_file = 'manual change' order by customer_id";

/// The report of doctor without the task, which is suspended here.
fn doctor(fixture: &Fixture) -> String {
    let said = said(
        fixture
            .firn("doctor --role FIRN_OWNER")
            .output()
            .expect("firn runs"),
    );
    let lines = said.out.lines().filter(|line| !line.contains(" task "));
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn changes_made_while_the_stream_was_missing_or_replaced_are_captured() {
    let fixture = loaded();
    fixture.sql("drop stream CUSTOMER_CHANGES");
    fixture.sql("update CUSTOMER set city = 'Oslo' where customer_id = 1");
    fixture.sql("delete from CUSTOMER where customer_id = 2");
    let found = doctor(&fixture);
    assert!(
        found.contains("FAIL  stream CUSTOMER_CHANGES: missing, or not visible to the role: run `firn reconcile`"),
        "{found}"
    );
    // Neither a new stream nor doctor shows them: only the comparison does.
    fixture.sql("create stream CUSTOMER_CHANGES on table CUSTOMER");
    let found = doctor(&fixture);
    assert!(!found.contains("FAIL  stream"), "{found}");
    let verified = fixture.fails(1, "verify --role FIRN_OWNER");
    assert!(verified.contains("run `firn reconcile`"), "{verified}");
    let reconciled = fixture.ok("reconcile --role FIRN_OWNER");
    assert!(
        reconciled.starts_with("manual changes captured: 2\n\nop  customer_id  changed at"),
        "{reconciled}"
    );
    assert_eq!(fixture.sql(MANUAL), [["U", "1"], ["D", "2"]]);
    fixture.ok("verify --role FIRN_OWNER");
    assert_eq!(
        fixture.ok("reconcile --role FIRN_OWNER"),
        "target and open history are equal: nothing to capture\n"
    );
}

#[test]
fn a_truncated_target_is_captured_as_deletes_with_its_stream_and_without() {
    for stream in ["keep", "drop"] {
        let fixture = loaded();
        if stream == "drop" {
            fixture.sql("drop stream CUSTOMER_CHANGES");
        }
        fixture.sql("truncate table CUSTOMER");
        let reconciled = fixture.json("reconcile --role FIRN_OWNER --json --limit 2");
        assert_eq!(reconciled["captured"], 3, "{stream}: {reconciled}");
        assert_eq!(reconciled["changes"].as_array().map(Vec::len), Some(2));
        assert_eq!(
            fixture.sql(MANUAL),
            [["D", "1"], ["D", "2"], ["D", "3"]],
            "{stream}"
        );
        fixture.ok("verify --role FIRN_OWNER");
    }
}

#[test]
fn a_replaced_target_and_its_stale_stream_are_reconciled() {
    let fixture = loaded();
    fixture.sql("create or replace table CUSTOMER as select * from CUSTOMER where customer_id < 3");
    let found = doctor(&fixture);
    assert!(
        found.contains("FAIL  stream CUSTOMER_CHANGES: stale: run `firn reconcile`"),
        "{found}"
    );
    fixture.ok("reconcile --role FIRN_OWNER");
    assert_eq!(fixture.sql(MANUAL), [["D", "3"]]);
    let found = doctor(&fixture);
    assert!(!found.contains("FAIL  stream"), "{found}");
    fixture.ok("verify --role FIRN_OWNER");
}

#[test]
fn a_stale_stream_of_staging_is_reported_and_created_again() {
    let fixture = loaded();
    fixture.sql(
        "create or replace transient table CUSTOMER_STAGING as select * from CUSTOMER_STAGING",
    );
    let found = doctor(&fixture);
    assert!(
        found.contains("FAIL  stream CUSTOMER_STAGING_STREAM: stale: run `firn reconcile`"),
        "{found}"
    );
    fixture.ok("reconcile --role FIRN_OWNER");
    let found = doctor(&fixture);
    assert!(
        found.contains("ok    stream CUSTOMER_STAGING_STREAM: fresh, stale after 20"),
        "{found}"
    );
}

#[test]
fn a_dropped_table_is_restored_before_an_empty_one_is_created() {
    for table in [
        "CUSTOMER",
        "CUSTOMER_HISTORY_CLOSED",
        "CUSTOMER_HISTORY_OPEN",
    ] {
        let fixture = loaded();
        fixture.sql(&format!("drop table {table}"));
        let found = doctor(&fixture);
        let advice = format!(
            "FAIL  table {table}: was dropped: run `undrop table {table}`, then `firn reconcile`"
        );
        assert!(found.contains(&advice), "{found}");
        // No command creates an empty table, which would delete the rows of the target.
        for command in ["bootstrap", "reconcile --role FIRN_OWNER"] {
            let refused = fixture.fails(1, command);
            assert!(
                refused.contains(&format!("{table} was dropped: run `undrop table {table}`")),
                "{command}: {refused}"
            );
        }
        fixture.sql(&format!("undrop table {table}"));
        fixture.ok("reconcile --role FIRN_OWNER");
        fixture.ok("bootstrap");
        fixture.sql("alter task MERGE_CUSTOMER_TASK suspend");
        assert!(fixture.sql(MANUAL).is_empty(), "{table}");
        fixture.ok("verify --role FIRN_OWNER");
    }
}

#[test]
fn objects_dropped_on_purpose_are_created_again() {
    let fixture = loaded();
    fixture.ok("bootstrap --drop --yes");
    fixture.ok("bootstrap");
    assert_eq!(fixture.number("select count(*) from CUSTOMER_HISTORY"), 0);
}
