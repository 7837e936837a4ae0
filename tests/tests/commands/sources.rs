//! Files of other sources, from the file to the tables: what an update leaves as it was, and what orders the events of one commit.

use std::fs;

use super::fixture::Fixture;

const PEOPLE: &str = "table = \"PERSON\"\nop = \"op\"\nkey = [\"id\"]\norder = [\"at\"]\ncolumns = [
{ name = \"id\", type = \"NUMBER(9,0)\" }, { name = \"name\", type = \"VARCHAR(50)\", required = true }, { name = \"city\", type = \"VARCHAR(50)\" },
{ name = \"at\", type = \"TIMESTAMP_NTZ(6)\" }]\n";

fn with_contract(contract: &str) -> Fixture {
    let fixture = Fixture::bare();
    fs::write(fixture.path("contract.toml"), contract).expect("a contract");
    fixture.ok("bootstrap --contract contract.toml");
    fixture
}

fn put(fixture: &Fixture, name: &str, text: &str) {
    fs::write(fixture.path(name), text).expect("a file");
    fixture.ok(&format!(
        "put {name} --contract contract.toml --role FIRN_LOADER"
    ));
}

#[test]
fn a_partial_update_leaves_the_other_columns_as_they_were_at_its_time() {
    let fixture = with_contract(&format!(
        "{PEOPLE}[source]\nmissing_columns = \"unchanged\"\nunchanged = [\"~\"]\n"
    ));
    put(
        &fixture,
        "sparse.jsonl",
        "{\"op\":\"I\",\"id\":1,\"name\":\"Ann\",\"city\":\"Oslo\",\"at\":\"2026-01-01T00:00:00Z\"}\n{\"op\":\"U\",\"id\":1,\"city\":\"Bergen\",\"at\":\"2026-01-05T00:00:00Z\"}\n",
    );
    put(
        &fixture,
        "late.csv",
        "op,id,name,city,at\nU,1,Anna,~,2026-01-03T00:00:00Z\n",
    );
    assert_eq!(
        fixture.sql("select name, city, given_columns from PERSON_HISTORY order by at"),
        [
            ["Ann", "Oslo", "null"],
            ["Anna", "Oslo", "name"],
            ["Anna", "Bergen", "city"]
        ]
    );
    assert_eq!(
        fixture.sql("select name, city from PERSON"),
        [["Anna", "Bergen"]]
    );
    let shown = fixture.ok("history 1 --contract contract.toml");
    assert!(shown.contains("updated (city given), current"), "{shown}");
    fixture.ok("verify --contract contract.toml");
}

#[test]
fn a_value_that_debezium_marks_as_unavailable_stays_as_it_was() {
    let contract = PEOPLE.replace("op = \"op\"\n", "").replace(
        "\"TIMESTAMP_NTZ(6)\" }",
        "\"TIMESTAMP_NTZ(6)\", from = \"source.ts_ms\" }",
    );
    let fixture = with_contract(&format!(
        "{contract}[source]\npreset = \"debezium\"\ntimestamps = [\"epoch-ms\"]\n"
    ));
    let event = |op: &str, name: &str, city: &str, at: u64| {
        format!(
            "{{\"before\":null,\"after\":{{\"id\":1,\"name\":\"{name}\",\"city\":\"{city}\"}},\"source\":{{\"ts_ms\":{at}}},\"op\":\"{op}\"}}\n"
        )
    };
    let events = event("c", "Ann", "Oslo", 1_767_225_600_000)
        + &event(
            "u",
            "Eve",
            "__debezium_unavailable_value",
            1_767_225_601_000,
        );
    put(&fixture, "events.jsonl", &events);
    assert_eq!(
        fixture.sql("select name, city from PERSON"),
        [["Eve", "Oslo"]]
    );
}

#[test]
fn tables_of_before_take_partial_updates_after_a_bootstrap() {
    let fixture = with_contract(PEOPLE);
    let full = "op,id,name,city,at\nI,1,Ann,Oslo,2026-01-01T00:00:00Z\n";
    put(&fixture, "full.csv", full);
    let partial = format!("{PEOPLE}[source]\nmissing_columns = \"unchanged\"\n");
    fs::write(fixture.path("contract.toml"), partial).expect("a contract");
    let file = "op,id,city,at\nU,1,Bergen,2026-01-05T00:00:00Z\nU,2,Rome,2026-01-05T00:00:00Z\n";
    fs::write(fixture.path("partial.csv"), file).expect("a file");
    let words = "put partial.csv --contract contract.toml --role FIRN_LOADER";
    assert!(
        fixture
            .fails(1, words)
            .contains("were made for another version of the contract: run `firn bootstrap`")
    );
    fixture.ok("bootstrap --contract contract.toml");
    fixture.ok(words);
    assert_eq!(
        fixture.sql("select name, city from PERSON order by id"),
        [["Ann", "Bergen"], ["null", "Rome"]]
    );
    fixture.ok("verify --contract contract.toml");
}

#[test]
fn a_delete_and_an_insert_of_one_commit_come_out_as_the_source_wrote_them() {
    let contract = PEOPLE.replace("order = [\"at\"]", "order = [\"at\", \"@row\"]");
    let fixture = with_contract(&contract);
    put(
        &fixture,
        "in.csv",
        "op,id,name,city,at\nI,1,Old,Oslo,2026-01-01T00:00:00Z\nD,1,,,2026-01-02T00:00:00Z\nI,1,New,Rome,2026-01-02T00:00:00Z\n",
    );
    assert_eq!(fixture.sql("select name from PERSON"), [["New"]]);
    let shown = fixture.ok("history 1 --contract contract.toml");
    assert!(shown.contains("deleted, superseded at once"), "{shown}");
    fixture.ok("verify --contract contract.toml");
}
