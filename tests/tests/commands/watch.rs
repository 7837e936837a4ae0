//! `firn watch`: every file once, whatever happens to the process and to the files.

use std::fs;
use std::process::Stdio;

use snowglobe::faults::{Calls, Fault, Mischief, Service};

use super::ground::{Ground, Life, row, said, wait_until};

fn watch(ground: &Ground, words: &str) -> Life {
    let mut command = ground.firn(&format!("watch landing --role FIRN_LOADER {words}"));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    Life(command.spawn().expect("firn runs"))
}

/// A file with one customer of its own, that appears whole.
fn land(ground: &Ground, id: u32) {
    let name = format!("landing/.{id}.csv");
    let path = ground.file(&name, &[row("I", id, "Rome", "2026-01-01T00:00:00Z")]);
    fs::rename(path, ground.path(&format!("landing/{id}.csv"))).expect("a rename");
}

fn landing(ground: &Ground) {
    fs::create_dir(ground.path("landing")).expect("a folder");
}

fn customers(ground: &Ground) -> i64 {
    ground.number("select count(*) from CUSTOMER_HISTORY")
}

#[test]
fn what_the_generator_wrote_can_be_watched() {
    let ground = Ground::new();
    ground.ok("generate --rows 50 --out landing --quiet");
    ground.ok("watch landing --once --role FIRN_LOADER");
    assert_eq!(customers(&ground), 50);
}

#[test]
fn a_watch_that_is_killed_and_started_again_puts_each_file_once() {
    let ground = Ground::new();
    landing(&ground);
    for id in 0..12 {
        land(&ground, id);
    }
    // Killed at a call of the wire that a file's way has: looking, uploading, loading, merging, asking.
    for call in 0..8 {
        let faults = &ground.globe.faults;
        faults.arm(Fault::always(Mischief::LoseAnswer).after(call));
        let life = watch(&ground, "");
        wait_until("a call to be struck", || {
            faults.list().iter().any(|armed| armed.struck > 0)
        });
        life.signal("KILL");
        drop(life);
        faults.clear();
    }
    let life = watch(&ground, "");
    wait_until("every file", || customers(&ground) == 12);
    land(&ground, 99);
    wait_until("the file that came late", || customers(&ground) == 13);
    drop(life);
    let loaded = ground.number("select sum(rows_in) from CUSTOMER_RUNS");
    assert_eq!(loaded, 13, "no file was read twice");
    // A restart finds nothing to do.
    ground.ok("watch landing --once --role FIRN_LOADER");
    assert_eq!(ground.number("select sum(rows_in) from CUSTOMER_RUNS"), 13);
    ground.ok("verify --role FIRN_OWNER");
}

#[test]
fn ctrl_c_ends_a_watch_and_leaves_nothing_half_done() {
    let ground = Ground::new();
    landing(&ground);
    land(&ground, 1);
    let faults = &ground.globe.faults;
    // The merge is under way, and its answer will not come before the interruption.
    let merging = Calls {
        service: Some(Service::Snowflake),
        body_contains: Some("call merge_customer".to_owned()),
        ..Calls::default()
    };
    faults.arm(Fault::always(Mischief::LoseAnswer).on(merging));
    let mut life = watch(&ground, "");
    wait_until("the merge", || {
        faults.list().iter().any(|armed| armed.struck > 0)
    });
    life.signal("INT");
    assert_eq!(life.0.wait().expect("it ends").code(), Some(130));
    faults.clear();
    let noted = fs::read_to_string(ground.path("landing/.firn-watch")).expect("a journal");
    assert!(
        !noted.contains("1.csv"),
        "a file that was not done is not noted: {noted}"
    );
    ground.ok("watch landing --once --role FIRN_LOADER");
    assert_eq!(customers(&ground), 1);
    assert_eq!(ground.number("select sum(rows_in) from CUSTOMER_RUNS"), 1);
    ground.ok("verify --role FIRN_OWNER");
}

#[test]
fn an_interruption_cancels_the_merge_that_waits() {
    let ground = Ground::new();
    landing(&ground);
    land(&ground, 1);
    let mut holder = ground.session();
    holder.run("begin");
    holder.run("update CUSTOMER_MERGE_LOCK set runs = runs");
    let faults = &ground.globe.faults;
    let seen = |what: &str| {
        let calls = Calls {
            path_contains: Some(what.to_owned()),
            ..Calls::default()
        };
        faults.arm(Fault::always(Mischief::Slow { millis: 0 }).on(calls))
    };
    let struck = |id: u64| {
        let armed = faults.list();
        armed.iter().any(|fault| fault.id == id && fault.struck > 0)
    };
    // The call was answered with a handle, and is being asked for.
    let polled = seen("/api/v2/statements/");
    let mut life = watch(&ground, "");
    wait_until("the merge to wait", || struck(polled));
    let cancelled = seen("/cancel");
    life.signal("TERM");
    assert_eq!(life.0.wait().expect("it ends").code(), Some(130));
    assert!(struck(cancelled), "the statement that waited was cancelled");
    holder.run("rollback");
    faults.clear();
    ground.ok("watch landing --once --role FIRN_LOADER");
    assert_eq!(customers(&ground), 1);
}

#[test]
fn files_that_are_broken_hidden_or_gone_stop_no_other() {
    let ground = Ground::new();
    landing(&ground);
    fs::write(ground.path("landing/1-header.csv"), "id,name\n1,x\n").expect("a file");
    fs::write(ground.path("landing/2-empty.csv"), "").expect("a file");
    fs::write(ground.path("landing/3-cut.csv.gz"), [0x1f, 0x8b, 8, 0]).expect("a file");
    fs::write(ground.path("landing/.hidden.csv"), "still being written").expect("a file");
    fs::create_dir(ground.path("landing/folder")).expect("a folder");
    std::os::unix::fs::symlink("nowhere", ground.path("landing/4-gone.csv")).expect("a link");
    land(&ground, 5);
    let said = said(
        ground
            .firn("watch landing --once --role FIRN_LOADER")
            .output()
            .expect("firn runs"),
    );
    assert_eq!(said.code, Some(1), "{}", said.err);
    for told in [
        "1-header.csv: the header is not the contract's",
        "2-empty.csv: is empty: not even a header",
        "3-cut.csv.gz: after row 0: the gzip data ends early",
        "3 files were refused",
    ] {
        assert!(said.err.contains(told), "{told}: {}", said.err);
    }
    assert!(
        !said.err.contains("hidden") && !said.err.contains("gone") && !said.err.contains("folder")
    );
    assert_eq!(customers(&ground), 1);
    // Mended in place, a file is taken.
    fs::remove_file(ground.path("landing/2-empty.csv")).expect("it goes");
    fs::remove_file(ground.path("landing/3-cut.csv.gz")).expect("it goes");
    ground.file(
        "landing/1-header.csv",
        &[row("I", 1, "Oslo", "2026-01-01T00:00:00Z")],
    );
    ground.ok("watch landing --once --role FIRN_LOADER");
    assert_eq!(customers(&ground), 2);
    assert!(
        ground
            .fails(1, "watch nowhere")
            .contains("nowhere is no folder")
    );
}

#[test]
fn without_merging_the_tasks_do_it() {
    let ground = Ground::bare();
    ground.ok("bootstrap --triggered");
    landing(&ground);
    let _life = watch(&ground, "--no-merge");
    land(&ground, 1);
    wait_until("the task", || customers(&ground) == 1);
    land(&ground, 2);
    wait_until("the task once more", || customers(&ground) == 2);
}
