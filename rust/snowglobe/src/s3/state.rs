//! What buckets, objects and unfinished uploads there are, as a fold over the journal's entries.
//!
//! Pure: no file, no clock, no lock. [`State::apply`] is the only way to change it, at run time and at a restart alike.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Everything the endpoint remembers, except the objects' bytes.
#[derive(Debug, Default)]
pub struct State {
    /// Buckets by name.
    pub buckets: BTreeMap<String, Bucket>,
    /// Multipart uploads by id.
    pub uploads: HashMap<String, Upload>,
}

/// A bucket and its objects, in the byte order of their keys, as S3 lists them.
#[derive(Debug)]
pub struct Bucket {
    /// Milliseconds since 1970.
    pub created_ms: u64,
    /// Objects by key.
    pub objects: BTreeMap<String, Object>,
}

/// An object, or a part of an upload: where its bytes are and what is known about them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Object {
    /// The blob that holds the bytes.
    pub blob: String,
    /// Length in bytes.
    pub size: u64,
    /// Without the quotes: MD5 in hex, or `md5-of-md5s-parts`.
    pub etag: String,
    /// Milliseconds since 1970.
    pub modified_ms: u64,
    /// What the client wants back with the bytes.
    #[serde(default)]
    pub headers: Headers,
    /// The checksums the client asked for.
    #[serde(default)]
    pub checksums: Checksums,
    /// Whether the event for this object has reached the pipes.
    #[serde(default)]
    pub announced: bool,
}

/// Headers stored with an object and given back with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "each field is the HTTP header of its name")]
pub struct Headers {
    pub cache_control: Option<String>,
    pub content_disposition: Option<String>,
    pub content_encoding: Option<String>,
    pub content_language: Option<String>,
    pub content_type: Option<String>,
    /// `x-amz-server-side-encryption`, said back; the bytes lie in the clear on this machine.
    pub encryption: Option<String>,
    pub encryption_key: Option<String>,
    /// `x-amz-meta-*`.
    pub metadata: BTreeMap<String, String>,
}

/// Base64 digests, by the algorithms that S3 knows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "each field is the algorithm of its name")]
pub struct Checksums {
    pub crc32: Option<String>,
    pub crc32c: Option<String>,
    pub crc64nvme: Option<String>,
    pub sha1: Option<String>,
    pub sha256: Option<String>,
    /// Whether they are digests of the parts' digests rather than of the bytes.
    pub composite: bool,
}

/// A multipart upload that is neither completed nor aborted.
#[derive(Debug, Clone)]
pub struct Upload {
    /// Where the object will be.
    pub bucket: String,
    /// Where the object will be.
    pub key: String,
    /// Milliseconds since 1970.
    pub started_ms: u64,
    /// For the object to come.
    pub headers: Headers,
    /// The checksum algorithm named at the start, and whether it covers the whole object.
    pub checksum: Option<(String, bool)>,
    /// Parts by number.
    pub parts: BTreeMap<i32, Object>,
}

/// One change. The journal is a sequence of these.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Entry {
    BucketMade {
        bucket: String,
        at_ms: u64,
    },
    BucketDropped {
        bucket: String,
    },
    ObjectPut {
        bucket: String,
        key: String,
        object: Object,
    },
    ObjectDeleted {
        bucket: String,
        key: String,
    },
    /// The event for this very object (its blob tells it from a later one at the same key) has been delivered.
    Announced {
        bucket: String,
        key: String,
        blob: String,
    },
    UploadStarted {
        upload: String,
        bucket: String,
        key: String,
        at_ms: u64,
        headers: Headers,
        checksum: Option<(String, bool)>,
    },
    PartPut {
        upload: String,
        number: i32,
        part: Object,
    },
    UploadEnded {
        upload: String,
    },
}

impl State {
    /// Takes one change in. Gives the blobs that nothing refers to any more.
    pub fn apply(&mut self, entry: Entry) -> Vec<String> {
        match entry {
            Entry::BucketMade { bucket, at_ms } => {
                self.buckets.entry(bucket).or_insert(Bucket {
                    created_ms: at_ms,
                    objects: BTreeMap::new(),
                });
                Vec::new()
            }
            Entry::BucketDropped { bucket } => {
                let dropped = self.buckets.remove(&bucket);
                let objects = dropped.map(|dropped| dropped.objects).unwrap_or_default();
                objects.into_values().map(|object| object.blob).collect()
            }
            Entry::ObjectPut {
                bucket,
                key,
                object,
            } => {
                let found = self.buckets.get_mut(&bucket);
                let replaced = found.and_then(|found| found.objects.insert(key, object));
                replaced.into_iter().map(|old| old.blob).collect()
            }
            Entry::ObjectDeleted { bucket, key } => {
                let found = self.buckets.get_mut(&bucket);
                let deleted = found.and_then(|found| found.objects.remove(&key));
                deleted.into_iter().map(|old| old.blob).collect()
            }
            Entry::Announced { bucket, key, blob } => {
                self.announced(&bucket, &key, &blob);
                Vec::new()
            }
            Entry::UploadStarted {
                upload,
                bucket,
                key,
                at_ms,
                headers,
                checksum,
            } => {
                let begun = Upload {
                    bucket,
                    key,
                    started_ms: at_ms,
                    headers,
                    checksum,
                    parts: BTreeMap::new(),
                };
                self.uploads.insert(upload, begun);
                Vec::new()
            }
            Entry::PartPut {
                upload,
                number,
                part,
            } => {
                let found = self.uploads.get_mut(&upload);
                let replaced = found.and_then(|found| found.parts.insert(number, part));
                replaced.into_iter().map(|old| old.blob).collect()
            }
            Entry::UploadEnded { upload } => {
                let ended = self.uploads.remove(&upload);
                let parts = ended.map(|ended| ended.parts).unwrap_or_default();
                parts.into_values().map(|part| part.blob).collect()
            }
        }
    }

    fn announced(&mut self, bucket: &str, key: &str, blob: &str) {
        let object = self
            .buckets
            .get_mut(bucket)
            .and_then(|found| found.objects.get_mut(key));
        if let Some(object) = object.filter(|object| object.blob == blob) {
            object.announced = true;
        }
    }

    /// The shortest journal that leads to this state.
    pub fn entries(&self) -> Vec<Entry> {
        let mut entries = Vec::new();
        for (name, bucket) in &self.buckets {
            entries.push(Entry::BucketMade {
                bucket: name.clone(),
                at_ms: bucket.created_ms,
            });
            entries.extend(bucket.objects.iter().map(|(key, object)| Entry::ObjectPut {
                bucket: name.clone(),
                key: key.clone(),
                object: object.clone(),
            }));
        }
        for (id, upload) in &self.uploads {
            entries.push(Entry::UploadStarted {
                upload: id.clone(),
                bucket: upload.bucket.clone(),
                key: upload.key.clone(),
                at_ms: upload.started_ms,
                headers: upload.headers.clone(),
                checksum: upload.checksum.clone(),
            });
            entries.extend(upload.parts.iter().map(|(number, part)| Entry::PartPut {
                upload: id.clone(),
                number: *number,
                part: part.clone(),
            }));
        }
        entries
    }

    /// Every blob that an object or a part refers to.
    pub fn blobs(&self) -> BTreeSet<&str> {
        let objects = self
            .buckets
            .values()
            .flat_map(|bucket| bucket.objects.values());
        let parts = self
            .uploads
            .values()
            .flat_map(|upload| upload.parts.values());
        objects
            .chain(parts)
            .map(|object| object.blob.as_str())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(key: &str, blob: &str) -> Entry {
        let object = Object {
            blob: blob.into(),
            ..Object::default()
        };
        Entry::ObjectPut {
            bucket: "b".into(),
            key: key.into(),
            object,
        }
    }

    fn state(entries: Vec<Entry>) -> State {
        let mut state = State::default();
        state.apply(Entry::BucketMade {
            bucket: "b".into(),
            at_ms: 1,
        });
        for entry in entries {
            state.apply(entry);
        }
        state
    }

    #[test]
    fn an_overwritten_object_frees_the_bytes_of_the_first() {
        let mut state = state(vec![put("k", "one")]);
        assert_eq!(state.apply(put("k", "two")), ["one"]);
    }

    #[test]
    fn an_event_for_replaced_bytes_does_not_mark_the_new_ones() {
        let mut state = state(vec![put("k", "one"), put("k", "two")]);
        state.apply(Entry::Announced {
            bucket: "b".into(),
            key: "k".into(),
            blob: "one".into(),
        });
        assert!(!state.buckets["b"].objects["k"].announced);
    }

    #[test]
    fn the_shortest_journal_leads_to_the_same_state() {
        let before = state(vec![
            put("k", "one"),
            put("k", "two"),
            put("gone", "x"),
            Entry::ObjectDeleted {
                bucket: "b".into(),
                key: "gone".into(),
            },
        ]);
        let mut after = State::default();
        for entry in before.entries() {
            after.apply(entry);
        }
        assert_eq!(format!("{before:?}"), format!("{after:?}"));
        assert_eq!(after.blobs().into_iter().collect::<Vec<_>>(), ["two"]);
    }
}
