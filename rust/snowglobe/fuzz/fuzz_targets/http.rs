//! Any request to Snowflake's HTTP is answered, and never with 500.
//!
//! The first line of the input is the method, the path and, if it is there, the content encoding; what follows is the body.
//! Statements are answered with 202 before they have run: what they do is the business of other targets.
#![no_main]

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use libfuzzer_sys::fuzz_target;
use snowglobe::auth::{Authenticator, Credentials};
use snowglobe::engine::{Engine, EngineOptions};
use snowglobe::wire::{App, Limits, router, statements};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tower::ServiceExt;

const TOKEN: &str = "token";

static ROUTER: LazyLock<Router> = LazyLock::new(|| {
    let engine = Engine::open(EngineOptions::default()).expect("an engine in memory opens");
    let credentials = Credentials::in_memory(Some(TOKEN.into()), None).expect("there are random numbers");
    let limits = Limits { wait: Duration::ZERO, body_bytes: 1 << 20, kept_bytes: 1 << 20, ..Limits::default() };
    router(App {
        authenticator: Arc::new(Authenticator::new("FIRN", engine.clone(), &credentials)),
        statements: Arc::new(statements(None, &limits).expect("no disk is touched")),
        sessions: Arc::default(),
        faults: Arc::default(),
        engine,
        limits,
    })
});

static RUNTIME: LazyLock<tokio::runtime::Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime"));

fuzz_target!(|input: &[u8]| {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let line = String::from_utf8_lossy(&input[..end]);
    let mut words = line.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut request = Request::builder().method(method).uri(path);
    if let Some(encoding) = words.next() {
        request = request.header("content-encoding", encoding);
    }
    let request = request
        .header("authorization", format!("Bearer {TOKEN}"))
        .header("accept", "application/json")
        .header("content-type", "application/json")
        .header("user-agent", "fuzz/1")
        .body(Body::from(input.get(end + 1..).unwrap_or_default().to_vec()));
    // What is no HTTP at all never gets past hyper.
    let Ok(request) = request else { return };
    let response = RUNTIME.block_on(ROUTER.clone().oneshot(request)).unwrap_or_else(|never| match never {});
    assert_ne!(response.status().as_u16(), 500);
});
