//! `firn contract` writes a contract for any file, and reports what would happen to each row, without an account.

use std::fs;

use super::fixture::Fixture;

const ORDERS: &str =
    "Order ID;price;updated at\n7;19,90;2026-01-05 08:00:00\n8;x;2026-01-06 08:00:00\n";

#[test]
fn a_file_is_loaded_with_the_contract_that_is_inferred_from_it() {
    let fixture = Fixture::bare();
    let file = fixture.path("orders.csv");
    fs::write(&file, ORDERS.replace('x', "5,00")).expect("a file");
    let contract = fixture.ok("contract infer orders.csv");
    assert!(contract.contains("key = [\"Order ID\"]"), "{contract}");
    assert!(contract.contains("delimiter = \";\""), "{contract}");
    fs::write(fixture.path("orders.toml"), contract).expect("a contract");
    fixture.ok("bootstrap --contract orders.toml");
    fixture.ok("put orders.csv --contract orders.toml --role FIRN_LOADER");
    assert_eq!(
        fixture.sql("select \"Order ID\", to_varchar(\"price\") from ORDERS order by 1"),
        [["7", "19.90"], ["8", "5.00"]]
    );
    // Now one row is malformed: the same contract reports it without loading it.
    fs::write(&file, ORDERS).expect("a file");
    let checked = fixture.run("contract check orders.csv --contract orders.toml");
    assert_eq!(checked.code, Some(0), "{}", checked.err);
    assert!(
        checked.err.contains("row 2: price is not a valid"),
        "{}",
        checked.err
    );
    let words = "contract check orders.csv --contract orders.toml --max-rejects 0";
    assert!(fixture.fails(1, words).contains("1 of 2 rows are rejects"));
    assert_eq!(fixture.number("select count(*) from ORDERS"), 2);
}

#[test]
fn a_file_that_was_read_wrongly_loads_again_with_a_corrected_contract() {
    let fixture = Fixture::bare();
    fs::write(
        fixture.path("orders.csv"),
        "id,price,at\n7,\"19,90\",2026-01-05 08:00:00\n",
    )
    .expect("a file");
    let contract = "table = \"ORDERS\"\nkey = [\"id\"]\norder = [\"at\"]\ncolumns = [\n{ name = \"id\", type = \"NUMBER(9,0)\" }, { name = \"price\", type = \"NUMBER(9,2)\" }, { name = \"at\", type = \"TIMESTAMP_NTZ(6)\" }]\n";
    fs::write(fixture.path("orders.toml"), contract).expect("a contract");
    fixture.ok("bootstrap --contract orders.toml");
    let words = "put orders.csv --contract orders.toml --role FIRN_LOADER --json";
    assert_eq!(fixture.json(words)[0]["rejects"], 1);
    let contract = format!("{contract}[source]\nnumbers = {{ decimal = \",\" }}\n");
    fs::write(fixture.path("orders.toml"), contract).expect("a contract");
    // No column changed, so no bootstrap is needed.
    assert_eq!(fixture.json(words)[0]["history"], 1);
    assert_eq!(
        fixture.json(words)[0]["history"],
        1,
        "the same again is no other file"
    );
    assert_eq!(fixture.number("select count(*) from ORDERS_HISTORY"), 1);
}

#[test]
fn a_contract_is_suggested_for_a_file_without_one() {
    let fixture = Fixture::bare();
    fixture.ok("bootstrap");
    fs::write(fixture.path("orders.csv"), ORDERS).expect("a file");
    let refused = fixture.fails(1, "put orders.csv --role FIRN_LOADER");
    assert!(
        refused.contains("`firn contract infer orders.csv` writes a contract for it"),
        "{refused}"
    );
}
