//! What requests say in their headers: refused by name, or taken into the store's terms.

use super::digest::Algorithm;
use super::store::{Condition, StoreError};
use crate::object_store::INTERNAL_BUCKET;
use s3s::dto::{ChecksumAlgorithm, CopySource, ETagCondition, ObjectCannedACL, Timestamp};
use s3s::{S3Error, S3Result, s3_error};
use std::time::{Duration, UNIX_EPOCH};

impl From<StoreError> for S3Error {
    fn from(error: StoreError) -> Self {
        let message = error.to_string();
        match error {
            StoreError::NoSuchBucket(_) => s3_error!(NoSuchBucket, "{message}"),
            StoreError::NoSuchKey(_) => s3_error!(NoSuchKey, "{message}"),
            StoreError::NoSuchUpload(_) => s3_error!(NoSuchUpload, "{message}"),
            StoreError::BucketAlreadyOwnedByYou(_) => {
                s3_error!(BucketAlreadyOwnedByYou, "{message}")
            }
            StoreError::BucketNotEmpty(_) => s3_error!(BucketNotEmpty, "{message}"),
            StoreError::PreconditionFailed => s3_error!(PreconditionFailed, "{message}"),
            StoreError::Disk(error) => Self::internal_error(error),
        }
    }
}

/// Refuses, by name, a header that would otherwise be accepted and ignored.
pub fn refuse(name: &str, given: bool) -> S3Result<()> {
    if given {
        Err(s3_error!(
            NotImplemented,
            "{name} is not supported by Snowglobe"
        ))
    } else {
        Ok(())
    }
}

/// New buckets have ACLs disabled, on S3 as here: only the ones that say the same as none pass.
pub fn refuse_acl(acl: Option<&ObjectCannedACL>) -> S3Result<()> {
    match acl.map(ObjectCannedACL::as_str) {
        None | Some("private" | "bucket-owner-full-control") => Ok(()),
        Some(_) => Err(s3_error!(
            AccessControlListNotSupported,
            "the bucket does not allow ACLs"
        )),
    }
}

/// As S3 does: the wildcard and an ETag for `If-Match`, the wildcard alone for `If-None-Match`.
pub fn condition(
    if_match: Option<ETagCondition>,
    if_none_match: Option<ETagCondition>,
) -> S3Result<Condition> {
    match (if_match, if_none_match) {
        (None, None) => Ok(Condition::Always),
        (None, Some(ETagCondition::Any)) => Ok(Condition::Absent),
        (Some(ETagCondition::Any), None) => Ok(Condition::Present),
        (Some(ETagCondition::ETag(etag)), None) => Ok(Condition::Etag(etag.into_value())),
        _ => Err(s3_error!(
            NotImplemented,
            "a write takes If-None-Match: * or If-Match, not both"
        )),
    }
}

/// Milliseconds since 1970, as S3 writes them.
pub fn timestamp(ms: u64) -> Timestamp {
    Timestamp::from(UNIX_EPOCH + Duration::from_millis(ms))
}

/// The algorithm that a request names for its checksum, in its header or as a trailer to come.
pub fn named_algorithm(
    named: Option<&ChecksumAlgorithm>,
    headers: &http::HeaderMap,
) -> S3Result<Option<Algorithm>> {
    if let Some(named) = named {
        return Algorithm::parse(named.as_str()).map(Some);
    }
    let trailer = headers
        .get("x-amz-trailer")
        .and_then(|value| value.to_str().ok());
    let name = trailer.and_then(|trailer| trailer.trim().strip_prefix("x-amz-checksum-"));
    name.map(Algorithm::parse).transpose()
}

/// Every header of `Headers` that an input carries.
macro_rules! stored_headers {
    ($input:expr) => {
        Headers {
            cache_control: $input.cache_control.take(),
            content_disposition: $input.content_disposition.take(),
            content_encoding: $input.content_encoding.take().and_then(without_chunking),
            content_language: $input.content_language.take(),
            content_type: $input.content_type.take(),
            encryption: $input
                .server_side_encryption
                .take()
                .map(|how| how.as_str().to_owned()),
            encryption_key: $input.ssekms_key_id.take(),
            metadata: $input
                .metadata
                .take()
                .unwrap_or_default()
                .into_iter()
                .collect(),
        }
    };
}
pub(super) use stored_headers;

/// Every claim about its body that an input carries.
macro_rules! claims {
    ($input:expr, $algorithm:expr, $trailers:expr) => {
        Claims {
            md5: $input.content_md5.take(),
            length: $input
                .content_length
                .and_then(|length| u64::try_from(length).ok()),
            checksums: Checksums {
                crc32: $input.checksum_crc32.take(),
                crc32c: $input.checksum_crc32c.take(),
                crc64nvme: $input.checksum_crc64nvme.take(),
                sha1: $input.checksum_sha1.take(),
                sha256: $input.checksum_sha256.take(),
                composite: false,
            },
            algorithm: $algorithm,
            trailers: $trailers,
        }
    };
}
pub(super) use claims;

/// `aws-chunked` is how the body travelled, not what it is.
pub fn without_chunking(encoding: String) -> Option<String> {
    let kept: Vec<_> = encoding
        .split(',')
        .map(str::trim)
        .filter(|part| *part != "aws-chunked" && !part.is_empty())
        .collect();
    (!kept.is_empty()).then(|| kept.join(","))
}

/// Bucket and key of `x-amz-copy-source`.
pub fn source(source: &CopySource) -> S3Result<(String, String)> {
    match source {
        CopySource::Bucket { bucket, .. } if **bucket == *INTERNAL_BUCKET => {
            Err(s3_error!(NoSuchBucket))
        }
        CopySource::Bucket {
            bucket,
            key,
            version_id: None,
        } => Ok((bucket.to_string(), key.to_string())),
        CopySource::Bucket { .. } => Err(s3_error!(
            NotImplemented,
            "versionId is not supported by Snowglobe"
        )),
        _ => Err(s3_error!(
            NotImplemented,
            "access points are not supported by Snowglobe"
        )),
    }
}
