//! The upload: small objects in one piece, large ones in parts that overlap with making them.

use std::sync::mpsc::SyncSender;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::Credentials;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart, ServerSideEncryption,
};

use super::Location;
use crate::error::{Context, Error, Result};

/// Large enough for 10,000 parts to hold any file, small enough for a few of them to fit anywhere.
const PART_BYTES: usize = 16 << 20;

/// How objects are compressed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
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

/// A folder in a bucket, ready to take objects.
#[derive(Clone, Debug)]
pub struct S3Store {
    client: Client,
    location: Location,
    compression: Compression,
    encryption: Encryption,
}

/// What an upload came to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Uploaded {
    /// The object's name within the folder.
    pub name: String,
    /// Bytes sent; none if the object was there already.
    pub bytes: Option<u64>,
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

impl S3Store {
    /// A store at `location`. Credentials are looked for when they are first needed.
    pub async fn open(location: Location, options: StoreOptions) -> Self {
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .retry_config(RetryConfig::standard().with_max_attempts(5))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(Duration::from_secs(10))
                    .operation_attempt_timeout(Duration::from_secs(300))
                    .build(),
            );
        if let Some(profile) = &options.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(region) = options.region {
            loader = loader.region(Region::new(region));
        } else if options.endpoint.is_some() {
            loader = loader.region(Region::new("us-east-1"));
        }
        if let Some(AccessKey { id, secret }) = options.access_key {
            loader = loader.credentials_provider(Credentials::new(id, secret, None, None, "firn"));
        }
        let shared = loader.load().await;
        let mut config = aws_sdk_s3::config::Builder::from(&shared);
        if let Some(endpoint) = options.endpoint {
            // Other services rarely have a name for every bucket.
            config = config.endpoint_url(endpoint).force_path_style(true);
        }
        Self {
            client: Client::from_conf(config.build()),
            location,
            compression: options.compression,
            encryption: options.encryption,
        }
    }

    /// The folder.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// How objects are compressed.
    #[must_use]
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// Whether the bucket is there and may be listed.
    ///
    /// # Errors
    /// `Config` with what to change, `Transient` if S3 does not answer.
    pub async fn check(&self) -> Result<()> {
        let request = self
            .client
            .list_objects_v2()
            .bucket(&self.location.bucket)
            .prefix(&self.location.folder)
            .max_keys(1);
        request
            .send()
            .await
            .map(drop)
            .map_err(|error| self.failed(&error))
    }

    /// Whether an object of this name is there.
    ///
    /// # Errors
    /// As [`S3Store::check`].
    pub async fn contains(&self, name: &str) -> Result<bool> {
        let head = self
            .client
            .head_object()
            .bucket(&self.location.bucket)
            .key(self.key(name));
        match head.send().await {
            Ok(_) => Ok(true),
            // Without the right to list, S3 says 403 also for what is not there; then a second upload does no harm.
            Err(SdkError::ServiceError(error))
                if matches!(error.raw().status().as_u16(), 403 | 404) =>
            {
                Ok(false)
            }
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// Uploads what `make` writes as the object `name`; `make` runs on a thread of its own. If it fails, there is no object.
    ///
    /// # Errors
    /// What `make` gives; `Config` or `Transient` as [`S3Store::check`].
    pub async fn upload<T, F>(&self, name: &str, make: F) -> Result<(T, u64)>
    where
        T: Send + 'static,
        F: FnOnce(&mut dyn std::io::Write) -> Result<T> + Send + 'static,
    {
        let (sender, receiver) = std::sync::mpsc::sync_channel::<Vec<u8>>(1);
        let compression = self.compression;
        let maker = tokio::task::spawn_blocking(move || compress(compression, sender, make));
        let (mut parts, first) = next_part(receiver).await?;
        let mut bytes = 0;
        let mut upload: Option<Multipart> = None;
        let mut part = first;
        // The last part may be short; one that is short and first is the whole object.
        while let Some(full) = part {
            bytes += full.len() as u64;
            let next;
            (parts, next) = next_part(parts).await?;
            match &mut upload {
                None if next.is_none() => {
                    // Only now is it known that the file was sound to its end.
                    let made = maker
                        .await
                        .map_err(|_| Error::bug("making an object failed"))??;
                    self.put(name, full).await?;
                    return Ok((made, bytes));
                }
                None => upload.insert(self.begin(name).await?).add(full).await?,
                Some(upload) => upload.add(full).await?,
            }
            part = next;
        }
        let made = maker
            .await
            .map_err(|_| Error::bug("making an object failed"))??;
        match upload {
            Some(upload) => upload.complete().await?,
            None => self.put(name, Vec::new()).await?,
        }
        Ok((made, bytes))
    }

    async fn put(&self, name: &str, body: Vec<u8>) -> Result<()> {
        let (encryption, key) = self.encryption();
        let request = self
            .client
            .put_object()
            .bucket(&self.location.bucket)
            .key(self.key(name))
            .checksum_algorithm(ChecksumAlgorithm::Crc32)
            .set_server_side_encryption(encryption)
            .set_ssekms_key_id(key)
            .body(ByteStream::from(body));
        request
            .send()
            .await
            .map(drop)
            .map_err(|error| self.failed(&error))
            .context(|| self.key(name))
    }

    async fn begin(&self, name: &str) -> Result<Multipart> {
        let (encryption, key) = self.encryption();
        let request = self
            .client
            .create_multipart_upload()
            .bucket(&self.location.bucket)
            .key(self.key(name))
            .checksum_algorithm(ChecksumAlgorithm::Crc32)
            .set_server_side_encryption(encryption)
            .set_ssekms_key_id(key);
        let answer = request
            .send()
            .await
            .map_err(|error| self.failed(&error))
            .context(|| self.key(name))?;
        let id = answer
            .upload_id
            .ok_or_else(|| Error::transient("S3 began an upload without an id"))?;
        Ok(Multipart {
            store: self.clone(),
            key: self.key(name),
            id: Some(id),
            parts: Vec::new(),
        })
    }

    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.location.folder)
    }

    fn encryption(&self) -> (Option<ServerSideEncryption>, Option<String>) {
        match &self.encryption {
            Encryption::Default => (None, None),
            Encryption::S3 => (Some(ServerSideEncryption::Aes256), None),
            Encryption::Kms(key) => (Some(ServerSideEncryption::AwsKms), key.clone()),
        }
    }

    fn failed<E>(&self, error: &SdkError<E>) -> Error
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let bucket = &self.location.bucket;
        let status = error
            .raw_response()
            .map_or(0, |response| response.status().as_u16());
        let code = error
            .as_service_error()
            .and_then(ProvideErrorMetadata::code)
            .unwrap_or_default();
        match (error, code, status) {
            (SdkError::ServiceError(_), "NoSuchBucket", _)
            | (SdkError::ServiceError(_), "", 404) => Error::config(format!(
                "bucket {bucket} is not there: create it, or name another"
            )),
            (SdkError::ServiceError(_), "AccessDenied", _)
            | (SdkError::ServiceError(_), "", 403) => Error::config(format!(
                "bucket {bucket} denies access: allow s3:PutObject and s3:ListBucket to this identity"
            )),
            (
                SdkError::ServiceError(_),
                "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "ExpiredToken" | "InvalidToken",
                _,
            ) => Error::config(format!(
                "bucket {bucket}: the AWS credentials were refused ({code}): renew them"
            )),
            (
                SdkError::ServiceError(_),
                "PermanentRedirect"
                | "AuthorizationHeaderMalformed"
                | "IllegalLocationConstraintException",
                _,
            ) => Error::config(format!(
                "bucket {bucket} is in another region: set AWS_REGION"
            )),
            (SdkError::ServiceError(_), _, 400..=499) => {
                Error::rejected(format!("bucket {bucket}: {}", DisplayErrorContext(error)))
            }
            (SdkError::ConstructionFailure(_), ..) => {
                Error::config(format!("bucket {bucket}: {}", DisplayErrorContext(error)))
            }
            (SdkError::DispatchFailure(failure), ..)
                if !failure.is_io() && !failure.is_timeout() =>
            {
                Error::config(format!(
                    "bucket {bucket}: no AWS credentials or no way there ({}): set AWS_PROFILE, AWS_ACCESS_KEY_ID or a role",
                    DisplayErrorContext(error)
                ))
            }
            _ => Error::transient(format!(
                "bucket {bucket} cannot be reached: {}",
                DisplayErrorContext(error)
            )),
        }
    }
}

type Parts = std::sync::mpsc::Receiver<Vec<u8>>;

/// Waits for a part on a thread that may block.
async fn next_part(parts: Parts) -> Result<(Parts, Option<Vec<u8>>)> {
    tokio::task::spawn_blocking(move || {
        let part = parts.recv().ok();
        (parts, part)
    })
    .await
    .map_err(|_| Error::bug("waiting for a part failed"))
}

/// Cuts what is written into parts; a full channel makes the writer wait, so memory stays bounded.
struct PartWriter {
    part: Vec<u8>,
    sender: SyncSender<Vec<u8>>,
}

impl PartWriter {
    fn send(&mut self) -> std::io::Result<()> {
        let part = std::mem::take(&mut self.part);
        self.sender
            .send(part)
            .map_err(|_| std::io::Error::other("the upload has stopped"))
    }
}

impl std::io::Write for PartWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let room = PART_BYTES - self.part.len();
        let taken = &bytes[..bytes.len().min(room)];
        self.part.extend_from_slice(taken);
        if self.part.len() == PART_BYTES {
            self.send()?;
        }
        Ok(taken.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn compress<T>(
    compression: Compression,
    sender: SyncSender<Vec<u8>>,
    make: impl FnOnce(&mut dyn std::io::Write) -> Result<T>,
) -> Result<T> {
    let output = PartWriter {
        part: Vec::new(),
        sender,
    };
    let (made, mut output) = match compression {
        Compression::None => {
            let mut output = output;
            (make(&mut output)?, output)
        }
        Compression::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(output, flate2::Compression::fast());
            (make(&mut encoder)?, encoder.finish()?)
        }
        Compression::Zstd => {
            let mut encoder = zstd::stream::write::Encoder::new(output, 1)?;
            (make(&mut encoder)?, encoder.finish()?)
        }
    };
    if !output.part.is_empty() {
        output.send()?;
    }
    Ok(made)
}

/// An upload in parts, undone if it is dropped before its end.
struct Multipart {
    store: S3Store,
    key: String,
    id: Option<String>,
    parts: Vec<CompletedPart>,
}

impl Multipart {
    async fn add(&mut self, body: Vec<u8>) -> Result<()> {
        let number = i32::try_from(self.parts.len() + 1)
            .map_err(|_| Error::rejected("the file has too many parts"))?;
        let request = self
            .store
            .client
            .upload_part()
            .bucket(&self.store.location.bucket)
            .key(&self.key)
            .set_upload_id(self.id.clone())
            .part_number(number)
            .checksum_algorithm(ChecksumAlgorithm::Crc32)
            .body(ByteStream::from(body));
        let answer = request
            .send()
            .await
            .map_err(|error| self.store.failed(&error))
            .context(|| self.key.clone())?;
        let part = CompletedPart::builder()
            .part_number(number)
            .set_e_tag(answer.e_tag)
            .set_checksum_crc32(answer.checksum_crc32)
            .build();
        self.parts.push(part);
        Ok(())
    }

    async fn complete(mut self) -> Result<()> {
        let parts = CompletedMultipartUpload::builder()
            .set_parts(Some(std::mem::take(&mut self.parts)))
            .build();
        let request = self
            .store
            .client
            .complete_multipart_upload()
            .bucket(&self.store.location.bucket)
            .key(&self.key)
            .set_upload_id(self.id.clone())
            .multipart_upload(parts);
        request
            .send()
            .await
            .map_err(|error| self.store.failed(&error))
            .context(|| self.key.clone())?;
        self.id = None;
        Ok(())
    }
}

impl Drop for Multipart {
    fn drop(&mut self) {
        let (Some(id), Ok(runtime)) = (self.id.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        let request = self
            .store
            .client
            .abort_multipart_upload()
            .bucket(&self.store.location.bucket)
            .key(&self.key)
            .upload_id(id);
        runtime.spawn(async move {
            if let Err(error) = request.send().await {
                log::warn!(
                    "an upload that failed left its parts behind: {}",
                    DisplayErrorContext(&error)
                );
            }
        });
    }
}
