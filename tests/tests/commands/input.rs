//! Invalid files, buckets and tables: each has its message and its fix, and nothing is lost.

use std::fs;
use std::io::Write;

use firn::contract::Contract;

use super::fixture::{Fixture, row};

const PUT: &str = "--role FIRN_LOADER --json";

fn header() -> String {
    Contract::customer().header().collect::<Vec<_>>().join(",")
}

#[test]
#[expect(clippy::too_many_lines, reason = "one story, read from top to bottom")]
fn a_file_that_does_not_fit_the_contract_is_rejected_with_a_reason() {
    let fixture = Fixture::new();
    let good = format!(
        "{}\n{}\n",
        header(),
        row("I", 1, "Rome", "2026-01-01T00:00:00Z")
    );
    let write = |name: &str, bytes: &[u8]| fs::write(fixture.path(name), bytes).expect("a file");
    write("wrong.csv", b"id,name\n1,x\n");
    write(
        "short.csv",
        format!("{}\n", header().replace(",city", "")).as_bytes(),
    );
    write("empty.csv", b"");
    fs::create_dir(fixture.path("folder")).expect("a folder");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(good.as_bytes()).expect("it compresses");
    let gzip = gzip.finish().expect("it compresses");
    write("cut.csv.gz", &gzip[..gzip.len() - 6]);
    let zstd = zstd::encode_all(good.as_bytes(), 1).expect("it compresses");
    write("cut.csv.zst", &zstd[..zstd.len() - 6]);
    let mut damaged = gzip.clone();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 8].fill(0xff);
    write("damaged.csv.gz", &damaged);
    for (name, code, reported) in [
        (
            "wrong.csv",
            1,
            "the header has none of the contract's columns",
        ),
        (
            "short.csv",
            1,
            "the header differs from the contract: it lacks `city`",
        ),
        ("empty.csv", 1, "file is empty: expected a header row"),
        (
            "folder",
            1,
            "is a directory: name a file, or watch the directory with `firn watch`",
        ),
        ("none.csv", 1, "No such file"),
        (
            "/dev/null",
            1,
            "is a pipe or a device and cannot be read twice: write the data to a file first",
        ),
        (
            "cut.csv.gz",
            1,
            "the gzip data is incomplete: fetch the file again",
        ),
        (
            "cut.csv.zst",
            1,
            "the zstd data is incomplete: fetch the file again",
        ),
        ("damaged.csv.gz", 1, "the gzip data is damaged"),
    ] {
        let said = fixture.fails(code, &format!("put {name} {PUT}"));
        assert!(
            said.contains(reported) && said.contains(name),
            "{name}: {said}"
        );
        let errors = said.lines().filter(|line| !line.starts_with("hint: "));
        assert_eq!(errors.count(), 1, "{name}: {said}");
    }
    let objects = fixture
        .server
        .objects
        .with_bucket(super::fixture::BUCKET, |bucket| bucket.objects.len());
    assert_eq!(
        objects.expect("the bucket"),
        0,
        "nothing of a file that is refused is uploaded"
    );

    // Each of them is loaded when it is complete.
    write("cut.csv.gz", &gzip);
    write("cut.csv.zst", &zstd);
    write("header.csv", format!("{}\n", header()).as_bytes());
    let put = fixture.json(&format!("put cut.csv.gz cut.csv.zst header.csv {PUT}"));
    let rows: Vec<_> = put
        .as_array()
        .expect("three files")
        .iter()
        .map(|one| one["rows_in"].clone())
        .collect();
    assert_eq!(rows, [1, 1, 0]);
    assert!(
        fixture
            .ok("status --role FIRN_OWNER")
            .contains("rows in 2 = history 1 + duplicates 1 + rejects 0   holds")
    );
}

#[test]
fn malformed_rows_are_loaded_as_rejects_with_their_reason() {
    let fixture = Fixture::new();
    let mut bytes = format!(
        "{}\n{}\n",
        header(),
        row("I", 1, "Rome", "2026-01-01T00:00:00Z")
    )
    .into_bytes();
    bytes.extend_from_slice(b"I,2,Ann,Lee,,,,Caf\xe9,,,,2026-01-01T00:00:00Z,1\n");
    bytes.extend_from_slice(b"I,3,Ann\n");
    bytes.extend_from_slice(row("I", 4, "Oslo", "2026-01-01T00:00:00Z").as_bytes());
    fs::write(fixture.path("mixed.csv"), bytes).expect("a file");
    let said = fixture.run(&format!("put mixed.csv {PUT}"));
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(
        said.err.contains("mixed.csv:3: row 2: ") && said.err.contains("UTF-8"),
        "{}",
        said.err
    );
    assert!(
        said.err.contains("mixed.csv:4: row 3: has 3 fields"),
        "{}",
        said.err
    );
    let rejects =
        fixture.sql("select source_row, raw_line from CUSTOMER_REJECTS order by source_row");
    assert_eq!(rejects.len(), 2);
    assert!(
        rejects[0][1].contains("Caf\\xE9") && rejects[1] == ["3", "I,3,Ann"],
        "{rejects:?}"
    );
    assert!(
        fixture
            .ok("status --role FIRN_OWNER")
            .contains("rows in 4 = history 2 + duplicates 0 + rejects 2   holds")
    );
}

#[test]
fn bad_files_among_good_ones_are_all_reported_and_the_good_ones_load() {
    let fixture = Fixture::new();
    for id in [1, 2] {
        let rows = [row("I", id, "Rome", "2026-01-01T00:00:00Z")];
        fixture.file(&format!("{id}.csv"), &rows);
    }
    fs::write(fixture.path("empty.csv"), "").expect("a file");
    fs::write(fixture.path("header.csv"), "id,name\n1,x\n").expect("a file");
    let words = "put 1.csv header.csv 2.csv empty.csv none.csv --role FIRN_LOADER";
    let said = fixture.run(words);
    assert_eq!(said.code, Some(1), "{}", said.err);
    for bad in ["header.csv", "empty.csv", "none.csv"] {
        assert!(said.err.contains(bad), "{bad}: {}", said.err);
    }
    for good in ["customer/.firn/1-", "customer/.firn/2-"] {
        assert!(said.out.contains(good), "{good}: {}", said.out);
    }
    assert_eq!(fixture.number("select count(*) from CUSTOMER"), 2);
}

#[test]
fn many_rejects_are_summarized_and_may_fail_the_command() {
    let fixture = Fixture::new();
    let mut rows = vec![row("I", 1, "Rome", "2026-01-01T00:00:00Z")];
    rows.extend((0..99).map(|id| row("I", id, "Rome", "yesterday")));
    fixture.file("a.csv", &rows);
    let put = "put a.csv --role FIRN_LOADER";
    let said = fixture.run(put);
    assert_eq!(
        (said.code, said.err.lines().count()),
        (Some(0), 2),
        "{}",
        said.err
    );
    assert!(
        said.err.contains("99 malformed rows, by reason:"),
        "{}",
        said.err
    );
    fixture.ok(&format!("{put} --max-rejects 99"));
    let said = fixture.fails(1, &format!("{put} --max-rejects 10% --max-lines 1"));
    assert!(said.contains("99 of 100 rows are rejects"), "{said}");
    assert_eq!(said.lines().count(), 2, "{said}");
}

#[test]
fn wrong_privileges_buckets_and_tables_are_reported_and_nothing_is_lost() {
    let fixture = Fixture::new();
    // Only the commands below merge.
    fixture.sql("alter task MERGE_CUSTOMER_TASK suspend");
    let rows = [
        row("I", 1, "Rome", "2026-01-01T00:00:00Z"),
        row("I", 2, "Oslo", "2026-01-01T00:00:00Z"),
    ];
    fixture.file("a.csv", &rows);

    let said = fixture.fails(1, "put a.csv --role PUBLIC");
    assert!(
        said.contains("REPORT_CUSTOMER") && said.contains("use another role; `firn doctor` shows"),
        "{said}"
    );
    let said = fixture.fails_with(
        &[("FIRN_STAGE_URL", "s3://nowhere/")],
        &format!("put a.csv {PUT}"),
    );
    assert!(
        said.err
            .contains("stage CUSTOMER_STAGE reads s3://firn-landing/customer/, but files would be uploaded to s3://nowhere/customer/"),
        "{}",
        said.err
    );
    let said = fixture.fails_with(
        &[("FIRN_STAGE_URL", "gs://other/")],
        &format!("put a.csv {PUT}"),
    );
    assert!(
        said.err.contains("expected s3://bucket/prefix/"),
        "{}",
        said.err
    );
    let said = fixture.fails_with(
        &[("AWS_ACCESS_KEY_ID", "AKIANOBODY")],
        &format!("put a.csv {PUT}"),
    );
    assert!(
        said.err.contains("invalid AWS credentials") && said.err.contains("renew them"),
        "{}",
        said.err
    );
    let said = fixture.fails_with(
        &[("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")],
        &format!("put a.csv {PUT}"),
    );
    assert_eq!(said.code, Some(75), "{}", said.err);
    assert!(
        said.err.contains("bucket firn-landing cannot be reached"),
        "{}",
        said.err
    );

    // A table that lacks a column accepts no rows, and the uploaded rows wait in staging.
    fixture.sql("alter table CUSTOMER_HISTORY_OPEN drop column phone");
    let said = fixture.run(&format!("put a.csv {PUT}"));
    assert_ne!(said.code, Some(0), "{}", said.out);
    assert!(
        said.err
            .contains("a table lacks a column of the contract; run `firn doctor` to see which"),
        "{}",
        said.err
    );
    fixture.sql("alter table CUSTOMER_HISTORY_OPEN add column phone varchar(32)");
    let put = fixture.json(&format!("put a.csv {PUT}"));
    assert_eq!(
        (
            &put[0]["rows_in"],
            &put[0]["history"],
            &put[0]["duplicates"]
        ),
        (&2.into(), &2.into(), &0.into())
    );
    fixture.ok("verify --role FIRN_OWNER");
}
