//! Tests of `firn generate` stopped half-way by Ctrl-C or killed: the files that are left, and resuming.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test fail as the test does"
)]

mod folder;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use folder::{contents, customers, names, parts};
use serde_json::Value;
use tempfile::tempdir;

fn firn(arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_firn"));
    command
        .args(arguments.split_whitespace())
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .arg(format!("-{name}"))
        .arg(child.id().to_string())
        .status()
        .unwrap();
    assert!(sent.success());
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "timed out waiting for {what}"
        );
        thread::sleep(Duration::from_millis(2));
    }
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The sequence numbers in a folder's files, with repetitions.
fn sequences(folder: &Path) -> Vec<u64> {
    let mut all = Vec::new();
    for file in customers(folder) {
        let mut reader = csv::Reader::from_path(file).unwrap();
        all.extend(
            reader
                .records()
                .map(|row| row.unwrap()[12].parse::<u64>().unwrap()),
        );
    }
    all
}

const STREAM: &str = "generate --rows-per-file 1000 --updates 60% --deletes 5% --late 5% --duplicates 1% --malformed 1% --seed 5";

#[test]
fn a_killed_run_is_resumed_to_the_same_bytes() {
    let (whole, killed, work) = (tempdir().unwrap(), tempdir().unwrap(), tempdir().unwrap());
    assert!(
        firn(STREAM)
            .args(["--rows", "60k", "--out"])
            .arg(whole.path())
            .status()
            .unwrap()
            .success()
    );

    let state = work.path().join("state.json");
    let run = || {
        let mut command = firn(STREAM);
        command
            .arg("--out")
            .arg(killed.path())
            .arg("--state")
            .arg(&state);
        command
    };
    let mut child = run().args(["--rows", "60k"]).spawn().unwrap();
    wait_until("five files", || customers(killed.path()).len() >= 5);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        !killed.path().join("manifest.json").exists(),
        "it was killed half-way"
    );

    assert!(run().status().unwrap().success());
    assert!(contents(whole.path()) == contents(killed.path()));
}

#[test]
fn ctrl_c_in_a_bounded_run_keeps_complete_files_only() {
    let (whole, stopped) = (tempdir().unwrap(), tempdir().unwrap());
    assert!(
        firn(STREAM)
            .args(["--rows", "60k", "--out"])
            .arg(whole.path())
            .status()
            .unwrap()
            .success()
    );

    let mut child = firn(STREAM)
        .args(["--rows", "60k", "--out"])
        .arg(stopped.path())
        .spawn()
        .unwrap();
    wait_until("two files", || customers(stopped.path()).len() >= 2);
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));

    assert!(parts(stopped.path()).is_empty());
    let (whole, stopped) = (contents(whole.path()), contents(stopped.path()));
    assert!(stopped.len() < 60 && !stopped.contains_key("manifest.json"));
    assert!(stopped.iter().all(|(name, bytes)| whole[name] == *bytes));
}

#[test]
fn ctrl_c_ends_a_paced_run_complete_and_ready_to_resume() {
    let (out, work) = (tempdir().unwrap(), tempdir().unwrap());
    let state = work.path().join("state.json");
    let run = || {
        let mut command =
            firn("generate --rate 2000 --every 50ms --updates 60% --deletes 5% --late 10%");
        command
            .arg("--out")
            .arg(out.path())
            .arg("--state")
            .arg(&state);
        command
    };
    let mut child = run().spawn().unwrap();
    wait_until("three files", || customers(out.path()).len() >= 3);
    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(0));

    assert!(parts(out.path()).is_empty());
    let manifest = json(&out.path().join("manifest.json"));
    let reached = manifest["to"]["next_sequence"].as_u64().unwrap();
    assert_eq!(json(&state)["position"], manifest["to"]);
    assert_eq!(manifest["delivered"]["rows"], sequences(out.path()).len());
    assert_eq!(
        sequences(out.path()).into_iter().collect::<BTreeSet<_>>(),
        (0..reached).collect(),
        "late events are there"
    );

    assert!(run().args(["--rows", "300"]).status().unwrap().success());
    let all = sequences(out.path());
    assert_eq!(all.len() as u64, reached + 300, "nothing twice");
    assert_eq!(
        all.into_iter().collect::<BTreeSet<_>>(),
        (0..reached + 300).collect()
    );
    let manifest = json(&out.path().join("manifest.json"));
    assert_eq!(manifest["from"]["next_sequence"], 0);
    assert_eq!(
        manifest["delivered"]["files"].as_array().unwrap().len(),
        customers(out.path()).len()
    );
}

#[test]
fn a_second_ctrl_c_does_not_wait_for_the_unfinished_file() {
    let out = tempdir().unwrap();
    let mut child = firn("generate --rate 10M --every 1h --out")
        .arg(out.path())
        .spawn()
        .unwrap();
    wait_until("a file under way", || !parts(out.path()).is_empty());
    signal(&child, "INT");
    // Two signals sent at once may be merged into one, so send again until the process has ended.
    wait_until("the end", || {
        signal(&child, "INT");
        thread::sleep(Duration::from_millis(20));
        parts(out.path()).is_empty()
    });
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(names(out.path()).is_empty() && parts(out.path()).is_empty());
}
