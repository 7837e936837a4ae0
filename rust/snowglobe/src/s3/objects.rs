//! Writing single objects: put, copy, delete.

use super::digest::{Claims, receive};
use super::headers::{
    claims, condition, named_algorithm, refuse, refuse_acl, source, stored_headers, timestamp,
    without_chunking,
};
use super::reading::ReadConditions;
use super::state::{Checksums, Headers, Object};
use super::store::{Condition, Store, now_ms};
use s3s::dto::*;
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};

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

    let claims = claims!(input, algorithm, req.trailing_headers);
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
