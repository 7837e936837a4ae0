//! `firn demo` as a new user runs it: to its end, and interrupted.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use super::fixture::{Life, binary, firn, said, wait_until};

fn demo(words: &[&str]) -> Command {
    let mut command = firn();
    command
        .arg("demo")
        .args(words)
        .env("SNOWGLOBE", binary("snowglobe"));
    command
}

#[test]
fn it_ends_with_every_promise_ok_and_a_suggestion() {
    let said = said(demo(&["--events", "3000"]).output().expect("firn runs"));
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    let invitation = format!(
        "all promises hold\nTo explore: {} demo --stay\n",
        binary("firn").display()
    );
    for text in [
        "   holds\n",
        "updated, current   (manual change",
        &invitation,
    ] {
        assert!(said.out.contains(text), "{text}: {}", said.out);
    }
    assert!(
        !said.out.contains("FAIL") && !said.out.contains('\x1b'),
        "{}",
        said.out
    );
    assert!(said.err.is_empty(), "{}", said.err);
}

#[test]
fn it_leaves_no_child_process_when_it_is_interrupted() {
    let mut life = Life(demo(&[]).stdout(Stdio::piped()).spawn().expect("firn runs"));
    let output = life.0.stdout.take().expect("its output");
    let mut lines = BufReader::new(output).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("tables, streams, pipe")));
    let listed = Command::new("pgrep")
        .arg("-P")
        .arg(life.0.id().to_string())
        .output();
    let children = String::from_utf8(listed.expect("pgrep runs").stdout).expect("numbers");
    let child = children.trim().to_owned();
    assert!(child.parse::<u32>().is_ok(), "one child: {children}");
    life.signal("INT");
    assert_eq!(life.0.wait().expect("it ends").code(), Some(130));
    wait_until("Snowglobe to end", || {
        !Path::new("/proc").join(&child).exists()
    });
}
