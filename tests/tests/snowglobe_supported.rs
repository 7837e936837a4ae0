//! `rust/snowglobe/SUPPORTED.md` lists what Snowglobe supports: it is rendered from the stories and tests, so it cannot claim more.
//!
//! `FIRN_RENDER=1` writes it again.

#![expect(
    clippy::expect_used,
    reason = "what surrounds a test fails as the test does"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const HEAD: &str = "# What Snowglobe does, and what it does not

Made from the stories and tests of this repository (`tests/specs/snowglobe`, `tests/sqlglot/corpus.sql`, `rust/snowglobe/tests`), all of which are
run by `make test`: what stands here is shown there. Do not edit: `FIRN_RENDER=1 cargo test --test snowglobe_supported` writes it.

A feature of Snowflake that is missing here is refused by its name: error 0A000 for a feature, 002140 for a function. Nothing is accepted and ignored.
";

/// A statement of a story, and whether it must be rejected as unsupported.
struct Statement {
    sql: String,
    refused: bool,
    fails: bool,
}

struct Story {
    chapter: String,
    title: String,
    comments: Vec<String>,
    statements: Vec<Statement>,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn sorted(folder: &str, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(folder)).expect("the folder is there");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    paths.sort();
    paths
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("it is read")
}

fn story(path: &Path) -> Story {
    let text = read(path);
    let mut comments: Vec<String> = Vec::new();
    let mut statements = Vec::new();
    for block in text.split("\n\n") {
        let mut lines = block.lines().peekable();
        let mut comment = Vec::new();
        while let Some(line) = lines.next_if(|line| line.starts_with('#')) {
            comment.push(line.trim_start_matches('#').trim());
        }
        if !comment.is_empty() {
            comments.push(comment.join(" "));
        }
        let Some(directive) = lines.next() else {
            continue;
        };
        if !directive.starts_with("statement") && !directive.starts_with("query") {
            continue;
        }
        let fails = directive.starts_with("statement error");
        let sql = lines.take_while(|line| *line != "----").collect::<Vec<_>>();
        statements.push(Statement {
            sql: sql.join("\n"),
            refused: fails && (directive.contains("0A000") || directive.contains("002140")),
            fails,
        });
    }
    let name = path.file_stem().expect("a name").to_string_lossy();
    Story {
        chapter: name.into_owned(),
        title: comments.remove(0),
        comments,
        statements,
    }
}

/// The kind of a statement, such as `CREATE TABLE`, `COPY INTO` or `SELECT`. None for a story's own commands.
fn kind(sql: &str) -> Option<String> {
    let plain = [
        "OR REPLACE",
        "IF NOT EXISTS",
        "IF EXISTS",
        "TEMPORARY",
        "TRANSIENT",
        "TEMP",
    ];
    let mut upper = format!(
        " {} ",
        sql.to_uppercase()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    );
    for word in plain {
        upper = upper.replacen(&format!(" {word} "), " ", 1);
    }
    let words: Vec<&str> = upper
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_ascii_alphabetic() && c != '!'))
        .collect();
    let first = *words.first()?;
    let second = words.get(1).copied().unwrap_or_default();
    let third = words.get(2).copied().unwrap_or_default();
    Some(match first {
        "" => return None,
        _ if first.starts_with('!') => return None,
        "CREATE" | "ALTER" | "DROP" | "SHOW" | "DESCRIBE" | "DESC" | "USE" | "EXECUTE"
        | "TRUNCATE" | "COPY" | "COMMENT" => {
            let first = if first == "DESC" { "DESCRIBE" } else { first };
            match (second, third) {
                ("FILE", "FORMAT" | "FORMATS") | ("STORAGE", _) => {
                    format!("{first} {second} {third}")
                }
                _ => format!("{first} {second}"),
            }
        }
        "WITH" | "VALUES" => "SELECT".to_owned(),
        "SELECT" | "INSERT" | "UPDATE" | "DELETE" | "MERGE" | "CALL" | "GRANT" | "REVOKE"
        | "BEGIN" | "COMMIT" | "ROLLBACK" | "SET" | "UNSET" | "LIST" | "LS" | "REMOVE" | "RM"
        | "DECLARE" | "UNDROP" | "START" => first.to_owned(),
        _ => return None,
    })
}

fn one_line(sql: &str) -> String {
    let line = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(110) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// The functions that a statement calls: the names before parentheses, without the words of the grammar.
fn called(sql: &str) -> BTreeSet<String> {
    const GRAMMAR: &[&str] = &[
        "IN", "OVER", "ANY", "VALUES", "GROUP", "BY", "FROM", "AS", "ROLLUP", "SETS", "USING", "T",
        "X", "Y", "N", "A", "B", "AND", "SELECT", "NUMBER", "VARCHAR", "DECIMAL", "TABLE",
        "WITHIN", "NOT",
    ];
    let mut names = BTreeSet::new();
    let mut outside = String::new();
    for (at, part) in sql.split('\'').enumerate() {
        // Text between quotes is not code.
        outside.push_str(if at % 2 == 0 { part } else { "''" });
    }
    for (at, _) in outside.match_indices('(') {
        let name: String = outside[..at]
            .chars()
            .rev()
            .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .collect();
        let name = name.to_uppercase();
        if name.starts_with(|c: char| c.is_ascii_alphabetic()) && !GRAMMAR.contains(&name.as_str())
        {
            names.insert(name);
        }
    }
    names
}

/// The functions that the corpus of the dialect calls: the supported ones, and the rejected ones.
fn functions() -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut known, mut refused) = (BTreeSet::new(), BTreeSet::new());
    let mut is_refused = false;
    for line in read(&root().join("tests/sqlglot/corpus.sql")).lines() {
        if line.starts_with("--") {
            is_refused = line.starts_with("-- differs error");
        } else {
            let names = called(line);
            if is_refused {
                refused.extend(names)
            } else {
                known.extend(names)
            }
            is_refused = false;
        }
    }
    (known.clone(), refused.difference(&known).cloned().collect())
}

/// A file's first line of documentation, and its tests' names as sentences.
fn tested(path: &Path) -> (String, Vec<String>) {
    let text = read(path);
    let about = text
        .lines()
        .next()
        .unwrap_or_default()
        .trim_start_matches("//!")
        .trim()
        .to_owned();
    let mut names = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if !line.starts_with("#[test]") && !line.starts_with("#[tokio::test") {
            continue;
        }
        let function = lines
            .by_ref()
            .find(|line| line.contains("fn ") || line.starts_with("#[ignore"))
            .unwrap_or_default();
        // An ignored test is run by another test.
        if function.starts_with("#[ignore") {
            continue;
        }
        let name = function
            .split("fn ")
            .nth(1)
            .and_then(|rest| rest.split('(').next());
        names.push(name.unwrap_or_default().replace('_', " "));
    }
    (about, names)
}

fn render() -> String {
    let stories: Vec<Story> = sorted("tests/specs/snowglobe", "slt")
        .iter()
        .map(|path| story(path))
        .collect();
    let mut text = HEAD.to_owned();
    let mut out = |line: &str| writeln!(text, "{line}").expect("a string takes it");

    out("\n## Statements\n\n| statement | in the stories |\n| --- | --- |");
    let mut kinds: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for story in &stories {
        for statement in story.statements.iter().filter(|one| !one.fails) {
            if let Some(kind) = kind(&statement.sql) {
                kinds.entry(kind).or_default().insert(&story.chapter);
            }
        }
    }
    for (kind, chapters) in &kinds {
        out(&format!(
            "| `{kind}` | {} |",
            chapters.iter().copied().collect::<Vec<_>>().join(", ")
        ));
    }

    out("\n## What the stories show");
    for story in stories
        .iter()
        .filter(|story| story.chapter != "unsupported")
    {
        out(&format!(
            "\n### {}\n\n{}\n",
            story.chapter.replace('_', " "),
            story.title
        ));
        for comment in &story.comments {
            out(&format!("- {comment}"));
        }
    }

    let (known, refused) = functions();
    let list = |names: &BTreeSet<String>| {
        names
            .iter()
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    out(&format!(
        "\n## Functions\n\nHeld against sqlglot and DuckDB, statement by statement: {}.",
        list(&known)
    ));
    out(&format!(
        "\nRefused by name, among others: {}.",
        list(&refused)
    ));

    out("\n## Refused by name\n");
    for story in &stories {
        for statement in story.statements.iter().filter(|one| one.refused) {
            out(&format!("- `{}`", one_line(&statement.sql)));
        }
    }

    out("\n## The wire, S3 and the process");
    let mut files = sorted("rust/snowglobe/tests/server", "rs");
    files.push(root().join("tests/tests/snowglobe_sessions.rs"));
    for path in files {
        let (about, names) = tested(&path);
        if !names.is_empty() {
            out(&format!("\n### {about}\n"));
            for name in names {
                out(&format!("- {name}"));
            }
        }
    }
    text
}

#[test]
fn supported_md_matches_the_stories_and_tests() {
    let path = root().join("rust/snowglobe/SUPPORTED.md");
    let rendered = render();
    if std::env::var_os("FIRN_RENDER").is_some() {
        std::fs::write(&path, &rendered).expect("it is written");
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stored == rendered,
        "rust/snowglobe/SUPPORTED.md is not what the stories show: run this test once with FIRN_RENDER=1"
    );
}
