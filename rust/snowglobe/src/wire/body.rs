//! Reading a request's body: bounded, gunzipped, and parsed with an error that says where it is wrong.

use super::error::ApiError;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use bytes::BytesMut;
use flate2::read::MultiGzDecoder;
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use std::io::Read;

/// The body, decompressed. Neither it nor what arrives may be longer than `limit` bytes.
pub async fn read(headers: &HeaderMap, mut body: Body, limit: usize) -> Result<Bytes, ApiError> {
    let too_long = || ApiError::new(413, format!("the body is longer than {limit} bytes"));
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|error| ApiError::new(400, format!("the body ends early: {error}")))?;
        if let Some(data) = frame.data_ref() {
            if data.len() > limit - bytes.len() {
                return Err(too_long());
            }
            bytes.extend_from_slice(data);
        }
    }
    let bytes = bytes.freeze();
    let encoding = headers
        .get(header::CONTENT_ENCODING)
        .map(|value| value.to_str().unwrap_or("?"));
    match encoding.map(str::to_ascii_lowercase).as_deref() {
        None | Some("identity") => Ok(bytes),
        Some("gzip") => {
            let mut text = Vec::new();
            let mut decoder = MultiGzDecoder::new(&*bytes).take(limit as u64 + 1);
            let read = decoder.read_to_end(&mut text);
            read.map_err(|error| {
                ApiError::new(
                    400,
                    format!("the body is not valid gzip, which Content-Encoding declares: {error}"),
                )
            })?;
            if text.len() > limit {
                Err(too_long())
            } else {
                Ok(text.into())
            }
        }
        Some(other) => Err(ApiError::new(
            415,
            format!("Content-Encoding {other} is not supported: send gzip or none"),
        )),
    }
}

/// The body's JSON.
pub async fn read_json<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
) -> Result<T, ApiError> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if !kind
        .split(';')
        .next()
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
    {
        return Err(ApiError::new(
            415,
            format!("invalid Content-Type '{kind}': expected application/json"),
        ));
    }
    let bytes = read(headers, body, limit).await?;
    serde_json::from_slice(&bytes)
        .map_err(|error| ApiError::new(400, format!("the body cannot be read: {error}")))
}
