//! What S3's failures mean, and what cures them.

use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};

use crate::error::Error;

/// What a failed call to `bucket` means, and what to do about it.
pub(super) fn explained<E>(bucket: &str, error: &SdkError<E>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let status = error
        .raw_response()
        .map_or(0, |response| response.status().as_u16());
    let code = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code)
        .unwrap_or_default();
    let message = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::message)
        .unwrap_or("no reason given");
    match (error, code, status) {
        (SdkError::ServiceError(_), "NoSuchBucket", _) | (SdkError::ServiceError(_), "", 404) => {
            Error::config(format!(
                "bucket {bucket} is not there: create it, or name another"
            ))
        }
        (SdkError::ServiceError(_), "AccessDenied", _) | (SdkError::ServiceError(_), "", 403) => {
            Error::config(format!(
                "bucket {bucket} denies access: allow s3:PutObject and s3:ListBucket to this identity"
            ))
        }
        (
            SdkError::ServiceError(_),
            "InvalidAccessKeyId"
            | "SignatureDoesNotMatch"
            | "ExpiredToken"
            | "InvalidToken"
            | "NotSignedUp",
            _,
        ) => Error::config(format!(
            "bucket {bucket}: the AWS credentials were refused ({code}): renew them"
        )),
        (
            SdkError::ServiceError(_),
            "PermanentRedirect"
            | "AuthorizationHeaderMalformed"
            | "IllegalLocationConstraintException",
            _,
        ) => Error::config(format!(
            "bucket {bucket} is in another region: set AWS_REGION"
        )),
        (SdkError::ServiceError(_), _, 400..=499) => Error::rejected(format!(
            "bucket {bucket} refused the request: {message} ({status} {code})"
        )),
        (SdkError::ConstructionFailure(_), ..) => {
            Error::config(format!("bucket {bucket}: {}", innermost(error)))
        }
        (SdkError::DispatchFailure(failure), ..) if !failure.is_io() && !failure.is_timeout() => {
            Error::config(format!(
                "bucket {bucket}: no AWS credentials or no way there ({}): set AWS_PROFILE, AWS_ACCESS_KEY_ID or a role",
                innermost(error)
            ))
        }
        _ => Error::transient(format!(
            "bucket {bucket} cannot be reached: {}",
            innermost(error)
        )),
    }
}

/// The innermost reason: what is around it repeats it, and shows a whole answer with its headers.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut inner = error;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}
