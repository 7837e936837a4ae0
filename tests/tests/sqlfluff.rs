//! The rendered scripts beside a parser that is not ours: sqlfluff's Snowflake dialect reads each script and each procedure's body.
//!
//! `make target/sqlfluff-venv/ready` installs the sqlfluff that is pinned there.

#![expect(clippy::panic, reason = "what surrounds a test fails as the test does")]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use firn::contract::Contract;
use firn::merge::{Deployment, Identifier, Schedule, scripts};

/// A contract of each kind. sqlfluff reads no blanks and quotes in the name of a stage, so the table has none.
const CONTRACTS: [(&str, &str); 4] = [
    (
        "names that need quotes",
        r#"
        table = "größe"
        op = "select"
        key = ["Kunden Nr", "group"]
        order = ["geändert", "@row"]
        columns = [
            { name = "Kunden Nr", type = "VARCHAR(36)" },
            { name = "group", type = "NUMBER(38,0)" },
            { name = "it's \"x\"; -- $1", type = "VARCHAR(16777216)", required = true },
            { name = "geändert", type = "TIMESTAMP_NTZ(6)" },
        ]
        "#,
    ),
    (
        "every type, several order columns",
        r#"
        table = "MEASURE"
        op = "op"
        key = ["id"]
        order = ["at", "sequence"]
        columns = [
            { name = "id", type = "BINARY(16)" },
            { name = "float", type = "FLOAT" },
            { name = "date", type = "DATE" },
            { name = "time", type = "TIME(6)" },
            { name = "ltz", type = "TIMESTAMP_LTZ(6)" },
            { name = "tz", type = "TIMESTAMP_TZ(6)" },
            { name = "flag", type = "BOOLEAN" },
            { name = "tree", type = "VARIANT" },
            { name = "price", type = "NUMBER(38,37)", required = true },
            { name = "at", type = "TIMESTAMP_NTZ(6)" },
            { name = "sequence", type = "NUMBER(18,0)" },
        ]
        "#,
    ),
    (
        "partial updates",
        r#"
        table = "PERSON"
        op = "op"
        key = ["id"]
        order = ["at", "lsn"]
        columns = [
            { name = "id", type = "NUMBER(9,0)" },
            { name = "name", type = "VARCHAR(50)", required = true },
            { name = "city", type = "VARCHAR(50)" },
            { name = "at", type = "TIMESTAMP_NTZ(6)" },
            { name = "lsn", type = "VARCHAR(40)", position = "lsn" },
        ]
        [source]
        missing_columns = "unchanged"
        max_ahead = "1 day"
        "#,
    ),
    (
        "snapshots",
        r#"
        table = "PRICE"
        key = ["sku"]
        order = ["at"]
        columns = [
            { name = "sku", type = "VARCHAR(20)" },
            { name = "price", type = "NUMBER(12,2)" },
            { name = "at", type = "TIMESTAMP_NTZ(6)" },
        ]
        [source]
        mode = "snapshot"
        "#,
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn rendered() -> BTreeMap<String, String> {
    let default = Deployment::default();
    let scheduled = Deployment {
        database: Identifier::new("\"my db\""),
        loader_user: Some(Identifier::new("LOADER")),
        schedule: Schedule::Minutes(5),
        ..Deployment::default()
    };
    let customer = Contract::customer();
    let mut texts = BTreeMap::new();
    let mut render = |kind: &str, contract: &Contract, deployment: &Deployment| {
        for script in scripts(contract, deployment) {
            texts.insert(format!("{kind}, {}", script.name), script.text(deployment));
        }
    };
    render("customers", &customer, &default);
    render("customers on a schedule", &customer, &scheduled);
    for (kind, toml) in CONTRACTS {
        let contract = Contract::parse(toml).unwrap_or_else(|error| panic!("{kind}: {error}"));
        render(kind, &contract, &default);
    }
    texts
}

#[test]
fn another_parser_reads_every_script_and_every_procedure() {
    let python = root().join("target/sqlfluff-venv/bin/python");
    let mut child = Command::new(&python)
        .arg(root().join("tests/sqlfluff/parse.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| {
            let python = python.display();
            panic!("{python}: {error}: run `make target/sqlfluff-venv/ready`")
        });
    let texts = rendered();
    let mut stdin = child.stdin.take().expect("its input");
    let input = serde_json::to_vec(&texts).expect("JSON");
    stdin.write_all(&input).expect("it listens");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "parse.py failed");
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let faults: Vec<&str> = found["faults"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(serde_json::Value::as_str)
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    // Merge, its other name, and the two that load: of each contract at each deployment.
    assert_eq!(found["bodies"], 4 * 6, "{found}");
}
