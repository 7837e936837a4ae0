//! What is unfinished: the uploads of a bucket, the parts of an upload.

use super::headers::{refuse, timestamp};
use super::store::Store;
use s3s::dto::*;
use s3s::{S3Request, S3Response, S3Result};

pub fn list_parts(
    store: &Store,
    req: S3Request<ListPartsInput>,
) -> S3Result<S3Response<ListPartsOutput>> {
    let input = req.input;
    let upload = store.upload(&input.upload_id, &input.bucket, &input.key)?;
    let max = usize::try_from(input.max_parts.unwrap_or(1000).clamp(0, 1000)).unwrap_or(1000);
    let after = input.part_number_marker.unwrap_or(0);
    let mut rest = upload
        .parts
        .into_iter()
        .filter(|(number, _)| *number > after);
    let parts: Vec<_> = rest
        .by_ref()
        .take(max)
        .map(|(number, part)| Part {
            part_number: Some(number),
            e_tag: Some(ETag::Strong(part.etag)),
            size: i64::try_from(part.size).ok(),
            last_modified: Some(timestamp(part.modified_ms)),
            ..Part::default()
        })
        .collect();
    let more = rest.next().is_some();
    Ok(S3Response::new(ListPartsOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        max_parts: i32::try_from(max).ok(),
        part_number_marker: Some(after),
        next_part_number_marker: parts
            .last()
            .and_then(|part| part.part_number)
            .filter(|_| more),
        is_truncated: Some(more),
        parts: Some(parts),
        ..ListPartsOutput::default()
    }))
}

pub fn list_uploads(
    store: &Store,
    req: S3Request<ListMultipartUploadsInput>,
) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
    let input = req.input;
    refuse(
        "a delimiter in a list of uploads",
        input.delimiter.is_some(),
    )?;
    let prefix = input.prefix.clone().unwrap_or_default();
    let max = usize::try_from(input.max_uploads.unwrap_or(1000).clamp(1, 1000)).unwrap_or(1000);
    let key_marker = input.key_marker.clone().unwrap_or_default();
    let id_marker = input.upload_id_marker.clone();
    let mut rest = store.uploads(&input.bucket)?;
    rest.retain(|(_, upload)| upload.key.starts_with(&prefix));
    let seen = rest
        .iter()
        .position(|(id, upload)| upload.key == key_marker && Some(id) == id_marker.as_ref());
    match seen {
        Some(at) => drop(rest.drain(..=at)),
        None => rest.retain(|(_, upload)| upload.key > key_marker),
    }
    let more = rest.len() > max;
    rest.truncate(max);
    let (next_upload_id_marker, next_key_marker) = rest
        .last()
        .filter(|_| more)
        .map(|(id, upload)| (id.clone(), upload.key.clone()))
        .unzip();
    let uploads = rest.into_iter().map(|(id, upload)| MultipartUpload {
        key: Some(upload.key),
        upload_id: Some(id),
        initiated: Some(timestamp(upload.started_ms)),
        ..MultipartUpload::default()
    });
    Ok(S3Response::new(ListMultipartUploadsOutput {
        uploads: Some(uploads.collect()),
        bucket: Some(input.bucket),
        prefix: input.prefix,
        key_marker: input.key_marker,
        upload_id_marker: input.upload_id_marker,
        next_key_marker,
        next_upload_id_marker,
        max_uploads: i32::try_from(max).ok(),
        is_truncated: Some(more),
        ..ListMultipartUploadsOutput::default()
    }))
}
