//! The set-up of a new account: it stops where AWS must trust Snowflake, and resumes afterwards.

use snowglobe::engine::TrustPolicy;
use snowglobe::server::Options;

use super::fixture::Fixture;

const WORDS: &str =
    "bootstrap --stage-url s3://firn-landing/ --aws-role arn:aws:iam::111122223333:role/loads";

fn value(text: &str, name: &str) -> String {
    let line = text.lines().find(|line| line.starts_with(name));
    let line = line.unwrap_or_else(|| panic!("no {name} in {text}"));
    line.trim_start_matches(name).trim().to_owned()
}

#[test]
#[expect(clippy::too_many_lines, reason = "one story, read from top to bottom")]
fn bootstrap_stops_where_aws_must_trust_snowflake_and_resumes_when_it_does() {
    let fixture = Fixture::with(Options {
        strict_trust: true,
        ..Options::default()
    });
    let objects = fixture.ok(&format!("{WORDS} --until objects"));
    assert!(
        objects.contains("next is `firn bootstrap --from trust`"),
        "{objects}"
    );
    assert_eq!(fixture.number("select count(*) from CUSTOMER"), 0);
    for words in [WORDS.to_owned(), format!("{WORDS} --until trust")] {
        let stopped = fixture.run(&words);
        assert_eq!(stopped.code, Some(75), "{}", stopped.err);
        assert!(
            stopped.err.contains("bootstrap waits for AWS"),
            "{}",
            stopped.err
        );
        assert!(
            stopped.out.contains("Error assuming AWS_ROLE"),
            "{}",
            stopped.out
        );
    }
    let shown = fixture.run(WORDS).out;
    let (role, user, id) = (
        value(&shown, "role  "),
        value(&shown, "user  "),
        value(&shown, "external id  "),
    );
    assert_eq!(role, "arn:aws:iam::111122223333:role/loads");
    let start = shown.find('{').expect("a policy");
    let end = shown.rfind("\n}").expect("its end") + 2;
    let policy: serde_json::Value = serde_json::from_str(&shown[start..end]).expect("JSON");
    let statement = &policy["Statement"][0];
    assert_eq!(statement["Principal"]["AWS"], user.as_str());
    assert_eq!(
        statement["Condition"]["StringEquals"]["sts:ExternalId"],
        id.as_str()
    );
    assert!(
        shown.contains("aws iam update-assume-role-policy --role-name loads"),
        "{shown}"
    );
    let policy = TrustPolicy {
        role_arn: role,
        user_arn: user,
        external_id: id,
    };
    fixture.server.engine.trust(policy).expect("a policy");
    let trusted = fixture.ok(&format!("{WORDS} --until trust"));
    assert!(
        trusted.contains("next is `firn bootstrap --from pipe`"),
        "{trusted}"
    );
    let ready = fixture.ok(&format!("{WORDS} --from pipe"));
    assert!(
        ready.contains("CUSTOMER is ready in FIRN.PUBLIC"),
        "{ready}"
    );
    assert!(
        ready.contains("let the bucket notify arn:aws:sqs:"),
        "{ready}"
    );
    let row = super::fixture::row("I", 1, "Rome", "2026-01-01T00:00:00Z");
    fixture.file("a.csv", &[row]);
    fixture.ok("put a.csv --role FIRN_LOADER");
    let refused = fixture.fails(1, &format!("{WORDS} --from pipe --until objects"));
    assert!(
        refused.contains("--from names a step after that of --until"),
        "{refused}"
    );
    let dry = fixture.ok(&format!("{WORDS} --from pipe --dry-run"));
    assert!(
        dry.starts_with("-- 40_pipe.sql") && !dry.contains("30_tables.sql,"),
        "{dry}"
    );
}
