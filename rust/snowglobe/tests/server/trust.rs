//! Trust policies of AWS roles, as a user sets them over HTTP.

use crate::client::Client;
use serde_json::json;
use snowglobe::server::Options;

const INTEGRATION: &str = "create storage integration i type = external_stage storage_provider = s3 enabled = true \
     storage_aws_role_arn = 'arn:aws:iam::1:role/loads' storage_allowed_locations = ('s3://lake/')";
const PIPE: &str = "create pipe p auto_ingest = true as copy into t from @s";

async fn client(options: Options) -> Client {
    let client = Client::start_with(Options {
        buckets: vec!["lake".to_owned()],
        ..options
    })
    .await;
    for sql in [
        "create table t (v varchar)",
        INTEGRATION,
        "create stage s url = 's3://lake/' storage_integration = i",
    ] {
        let answer = client.submit("", sql).await;
        assert_eq!(answer.status, 200, "{}", answer.json);
    }
    client
}

#[tokio::test]
async fn by_default_every_role_trusts() {
    let client = client(Options::default()).await;
    assert_eq!(client.submit("", PIPE).await.status, 200);
}

#[tokio::test]
async fn with_strict_trust_a_role_trusts_once_its_policy_names_what_desc_integration_shows() {
    let client = client(Options {
        strict_trust: true,
        ..Options::default()
    })
    .await;
    let refused = client.submit("", PIPE).await;
    assert_eq!(refused.status, 422, "{}", refused.json);
    assert_eq!(refused.text("code"), "003167");

    let described = client.submit("", "describe integration i").await.json;
    let property = |name: &str| {
        let rows = described["data"].as_array().unwrap();
        let row = rows.iter().find(|row| row[0] == name).unwrap();
        row[2].as_str().unwrap().to_owned()
    };
    let policy = json!({
        "role_arn": property("STORAGE_AWS_ROLE_ARN"),
        "user_arn": property("STORAGE_AWS_IAM_USER_ARN"),
        "external_id": property("STORAGE_AWS_EXTERNAL_ID"),
    });
    let answer = client.post("/_snowglobe/trust", &policy).await;
    assert_eq!(answer.json, json!({"policies": [policy]}));
    assert_eq!(client.submit("", PIPE).await.status, 200);
}

#[tokio::test]
async fn trust_policies_are_for_users_and_have_no_other_fields() {
    let client = Client::start().await;
    let stranger = client
        .http
        .get(format!("{}/_snowglobe/trust", client.server.url()));
    assert_eq!(stranger.send().await.unwrap().status(), 401);
    let policy = json!({"role_arn": "r", "user_arn": "u", "external_id": "x", "more": 1});
    assert_eq!(client.post("/_snowglobe/trust", &policy).await.status, 400);
}
