//! Where stages keep their files. The S3 endpoint and the engine share one store.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::{PoisonError, RwLock};

use crate::types::clock::Clock;

/// What a listing says of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectMeta {
    /// The key within its bucket.
    pub key: String,
    /// Bytes.
    pub size: u64,
    /// The ETag, without quotes.
    pub etag: String,
    /// Microseconds since 1970-01-01 UTC.
    pub modified_micros: i64,
}

/// Buckets of objects. Internal stages live in the bucket [`INTERNAL_BUCKET`].
pub trait ObjectStore: Send + Sync {
    /// Whether the bucket is there.
    fn bucket_exists(&self, bucket: &str) -> bool;
    /// The object's bytes; `NotFound` if it is not there.
    fn get(&self, bucket: &str, key: &str) -> io::Result<Vec<u8>>;
    /// What is known of the object.
    fn head(&self, bucket: &str, key: &str) -> io::Result<ObjectMeta>;
    /// The objects whose key starts with `prefix`, by key.
    fn list(&self, bucket: &str, prefix: &str) -> io::Result<Vec<ObjectMeta>>;
    /// Writes an object whole.
    fn put(&self, bucket: &str, key: &str, bytes: &[u8]) -> io::Result<ObjectMeta>;
    /// Removes an object; removing what is not there is no error.
    fn delete(&self, bucket: &str, key: &str) -> io::Result<()>;
    /// Where the object lies on disk, if it does: large files are then read in place.
    fn path(&self, _bucket: &str, _key: &str) -> Option<PathBuf> {
        None
    }
}

/// The bucket of all internal stages; keys start with the stage's id. The S3 endpoint does not show it.
pub const INTERNAL_BUCKET: &str = "snowglobe-internal-stages";

type Address = (String, String);

/// A store in memory, for tests and for engines without an S3 endpoint.
#[derive(Debug, Default)]
pub struct MemoryStore {
    objects: RwLock<BTreeMap<Address, (Vec<u8>, ObjectMeta)>>,
    clock: Clock,
}

impl MemoryStore {
    /// A store whose objects are as old as the clock says.
    pub fn with_clock(clock: Clock) -> Self {
        Self {
            clock,
            ..Self::default()
        }
    }
}

impl ObjectStore for MemoryStore {
    fn bucket_exists(&self, _bucket: &str) -> bool {
        true
    }

    fn get(&self, bucket: &str, key: &str) -> io::Result<Vec<u8>> {
        let objects = self.objects.read().unwrap_or_else(PoisonError::into_inner);
        let found = objects.get(&(bucket.to_owned(), key.to_owned()));
        found
            .map(|(bytes, _)| bytes.clone())
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn head(&self, bucket: &str, key: &str) -> io::Result<ObjectMeta> {
        let objects = self.objects.read().unwrap_or_else(PoisonError::into_inner);
        let found = objects.get(&(bucket.to_owned(), key.to_owned()));
        found
            .map(|(_, meta)| meta.clone())
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn list(&self, bucket: &str, prefix: &str) -> io::Result<Vec<ObjectMeta>> {
        let objects = self.objects.read().unwrap_or_else(PoisonError::into_inner);
        let here = objects
            .iter()
            .filter(|((b, key), _)| b == bucket && key.starts_with(prefix));
        Ok(here.map(|(_, (_, meta))| meta.clone()).collect())
    }

    fn put(&self, bucket: &str, key: &str, bytes: &[u8]) -> io::Result<ObjectMeta> {
        use sha2::Digest;
        let digest = sha2::Sha256::digest(bytes);
        let meta = ObjectMeta {
            key: key.to_owned(),
            size: bytes.len() as u64,
            etag: digest
                .iter()
                .take(16)
                .map(|byte| format!("{byte:02x}"))
                .collect(),
            modified_micros: self.clock.now_micros(),
        };
        let mut objects = self.objects.write().unwrap_or_else(PoisonError::into_inner);
        objects.insert(
            (bucket.to_owned(), key.to_owned()),
            (bytes.to_vec(), meta.clone()),
        );
        Ok(meta)
    }

    fn delete(&self, bucket: &str, key: &str) -> io::Result<()> {
        self.objects
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&(bucket.to_owned(), key.to_owned()));
        Ok(())
    }
}
