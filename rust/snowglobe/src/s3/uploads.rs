//! Multipart uploads: start, part, part by copy, complete, abort.

use super::digest::{
    Algorithm, Claims, Received, Whole, append, composite, multipart_etag, receive,
};
use super::headers::{
    claims, condition, named_algorithm, refuse, refuse_acl, source, stored_headers, timestamp,
    without_chunking,
};
use super::state::{Checksums, Headers, Object, Upload};
use super::store::{Store, now_ms};
use s3s::dto::*;
use s3s::{S3Error, S3Request, S3Response, S3Result, s3_error};
use std::collections::BTreeMap;

const SMALLEST_PART_BYTES: u64 = 5 * 1024 * 1024;
const MOST_PARTS: i32 = 10_000;

pub fn start(
    store: &Store,
    mut req: S3Request<CreateMultipartUploadInput>,
) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
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
        "this storage class",
        input
            .storage_class
            .as_ref()
            .is_some_and(|class| class.as_str() != "STANDARD"),
    )?;
    refuse_acl(input.acl.as_ref())?;
    let algorithm = input
        .checksum_algorithm
        .as_ref()
        .map(|named| Algorithm::parse(named.as_str()))
        .transpose()?;
    let full = input
        .checksum_type
        .as_ref()
        .map(|kind| kind.as_str() == "FULL_OBJECT");
    let checksum = algorithm.map(|algorithm| {
        let full = full.unwrap_or(algorithm == Algorithm::Crc64Nvme);
        (algorithm.name().to_owned(), full)
    });
    let id = uuid::Uuid::new_v4().simple().to_string();
    let headers = stored_headers!(input);
    let output = CreateMultipartUploadOutput {
        bucket: Some(input.bucket.clone()),
        key: Some(input.key.clone()),
        upload_id: Some(id.clone()),
        checksum_algorithm: input.checksum_algorithm.clone(),
        checksum_type: input.checksum_type.clone(),
        server_side_encryption: headers.encryption.clone().map(ServerSideEncryption::from),
        ssekms_key_id: headers.encryption_key.clone(),
        ..CreateMultipartUploadOutput::default()
    };
    let (bucket, key) = (req.input.bucket, req.input.key);
    store.start_upload(
        &id,
        Upload {
            bucket,
            key,
            started_ms: now_ms(),
            headers,
            checksum,
            parts: BTreeMap::new(),
        },
    )?;
    Ok(S3Response::new(output))
}

pub async fn put_part(
    store: &Store,
    mut req: S3Request<UploadPartInput>,
) -> S3Result<S3Response<UploadPartOutput>> {
    let named = named_algorithm(req.input.checksum_algorithm.as_ref(), &req.headers)?;
    let input = &mut req.input;
    refuse(
        "a customer's encryption key",
        input.sse_customer_key.is_some(),
    )?;
    check_number(input.part_number)?;
    let upload = store.upload(&input.upload_id, &input.bucket, &input.key)?;
    let of_upload = upload
        .checksum
        .as_ref()
        .map(|(name, _)| Algorithm::parse(name))
        .transpose()?;
    let claims = claims!(input, named.or(of_upload), req.trailing_headers);
    let received = receive(&store.blobs, input.body.take(), claims).await?;
    let output = UploadPartOutput {
        e_tag: Some(ETag::Strong(received.md5.clone())),
        checksum_crc32: received.checksums.crc32.clone(),
        checksum_crc32c: received.checksums.crc32c.clone(),
        checksum_crc64nvme: received.checksums.crc64nvme.clone(),
        checksum_sha1: received.checksums.sha1.clone(),
        checksum_sha256: received.checksums.sha256.clone(),
        ..UploadPartOutput::default()
    };
    let part = part_of(received);
    store.put_part(
        &input.upload_id,
        &input.bucket,
        &input.key,
        input.part_number,
        part,
    )?;
    Ok(S3Response::new(output))
}

pub async fn copy_part(
    store: &Store,
    req: S3Request<UploadPartCopyInput>,
) -> S3Result<S3Response<UploadPartCopyOutput>> {
    let input = req.input;
    check_number(input.part_number)?;
    let conditional = input.copy_source_if_match.is_some()
        || input.copy_source_if_none_match.is_some()
        || input.copy_source_if_modified_since.is_some()
        || input.copy_source_if_unmodified_since.is_some();
    refuse("a condition on the source of a part", conditional)?;
    let upload = store.upload(&input.upload_id, &input.bucket, &input.key)?;
    let (bucket, key) = source(&input.copy_source)?;
    let (original, reader) = store.get(&bucket, &key)?;
    let range = match input
        .copy_source_range
        .as_deref()
        .map(Range::parse)
        .transpose()
    {
        Ok(None) => 0..original.size,
        Ok(Some(range)) => range
            .check(original.size)
            .map_err(|_| s3_error!(InvalidRange))?,
        Err(_) => {
            return Err(s3_error!(
                InvalidArgument,
                "invalid x-amz-copy-source-range: expected bytes=FIRST-LAST"
            ));
        }
    };
    let algorithm = upload
        .checksum
        .as_ref()
        .map(|(name, _)| Algorithm::parse(name))
        .transpose()?;
    let body = reader.stream(range).map_err(S3Error::internal_error)?;
    let received = receive(
        &store.blobs,
        Some(body),
        Claims {
            algorithm,
            ..Claims::default()
        },
    )
    .await?;
    let part = part_of(received);
    let result = CopyPartResult {
        e_tag: Some(ETag::Strong(part.etag.clone())),
        last_modified: Some(timestamp(part.modified_ms)),
        ..CopyPartResult::default()
    };
    store.put_part(
        &input.upload_id,
        &input.bucket,
        &input.key,
        input.part_number,
        part,
    )?;
    Ok(S3Response::new(UploadPartCopyOutput {
        copy_part_result: Some(result),
        ..UploadPartCopyOutput::default()
    }))
}

fn part_of(received: Received) -> Object {
    Object {
        blob: received.blob,
        size: received.size,
        etag: received.md5,
        modified_ms: now_ms(),
        checksums: received.checksums,
        ..Object::default()
    }
}

fn check_number(number: i32) -> S3Result<()> {
    if (1..=MOST_PARTS).contains(&number) {
        return Ok(());
    }
    Err(s3_error!(
        InvalidArgument,
        "part number {number} is not between 1 and {MOST_PARTS}"
    ))
}

/// The parts that the client lists, in its order, which must rise; each must be the one that was uploaded.
fn listed_parts(
    upload: &Upload,
    listed: Option<CompletedMultipartUpload>,
) -> S3Result<Vec<Object>> {
    let listed = listed.and_then(|listed| listed.parts).unwrap_or_default();
    if listed.is_empty() {
        return Err(s3_error!(
            MalformedXML,
            "an upload is completed with at least one part"
        ));
    }
    let mut parts = Vec::with_capacity(listed.len());
    let mut last = 0;
    for CompletedPart {
        part_number, e_tag, ..
    } in listed
    {
        let number = part_number.unwrap_or_default();
        if number <= last {
            return Err(s3_error!(InvalidPartOrder));
        }
        last = number;
        let part = upload
            .parts
            .get(&number)
            .filter(|part| e_tag.as_ref().is_none_or(|etag| etag.value() == part.etag));
        parts.push(part.cloned().ok_or_else(|| {
            s3_error!(InvalidPart, "part {number} was not uploaded with this ETag")
        })?);
    }
    let too_small = parts
        .iter()
        .rev()
        .skip(1)
        .any(|part| part.size < SMALLEST_PART_BYTES);
    if too_small {
        return Err(s3_error!(
            EntityTooSmall,
            "each part but the last must have at least {SMALLEST_PART_BYTES} bytes"
        ));
    }
    Ok(parts)
}

pub async fn complete(
    store: &Store,
    req: S3Request<CompleteMultipartUploadInput>,
) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
    let input = req.input;
    let upload = store.upload(&input.upload_id, &input.bucket, &input.key)?;
    let condition = condition(input.if_match, input.if_none_match)?;
    store.check(&input.bucket, &input.key, &condition)?;
    let parts = listed_parts(&upload, input.multipart_upload)?;
    let size = parts.iter().map(|part| part.size).sum();
    if input
        .mpu_object_size
        .is_some_and(|claimed| u64::try_from(claimed) != Ok(size))
    {
        return Err(s3_error!(
            InvalidRequest,
            "the parts have {size} bytes together, which is not x-amz-mp-object-size"
        ));
    }

    let algorithm = upload
        .checksum
        .as_ref()
        .map(|(name, full)| Ok::<_, S3Error>((Algorithm::parse(name)?, *full)))
        .transpose()?;
    let mut writer = store
        .blobs
        .create()
        .await
        .map_err(S3Error::internal_error)?;
    let mut whole = Whole::new(
        algorithm
            .filter(|(_, full)| *full)
            .map(|(algorithm, _)| algorithm),
    );
    for part in &parts {
        append(&store.blobs, &part.blob, part.size, &mut writer, &mut whole).await?;
    }
    let checksums = match algorithm {
        Some((algorithm, false)) => {
            let digests: Option<Vec<_>> = parts
                .iter()
                .map(|part| part.checksums.get(algorithm).map(String::as_str))
                .collect();
            composite(
                algorithm,
                digests.ok_or_else(|| s3_error!(InvalidPart))?.into_iter(),
            )?
        }
        _ => whole.finish(),
    };
    let object = Object {
        blob: writer.finish().await.map_err(S3Error::internal_error)?,
        size,
        etag: multipart_etag(parts.iter().map(|part| part.etag.as_str())),
        modified_ms: now_ms(),
        headers: upload.headers,
        checksums,
        announced: false,
    };
    let output = completed(&input.bucket, &input.key, &object);
    store.put(
        &input.bucket,
        &input.key,
        object,
        &condition,
        Some(&input.upload_id),
    )?;
    Ok(S3Response::new(output))
}

fn completed(bucket: &str, key: &str, object: &Object) -> CompleteMultipartUploadOutput {
    CompleteMultipartUploadOutput {
        bucket: Some(bucket.to_owned()),
        key: Some(key.to_owned()),
        location: Some(format!("/{bucket}/{key}")),
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
        ..CompleteMultipartUploadOutput::default()
    }
}

pub fn abort(
    store: &Store,
    req: S3Request<AbortMultipartUploadInput>,
) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
    store.abort_upload(&req.input.upload_id, &req.input.bucket, &req.input.key)?;
    Ok(S3Response::new(AbortMultipartUploadOutput::default()))
}
