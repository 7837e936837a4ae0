//! A bucket: its client, its checks, and the meaning of its failures.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::Credentials;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::types::ServerSideEncryption;

use super::Location;
use super::errors::{explained, not_s3};
use super::options::{AccessKey, Compression, Encryption, StoreOptions};
use crate::error::{Error, Result};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Completing a multipart upload may take S3 minutes.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(300);
/// S3 responds to a received request at once, unless the connection is broken: then a new connection is better than waiting.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// The bytes per second of the slowest supported network.
const SLOWEST_LINE: u64 = 32 << 10;

/// A prefix in a bucket, with a client for it.
#[derive(Clone, Debug)]
pub struct S3Store {
    pub(super) client: Client,
    pub(super) location: Location,
    compression: Compression,
    encryption: Encryption,
}

impl S3Store {
    /// Opens a store at `location`. Credentials are looked up when they are first needed.
    pub async fn open(location: Location, options: StoreOptions) -> Self {
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .retry_config(RetryConfig::standard().with_max_attempts(5))
            .timeout_config(timeouts(LONGEST_TIMEOUT));
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
            // Other services rarely have a host name for every bucket.
            config = config.endpoint_url(endpoint).force_path_style(true);
        }
        Self {
            client: Client::from_conf(config.build()),
            location,
            compression: options.compression,
            encryption: options.encryption,
        }
    }

    /// The prefix.
    #[must_use]
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The compression of objects.
    #[must_use]
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// Checks that the bucket exists and may be listed.
    ///
    /// # Errors
    /// `Config` with what to change, `Transient` if S3 does not answer.
    pub async fn check(&self) -> Result<()> {
        let request = self
            .client
            .list_objects_v2()
            .bucket(&self.location.bucket)
            .prefix(&self.location.prefix)
            .max_keys(1);
        request
            .customize()
            .config_override(request_timeout(0))
            .send()
            .await
            .map(drop)
            .map_err(|error| self.failed(&error))
    }

    /// Whether an object of this name exists.
    ///
    /// # Errors
    /// As [`S3Store::check`].
    pub async fn contains(&self, name: &str) -> Result<bool> {
        let head = self
            .client
            .head_object()
            .bucket(&self.location.bucket)
            .key(self.key(name))
            .customize()
            .config_override(request_timeout(0));
        match head.send().await {
            Ok(found) if found.e_tag().is_none() => Err(not_s3(&self.location.bucket)),
            Ok(_) => Ok(true),
            // Without the privilege to list, S3 also returns 403 for a missing object; a second upload is harmless.
            Err(SdkError::ServiceError(error))
                if matches!(error.raw().status().as_u16(), 403 | 404) =>
            {
                Ok(false)
            }
            Err(error) => Err(self.failed_head(&error).await),
        }
    }

    /// A response to HEAD has no body and no code: listing the bucket fails for the same reason, with a code.
    async fn failed_head<E>(&self, error: &SdkError<E>) -> Error
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let status = error.raw_response().map_or(0, |raw| raw.status().as_u16());
        if (300..500).contains(&status)
            && let Err(explained) = self.check().await
        {
            return explained;
        }
        self.failed(error)
    }

    pub(super) fn key(&self, name: &str) -> String {
        format!("{}{name}", self.location.prefix)
    }

    pub(super) fn encryption(&self) -> (Option<ServerSideEncryption>, Option<String>) {
        match &self.encryption {
            Encryption::Default => (None, None),
            Encryption::S3 => (Some(ServerSideEncryption::Aes256), None),
            Encryption::Kms(key) => (Some(ServerSideEncryption::AwsKms), key.clone()),
        }
    }

    pub(super) fn failed<E>(&self, error: &SdkError<E>) -> Error
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        explained(&self.location.bucket, error)
    }
}

fn timeouts(attempt: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(attempt)
        .build()
}

/// The timeout of a request with this number of bytes.
pub(super) fn request_timeout(bytes: u64) -> aws_sdk_s3::config::Builder {
    let sending = Duration::from_secs(bytes / SLOWEST_LINE);
    aws_sdk_s3::Config::builder().timeout_config(timeouts(ANSWER_TIMEOUT + sending))
}
