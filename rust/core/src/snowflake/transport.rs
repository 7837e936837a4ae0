//! One HTTP call, retried while that can help. A retry is idempotent: the request id stays the same, and
//! `retry=true` marks it as a retry.

use std::time::{Duration, Instant, SystemTime};

use log::{debug, warn};
use reqwest::{Method, RequestBuilder, StatusCode, header};
use serde_json::Value;
use uuid::Uuid;

use super::connection::Connection;
use crate::error::{Error, Result};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Snowflake responds within 45 s, with a handle if there is no result yet.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(90);
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(16);
/// The attempt, from 0, whose failure is logged as a warning: after about a second.
const TELLING_TRY: u32 = 3;
/// Half of the usual idle timeout of servers, so that a connection is not used while the server closes it.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// Sends the requests of one connection.
#[derive(Clone, Debug)]
pub(super) struct Transport {
    pub http: reqwest::Client,
    pub connection: Connection,
    /// The timeout of a call, including its retries.
    pub timeout: Duration,
}

/// A status and the body as JSON (null if it is not JSON).
pub(super) struct Reply {
    pub status: StatusCode,
    pub body: Value,
}

/// The request to send.
pub(super) struct Call<'a> {
    pub method: Method,
    pub path: &'a str,
    pub query: &'a [(&'a str, &'a str)],
    pub body: Option<&'a Value>,
}

impl Transport {
    pub fn new(connection: Connection, timeout: Duration) -> Result<Self> {
        let http = reqwest::Client::builder()
            .user_agent(concat!("firn/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(ANSWER_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| {
                Error::config(format!("cannot create an HTTP client: {}", cause(&error)))
            })?;
        Ok(Self {
            http,
            connection,
            timeout,
        })
    }

    /// Sends `call` until there is a final response.
    ///
    /// # Errors
    /// `Transient` if there is no response in time; `Config` if the credential is rejected. The caller handles any other status.
    pub async fn send(&self, call: &Call<'_>) -> Result<Reply> {
        let started = Instant::now();
        let request_id = Uuid::new_v4().to_string();
        let mut attempt = 0_u32;
        loop {
            let outcome = self.once(call, &request_id, attempt > 0).await;
            let (failure, wait_asked) = match outcome {
                Ok((reply, _)) if reply.status == StatusCode::UNAUTHORIZED => {
                    // The clock may have been ahead, or the key been changed: try once with a fresh token.
                    if attempt == 0 && self.connection.credential.forget_token() {
                        attempt += 1;
                        continue;
                    }
                    return Err(self.refused(&reply));
                }
                Ok((reply, wait)) if is_worth_another_try(reply.status) => (
                    Error::transient(format!(
                        "{} returned status {}",
                        self.connection.url, reply.status
                    )),
                    wait,
                ),
                Ok((reply, _)) => return Ok(reply),
                Err(error) if error.is_transient() => (error, None),
                Err(error) => return Err(error),
            };
            let wait = wait_asked.unwrap_or_else(|| jittered(attempt));
            if started.elapsed() + wait > self.timeout {
                return Err(failure.context(format!("gave up after {} tries", attempt + 1)));
            }
            if attempt == TELLING_TRY {
                let timeout = self.timeout.as_secs();
                warn!("{failure}; retrying for up to {timeout} s");
            } else {
                debug!("{failure}; next retry in {wait:?}");
            }
            tokio::time::sleep(wait).await;
            attempt += 1;
        }
    }

    async fn once(
        &self,
        call: &Call<'_>,
        request_id: &str,
        is_retry: bool,
    ) -> Result<(Reply, Option<Duration>)> {
        let url = format!("{}{}", self.connection.url, call.path);
        let mut query = vec![("requestId", request_id)];
        query.extend_from_slice(call.query);
        if is_retry {
            query.push(("retry", "true"));
        }
        let url = reqwest::Url::parse_with_params(&url, &query)
            .map_err(|error| Error::config(format!("invalid URL `{url}`: {error}")))?;
        let mut request = self.authorized(self.http.request(call.method.clone(), url))?;
        if let Some(body) = call.body {
            request = request.json(body);
        }
        let response = request
            .send()
            .await
            .map_err(|error| self.unreachable(&error))?;
        let status = response.status();
        let wait = retry_after(response.headers());
        // A body that is cut short is a lost response: the same request is sent again.
        let bytes = response
            .bytes()
            .await
            .map_err(|error| self.unreachable(&error))?;
        let body = match serde_json::from_slice(&bytes) {
            Ok(body) => body,
            Err(_) if status.is_success() && !bytes.is_empty() => {
                return Err(Error::transient(format!(
                    "{} returned status {status} with invalid JSON",
                    self.connection.url
                )));
            }
            Err(_) => Value::Null,
        };
        Ok((Reply { status, body }, wait))
    }

    pub fn authorized(&self, request: RequestBuilder) -> Result<RequestBuilder> {
        let credential = &self.connection.credential;
        let token = credential.token(SystemTime::now())?;
        Ok(request
            .bearer_auth(token.reveal())
            .header(
                "X-Snowflake-Authorization-Token-Type",
                credential.token_type(),
            )
            .header(header::ACCEPT, "application/json"))
    }

    fn unreachable(&self, error: &reqwest::Error) -> Error {
        let url = &self.connection.url;
        let text = cause(error);
        if error.is_builder() {
            Error::config(format!("{url}: {text}"))
        } else {
            Error::transient(format!("{url} cannot be reached: {text}"))
        }
    }

    fn refused(&self, reply: &Reply) -> Error {
        let code = reply.body["code"].as_str().unwrap_or_default();
        let message = reply.body["message"].as_str().unwrap_or("no message");
        let fix = match &self.connection.credential {
            super::Credential::KeyPair(_) => {
                "check RSA_PUBLIC_KEY of the user, the account identifier and the clock of this machine"
            }
            _ => "create a new token",
        };
        Error::config(format!("login failed ({code} {message}): {fix}"))
    }
}

fn is_worth_another_try(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS
        || (status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED)
}

fn retry_after(headers: &header::HeaderMap) -> Option<Duration> {
    let seconds = headers
        .get(header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

/// Exponential backoff with jitter, so that many clients do not retry at the same time.
pub(super) fn jittered(attempt: u32) -> Duration {
    let longest = FIRST_WAIT
        .saturating_mul(1 << attempt.min(10))
        .min(LONGEST_WAIT);
    let share = f64::from(u16::from_le_bytes([
        Uuid::new_v4().as_bytes()[0],
        Uuid::new_v4().as_bytes()[1],
    ])) / 65536.0;
    longest.mul_f64(0.25 + 0.75 * share)
}

/// The innermost cause; the outer ones repeat the address with its useless query.
fn cause(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    if error.is_timeout() {
        "timeout: no response".to_owned()
    } else {
        innermost.to_string()
    }
}
