//! Which files `firn watch` loads, when, and where it moves them.

use std::fs::{self, File};
use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use super::fixture::{Fixture, Life, row, said, wait_until};

const ONCE: &str = "watch landing --settle 0.1s --once --role FIRN_LOADER";

fn landing() -> Fixture {
    let fixture = Fixture::new();
    fs::create_dir(fixture.path("landing")).expect("a folder");
    fixture
}

fn land(fixture: &Fixture, name: &str, id: u32) {
    let path = format!("landing/{name}");
    fixture.file(&path, &[row("I", id, "Rome", "2026-01-01T00:00:00Z")]);
}

fn customers(fixture: &Fixture) -> Vec<String> {
    let rows = fixture.sql("select customer_id from CUSTOMER order by 1");
    rows.into_iter().flatten().collect()
}

#[test]
fn a_file_is_loaded_complete_although_its_writer_stalls_in_the_last_row() {
    let fixture = landing();
    let mut command = fixture.firn("watch landing --settle 0.4s --role FIRN_LOADER");
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let _life = Life(command.spawn().expect("firn runs"));
    wait_until("the journal", || {
        fixture.path("landing/.firn-watch").exists()
    });
    land(&fixture, "whole.csv", 1);
    let whole = fs::read(fixture.path("landing/whole.csv")).expect("it is there");
    let (start, rest) = whole.split_at(whole.len() - 3);
    fs::remove_file(fixture.path("landing/whole.csv")).expect("it goes");
    let mut slow = File::create(fixture.path("landing/slow.csv")).expect("a file");
    slow.write_all(start).expect("room");
    // A file that is completed later is loaded meanwhile, so the slow one has been scanned.
    land(&fixture, "other.csv", 2);
    wait_until("the other file", || customers(&fixture) == ["2"]);
    slow.write_all(rest).expect("room");
    drop(slow);
    wait_until("the slow file", || customers(&fixture) == ["1", "2"]);
    assert_eq!(fixture.number("select sum(rows_in) from CUSTOMER_RUNS"), 2);
}

#[test]
fn names_of_unfinished_transfers_and_markers_are_ignored() {
    let fixture = landing();
    for name in [
        "a.csv.part",
        "a.csv.tmp",
        "a.csv.filepart",
        "a.csv._COPYING_",
        "a.csv~",
        "~$a.csv",
        ".a.csv",
        "_SUCCESS",
        "a.csv.done",
        "Thumbs.db",
    ] {
        fs::write(fixture.path(&format!("landing/{name}")), "no rows").expect("a file");
    }
    land(&fixture, "a.csv", 1);
    fixture.ok(ONCE);
    assert_eq!(customers(&fixture), ["1"]);
}

#[test]
fn patterns_subfolders_links_and_markers_are_options() {
    let fixture = landing();
    fs::create_dir(fixture.path("landing/sub")).expect("a folder");
    land(&fixture, "a.csv", 1);
    land(&fixture, "b.txt", 2);
    land(&fixture, "sub/c.csv", 3);
    land(&fixture, "../d.csv", 4);
    std::os::unix::fs::symlink("../d.csv", fixture.path("landing/d.csv")).expect("a link");
    let said = said(
        fixture
            .firn(&format!("{ONCE} --pattern *.csv"))
            .output()
            .expect("firn runs"),
    );
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(
        said.err.contains("--follow-links") && said.err.contains("--recursive"),
        "{}",
        said.err
    );
    assert_eq!(customers(&fixture), ["1"]);
    fixture.ok(&format!(
        "{ONCE} --pattern *.csv --recursive --follow-links"
    ));
    assert_eq!(customers(&fixture), ["1", "3", "4"]);
    fixture.ok(&format!("{ONCE} --done-suffix .ready"));
    assert_eq!(customers(&fixture), ["1", "3", "4"]);
    fs::write(fixture.path("landing/b.txt.ready"), "").expect("a file");
    fixture.ok(&format!("{ONCE} --done-suffix .ready"));
    assert_eq!(customers(&fixture), ["1", "2", "3", "4"]);
}

#[test]
fn a_file_replaced_by_one_of_the_same_size_and_time_is_loaded() {
    let fixture = landing();
    let path = fixture.path("landing/a.csv");
    let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let set_time = || {
        let file = File::options()
            .append(true)
            .open(&path)
            .expect("it is there");
        file.set_modified(then).expect("it is ours");
    };
    for id in [1, 2] {
        land(&fixture, "a.csv", id);
        set_time();
        fixture.ok(ONCE);
    }
    assert_eq!(customers(&fixture), ["1", "2"]);
    // A file that was only touched is not loaded again.
    set_time();
    assert_eq!(fixture.ok(ONCE), "");
}

#[test]
fn loaded_and_failed_files_are_moved_to_their_folders() {
    let fixture = landing();
    let words = format!("{ONCE} --move-done landing/done --move-failed failed");
    land(&fixture, "a.csv", 1);
    fs::write(fixture.path("landing/bad.csv"), "id\n1\n").expect("a file");
    assert!(fixture.fails(1, &words).contains("1 file failed"));
    land(&fixture, "a.csv", 2);
    fixture.ok(&words);
    assert_eq!(customers(&fixture), ["1", "2"]);
    for moved in [
        "landing/done/a.csv",
        "landing/done/a.csv.1",
        "failed/bad.csv",
    ] {
        assert!(fixture.path(moved).exists(), "{moved}");
    }
    assert!(!fixture.path("landing/a.csv").exists() && !fixture.path("landing/bad.csv").exists());
}

#[test]
fn a_symbolic_link_with_the_journals_name_is_not_followed() {
    let fixture = landing();
    land(&fixture, "a.csv", 1);
    fs::write(fixture.path("precious"), "keep").expect("a file");
    std::os::unix::fs::symlink("../precious", fixture.path("landing/.firn-watch")).expect("a link");
    let said = fixture.fails(1, ONCE);
    assert!(
        said.contains("is a symbolic link, which is not followed"),
        "{said}"
    );
    assert_eq!(
        fs::read_to_string(fixture.path("precious")).expect("it is there"),
        "keep"
    );
}
