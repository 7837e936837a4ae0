//! SQL API v2: submit, poll, partitions, cancel, retries, several statements.
//! The expectations are those of Snowflake's pages "Snowflake SQL API reference" and "Handling responses".

use crate::client::{Client, gzip};
use serde_json::json;
use snowglobe::server::Options;
use snowglobe::wire::Limits;
use std::time::Duration;

#[tokio::test]
async fn a_statement_is_answered_with_its_rows_and_where_to_find_them_again() {
    let client = Client::start().await;
    let answer = client.submit("requestId=r1", "select 1 as one").await;
    assert_eq!((answer.status, answer.code()), (200, "090001"));
    assert_eq!(answer.text("sqlState"), "00000");
    assert_eq!(answer.json["data"].as_array().unwrap().len(), 1);
    assert_eq!(answer.json["resultSetMetaData"]["numRows"], 1);
    assert_eq!(
        answer.json["resultSetMetaData"]["rowType"][0]["name"],
        "ONE"
    );
    let url = format!(
        "/api/v2/statements/{}?requestId=r1",
        answer.text("statementHandle")
    );
    assert_eq!(answer.text("statementStatusUrl"), url);
    assert_eq!(client.get(&url).await.json["data"], answer.json["data"]);
}

#[tokio::test]
async fn an_asynchronous_statement_is_answered_at_once_and_polled() {
    let client = Client::start().await;
    let answer = client.submit("async=true", "select 1").await;
    assert_eq!((answer.status, answer.code()), (202, "333334"));
    let ended = client.ended(answer.text("statementHandle")).await;
    assert_eq!((ended.status, ended.code()), (200, "090001"));
}

#[tokio::test]
async fn a_statement_longer_than_the_wait_is_answered_with_202() {
    let limits = Limits {
        wait: Duration::ZERO,
        ..Limits::default()
    };
    let client = Client::start_with(Options {
        limits,
        ..Options::default()
    })
    .await;
    let answer = client.submit("", "select 1").await;
    assert_eq!((answer.status, answer.code()), (202, "333334"));
    assert_eq!(
        client.ended(answer.text("statementHandle")).await.status,
        200
    );
}

#[tokio::test]
async fn a_request_sent_again_with_retry_runs_once() {
    let client = Client::start().await;
    let first = client
        .submit("requestId=r1", "create table once (i int)")
        .await;
    assert_eq!(first.status, 200, "{}", first.json);
    let again = client
        .submit("requestId=r1&retry=true", "create table once (i int)")
        .await;
    assert_eq!(
        again.status, 200,
        "run twice, it would fail: {}",
        again.json
    );
    assert_eq!(again.text("statementHandle"), first.text("statementHandle"));
    let anew = client
        .submit("requestId=r2&retry=true", "create table once (i int)")
        .await;
    assert_eq!(anew.status, 422, "another request does run");
}

#[tokio::test]
async fn retries_that_overtake_the_first_run_join_it() {
    let client = Client::start().await;
    let sql = "create table once (i int)";
    let answers =
        futures::future::join_all((0..8).map(|_| client.submit("requestId=r1&retry=true", sql)))
            .await;
    let first = answers[0].text("statementHandle");
    for answer in &answers {
        assert_eq!(
            (answer.status, answer.text("statementHandle")),
            (200, first),
            "{}",
            answer.json
        );
    }
}

#[tokio::test]
async fn a_statement_that_fails_is_422_with_code_and_sqlstate() {
    let client = Client::start().await;
    let answer = client.submit("", "selekt 1").await;
    assert_eq!(answer.status, 422);
    assert!(
        answer.code().len() == 6 && answer.text("sqlState").len() == 5,
        "{}",
        answer.json
    );
    assert!(answer.text("message").contains("SQL compilation error"));
    let handle = answer.text("statementHandle");
    assert_eq!(
        client.ended(handle).await.status,
        422,
        "polled later, it is still the same"
    );
}

#[tokio::test]
async fn several_statements_have_a_handle_each() {
    let client = Client::start().await;
    let body =
        json!({"statement": "select 1; select 2", "parameters": {"MULTI_STATEMENT_COUNT": "2"}});
    let answer = client.post("/api/v2/statements", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.json);
    assert_eq!(
        answer.json["data"],
        json!([["Multiple statements executed successfully."]])
    );
    let handles = answer.json["statementHandles"].as_array().unwrap();
    assert_eq!(handles.len(), 2);
    for handle in handles {
        assert_eq!(
            client.ended(handle.as_str().unwrap()).await.json["resultSetMetaData"]["numRows"],
            1
        );
    }
}

#[tokio::test]
async fn the_first_statement_that_fails_ends_the_request() {
    let client = Client::start().await;
    let sql = "create table first (i int); selekt 1; create table third (i int)";
    let body =
        json!({"statement": sql, "database": "FIRN", "parameters": {"MULTI_STATEMENT_COUNT": "0"}});
    assert_eq!(client.post("/api/v2/statements", &body).await.status, 422);
    assert_eq!(client.submit("", "select * from first").await.status, 200);
    assert_eq!(client.submit("", "select * from third").await.status, 422);
}

#[tokio::test]
async fn a_wrong_count_of_statements_runs_none() {
    let client = Client::start().await;
    let answer = client.submit("", "create table t (i int); select 1").await;
    assert_eq!((answer.status, answer.code()), (422, "000008"));
    assert_eq!(
        answer.text("message"),
        "Actual statement count 2 did not match the desired statement count 1."
    );
    assert_eq!(client.submit("", "select * from t").await.status, 422);
}

#[tokio::test]
async fn a_long_result_comes_in_partitions_the_later_ones_compressed() {
    let limits = Limits {
        partition_bytes: 64,
        ..Limits::default()
    };
    let client = Client::start_with(Options {
        limits,
        ..Options::default()
    })
    .await;
    let rows: Vec<_> = (0..50)
        .map(|row| format!("select {row} as id, 'row {row}' as name"))
        .collect();
    let sql = rows.join(" union all ");
    let first = client.submit("", &sql).await;
    assert_eq!(first.status, 200, "{}", first.json);
    let infos = first.json["resultSetMetaData"]["partitionInfo"]
        .as_array()
        .unwrap()
        .clone();
    assert!(infos.len() > 5);
    assert!(
        first.headers["link"]
            .to_str()
            .unwrap()
            .contains("rel=\"next\"")
    );

    let mut data = first.json["data"].as_array().unwrap().clone();
    for (at, info) in infos.iter().enumerate().skip(1) {
        let url = format!(
            "/api/v2/statements/{}?partition={at}",
            first.text("statementHandle")
        );
        let answer = client.get(&url).await;
        assert_eq!(answer.headers["content-encoding"], "gzip");
        let rows = answer.json["data"].as_array().unwrap();
        assert_eq!(rows.len() as u64, info["rowCount"].as_u64().unwrap());
        data.extend(rows.clone());
    }
    assert_eq!(data.len(), 50);
    assert_eq!(data[49].as_array().unwrap().len(), 2);
    let beyond = format!(
        "/api/v2/statements/{}?partition={}",
        first.text("statementHandle"),
        infos.len()
    );
    assert_eq!(client.get(&beyond).await.status, 400);
}

#[tokio::test]
async fn null_is_null_or_with_nullable_false_the_word() {
    let client = Client::start().await;
    assert_eq!(
        client.submit("", "select null").await.json["data"],
        json!([[null]])
    );
    assert_eq!(
        client.submit("nullable=false", "select null").await.json["data"],
        json!([["null"]])
    );
}

#[tokio::test]
async fn an_unknown_handle_is_reported() {
    let client = Client::start().await;
    let answer = client.get("/api/v2/statements/01a0").await;
    assert_eq!((answer.status, answer.code()), (422, "000709"));
    let answer = client
        .post("/api/v2/statements/01a0/cancel", &json!({}))
        .await;
    assert_eq!((answer.status, answer.code()), (422, "000709"));
}

#[tokio::test]
async fn a_statement_that_has_ended_cannot_be_cancelled() {
    let client = Client::start().await;
    let ended = client.submit("", "select 1").await;
    let url = format!(
        "/api/v2/statements/{}/cancel",
        ended.text("statementHandle")
    );
    let answer = client.post(&url, &json!({})).await;
    assert_eq!((answer.status, answer.code()), (422, "000605"));
}

#[tokio::test]
async fn a_body_may_be_compressed() {
    let client = Client::start().await;
    let request = client
        .request("POST", "/api/v2/statements")
        .header("content-type", "application/json");
    let request = request
        .header("content-encoding", "gzip")
        .body(gzip(r#"{"statement":"select 1"}"#));
    assert_eq!(crate::client::answer(request).await.status, 200);
}

#[tokio::test]
async fn what_ends_with_its_request_is_refused_alone() {
    let client = Client::start().await;
    for sql in [
        "begin",
        "use database firn",
        "alter session set timezone = 'UTC'",
    ] {
        let answer = client.submit("", sql).await;
        assert_eq!(
            (answer.status, answer.text("sqlState")),
            (422, "0A000"),
            "{sql}"
        );
    }
}

/// So many rows crossed that no machine gets through them.
const ENDLESS: &str = "select count(*) from table(generator(rowcount => 1000000)) a, \
     table(generator(rowcount => 1000000)) b where random() > 2";

#[tokio::test]
async fn a_statement_that_is_cancelled_ends_with_000604() {
    let client = Client::start().await;
    let running = client.submit("async=true", ENDLESS).await;
    let handle = running.text("statementHandle");
    let cancelled = client
        .post(&format!("/api/v2/statements/{handle}/cancel"), &json!({}))
        .await;
    assert_eq!(
        (cancelled.status, cancelled.code()),
        (200, "000604"),
        "{}",
        cancelled.json
    );
    let ended = client.ended(handle).await;
    assert_eq!(
        (ended.status, ended.code()),
        (422, "000604"),
        "{}",
        ended.json
    );
}

#[tokio::test]
async fn a_statement_beyond_its_timeout_is_408() {
    let client = Client::start().await;
    let answer = client
        .post(
            "/api/v2/statements",
            &json!({"statement": ENDLESS, "timeout": 1}),
        )
        .await;
    assert_eq!(
        (answer.status, answer.code()),
        (408, "000630"),
        "{}",
        answer.json
    );
}

#[tokio::test]
async fn values_of_every_type_are_encoded_as_documented() {
    let client = Client::start().await;
    let sql = "select 1.50::number(10,2), 'a', true, '2020-01-01'::date, '01:02:03'::time, \
               '2020-01-01 00:00:00.5'::timestamp_ntz, to_binary('AB'), parse_json('{\"a\":1}')";
    let answer = client.submit("", sql).await;
    assert_eq!(answer.status, 200, "{}", answer.json);
    let row = json!([
        "1.50",
        "a",
        "true",
        "18262",
        "3723.000000000",
        "1577836800.500000000",
        "AB",
        "{\"a\":1}"
    ]);
    let shown = answer.json["data"][0]
        .as_array()
        .unwrap()
        .iter()
        .map(|value| {
            // VARIANT comes pretty-printed or not: what it says is what counts.
            json!(value.as_str().unwrap().replace([' ', '\n'], ""))
        });
    assert_eq!(json!(shown.collect::<Vec<_>>()), row);
    let kinds = answer.json["resultSetMetaData"]["rowType"]
        .as_array()
        .unwrap();
    let kinds: Vec<_> = kinds
        .iter()
        .map(|column| column["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "fixed",
            "text",
            "boolean",
            "date",
            "time",
            "timestamp_ntz",
            "binary",
            "variant"
        ]
    );
}

#[tokio::test]
async fn binds_take_the_place_of_question_marks() {
    let client = Client::start().await;
    let body = json!({
        "statement": "select ? + 1, ?, ?",
        "bindings": {
            "1": {"type": "FIXED", "value": "41"},
            "2": {"type": "TEXT", "value": "it's; --"},
            "3": {"type": "TEXT", "value": null},
        },
    });
    let answer = client.post("/api/v2/statements", &body).await;
    assert_eq!(
        answer.json["data"],
        json!([["42", "it's; --", null]]),
        "{}",
        answer.json
    );
}

#[tokio::test]
async fn a_transaction_lives_within_its_request() {
    let client = Client::start().await;
    assert_eq!(
        client.submit("", "create table t (i int)").await.status,
        200
    );
    let run = async |sql: &str| {
        let parameters = json!({"MULTI_STATEMENT_COUNT": "0"});
        let body = json!({"statement": sql, "database": "FIRN", "parameters": parameters});
        client.post("/api/v2/statements", &body).await
    };
    let committed = run("begin; insert into t values (1); commit").await;
    assert_eq!(committed.status, 200, "{}", committed.json);
    let left_open = run("begin; insert into t values (2)").await;
    assert_eq!(left_open.status, 200, "{}", left_open.json);
    assert_eq!(
        client.submit("", "select i from t").await.json["data"],
        json!([["1"]])
    );
}

#[tokio::test]
async fn names_in_the_body_are_case_sensitive() {
    let client = Client::start().await;
    let ask = async |name: &str| {
        let body = json!({"statement": "create or replace table t (i int)", "database": name});
        client.post("/api/v2/statements", &body).await.status
    };
    assert_eq!(ask("FIRN").await, 200);
    assert_eq!(ask("firn").await, 422);
}
