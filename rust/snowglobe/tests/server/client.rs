//! A client of one server: what a request says, and its status and JSON back.

use flate2::read::GzDecoder;
use serde_json::{Value, json};
use snowglobe::server::{Options, Running, serve};
use std::io::Read;

/// A server in memory and a client that is logged in.
pub struct Client {
    pub server: Running,
    pub http: reqwest::Client,
}

/// Status, headers and JSON of an answer.
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub json: Value,
}

impl Client {
    pub async fn start() -> Self {
        Self::start_with(Options::default()).await
    }

    /// A server with the empty database `FIRN`.
    pub async fn start_with(options: Options) -> Self {
        let client = Self {
            server: serve(options).await.unwrap(),
            // Answers as they are: another crate of a build may have switched on that they are unpacked.
            http: reqwest::Client::builder().no_gzip().build().unwrap(),
        };
        let made = json!({"statement": "create database if not exists firn"});
        let made = client.post("/api/v2/statements", &made).await;
        client.ended(made.text("statementHandle")).await;
        client
    }

    /// A request with everything that Snowflake asks for.
    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        self.http
            .request(method, format!("{}{path}", self.server.url()))
            .header(
                "authorization",
                format!("Bearer {}", self.server.credentials.token),
            )
            .header("accept", "application/json")
            .header("user-agent", "test/1")
    }

    pub async fn get(&self, path: &str) -> Answer {
        answer(self.request("GET", path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        answer(
            self.request("POST", path)
                .header("content-type", "application/json")
                .body(body.to_string()),
        )
        .await
    }

    /// Submits one statement, with a query string that may be empty.
    pub async fn submit(&self, query: &str, sql: &str) -> Answer {
        self.post(
            &format!("/api/v2/statements?{query}"),
            &json!({ "statement": sql, "database": "FIRN", "schema": "PUBLIC" }),
        )
        .await
    }

    /// Polls until the statement has ended.
    pub async fn ended(&self, handle: &str) -> Answer {
        loop {
            let answer = self.get(&format!("/api/v2/statements/{handle}")).await;
            if answer.status != 202 {
                return answer;
            }
            tokio::task::yield_now().await;
        }
    }

    pub async fn arm(&self, fault: Value) -> u64 {
        let answer = self.post("/_snowglobe/faults", &fault).await;
        assert_eq!(answer.status, 200, "{}", answer.json);
        answer.json["id"].as_u64().unwrap()
    }
}

/// Sends a request that is answered.
pub async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let mut bytes = response.bytes().await.unwrap().to_vec();
    if headers
        .get("content-encoding")
        .is_some_and(|encoding| encoding == "gzip")
    {
        let mut text = Vec::new();
        flate2::read::MultiGzDecoder::new(&*bytes)
            .read_to_end(&mut text)
            .unwrap();
        bytes = text;
    }
    let json = serde_json::from_slice(&bytes)
        .unwrap_or_else(|_| panic!("no JSON: {}", String::from_utf8_lossy(&bytes)));
    Answer {
        status,
        headers,
        json,
    }
}

impl Answer {
    pub fn text(&self, field: &str) -> &str {
        self.json[field]
            .as_str()
            .unwrap_or_else(|| panic!("no {field} in {}", self.json))
    }

    pub fn code(&self) -> &str {
        self.text("code")
    }
}

/// What a body is when it is compressed.
pub fn gzip(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    flate2::read::GzEncoder::new(text.as_bytes(), flate2::Compression::fast())
        .read_to_end(&mut bytes)
        .unwrap();
    let mut back = String::new();
    GzDecoder::new(&*bytes).read_to_string(&mut back).unwrap();
    assert_eq!(back, text);
    bytes
}
