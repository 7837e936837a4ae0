//! `firn doctor` finds each kind of trouble, and says what cures it.

use std::time::Duration;

use snowglobe::engine::Clock;
use snowglobe::server::Options;

use super::ground::{Ground, said};

#[test]
fn a_pipeline_that_is_well_has_nothing_ill() {
    let ground = Ground::new();
    for role in ["FIRN_OWNER", "FIRN_LOADER", "ACCOUNTADMIN"] {
        let findings = ground.ok(&format!("doctor --role {role}"));
        assert!(
            findings.lines().all(|line| line.starts_with("well")),
            "{findings}"
        );
        assert!(findings.contains(&format!("role: {role}")), "{findings}");
        assert!(
            findings.contains("bucket: s3://firn-landing/customer/"),
            "{findings}"
        );
    }
    let findings = ground.json("doctor --role FIRN_OWNER --json");
    assert!(
        findings.as_array().is_some_and(|all| all.len() > 15),
        "{findings}"
    );
}

#[test]
fn each_trouble_has_its_cure_and_the_cure_cures() {
    let ground = Ground::bare();
    let told = ill(
        &ground,
        "ACCOUNTADMIN",
        &[
            "objects of CUSTOMER: role ACCOUNTADMIN sees none of them in FIRN.PUBLIC: run `firn bootstrap`",
        ],
    );
    assert!(told.contains("checks found trouble"), "{told}");
    ground.ok("bootstrap");
    ill(
        &ground,
        "PUBLIC",
        &["take a role that may see them (--role FIRN_OWNER, or FIRN_LOADER to load only)"],
    );

    ground.sql("drop view CUSTOMER_VERSIONS");
    ground.sql("drop procedure MERGE_CUSTOMER()");
    ill(
        &ground,
        "FIRN_OWNER",
        &[
            "view CUSTOMER_VERSIONS: is missing, or the role may not see it: run `firn bootstrap` (90_views.sql)",
            "procedure MERGE_CUSTOMER: is missing",
        ],
    );
    ground.ok("bootstrap");
    ground.ok("doctor --role FIRN_OWNER");

    ground.sql("revoke operate on pipe CUSTOMER_PIPE from role FIRN_LOADER");
    ground.sql("revoke usage on procedure MERGE_CUSTOMER() from role FIRN_LOADER");
    ill(
        &ground,
        "FIRN_OWNER",
        &[
            "grants of FIRN_LOADER: it may not load, as it lacks OPERATE on pipe CUSTOMER_PIPE, USAGE on procedure MERGE_CUSTOMER: run `firn bootstrap`",
        ],
    );
    ill(
        &ground,
        "FIRN_LOADER",
        &["procedure MERGE_CUSTOMER: is missing, or the role may not see it"],
    );
    ground.ok("bootstrap");
    ground.ok("doctor --role FIRN_LOADER");

    ground.sql("alter task MERGE_CUSTOMER_TASK suspend");
    ground.sql("alter pipe CUSTOMER_PIPE set pipe_execution_paused = true");
    ground.sql("alter table CUSTOMER_HISTORY drop column email");
    ill(
        &ground,
        "FIRN_OWNER",
        &[
            "task MERGE_CUSTOMER_TASK: is suspended: `alter task MERGE_CUSTOMER_TASK resume`",
            "is PAUSED: `alter pipe FIRN.PUBLIC.CUSTOMER_PIPE set pipe_execution_paused = false`",
            "table CUSTOMER_HISTORY has no column email, which the contract has: `alter table CUSTOMER_HISTORY add column email varchar(320)`",
        ],
    );
    // What bootstrap cannot mend it does not touch.
    let refused = ground.fails(1, "bootstrap");
    assert!(refused.contains("has no column email"), "{refused}");
    ground.sql("alter table CUSTOMER_HISTORY add column email varchar(320)");
    ground.ok("bootstrap");
    ground.sql("alter pipe FIRN.PUBLIC.CUSTOMER_PIPE set pipe_execution_paused = false");
    ground.ok("doctor --role FIRN_OWNER");
}

#[test]
fn what_is_outside_of_the_account_is_looked_at_too() {
    let clock = Clock::system();
    let ground = Ground::with(Options {
        clock: clock.clone(),
        ..Options::default()
    });
    ground.ok("bootstrap");
    clock.advance(Duration::from_secs(300));
    ill(
        &ground,
        "FIRN_OWNER",
        &["clock: +300 s from Snowflake's: set this machine's clock"],
    );
    let elsewhere = ground.fails_with(
        &[("FIRN_STAGE_URL", "s3://nowhere/")],
        "doctor --role FIRN_OWNER",
    );
    assert!(
        elsewhere
            .out
            .contains("ILL   bucket: bucket nowhere is not there: create it, or name another"),
        "{}",
        elsewhere.out
    );
    let strange = ground.fails_with(
        &[("AWS_SECRET_ACCESS_KEY", "wrong")],
        "doctor --role FIRN_OWNER",
    );
    assert!(
        strange.out.contains("the AWS credentials were refused"),
        "{}",
        strange.out
    );
    assert!(!strange.out.contains("wrong"), "{}", strange.out);
    // Without a login the bucket is looked at all the same.
    let refused = ground.fails_with(&[("SNOWFLAKE_TOKEN", "very-secret")], "doctor");
    assert!(
        refused
            .out
            .contains("ILL   connection: the login was refused")
            && refused.out.contains("well  bucket"),
        "{}",
        refused.out
    );
    assert!(!format!("{}{}", refused.out, refused.err).contains("very-secret"));
}

/// What doctor says of troubles as `role`; it must tell each of `wanted`.
fn ill(ground: &Ground, role: &str, wanted: &[&str]) -> String {
    let said = said(
        ground
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
