//! The official drivers' protocol, with the fields that the drivers insist on.

use crate::client::{Client, answer};
use serde_json::{Value, json};

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
        let token = client.server.credentials.token.clone();
        let user = &client.server.credentials.user;
        let answer = log_in(
            client,
            json!({"ACCOUNT_NAME": "firn", "LOGIN_NAME": user, "PASSWORD": token}),
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
async fn a_query_that_fails_tells_code_and_sqlstate() {
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
            json!({"sqlText": "delete from t", "describeOnly": true}),
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
