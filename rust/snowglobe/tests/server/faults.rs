//! Faults, as a user arms them over HTTP and as a client meets them.

use crate::client::{Client, answer};
use serde_json::json;
use std::time::{Duration, Instant};

/// Sends a statement that may find no answer.
async fn try_submit(client: &Client, query: &str, sql: &str) -> Result<String, reqwest::Error> {
    let request = client.request("POST", &format!("/api/v2/statements?{query}"));
    let request = request
        .header("content-type", "application/json")
        .body(json!({ "statement": sql, "database": "FIRN" }).to_string());
    request.send().await?.text().await
}

#[tokio::test]
async fn a_refusal_comes_before_anything_runs_and_only_as_often_as_armed() {
    let client = Client::start().await;
    client
        .arm(json!({"fault": "refuse", "status": 429, "retry_after_seconds": 7}))
        .await;
    let refused = client.submit("", "create table t (i int)").await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.headers["retry-after"], "7");
    assert_eq!(
        client.submit("", "create table t (i int)").await.status,
        200
    );
}

#[tokio::test]
async fn an_answer_that_is_lost_was_given_to_a_statement_that_ran() {
    let client = Client::start().await;
    client
        .arm(json!({"fault": "lose_answer", "on": {"body_contains": "create table"}}))
        .await;
    let create = "CREATE TABLE t (i int)";
    assert!(try_submit(&client, "requestId=r1", create).await.is_err());
    assert_eq!(
        client.submit("", "select * from t").await.status,
        200,
        "it ran"
    );
    let retried = client.submit("requestId=r1&retry=true", create).await;
    assert_eq!(
        retried.status, 200,
        "the retry finds its outcome: {}",
        retried.json
    );
}

#[tokio::test]
async fn a_call_that_is_lost_did_not_run() {
    let client = Client::start().await;
    for fault in ["lose_call", "cut_call"] {
        client
            .arm(json!({"fault": fault, "on": {"path_contains": "/api/v2/statements"}}))
            .await;
        assert!(
            try_submit(&client, "", "create table t (i int)")
                .await
                .is_err(),
            "{fault}"
        );
        assert_eq!(
            client.submit("", "select * from t").await.status,
            422,
            "{fault}"
        );
    }
}

#[tokio::test]
async fn an_answer_can_break_off_in_its_middle() {
    let client = Client::start().await;
    client.arm(json!({"fault": "cut_answer"})).await;
    assert!(try_submit(&client, "", "select 1").await.is_err());
    assert!(try_submit(&client, "", "select 1").await.is_ok());
}

#[tokio::test]
async fn an_answer_can_be_slow() {
    let client = Client::start().await;
    client.arm(json!({"fault": "slow", "millis": 150})).await;
    let start = Instant::now();
    assert_eq!(client.submit("", "select 1").await.status, 200);
    assert!(start.elapsed() >= Duration::from_millis(150));
}

#[tokio::test]
async fn faults_are_listed_and_disarmed() {
    let client = Client::start().await;
    let id = client
        .arm(json!({"fault": "refuse", "status": 503, "skip": 1, "times": null}))
        .await;
    assert_eq!(
        client.submit("", "select 1").await.status,
        200,
        "the first passes"
    );
    assert_eq!(client.submit("", "select 1").await.status, 503);
    let listed = client.get("/_snowglobe/faults").await.json["faults"][0].clone();
    assert_eq!(
        (listed["id"].as_u64(), listed["struck"].as_u64()),
        (Some(id), Some(1))
    );
    let disarmed = answer(client.request("DELETE", &format!("/_snowglobe/faults/{id}"))).await;
    assert_eq!(disarmed.status, 200);
    assert_eq!(client.submit("", "select 1").await.status, 200);
    assert_eq!(
        answer(client.request("DELETE", "/_snowglobe/faults/99"))
            .await
            .status,
        404
    );
    let wrong = client
        .post("/_snowglobe/faults", &json!({"fault": "explode"}))
        .await;
    assert!(
        wrong.status == 400 && wrong.text("message").contains("explode"),
        "{}",
        wrong.json
    );
}

#[tokio::test]
async fn time_moves_forward_only() {
    let client = Client::start().await;
    let before = client.server.engine.clock().now_micros();
    let moved = client
        .post("/_snowglobe/clock", &json!({"advance_seconds": 3600}))
        .await;
    assert_eq!(moved.status, 200, "{}", moved.json);
    assert!(client.server.engine.clock().now_micros() >= before + 3_600_000_000);
    for wrong in [
        json!({"advance_seconds": -1}),
        json!({"advance_seconds": 1e12}),
        json!({}),
    ] {
        assert_eq!(
            client.post("/_snowglobe/clock", &wrong).await.status,
            400,
            "{wrong}"
        );
    }
    assert_eq!(
        client.submit("", "select 1").await.status,
        200,
        "no token expires by it"
    );
}
