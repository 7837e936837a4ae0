//! Snapshots of every message of the programs, so that a review shows each change of a text.
//!
//! The texts are read from the sources: every phrase of `firn` and the native library, and the texts of Snowglobe's errors,
//! as its other texts are SQL. `FIRN_RENDER=1 cargo test --workspace --test house` writes the snapshots again.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;

use super::literals::{Literal, literals};
use super::{files, root};

/// Folders, and whether only the texts of errors count.
const ROOMS: &[(&str, bool)] = &[
    ("rust/core/src", false),
    ("rust/cli/src", false),
    ("rust/ffi/src", false),
    ("rust/snowglobe/src", true),
];

/// Calls whose texts become errors, besides those of a type that ends in `Error` or `Failure`.
const ERRORS: &[&str] = &[
    "Err",
    "bail",
    "cannot",
    "context",
    "error",
    "fail",
    "map_err",
    "ok_or",
    "ok_or_else",
    "s3_error",
    "warn",
    "with_context",
];

fn is_of_error(literal: &Literal) -> bool {
    literal.calls.iter().any(|call| {
        let mut path = call.rsplit("::");
        let name = path.next().unwrap_or_default();
        let kind = path.next().unwrap_or_default();
        ERRORS.contains(&name)
            || ["Error", "Failure", "Unauthorized"]
                .iter()
                .any(|end| kind.ends_with(end))
    })
}

/// Whether a text has two adjacent words and is not SQL.
fn is_phrase(text: &str) -> bool {
    let words: Vec<&str> = text.split_whitespace().collect();
    let is_word = |word: &str| {
        word.len() > 1
            && word
                .trim_end_matches([':', ',', '.', ';'])
                .chars()
                .all(|char| char.is_ascii_lowercase())
    };
    let is_sql = [
        "alter", "call", "case", "coalesce", "create", "delete", "desc", "describe", "drop",
        "grant", "insert", "select", "show", "update", "use", "when",
    ]
    .iter()
    .any(|verb| words.first() == Some(verb));
    !is_sql && words.len() > 1 && words.iter().any(|word| is_word(word))
}

fn snapshot(room: &str, only_errors: bool) -> String {
    let mut text = String::new();
    for (path, source) in files(room, ".rs") {
        // The SQL of the merge is rendered and compared in `sql/`.
        if path.ends_with("tests.rs") || path.contains("/src/merge/") {
            continue;
        }
        let found: BTreeSet<String> = literals(&source)
            .into_iter()
            .filter(|one| !one.calls.iter().any(|call| call == "expect"))
            .filter(|one| if only_errors { is_of_error(one) } else { true })
            .filter(|one| is_phrase(&one.text))
            .map(|one| one.text.trim().replace('\n', "\n    "))
            .collect();
        if !found.is_empty() {
            let _ = writeln!(text, "{path}");
        }
        for message in found {
            let _ = writeln!(text, "    {message}");
        }
    }
    text
}

#[test]
fn every_message_matches_the_snapshot() {
    for (room, only_errors) in ROOMS {
        let name = room.split('/').nth(1).unwrap_or_default();
        let path = root().join(format!("tests/messages/{name}.txt"));
        let text = snapshot(room, *only_errors);
        assert!(text.lines().count() > 20, "{room}: {text}");
        if std::env::var_os("FIRN_RENDER").is_some() {
            fs::create_dir_all(path.parent().expect("a folder")).expect("it is made");
            fs::write(&path, &text).expect("it is written");
        }
        let kept = fs::read_to_string(&path).unwrap_or_default();
        let added: Vec<&str> = text
            .lines()
            .filter(|line| !kept.lines().any(|one| one == *line))
            .collect();
        assert!(
            kept == text,
            "messages of {room} differ from tests/messages/{name}.txt: read them, then FIRN_RENDER=1 writes it anew\n{}",
            added.join("\n")
        );
    }
}
