use std::io::{Read, Write};

use super::*;
use crate::contract::Contract;
use crate::error::{ErrorKind, Result};

pub(super) const CONTRACT: &str = r#"
table = "T"
op = "op"
key = ["id"]
order = ["at"]
columns = [
    { name = "id", type = "NUMBER(9,0)" },
    { name = "name", type = "VARCHAR(5)", required = true },
    { name = "at", type = "TIMESTAMP_NTZ(6)" },
]
"#;
/// The first line of every copy.
const HEADER: &str = "\"op\",\"id\",\"name\",\"at\",\"_firn_reject_reason\",\"_firn_raw_line\"\n";
pub(super) const AT: &str = "2026-01-01T00:00:00Z";

/// Returns a few bytes at a time, so that every row crosses the end of a buffer.
struct Drip<'a>(&'a [u8], usize);

impl Read for Drip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let size = self.1.min(self.0.len()).min(buffer.len());
        buffer[..size].copy_from_slice(&self.0[..size]);
        self.0 = &self.0[size..];
        Ok(size)
    }
}

/// Valid rows as `op|field|…`, rejected ones as `row line column: reason [raw]`.
pub(super) fn read_with(contract: &str, file: &[u8]) -> Result<Vec<String>> {
    let contract = Contract::parse(contract)?;
    let mut reader = Reader::new(&contract, Drip(file, 3))?;
    let mut reported = Vec::new();
    while let Some(piece) = reader.next()? {
        match piece {
            Piece::Rows { bytes, count, .. } => {
                assert!(bytes.ends_with(b"\n"));
                let mut csv = ::csv::ReaderBuilder::new()
                    .has_headers(false)
                    .flexible(true)
                    .from_reader(bytes);
                let rows = csv.records().map(|row| row.unwrap());
                let rows: Vec<String> = rows
                    .map(|row| {
                        let fields: Vec<&str> = row.iter().collect();
                        format!(
                            "{}|{}",
                            fields[0].to_uppercase(),
                            fields[1..].join("|").replace(AT, "AT")
                        )
                    })
                    .collect();
                assert_eq!(rows.len() as u64, count, "{rows:?}");
                reported.extend(rows);
            }
            Piece::Rejected(RejectedRow {
                row,
                line,
                column,
                reason,
                raw,
            }) => {
                let raw = String::from_utf8_lossy(&raw).replace(AT, "AT");
                reported.push(format!(
                    "row {row}, line {line}, {}: {reason} [{raw}]",
                    column.unwrap_or_default()
                ));
            }
        }
    }
    Ok(reported)
}

fn read(file: &[u8]) -> Result<Vec<String>> {
    read_with(CONTRACT, file)
}

fn rows(body: &str) -> Vec<String> {
    read(format!("op,id,name,at\n{}", body.replace("AT", AT)).as_bytes()).unwrap()
}

#[test]
fn valid_rows_are_returned_unchanged() {
    assert_eq!(
        rows("I,1,Ann,AT\r\n\nu,2,\"a,\"\"b\",AT"),
        ["I|1|Ann|AT", "U|2|a,\"b|AT"]
    );
    let contract = Contract::parse(CONTRACT).unwrap();
    let file = format!("op,id,name,at\nD,1,,{AT}\r\nI,2,\"\",{AT}\n");
    let mut reader = Reader::new(&contract, file.as_bytes()).unwrap();
    let Some(Piece::Rows {
        bytes,
        count: 2,
        read,
    }) = reader.next().unwrap()
    else {
        panic!("both rows are valid")
    };
    assert_eq!((bytes, read), (&file.as_bytes()[14..], bytes.len()));
}

#[test]
fn an_invalid_field_is_reported_with_its_column_and_the_other_rows_are_valid() {
    assert_eq!(
        rows(
            "I,1,Ann,AT\nX,2,Bob,AT\nI,,Bob,AT\nI,x,Bob,AT\nI,5,,AT\nI,6,Robert,AT\nI,7,Zoé12,AT\nI,8,Bob,today\n"
        ),
        [
            "I|1|Ann|AT",
            "row 2, line 3, op: op is not one of I, U, D, c, u, d, r [X,2,Bob,AT]",
            "row 3, line 4, id: id is missing [I,,Bob,AT]",
            "row 4, line 5, id: id is not a valid NUMBER(9,0) [I,x,Bob,AT]",
            "row 5, line 6, name: name is missing [I,5,,AT]",
            "row 6, line 7, name: name is longer than 5 characters [I,6,Robert,AT]",
            "I|7|Zoé12|AT",
            "row 8, line 9, at: at is not a valid UTC timestamp: expected a value like 2026-11-23T18:52:55.123456Z [I,8,Bob,today]",
        ]
    );
}

#[test]
fn a_stray_quote_does_not_swallow_the_rows_after_it() {
    assert_eq!(
        rows("I,1,\"Ann,AT\nI,2,Bob,AT\nI,3,B\"b,AT\nI,4,\"B\"b,AT\nI,5,Eve,AT\n"),
        [
            "row 1, line 2, : text follows a closing quote [I,1,\"Ann,AT]",
            "I|2|Bob|AT",
            "I|3|B\"b|AT",
            "row 4, line 5, : text follows a closing quote [I,4,\"B\"b,AT]",
            "I|5|Eve|AT",
        ]
    );
    assert_eq!(
        rows("I,1,\"Ann,AT\nI,2,Bob,AT"),
        [
            "row 1, line 2, : a quote is never closed [I,1,\"Ann,AT]",
            "I|2|Bob|AT"
        ]
    );
}

#[test]
fn a_quoted_field_may_span_lines_and_a_malformed_row_keeps_them_together() {
    assert_eq!(
        rows("I,1,\"a\nb\",AT\nI,x,\"a\nb\",AT\nI,2,Bob,AT\n"),
        [
            "I|1|a\nb|AT",
            "row 2, line 4, id: id is not a valid NUMBER(9,0) [I,x,\"a\nb\",AT]",
            "I|2|Bob|AT",
        ]
    );
}

#[test]
fn the_number_of_fields_and_odd_line_ends_are_checked() {
    assert_eq!(
        rows("I,1,Ann\n"),
        ["row 1, line 2, : has 3 fields, expected 4 [I,1,Ann]"]
    );
    assert_eq!(
        rows("I,1,Ann,AT,x\nI,1,Ann,AT,\nI,1,Ann,AT,,\n"),
        [
            "row 1, line 2, : has 5 fields, expected 4 [I,1,Ann,AT,x]",
            "I|1|Ann|AT",
            "I|1|Ann|AT",
        ]
    );
    assert_eq!(
        rows("I,1,A\rn,AT\n"),
        ["row 1, line 2, : a carriage return stands alone [I,1,A\rn,AT]"]
    );
    assert_eq!(rows("I,1,Ann,AT\r\r\n"), ["I|1|Ann|AT"]);
    assert_eq!(
        rows("I,1, \"Ann\",AT\n"),
        ["row 1, line 2, : a blank stands before an opening quote [I,1, \"Ann\",AT]"]
    );
}

/// A file with a byte that is not UTF-8 is parsed row by row, any other by its field ends: both must give the same result.
#[test]
fn the_fast_path_and_the_exact_path_give_the_same_result() {
    const PARTS: [&str; 18] = [
        "I,1,Ann,AT\n",
        "\"U\",\"2\",\"B\"\"b\",\"AT\"\r\n",
        "D,3,,AT\n",
        "I,4,\"a\nb\",AT\n",
        "I,5,\"a,b\",AT\r\n",
        "I,6,Zoé,AT\n",
        "I,7,\"\"\"\"\"\",AT\n",
        "I,",
        "1,",
        "AT",
        "\"",
        "\"\"",
        ",",
        "\n",
        "\r",
        "\r\n",
        "x",
        "\"x\",",
    ];
    let first: u64 = std::env::var("FIRN_SEED").map_or(1, |seed| seed.parse().unwrap());
    for seed in first..first + 20_000 {
        let mut state = seed;
        let mut file = String::from("op,id,name,at\n");
        for _ in 0..seed % 40 {
            // An MMIX generator: its upper bits are good enough to choose by.
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            file += PARTS[(state >> 33) as usize % PARTS.len()];
        }
        let file = file.replace("AT", AT) + "\n";
        let quick = read(file.as_bytes()).unwrap();
        let mut exact = read(&[file.as_bytes(), b"\xff\n"].concat()).unwrap();
        let last = exact.pop().unwrap();
        assert!(last.contains("[\u{fffd}]"), "{last}");
        assert_eq!(quick, exact, "FIRN_SEED={seed}, the file {file:?}");
    }
}

#[test]
fn a_row_that_is_not_utf8_is_malformed_and_its_neighbours_are_not() {
    let mut file =
        format!("op,id,name,at\nI,1,Ann,{AT}\nI,2,B\u{1},{AT}\nI,3,Eve,{AT}\n").into_bytes();
    let at = file.iter().position(|byte| *byte == 1).unwrap();
    file[at] = 0xff;
    assert_eq!(
        read(&file).unwrap(),
        [
            "I|1|Ann|AT",
            "row 2, line 3, : is not UTF-8 [I,2,B\u{fffd},AT]",
            "I|3|Eve|AT"
        ]
    );
}

#[test]
fn a_row_longer_than_any_buffer_is_cut_and_reading_continues() {
    let long = "x".repeat(9 << 20);
    let file = format!("op,id,name,at\nI,1,\"{long}\nI,2,Bob,{AT}\n");
    let contract = Contract::parse(CONTRACT).unwrap();
    let mut reader = Reader::new(&contract, file.as_bytes()).unwrap();
    let Some(Piece::Rejected(rejected)) = reader.next().unwrap() else {
        panic!("the long row is malformed")
    };
    assert!(rejected.reason.contains("is longer than") && rejected.raw.starts_with(b"I,1,\"xxx"));
    assert_eq!((rejected.line, rejected.raw.len()), (2, 64 << 10));
    let mut valid = 0;
    while let Some(piece) = reader.next().unwrap() {
        valid += if let Piece::Rows { count, .. } = piece {
            count
        } else {
            0
        };
    }
    assert_eq!(valid, 1);
}

#[test]
fn a_truncated_gzip_file_is_reported_and_a_complete_one_is_read() {
    let folder = std::env::temp_dir().join(format!("firn-reader-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let rows: String = (0..2000)
        .map(|id| format!("I,{id},{:05},{AT}\n", id * 7919 % 99991))
        .collect();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(format!("op,id,name,at\n{rows}").as_bytes())
        .unwrap();
    let bytes = gzip.finish().unwrap();
    let contract = Contract::parse(CONTRACT).unwrap();
    let count = |bytes: &[u8]| {
        let path = folder.join("rows.csv.gz");
        std::fs::write(&path, bytes).unwrap();
        let source = decoded(std::fs::File::open(&path)?, |_| {})?;
        Validator::new(&contract, source, |_| {})?.copy(&mut std::io::sink(), usize::MAX)
    };
    assert_eq!(
        count(&bytes).unwrap(),
        RowTotals {
            rows: 2000,
            malformed: 0
        }
    );
    let error = count(&bytes[..bytes.len() / 2]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert!(
        error.to_string().contains("the gzip data is incomplete"),
        "{error}"
    );
    assert!(
        count(b"")
            .unwrap_err()
            .to_string()
            .contains("file is empty")
    );
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_copy_has_malformed_rows_in_their_position() {
    let contract = Contract::parse(CONTRACT).unwrap();
    let file = format!("op,id,name,at\nI,1,Ann,{AT}\nI,x,\"say \"\"hi\"\"\",{AT}\nI,2,Bob,{AT}");
    let mut copy = Vec::new();
    let mut reported = 0;
    let mut validator = Validator::new(&contract, file.as_bytes(), |_| reported += 1).unwrap();
    let totals = validator.copy(&mut copy, usize::MAX).unwrap();
    assert_eq!(
        (totals, reported),
        (
            RowTotals {
                rows: 3,
                malformed: 1
            },
            1
        )
    );
    let expected = format!(
        "{HEADER}I,1,Ann,{AT}\n,,,,\"id is not a valid NUMBER(9,0)\",\"I,x,\"\"say \"\"\"\"hi\"\"\"\"\"\",{AT}\"\nI,2,Bob,{AT}\n"
    );
    assert_eq!(String::from_utf8(copy).unwrap(), expected);
}

#[test]
fn a_file_is_split_between_the_same_rows_however_it_is_read() {
    let contract = Contract::parse(CONTRACT).unwrap();
    let rows = [
        format!("I,1,Ann,{AT}\n"),
        format!("I,2,\"a\nb\",{AT}\n"),
        "I,x,Bob,never\n".to_owned(),
        format!("\r\nI,3,Cal,{AT}\n"),
        format!("D,1,,{AT}\n\n\n"),
    ];
    let file = format!("op,id,name,at\n{}", rows.concat());
    for (most, count) in [(1, 5), (40, 3), (60, 2), (1000, 1)] {
        let parts = |drip| {
            let mut reported = Vec::new();
            let on_row = |row: &RejectedRow| reported.push((row.row, row.line));
            let mut validator =
                Validator::new(&contract, Drip(file.as_bytes(), drip), on_row).unwrap();
            let mut parts = Vec::new();
            while !validator.is_done().unwrap() {
                let mut part = Vec::new();
                let totals = validator.copy(&mut part, most).unwrap();
                parts.push((totals, String::from_utf8(part).unwrap()));
            }
            assert_eq!((validator.rows(), reported), (5, vec![(3, 5)]));
            parts
        };
        let whole = parts(usize::MAX);
        assert_eq!(parts(1), whole, "of {most} bytes");
        assert_eq!(whole.len(), count, "of {most} bytes");
        let all: u64 = whole.iter().map(|(totals, _)| totals.rows).sum();
        let bodies: Vec<&str> = whole
            .iter()
            .map(|(_, text)| text.strip_prefix(HEADER).unwrap())
            .collect();
        let at_once = Validator::new(&contract, file.as_bytes(), |_| {})
            .unwrap()
            .copy(&mut Vec::new(), usize::MAX)
            .unwrap();
        assert_eq!(all, at_once.rows);
        assert_eq!(bodies.concat().matches(AT).count(), 4);
    }
}
