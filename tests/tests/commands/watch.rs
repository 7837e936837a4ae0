//! `firn watch` loads every file once, whatever happens to the process and to the files.

use std::fs;
use std::process::Stdio;

use snowglobe::faults::{Calls, Fault, FaultKind, Service};

use super::fixture::{Fixture, Life, row, said, wait_until};

fn watch(fixture: &Fixture, words: &str) -> Life {
    let mut command = fixture.firn(&format!(
        "watch landing --settle 0.1s --role FIRN_LOADER {words}"
    ));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    Life(command.spawn().expect("firn runs"))
}

/// Adds a complete file with one customer of its own.
fn land(fixture: &Fixture, id: u32) {
    let name = format!("landing/.{id}.csv");
    let path = fixture.file(&name, &[row("I", id, "Rome", "2026-01-01T00:00:00Z")]);
    fs::rename(path, fixture.path(&format!("landing/{id}.csv"))).expect("a rename");
}

fn landing(fixture: &Fixture) {
    fs::create_dir(fixture.path("landing")).expect("a folder");
}

fn customers(fixture: &Fixture) -> i64 {
    fixture.number("select count(*) from CUSTOMER_HISTORY")
}

#[test]
fn the_output_of_the_generator_can_be_watched() {
    let fixture = Fixture::new();
    fixture.ok("generate --rows 50 --out landing --quiet");
    fixture.ok("watch landing --settle 0.1s --once --role FIRN_LOADER");
    assert_eq!(customers(&fixture), 50);
}

#[test]
fn a_watch_that_is_killed_and_restarted_loads_each_file_once() {
    let fixture = Fixture::new();
    landing(&fixture);
    for id in 0..12 {
        land(&fixture, id);
    }
    // Killed at each HTTP call of a load: checks, upload, load, merge, report.
    for call in 0..8 {
        let faults = &fixture.server.faults;
        faults.arm(Fault::always(FaultKind::LoseAnswer).after(call));
        let life = watch(&fixture, "");
        wait_until("a call to be struck", || {
            faults.list().iter().any(|armed| armed.struck > 0)
        });
        life.signal("KILL");
        drop(life);
        faults.clear();
    }
    let life = watch(&fixture, "");
    wait_until("every file", || customers(&fixture) == 12);
    land(&fixture, 99);
    wait_until("the file that came late", || customers(&fixture) == 13);
    drop(life);
    let loaded = fixture.number("select sum(rows_in) from CUSTOMER_RUNS");
    assert_eq!(loaded, 13, "no file was read twice");
    // A restart finds nothing to load.
    fixture.ok("watch landing --settle 0.1s --once --role FIRN_LOADER");
    assert_eq!(fixture.number("select sum(rows_in) from CUSTOMER_RUNS"), 13);
    fixture.ok("verify --role FIRN_OWNER");
}

#[test]
fn ctrl_c_ends_a_watch_and_leaves_nothing_incomplete() {
    let fixture = Fixture::new();
    landing(&fixture);
    land(&fixture, 1);
    let faults = &fixture.server.faults;
    // The merge is running, and its response is delayed until after the interruption.
    let merging = Calls {
        service: Some(Service::Snowflake),
        body_contains: Some("call load_customer".to_owned()),
        ..Calls::default()
    };
    faults.arm(Fault::always(FaultKind::LoseAnswer).on(merging));
    let mut life = watch(&fixture, "");
    wait_until("the merge", || {
        faults.list().iter().any(|armed| armed.struck > 0)
    });
    life.signal("INT");
    assert_eq!(life.0.wait().expect("it ends").code(), Some(130));
    faults.clear();
    let noted = fs::read_to_string(fixture.path("landing/.firn-watch")).expect("a journal");
    assert!(
        !noted.contains("1.csv"),
        "a file that was not done is not noted: {noted}"
    );
    fixture.ok("watch landing --settle 0.1s --once --role FIRN_LOADER");
    assert_eq!(customers(&fixture), 1);
    assert_eq!(fixture.number("select sum(rows_in) from CUSTOMER_RUNS"), 1);
    fixture.ok("verify --role FIRN_OWNER");
}

#[test]
fn an_interruption_cancels_the_waiting_merge() {
    let fixture = Fixture::new();
    landing(&fixture);
    land(&fixture, 1);
    let mut holder = fixture.session();
    holder.run("begin");
    holder.run("update CUSTOMER_MERGE_LOCK set runs = runs");
    let faults = &fixture.server.faults;
    let seen = |what: &str| {
        let calls = Calls {
            path_contains: Some(what.to_owned()),
            ..Calls::default()
        };
        faults.arm(Fault::always(FaultKind::Slow { millis: 0 }).on(calls))
    };
    let struck = |id: u64| {
        let armed = faults.list();
        armed.iter().any(|fault| fault.id == id && fault.struck > 0)
    };
    // The call has returned a handle, and is being polled.
    let polled = seen("/api/v2/statements/");
    let mut life = watch(&fixture, "");
    wait_until("the merge to wait", || struck(polled));
    let cancelled = seen("/cancel");
    life.signal("TERM");
    assert_eq!(life.0.wait().expect("it ends").code(), Some(130));
    assert!(struck(cancelled), "the statement that waited was cancelled");
    holder.run("rollback");
    faults.clear();
    fixture.ok("watch landing --settle 0.1s --once --role FIRN_LOADER");
    assert_eq!(customers(&fixture), 1);
}

#[test]
fn invalid_hidden_or_missing_files_do_not_stop_the_others() {
    let fixture = Fixture::new();
    landing(&fixture);
    fs::write(fixture.path("landing/1-header.csv"), "id,name\n1,x\n").expect("a file");
    fs::write(fixture.path("landing/2-empty.csv"), "").expect("a file");
    fs::write(fixture.path("landing/3-cut.csv.gz"), [0x1f, 0x8b, 8, 0]).expect("a file");
    fs::write(fixture.path("landing/.hidden.csv"), "still being written").expect("a file");
    fs::create_dir(fixture.path("landing/folder")).expect("a folder");
    std::os::unix::fs::symlink("nowhere", fixture.path("landing/4-gone.csv")).expect("a link");
    land(&fixture, 5);
    let said = said(
        fixture
            .firn("watch landing --settle 0.1s --once --role FIRN_LOADER")
            .output()
            .expect("firn runs"),
    );
    assert_eq!(said.code, Some(1), "{}", said.err);
    for reported in [
        "1-header.csv: the header has none of the contract's columns",
        "2-empty.csv: file is empty: expected a header row",
        "3-cut.csv.gz: the gzip data is incomplete",
        "3 files failed",
    ] {
        assert!(said.err.contains(reported), "{reported}: {}", said.err);
    }
    assert!(
        !said.err.contains("hidden") && !said.err.contains("4-gone"),
        "{}",
        said.err
    );
    for left_alone in ["--follow-links", "--recursive"] {
        assert!(said.err.contains(left_alone), "{left_alone}: {}", said.err);
    }
    assert_eq!(customers(&fixture), 1);
    // A file that is corrected in place is loaded.
    fs::remove_file(fixture.path("landing/2-empty.csv")).expect("it goes");
    fs::remove_file(fixture.path("landing/3-cut.csv.gz")).expect("it goes");
    fixture.file(
        "landing/1-header.csv",
        &[row("I", 1, "Oslo", "2026-01-01T00:00:00Z")],
    );
    fixture.ok("watch landing --settle 0.1s --once --role FIRN_LOADER");
    assert_eq!(customers(&fixture), 2);
    assert!(
        fixture
            .fails(1, "watch nowhere")
            .contains("nowhere: No such file")
    );
}

#[test]
fn a_watch_survives_every_failure_that_the_file_did_not_cause() {
    let fixture = Fixture::new();
    landing(&fixture);
    let refuse = |service, status| {
        let refusal = FaultKind::Refuse {
            status,
            retry_after_seconds: None,
        };
        let calls = Calls {
            service: Some(service),
            ..Calls::default()
        };
        fixture.server.faults.arm(Fault::always(refusal).on(calls));
        let faults = &fixture.server.faults;
        wait_until("the refusal", || {
            faults.list().iter().any(|armed| armed.struck > 1)
        });
        faults.clear();
    };
    let mut life = watch(&fixture, "");
    // Expired credentials, a conflict, a redirect to another region, privileges that are granted late.
    for (id, (service, status)) in [
        (Service::S3, 400),
        (Service::S3, 409),
        (Service::S3, 301),
        (Service::S3, 403),
        (Service::Snowflake, 401),
        (Service::Snowflake, 403),
        (Service::Snowflake, 422),
    ]
    .into_iter()
    .enumerate()
    {
        land(&fixture, u32::try_from(id).expect("small"));
        refuse(service, status);
    }
    wait_until("every file", || customers(&fixture) == 7);
    assert!(life.0.try_wait().expect("it is ours").is_none());
}

#[test]
fn the_tasks_merge_if_the_watch_does_not() {
    let fixture = Fixture::bare();
    fixture.ok("bootstrap --triggered");
    landing(&fixture);
    let _life = watch(&fixture, "--no-merge");
    land(&fixture, 1);
    wait_until("the task", || customers(&fixture) == 1);
    land(&fixture, 2);
    wait_until("the task once more", || customers(&fixture) == 2);
}
