//! Tests of partial updates, and of positions in a log.

use super::tests::{AT, read_with};

const CONTRACT: &str = r#"
table = "T"
op = "op"
key = ["id"]
order = ["at"]
columns = [
    { name = "id", type = "NUMBER(9,0)" },
    { name = "name", type = "VARCHAR(9)", required = true },
    { name = "city", type = "VARCHAR(9)", default = "Oslo" },
    { name = "at", type = "TIMESTAMP_NTZ(6)" },
]
[source]
"#;

/// Rows as `op|id|name|city|at`; partial ones end with `||` and the columns that they give.
fn read(keys: &str, file: &str) -> Vec<String> {
    let file = file.replace("AT", AT);
    read_with(&format!("{CONTRACT}{keys}"), file.as_bytes()).unwrap()
}

#[test]
fn a_column_that_the_file_lacks_stays_unchanged_if_the_contract_allows_it() {
    assert_eq!(
        read(
            "missing_columns = \"unchanged\"",
            "op,id,city,at\nU,1,Rome,AT\nU,2,,AT\nI,3,Rome,AT\nD,4,,AT\n"
        ),
        [
            "U|1||Rome|AT|||city",
            // An empty field is given, and becomes the default.
            "U|2||Oslo|AT|||city",
            "row 3, line 4, name: name is missing [I,3,Rome,AT]",
            "D|4|||AT",
        ]
    );
}

#[test]
fn a_missing_key_leaves_the_column_unchanged_and_null_is_null() {
    let rows = read(
        "missing_columns = \"unchanged\"",
        concat!(
            "{\"op\":\"U\",\"id\":1,\"name\":\"Ann\",\"at\":\"AT\"}\n",
            "{\"op\":\"U\",\"id\":2,\"at\":\"AT\"}\n",
            "{\"op\":\"U\",\"id\":3,\"name\":\"Ann\",\"city\":null,\"at\":\"AT\"}\n",
            "{\"op\":\"I\",\"id\":4,\"name\":\"Ann\",\"at\":\"AT\"}\n",
        ),
    );
    assert_eq!(
        rows,
        [
            "U|1|Ann||AT|||name",
            "U|2|||AT|||",
            "U|3|Ann|Oslo|AT",
            "I|4|Ann|Oslo|AT"
        ]
    );
}

#[test]
fn a_text_may_mean_that_a_value_did_not_change() {
    let rows = read(
        "unchanged = [\"~\", \"\"]",
        "op,id,name,city,at\nU,1,~,Rome,AT\nU,2,Ann,,AT\nU,3,\"~\",\"\",AT\nI,4,~,Rome,AT\nI,5,Ann,,AT\nD,6,~,~,AT\nU,~,Ann,Rome,AT\nU,8,Ann,Rome,AT\n",
    );
    assert_eq!(
        rows,
        [
            "U|1||Rome|AT|||city",
            "U|2|Ann||AT|||name",
            "U|3|||AT|||",
            "row 4, line 5, name: name is marked as unchanged, but its value is needed: an update that leaves columns as they are needs `unchanged` under [source] [I,4,~,Rome,AT]",
            "I|5|Ann|Oslo|AT",
            "D|6|||AT",
            "row 7, line 8, id: id is marked as unchanged, but its value is needed: an update that leaves columns as they are needs `unchanged` under [source] [U,~,Ann,Rome,AT]",
            "U|8|Ann|Rome|AT",
        ]
    );
}

#[test]
fn positions_in_a_log_are_written_in_the_order_of_the_log() {
    let contract = "table = \"T\"\nop = \"op\"\nkey = [\"id\"]\norder = [\"at\", \"lsn\", \"@row\"]\ncolumns = [{ name = \"id\", type = \"NUMBER(9,0)\" },
        { name = \"at\", type = \"TIMESTAMP_NTZ(6)\" }, { name = \"lsn\", type = \"VARCHAR(17)\", position = \"lsn\" }]";
    let file = format!("op,id,at,lsn\nI,1,{AT},16/b374D848\nI,2,{AT},16\n");
    assert_eq!(
        read_with(contract, file.as_bytes()).unwrap(),
        [
            "I|1|AT|00000016/B374D848".to_owned(),
            "row 2, line 3, lsn: lsn is not a valid position: expected an LSN like 16/B374D848 [I,2,AT,16]".to_owned(),
        ]
    );
}
