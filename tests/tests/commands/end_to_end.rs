//! All commands from bootstrap to drop, in order.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use super::fixture::{Fixture, Life, row};

#[test]
#[expect(clippy::too_many_lines, reason = "one story, read from top to bottom")]
fn a_file_is_loaded_queried_and_dropped() {
    let fixture = Fixture::bare();
    let shown = fixture.ok("bootstrap --dry-run");
    assert!(
        shown.contains(
            "create or replace procedure MERGE_CUSTOMER(read_staging boolean default true, reconcile boolean default false)"
        ) && !shown.contains("drop table")
    );
    assert!(
        fixture
            .ok("bootstrap --dry-run --drop")
            .contains("drop table if exists CUSTOMER_HISTORY_OPEN")
    );
    let databases = fixture.sql_as("ACCOUNTADMIN", "show databases like 'FIRN'");
    assert!(
        databases.is_empty(),
        "a dry run makes nothing: {databases:?}"
    );

    assert!(
        fixture
            .ok("bootstrap")
            .contains("CUSTOMER is ready in FIRN.PUBLIC")
    );
    let file = fixture.file(
        "monday.csv",
        &[
            row("I", 1, "Rome", "2026-01-01T00:00:00Z"),
            row("I", 2, "Oslo", "2026-01-01T00:00:00Z"),
            row("I", 2, "Oslo", "2026-01-01T00:00:00Z"),
            "X,9,,,,,,,,,,2026-01-01T00:00:00Z,1".to_owned(),
        ],
    );
    let put = fixture.run(&format!("put {} --role FIRN_LOADER", file.display()));
    assert_eq!(put.code, Some(0), "{}", put.err);
    assert!(
        put.err
            .contains("monday.csv:5: row 4: op is not one of I, U, D"),
        "{}",
        put.err
    );
    let numbers: Vec<&str> = put
        .out
        .lines()
        .nth(1)
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        .collect();
    assert_eq!(numbers, ["4", "2", "1", "1", "2", "0", "0"], "{}", put.out);
    // Another bootstrap changes nothing.
    fixture.ok("bootstrap");
    let tuesday = fixture.file(
        "tuesday.csv",
        &[
            row("U", 1, "Bern", "2026-01-02T00:00:00Z"),
            row("D", 2, "", "2026-01-02T00:00:00Z"),
        ],
    );
    let put = fixture.json(&format!(
        "put {} --role FIRN_LOADER --json",
        tuesday.display()
    ));
    assert_eq!(put[0]["updated"], 1);
    assert_eq!(put[0]["deleted"], 1);

    let status = fixture.ok("status --role FIRN_OWNER");
    assert!(
        status.contains("rows in 6 = history 4 + duplicates 1 + rejects 1   holds"),
        "{status}"
    );
    let status = fixture.json("status --role FIRN_OWNER --json --runs 1");
    assert_eq!(
        (&status["target"], &status["waiting"]),
        (&1.into(), &0.into())
    );
    assert_eq!(status["runs"].as_array().map(Vec::len), Some(1));

    let history = fixture.ok("history 1 --role FIRN_OWNER");
    assert!(
        history.contains("2026-01-02 00:00:00  updated, current")
            && history.contains("city: \"Rome\" -> \"Bern\""),
        "{history}"
    );
    let never = fixture.fails(1, "history 77 --role FIRN_OWNER");
    assert!(
        never.contains("CUSTOMER has no history of key 77"),
        "{never}"
    );
    assert!(
        fixture
            .fails(1, "history 1 2 --role FIRN_OWNER")
            .contains("the key of CUSTOMER is customer_id")
    );
    assert!(
        fixture
            .fails(1, "history x --role FIRN_OWNER")
            .contains("customer_id")
    );

    let past = fixture.json("as-of 2026-01-01T12:00:00Z --role FIRN_OWNER --json");
    let cities: Vec<&str> = past
        .as_array()
        .expect("rows")
        .iter()
        .filter_map(|row| row["city"].as_str())
        .collect();
    assert_eq!(cities, ["Rome", "Oslo"]);
    assert!(
        fixture
            .ok("as-of 2026-01-02 --role FIRN_OWNER")
            .contains("Bern")
    );
    assert!(
        fixture
            .fails(1, "as-of yesterday --role FIRN_OWNER")
            .contains("2026-11-23T18:52:55Z")
    );

    promises_are_watched(&fixture);

    assert!(
        fixture
            .fails(1, "bootstrap --drop")
            .contains("--drop deletes CUSTOMER and its history: confirm with --yes")
    );
    assert_eq!(fixture.number("select count(*) from CUSTOMER_HISTORY"), 4);
    fixture.ok("bootstrap --drop --yes");
    assert!(fixture.sql("show tables in schema FIRN.PUBLIC").is_empty());
    assert!(fixture.sql("show tasks in schema FIRN.PUBLIC").is_empty());
    let gone = fixture.fails(1, "status --role FIRN_OWNER");
    assert!(
        gone.contains("CUSTOMER") && gone.contains("firn bootstrap"),
        "{gone}"
    );
    // Create the objects again.
    fixture.ok("bootstrap");
    assert!(
        fixture
            .ok("status --role FIRN_OWNER")
            .contains("rows in 0 =")
    );
}

/// Breaks each promise, checks that it is reported, and repairs it.
fn promises_are_watched(fixture: &Fixture) {
    // Otherwise the task captures these changes of the tables meanwhile.
    fixture.sql("alter task MERGE_CUSTOMER_TASK suspend");
    let well = fixture.ok("verify --role FIRN_OWNER");
    assert!(
        !well.contains("FAIL") && well.lines().count() == 7,
        "{well}"
    );
    let breaks = [
        ("delete from CUSTOMER_REJECTS", "nothing lost"),
        (
            "insert into CUSTOMER_HISTORY_CLOSED select * from CUSTOMER_HISTORY_CLOSED",
            "nothing twice",
        ),
        (
            "delete from CUSTOMER",
            "every open version is in the target",
        ),
        (
            "update CUSTOMER set city = 'Nowhere'",
            "every row of the target is an open version",
        ),
        (
            "insert into CUSTOMER select * from CUSTOMER",
            "one row per key",
        ),
        (
            "update CUSTOMER_HISTORY_CLOSED set valid_to = '2026-01-09' where op = 'I'",
            "each version ends where the next begins",
        ),
        (
            "update CUSTOMER_HISTORY_OPEN set valid_from = '2020-01-01'",
            "is_current agrees",
        ),
    ];
    for (sql, promise) in breaks {
        for table in [
            "CUSTOMER",
            "CUSTOMER_HISTORY_OPEN",
            "CUSTOMER_HISTORY_CLOSED",
            "CUSTOMER_REJECTS",
        ] {
            fixture.sql(&format!(
                "create or replace transient table KEPT_{table} as select * from {table}"
            ));
        }
        fixture.sql(sql);
        let said = fixture.run("verify --role FIRN_OWNER");
        assert_eq!(said.code, Some(1), "{sql}: {}", said.out);
        let reported = said
            .out
            .lines()
            .any(|line| line.starts_with("FAIL") && line.contains(promise));
        assert!(reported, "{sql}: {}", said.out);
        assert!(said.err.contains("promises do not hold"), "{}", said.err);
        for table in [
            "CUSTOMER",
            "CUSTOMER_HISTORY_OPEN",
            "CUSTOMER_HISTORY_CLOSED",
            "CUSTOMER_REJECTS",
        ] {
            fixture.sql(&format!("delete from {table}"));
            fixture.sql(&format!("insert into {table} select * from KEPT_{table}"));
            fixture.sql(&format!("drop table KEPT_{table}"));
        }
    }
    let mended = fixture.json("verify --role FIRN_OWNER --json");
    assert_eq!(mended[0]["violations"], 0);
}

#[test]
fn a_watched_status_is_repeated_until_the_pipe_is_closed() {
    let fixture = Fixture::new();
    let mut command = fixture.firn("status --watch --json --role FIRN_OWNER");
    let mut life = Life(command.stdout(Stdio::piped()).spawn().expect("firn runs"));
    let output = life.0.stdout.take().expect("its output");
    let mut reader = BufReader::new(output);
    let mut documents = 0;
    while documents < 2 {
        let mut line = String::new();
        assert_ne!(reader.read_line(&mut line).expect("a line"), 0);
        documents += u32::from(line == "}\n");
    }
    drop(reader);
    assert_eq!(life.0.wait().expect("it ends").code(), Some(0));
}

#[test]
fn another_contract_has_the_same_commands() {
    let fixture = Fixture::bare();
    let contract = concat!(env!("CARGO_MANIFEST_DIR"), "/../sql/contracts/orders.toml");
    std::fs::copy(contract, fixture.path("orders.toml")).expect("a copy");
    let file = fixture.path("orders.csv");
    let rows = "op,order_id,line_number,product,quantity,price,ordered_on,gift,changed_at\n\
                I,o-1,1,lamp,2,10.50,2026-01-05,true,2026-01-05T08:00:00Z\n\
                I,o-1,2,bulb,1,,,false,2026-01-05T08:00:00Z\n\
                U,o-1,2,bulb,3,,,false,2026-01-06T08:00:00Z\n";
    std::fs::write(&file, rows).expect("a file");
    fixture.ok("bootstrap --contract orders.toml");
    fixture.ok("put orders.csv --contract orders.toml --compression zstd");
    let history = fixture.ok("history o-1 2 --contract orders.toml");
    assert!(history.contains("quantity: \"1\" -> \"3\""), "{history}");
    assert!(
        fixture
            .fails(1, "history o-1 --contract orders.toml")
            .contains("order_id, line_number")
    );
    fixture.ok("verify --contract orders.toml");
    assert!(
        fixture
            .ok("status --contract orders.toml")
            .contains("rows in 3 = history 3")
    );
    assert!(
        fixture
            .ok("doctor --contract orders.toml")
            .contains("ok    procedure MERGE_ORDER_LINE")
    );
}

#[test]
fn rendering_needs_no_account() {
    let fixture = Fixture::bare();
    let checked_in = concat!(env!("CARGO_MANIFEST_DIR"), "/../sql");
    fixture.ok("sql --into scripts");
    for name in ["00_roles.sql", "60_merge.sql", "99_drop.sql"] {
        let rendered =
            std::fs::read_to_string(fixture.path("scripts").join(name)).expect("a script");
        let stored = std::fs::read_to_string(format!("{checked_in}/{name}")).expect("a script");
        assert_eq!(rendered, stored, "{name}");
    }
    let all = fixture.ok(&format!(
        "sql {checked_in}/contracts/orders.toml --database SHOP"
    ));
    assert!(
        all.contains("use schema SHOP.PUBLIC")
            && all.contains("MERGE_ORDER_LINE()")
            && !all.contains("99_drop")
    );
    let bad = fixture.path("bad.toml");
    std::fs::write(&bad, "table = \"T\"\n").expect("a file");
    assert!(fixture.fails(1, "sql bad.toml").contains("bad.toml"));
    for shell in ["bash", "zsh", "fish"] {
        assert!(
            fixture
                .ok(&format!("completions {shell}"))
                .contains("bootstrap"),
            "{shell}"
        );
    }
    let help = fixture.ok("--help");
    for command in [
        "generate",
        "bootstrap",
        "put",
        "rejects",
        "reconcile",
        "watch",
        "status",
        "history",
        "as-of",
        "verify",
        "sql",
        "doctor",
        "demo",
        "canvas",
        "flow",
        "completions",
    ] {
        assert!(help.contains(command), "{command}");
        assert!(
            fixture
                .ok(&format!("{command} --help"))
                .contains("Examples:"),
            "{command}"
        );
    }
}
