//! Tests of headers of other sources: matched by name, regardless of case, blanks and order.

use super::tests::{AT, CONTRACT, read_with};
use crate::contract::Contract;
use crate::error::ErrorKind;

/// The rows of a file, read with `keys` in `[source]`.
fn read(keys: &str, file: &str) -> Vec<String> {
    let contract = format!("{CONTRACT}[source]\n{keys}");
    match read_with(&contract, file.replace("AT", AT).as_bytes()) {
        Ok(rows) => rows,
        Err(error) => vec![error.to_string()],
    }
}

#[test]
fn columns_are_found_by_name_whatever_their_case_blanks_quotes_and_order() {
    for header in [
        "OP,ID,NAME,At",
        "op, id, name, at",
        "op,id,name,at ",
        "\"op\",\"Id\",\"name\",\"at\"",
        "\u{feff}op,id,name,at",
        "op,id,name,at,",
    ] {
        assert_eq!(
            read("", &format!("{header}\nI,1,Ann,AT\n")),
            ["I|1|Ann|AT"],
            "{header}"
        );
    }
    assert_eq!(
        read("", "Name,at,OP,id\r\nAnn,AT,I,1\r\n\"\",AT,D,2\r\n"),
        ["I|1|Ann|AT", "D|2||AT"]
    );
}

#[test]
fn the_delimiter_is_the_one_with_which_the_names_match() {
    for delimiter in [";", "\t", "|"] {
        let file = "op,id,name,at\nI,1,\",;|\tn\",AT\n".replace("id,", &format!("id{delimiter}"));
        let file = file
            .replace("op,", &format!("op{delimiter}"))
            .replace("name,", &format!("name{delimiter}"));
        let file = file
            .replace("I,1,", &format!("I{delimiter}1{delimiter}"))
            .replace("\",AT", &format!("\"{delimiter}AT"));
        assert_eq!(read("", &file), ["I|1|,;|\tn|AT"]);
    }
    assert_eq!(
        read("", "sep=;\nop;id;name;at\nI;1;Ann;AT\n"),
        ["I|1|Ann|AT"]
    );
    assert_eq!(
        read("delimiter = \"^\"", "op^id^name^at\nI^1^A,n^AT\n"),
        ["I|1|A,n|AT"]
    );
}

#[test]
fn line_ends_are_line_feeds_or_carriage_returns_or_both() {
    for end in ["\n", "\r\n", "\r", "\r\r\n"] {
        let file =
            format!("op,id,name,at{end}I,1,Ann,AT{end}I,2,\"B{end}b\",AT{end}{end}I,x,Bob,AT");
        let rows = read("", &file);
        assert_eq!(rows[0], "I|1|Ann|AT", "{end:?}");
        assert_eq!(rows[1], format!("I|2|B{end}b|AT"));
        assert!(
            rows[2].starts_with("row 3, line 6, id: ") && rows[2].ends_with("[I,x,Bob,AT]"),
            "{rows:?}"
        );
    }
}

#[test]
fn lines_without_rows_are_skipped_and_a_repeated_header_is_reported() {
    let file = "op,id,name,at\nI,1,Ann,AT\n\n   \n\t\nop,id,name,at\nI,2,Bob,AT\n(2 rows affected)\n\u{1a}";
    assert_eq!(
        read("", file),
        [
            "I|1|Ann|AT",
            "row 2, line 6, : is the header again [op,id,name,at]",
            "I|2|Bob|AT",
            "row 4, line 8, : has 1 fields, expected 4 [(2 rows affected)]",
        ]
    );
    let keys = "skip_lines = 2\ncomment = \"#\"";
    let file =
        "Report \"of\nthe day\n# \"x,\"y\n\nop,id,name,at\n# it's \"quoted,\n#\nI,1,Ann,AT\n#,\"";
    assert_eq!(read(keys, file), ["I|1|Ann|AT"]);
}

#[test]
fn a_header_that_differs_is_rejected_with_the_difference_and_a_fix() {
    let refusal = |keys, header: &str| read(keys, &format!("{header}\nI,1\n")).remove(0);
    assert_eq!(
        refusal("", "op,id,at"),
        "the header differs from the contract: it lacks `name`. To load it nevertheless, put `missing_columns = \"null\"` under [source] in the contract"
    );
    assert_eq!(
        refusal("", "op;id;name;at;extra;more"),
        "the header differs from the contract: the contract has no column `extra`, `more`; it is separated by semicolons. To load it nevertheless, put `extra_columns = \"ignore\"` under [source] in the contract"
    );
    assert!(refusal("", "op,id,name,at,ID").contains("it has `id` twice"));
    // Without a header, the first line is data.
    let none = refusal("", "I,7,Ann Lee,now");
    assert!(none.starts_with("the header has none of the contract's columns: the first line has 4 fields, expected the names op, id, name, at"), "{none}");
    assert!(none.contains("put `header = \"none\"`") && !none.contains("Ann"));
    for empty in ["", "\n", " \r\n\n"] {
        let error = read_with(CONTRACT, empty.as_bytes()).unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (ErrorKind::Rejected, "file is empty: expected a header row")
        );
    }
    assert!(read("", "op,id,name,at").is_empty());
}

#[test]
fn columns_may_be_missing_or_extra_if_the_contract_allows_it() {
    let contract = CONTRACT.replace(", required = true", "");
    let read = |keys: &str, file: &str| {
        read_with(
            &format!("{contract}[source]\n{keys}"),
            file.replace("AT", AT).as_bytes(),
        )
        .unwrap()
    };
    assert_eq!(
        read("missing_columns = \"null\"", "op,id,at\nI,1,AT\n"),
        ["I|1||AT"]
    );
    assert_eq!(
        read(
            "extra_columns = \"ignore\"",
            "op,x,id,name,at\nI,y,1,Ann,AT\n"
        ),
        ["I|1|Ann|AT"]
    );
}

#[test]
fn fields_may_be_in_the_contracts_order_with_or_without_a_header() {
    let none = "header = \"none\"";
    assert_eq!(
        read(none, "I,1,Ann,AT\nI,2,Bob\n"),
        [
            "I|1|Ann|AT",
            "row 2, line 2, : has 3 fields, expected 4 [I,2,Bob]"
        ]
    );
    assert_eq!(
        read("header = \"by-position\"", "a,b,c,d\nI,1,Ann,AT\n"),
        ["I|1|Ann|AT"]
    );
    assert_eq!(
        read(
            &format!("{none}\nextra_columns = \"ignore\""),
            "I,1,Ann,AT,x\n"
        ),
        ["I|1|Ann|AT"]
    );
}

#[test]
fn quotes_and_escapes_are_those_of_the_contract() {
    assert_eq!(
        read(
            "quote = \"'\"",
            "op,id,name,at\nI,1,'A,''n',AT\nI,2,5\",AT\n"
        ),
        ["I|1|A,'n|AT", "I|2|5\"|AT"]
    );
    assert_eq!(
        read(
            "quote = \"\"\ndelimiter = \"\\t\"",
            "op\tid\tname\tat\nI\t1\t\"5\"\tAT\nI\t2\t\"x\tAT\n"
        ),
        ["I|1|\"5\"|AT", "I|2|\"x|AT"]
    );
    let keys = "escape = \"\\\\\"\nnull = [\"\\\\N\"]";
    let contract = CONTRACT.replace(", required = true", "");
    let file = "op,id,name,at\nI,1,\"a\\\"b\",AT\nI,2,a\\,b,AT\nI,3,a\\nb\\\\,AT\nI,4,\\N,AT\nI,5,\\\\\\\\,AT\n".replace("AT", AT);
    assert_eq!(
        read_with(&format!("{contract}[source]\n{keys}"), file.as_bytes()).unwrap(),
        [
            "I|1|a\"b|AT",
            "I|2|a,b|AT",
            "I|3|a\nb\\|AT",
            "I|4||AT",
            "I|5|\\\\|AT"
        ]
    );
}

#[test]
fn the_operation_may_be_anywhere_have_other_values_or_be_absent() {
    let keys = "operation = { column = \"Kind\", insert = [\"new\"], update = [\"chg\"], delete = [\"del\"] }";
    assert_eq!(
        read(
            keys,
            "id,name,at,kind\n1,Ann,AT,new\n1,,AT,del\n1,Ann,AT,I\n"
        ),
        [
            "I|1|Ann|AT",
            "D|1||AT",
            "row 3, line 4, op: Kind is not one of new, chg, del [1,Ann,AT,I]"
        ]
    );
    let upserts = CONTRACT.replace("op = \"op\"\n", "");
    let file = format!("id,name,at\n1,Ann,{AT}\n");
    assert_eq!(
        read_with(&upserts, file.as_bytes()).unwrap(),
        ["U|1|Ann|AT"]
    );
}

#[test]
fn files_of_aws_dms_have_no_header_and_full_loads_no_operation() {
    let contract = format!(
        "{}[source]\npreset = \"dms\"",
        CONTRACT.replace("op = \"op\"\n", "")
    );
    let file = format!("I,1,Ann,{AT}\n2,Bob,{AT}\nD,3,NULL,{AT}\n");
    assert_eq!(
        read_with(&contract, file.as_bytes()).unwrap(),
        ["I|1|Ann|AT", "I|2|Bob|AT", "D|3||AT"]
    );
}

#[test]
fn encodings_come_from_the_byte_order_mark_or_the_contract() {
    let text = format!("op\tid\tname\tat\nI\t1\tZoé€\t{AT}\n");
    let wide = |mark: &[u8], bytes: fn(u16) -> [u8; 2]| {
        [
            mark,
            &text.encode_utf16().flat_map(bytes).collect::<Vec<u8>>(),
        ]
        .concat()
    };
    let contract = |keys: &str| format!("{CONTRACT}[source]\n{keys}");
    let expected = ["I|1|Zoé€|AT"];
    assert_eq!(
        read_with(CONTRACT, &wide(b"\xff\xfe", u16::to_le_bytes)).unwrap(),
        expected
    );
    assert_eq!(
        read_with(CONTRACT, &wide(b"\xfe\xff", u16::to_be_bytes)).unwrap(),
        expected
    );
    let without_mark = wide(b"", u16::to_le_bytes);
    assert!(
        read_with(CONTRACT, &without_mark)
            .unwrap_err()
            .to_string()
            .starts_with("file is UTF-16LE without")
    );
    assert_eq!(
        read_with(&contract("encoding = \"utf-16le\""), &without_mark).unwrap(),
        expected
    );
    let windows = text
        .replace('é', "\u{1}")
        .replace('€', "\u{2}")
        .into_bytes();
    let windows: Vec<u8> = windows
        .into_iter()
        .map(|byte| match byte {
            1 => 0xe9,
            2 => 0x80,
            other => other,
        })
        .collect();
    assert_eq!(
        read_with(&contract("encoding = \"windows-1252\""), &windows).unwrap(),
        expected
    );
    assert_eq!(
        read_with(&contract("encoding = \"latin-1\""), &windows).unwrap(),
        ["I|1|Zoé\u{80}|AT"]
    );
    let cut = wide(b"\xff\xfe", u16::to_le_bytes);
    let error = read_with(CONTRACT, &cut[..cut.len() - 1]).unwrap_err();
    assert!(
        error.to_string().contains("the text is not valid utf-16le"),
        "{error}"
    );
}

#[test]
fn errors_of_a_contract_name_the_valid_values_of_each_key() {
    let error = |keys: &str| {
        Contract::parse(&format!("{CONTRACT}[source]\n{keys}"))
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        error("delimiter = \";;\""),
        "source.delimiter: invalid value `;;`: expected one ASCII character, such as `;` or `\\t`"
    );
    assert_eq!(
        error("encoding = \"ebcdic\""),
        "source.encoding: invalid value `ebcdic`: expected utf-8, utf-16le, utf-16be, latin-1, windows-1252"
    );
    assert_eq!(
        error("header = \"yes\""),
        "source.header: invalid value `yes`: expected by-name, by-position, none"
    );
    assert!(error("headers = \"none\"").contains("unknown field `headers`"));
    assert!(error("preset = \"kafka\"").contains("expected firn, csv, jsonl, debezium, dms"));
    assert!(error("timestamps = [\"iso\"]").contains("invalid timestamp format `iso`"));
    assert!(error("timestamps = [\"epoch-s\", \"epoch-ms\"]").contains("two units"));
    assert!(error("time_zone = \"Mars\"").contains("expected an IANA name"));
    assert!(
        error("numbers = { decimal = \",\", grouping = \",\" }")
            .contains("a separator other than the decimal one")
    );
    assert!(error("comment = \"\\\"\"").contains("is also the quote"));
    assert_eq!(
        error("mode = \"full\""),
        "source.mode: invalid value `full`: expected changes, snapshot"
    );
    assert!(error("max_ahead = \"soon\"").contains("expected none, or a length of time"));
    let snapshot = |keys: &str| error(&format!("mode = \"snapshot\"\n{keys}"));
    assert!(error("max_deleted = \"5%\"").contains("add `mode = \"snapshot\"`"));
    assert!(snapshot("max_deleted = \"5\"").contains("expected whole percents"));
    assert!(
        snapshot("snapshot_time = \"now\"")
            .contains("expected `modified`, a file name with one `*`")
    );
    assert!(snapshot("unchanged = [\"\"]").contains("a snapshot gives every column"));
    assert!(error("extra_columns = \"evolve\"").contains("added columns are not supported"));
    let column = |keys: &str| {
        let text = CONTRACT.replace(", required = true", &format!(", {keys}"));
        Contract::parse(&text).unwrap_err().to_string()
    };
    assert_eq!(
        column("default = \"toolong\""),
        "column `name`: `default`: invalid value `toolong`: expected a varchar(5)"
    );
    assert!(column("file_name = \"orders.csv\"").contains("expected a name with one `*`"));
    assert!(column("from = \"n\", constant = \"x\"").contains("has two origins"));
    assert!(column("ignore = true").contains("remove its other keys"));
}

#[test]
fn a_column_may_have_another_name_in_the_file_or_be_ignored() {
    let contract = CONTRACT.replace("\"VARCHAR(5)\"", "\"VARCHAR(5)\", from = \"Full Name\"");
    let contract = contract
        .replace("]\n", "    { name = \"junk\", ignore = true },\n]\n")
        .replacen("    { name = \"junk\", ignore = true },\n", "", 2);
    let file = format!("op,id,full name,junk,at\nI,1,Ann,x,{AT}\n");
    assert_eq!(
        read_with(&contract, file.as_bytes()).unwrap(),
        ["I|1|Ann|AT"]
    );
}
