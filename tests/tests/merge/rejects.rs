//! Rows that violate the contract are in the rejects with their reason, and hostile names and values are unchanged.

use firn::contract::Contract;
use firn::reader::{Piece, Reader};

use super::fixture::{Event, Fixture};
use super::fold::CONTRACT;

fn event(text: &str) -> Event {
    text.split('|')
        .map(|cell| (cell != "null").then(|| cell.to_owned()))
        .collect()
}

const ROWS: &[&str] = &[
    "I|1|ann|1.50|2026-01-01T00:00:00Z|1",
    "i|1|ann|1|2026-01-01T00:00:00Z|1",
    "null|1|ann|1|2026-01-01T00:00:00Z|1",
    "I|null|ann|1|2026-01-01T00:00:00Z|1",
    "I|1x|ann|1|2026-01-01T00:00:00Z|1",
    "I|1234567890|ann|1|2026-01-01T00:00:00Z|1",
    "I|1|123456789012345678901234567890123456789012345678901|1|2026-01-01T00:00:00Z|1",
    "I|1|ann|1.505|2026-01-01T00:00:00Z|1",
    "I|1|ann|1e3|2026-01-01T00:00:00Z|1",
    "I|1|ann|1|2026-02-30T00:00:00Z|1",
    "I|1|ann|1|2026-01-01T00:00:00+2|1",
    "I|1|ann|1|2026-01-01T00:00:00.1234567Z|1",
    "I|1|ann|1|1764000000|1",
    "I|1|ann|1|null|1",
    "I|1|ann|1|2026-01-01T00:00:00Z|null",
    "D|2|null|null|2026-01-01 00:00:00.123456|1",
    "u|3||-1|2026-01-01 00:00:00|1",
];

#[test]
fn the_merge_rejects_what_the_reader_rejects_with_the_same_reason() {
    let contract = Contract::parse(CONTRACT).unwrap();
    let mut fixture = Fixture::new(contract.clone());
    let events: Vec<Event> = ROWS.iter().map(|row| event(row)).collect();
    fixture.land_as("f", &events);
    fixture.merge();
    let rejects = fixture.run("select source_row, reason from ITEM_REJECTS order by source_row");

    let cell = |cell: &Option<String>| {
        cell.as_ref()
            .map_or(String::new(), |text| format!("\"{text}\""))
    };
    let lines: Vec<String> = events
        .iter()
        .map(|row| row.iter().map(cell).collect::<Vec<_>>().join(","))
        .collect();
    let file = format!(
        "op,id,name,price,changed_at,sequence\n{}\n",
        lines.join("\n")
    );
    let mut reader = Reader::new(&contract, file.as_bytes()).unwrap();
    let mut rejected = Vec::new();
    while let Some(piece) = reader.next().unwrap() {
        if let Piece::Rejected(row) = piece {
            rejected.push(vec![row.row.to_string(), row.reason]);
        }
    }
    assert_eq!(rejects, rejected);
    assert_eq!(fixture.number("select count(*) from ITEM_HISTORY"), 3);
    // A second delivery of the same file rejects no row twice.
    fixture.land_as("f", &events);
    fixture.merge();
    assert_eq!(
        fixture.number("select count(*) from ITEM_REJECTS"),
        i64::try_from(rejects.len()).unwrap()
    );
    assert_eq!(
        fixture.number("select sum(rows_in) - sum(duplicates) from ITEM_RUNS"),
        ROWS.len() as i64
    );
}

#[test]
fn rows_with_surplus_fields_or_a_readers_reason_are_rejected() {
    let mut fixture = Fixture::new(Contract::parse(CONTRACT).unwrap());
    fixture.run("insert into ITEM_STAGING values ('I', '1', 'a', '1', '2026-01-01 00:00:00', '1', 'surplus', null, 'f', 1, current_timestamp())");
    fixture.run("insert into ITEM_STAGING values (null, null, null, null, null, null, 'a quote is never closed', 'I,\"1', 'f', 2, current_timestamp())");
    fixture.merge();
    assert_eq!(
        fixture.lines("select reason, raw_line from ITEM_REJECTS where source_row = 2"),
        ["a quote is never closed|I,\"1"]
    );
    assert_eq!(
        fixture.lines("select reason from ITEM_REJECTS where source_row = 1"),
        ["more than the 6 fields of the contract"]
    );
}

#[test]
fn hostile_names_work_from_end_to_end() {
    let contract = Contract::parse(
        r#"
table = "a\"b; $$ it's"
op = "o'p"
key = ["select", "naïve; --"]
order = ["when $$"]
columns = [
    { name = "select", type = "VARCHAR(9)" },
    { name = "naïve; --", type = "NUMBER(9,0)" },
    { name = "va\"lue", type = "VARCHAR(99)" },
    { name = "when $$", type = "TIMESTAMP_NTZ(6)" },
]
"#,
    )
    .unwrap();
    let mut fixture = Fixture::new(contract);
    let value = "'; drop table x; -- $$ \\ \"é\" \n";
    let event = |op: &str, value: &str, at: &str| {
        [op, "k'", "7", value, at]
            .map(|cell| Some(cell.to_owned()))
            .to_vec()
    };
    fixture.land(&[
        event("I", value, "2026-01-01 00:00:00"),
        event("U", "x", "2026-01-02 00:00:00"),
    ]);
    fixture.merge();
    fixture.land(&[event("U", value, "2026-01-03 00:00:00")]);
    fixture.merge();
    assert_eq!(
        fixture.run("select \"va\"\"lue\" from \"a\"\"b; $$ it's\""),
        [[value]]
    );
    assert_eq!(
        fixture.number("select count(*) from \"a\"\"b; $$ it's_HISTORY\""),
        3
    );
}

#[test]
fn orders_with_a_composite_key_and_no_sequence_merge_like_customers() {
    let mut fixture =
        Fixture::new(Contract::parse(include_str!("../../../sql/contracts/orders.toml")).unwrap());
    fixture.land(&[
        event("I|o-1|1|lamp|2|10.50|2026-01-05|true|2026-01-05T08:00:00Z"),
        event("I|o-1|2|bulb|1|null|null|FALSE|2026-01-05T08:00:00Z"),
        event("U|o-1|1|lamp|3|10.50|2026-01-05|true|2026-01-06T08:00:00Z"),
        event("D|o-1|2|null|null|null|null|null|2026-01-07T08:00:00Z"),
        event("I|o-2|1|null|1|1|null|null|2026-01-07T08:00:00Z"),
    ]);
    fixture.merge();
    assert_eq!(
        fixture.lines("select order_id, line_number, quantity from ORDER_LINE"),
        ["o-1|1|3"]
    );
    assert_eq!(fixture.number("select count(*) from ORDER_LINE_HISTORY"), 4);
    assert_eq!(
        fixture.lines("select reason from ORDER_LINE_REJECTS"),
        ["product is missing"]
    );
}

#[test]
fn values_of_every_type_are_checked_by_the_merge_too() {
    let types = [
        ("FLOAT", "1e3", "NaN"),
        ("FLOAT", "-0.5", "1,5"),
        ("TIME(6)", "07:30:00.5", "24:00:00"),
        (
            "TIMESTAMP_TZ(6)",
            "2026-01-05 08:00:00.000000 +01:00",
            "2026-01-05",
        ),
        (
            "TIMESTAMP_LTZ(6)",
            "2026-01-05 08:00:00.000000 -05:30",
            "2026-02-30 08:00:00.000000 +00:00",
        ),
        ("BINARY(2)", "00ff", "00f"),
        ("BINARY(2)", "", "000102"),
        ("VARIANT", "{\"a\": [1, null]}", "{a}"),
    ];
    for (kind, valid, invalid) in types {
        let contract = format!(
            "table = \"ITEM\"\nop = \"op\"\nkey = [\"id\"]\norder = [\"at\"]\ncolumns = [{{ name = \"id\", type = \"NUMBER(9,0)\" }},
             {{ name = \"x\", type = \"{kind}\" }}, {{ name = \"at\", type = \"TIMESTAMP_NTZ(6)\" }}]\n"
        );
        let contract = Contract::parse(&contract).unwrap();
        let mut fixture = Fixture::new(contract);
        let row = |id: &str, x: Option<&str>| -> Event {
            let cells = [Some("I"), Some(id), x, Some("2026-01-01 00:00:00")];
            cells.map(|cell| cell.map(str::to_owned)).to_vec()
        };
        fixture.land(&[
            row("1", Some(valid)),
            row("2", Some(invalid)),
            row("3", None),
        ]);
        fixture.merge();
        assert_eq!(
            fixture.lines("select id from ITEM"),
            ["1", "3"],
            "{kind}: {valid}"
        );
        let reason = &fixture.lines("select reason from ITEM_REJECTS")[0];
        assert!(reason.starts_with("x is not"), "{kind}: {reason}");
        // Equal values are not a change.
        fixture.capture();
        assert_eq!(
            fixture.number("select count(*) from ITEM_HISTORY"),
            2,
            "{kind}"
        );
    }
}
