//! Reading an object: whole or in part, on conditions, or only what is known of it.

use super::digest::Algorithm;
use super::headers::{refuse, timestamp};
use super::state::{Checksums, Object};
use super::store::Store;
use s3s::dto::*;
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};
use std::ops::Range as Bytes;

/// The conditions of a read.
pub struct ReadConditions {
    pub if_match: Option<ETagCondition>,
    pub if_none_match: Option<ETagCondition>,
    pub modified_since: Option<Timestamp>,
    pub unmodified_since: Option<Timestamp>,
}

impl ReadConditions {
    /// RFC 9110, section 13.2.2: an ETag goes before a date.
    pub fn check(&self, object: &Object) -> S3Result<()> {
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
