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
    let orders = Contract::parse(include_str!("../../contracts/orders.toml")).unwrap();
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
fn an_invalid_contract_has_an_error_that_says_what_and_where() {
    assert_eq!(
        refusal("key = [\"id\"]", "key = [\"no\"]"),
        "`key` names column `no`, which is not in `columns`"
    );
    assert_eq!(
        refusal("key = [\"id\"]", "key = []"),
        "`key` is empty: expected at least one column"
    );
    assert!(
        refusal("order = [\"at\"]", "order = [\"id\"]")
            .starts_with("invalid `order`: it begins with `id` of type number(9,0)")
    );
    assert_eq!(
        refusal("NUMBER(9,0)", "FLOAT"),
        "invalid `key` column `id`: a float does not identify a row"
    );
    assert!(refusal("NUMBER(9,0)", "NUMBER(9,10)").contains("expected VARCHAR(n)"));
    assert!(refusal("TIMESTAMP_NTZ(6)", "TIMESTAMP").contains("use TIMESTAMP_NTZ(6) for UTC"));
    assert!(
        refusal("TIMESTAMP_NTZ(6)", "TIMESTAMP_TZ").contains("expected a TIMESTAMP_NTZ(6) first")
    );
    assert_eq!(
        refusal("name = \"at\"", "name = \"ID\""),
        "column `ID` is declared twice"
    );
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

#[test]
fn only_the_columns_of_the_history_are_reserved_and_a_contract_can_rename_them() {
    assert_eq!(
        refusal("name = \"at\"", "name = \"VALID_TO\""),
        "column `VALID_TO`: Firn adds a column of this name to the history. Rename the contract's column, or Firn's with \
         `[history_columns]` and `valid_to = \"OTHER_NAME\"`"
    );
    let taken = SMALLEST.replace("\"at\"", "\"valid_to\"");
    let renamed = format!("{taken}\n[history_columns]\nvalid_to = \"ends\"\n");
    let contract = Contract::parse(&renamed).unwrap();
    let columns = contract.history_columns();
    assert_eq!(
        (columns.valid_from.as_str(), columns.valid_to.as_str()),
        ("valid_from", "ends")
    );
    for name in [
        "line", "place", "reason", "copy", "seen", "fate", "run_id", "raw_line", "is_there",
    ] {
        assert!(Contract::parse(&SMALLEST.replace("\"at\"", &format!("\"{name}\""))).is_ok());
    }
}

#[test]
fn no_name_stands_for_two_columns() {
    let renamed = |key: &str, name: &str| {
        let text = format!("{SMALLEST}\n[history_columns]\n{key} = \"{name}\"\n");
        Contract::parse(&text).unwrap_err().to_string()
    };
    assert!(renamed("valid_to", "Valid_From").contains("another column is named `Valid_From` too"));
    assert!(renamed("valid_to", "ID").starts_with("column `id`: Firn adds a column of this name"));
    assert!(renamed("valid_to", "").contains("invalid name ``"));
    assert!(renamed("ends", "x").contains("unknown field `ends`"));
    assert!(
        renamed("valid_to", "_firn_end")
            .starts_with("invalid column name `_firn_end`: the prefixes")
    );
    assert!(
        refusal("name = \"at\"", "name = \"_FIRN_x\"")
            .starts_with("invalid column name `_FIRN_x`:")
    );
    assert!(
        refusal("name = \"at\"", "name = \"METADATA$ACTION\"")
            .starts_with("invalid column name `METADATA$ACTION`:")
    );
}
