//! How to reach a bucket, and how objects lie in it.

use serde::Deserialize;

/// How objects are compressed.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// As they are.
    None,
    /// gzip, which every reader knows.
    #[default]
    Gzip,
    /// zstd: smaller and faster.
    Zstd,
}

/// How the bucket encrypts objects at rest.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Encryption {
    /// As the bucket's default says.
    #[default]
    Default,
    /// With keys that S3 keeps (AES256).
    S3,
    /// With a key of KMS: its id, or the account's own.
    Kms(Option<String>),
}

/// How to reach the bucket. What is not said comes from AWS's own places: environment, profile, instance or container role.
#[derive(Clone, Debug, Default)]
pub struct StoreOptions {
    /// Another service that speaks S3.
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

/// An access key; its secret does not show.
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
    /// What a name ends in.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
        }
    }
}
