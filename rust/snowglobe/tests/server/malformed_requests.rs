//! Garbage, oversized bodies, wrong gzip: the right status, and the server lives on.

use crate::client::{Client, answer, gzip};
use serde_json::json;
use snowglobe::server::Options;
use snowglobe::wire::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const BODY: &str = r#"{"statement":"select 1"}"#;

async fn lives(client: &Client) {
    assert_eq!(client.submit("", "select 1").await.status, 200);
}

#[tokio::test]
async fn a_body_that_is_not_a_submission_is_400() {
    let client = Client::start().await;
    for body in [
        "",
        "{",
        "[]",
        "null",
        r#"{"statement":1}"#,
        r#"{"statement":"select 1","what":"?"}"#,
        "\u{0}\u{1}",
    ] {
        let request = client
            .request("POST", "/api/v2/statements")
            .header("content-type", "application/json");
        let answer = answer(request.body(body.to_owned())).await;
        assert_eq!(answer.status, 400, "{body:?}: {}", answer.json);
    }
    lives(&client).await;
}

#[tokio::test]
async fn a_broken_gzip_is_400_and_an_unknown_encoding_415() {
    let client = Client::start().await;
    let mut flipped = gzip(BODY);
    let last = flipped.len() - 5;
    flipped[last] ^= 1;
    let cut_short = gzip(BODY)[..10].to_vec();
    for (encoding, body, status) in [
        ("gzip", BODY.as_bytes().to_vec(), 400),
        ("gzip", cut_short, 400),
        ("gzip", flipped, 400),
        ("br", BODY.as_bytes().to_vec(), 415),
    ] {
        let request = client
            .request("POST", "/api/v2/statements")
            .header("content-type", "application/json");
        let answer = answer(request.header("content-encoding", encoding).body(body)).await;
        assert_eq!(answer.status, status, "{encoding}: {}", answer.json);
    }
    lives(&client).await;
}

#[tokio::test]
async fn a_body_that_is_too_long_is_413_even_when_it_is_small_until_unpacked() {
    let limits = Limits {
        body_bytes: 10_000,
        ..Limits::default()
    };
    let client = Client::start_with(Options {
        limits,
        ..Options::default()
    })
    .await;
    let long = json!({"statement": " ".repeat(20_000)}).to_string();
    let bomb = gzip(&long);
    assert!(bomb.len() < 1000);
    for (encoding, body) in [("identity", long.into_bytes()), ("gzip", bomb)] {
        let request = client
            .request("POST", "/api/v2/statements")
            .header("content-type", "application/json");
        assert_eq!(
            answer(request.header("content-encoding", encoding).body(body))
                .await
                .status,
            413
        );
    }
    lives(&client).await;
}

#[tokio::test]
async fn a_body_far_too_long_is_answered_rather_than_cut_off() {
    let limits = Limits {
        body_bytes: 10_000,
        ..Limits::default()
    };
    let client = Client::start_with(Options {
        limits,
        ..Options::default()
    })
    .await;
    let request = client
        .request("POST", "/api/v2/statements")
        .header("content-type", "application/json");
    assert_eq!(
        answer(request.body(vec![b' '; 100 << 20])).await.status,
        413
    );
    lives(&client).await;
}

#[tokio::test]
async fn a_refusal_reaches_a_client_that_sends_everything_before_it_reads() {
    let client = Client::start().await;
    let (snowflake, s3) = (client.server.address, client.server.s3_address);
    let body = vec![b'x'; 32 << 20];
    for (address, call, status) in [
        (s3, "PUT /lake/unsigned", "403"),
        (snowflake, "POST /api/v2/statements", "401"),
        (snowflake, "POST /nowhere", "404"),
    ] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let length = body.len();
        let head =
            format!("{call} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {length}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&body).await.unwrap();
        let mut line = [0; 12];
        stream.read_exact(&mut line).await.unwrap();
        assert_eq!(line, format!("HTTP/1.1 {status}").as_bytes(), "{call}");
    }
    lives(&client).await;
}

#[tokio::test]
async fn wrong_headers_and_paths_are_reported() {
    let client = Client::start().await;
    let url = format!("{}/api/v2/statements", client.server.url());
    let token = format!("Bearer {}", client.server.credentials.token);
    let bare = || {
        client
            .http
            .post(&url)
            .header("authorization", &token)
            .body(BODY)
    };
    let no_type = bare()
        .header("accept", "application/json")
        .header("user-agent", "test/1");
    assert_eq!(answer(no_type).await.status, 415);
    let wrong_accept = bare()
        .header("accept", "text/html")
        .header("content-type", "application/json");
    assert_eq!(
        answer(wrong_accept.header("user-agent", "test/1"))
            .await
            .code(),
        "391902"
    );
    let no_agent = bare()
        .header("accept", "application/json")
        .header("content-type", "application/json");
    assert_eq!(answer(no_agent).await.status, 400);

    assert_eq!(client.get("/api/v3/statements").await.status, 404);
    assert_eq!(client.get("/api/v2/statements").await.status, 405);
    assert_eq!(client.submit("retry=perhaps", "select 1").await.status, 400);
    assert_eq!(
        client.get("/api/v2/statements/x?partition=-1").await.status,
        400
    );
    lives(&client).await;
}

#[tokio::test]
async fn bytes_that_are_not_http_do_not_harm_others() {
    let client = Client::start().await;
    for address in [client.server.address, client.server.s3_address] {
        for garbage in [
            &b"\x16\x03\x01\x02\x00\x01"[..],
            b"GET",
            b"\r\n\r\n",
            b"POST / HTTP/1.1\r\ncontent-length: 99\r\n\r\nabc",
        ] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(garbage).await.unwrap();
            stream.shutdown().await.unwrap();
            let mut answer = Vec::new();
            // Whatever it answers, or nothing: the connection ends, and the server does not.
            let _ = stream.read_to_end(&mut answer).await;
        }
    }
    lives(&client).await;
}
