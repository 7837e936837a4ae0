//! Options for the access to a bucket, and the form of its objects.

use serde::Deserialize;

/// How objects are compressed.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Uncompressed.
    None,
    /// gzip, which every reader supports.
    #[default]
    Gzip,
    /// zstd: smaller and faster.
    Zstd,
}

/// Encryption of objects at rest.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Encryption {
    /// The bucket's default.
    #[default]
    Default,
    /// With keys managed by S3 (AES256).
    S3,
    /// With a KMS key: its id, or the account's default key.
    Kms(Option<String>),
}

/// How to access the bucket. Other settings come from AWS's default chain: environment, profile, instance or container role.
#[derive(Clone, Debug, Default)]
pub struct StoreOptions {
    /// The endpoint of another S3-compatible service.
    pub endpoint: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// The profile in AWS's files.
    pub profile: Option<String>,
    /// An access key's id and secret, instead of the default chain.
    pub access_key: Option<AccessKey>,
    /// How objects are compressed.
    pub compression: Compression,
    /// How they are encrypted.
    pub encryption: Encryption,
}

/// An access key; its secret is never shown.
#[derive(Clone)]
pub struct AccessKey {
    /// The id.
    pub id: String,
    /// The secret.
    pub secret: String,
}

impl std::fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Compression {
    /// The suffix of object names.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
        }
    }
}
