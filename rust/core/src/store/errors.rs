//! Explains failures of S3, with their fixes.

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use crate::error::{Error, Fault};

/// The meaning and the fix of a failed call to `bucket`.
pub(super) fn explained<E>(bucket: &str, error: &SdkError<E>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    if error.raw_response().is_some_and(is_html) {
        return not_s3(bucket);
    }
    match error {
        SdkError::ServiceError(answer) => refusal(
            bucket,
            answer.raw(),
            answer.err().code().unwrap_or_default(),
            answer.err().message().unwrap_or("no message"),
        ),
        SdkError::ConstructionFailure(_) => {
            Error::config(format!("bucket {bucket}: {}", innermost(error)))
        }
        SdkError::DispatchFailure(failure) if !failure.is_io() && !failure.is_timeout() => {
            Error::config(format!(
                "bucket {bucket}: no AWS credentials, or an unknown endpoint ({}): set AWS_PROFILE, AWS_ACCESS_KEY_ID or a role",
                innermost(error)
            ))
        }
        _ => Error::transient(format!(
            "bucket {bucket} cannot be reached: {}",
            innermost(error)
        )),
    }
}

/// A response that is not from S3, such as a login page.
pub(super) fn not_s3(bucket: &str) -> Error {
    Error::transient(format!(
        "bucket {bucket}: the response is not from S3 (an HTML page, or without an ETag): check the endpoint, and whether a proxy or a login page answers instead"
    ))
}

/// The error that S3 returned. Without a body there is no code, so the status decides.
fn refusal(bucket: &str, answer: &HttpResponse, code: &str, message: &str) -> Error {
    let status = answer.status().as_u16();
    match (code, status) {
        ("NoSuchBucket", _) | ("" | "NotFound", 404) => Error::config(format!(
            "bucket {bucket} does not exist: create it, or set another stage URL"
        )),
        ("AccessDenied", _) if message.contains("kms:") => Error::config(format!(
            "bucket {bucket} denies access ({code}): grant {} on the KMS key of the bucket to this identity",
            kms_action(message)
        )),
        ("AccessDenied", _) | ("" | "Forbidden", 403) => Error::config(format!(
            "access to bucket {bucket} is denied: grant s3:PutObject and s3:ListBucket to this identity"
        )),
        ("ExpiredToken", _) => Error::config(format!(
            "bucket {bucket}: the AWS credentials have expired ({code}): renew them"
        )),
        ("InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken" | "NotSignedUp", _) => {
            Error::config(format!(
                "bucket {bucket}: invalid AWS credentials ({code}): renew them"
            ))
        }
        ("RequestTimeTooSkewed", _) => Error::config(format!(
            "bucket {bucket}: the clock of this machine is more than 15 minutes off ({code}): set the clock"
        )),
        (
            "PermanentRedirect"
            | "AuthorizationHeaderMalformed"
            | "IllegalLocationConstraintException",
            _,
        )
        | (_, 301 | 307) => Error::config(match region(answer) {
            Some(region) => {
                format!("bucket {bucket} is in region {region}: set AWS_REGION={region}")
            }
            None => format!("bucket {bucket} is in another region: set AWS_REGION"),
        }),
        ("SlowDown" | "ServiceUnavailable" | "RequestTimeout" | "OperationAborted", _)
        | (_, 408 | 409 | 429 | 503) => Error::transient(format!(
            "bucket {bucket} is busy ({}): try again later",
            [&status.to_string(), code].join(" ").trim_end()
        )),
        // Whatever the cause, it is not the file.
        (_, 400..=499) => Error::rejected(format!(
            "bucket {bucket} rejected the request: {message} ({status} {code})"
        ))
        .with_fault(Fault::Service),
        _ => Error::transient(format!(
            "bucket {bucket} failed: {message} ({status} {code})"
        )),
    }
}

/// The bucket's region, which S3 returns if the request was for another region.
fn region(answer: &HttpResponse) -> Option<&str> {
    answer.headers().get("x-amz-bucket-region")
}

/// The missing KMS permission, such as `kms:GenerateDataKey`.
fn kms_action(message: &str) -> &str {
    message
        .split_whitespace()
        .find(|word| word.starts_with("kms:"))
        .unwrap_or("kms:GenerateDataKey")
}

fn is_html(answer: &HttpResponse) -> bool {
    let type_is_html = answer
        .headers()
        .get("content-type")
        .is_some_and(|text| text.starts_with("text/html"));
    let start = answer.body().bytes().unwrap_or_default().trim_ascii_start();
    let starts_with = |tag: &[u8]| {
        start
            .get(..tag.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(tag))
    };
    type_is_html || starts_with(b"<html") || starts_with(b"<!doctype html")
}

/// The innermost cause: the outer ones repeat it, with the whole response and its headers.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_s3::primitives::SdkBody;

    fn answer(status: u16) -> HttpResponse {
        HttpResponse::new(status.try_into().unwrap(), SdkBody::empty())
    }

    #[test]
    fn a_rejected_request_reports_a_fix_and_its_cause() {
        let mut redirect = answer(301);
        redirect
            .headers_mut()
            .insert("x-amz-bucket-region", "eu-central-1");
        let denied = "User u is not authorized to perform: kms:GenerateDataKey on resource: key/k";
        for (answer, code, message, expected, fault) in [
            (
                redirect,
                "PermanentRedirect",
                "",
                "set AWS_REGION=eu-central-1",
                Fault::Setup,
            ),
            (
                answer(400),
                "ExpiredToken",
                "",
                "have expired",
                Fault::Setup,
            ),
            (
                answer(403),
                "RequestTimeTooSkewed",
                "",
                "clock",
                Fault::Setup,
            ),
            (
                answer(403),
                "AccessDenied",
                denied,
                "grant kms:GenerateDataKey on",
                Fault::Setup,
            ),
            (
                answer(403),
                "AccessDenied",
                "Access Denied",
                "grant s3:PutObject",
                Fault::Setup,
            ),
            (
                answer(503),
                "SlowDown",
                "reduce your rate",
                "503 SlowDown",
                Fault::Service,
            ),
            (answer(409), "OperationAborted", "", "busy", Fault::Service),
            (answer(400), "", "no message", "rejected", Fault::Service),
        ] {
            let error = refusal("b", &answer, code, message);
            assert!(error.to_string().contains(expected), "{error}");
            assert_eq!(error.fault(), fault, "{error}");
        }
        assert!(refusal("b", &answer(503), "SlowDown", "").is_transient());
    }
}
