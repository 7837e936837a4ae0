//! Snowpipe: by S3's events and over its REST.
//! The expectations are those of Snowflake's page "Snowpipe REST API".

use crate::client::Client;
use serde_json::json;
use snowglobe::server::Options;
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_pipe_that_is_not_there_is_404_for_every_call() {
    let client = Client::start().await;
    let files = json!({"files": [{"path": "a.csv", "size": 12}]});
    let calls = [
        client.post("/v1/data/pipes/FIRN.PUBLIC.NONE/insertFiles?requestId=r", &files).await,
        client.get("/v1/data/pipes/FIRN.PUBLIC.NONE/insertReport").await,
        client.get("/v1/data/pipes/FIRN.PUBLIC.NONE/loadHistoryScan?startTimeInclusive=2026-01-01T00:00:00Z").await,
    ];
    for answer in calls {
        assert_eq!(
            (answer.status, answer.code()),
            (404, "390404"),
            "{}",
            answer.json
        );
        assert_eq!(answer.json["success"], false);
    }
}

#[tokio::test]
async fn wrong_calls_are_reported() {
    let client = Client::start().await;
    let many: Vec<_> = (0..5001)
        .map(|number| json!({"path": number.to_string()}))
        .collect();
    let answer = client
        .post("/v1/data/pipes/P/insertFiles", &json!({"files": many}))
        .await;
    assert_eq!(answer.status, 413);
    let answer = client
        .post("/v1/data/pipes/P/insertFiles", &json!({"paths": []}))
        .await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        client.get("/v1/data/pipes/P/loadHistoryScan").await.status,
        400
    );
    assert_eq!(
        client
            .get("/v1/data/pipes/P/loadHistoryScan?startTimeInclusive=yesterday")
            .await
            .status,
        400
    );
}

/// A server with a bucket, a stage on it, and a pipe from there into `T`.
async fn with_pipe(auto_ingest: bool) -> (Client, aws_sdk_s3::Client) {
    let options = Options {
        buckets: vec!["lake".into()],
        ..Options::default()
    };
    with_pipe_in(options, auto_ingest).await
}

async fn with_pipe_in(options: Options, auto_ingest: bool) -> (Client, aws_sdk_s3::Client) {
    let client = Client::start_with(options).await;
    for sql in [
        "create table t (name varchar, number int)",
        "create stage st url = 's3://lake/in/'",
        &format!(
            "create pipe p auto_ingest = {auto_ingest} as copy into t from @st file_format = (type = csv)"
        ),
    ] {
        let answer = client.submit("", sql).await;
        assert_eq!(answer.status, 200, "{sql}: {}", answer.json);
    }
    let credentials = &client.server.credentials;
    let (id, secret) = (
        &credentials.s3_access_key_id,
        &credentials.s3_secret_access_key,
    );
    let s3 = crate::buckets::connect(&client.server.s3_url(), id, secret);
    (client, s3)
}

async fn put(s3: &aws_sdk_s3::Client, key: &str, body: &'static str) {
    s3.put_object()
        .bucket("lake")
        .key(key)
        .body(body.as_bytes().to_vec().into())
        .send()
        .await
        .unwrap();
}

/// Waits until `T` holds so many rows.
async fn rows(client: &Client, expected: usize) {
    let count = async || {
        let answer = client.submit("", "select count(*) from t").await;
        answer.json["data"][0][0]
            .as_str()
            .unwrap()
            .parse::<usize>()
            .unwrap()
    };
    let deadline = Instant::now() + Duration::from_secs(60);
    while count().await < expected {
        assert!(
            Instant::now() < deadline,
            "only {} rows of {expected}",
            count().await
        );
    }
    assert_eq!(count().await, expected);
}

#[tokio::test]
async fn an_object_put_over_s3_is_loaded_by_the_pipe_that_watches_it() {
    let (client, s3) = with_pipe(true).await;
    put(&s3, "elsewhere/x.csv", "x,0\n").await;
    put(&s3, "in/a.csv", "a,1\nb,2\n").await;
    rows(&client, 2).await;
}

#[tokio::test]
async fn an_event_that_comes_twice_loads_once_and_a_late_one_loads_late() {
    let (client, s3) = with_pipe(true).await;
    client
        .arm(json!({"fault": "notify_twice", "on": {"path_contains": "twice"}}))
        .await;
    let late = client
        .arm(json!({"fault": "notify_late", "on": {"path_contains": "late"}}))
        .await;
    put(&s3, "in/late.csv", "late,1\n").await;
    put(&s3, "in/twice.csv", "twice,2\n").await;
    rows(&client, 1).await;
    let disarmed =
        crate::client::answer(client.request("DELETE", &format!("/_snowglobe/faults/{late}")))
            .await;
    assert_eq!(disarmed.status, 200);
    rows(&client, 2).await;
}

#[tokio::test]
async fn files_named_over_rest_are_loaded_and_reported() {
    let (client, s3) = with_pipe(false).await;
    put(&s3, "in/a.csv", "a,1\nb,2\n").await;
    let told = json!({"files": [{"path": "a.csv"}]});
    for _ in 0..2 {
        let answer = client
            .post(
                "/v1/data/pipes/FIRN.PUBLIC.P/insertFiles?requestId=r1",
                &told,
            )
            .await;
        assert_eq!(
            (answer.status, answer.text("responseCode")),
            (200, "SUCCESS"),
            "{}",
            answer.json
        );
    }
    rows(&client, 2).await;
    let report = client
        .get("/v1/data/pipes/FIRN.PUBLIC.P/insertReport")
        .await;
    let file = &report.json["files"][0];
    assert_eq!(
        (&file["status"], &file["rowsInserted"]),
        (&json!("LOADED"), &json!(2)),
        "{}",
        report.json
    );
    assert_eq!(
        report.json["files"].as_array().unwrap().len(),
        1,
        "told twice, loaded once"
    );
    let next = format!(
        "/v1/data/pipes/FIRN.PUBLIC.P/insertReport?beginMark={}",
        report.text("nextBeginMark")
    );
    assert_eq!(client.get(&next).await.json["files"], json!([]));
    let scan =
        "/v1/data/pipes/FIRN.PUBLIC.P/loadHistoryScan?startTimeInclusive=2020-01-01T00:00:00Z";
    assert_eq!(
        client.get(scan).await.json["files"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn an_event_that_a_stop_overtook_is_delivered_after_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options {
        data: Some(dir.path().into()),
        buckets: vec!["lake".into()],
        ..Options::default()
    };
    let (client, s3) = with_pipe_in(options.clone(), true).await;
    client
        .arm(json!({"fault": "notify_late", "times": null}))
        .await;
    put(&s3, "in/a.csv", "a,1\n").await;
    client.server.stop().await;

    let client = Client::start_with(options).await;
    rows(&client, 1).await;
}
