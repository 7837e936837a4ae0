use crate::reader::tests::{AT, CONTRACT, read_with};

fn read(keys: &str, lines: &[&str]) -> Vec<String> {
    let contract = if keys.contains("columns = ") {
        keys.to_owned()
    } else {
        format!("{CONTRACT}[source]\n{keys}")
    };
    let file = lines.join("\n").replace("AT", AT);
    match read_with(&contract, file.as_bytes()) {
        Ok(rows) => rows,
        Err(error) => vec![error.to_string()],
    }
}

#[test]
fn keys_are_columns_regardless_of_case_and_order() {
    assert_eq!(
        read(
            "",
            &[
                r#"{"op":"I","id":1,"name":"Ann","at":"AT"}"#,
                "",
                r#" {"At" : "AT", "Name": "a,\"\u00e9\n", "ID": 2, "OP": "c"} "#,
                r#"{"op":"D","id":3,"at":"AT"}"#,
                r#"{"op":"U","id":4.0,"name":"","at":"AT"}"#,
            ],
        ),
        ["I|1|Ann|AT", "I|2|a,\"é\n|AT", "D|3||AT", "U|4||AT"]
    );
}

#[test]
fn a_line_that_is_not_one_object_of_the_contract_is_rejected() {
    let rows = read(
        "",
        &[
            r#"{"op":"I","id":1,"name":"Ann","at":"AT"}{"op":"I"}"#,
            r#"{"op":"I","id":2,"name":"Ann","at":"#,
            r#"{"op":"I","id":3,"name":"Ann","at":"AT","more":[1]}"#,
            r#"{"op":"I","id":4,"name":{"first":"Ann"},"at":"AT"}"#,
            r#"{"op":"I","id":5,"ID":5,"name":"Ann","at":"AT"}"#,
            r#"{"op":"I","id":6,"name":"Ann","at":1767225600}"#,
            r#"{"op":"I","id":7,"name":null,"at":"AT"}"#,
            r#"[1]"#,
            r#"{"op":"I","id":9,"name":"Ann","at":"AT"}"#,
        ],
    );
    let reasons = [
        "is not a JSON object: ",
        "is not a JSON object: ",
        "has more, which the contract does not have",
        "name is a JSON object or list, not one value",
        "has id twice",
        "at is a number: say its unit in timestamps",
        "name is missing",
        "is not a JSON object: ",
    ];
    for (index, reason) in reasons.iter().enumerate() {
        let number = index + 1;
        assert!(
            rows[index].starts_with(&format!("row {number}, line {number}, "))
                && rows[index].contains(reason),
            "{}",
            rows[index]
        );
    }
    assert_eq!(rows[8..], ["I|9|Ann|AT"]);
}

#[test]
fn a_missing_key_is_null_only_if_the_contract_allows_it() {
    let contract = CONTRACT.replace(", required = true", "");
    let line = r#"{"op":"U","id":1,"at":"AT"}"#;
    let rows = read(&contract, &[line]);
    assert!(
        rows[0].contains("name is not in the row: with missing_columns = \"null\" it is null"),
        "{rows:?}"
    );
    assert_eq!(
        read(
            &format!("{contract}[source]\nmissing_columns = \"null\""),
            &[line]
        ),
        ["U|1||AT"]
    );
}

const EVENTS: &str = r#"
table = "T"
key = ["id"]
order = ["at", "lsn"]
columns = [
    { name = "id", type = "NUMBER(9,0)" },
    { name = "name", type = "VARCHAR(40)" },
    { name = "price", type = "NUMBER(9,2)" },
    { name = "day", type = "DATE" },
    { name = "seen", type = "TIMESTAMP_NTZ(6)" },
    { name = "at", type = "TIMESTAMP_NTZ(6)", from = "source.ts_ms" },
    { name = "lsn", type = "NUMBER(18,0)", from = "source.lsn" },
]
"#;

#[test]
fn events_of_debezium_give_the_row_after_a_change_or_before_a_delete() {
    let row = r#"{"id":1,"name":"Ann","price":1.5,"day":"2026-01-01","seen":"AT"}"#;
    let source = r#""source":{"ts_ms":1767225600000,"lsn":7,"db":"x"},"ts_ms":1"#;
    let event = |op: &str, before: &str, after: &str| {
        format!(r#"{{"before":{before},"after":{after},{source},"op":"{op}","transaction":null}}"#)
    };
    let lines = [
        event("c", "null", row),
        "null".to_owned(),
        event("d", row, "null"),
        event("r", "null", row),
        event(
            "u",
            "null",
            &row.replace("\"Ann\"", "\"__debezium_unavailable_value\""),
        ),
        event("t", "null", "null"),
        r#"{"schema":null,"payload":null}"#.to_owned(),
        r#"{"databaseName":"x","ddl":"drop table y"}"#.to_owned(),
    ];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let rows = read(EVENTS, &lines);
    assert_eq!(
        rows[..3],
        [
            "I|1|Ann|1.50|2026-01-01|AT|AT|7",
            "D|1|Ann|1.50|2026-01-01|AT|AT|7",
            "I|1|Ann|1.50|2026-01-01|AT|AT|7"
        ]
    );
    assert!(
        rows[3].starts_with("row 4, line 5, name: name is marked as unchanged"),
        "{}",
        rows[3]
    );
    assert!(
        rows[4].starts_with("row 5, line 6, : is a truncation"),
        "{}",
        rows[4]
    );
    assert!(
        rows[5].starts_with("row 6, line 8, : is not a change event"),
        "{}",
        rows[5]
    );
    assert_eq!(rows.len(), 6);
}

#[test]
fn the_schema_of_an_event_gives_its_numbers_their_meaning() {
    let field = |field: &str, name: &str, more: &str| {
        format!(r#"{{"type":"x","optional":true,"name":"{name}","field":"{field}"{more}}}"#)
    };
    let fields = [
        r#"{"type":"int32","optional":false,"field":"id"}"#.to_owned(),
        r#"{"type":"string","optional":true,"field":"name"}"#.to_owned(),
        field(
            "price",
            "org.apache.kafka.connect.data.Decimal",
            r#","version":1,"parameters":{"scale":"2","connect.decimal.precision":"9"}"#,
        ),
        field("day", "io.debezium.time.Date", ""),
        field("seen", "io.debezium.time.MicroTimestamp", ""),
    ]
    .join(",");
    let schema = format!(
        r#"{{"type":"struct","fields":[{{"type":"struct","fields":[{fields}],"field":"before"}},{{"type":"struct","fields":[{fields}],"field":"after"}}],"name":"x"}}"#
    );
    let event = |price: &str| {
        format!(
            r#"{{"schema":{schema},"payload":{{"before":null,"after":{{"id":1,"name":null,"price":"{price}","day":20454,"seen":1767225600000001}},"source":{{"ts_ms":1767225600000,"lsn":7}},"op":"c","ts_ms":1}}}}"#
        )
    };
    // Two's complement: 150, and -1.
    let lines = [event("AJY="), event("/w==")];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert_eq!(
        read(EVENTS, &lines),
        [
            "I|1||1.50|2026-01-01|2026-01-01T00:00:00.000001Z|AT|7",
            "I|1||-0.01|2026-01-01|2026-01-01T00:00:00.000001Z|AT|7"
        ]
    );
}

#[test]
fn other_json_is_rejected_by_its_kind() {
    assert!(read("", &["{", "\"op\":\"I\""])[0].starts_with("file is JSON over several lines"));
    assert!(
        read("format = \"jsonl\"", &["op,id,name,at"])[0]
            .starts_with("file is delimited text: expected JSON lines")
    );
    assert!(read("format = \"csv\"", &["{\"op\":1}"])[0].starts_with("the header has none"));
}
