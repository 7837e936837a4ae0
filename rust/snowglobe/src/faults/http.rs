//! Faults of connections and answers, around any HTTP service.

use super::{Call, FaultKind, Faults, Service};
use crate::drain::drain;
use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use flate2::read::MultiGzDecoder;
use futures::{StreamExt, stream};
use http_body::Body as _;
use std::io::{self, Read};
use std::time::Duration;

/// How much of a body is looked at for `body_contains`.
const LOOK_BYTES: usize = 64 * 1024 * 1024;

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection was closed by an injected fault")]
pub struct Cut;

/// Runs `answer` on the request, with the faults that strike it.
///
/// # Errors
/// [`Cut`] if the connection is to be closed without an answer.
pub async fn around<F>(
    faults: &Faults,
    service: Service,
    request: Request<Body>,
    answer: impl FnOnce(Request<Body>) -> F,
) -> Result<Response<Body>, Cut>
where
    F: Future<Output = Response<Body>>,
{
    // The endpoint that disarms faults is not struck by them.
    if faults.quiet() || request.uri().path().starts_with("/_snowglobe/") {
        return Ok(answer(request).await);
    }
    let (request, body) = if faults.wants_bodies(service) {
        look(request).await?
    } else {
        (request, Vec::new())
    };
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str())
        .to_owned();
    let struck = faults.strike(Call {
        service,
        method: request.method().as_str(),
        path: &path,
        body: &body,
    });
    let struck: Vec<_> = struck.into_iter().map(|(_, kind)| kind).collect();

    for kind in &struck {
        match kind {
            FaultKind::Refuse {
                status,
                retry_after_seconds,
            } => return Ok(refusal(*status, *retry_after_seconds)),
            FaultKind::LoseCall => return Err(Cut),
            FaultKind::CutCall { after_bytes } => {
                drain(request.into_body(), after_bytes.unwrap_or(1)).await;
                return Err(Cut);
            }
            _ => {}
        }
    }
    let mut response = answer(request).await;
    for kind in struck {
        match kind {
            FaultKind::LoseAnswer => return Err(Cut),
            FaultKind::Slow { millis } => tokio::time::sleep(Duration::from_millis(millis)).await,
            FaultKind::CutAnswer { after_bytes } => response = cut_short(response, after_bytes),
            _ => {}
        }
    }
    Ok(response)
}

fn refusal(status: u16, retry_after_seconds: Option<u64>) -> Response<Body> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let body = serde_json::json!({
        "code": format!("390{}", status.as_u16()),
        "message": format!("{}: a fault that was armed at /_snowglobe/faults", status.canonical_reason().unwrap_or("refused")),
    });
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    if let Some(seconds) = retry_after_seconds {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Reads the body into memory, to search it; a longer one than [`LOOK_BYTES`] is as good as cut.
async fn look(request: Request<Body>) -> Result<(Request<Body>, Vec<u8>), Cut> {
    let (parts, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, LOOK_BYTES)
        .await
        .map_err(|_| Cut)?;
    let gzip = parts
        .headers
        .get(header::CONTENT_ENCODING)
        .is_some_and(|encoding| encoding == "gzip");
    let mut text = Vec::new();
    if gzip {
        // A broken gzip is the business of whoever answers; what can be read of it can be searched.
        let mut decoder = MultiGzDecoder::new(&*bytes).take(LOOK_BYTES as u64);
        if let Err(error) = decoder.read_to_end(&mut text) {
            log::debug!("a body is searched only up to where its gzip breaks: {error}");
        }
    } else {
        text.extend_from_slice(&bytes);
    }
    Ok((Request::from_parts(parts, Body::from(bytes)), text))
}

/// The same answer, whose body breaks off; its headers promise all of it.
fn cut_short(response: Response<Body>, after_bytes: Option<u64>) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    let length = body.size_hint().exact();
    if let Some(length) = length {
        parts
            .headers
            .entry(header::CONTENT_LENGTH)
            .or_insert(HeaderValue::from(length));
    }
    let mut left = after_bytes.unwrap_or(length.unwrap_or(2) / 2);
    let pieces = body.into_data_stream().map(move |piece| {
        let mut piece: Bytes = piece.map_err(io::Error::other)?;
        if left == 0 {
            return Err(io::Error::other(Cut));
        }
        piece.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        left -= piece.len() as u64;
        Ok(piece)
    });
    let end = stream::once(async { Err(io::Error::other(Cut)) });
    Response::from_parts(parts, Body::from_stream(pieces.chain(end)))
}
