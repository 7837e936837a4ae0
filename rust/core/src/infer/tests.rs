use super::*;
use crate::contract::Contract;
use crate::reader::{Piece, Reader};

/// The contract that is inferred from a file of this text.
fn inferred(name: &str, text: &[u8], hints: &Hints) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    contract(&path, hints).unwrap()
}

/// Reads the text with the contract that is inferred from it: how many rows are valid, and the reasons of the others.
fn read_with_own(name: &str, text: &[u8]) -> (u64, Vec<String>) {
    let document = inferred(name, text, &Hints::default());
    let contract =
        Contract::parse(&document).unwrap_or_else(|error| panic!("{error}:\n{document}"));
    let mut reader =
        Reader::new(&contract, text).unwrap_or_else(|error| panic!("{error}:\n{document}"));
    let (mut valid, mut reasons) = (0, Vec::new());
    while let Some(piece) = reader.next().unwrap() {
        match piece {
            Piece::Rows { count, .. } => valid += count,
            Piece::Rejected(row) => reasons.push(row.reason),
        }
    }
    (valid, reasons)
}

const EVENTS: &str = "Op,Order ID,amount,zip,paid,day,updated_at,seq
I,7,19.90,00501,true,2026-01-05,2026-01-05T08:00:00Z,1
U,7,120.00,00501,false,2026-01-06,2026-01-06T08:00:00+02:00,2
D,8,,,,,2026-01-07 08:00:00,3
";

#[test]
fn a_file_of_events_gets_types_key_and_order_with_their_evidence() {
    let text = inferred("2026-orders.csv.gz", EVENTS.as_bytes(), &Hints::default());
    for line in [
        "# Inferred from all 3 rows of 2026-orders.csv.gz.",
        "table = \"ORDERS\"\n",
        "op = \"Op\"  # D 1, I 1, U 1\n",
        "key = [\"Order ID\"]  # has a value in every row",
        "order = [\"updated_at\", \"seq\"]  #",
        "{ name = \"amount\", type = \"NUMBER(12,2)\" },  # 2 of 2 values are numbers with at most 2 digits after the point; 1 are null; such as 19.90, 120.00\n",
        "{ name = \"zip\", type = \"VARCHAR(10)\" },  # numbers, 2 of 2 with leading zeros",
        "{ name = \"paid\", type = \"BOOLEAN\" }",
        "{ name = \"day\", type = \"DATE\" }",
        "{ name = \"updated_at\", type = \"TIMESTAMP_NTZ(6)\" },  # 3 of 3 values are timestamps",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!text.contains("[source]"), "{text}");
    assert_eq!(read_with_own("o.csv", EVENTS.as_bytes()), (3, Vec::new()));
}

#[test]
fn a_file_is_read_by_the_contract_that_is_inferred_from_it() {
    let files: [(&str, &[u8], u64); 8] = [
        ("german.csv", b"id;price;day;changed_at\n1;1.249,00;05.01.2026;05.01.2026 08:00:00\n2;19,90;31.12.2025;06.01.2026 08:00:00\n", 2),
        ("semicolons.csv", b"id;name;price;changed_at\n1;Ann;1,50;2026-01-01 00:00:00\n2;\\N;12,00;2026-01-02 00:00:00\n", 2),
        ("german.csv", "id;geändert\n1;05.01.2026 08:00:00\n2;06.01.2026 08:00:00\n".as_bytes(), 2),
        ("epoch.tsv", b"id\tupdated_ms\tnote\na\t1767225600000\tx\nb\t1767225600001\t\n", 2),
        ("words.csv", b"change_type,id,ts\ninsert,1,2026-01-01T00:00:00Z\ndelete,1,2026-01-02T00:00:00Z\n", 2),
        ("dms.csv", b"I,1,Ann Lee,2026-01-01 00:00:00.000000\nU,1,Bea Lee,2026-01-02 00:00:00.000000\n", 2),
        ("lines.jsonl", b"{\"id\":1,\"name\":\"Ann\",\"changed_at\":\"2026-01-01T00:00:00Z\",\"tags\":[1]}\n{\"id\":2,\"changed_at\":\"2026-01-01T00:00:00Z\"}\n", 2),
        ("debezium.jsonl", b"{\"op\":\"c\",\"before\":null,\"after\":{\"id\":1,\"name\":\"Ann\"},\"source\":{\"ts_ms\":1767225600000}}\n{\"op\":\"d\",\"before\":{\"id\":1,\"name\":\"Ann\"},\"after\":null,\"source\":{\"ts_ms\":1767225600001}}\n", 2),
    ];
    for (name, text, rows) in files {
        assert_eq!(read_with_own(name, text), (rows, Vec::new()), "{name}");
    }
}

#[test]
fn the_encoding_of_text_that_is_not_utf_8_is_marked_as_a_guess() {
    let text = b"id,name,changed_at\n1,J\xf6rg,2026-01-01T00:00:00Z\n";
    let document = inferred("a.csv", text, &Hints::default());
    assert!(
        document.contains("encoding = \"windows-1252\"  # the text is not UTF-8"),
        "{document}"
    );
    assert!(document.contains("such as Jörg"), "{document}");
}

#[test]
fn hints_take_precedence_and_an_unknown_column_is_named() {
    let hints = Hints {
        table: Some("T".to_owned()),
        key: vec!["ZIP".to_owned(), "day".to_owned()],
        order: vec!["updated_at".to_owned()],
    };
    let text = inferred("a.csv", EVENTS.as_bytes(), &hints);
    assert!(
        text.contains(
            "key = [\"zip\", \"day\"]  # as given\norder = [\"updated_at\"]  # as given\n"
        ),
        "{text}"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    std::fs::write(&path, EVENTS).unwrap();
    let hints = Hints {
        key: vec!["nothing".to_owned()],
        ..Hints::default()
    };
    let error = contract(&path, &hints).unwrap_err().to_string();
    assert!(
        error
            .contains("--key: file has no column `nothing`: expected some of Op, Order ID, amount"),
        "{error}"
    );
    std::fs::write(&path, "id,name\n").unwrap();
    let error = contract(&path, &Hints::default()).unwrap_err().to_string();
    assert!(
        error.contains("file has no row to infer a contract from"),
        "{error}"
    );
}
