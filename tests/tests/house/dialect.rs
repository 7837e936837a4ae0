//! Checks the words of user-visible text: one plain word for one thing.

use std::fs;
use std::process::Command;

use super::literals::literals;
use super::{files, root};

/// Phrases to avoid, and their replacements. A phrase is matched by whole words, ignoring case; `*` matches any ending.
const PHRASES: &[(&str, &str)] = &[
    ("tell*", "report, show, or `know` for a program"),
    ("told", "report, show"),
    ("hear*", "report"),
    ("mischief", "fault, fault injection"),
    ("patience", "timeout, deadline or retry policy"),
    ("intake", "loader"),
    ("misfit*", "rejected row"),
    ("unfit", "malformed"),
    ("dirty", "malformed"),
    ("doubled", "duplicate"),
    ("twin*", "duplicate"),
    ("broken row*", "malformed row"),
    ("dirty row*", "malformed row"),
    ("refused row*", "rejected row"),
    ("sound row*", "valid row"),
    ("by hand", "manually; a manual change"),
    ("hand edit*", "manual change"),
    ("ill", "FAIL"),
    ("go on", "resume, continue"),
    ("goes on", "resume, continue"),
    ("went on", "resume, continue"),
    ("so many", "a number, or `that many`"),
    ("so much", "a number"),
    ("own accord", "automatically"),
    ("become of", "what happens to"),
    ("becomes of", "what happens to"),
    ("became of", "what happened to"),
    ("has become of", "what happened to"),
    ("nobody", "no user, no one"),
    ("whoever", "anyone who, the owner"),
    ("cure*", "fix"),
    ("mend*", "fix"),
    ("for ever", "forever"),
    ("patient", "timeout"),
    ("becomes what", "the result"),
    ("lest", "so that … not"),
    ("landing", "stage URL, bucket, folder"),
];

/// Where a phrase is allowed: the path, the line's text, and the reason.
const ALLOWED: &[(&str, &str, &str)] = &[
    (
        "rust/core/src/generator/options.rs",
        "irty",
        "the option's former name",
    ),
    (
        "nifi-bundle/nifi-firn-processors/src/main/java/io/firn/nifi/processors/StreamState.java",
        "dirty",
        "the option's former name",
    ),
    (
        "CHANGELOG.md",
        "*Landing Folder*",
        "the parameter's former name",
    ),
];

/// User-visible text, by path: the book, READMEs, SQL, notebooks, scripts, containers, help texts and NiFi's descriptions.
const VISIBLE: &[&str] = &[
    "docs/",
    "sql/",
    "notebooks/",
    "docker/",
    "scripts/",
    ".github/",
    "rust/cli/tests/cmd/",
    "rust/snowglobe/tests/cmd/",
    "bench/tests/cmd/",
    "Makefile",
    "mkdocs.yml",
];

/// The phrases of a line to avoid, each with its replacement.
fn complaints(line: &str) -> Vec<(&'static str, &'static str)> {
    let text = without_code(line).to_lowercase();
    let words: Vec<&str> = text
        .split(|char: char| !char.is_alphanumeric() && !matches!(char, '-' | '_' | '$' | '/'))
        .filter(|word| !word.is_empty())
        .collect();
    let is_there = |phrase: &str| {
        let wanted: Vec<&str> = phrase.split(' ').collect();
        words.windows(wanted.len()).any(|seen| {
            seen.iter()
                .zip(&wanted)
                .all(|(seen, wanted)| match wanted.strip_suffix('*') {
                    Some(stem) => {
                        let rest = seen.strip_prefix(stem);
                        rest.is_some_and(|rest| matches!(rest, "" | "s" | "ing" | "ed" | "d"))
                    }
                    None => seen == wanted,
                })
        })
    };
    let mut found: Vec<(&str, &str)> = PHRASES
        .iter()
        .filter(|(phrase, _)| is_there(phrase))
        .copied()
        .collect();
    let no = words.windows(3).any(|seen| {
        matches!(seen[0], "is" | "are") && seen[1] == "no" && !matches!(seen[2], "longer" | "more")
    });
    let there = words
        .windows(3)
        .any(|seen| seen[0] == "there" && matches!(seen[1], "is" | "are") && seen[2] == "no");
    if no && !there {
        found.push(("is no", "is not a"));
    }
    let trailing = |end: &str| text.contains(&format!(" without{end}"));
    if ["; ", ". ", ", ", ")"].iter().any(|end| trailing(end))
        || text.trim_end_matches(['.', ';']).ends_with(" without") && text.ends_with(['.', ';'])
    {
        found.push(("without", "say what happens by default"));
    }
    found
}

/// A line without the text between backticks: names and commands are not prose.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join(" x ")
}

/// Paths of the files that Git tracks.
fn tracked() -> Vec<String> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git runs");
    let listed = String::from_utf8(listed.stdout).expect("paths");
    listed.lines().map(str::to_owned).collect()
}

#[test]
fn user_visible_text_is_in_plain_words() {
    let mut seen = Vec::new();
    for path in tracked() {
        let is_visible = VISIBLE.iter().any(|start| path.starts_with(start))
            || path.ends_with(".md")
            || path.starts_with("nifi-bundle/") && path.contains("/src/main/");
        let is_text = !["svg", "png", "lock", "json", "bin", "p8"]
            .iter()
            .any(|ending| path.ends_with(&format!(".{ending}")));
        if let (true, true, Ok(text)) =
            (is_visible, is_text, fs::read_to_string(root().join(&path)))
        {
            let lines = text.lines().enumerate();
            seen.extend(lines.map(|(at, line)| (path.clone(), at + 1, line.to_owned())));
        }
    }
    for room in [
        "rust/core/src",
        "rust/cli/src",
        "rust/ffi/src",
        "rust/snowglobe/src",
        "bench/src",
    ] {
        for (path, text) in files(room, ".rs") {
            if path.ends_with("tests.rs") {
                continue;
            }
            for literal in literals(&text) {
                if literal.calls.iter().any(|call| call == "expect") {
                    continue;
                }
                let lines = literal.text.lines().enumerate();
                seen.extend(
                    lines.map(|(at, line)| (path.clone(), literal.line + at, line.to_owned())),
                );
            }
        }
    }
    assert!(seen.len() > 10_000, "{} lines", seen.len());
    let mut found = Vec::new();
    for (path, at, line) in &seen {
        for (phrase, instead) in complaints(line) {
            let is_allowed = ALLOWED
                .iter()
                .any(|(file, part, _)| path == file && line.contains(part));
            if !is_allowed {
                found.push(format!(
                    "{path}:{at}: `{phrase}`: {instead}: {}",
                    line.trim()
                ));
            }
        }
    }
    assert!(
        found.is_empty(),
        "{} lines:\n{}",
        found.len(),
        found.join("\n")
    );
}

#[test]
fn phrases_are_matched_by_whole_words_outside_of_code() {
    for (line, phrase) in [
        ("It tells what is missing", "tell*"),
        ("Mended by hand", "by hand"),
        ("`x` is no share", "is no"),
        ("kept in this folder; in memory without.", "without"),
        ("So many rows", "so many"),
    ] {
        let found = complaints(line);
        assert!(
            found.iter().any(|(seen, _)| *seen == phrase),
            "{line}: {found:?}"
        );
    }
    for line in [
        "s3://firn-landing/customer/",
        "was `by hand`",
        "there is no limit, and it is no longer there",
        "without an error",
        "Bill, Twinkle and a curious hearth",
    ] {
        assert_eq!(complaints(line), [], "{line}");
    }
}
