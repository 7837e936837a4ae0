//! Who gets in. The codes are those of Snowflake's page "Authenticating Snowflake REST APIs with Snowflake".

use crate::client::{Client, answer};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;
use sha2::{Digest, Sha256};
use snowglobe::server::Options;
use std::time::{SystemTime, UNIX_EPOCH};

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// A token of the first user, made of the key in the data folder as Snowflake's drivers make theirs.
fn jwt(client: &Client, issued: u64) -> String {
    let credentials = &client.server.credentials;
    let pem = std::fs::read(credentials.private_key_file.as_ref().unwrap()).unwrap();
    let der = STANDARD
        .decode(credentials.public_key.as_ref().unwrap())
        .unwrap();
    let user = format!("FIRN.{}", credentials.user);
    let claims = json!({
        "iss": format!("{user}.SHA256:{}", STANDARD.encode(Sha256::digest(der))),
        "sub": user,
        "iat": issued,
        "exp": issued + 3600,
    });
    jsonwebtoken::encode(
        &Header::new(Algorithm::RS256),
        &claims,
        &EncodingKey::from_rsa_pem(&pem).unwrap(),
    )
    .unwrap()
}

/// Status and code of a statement sent with these two headers; an empty one is left away.
async fn enter(client: &Client, token: &str, kind: &str) -> (u16, String) {
    let mut request = client
        .http
        .post(format!("{}/api/v2/statements", client.server.url()));
    for (name, value) in [
        ("authorization", token),
        ("x-snowflake-authorization-token-type", kind),
    ] {
        if !value.is_empty() {
            request = request.header(name, value);
        }
    }
    let request = request
        .header("accept", "application/json")
        .header("content-type", "application/json");
    let answer = answer(
        request
            .header("user-agent", "test/1")
            .body(r#"{"statement":"select 1"}"#),
    )
    .await;
    (answer.status, answer.code().to_owned())
}

#[tokio::test]
async fn a_key_pair_opens_the_door_for_an_hour() {
    let dir = tempfile::tempdir().unwrap();
    let client = Client::start_with(Options {
        data: Some(dir.path().into()),
        ..Options::default()
    })
    .await;
    let fresh = format!("Bearer {}", jwt(&client, now()));
    for kind in ["KEYPAIR_JWT", ""] {
        assert_eq!(
            enter(&client, &fresh, kind).await,
            (200, "090001".into()),
            "{kind}"
        );
    }
    let stale = format!("Bearer {}", jwt(&client, now() - 3700));
    assert_eq!(
        enter(&client, &stale, "KEYPAIR_JWT").await,
        (401, "390144".into())
    );
    let forged = format!("{}AAAA", &fresh[..fresh.len() - 4]);
    assert_eq!(
        enter(&client, &forged, "KEYPAIR_JWT").await,
        (401, "390144".into())
    );
}

#[tokio::test]
async fn everything_else_is_refused_with_snowflakes_code() {
    let client = Client::start().await;
    let right = format!("Bearer {}", client.server.credentials.token);
    for (token, kind, code) in [
        ("", "", "390101"),
        ("Basic YWRtaW46YWRtaW4=", "", "390101"),
        ("Bearer ", "", "390101"),
        ("Bearer wrong", "PROGRAMMATIC_ACCESS_TOKEN", "394400"),
        ("Bearer wrong", "KEYPAIR_JWT", "390144"),
        ("Bearer a.b.c", "", "390144"),
        (&right, "OAUTH", "390303"),
        (&right, "PASSWORD", "390101"),
    ] {
        assert_eq!(
            enter(&client, token, kind).await,
            (401, code.into()),
            "{token} {kind}"
        );
    }
    assert_eq!(
        enter(&client, &right, "PROGRAMMATIC_ACCESS_TOKEN").await.0,
        200
    );
}

#[tokio::test]
async fn every_path_but_health_asks_who_calls() {
    let client = Client::start().await;
    for (method, path) in [
        ("GET", "/api/v2/statements/x"),
        ("POST", "/api/v2/statements/x/cancel"),
        ("POST", "/v1/data/pipes/p/insertFiles"),
        ("GET", "/v1/data/pipes/p/insertReport"),
        ("GET", "/v1/data/pipes/p/loadHistoryScan"),
        ("GET", "/_snowglobe/faults"),
        ("POST", "/_snowglobe/faults"),
        ("DELETE", "/_snowglobe/faults"),
        ("DELETE", "/_snowglobe/faults/1"),
        ("GET", "/_snowglobe/clock"),
        ("POST", "/_snowglobe/clock"),
        ("POST", "/_snowglobe/warehouses/w/suspend"),
    ] {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let response = client
            .http
            .request(method, format!("{}{path}", client.server.url()))
            .send()
            .await
            .unwrap();
        assert_eq!(response.status().as_u16(), 401, "{path}");
    }
    let health = client
        .http
        .get(format!("{}/_snowglobe/health", client.server.url()))
        .send()
        .await
        .unwrap();
    assert_eq!(health.status().as_u16(), 200);
}

#[tokio::test]
async fn faults_clock_warehouses_and_trust_take_the_admin_token() {
    let dir = tempfile::tempdir().unwrap();
    let client = Client::start_with(Options {
        data: Some(dir.path().into()),
        ..Options::default()
    })
    .await;
    let user = jwt(&client, now());
    for (method, path) in [
        ("GET", "/_snowglobe/faults"),
        ("POST", "/_snowglobe/faults"),
        ("DELETE", "/_snowglobe/faults"),
        ("DELETE", "/_snowglobe/faults/1"),
        ("GET", "/_snowglobe/clock"),
        ("POST", "/_snowglobe/clock"),
        ("POST", "/_snowglobe/warehouses/w/suspend"),
        ("GET", "/_snowglobe/trust"),
        ("POST", "/_snowglobe/trust"),
        ("DELETE", "/_snowglobe/trust"),
    ] {
        let verb = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = client
            .http
            .request(verb, format!("{}{path}", client.server.url()))
            .bearer_auth(&user);
        let refused = answer(request).await;
        assert_eq!(refused.status, 403, "{method} {path}: {}", refused.json);
    }
    assert_eq!(client.get("/_snowglobe/clock").await.status, 200);
}
