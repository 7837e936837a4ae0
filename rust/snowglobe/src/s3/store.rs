//! Buckets and objects behind one lock: every change is in the journal before it is acknowledged, and told to the listener.
//!
//! Blocking, and short: bytes are streamed by the callers, outside the lock.

use super::blobs::{BlobReader, Blobs};
use super::journal::Journal;
use super::state::{Bucket, Entry, Object, State, Upload};
use crate::object_store::INTERNAL_BUCKET;
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

/// The objects of the S3 endpoint.
pub struct Store {
    inner: Mutex<Inner>,
    /// The objects' bytes.
    pub(super) blobs: Blobs,
    listener: OnceLock<Box<Listener>>,
}

/// Told of each new object. It returns quickly, and calls [`Store::announced`] once the event is delivered.
type Listener = dyn Fn(ObjectCreated) + Send + Sync;

struct Inner {
    state: State,
    journal: Option<Journal>,
}

/// The event that S3 calls `ObjectCreated`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectCreated {
    /// The bucket.
    pub bucket: String,
    /// The object's key.
    pub key: String,
    /// Length in bytes.
    pub size: u64,
    /// Without quotes.
    pub etag: String,
    /// Tells this object from an earlier or later one at the same key.
    pub blob: String,
}

/// `If-Match` and `If-None-Match` of a write.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Condition {
    /// Write whatever is there.
    #[default]
    Always,
    /// Only if there is no such object: `If-None-Match: *`.
    Absent,
    /// Only if there is such an object: `If-Match: *`.
    Present,
    /// Only over the object with this ETag: `If-Match: "etag"`.
    Etag(String),
}

/// Why the store refuses.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each is the S3 error code of its name")]
pub enum StoreError {
    #[error("the bucket {0} does not exist")]
    NoSuchBucket(String),
    #[error("the object {0} does not exist")]
    NoSuchKey(String),
    #[error("the upload {0} does not exist: it may have been aborted or completed")]
    NoSuchUpload(String),
    #[error("the bucket {0} already exists and is yours")]
    BucketAlreadyOwnedByYou(String),
    #[error("the bucket {0} is not empty: delete its objects first")]
    BucketNotEmpty(String),
    #[error("at least one of the preconditions you specified did not hold")]
    PreconditionFailed,
    #[error(transparent)]
    Disk(#[from] io::Error),
}

type Result<T> = std::result::Result<T, StoreError>;

impl Store {
    /// An empty store that ends with the process.
    pub fn in_memory() -> Self {
        let inner = Inner {
            state: State::default(),
            journal: None,
        };
        Self {
            inner: Mutex::new(inner),
            blobs: Blobs::in_memory(),
            listener: OnceLock::new(),
        }
    }

    /// The store that `dir` holds, made if need be.
    ///
    /// # Errors
    /// If `dir` cannot be read or written, or its journal is damaged.
    pub fn open(dir: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(dir)?;
        let (journal, state) = Journal::open(dir)?;
        let blobs = Blobs::in_folder(&dir.join("blobs"), &state.blobs())?;
        let inner = Inner {
            state,
            journal: Some(journal),
        };
        Ok(Self {
            inner: Mutex::new(inner),
            blobs,
            listener: OnceLock::new(),
        })
    }

    /// Sets who is notified of new objects, and of those whose event did not arrive before the last process ended.
    pub fn listen(&self, listener: impl Fn(ObjectCreated) + Send + Sync + 'static) {
        if self.listener.set(Box::new(listener)).is_err() {
            log::error!("the S3 store has a listener already: the second is ignored");
            return;
        }
        let mut missed = Vec::new();
        for (name, bucket) in &self.lock().state.buckets {
            let unannounced = bucket
                .objects
                .iter()
                .filter(|(_, object)| !object.announced);
            missed.extend(
                unannounced.map(|(key, object)| (object.modified_ms, event(name, key, object))),
            );
        }
        missed.sort_by_key(|(modified_ms, _)| *modified_ms);
        missed.into_iter().for_each(|(_, event)| self.tell(event));
    }

    /// Remembers that the event was delivered, so that a restart does not deliver it again.
    pub fn announced(&self, event: &ObjectCreated) {
        let ObjectCreated {
            bucket, key, blob, ..
        } = event.clone();
        if let Err(error) = self.commit(
            &mut self.lock(),
            vec![Entry::Announced { bucket, key, blob }],
        ) {
            log::warn!(
                "the event of {} will come again after a restart: {error}",
                event.key
            );
        }
    }

    /// Makes a bucket.
    ///
    /// # Errors
    /// `BucketAlreadyOwnedByYou` if it is there.
    pub fn create_bucket(&self, bucket: &str) -> Result<()> {
        let mut inner = self.lock();
        if inner.state.buckets.contains_key(bucket) {
            return Err(StoreError::BucketAlreadyOwnedByYou(bucket.into()));
        }
        self.commit(
            &mut inner,
            vec![Entry::BucketMade {
                bucket: bucket.into(),
                at_ms: now_ms(),
            }],
        )
    }

    /// Drops an empty bucket.
    ///
    /// # Errors
    /// `NoSuchBucket`, `BucketNotEmpty`.
    pub fn delete_bucket(&self, bucket: &str) -> Result<()> {
        let mut inner = self.lock();
        if !inner.bucket(bucket)?.objects.is_empty() {
            return Err(StoreError::BucketNotEmpty(bucket.into()));
        }
        self.commit(
            &mut inner,
            vec![Entry::BucketDropped {
                bucket: bucket.into(),
            }],
        )
    }

    /// Looks at a bucket, under the lock.
    ///
    /// # Errors
    /// `NoSuchBucket`.
    pub fn with_bucket<T>(&self, bucket: &str, look: impl FnOnce(&Bucket) -> T) -> Result<T> {
        self.lock().bucket(bucket).map(look)
    }

    /// Names of the buckets that S3 shows, and when each was made, in milliseconds since 1970.
    pub fn buckets(&self) -> Vec<(String, u64)> {
        let inner = self.lock();
        let shown = inner
            .state
            .buckets
            .iter()
            .filter(|(name, _)| *name != INTERNAL_BUCKET);
        shown
            .map(|(name, bucket)| (name.clone(), bucket.created_ms))
            .collect()
    }

    /// What is known of an object.
    ///
    /// # Errors
    /// `NoSuchBucket`, `NoSuchKey`.
    pub fn head(&self, bucket: &str, key: &str) -> Result<Object> {
        self.lock().object(bucket, key).cloned()
    }

    /// An object and its bytes, which stay readable when it is overwritten or deleted meanwhile.
    ///
    /// # Errors
    /// `NoSuchBucket`, `NoSuchKey`.
    pub fn get(&self, bucket: &str, key: &str) -> Result<(Object, BlobReader)> {
        let inner = self.lock();
        let object = inner.object(bucket, key)?.clone();
        let reader = self.blobs.open(&object.blob)?;
        Ok((object, reader))
    }

    /// Whether a write under `condition` would go through now, to refuse it before its bytes are read.
    ///
    /// # Errors
    /// `NoSuchBucket`, `NoSuchKey`, `PreconditionFailed`.
    pub fn check(&self, bucket: &str, key: &str, condition: &Condition) -> Result<()> {
        self.lock().check(bucket, key, condition)
    }

    /// Puts an object, whose blob is written already, in one step with its `condition` and the end of `upload`.
    ///
    /// # Errors
    /// `NoSuchBucket`, `NoSuchKey`, `PreconditionFailed`; the blob is removed then.
    pub fn put(
        &self,
        bucket: &str,
        key: &str,
        object: Object,
        condition: &Condition,
        upload: Option<&str>,
    ) -> Result<()> {
        let event = event(bucket, key, &object);
        let mut inner = self.lock();
        if let Err(refusal) = inner.check(bucket, key, condition) {
            self.blobs.remove(&object.blob);
            return Err(refusal);
        }
        let mut entries = vec![Entry::ObjectPut {
            bucket: bucket.into(),
            key: key.into(),
            object,
        }];
        entries.extend(upload.map(|upload| Entry::UploadEnded {
            upload: upload.into(),
        }));
        self.commit(&mut inner, entries)?;
        drop(inner);
        self.tell(event);
        Ok(())
    }

    /// Deletes an object. That there is none is fine, as on S3.
    ///
    /// # Errors
    /// `NoSuchBucket`, or `PreconditionFailed` if `condition` does not hold.
    pub fn delete(&self, bucket: &str, key: &str, condition: &Condition) -> Result<()> {
        let mut inner = self.lock();
        inner.check(bucket, key, condition)?;
        if !inner.bucket(bucket)?.objects.contains_key(key) {
            return Ok(());
        }
        self.commit(
            &mut inner,
            vec![Entry::ObjectDeleted {
                bucket: bucket.into(),
                key: key.into(),
            }],
        )
    }

    pub(super) fn start_upload(&self, id: &str, upload: Upload) -> Result<()> {
        let mut inner = self.lock();
        inner.bucket(&upload.bucket)?;
        let Upload {
            bucket,
            key,
            started_ms,
            headers,
            checksum,
            ..
        } = upload;
        let begun = Entry::UploadStarted {
            upload: id.into(),
            bucket,
            key,
            at_ms: started_ms,
            headers,
            checksum,
        };
        self.commit(&mut inner, vec![begun])
    }

    pub(super) fn upload(&self, id: &str, bucket: &str, key: &str) -> Result<Upload> {
        self.lock().upload(id, bucket, key).cloned()
    }

    pub(super) fn uploads(&self, bucket: &str) -> Result<Vec<(String, Upload)>> {
        let inner = self.lock();
        inner.bucket(bucket)?;
        let here = inner
            .state
            .uploads
            .iter()
            .filter(|(_, upload)| upload.bucket == bucket);
        let mut uploads: Vec<_> = here
            .map(|(id, upload)| (id.clone(), upload.clone()))
            .collect();
        uploads.sort_by(|(a_id, a), (b_id, b)| {
            (&a.key, a.started_ms, a_id).cmp(&(&b.key, b.started_ms, b_id))
        });
        Ok(uploads)
    }

    pub(super) fn put_part(
        &self,
        id: &str,
        bucket: &str,
        key: &str,
        number: i32,
        part: Object,
    ) -> Result<()> {
        let mut inner = self.lock();
        if let Err(refusal) = inner.upload(id, bucket, key) {
            self.blobs.remove(&part.blob);
            return Err(refusal);
        }
        self.commit(
            &mut inner,
            vec![Entry::PartPut {
                upload: id.into(),
                number,
                part,
            }],
        )
    }

    pub(super) fn abort_upload(&self, id: &str, bucket: &str, key: &str) -> Result<()> {
        let mut inner = self.lock();
        inner.upload(id, bucket, key)?;
        self.commit(&mut inner, vec![Entry::UploadEnded { upload: id.into() }])
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic under the lock cannot leave a half-made change: `apply` runs after the journal has it all.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn commit(&self, inner: &mut Inner, entries: Vec<Entry>) -> Result<()> {
        if let Some(journal) = &mut inner.journal {
            journal.append(&entries)?;
        }
        for freed in entries
            .into_iter()
            .flat_map(|entry| inner.state.apply(entry))
        {
            self.blobs.remove(&freed);
        }
        Ok(())
    }

    fn tell(&self, event: ObjectCreated) {
        if event.bucket == INTERNAL_BUCKET {
            return;
        }
        if let Some(listener) = self.listener.get() {
            listener(event);
        }
    }
}

impl Inner {
    fn bucket(&self, bucket: &str) -> Result<&Bucket> {
        self.state
            .buckets
            .get(bucket)
            .ok_or_else(|| StoreError::NoSuchBucket(bucket.into()))
    }

    fn object(&self, bucket: &str, key: &str) -> Result<&Object> {
        self.bucket(bucket)?
            .objects
            .get(key)
            .ok_or_else(|| StoreError::NoSuchKey(key.into()))
    }

    fn upload(&self, id: &str, bucket: &str, key: &str) -> Result<&Upload> {
        let found = self
            .state
            .uploads
            .get(id)
            .filter(|upload| upload.bucket == bucket && upload.key == key);
        found.ok_or_else(|| StoreError::NoSuchUpload(id.into()))
    }

    fn check(&self, bucket: &str, key: &str, condition: &Condition) -> Result<()> {
        let there = self.bucket(bucket)?.objects.get(key);
        match condition {
            Condition::Always => Ok(()),
            Condition::Absent if there.is_none() => Ok(()),
            Condition::Absent => Err(StoreError::PreconditionFailed),
            Condition::Present => there
                .map(|_| ())
                .ok_or_else(|| StoreError::NoSuchKey(key.into())),
            Condition::Etag(etag) => match there {
                None => Err(StoreError::NoSuchKey(key.into())),
                Some(object) if object.etag == *etag => Ok(()),
                Some(_) => Err(StoreError::PreconditionFailed),
            },
        }
    }
}

fn event(bucket: &str, key: &str, object: &Object) -> ObjectCreated {
    ObjectCreated {
        bucket: bucket.into(),
        key: key.into(),
        size: object.size,
        etag: object.etag.clone(),
        blob: object.blob.clone(),
    }
}

/// Milliseconds since 1970. Objects carry the machine's time, as S3's do: a moved clock of the engine does not reach them.
pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
