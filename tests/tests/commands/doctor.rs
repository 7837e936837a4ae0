//! `firn doctor` finds each kind of problem, and suggests its fix.

use std::time::Duration;

use snowglobe::engine::Clock;
use snowglobe::server::Options;

use super::fixture::{Fixture, said, wait_until};

#[test]
fn a_complete_setup_passes_every_check() {
    let fixture = Fixture::new();
    for role in ["FIRN_OWNER", "FIRN_LOADER", "ACCOUNTADMIN"] {
        let findings = fixture.ok(&format!("doctor --role {role}"));
        assert!(
            findings.lines().all(|line| line.starts_with("ok ")),
            "{findings}"
        );
        assert!(findings.contains(&format!("role: {role}")), "{findings}");
        assert!(
            findings.contains("bucket: s3://firn-landing/customer/"),
            "{findings}"
        );
    }
    let findings = fixture.json("doctor --role FIRN_OWNER --json");
    assert!(
        findings.as_array().is_some_and(|all| all.len() > 15),
        "{findings}"
    );
}

#[test]
fn each_problem_has_its_fix_and_the_fix_works() {
    let fixture = Fixture::bare();
    let reported = problems(
        &fixture,
        "ACCOUNTADMIN",
        &[
            "objects of CUSTOMER: role ACCOUNTADMIN sees none of them in FIRN.PUBLIC: run `firn bootstrap`",
        ],
    );
    assert!(reported.contains("checks failed"), "{reported}");
    fixture.ok("bootstrap");
    problems(
        &fixture,
        "PUBLIC",
        &["use --role FIRN_OWNER (FIRN_LOADER for loading only)"],
    );

    fixture.sql("drop view CUSTOMER_VERSIONS");
    fixture.sql("drop procedure MERGE_CUSTOMER(boolean, boolean)");
    problems(
        &fixture,
        "FIRN_OWNER",
        &[
            "view CUSTOMER_VERSIONS: missing, or not visible to the role: run `firn bootstrap` (90_views.sql)",
            "procedure MERGE_CUSTOMER: missing",
        ],
    );
    fixture.ok("bootstrap");
    fixture.ok("doctor --role FIRN_OWNER");

    fixture.sql("revoke usage on procedure LOAD_CUSTOMER(array) from role FIRN_LOADER");
    fixture.sql("revoke usage on procedure MERGE_CUSTOMER(boolean, boolean) from role FIRN_LOADER");
    problems(
        &fixture,
        "FIRN_OWNER",
        &[
            "grants of FIRN_LOADER: the role lacks USAGE on procedure MERGE_CUSTOMER, USAGE on procedure LOAD_CUSTOMER: run `firn bootstrap`",
        ],
    );
    problems(
        &fixture,
        "FIRN_LOADER",
        &["procedure MERGE_CUSTOMER: missing, or not visible to the role"],
    );
    fixture.ok("bootstrap");
    fixture.ok("doctor --role FIRN_LOADER");

    fixture.sql("alter task MERGE_CUSTOMER_TASK suspend");
    fixture.sql("alter pipe CUSTOMER_PIPE set pipe_execution_paused = true");
    fixture.sql("alter table CUSTOMER_HISTORY_CLOSED drop column email");
    problems(
        &fixture,
        "FIRN_OWNER",
        &[
            "task MERGE_CUSTOMER_TASK: suspended: run `alter task MERGE_CUSTOMER_TASK resume`",
            "PAUSED: run `alter pipe FIRN.PUBLIC.CUSTOMER_PIPE set pipe_execution_paused = false`",
            "table CUSTOMER_HISTORY_CLOSED lacks column email varchar(320) of the contract: run `firn bootstrap`",
        ],
    );
    fixture.ok("bootstrap");
    fixture.sql("alter pipe FIRN.PUBLIC.CUSTOMER_PIPE set pipe_execution_paused = false");
    fixture.ok("doctor --role FIRN_OWNER");
}

#[test]
fn settings_outside_of_the_account_are_checked_too() {
    let clock = Clock::system();
    let fixture = Fixture::with(Options {
        clock: clock.clone(),
        ..Options::default()
    });
    fixture.ok("bootstrap");
    clock.advance(Duration::from_secs(300));
    problems(
        &fixture,
        "FIRN_OWNER",
        &["clock: +300 s off Snowflake's clock: set the clock of this machine"],
    );
    let elsewhere = fixture.fails_with(
        &[("FIRN_STAGE_URL", "s3://nowhere/")],
        "doctor --role FIRN_OWNER",
    );
    assert!(
        elsewhere.out.contains(
            "FAIL  bucket: bucket nowhere does not exist: create it, or set another stage URL"
        ),
        "{}",
        elsewhere.out
    );
    let strange = fixture.fails_with(
        &[("AWS_SECRET_ACCESS_KEY", "wrong")],
        "doctor --role FIRN_OWNER",
    );
    assert!(
        strange.out.contains("invalid AWS credentials"),
        "{}",
        strange.out
    );
    assert!(!strange.out.contains("wrong"), "{}", strange.out);
    // The bucket is checked even if the login fails.
    let refused = fixture.fails_with(&[("SNOWFLAKE_TOKEN", "very-secret")], "doctor");
    assert!(
        refused.out.contains("FAIL  connection: login failed")
            && refused.out.contains("ok    bucket"),
        "{}",
        refused.out
    );
    assert!(!format!("{}{}", refused.out, refused.err).contains("very-secret"));
}

#[test]
fn a_pipe_of_another_version_is_replaced_and_no_file_is_lost() {
    let fixture = Fixture::new();
    let shown = fixture.sql("show pipes like 'CUSTOMER_PIPE'");
    let is_pipe = |cell: &&String| cell.to_lowercase().starts_with("copy into");
    let copy = shown[0].iter().find(is_pipe).expect("its definition");
    fixture.sql("drop pipe CUSTOMER_PIPE");
    fixture.sql(&format!(
        "create pipe CUSTOMER_PIPE auto_ingest = true as {copy}"
    ));
    problems(
        &fixture,
        "FIRN_OWNER",
        &["pipe CUSTOMER_PIPE: was made by another version of Firn: run `firn bootstrap`"],
    );
    // Its file is in the bucket, and its notification never comes.
    fixture.sql("drop pipe CUSTOMER_PIPE");
    fixture.sql(
        "copy into @CUSTOMER_STAGE/of-others.csv from (select 'I' as op, 7 as customer_id, 'A' as first_name, 'B' as last_name, \
         '2026-01-05T10:00:00Z' as updated_at, 1 as sequence) file_format = (type = csv compression = none) header = true single = true",
    );
    fixture.sql(&format!(
        "create pipe CUSTOMER_PIPE auto_ingest = true as {copy}"
    ));
    fixture.ok("bootstrap");
    let found = fixture.ok("doctor --role FIRN_OWNER");
    assert!(
        found.contains("ok    pipe CUSTOMER_PIPE: running"),
        "{found}"
    );
    wait_until("the file of others is merged", || {
        fixture.number("select count(*) from CUSTOMER") == 1
    });
}

#[test]
fn doctor_says_whether_aws_trusts_snowflake_and_whether_the_bucket_notifies() {
    let fixture = Fixture::new();
    let found = fixture.ok("doctor --role FIRN_OWNER");
    assert!(
        found.contains("ok    trust of AWS in FIRN_S3: granted"),
        "{found}"
    );
    assert!(
        found.contains("notification of CUSTOMER_PIPE: none yet"),
        "{found}"
    );
    fixture.sql_as("ACCOUNTADMIN", "drop integration FIRN_S3");
    fixture.sql_as("ACCOUNTADMIN", "create storage integration FIRN_S3 type = external_stage storage_provider = 'S3' enabled = true \
         storage_aws_role_arn = 'arn:aws:iam::111122223333:role/other' storage_allowed_locations = ('s3://elsewhere/')");
    fixture.sql_as(
        "ACCOUNTADMIN",
        "grant usage on integration FIRN_S3 to role FIRN_OWNER",
    );
    problems(&fixture, "FIRN_OWNER", &["trust of AWS in FIRN_S3: "]);
}

/// The report of doctor as `role`, after checking that it contains each of `wanted`.
fn problems(fixture: &Fixture, role: &str, wanted: &[&str]) -> String {
    let said = said(
        fixture
            .firn(&format!("doctor --role {role}"))
            .output()
            .expect("firn runs"),
    );
    assert_eq!(said.code, Some(1), "{}", said.out);
    for text in wanted {
        assert!(said.out.contains(text), "{text}:\n{}", said.out);
    }
    said.err
}
