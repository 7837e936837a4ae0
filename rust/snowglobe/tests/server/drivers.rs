//! The official drivers' protocol, with the fields that the drivers insist on.

use crate::client::{Client, answer};
use arrow::ipc::reader::StreamReader;
use base64::Engine as _;
use serde_json::{Value, json};
use snowglobe::server::Options;
use snowglobe::wire::Limits;

/// A driver's session: its tokens.
struct Driver<'a> {
    client: &'a Client,
    session: String,
    master: String,
}

async fn post(client: &Client, path: &str, token: &str, body: &Value) -> Value {
    let request = client.http.post(format!("{}{path}", client.server.url()));
    let request = request
        .header("authorization", format!("Snowflake Token=\"{token}\""))
        .header("content-type", "application/json");
    answer(request.body(body.to_string())).await.json
}

async fn log_in(client: &Client, data: Value) -> Value {
    post(
        client,
        "/session/v1/login-request?databaseName=FIRN&schemaName=PUBLIC",
        "",
        &json!({ "data": data }),
    )
    .await
}

impl<'a> Driver<'a> {
    async fn start(client: &'a Client) -> Self {
        Self::start_as(client, None).await
    }

    async fn start_as(client: &'a Client, driver: Option<&str>) -> Self {
        let token = client.server.credentials.token.clone();
        let user = &client.server.credentials.user;
        let answer = log_in(
            client,
            json!({"ACCOUNT_NAME": "firn", "LOGIN_NAME": user, "PASSWORD": token, "CLIENT_APP_ID": driver}),
        )
        .await;
        assert_eq!(answer["success"], true, "{answer}");
        let text = |field: &str| answer["data"][field].as_str().unwrap().to_owned();
        assert!(answer["data"]["sessionId"].is_number());
        Self {
            client,
            session: text("token"),
            master: text("masterToken"),
        }
    }

    async fn query(&self, query: &str, body: Value) -> Value {
        post(
            self.client,
            &format!("/queries/v1/query-request?{query}"),
            &self.session,
            &body,
        )
        .await
    }
}

#[tokio::test]
async fn a_driver_logs_in_queries_and_logs_out() {
    let client = Client::start().await;
    let driver = Driver::start(&client).await;
    let answer = driver
        .query("requestId=r1", json!({"sqlText": "select 1 as one"}))
        .await;
    assert_eq!(answer["success"], true, "{answer}");
    let data = &answer["data"];
    assert_eq!(data["rowtype"][0]["name"], "ONE");
    assert_eq!(
        (
            data["total"].as_u64(),
            data["rowset"].as_array().unwrap().len()
        ),
        (Some(1), 1)
    );
    assert_eq!(data["queryResultFormat"], "json");
    let beat = post(&client, "/session/heartbeat", &driver.session, &json!({})).await;
    assert_eq!(beat["success"], true);
    let out = post(&client, "/session?delete=true", &driver.session, &json!({})).await;
    assert_eq!(out["success"], true);
    let late = driver
        .query("requestId=r2", json!({"sqlText": "select 1"}))
        .await;
    assert_eq!(
        (&late["success"], &late["code"]),
        (&json!(false), &json!("390111"))
    );
}

#[tokio::test]
async fn a_login_that_proves_nothing_is_refused() {
    let client = Client::start().await;
    let token = client.server.credentials.token.clone();
    let user = client.server.credentials.user.clone();
    for (data, code) in [
        (json!({"LOGIN_NAME": user, "PASSWORD": "wrong"}), "390100"),
        (json!({"LOGIN_NAME": "BOB", "PASSWORD": token}), "390100"),
        (
            json!({"LOGIN_NAME": user, "PASSWORD": token, "ACCOUNT_NAME": "OTHER"}),
            "390100",
        ),
        (
            json!({"AUTHENTICATOR": "SNOWFLAKE_JWT", "TOKEN": "a.b.c"}),
            "390144",
        ),
        (
            json!({"AUTHENTICATOR": "PROGRAMMATIC_ACCESS_TOKEN", "TOKEN": "wrong"}),
            "394400",
        ),
        (json!({"AUTHENTICATOR": "OAUTH", "TOKEN": token}), "390190"),
        (json!({"AUTHENTICATOR": "EXTERNALBROWSER"}), "390190"),
    ] {
        let answer = log_in(&client, data.clone()).await;
        assert_eq!(
            (&answer["success"], &answer["code"]),
            (&json!(false), &json!(code)),
            "{data}: {answer}"
        );
    }
}

#[tokio::test]
async fn a_query_that_fails_returns_code_and_sqlstate() {
    let client = Client::start().await;
    let driver = Driver::start(&client).await;
    let answer = driver
        .query("requestId=r1", json!({"sqlText": "selekt 1"}))
        .await;
    assert_eq!(answer["success"], false);
    assert_eq!(answer["data"]["errorCode"], answer["code"]);
    assert_eq!(answer["data"]["sqlState"].as_str().unwrap().len(), 5);
    assert!(
        answer["message"]
            .as_str()
            .unwrap()
            .contains("SQL compilation error")
    );
}

#[tokio::test]
async fn a_driver_that_sends_its_request_again_runs_it_once() {
    let client = Client::start().await;
    let driver = Driver::start(&client).await;
    let create = json!({"sqlText": "create table once (i int)"});
    let first = driver.query("requestId=r1", create.clone()).await;
    let again = driver
        .query("requestId=r1&retryCount=1", create.clone())
        .await;
    assert_eq!(
        (&again["success"], &again["data"]["queryId"]),
        (&json!(true), &first["data"]["queryId"]),
        "{again}"
    );
    assert_eq!(driver.query("requestId=r2", create).await["success"], false);
}

#[tokio::test]
async fn an_asynchronous_query_is_watched_and_fetched() {
    let client = Client::start().await;
    let driver = Driver::start(&client).await;
    let answer = driver
        .query(
            "requestId=r1",
            json!({"sqlText": "select 1", "asyncExec": true}),
        )
        .await;
    assert_eq!(answer["code"], "333334", "{answer}");
    let get = |path: String| {
        let request = client.http.get(format!("{}{path}", client.server.url()));
        crate::client::answer(request.header(
            "authorization",
            format!("Snowflake Token=\"{}\"", driver.session),
        ))
    };
    let result = get(answer["data"]["getResultUrl"].as_str().unwrap().to_owned())
        .await
        .json;
    assert_eq!(result["data"]["total"], 1, "{result}");
    let id = answer["data"]["queryId"].as_str().unwrap();
    let status = get(format!("/monitoring/queries/{id}")).await.json;
    assert_eq!(status["data"]["queries"][0]["status"], "SUCCESS");
}

#[tokio::test]
async fn several_statements_have_a_result_each() {
    let client = Client::start().await;
    let driver = Driver::start(&client).await;
    let body = json!({"sqlText": "select 1; select 2", "parameters": {"MULTI_STATEMENT_COUNT": 2}});
    let answer = driver.query("requestId=r1", body).await;
    assert_eq!(
        answer["data"]["resultIds"]
            .as_str()
            .unwrap()
            .split(',')
            .count(),
        2,
        "{answer}"
    );
    let wrong = driver
        .query("requestId=r2", json!({"sqlText": "select 1; select 2"}))
        .await;
    assert_eq!(wrong["code"], "000008");
}

#[tokio::test]
async fn a_token_is_renewed_with_its_master_and_the_old_one_ends() {
    let client = Client::start().await;
    let mut driver = Driver::start(&client).await;
    let body = json!({"oldSessionToken": driver.session, "requestType": "RENEW"});
    let renewed = post(&client, "/session/token-request", &driver.master, &body).await;
    assert_eq!(renewed["success"], true, "{renewed}");
    let old = driver
        .query("requestId=r1", json!({"sqlText": "select 1"}))
        .await;
    assert_eq!(old["code"], "390111");
    driver.session = renewed["data"]["sessionToken"].as_str().unwrap().to_owned();
    assert_eq!(
        driver
            .query("requestId=r2", json!({"sqlText": "select 1"}))
            .await["success"],
        true
    );
    let twice = post(&client, "/session/token-request", &driver.master, &body).await;
    assert_eq!(twice["code"], "390113");
}

#[tokio::test]
async fn what_is_not_offered_is_refused_by_name() {
    let client = Client::start().await;
    let driver = Driver::start(&client).await;
    let answer = driver
        .query(
            "requestId=r1",
            json!({"sqlText": "call p()", "describeOnly": true}),
        )
        .await;
    assert_eq!(answer["code"], "000002", "{answer}");
    let idle = post(
        &client,
        "/queries/v1/abort-request?requestId=r2",
        &driver.session,
        &json!({"requestId": "r1"}),
    )
    .await;
    assert_eq!(idle["code"], "000605");
}

#[tokio::test]
async fn a_driver_that_asks_for_arrow_gets_it_and_its_chunks_by_their_addresses_alone() {
    let limits = Limits {
        partition_bytes: 4096,
        ..Limits::default()
    };
    let client = Client::start_with(Options {
        limits,
        ..Options::default()
    })
    .await;
    let driver = Driver::start_as(&client, Some("PythonConnector")).await;
    let sql = "select seq4() as n, '2026-01-01 00:00:00 +0100'::timestamp_tz as at from table(generator(rowcount => 1000))";
    let answer = driver
        .query("requestId=r1", json!({ "sqlText": sql }))
        .await;
    let data = &answer["data"];
    assert_eq!(data["queryResultFormat"], "arrow", "{answer}");
    let chunks = data["chunks"].as_array().unwrap();
    assert!(chunks.len() > 2);
    let in_chunks: u64 = chunks.iter().map(|c| c["rowCount"].as_u64().unwrap()).sum();
    let first = base64::engine::general_purpose::STANDARD
        .decode(data["rowsetBase64"].as_str().unwrap())
        .unwrap();
    let rows = |stream: &[u8]| -> usize {
        let reader = StreamReader::try_new(stream, None).unwrap();
        reader.map(|batch| batch.unwrap().num_rows()).sum()
    };
    assert_eq!(rows(&first) as u64 + in_chunks, 1000);
    let url = chunks[0]["url"].as_str().unwrap();
    let chunk = client.http.get(url).send().await.unwrap();
    assert_eq!(
        rows(&chunk.bytes().await.unwrap()) as u64,
        chunks[0]["rowCount"].as_u64().unwrap()
    );
    let key = url.split('/').nth(4).unwrap();
    let guessed = url.replace(key, "00000000-0000-4000-8000-000000000000");
    assert_eq!(client.http.get(guessed).send().await.unwrap().status(), 404);
    // Whoever asks for JSON is not given a stream in its place.
    let polled = client
        .get(&format!(
            "/api/v2/statements/{}",
            data["queryId"].as_str().unwrap()
        ))
        .await;
    assert_eq!((polled.status, polled.code()), (422, "000002"));
}

#[tokio::test]
async fn a_driver_chooses_json_and_results_of_other_statements_are_json() {
    let client = Client::start().await;
    let driver = Driver::start_as(&client, Some("JDBC")).await;
    let format = async |id: &str, sql: &str| {
        let body = json!({ "sqlText": sql });
        let answer = driver.query(&format!("requestId={id}"), body).await;
        answer["data"]["queryResultFormat"].clone()
    };
    assert_eq!(format("r1", "select 1").await, "arrow");
    assert_eq!(format("r2", "show databases").await, "json");
    let set = "alter session set jdbc_query_result_format = 'JSON'";
    assert_eq!(format("r3", set).await, "json");
    assert_eq!(format("r4", "select 1").await, "json");
}

#[tokio::test]
async fn a_query_is_aborted_by_its_id() {
    let client = Client::start().await;
    let driver = Driver::start(&client).await;
    let numbers = "(select seq8() as n from table(generator(rowcount => 1000000)))";
    let sql = format!("select count(*) from {numbers} a, {numbers} b where a.n + b.n = -1");
    let body = json!({"sqlText": sql, "asyncExec": true});
    let answer = driver.query("requestId=r1", body).await;
    let path = format!(
        "/queries/{}/abort-request",
        answer["data"]["queryId"].as_str().unwrap()
    );
    let aborted = post(&client, &path, &driver.session, &json!({})).await;
    assert_eq!(aborted["success"], true, "{aborted}");
    let result = client
        .http
        .get(format!(
            "{}{}",
            client.server.url(),
            answer["data"]["getResultUrl"].as_str().unwrap()
        ))
        .header(
            "authorization",
            format!("Snowflake Token=\"{}\"", driver.session),
        );
    assert_eq!(crate::client::answer(result).await.json["code"], "000604");
    let again = post(&client, &path, &driver.session, &json!({})).await;
    assert_eq!(again["code"], "000605");
}

#[tokio::test]
async fn a_timestamp_with_its_offset_is_bound_and_answered_as_the_sql_api_documents() {
    let client = Client::start().await;
    let body = json!({
        "statement": "select ? as at, ?::timestamp_tz::varchar as shown",
        "bindings": {
            "1": {"type": "TIMESTAMP_TZ", "value": "1616173619000000000 1440"},
            "2": {"type": "TIMESTAMP_TZ", "value": "1616173619000000000 960"},
        },
    });
    let answer = client.post("/api/v2/statements", &body).await;
    assert_eq!(
        answer.json["resultSetMetaData"]["rowType"][0]["type"], "timestamp_tz",
        "{}",
        answer.json
    );
    assert_eq!(
        answer.json["data"][0],
        json!(["1616173619.000000000 1440", "2021-03-19 09:06:59.000 -0800"])
    );
}
