//! An empty round trip: `select 1` over HTTP on an open connection, with key-pair authentication and a row in the query history.

use std::fmt::Write;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Client;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use snowglobe::server::Running;

use crate::peer::Failure;

const WARM_UP: u32 = 100;

/// A table with the median and the 95th percentile of each protocol.
///
/// # Errors
/// A request fails.
pub async fn run(server: &Running, count: u32) -> Result<String, Failure> {
    let client = Client::new();
    let jwt = format!("Bearer {}", token(server)?);
    let session = log_in(server, &client).await?;
    let (mut api, mut drivers) = (Vec::new(), Vec::new());
    for number in 0..WARM_UP + count {
        let id = format!("00000000-0000-0000-0000-{number:012}");
        let url = format!("{}/api/v2/statements?requestId={id}", server.url());
        let api_time = post(&client, &url, &jwt, &json!({"statement": "select 1"})).await?;
        let url = format!("{}/queries/v1/query-request?requestId={id}", server.url());
        let body = json!({"sqlText": "select 1"});
        let driver_time = post(&client, &url, &session, &body).await?;
        if number >= WARM_UP {
            api.push(api_time);
            drivers.push(driver_time);
        }
    }
    let mut text = format!(
        "\nRound trip of `select 1` on an open connection with a login, {count} times:\n\n| | median, ms | 95 % within, ms |\n| --- | ---: | ---: |\n"
    );
    for (name, mut times) in [
        ("SQL API, key pair", api),
        ("protocol of the drivers", drivers),
    ] {
        times.sort();
        let at = |percent: usize| {
            let time = times.get((times.len() - 1) * percent / 100);
            time.map_or(f64::NAN, |time: &Duration| time.as_secs_f64() * 1e3)
        };
        writeln!(text, "| {name} | {:.2} | {:.2} |", at(50), at(95))?;
    }
    Ok(text)
}

/// Sends a statement and reads its response, which must be a success.
async fn post(client: &Client, url: &str, token: &str, body: &Value) -> Result<Duration, Failure> {
    let request = client
        .post(url)
        .header("Authorization", token)
        .header("User-Agent", "firn-bench/1")
        .header("Accept", "application/json")
        .json(body);
    let started = Instant::now();
    let response = request.send().await?;
    let status = response.status();
    let body = response.text().await?;
    let elapsed = started.elapsed();
    let is_failure = body.contains("\"success\":false");
    if status != 200 || is_failure {
        return Err(format!("{url}: {status} {body}").into());
    }
    Ok(elapsed)
}

fn token(server: &Running) -> Result<String, Failure> {
    let credentials = &server.credentials;
    let (Some(file), Some(public)) = (&credentials.private_key_file, &credentials.public_key)
    else {
        return Err("Snowglobe has no key pair".into());
    };
    let fingerprint = STANDARD.encode(Sha256::digest(STANDARD.decode(public)?));
    let user = format!("{}.{}", server.account, credentials.user);
    let now = jiff::Timestamp::now().as_second();
    let claims = json!({
        "iss": format!("{user}.SHA256:{fingerprint}"),
        "sub": user,
        "iat": now,
        "exp": now + 3_600,
    });
    let key = EncodingKey::from_rsa_pem(&std::fs::read(file)?)?;
    Ok(jsonwebtoken::encode(
        &Header::new(Algorithm::RS256),
        &claims,
        &key,
    )?)
}

async fn log_in(server: &Running, client: &Client) -> Result<String, Failure> {
    let body = json!({"data": {
        "ACCOUNT_NAME": server.account,
        "LOGIN_NAME": server.credentials.user,
        "PASSWORD": server.credentials.token,
    }});
    let url = format!("{}/session/v1/login-request", server.url());
    let answer = client.post(url).json(&body).send().await?.text().await?;
    let answer: Value = serde_json::from_str(&answer)?;
    let token = answer["data"]["token"]
        .as_str()
        .ok_or_else(|| format!("login failed: {answer}"))?;
    Ok(format!("Snowflake Token=\"{token}\""))
}
