//! Single objects: put, get, head, copy, delete.

use super::digest::{Algorithm, Claims, receive};
use super::state::{Checksums, Headers, Object};
use super::store::{Condition, Store, StoreError, now_ms};
use crate::engine::objects::INTERNAL_BUCKET;
use s3s::dto::*;
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};
use std::ops::Range as Bytes;
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

/// `aws-chunked` is how the body travelled, not what it is.
pub fn without_chunking(encoding: String) -> Option<String> {
    let kept: Vec<_> = encoding
        .split(',')
        .map(str::trim)
        .filter(|part| *part != "aws-chunked" && !part.is_empty())
        .collect();
    (!kept.is_empty()).then(|| kept.join(","))
}

pub async fn put(
    store: &Store,
    mut req: S3Request<PutObjectInput>,
) -> S3Result<S3Response<PutObjectOutput>> {
    let algorithm = named_algorithm(req.input.checksum_algorithm.as_ref(), &req.headers)?;
    let input = &mut req.input;
    refuse(
        "a customer's encryption key",
        input.sse_customer_key.is_some(),
    )?;
    refuse("x-amz-tagging", input.tagging.is_some())?;
    refuse(
        "object lock",
        input.object_lock_mode.is_some() || input.object_lock_legal_hold_status.is_some(),
    )?;
    refuse(
        "x-amz-website-redirect-location",
        input.website_redirect_location.is_some(),
    )?;
    refuse(
        "x-amz-write-offset-bytes",
        input.write_offset_bytes.is_some(),
    )?;
    refuse(
        "this storage class",
        input
            .storage_class
            .as_ref()
            .is_some_and(|class| class.as_str() != "STANDARD"),
    )?;
    refuse_acl(input.acl.as_ref())?;
    let condition = condition(input.if_match.take(), input.if_none_match.take())?;
    store.check(&input.bucket, &input.key, &condition)?;

    let claims = Claims {
        md5: input.content_md5.take(),
        length: input
            .content_length
            .and_then(|length| u64::try_from(length).ok()),
        checksums: Checksums {
            crc32: input.checksum_crc32.take(),
            crc32c: input.checksum_crc32c.take(),
            crc64nvme: input.checksum_crc64nvme.take(),
            sha1: input.checksum_sha1.take(),
            sha256: input.checksum_sha256.take(),
            composite: false,
        },
        algorithm,
        trailers: req.trailing_headers,
    };
    let received = receive(&store.blobs, input.body.take(), claims).await?;
    let object = Object {
        blob: received.blob,
        size: received.size,
        etag: received.md5,
        modified_ms: now_ms(),
        headers: stored_headers!(input),
        checksums: received.checksums,
        announced: false,
    };
    let output = PutObjectOutput {
        e_tag: Some(ETag::Strong(object.etag.clone())),
        checksum_crc32: object.checksums.crc32.clone(),
        checksum_crc32c: object.checksums.crc32c.clone(),
        checksum_crc64nvme: object.checksums.crc64nvme.clone(),
        checksum_sha1: object.checksums.sha1.clone(),
        checksum_sha256: object.checksums.sha256.clone(),
        server_side_encryption: object
            .headers
            .encryption
            .clone()
            .map(ServerSideEncryption::from),
        ssekms_key_id: object.headers.encryption_key.clone(),
        ..PutObjectOutput::default()
    };
    store.put(&input.bucket, &input.key, object, &condition, None)?;
    Ok(S3Response::new(output))
}

/// The conditions of a read.
struct ReadConditions {
    if_match: Option<ETagCondition>,
    if_none_match: Option<ETagCondition>,
    modified_since: Option<Timestamp>,
    unmodified_since: Option<Timestamp>,
}

impl ReadConditions {
    /// RFC 9110, section 13.2.2: an ETag goes before a date.
    fn check(&self, object: &Object) -> S3Result<()> {
        let is = |condition: &ETagCondition| {
            condition
                .as_etag()
                .is_none_or(|etag| etag.value() == object.etag)
        };
        // HTTP dates have whole seconds.
        let modified = timestamp(object.modified_ms / 1000 * 1000);
        let matches = match (&self.if_match, &self.unmodified_since) {
            (Some(etag), _) => is(etag),
            (None, Some(date)) => modified <= *date,
            (None, None) => true,
        };
        if !matches {
            return Err(s3_error!(PreconditionFailed));
        }
        let unchanged = match (&self.if_none_match, &self.modified_since) {
            (Some(etag), _) => is(etag),
            (None, Some(date)) => modified <= *date,
            (None, None) => false,
        };
        if unchanged {
            return Err(s3_error!(NotModified));
        }
        Ok(())
    }
}

/// The bytes that a `Range` header asks for, and the `Content-Range` to answer with.
fn byte_range(range: Option<Range>, size: u64) -> S3Result<(Bytes<u64>, Option<String>)> {
    let Some(range) = range else {
        return Ok((0..size, None));
    };
    let bytes = range.check(size).map_err(|_| s3_error!(InvalidRange))?;
    let content_range = format!("bytes {}-{}/{size}", bytes.start, bytes.end - 1);
    Ok((bytes, Some(content_range)))
}

fn checksum_type(checksums: &Checksums) -> Option<ChecksumType> {
    let any = Algorithm::ALL
        .into_iter()
        .any(|algorithm| checksums.get(algorithm).is_some());
    any.then(|| {
        ChecksumType::from_static(if checksums.composite {
            "COMPOSITE"
        } else {
            "FULL_OBJECT"
        })
    })
}

/// What a read says about an object, in `GetObjectOutput` and `HeadObjectOutput` alike.
macro_rules! described {
    ($Output:ident, $object:expr, $range:expr, $content_range:expr, $with_checksums:expr) => {{
        let object = $object;
        let checksums = if $with_checksums {
            object.checksums
        } else {
            Checksums::default()
        };
        $Output {
            accept_ranges: Some("bytes".to_owned()),
            cache_control: object.headers.cache_control,
            checksum_type: checksum_type(&checksums),
            checksum_crc32: checksums.crc32,
            checksum_crc32c: checksums.crc32c,
            checksum_crc64nvme: checksums.crc64nvme,
            checksum_sha1: checksums.sha1,
            checksum_sha256: checksums.sha256,
            content_disposition: object.headers.content_disposition,
            content_encoding: object.headers.content_encoding,
            content_language: object.headers.content_language,
            content_length: i64::try_from($range.end - $range.start).ok(),
            content_range: $content_range,
            content_type: object
                .headers
                .content_type
                .or_else(|| Some("binary/octet-stream".to_owned())),
            e_tag: Some(ETag::Strong(object.etag)),
            last_modified: Some(timestamp(object.modified_ms)),
            metadata: Some(object.headers.metadata.into_iter().collect()),
            server_side_encryption: object.headers.encryption.map(ServerSideEncryption::from),
            ssekms_key_id: object.headers.encryption_key,
            ..$Output::default()
        }
    }};
}

pub fn get(store: &Store, req: S3Request<GetObjectInput>) -> S3Result<S3Response<GetObjectOutput>> {
    let input = req.input;
    refuse("versionId", input.version_id.is_some())?;
    refuse("partNumber", input.part_number.is_some())?;
    refuse(
        "a customer's encryption key",
        input.sse_customer_key.is_some(),
    )?;
    let (object, reader) = store.get(&input.bucket, &input.key)?;
    let conditions = ReadConditions {
        if_match: input.if_match,
        if_none_match: input.if_none_match,
        modified_since: input.if_modified_since,
        unmodified_since: input.if_unmodified_since,
    };
    conditions.check(&object)?;
    let (range, content_range) = byte_range(input.range, object.size)?;
    let body = reader
        .stream(range.clone())
        .map_err(S3Error::internal_error)?;
    // A checksum covers the whole object, so a range goes without.
    let with_checksums = input.checksum_mode.is_some() && content_range.is_none();
    let mut output = described!(
        GetObjectOutput,
        object,
        range,
        content_range,
        with_checksums
    );
    output.body = Some(body);
    output.cache_control = input.response_cache_control.or(output.cache_control);
    output.content_disposition = input
        .response_content_disposition
        .or(output.content_disposition);
    output.content_encoding = input.response_content_encoding.or(output.content_encoding);
    output.content_language = input.response_content_language.or(output.content_language);
    output.content_type = input.response_content_type.or(output.content_type);
    Ok(S3Response::new(output))
}

pub fn head(
    store: &Store,
    req: S3Request<HeadObjectInput>,
) -> S3Result<S3Response<HeadObjectOutput>> {
    let input = req.input;
    refuse("versionId", input.version_id.is_some())?;
    refuse("partNumber", input.part_number.is_some())?;
    let object = store.head(&input.bucket, &input.key)?;
    let conditions = ReadConditions {
        if_match: input.if_match,
        if_none_match: input.if_none_match,
        modified_since: input.if_modified_since,
        unmodified_since: input.if_unmodified_since,
    };
    conditions.check(&object)?;
    let (range, content_range) = byte_range(input.range, object.size)?;
    let with_checksums = input.checksum_mode.is_some() && content_range.is_none();
    Ok(S3Response::new(described!(
        HeadObjectOutput,
        object,
        range,
        content_range,
        with_checksums
    )))
}

pub fn copy(
    store: &Store,
    mut req: S3Request<CopyObjectInput>,
) -> S3Result<S3Response<CopyObjectOutput>> {
    let input = &mut req.input;
    refuse(
        "a customer's encryption key",
        input.sse_customer_key.is_some() || input.copy_source_sse_customer_key.is_some(),
    )?;
    refuse("x-amz-tagging", input.tagging.is_some())?;
    refuse(
        "a checksum by another algorithm",
        input.checksum_algorithm.is_some(),
    )?;
    refuse(
        "this storage class",
        input
            .storage_class
            .as_ref()
            .is_some_and(|class| class.as_str() != "STANDARD"),
    )?;
    refuse_acl(input.acl.as_ref())?;
    let (source_bucket, source_key) = source(&input.copy_source)?;
    let replace = input
        .metadata_directive
        .as_ref()
        .is_some_and(|directive| directive.as_str() == "REPLACE");
    if (&source_bucket, &source_key) == (&input.bucket, &input.key) && !replace {
        return Err(s3_error!(
            InvalidRequest,
            "an object is copied onto itself only to replace its metadata"
        ));
    }
    let (original, _reader) = store.get(&source_bucket, &source_key)?;
    let conditions = ReadConditions {
        if_match: input.copy_source_if_match.take(),
        if_none_match: input.copy_source_if_none_match.take(),
        modified_since: input.copy_source_if_modified_since.take(),
        unmodified_since: input.copy_source_if_unmodified_since.take(),
    };
    conditions
        .check(&original)
        .map_err(|_| s3_error!(PreconditionFailed))?;
    store.with_bucket(&input.bucket, |_| ())?;
    let object = Object {
        blob: store
            .blobs
            .link(&original.blob)
            .map_err(S3Error::internal_error)?,
        modified_ms: now_ms(),
        headers: if replace {
            stored_headers!(input)
        } else {
            original.headers
        },
        announced: false,
        ..original
    };
    let output = CopyObjectOutput {
        copy_object_result: Some(CopyObjectResult {
            e_tag: Some(ETag::Strong(object.etag.clone())),
            last_modified: Some(timestamp(object.modified_ms)),
            ..CopyObjectResult::default()
        }),
        server_side_encryption: object
            .headers
            .encryption
            .clone()
            .map(ServerSideEncryption::from),
        ..CopyObjectOutput::default()
    };
    store.put(&input.bucket, &input.key, object, &Condition::Always, None)?;
    Ok(S3Response::new(output))
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

pub fn delete(
    store: &Store,
    req: S3Request<DeleteObjectInput>,
) -> S3Result<S3Response<DeleteObjectOutput>> {
    let input = req.input;
    refuse("versionId", input.version_id.is_some())?;
    let conditional = input.if_match_size.is_some() || input.if_match_last_modified_time.is_some();
    refuse("a delete by size or time", conditional)?;
    store.delete(&input.bucket, &input.key, &condition(input.if_match, None)?)?;
    Ok(S3Response::new(DeleteObjectOutput::default()))
}

pub fn delete_many(
    store: &Store,
    req: S3Request<DeleteObjectsInput>,
) -> S3Result<S3Response<DeleteObjectsOutput>> {
    let DeleteObjectsInput { bucket, delete, .. } = req.input;
    if delete.objects.len() > 1000 {
        return Err(s3_error!(
            MalformedXML,
            "at most 1000 keys can be deleted at once"
        ));
    }
    store.with_bucket(&bucket, |_| ())?;
    let mut deleted = Vec::new();
    let mut errors = Vec::new();
    for ObjectIdentifier {
        key, version_id, ..
    } in delete.objects
    {
        let outcome = refuse("versionId", version_id.is_some()).and_then(|()| {
            store
                .delete(&bucket, &key, &Condition::Always)
                .map_err(S3Error::from)
        });
        match outcome {
            Ok(()) => deleted.push(DeletedObject {
                key: Some(key),
                ..DeletedObject::default()
            }),
            Err(error) => errors.push(Error {
                code: Some(error.code().as_str().to_owned()),
                key: Some(key),
                message: error.message().map(str::to_owned),
                version_id: None,
            }),
        }
    }
    if delete.quiet == Some(true) {
        deleted.clear();
    }
    let output = DeleteObjectsOutput {
        deleted: Some(deleted),
        errors: Some(errors),
        ..DeleteObjectsOutput::default()
    };
    Ok(S3Response::new(output))
}
