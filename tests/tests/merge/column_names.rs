//! A contract may use the words of Firn's own SQL, as Firn's columns have distinct names.

use firn::contract::Contract;

use super::fixture::{Event, Fixture};

/// Every name that a work table, a common table expression or a variable of the merge has or had.
const CONTRACT: &str = r#"
table = "CHANGES"
op = "reason"
key = ["line", "copy"]
order = ["place", "run_id"]
columns = [
    { name = "line", type = "NUMBER(9,0)" },
    { name = "copy", type = "VARCHAR(5)" },
    { name = "place", type = "TIMESTAMP_NTZ(6)" },
    { name = "run_id", type = "NUMBER(9,0)" },
    { name = "raw_line", type = "VARCHAR(50)" },
    { name = "fate", type = "VARCHAR(50)" },
    { name = "seen", type = "NUMBER(9,0)" },
    { name = "valid_to", type = "DATE" },
    { name = "source_file", type = "VARCHAR(50)" },
    { name = "loaded_at", type = "VARCHAR(50)" },
    { name = "rows_in", type = "NUMBER(9,0)" },
    { name = "version", type = "VARCHAR(50)" },
    { name = "read_staging", type = "BOOLEAN" },
]

[history_columns]
valid_to = "ends"
source_file = "FROM"
loaded_at = "came at"
"#;

fn event(op: &str, line: u32, second: u32, version: &str) -> Event {
    let at = format!("2026-01-01 00:00:0{second}");
    [
        op,
        &line.to_string(),
        "a",
        &at,
        "1",
        "text",
        "f",
        "7",
        "2026-02-03",
        "own",
        "own",
        "5",
        version,
        "true",
    ]
    .map(|cell| Some(cell.to_owned()))
    .to_vec()
}

#[test]
fn a_contract_may_use_the_words_of_the_merge() {
    let mut fixture = Fixture::new(Contract::parse(CONTRACT).unwrap());
    // A late event, a duplicate, a tie, a delete and a malformed row.
    fixture.land(&[
        event("I", 1, 3, "new"),
        event("I", 1, 1, "late"),
        event("I", 1, 1, "late"),
        event("U", 1, 3, "a tie"),
        event("I", 2, 1, "goes"),
        event("X", 3, 1, "malformed"),
    ]);
    fixture.merge();
    fixture.land(&[event("D", 2, 2, "goes")]);
    fixture.merge();
    fixture.run("update CHANGES set version = 'manual' where line = 1");
    fixture.capture();
    assert_eq!(
        fixture.lines(
            "select reason, line, version, is_current, ends is null, source_row, \"FROM\" like 'file-%' from CHANGES_HISTORY"
        ),
        [
            "D|2|goes|true|true|1|true",
            "I|1|late|false|false|2|true",
            "I|1|new|false|false|1|true",
            "I|2|goes|false|false|5|true",
            "U|1|manual|true|true|1|false",
        ]
    );
    assert_eq!(
        fixture.lines("select line, version, source_file, valid_to is not null from CHANGES"),
        ["1|manual|own|true"]
    );
    assert_eq!(
        fixture.lines("select line, version, is_current from CHANGES_VERSIONS where ends is null"),
        ["1|manual|true"]
    );
    assert_eq!(
        fixture.lines("select source_file, source_row from CHANGES_REJECTS"),
        ["file-1|4", "file-1|6"]
    );
    assert_eq!(
        fixture.lines(
            "select sum(rows_in), sum(history), sum(duplicates), sum(rejects) from CHANGES_RUNS"
        ),
        ["8|5|1|2"]
    );
}
