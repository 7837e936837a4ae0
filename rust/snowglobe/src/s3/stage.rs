//! The same store as the engine sees it: blocking, whole objects, for stages.

use super::digest::md5_hex;
use super::listing::{Query, list};
use super::state::Object;
use super::store::{Condition, Store, StoreError, now_ms};
use crate::engine::{ObjectMeta, ObjectStore};
use crate::object_store::INTERNAL_BUCKET;
use std::io::{self, Read};
use std::path::PathBuf;

impl From<StoreError> for io::Error {
    fn from(error: StoreError) -> Self {
        let kind = match &error {
            StoreError::NoSuchBucket(_) | StoreError::NoSuchKey(_) => io::ErrorKind::NotFound,
            _ => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}

fn meta(key: &str, object: &Object) -> ObjectMeta {
    ObjectMeta {
        key: key.to_owned(),
        size: object.size,
        etag: object.etag.clone(),
        modified_micros: i64::try_from(object.modified_ms * 1000).unwrap_or(i64::MAX),
    }
}

impl ObjectStore for Store {
    fn bucket_exists(&self, bucket: &str) -> bool {
        self.with_bucket(bucket, |_| ()).is_ok()
    }

    fn get(&self, bucket: &str, key: &str) -> io::Result<Vec<u8>> {
        let (object, mut reader) = Self::get(self, bucket, key)?;
        let mut bytes = Vec::with_capacity(usize::try_from(object.size).unwrap_or_default());
        reader.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn head(&self, bucket: &str, key: &str) -> io::Result<ObjectMeta> {
        Ok(meta(key, &Self::head(self, bucket, key)?))
    }

    fn list(&self, bucket: &str, prefix: &str) -> io::Result<Vec<ObjectMeta>> {
        if bucket == INTERNAL_BUCKET && !self.bucket_exists(bucket) {
            return Ok(Vec::new());
        }
        let query = Query {
            prefix,
            max: usize::MAX,
            ..Query::default()
        };
        Ok(self.with_bucket(bucket, |bucket| {
            let page = list(bucket, &query);
            page.objects
                .into_iter()
                .map(|(key, object)| meta(key, object))
                .collect()
        })?)
    }

    fn put(&self, bucket: &str, key: &str, bytes: &[u8]) -> io::Result<ObjectMeta> {
        if bucket == INTERNAL_BUCKET
            && let Err(StoreError::Disk(error)) = self.create_bucket(bucket)
        {
            return Err(error);
        }
        let object = Object {
            blob: self.blobs.write(bytes)?,
            size: bytes.len() as u64,
            etag: md5_hex(bytes),
            modified_ms: now_ms(),
            ..Object::default()
        };
        let meta = meta(key, &object);
        Self::put(self, bucket, key, object, &Condition::Always, None)?;
        Ok(meta)
    }

    fn delete(&self, bucket: &str, key: &str) -> io::Result<()> {
        match Self::delete(self, bucket, key, &Condition::Always) {
            Err(StoreError::NoSuchBucket(_)) if bucket == INTERNAL_BUCKET => Ok(()),
            done => Ok(done?),
        }
    }

    fn path(&self, bucket: &str, key: &str) -> Option<PathBuf> {
        let object = Self::head(self, bucket, key).ok()?;
        self.blobs.path(&object.blob)
    }
}
