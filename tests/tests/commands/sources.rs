//! Files of other sources, from the file to the tables: columns that an update leaves unchanged, and the order of events of one commit.

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
fn a_partial_update_keeps_the_other_columns_of_its_time() {
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
fn a_value_that_debezium_marks_as_unavailable_stays_unchanged() {
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
fn existing_tables_accept_partial_updates_after_a_bootstrap() {
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

const READINGS: &str = "table = \"READING\"\nop = \"op\"\nkey = [\"id\"]\norder = [\"at\"]\ncolumns = [
{ name = \"id\", type = \"NUMBER(9,0)\" }, { name = \"degrees\", type = \"FLOAT\" }, { name = \"taken\", type = \"TIMESTAMP_TZ(6)\" },
{ name = \"sent\", type = \"TIMESTAMP_LTZ(6)\" }, { name = \"alarm\", type = \"TIME(6)\" }, { name = \"raw\", type = \"BINARY(8)\" },
{ name = \"tags\", type = \"VARIANT\" }, { name = \"at\", type = \"TIMESTAMP_NTZ(6)\" }]\n";

#[test]
#[expect(clippy::too_many_lines, reason = "one story, read from top to bottom")]
fn every_type_goes_from_file_to_history_and_back_as_text() {
    let fixture = with_contract(READINGS);
    put(
        &fixture,
        "a.csv",
        concat!(
            "op,id,degrees,taken,sent,alarm,raw,tags,at\n",
            "I,1,1.50,2026-01-05T08:00:00+01:00,2026-01-05T08:00:00+01:00,07:30,00ff,\"{\"\"a\"\": 1}\",2026-01-01T00:00:00Z\n",
            "I,2,-0.0,2026-01-05 08:00:00,,23:59:59.999999,,[],2026-01-01T00:00:00Z\n",
            "I,3,,,,,,,2026-01-01T00:00:00Z\n",
            "I,4,NaN,,,,,,2026-01-01T00:00:00Z\n",
            "I,5,,,,24:00:00,,,2026-01-01T00:00:00Z\n",
            "I,6,,,,,0,,2026-01-01T00:00:00Z\n",
            "I,7,,,,,,{,2026-01-01T00:00:00Z\n",
            "I,8,,2026-01-05,,,,,2026-01-01T00:00:00Z\n",
        ),
    );
    let values = "select id, to_varchar(cast(degrees as number(9,2))), to_varchar(taken, 'YYYY-MM-DD HH24:MI TZH:TZM'), to_varchar(convert_timezone('UTC', sent), 'HH24:MI'), to_varchar(timestamp_ntz_from_parts('1970-01-01'::date, alarm), 'HH24:MI:SS.FF6'), to_varchar(raw, 'HEX'), to_json(tags) from READING order by id";
    assert_eq!(
        fixture.sql(values),
        [
            [
                "1",
                "1.50",
                "2026-01-05 08:00 +01:00",
                "07:00",
                "07:30:00.000000",
                "00FF",
                "{\"a\":1}"
            ],
            [
                "2",
                "0.00",
                "2026-01-05 08:00 +00:00",
                "null",
                "23:59:59.999999",
                "null",
                "[]"
            ],
            ["3", "null", "null", "null", "null", "null", "null"],
        ]
    );
    assert_eq!(
        fixture.sql("select reason from READING_REJECTS order by source_row"),
        [
            ["degrees is not a valid FLOAT: expected a finite number"],
            ["alarm is not a valid TIME(6): expected a value like 18:52:55.123456"],
            ["raw is not a valid BINARY(8): expected an even number of hexadecimal digits"],
            ["tags is not valid JSON"],
            [
                "taken is not a valid TIMESTAMP_TZ(6): expected a value like 2026-11-23T18:52:55.123456+01:00"
            ],
        ]
    );
    // The same values in JSON are the same events; a changed value is a change.
    put(
        &fixture,
        "b.jsonl",
        concat!(
            "{\"op\":\"I\",\"id\":1,\"degrees\":15e-1,\"taken\":\"2026-01-05T08:00:00+01:00\",\"sent\":\"2026-01-05T07:00:00Z\",\"alarm\":\"07:30:00\",\"raw\":\"00FF\",\"tags\":{\"a\":1},\"at\":\"2026-01-01T00:00:00Z\"}\n",
            "{\"op\":\"U\",\"id\":2,\"degrees\":2,\"taken\":null,\"sent\":null,\"alarm\":null,\"raw\":null,\"tags\":\"hot\",\"at\":\"2026-01-02T00:00:00Z\"}\n",
        ),
    );
    assert_eq!(fixture.number("select count(*) from READING_HISTORY"), 4);
    assert_eq!(
        fixture.sql("select to_varchar(cast(degrees as number(9,2))), to_json(tags) from READING where id = 2"),
        [["2.00", "\"hot\""]]
    );
    // A manual change, a tie and a late event use the same columns.
    fixture
        .sql("update READING set tags = parse_json('{\"b\":[1,2]}'), degrees = 3.25 where id = 3");
    put(
        &fixture,
        "c.csv",
        "op,id,degrees,taken,sent,alarm,raw,tags,at\nU,1,9,,,,,,2026-01-01T00:00:00Z\nU,1,0.5,,,,,,2025-12-01T00:00:00Z\n",
    );
    assert_eq!(
        fixture.sql("select op, to_varchar(cast(degrees as number(9,2))), to_json(tags) from READING_HISTORY where id = 3 order by at"),
        [["I", "null", "null"], ["U", "3.25", "{\"b\":[1,2]}"]]
    );
    let shown = fixture.ok("history 1 --contract contract.toml");
    assert!(shown.contains("degrees: \"0.5\" -> \"9"), "{shown}");
    assert_eq!(
        fixture.number("select count(*) from READING_VERSIONS where id = 3"),
        2
    );
    fixture.ok("bootstrap --contract contract.toml");
    fixture.ok("verify --contract contract.toml");
}

const TABLE: &str = "table = \"PERSON\"\nkey = [\"id\"]\norder = [\"taken_at\"]\ncolumns = [
{ name = \"id\", type = \"NUMBER(9,0)\" }, { name = \"name\", type = \"VARCHAR(50)\" }, { name = \"taken_at\", type = \"TIMESTAMP_NTZ(6)\" }]
[source]\nmode = \"snapshot\"\n";

#[test]
fn a_key_that_a_snapshot_lacks_was_deleted_at_its_time() {
    let time = "snapshot_time = \"people-*.csv\"\ntimestamps = [\"YYYY-MM-DD\"]\n";
    let fixture = with_contract(&format!("{TABLE}{time}"));
    let files = [
        ("people-2026-01-03.csv", "id,name\n1,Ann\n"),
        ("people-2026-01-01.csv", "id,name\n1,Ann\n2,Bob\n"),
        ("people-2026-01-02.csv", "id,name\n1,Ann\n2,Rob\n"),
    ];
    for (name, text) in files {
        fs::write(fixture.path(name), text).expect("a file");
    }
    // Three at once, in another order: they are merged in the order of their times.
    let names = files.map(|(name, _)| name).join(" ");
    let words = "--contract contract.toml --role FIRN_LOADER";
    fixture.ok(&format!("put {names} {words}"));
    let history = "select op, name, to_varchar(valid_from, 'DD'), to_varchar(valid_to, 'DD') from PERSON_HISTORY order by id, valid_from";
    let expected = [
        ["U", "Ann", "01", "null"],
        ["U", "Bob", "01", "02"],
        ["U", "Rob", "02", "03"],
        ["D", "null", "03", "null"],
    ];
    assert_eq!(fixture.sql(history), expected);
    fixture.ok(&format!("put {names} {words}"));
    assert_eq!(fixture.sql(history), expected, "the same again");
    fixture.ok("verify --contract contract.toml");
    let empty = "people-2026-01-04.csv";
    fs::write(fixture.path(empty), "id,name\n").expect("a file");
    let refused = fixture.fails(1, &format!("put {empty} {words}"));
    assert!(refused.contains("would delete every key"), "{refused}");
    fs::write(fixture.path(empty), "id,name\n1,An").expect("a file");
    let refused = fixture.fails(1, &format!("put {empty} {words}"));
    assert!(
        refused.contains("the last row has no line end"),
        "{refused}"
    );
}

#[test]
fn a_snapshot_that_lacks_too_much_is_held_back_until_the_contract_allows_it() {
    let time = "snapshot_time = \"modified\"\n";
    let fixture = with_contract(&format!("{TABLE}{time}max_deleted = \"20%\"\n"));
    put(&fixture, "people.csv", "id,name\n1,Ann\n2,Bob\n");
    let file = "id,name\n1,Ann\n";
    fs::write(fixture.path("people.csv"), file).expect("a file");
    let words = "--contract contract.toml --role FIRN_LOADER --json";
    let held = fixture.run(&format!("put people.csv {words}"));
    assert!(
        held.err
            .contains("well-formed rows that the merge rejected: 1"),
        "{}",
        held.err
    );
    let held: serde_json::Value = serde_json::from_str(&held.out).expect("JSON");
    assert_eq!(held[0]["rejects"], 1, "{held}");
    assert_eq!(fixture.number("select count(*) from PERSON"), 2);
    assert!(
        fixture.sql("select reason from PERSON_REJECTS")[0][0]
            .contains("lacks 1 of 2 keys, more than max_deleted = 20%")
    );
    fs::write(
        fixture.path("contract.toml"),
        format!("{TABLE}{time}max_deleted = \"60%\"\n"),
    )
    .expect("a contract");
    fixture.ok("bootstrap --contract contract.toml");
    fixture.ok(&format!("put people.csv {words}"));
    assert_eq!(fixture.sql("select name from PERSON"), [["Ann"]]);
    fixture.ok("verify --contract contract.toml");
}

#[test]
fn an_event_from_far_in_the_future_is_counted_or_rejected_by_the_contract() {
    let fixture = with_contract(PEOPLE);
    put(
        &fixture,
        "a.csv",
        "op,id,name,city,at\nI,1,Ann,Oslo,2199-01-01T00:00:00Z\n",
    );
    let status = fixture.ok("status --contract contract.toml");
    assert!(
        status.contains("dated ahead of the clock: 1 current versions"),
        "{status}"
    );
    fs::write(
        fixture.path("contract.toml"),
        format!("{PEOPLE}[source]\nmax_ahead = \"1d\"\n"),
    )
    .expect("a contract");
    fixture.ok("bootstrap --contract contract.toml");
    put(
        &fixture,
        "b.csv",
        "op,id,name,city,at\nI,2,Bob,Rome,2199-01-01T00:00:00Z\nI,3,Eve,Rome,2026-01-01T00:00:00Z\n",
    );
    assert_eq!(
        fixture.sql("select source_row, reason from PERSON_REJECTS"),
        [[
            "1",
            "at is more than 86400 seconds ahead of the clock: max_ahead allows no more"
        ]]
    );
    assert_eq!(fixture.number("select count(*) from PERSON"), 2);
}

#[test]
fn a_delete_and_an_insert_of_one_commit_keep_their_order() {
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
