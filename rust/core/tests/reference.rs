//! The reference pages on contracts, reject reasons, SQL objects and generator options, rendered from the code: the tests compare them,
//! and write them with FIRN_UPDATE_DOCS=1.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "what surrounds a test fails as the test does"
)]

#[path = "reference/generator_options.rs"]
mod generator_options;

use std::fmt::Write;
use std::path::Path;

use firn::contract::Contract;
use firn::merge::{Script, scripts};
use firn::reader::{Piece, Reader};

const RENDERED: &str = "<!-- Rendered from the code by rust/core/tests/reference.rs: do not edit. To update: make docs-update -->";

/// A contract with a column of each type.
const CONTRACT: &str = r#"
table = "T"
op = "op"
key = ["id"]
order = ["at"]
columns = [
    { name = "id", type = "NUMBER(9,0)" },
    { name = "name", type = "VARCHAR(5)", required = true },
    { name = "price", type = "NUMBER(4,2)" },
    { name = "gift", type = "BOOLEAN" },
    { name = "day", type = "DATE" },
    { name = "at", type = "TIMESTAMP_NTZ(6)" },
]
"#;
const HEADER: &str = "op,id,name,price,gift,day,at";

fn compare(page: &str, text: &str) {
    compare_at(&format!("docs/reference/{page}"), text);
}

/// Compares a file of the repository with its rendering.
fn compare_at(file: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(file);
    if std::env::var_os("FIRN_UPDATE_DOCS").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stored == text,
        "{file} is not the rendering: make docs-update"
    );
}

/// The reason for which the reader rejects a row, if it does.
fn reason(row: &[u8]) -> Option<String> {
    let contract = Contract::parse(CONTRACT).unwrap();
    let file = [HEADER.as_bytes(), b"\n", row, b"\n"].concat();
    let mut reader = Reader::new(&contract, file.as_slice()).unwrap();
    match reader.next().unwrap() {
        Some(Piece::Rejected(row)) => Some(row.reason),
        _ => None,
    }
}

/// The literal of the merge's SQL that begins with `start`.
fn literal(start: &str) -> String {
    let sql = merge();
    let at = sql
        .find(&format!("'{start}"))
        .unwrap_or_else(|| panic!("the merge no longer says `{start}`"));
    sql[at + 1..].split('\'').next().unwrap().to_owned()
}

fn merge() -> String {
    statements("60_merge.sql").remove(0)
}

/// The SQL of a script.
fn statements(name: &str) -> Vec<String> {
    let contract = Contract::parse(CONTRACT).unwrap();
    let scripts = scripts(&contract, &Default::default());
    let script = scripts.iter().find(|script| script.name == name).unwrap();
    let statements = script.statements.iter();
    statements.map(|statement| statement.sql.clone()).collect()
}

#[test]
#[expect(clippy::too_many_lines, reason = "one story, read from top to bottom")]
fn reject_reasons() {
    let rows: [(&[u8], &str); 16] = [
        (
            b"X,1,Ann,,,,2026-01-01T00:00:00Z",
            "Write one of the operations. Lower case `i` is none of them",
        ),
        (
            b"I,1,,,,,2026-01-01T00:00:00Z",
            "Fill the column. A delete needs only the key and the ordering columns",
        ),
        (
            b"I,1.0,Ann,,,,2026-01-01T00:00:00Z",
            "Digits only, no decimals, at most as many as the type has",
        ),
        (
            b"I,1,Ann,123,,,2026-01-01T00:00:00Z",
            "Use at most as many digits as the type has, in all and after the point. Nothing is rounded",
        ),
        (
            b"I,1,Annika,,,,2026-01-01T00:00:00Z",
            "Shorten the text, or widen the column",
        ),
        (
            b"I,1,Ann,,maybe,,2026-01-01T00:00:00Z",
            "Write `true` or `false`",
        ),
        (
            b"I,1,Ann,,,01.02.2026,2026-01-01T00:00:00Z",
            "Write a date of the calendar as `YYYY-MM-DD`",
        ),
        (
            b"I,1,Ann,,,,2026-01-01",
            "Write date and time, with an offset if it is not UTC, or name the format in `timestamps` of the contract's `[source]`",
        ),
        (
            b"I,1,Ann,,,,2026-01-01T00:00:00.123456789Z",
            "Write at most six decimals, or let `lenient = true` cut them",
        ),
        (
            b"I,1,Ann,2026-01-01T00:00:00Z",
            "Usually a delimiter in a text without quotes, or a line that was cut",
        ),
        (
            b"I,1,\"Ann\"x,,,,2026-01-01T00:00:00Z",
            "Put the whole field in quotes, and double the quotes within",
        ),
        (
            b"I,1, \"Ann\",,,,2026-01-01T00:00:00Z",
            "Remove the blank, or double the quotes and put the whole field in quotes",
        ),
        (
            HEADER.as_bytes(),
            "Nothing: files were joined, each with its header",
        ),
        (
            b"I,1,\"Ann,,,,2026-01-01T00:00:00Z",
            "Close the quote. The row is cut at its first line end, so that it does not swallow the rows after it",
        ),
        (
            b"I,1,A\rnn,,,,2026-01-01T00:00:00Z",
            "End lines with a line feed, and put a text that spans lines in quotes",
        ),
        (
            b"I,1,A\xffnn,,,,2026-01-01T00:00:00Z",
            "Convert the file to UTF-8",
        ),
    ];
    let mut text = format!(
        "# Reject reasons

{RENDERED}

A rejected row is in the rejects table, here `T_REJECTS`, with its file, its row number, its text and one of these reasons. [Resend rejected rows](../how-to/resend-rejected-rows.md) says how to correct it and send it again. The
reader of files and the merge in Snowflake give the same reasons, so it does not matter who brought the file.

The examples belong to a contract with the header `{HEADER}`: a `NUMBER(9,0)` key, a required `VARCHAR(5)`, a `NUMBER(4,2)`, a `BOOLEAN`, a `DATE`, and a `TIMESTAMP_NTZ(6)` that orders events.

| reason | example | what to do |
| --- | --- | --- |
"
    );
    for (row, cure) in rows {
        let reason = reason(row).unwrap_or_else(|| panic!("{} is a valid row", row.escape_ascii()));
        let _ = writeln!(
            text,
            "| {reason} | `{}` | {cure} |",
            row.escape_ascii().to_string().replace("\\\"", "\"")
        );
    }
    let _ = writeln!(
        text,
        "| {} | a file that other tools put into the bucket | Remove the surplus fields |",
        literal("more than the")
    );
    let is_loaded = |sql: &String| sql.contains("'not loaded: '");
    assert!(statements("75_load.sql").iter().any(is_loaded));
    text.push_str("| not loaded: Snowflake's error | a row of such a file that `COPY` cannot parse | Correct the CSV of the row |\n");
    let _ = writeln!(
        text,
        "| {} | two different events with one key and the same ordering columns | Name a better ordering column, or end `order` with `\"@row\"`, the place in the file |",
        literal("another event of this key")
    );
    compare("reject-reasons.md", &text);
}

#[test]
fn contracts() {
    let text = format!(
        "# Contract

{RENDERED}

[The contract](../concepts/contract.md) explains the keys. This page lists what values each type accepts, which names are reserved, and the errors.

## Values

| type | accepted | rejected |
| --- | --- | --- |
{}
An empty field is null, for every type. A required column does not accept it.

## Reserved names

A column of the contract cannot have the name of a column that Firn adds to the history, unless `[history_columns]` renames Firn's:

{}

Names that begin with `_firn_` or `METADATA$` are reserved, too.

## Errors

| mistake | message |
| --- | --- |
{}",
        values(),
        reserved(),
        errors()
    );
    compare("contract.md", &text);
}

#[expect(clippy::too_many_lines, reason = "an entry for each type")]
fn values() -> String {
    let mut text = String::new();
    let types: [(&str, usize, &[&str], &[&str]); 6] = [
        ("VARCHAR(5)", 2, &["Oslo", "\"\"", "Zoë"], &["Bergen"]),
        (
            "NUMBER(9,0)",
            1,
            &["42", "-1", "007"],
            &["1.0", "+1", "1e3", "0x12", "1,000"],
        ),
        (
            "NUMBER(4,2)",
            3,
            &["12.50", "12", "-0.5"],
            &["123", "1.234", "12.", "1e1"],
        ),
        (
            "BOOLEAN",
            4,
            &["true", "False", "t", "1", "yes"],
            &["2", "maybe"],
        ),
        (
            "DATE",
            5,
            &["2026-02-28", "2024-02-29"],
            &["2026-02-29", "28.02.2026", "2026-2-28"],
        ),
        (
            "TIMESTAMP_NTZ(6)",
            6,
            &[
                "2026-01-05T09:30:00Z",
                "2026-01-05 09:30:00",
                "2026-01-05T09:30:00.123456Z",
                "2026-01-05T11:30:00+02:00",
            ],
            &["2026-01-05", "2026-01-05T24:00:00Z", "1767605400"],
        ),
    ];
    for (name, at, accepted, rejected) in types {
        let row = |value: &str| {
            let mut fields = ["I", "1", "Ann", "", "", "", "2026-01-01T00:00:00Z"];
            fields[at] = value;
            fields
                .map(|field| {
                    if field.contains(',') {
                        format!("\"{field}\"")
                    } else {
                        field.to_owned()
                    }
                })
                .join(",")
        };
        for value in accepted {
            assert_eq!(reason(row(value).as_bytes()), None, "{name}: {value}");
        }
        for value in rejected {
            assert!(reason(row(value).as_bytes()).is_some(), "{name}: {value}");
        }
        let list = |values: &[&str]| {
            values
                .iter()
                .map(|value| format!("`{value}`"))
                .collect::<Vec<_>>()
                .join(" ")
        };
        let _ = writeln!(
            text,
            "| `{name}` | {} | {} |",
            list(accepted),
            list(rejected)
        );
    }
    text
}

fn errors() -> String {
    let mut text = String::new();
    let mistakes = [
        (
            "a typing mistake in a key",
            "table = \"T\"",
            "tabel = \"T\"",
        ),
        ("no key", "key = [\"id\"]", "key = []"),
        (
            "a key that is not a column",
            "key = [\"id\"]",
            "key = [\"no\"]",
        ),
        (
            "an ordering column that is not a timestamp",
            "order = [\"at\"]",
            "order = [\"price\"]",
        ),
        (
            "a second ordering column with decimals",
            "order = [\"at\"]",
            "order = [\"at\", \"price\"]",
        ),
        (
            "one column in key and order",
            "order = [\"at\"]",
            "order = [\"at\", \"id\"]",
        ),
        ("one name twice", "\"price\"", "\"NAME\""),
        ("a reserved name", "\"price\"", "\"valid_to\""),
        ("a floating-point key", "NUMBER(9,0)", "FLOAT"),
        ("a type that the account chooses", "BOOLEAN", "TIMESTAMP"),
        ("an unknown type", "BOOLEAN", "GEOGRAPHY"),
        ("more decimals than digits", "NUMBER(4,2)", "NUMBER(4,5)"),
    ];
    for (mistake, from, to) in mistakes {
        assert!(CONTRACT.contains(from), "{from}");
        let error = Contract::parse(&CONTRACT.replace(from, to)).expect_err(mistake);
        let _ = writeln!(text, "| {mistake} | {error} |");
    }
    text
}

/// The names of the history's columns, which are reserved in a contract.
fn reserved() -> String {
    let names = [
        "valid_from",
        "valid_to",
        "is_current",
        "source_file",
        "source_row",
        "loaded_at",
    ];
    let is_refused = |name: &str| {
        let renamed = CONTRACT.replace("\"price\"", &format!("\"{name}\""));
        Contract::parse(&renamed).is_err()
    };
    for name in names.into_iter().chain(["_firn_row", "METADATA$ROW"]) {
        assert!(is_refused(name), "{name}");
    }
    names.map(|name| format!("`{name}`")).join(", ")
}

/// The name and the columns of a table in a `create table` statement.
fn table(sql: &str) -> Option<(String, Vec<(String, String)>)> {
    let (head, rest) = sql.split_once(" (\n")?;
    let words: Vec<&str> = head.split(' ').collect();
    // A procedure also begins with `create`, and has tables in its body.
    if head.contains('\n') || words[0] != "create" || !words.contains(&"table") {
        return None;
    }
    let columns = rest.split("\n)").next()?.lines().filter_map(|line| {
        let (name, kind) = line.trim().trim_end_matches(',').split_once(' ')?;
        Some((name.to_owned(), kind.to_owned()))
    });
    Some(((*words.last()?).to_owned(), columns.collect()))
}

/// The kind and the name of an object in a `create` statement.
fn object(sql: &str) -> Option<(String, String)> {
    let words: Vec<&str> = sql
        .split_whitespace()
        .skip_while(|word| *word != "create")
        .filter(|word| {
            ![
                "create",
                "or",
                "replace",
                "transient",
                "if",
                "not",
                "exists",
            ]
            .contains(word)
        })
        .collect();
    if !sql.starts_with("create ") {
        return None;
    }
    let kind = match words[0] {
        "storage" | "file" => format!("{} {}", words[0], words[1]),
        kind => kind.to_owned(),
    };
    let name = words[kind.split(' ').count()];
    Some((kind, name.to_owned()))
}

#[test]
fn sql_objects() {
    let scripts = scripts(&Contract::customer(), &Default::default());
    let text = format!(
        "# SQL objects

{RENDERED}

What `firn bootstrap` makes for the customer contract, script by script. `firn sql CONTRACT` renders the scripts of another contract; those of the customer contract are in the folder `sql` of the repository. Names of other contracts follow
the same pattern: the table's name, and the part behind it.
{}
## Columns

Tables with `_MERGE_` in their names are the merge's own work, and not listed.
{}
## Grants

| to | what | granted by |
| --- | --- | --- |
{}",
        scripts.iter().map(objects).collect::<String>(),
        scripts.iter().map(columns).collect::<String>(),
        scripts.iter().map(grants).collect::<String>(),
    );
    compare("sql-objects.md", &text);
}

fn objects(script: &Script) -> String {
    let about: Vec<&str> = script.about.lines().map(str::trim_end).collect();
    let mut text = format!(
        "\n## {}\n\n```text\n{}\n```\n",
        script.name,
        about.join("\n")
    );
    let made = script
        .statements
        .iter()
        .filter_map(|one| Some((object(&one.sql)?, &one.role)));
    for (index, ((kind, name), role)) in made.enumerate() {
        if index == 0 {
            text.push_str("\n| object | name | made by |\n| --- | --- | --- |\n");
        }
        let _ = writeln!(text, "| {kind} | `{name}` | `{role}` |");
    }
    text
}

fn columns(script: &Script) -> String {
    let tables = script.statements.iter().filter_map(|one| table(&one.sql));
    let mut text = String::new();
    for (name, columns) in tables.filter(|(name, _)| !name.contains("_MERGE_")) {
        let _ = write!(text, "\n### `{name}`\n\n| column | type |\n| --- | --- |\n");
        for (column, kind) in columns {
            let _ = writeln!(text, "| `{column}` | `{kind}` |");
        }
    }
    text
}

fn grants(script: &Script) -> String {
    let mut text = String::new();
    for statement in &script.statements {
        if let Some((what, whom)) = statement
            .sql
            .strip_prefix("grant ")
            .and_then(|grant| grant.rsplit_once("to "))
        {
            let what: Vec<&str> = what.split_whitespace().collect();
            let _ = writeln!(
                text,
                "| {} | {} | `{}` |",
                whom.trim(),
                what.join(" "),
                statement.role
            );
        }
    }
    text
}
