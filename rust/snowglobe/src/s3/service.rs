//! The S3 operations that there are, each handed to its module; `s3s` answers `NotImplemented` for all others.

use super::headers::{refuse, timestamp};
use super::listing::{Page, Query, list};
use super::state::Object as Stored;
use super::store::Store;
use super::{objects, reading, unfinished, uploads};
use crate::object_store::INTERNAL_BUCKET;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::SimpleAuth;
use s3s::dto::*;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{S3, S3Request, S3Response, S3Result, s3_error};
use std::sync::Arc;

struct Endpoint {
    store: Arc<Store>,
}

/// An HTTP service for `store`, open to whoever signs with one of `keys`: pairs of access key id and secret.
pub fn endpoint(store: Arc<Store>, keys: &[(String, String)]) -> S3Service {
    let mut auth = SimpleAuth::new();
    for (id, secret) in keys {
        auth.register(id.clone(), secret.as_str().into());
    }
    let mut builder = S3ServiceBuilder::new(Endpoint { store });
    builder.set_auth(auth);
    builder.set_access(Access);
    builder.build()
}

/// Whoever signs with a known key may do everything, except see the engine's internal stages.
struct Access;

#[async_trait::async_trait]
impl S3Access for Access {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        if context.credentials().is_none() {
            return Err(s3_error!(AccessDenied, "Access Denied: sign the request"));
        }
        if context.s3_path().get_bucket_name() == Some(INTERNAL_BUCKET) {
            return Err(s3_error!(NoSuchBucket));
        }
        Ok(())
    }
}

const MOST_KEYS: i32 = 1000;

#[async_trait::async_trait]
impl S3 for Endpoint {
    async fn list_buckets(
        &self,
        _: S3Request<ListBucketsInput>,
    ) -> S3Result<S3Response<ListBucketsOutput>> {
        let buckets = self
            .store
            .buckets()
            .into_iter()
            .map(|(name, created_ms)| Bucket {
                name: Some(name),
                creation_date: Some(timestamp(created_ms)),
                ..Bucket::default()
            });
        let output = ListBucketsOutput {
            buckets: Some(buckets.collect()),
            ..ListBucketsOutput::default()
        };
        Ok(S3Response::new(output))
    }

    async fn create_bucket(
        &self,
        req: S3Request<CreateBucketInput>,
    ) -> S3Result<S3Response<CreateBucketOutput>> {
        refuse(
            "object lock",
            req.input.object_lock_enabled_for_bucket == Some(true),
        )?;
        self.store.create_bucket(&req.input.bucket)?;
        let location = Some(format!("/{}", req.input.bucket));
        Ok(S3Response::new(CreateBucketOutput { location }))
    }

    async fn delete_bucket(
        &self,
        req: S3Request<DeleteBucketInput>,
    ) -> S3Result<S3Response<DeleteBucketOutput>> {
        self.store.delete_bucket(&req.input.bucket)?;
        Ok(S3Response::new(DeleteBucketOutput::default()))
    }

    async fn head_bucket(
        &self,
        req: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        self.store.with_bucket(&req.input.bucket, |_| ())?;
        Ok(S3Response::new(HeadBucketOutput::default()))
    }

    async fn get_bucket_location(
        &self,
        req: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        self.store.with_bucket(&req.input.bucket, |_| ())?;
        Ok(S3Response::new(GetBucketLocationOutput::default()))
    }

    async fn get_bucket_versioning(
        &self,
        req: S3Request<GetBucketVersioningInput>,
    ) -> S3Result<S3Response<GetBucketVersioningOutput>> {
        self.store.with_bucket(&req.input.bucket, |_| ())?;
        Ok(S3Response::new(GetBucketVersioningOutput::default()))
    }

    async fn list_objects_v2(
        &self,
        req: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = req.input;
        let after = match &input.continuation_token {
            Some(token) => decode_token(token)?,
            None => input.start_after.clone().unwrap_or_default(),
        };
        let max_keys = input.max_keys.unwrap_or(MOST_KEYS).clamp(0, MOST_KEYS);
        let query = Query {
            prefix: input.prefix.as_deref().unwrap_or_default(),
            delimiter: input.delimiter.as_deref().unwrap_or_default(),
            after: &after,
            max: usize::try_from(max_keys).unwrap_or_default(),
        };
        let encoding = Encoding::of(input.encoding_type.as_ref());
        let output = self.store.with_bucket(&input.bucket, |bucket| {
            let page = list(bucket, &query);
            ListObjectsV2Output {
                key_count: i32::try_from(page.objects.len() + page.prefixes.len()).ok(),
                is_truncated: Some(page.next.is_some()),
                next_continuation_token: page
                    .next
                    .as_ref()
                    .map(|next| URL_SAFE_NO_PAD.encode(next)),
                contents: Some(encoding.contents(&page)),
                common_prefixes: Some(encoding.prefixes(&page)),
                ..ListObjectsV2Output::default()
            }
        })?;
        Ok(S3Response::new(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: Some(encoding.text(&input.prefix.unwrap_or_default())),
            delimiter: input.delimiter.map(|delimiter| encoding.text(&delimiter)),
            start_after: input.start_after.map(|after| encoding.text(&after)),
            continuation_token: input.continuation_token,
            encoding_type: input.encoding_type,
            max_keys: Some(max_keys),
            ..output
        }))
    }

    async fn list_objects(
        &self,
        req: S3Request<ListObjectsInput>,
    ) -> S3Result<S3Response<ListObjectsOutput>> {
        let input = req.input;
        let max_keys = input.max_keys.unwrap_or(MOST_KEYS).clamp(0, MOST_KEYS);
        let query = Query {
            prefix: input.prefix.as_deref().unwrap_or_default(),
            delimiter: input.delimiter.as_deref().unwrap_or_default(),
            after: input.marker.as_deref().unwrap_or_default(),
            max: usize::try_from(max_keys).unwrap_or_default(),
        };
        let encoding = Encoding::of(input.encoding_type.as_ref());
        let output = self.store.with_bucket(&input.bucket, |bucket| {
            let page = list(bucket, &query);
            ListObjectsOutput {
                is_truncated: Some(page.next.is_some()),
                next_marker: page.next.as_ref().map(|next| encoding.text(next)),
                contents: Some(encoding.contents(&page)),
                common_prefixes: Some(encoding.prefixes(&page)),
                ..ListObjectsOutput::default()
            }
        })?;
        Ok(S3Response::new(ListObjectsOutput {
            name: Some(input.bucket),
            prefix: Some(encoding.text(&input.prefix.unwrap_or_default())),
            delimiter: input.delimiter.map(|delimiter| encoding.text(&delimiter)),
            marker: input.marker.map(|marker| encoding.text(&marker)),
            encoding_type: input.encoding_type,
            max_keys: Some(max_keys),
            ..output
        }))
    }

    async fn put_object(
        &self,
        req: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        objects::put(&self.store, req).await
    }

    async fn get_object(
        &self,
        req: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        reading::get(&self.store, req)
    }

    async fn head_object(
        &self,
        req: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        reading::head(&self.store, req)
    }

    async fn copy_object(
        &self,
        req: S3Request<CopyObjectInput>,
    ) -> S3Result<S3Response<CopyObjectOutput>> {
        objects::copy(&self.store, req)
    }

    async fn delete_object(
        &self,
        req: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        objects::delete(&self.store, req)
    }

    async fn delete_objects(
        &self,
        req: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        objects::delete_many(&self.store, req)
    }

    async fn create_multipart_upload(
        &self,
        req: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        uploads::start(&self.store, req)
    }

    async fn upload_part(
        &self,
        req: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        uploads::put_part(&self.store, req).await
    }

    async fn upload_part_copy(
        &self,
        req: S3Request<UploadPartCopyInput>,
    ) -> S3Result<S3Response<UploadPartCopyOutput>> {
        uploads::copy_part(&self.store, req).await
    }

    async fn complete_multipart_upload(
        &self,
        req: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        uploads::complete(&self.store, req).await
    }

    async fn abort_multipart_upload(
        &self,
        req: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        uploads::abort(&self.store, req)
    }

    async fn list_parts(
        &self,
        req: S3Request<ListPartsInput>,
    ) -> S3Result<S3Response<ListPartsOutput>> {
        unfinished::list_parts(&self.store, req)
    }

    async fn list_multipart_uploads(
        &self,
        req: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        unfinished::list_uploads(&self.store, req)
    }
}

/// A continuation token is where to go on, in base64 so that no client is tempted to make one.
fn decode_token(token: &str) -> S3Result<String> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| s3_error!(InvalidArgument, "unknown continuation token"))
}

/// How names are written in a list: as they are, or percent-encoded when the client asks for `encoding-type=url`.
#[derive(Clone, Copy)]
enum Encoding {
    Plain,
    Url,
}

impl Encoding {
    fn of(asked: Option<&EncodingType>) -> Self {
        if asked.is_some_and(|kind| kind.as_str() == "url") {
            Self::Url
        } else {
            Self::Plain
        }
    }

    fn text(self, text: &str) -> String {
        if matches!(self, Self::Plain) {
            return text.to_owned();
        }
        let mut encoded = String::with_capacity(text.len());
        for byte in text.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' => {
                    encoded.push(char::from(byte))
                }
                _ => encoded.push_str(&format!("%{byte:02X}")),
            }
        }
        encoded
    }

    fn contents(self, page: &Page<'_>) -> Vec<Object> {
        page.objects
            .iter()
            .map(|(key, stored)| self.object(key, stored))
            .collect()
    }

    fn object(self, key: &str, stored: &Stored) -> Object {
        Object {
            key: Some(self.text(key)),
            e_tag: Some(ETag::Strong(stored.etag.clone())),
            size: i64::try_from(stored.size).ok(),
            last_modified: Some(timestamp(stored.modified_ms)),
            storage_class: Some(ObjectStorageClass::from_static("STANDARD")),
            ..Object::default()
        }
    }

    fn prefixes(self, page: &Page<'_>) -> Vec<CommonPrefix> {
        page.prefixes
            .iter()
            .map(|prefix| CommonPrefix {
                prefix: Some(self.text(prefix)),
            })
            .collect()
    }
}
