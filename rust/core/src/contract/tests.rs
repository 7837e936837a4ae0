use super::*;
use crate::error::ErrorKind;

const SMALLEST: &str = r#"
table = "T"
op = "op"
key = ["id"]
order = ["at"]
columns = [{ name = "id", type = "NUMBER(9,0)" }, { name = "at", type = "TIMESTAMP_NTZ(6)" }]
"#;

fn refusal(from: &str, to: &str) -> String {
    assert!(SMALLEST.contains(from), "the sample has no {from}");
    let error = Contract::parse(&SMALLEST.replace(from, to)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    error.to_string()
}

#[test]
fn the_checked_in_contracts_are_valid() {
    assert_eq!(Contract::customer().header().count(), 13);
    let orders = Contract::parse(include_str!("../../../../sql/contracts/orders.toml")).unwrap();
    assert_eq!(
        orders
            .key()
            .map(|column| column.name.as_str())
            .collect::<Vec<_>>(),
        ["order_id", "line_number"]
    );
    assert_eq!(orders.order().count(), 1);
}

#[test]
fn key_and_order_columns_are_required_without_saying_so() {
    let contract = Contract::parse(SMALLEST).unwrap();
    assert!(contract.columns().iter().all(|column| column.required));
}

#[test]
fn a_broken_contract_is_told_what_is_wrong_and_where() {
    assert_eq!(
        refusal("key = [\"id\"]", "key = [\"no\"]"),
        "key names the column `no`, which `columns` does not declare"
    );
    assert_eq!(
        refusal("key = [\"id\"]", "key = []"),
        "`key` is empty: name at least one column"
    );
    assert!(
        refusal("order = [\"at\"]", "order = [\"id\"]")
            .starts_with("`order` begins with `id`, a number(9,0)")
    );
    assert!(
        refusal("NUMBER(9,0)", "FLOAT")
            .starts_with("column `id`: type `FLOAT` cannot be compared exactly")
    );
    assert!(refusal("NUMBER(9,0)", "NUMBER(9,10)").contains("is not one of VARCHAR(n)"));
    assert!(
        refusal("TIMESTAMP_NTZ(6)", "TIMESTAMP_TZ")
            .contains("use TIMESTAMP_NTZ(6), which holds UTC")
    );
    assert_eq!(
        refusal("name = \"at\"", "name = \"ID\""),
        "column `ID` is declared twice"
    );
    assert!(refusal("name = \"at\"", "name = \"valid_to\"").contains("one that Firn adds itself"));
    assert!(
        refusal("table = \"T\"", "tabel = \"T\"")
            .starts_with("contract, line 2: unknown field `tabel`")
    );
}

#[test]
fn debezium_spellings_mean_the_same() {
    for (text, op) in Op::SPELLINGS {
        assert_eq!(Op::parse(text.as_bytes()), Some(op));
    }
    assert_eq!(Op::parse(b"i"), None);
}
