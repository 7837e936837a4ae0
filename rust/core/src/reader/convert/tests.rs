use super::*;

/// The conversion of a text by a column of this type, with `keys` in `[source]`.
fn converted(kind: &str, keys: &str, value: Value<'_>) -> String {
    let contract = Contract::parse(&format!(
        "table = \"T\"\nkey = [\"id\"]\norder = [\"at\"]\ncolumns = [\n\
         {{ name = \"id\", type = \"NUMBER(9,0)\" }}, {{ name = \"at\", type = \"TIMESTAMP_NTZ(6)\" }},\n\
         {{ name = \"x\", type = \"{kind}\" }}]\n[source]\n{keys}"
    ))
    .unwrap();
    let mut converter = Converter::new(
        &contract,
        FileFacts {
            name: Some("orders-EU.csv"),
            modified: None,
        },
    )
    .unwrap();
    let mut output = Vec::new();
    match converter.column(2, value, Op::Update, &mut output) {
        Ok(()) => String::from_utf8(output).unwrap(),
        Err(fault) => format!("{fault:?}"),
    }
}

fn plain(text: &str) -> Value<'_> {
    Value::Text {
        text: text.as_bytes(),
        is_quoted: false,
    }
}

fn check(kind: &str, keys: &str, cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(
            converted(kind, keys, plain(text)),
            *expected,
            "{text} as {kind} with {keys}"
        );
    }
}

#[test]
fn numbers_are_exact_unless_the_contract_is_lenient() {
    check(
        "NUMBER(12,2)",
        "",
        &[
            ("1.50", "1.50"),
            ("007", "007"),
            ("1,234.50", "InvalidValue"),
            ("1.005", "InvalidValue"),
            ("1e3", "InvalidValue"),
            ("+5", "InvalidValue"),
            (" 5", "InvalidValue"),
            ("12345678901.00", "InvalidValue"),
        ],
    );
    check(
        "NUMBER(6,2)",
        "lenient = true",
        &[
            (" +5 ", "5.00"),
            ("1e3", "1000.00"),
            ("199.999", "200.00"),
            ("0.004", "0.00"),
            ("-0.005", "-0.01"),
            ("0.0005", "0.00"),
            ("9999.999", "InvalidValue"),
            (".5", "0.50"),
            ("1e999999999", "InvalidValue"),
            ("0x10", "InvalidValue"),
            ("NaN", "InvalidValue"),
        ],
    );
}

#[test]
fn decimal_commas_and_groups_are_read_where_the_contract_says_so() {
    let german = "numbers = { decimal = \",\", grouping = \".\" }";
    check(
        "NUMBER(12,2)",
        german,
        &[
            ("1.234,50", "1234.50"),
            ("12,5", "12.5"),
            ("-1.234.567,00", "-1234567.00"),
            ("12.50", "InvalidValue"),
            ("1234.567,00", "InvalidValue"),
            ("1,234.50", "InvalidValue"),
        ],
    );
    check(
        "NUMBER(12,2)",
        "numbers = { decimal = \",\" }",
        &[("12,50", "12.50"), ("12.50", "InvalidValue")],
    );
    check(
        "NUMBER(12,2)",
        "numbers = { grouping = \",\" }",
        &[("1,234.50", "1234.50"), ("12,50", "InvalidValue")],
    );
}

#[test]
fn a_json_number_is_its_value_whatever_its_notation() {
    for (text, expected) in [
        ("1.0", "1"),
        ("1e2", "100"),
        ("1.5", "InvalidValue"),
        ("-0", "0"),
    ] {
        let value = Value::Number(text.as_bytes());
        assert_eq!(converted("NUMBER(9,0)", "", value), expected, "{text}");
    }
}

#[test]
fn every_offset_is_the_same_instant_in_utc() {
    check(
        "TIMESTAMP_NTZ(6)",
        "",
        &[
            ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
            ("2026-01-01 00:00:00", "2026-01-01 00:00:00"),
            ("2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00Z"),
            ("2026-01-01T02:00:00+02:00", "2026-01-01T00:00:00Z"),
            ("2026-01-01 00:00:00+00", "2026-01-01T00:00:00Z"),
            ("2025-12-31 18:30:00.5 -0530", "2026-01-01T00:00:00.500000Z"),
            ("2026-01-01t00:00:00z", "2026-01-01T00:00:00Z"),
            ("2026-01-01T00:00Z", "2026-01-01T00:00:00Z"),
            ("2026-01-01 00:00:00 UTC", "2026-01-01T00:00:00Z"),
            (
                "2026-01-01T00:00:00.123456000Z",
                "2026-01-01T00:00:00.123456Z",
            ),
            ("2026-01-01T00:00:00.123456789Z", "TooPrecise"),
            ("0001-01-01T00:00:00+01:00", "InvalidValue"),
            ("9999-12-31T23:59:59-01:00", "InvalidValue"),
            ("2026-01-01T24:00:00Z", "InvalidValue"),
            ("2026-12-31T23:59:60Z", "InvalidValue"),
            ("2026-01-01", "InvalidValue"),
            ("1767225600", "InvalidValue"),
            ("02/03/2026 00:00", "InvalidValue"),
            ("2026-01-01T00:00:00+2:00", "InvalidValue"),
        ],
    );
    check(
        "TIMESTAMP_NTZ(6)",
        "lenient = true",
        &[(
            "2026-01-01T00:00:00.123456789Z",
            "2026-01-01T00:00:00.123456Z",
        )],
    );
}

#[test]
fn a_named_zone_an_epoch_and_a_pattern_are_read_where_the_contract_says_so() {
    check(
        "TIMESTAMP_NTZ(6)",
        "time_zone = \"Europe/Berlin\"",
        &[
            ("2026-07-01 12:00:00", "2026-07-01T10:00:00Z"),
            ("2026-01-01T12:00:00", "2026-01-01T11:00:00Z"),
            ("2026-01-01T12:00:00Z", "2026-01-01T12:00:00Z"),
            ("2026-03-29 02:30:00", "AmbiguousTime"),
            ("2026-10-25 02:30:00", "AmbiguousTime"),
        ],
    );
    let epoch = |unit: &str, text: &str| {
        converted(
            "TIMESTAMP_NTZ(6)",
            &format!("timestamps = [\"rfc3339\", \"{unit}\"]"),
            plain(text),
        )
    };
    assert_eq!(epoch("epoch-s", "1767225600"), "2026-01-01T00:00:00Z");
    assert_eq!(
        epoch("epoch-ms", "1767225600123"),
        "2026-01-01T00:00:00.123000Z"
    );
    assert_eq!(epoch("epoch-us", "-1"), "1969-12-31T23:59:59.999999Z");
    assert_eq!(epoch("epoch-ns", "1767225600123456789"), "TooPrecise");
    assert_eq!(epoch("epoch-ms", "1767225600123456"), "InvalidValue");
    assert_eq!(
        epoch("epoch-ms", "2026-01-01T00:00:00Z"),
        "2026-01-01T00:00:00Z"
    );
    let pattern = "timestamps = [\"DD.MM.YYYY HH24:MI:SS\", \"DD.MM.YYYY\"]";
    check(
        "TIMESTAMP_NTZ(6)",
        pattern,
        &[
            ("31.12.2026 23:59:01", "2026-12-31T23:59:01Z"),
            ("31.13.2026 00:00:00", "InvalidValue"),
        ],
    );
    check(
        "DATE",
        pattern,
        &[
            ("31.12.2026", "2026-12-31"),
            ("2026-12-31", "2026-12-31"),
            ("31.12.2026 23:59:01", "InvalidValue"),
        ],
    );
    check(
        "DATE",
        "",
        &[
            ("2026-01-01 00:00:00", "2026-01-01"),
            ("2026-01-01T10:00:00", "InvalidValue"),
            ("01/02/2026", "InvalidValue"),
        ],
    );
}

#[test]
fn truth_values_are_those_of_snowflake_unless_the_contract_names_others() {
    check(
        "BOOLEAN",
        "",
        &[
            ("TRUE", "true"),
            ("t", "true"),
            ("1", "true"),
            ("Yes", "true"),
            ("f", "false"),
            ("0", "false"),
            ("N", "false"),
            ("on", "true"),
            ("2", "InvalidValue"),
        ],
    );
    check(
        "BOOLEAN",
        "booleans = { true = [\"Ja\"], false = [\"Nein\"] }",
        &[("ja", "true"), ("NEIN", "false"), ("true", "InvalidValue")],
    );
}

#[test]
fn null_is_an_unquoted_text_of_the_contract() {
    let quoted = |text: &'static str| Value::Text {
        text: text.as_bytes(),
        is_quoted: true,
    };
    let nulls = "null = [\"\", \"\\\\N\", \"NULL\"]";
    check(
        "VARCHAR(9)",
        nulls,
        &[("NULL", ""), ("\\N", ""), ("", ""), ("null", "null")],
    );
    assert_eq!(converted("VARCHAR(9)", nulls, quoted("NULL")), "NULL");
    assert_eq!(converted("VARCHAR(9)", nulls, quoted("")), "\"\"");
    check("VARCHAR(9)", "null = []", &[("", "\"\"")]);
    assert_eq!(converted("VARCHAR(9)", "", Value::Absent), "Absent");
    assert_eq!(
        converted("VARCHAR(9)", "missing_columns = \"null\"", Value::Absent),
        ""
    );
}

#[test]
fn a_value_may_be_constant_a_default_or_in_the_files_name() {
    let of = |keys: &str, value| {
        converted(
            &format!("VARCHAR(9)\", {keys}, from = \"").replace(", from = \"", ""),
            "",
            value,
        )
    };
    let of = |key: &str, text: &str, value| of(&format!("{key} = \"{text}"), value);
    assert_eq!(of("constant", "a,b", Value::Absent), "\"a,b\"");
    assert_eq!(of("default", "EU", Value::Null), "EU");
    assert_eq!(of("default", "EU", plain("US")), "US");
    assert_eq!(of("file_name", "orders-*.csv", Value::Absent), "EU");
}
