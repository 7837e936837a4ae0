//! Names that a contract may use, and those that another contract already uses.

use super::fixture::Fixture;

const CONTRACT: &str = r#"
table = "ITEM"
op = "op"
key = ["id"]
order = ["at"]
columns = [
    { name = "id", type = "NUMBER(9,0)" },
    { name = "at", type = "TIMESTAMP_NTZ(6)" },
    { name = "valid_to", type = "VARCHAR(9)" },
]
[history_columns]
valid_to = "VALID_END"
loaded_at = "loaded"
"#;

#[test]
fn every_command_uses_the_contracts_own_names_of_the_historys_columns() {
    let fixture = Fixture::bare();
    std::fs::write(fixture.path("item.toml"), CONTRACT).expect("a contract");
    let rows = "op,id,at,valid_to\nI,1,2026-01-01T00:00:00Z,a\nU,1,2026-01-03T00:00:00Z,b\n";
    std::fs::write(fixture.path("item.csv"), rows).expect("a file");
    let owner = "--contract item.toml --role FIRN_OWNER";
    fixture.ok("bootstrap --contract item.toml");
    fixture.ok("put item.csv --contract item.toml --role FIRN_LOADER");
    let history = fixture.json(&format!("history 1 {owner} --json"));
    assert_eq!(history[0]["valid_to"], "2026-01-03 00:00:00.000000");
    assert_eq!(history[0]["values"][0][1], "a");
    let past = fixture.json(&format!("as-of 2026-01-02 {owner} --json"));
    assert_eq!(past[0]["valid_to"], "a");
    fixture.ok(&format!("status {owner}"));
    fixture.ok(&format!("verify {owner}"));
    fixture.ok(&format!("doctor {owner}"));
    assert_eq!(
        fixture.sql("select valid_to, valid_end from ITEM_VERSIONS where is_current"),
        [["b", "null"]]
    );
    // A contract with other names than the existing tables is rejected.
    let renamed = CONTRACT.replace("VALID_END", "VALID_UNTIL");
    std::fs::write(fixture.path("item.toml"), renamed).expect("a contract");
    let reported = fixture.fails(1, "bootstrap --contract item.toml");
    assert!(
        reported.contains("table ITEM_HISTORY_CLOSED lacks column VALID_UNTIL"),
        "{reported}"
    );
}

#[test]
fn a_table_named_like_another_contracts_object_is_rejected_before_anything_is_created() {
    let contract =
        |table: &str| CONTRACT.replace("table = \"ITEM\"", &format!("table = \"{table}\""));
    for (first, second) in [("ITEM", "ITEM_HISTORY"), ("ITEM_HISTORY", "ITEM")] {
        let fixture = Fixture::bare();
        std::fs::write(fixture.path("first.toml"), contract(first)).expect("a contract");
        std::fs::write(fixture.path("second.toml"), contract(second)).expect("a contract");
        fixture.ok("bootstrap --contract first.toml");
        let before = fixture.sql("show objects in schema FIRN.PUBLIC").len();
        let reported = fixture.fails(1, "bootstrap --contract second.toml");
        assert!(
            reported.contains(&format!(
                "contract {second} needs the name ITEM_HISTORY, which the deployed contract {first} uses"
            )),
            "{reported}"
        );
        assert_eq!(
            fixture.sql("show objects in schema FIRN.PUBLIC").len(),
            before
        );
        // The bootstrap of the first one can be repeated.
        fixture.ok("bootstrap --contract first.toml");
    }
}
