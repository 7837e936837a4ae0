//! Uploads an object: small ones in one request, large ones in parts that are sent while later ones are made.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ChecksumAlgorithm;
use tokio::task::JoinHandle;

use super::bucket::{S3Store, request_timeout};
use super::errors::not_s3;
use super::multipart::Multipart;
use super::parts::{Parts, compress, next_part};
use crate::error::{Context, Error, Result};

/// The result of an upload.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Uploaded {
    /// The object's name within the prefix.
    pub name: String,
    /// Bytes sent; none if the object already existed.
    pub bytes: Option<u64>,
}

impl S3Store {
    /// Uploads the output of `make` as the object `name`; `make` runs on a thread of its own. If it fails, no object is created.
    ///
    /// # Errors
    /// The error of `make`; `Config` or `Transient` as [`S3Store::check`].
    pub async fn upload<T, F>(&self, name: &str, make: F) -> Result<(T, u64)>
    where
        T: Send + 'static,
        F: FnOnce(&mut dyn std::io::Write) -> Result<T> + Send + 'static,
    {
        let (sender, receiver) = std::sync::mpsc::sync_channel::<Vec<u8>>(1);
        let compression = self.compression();
        let maker = tokio::task::spawn_blocking(move || compress(compression, sender, make));
        let (parts, first) = next_part(receiver).await?;
        let (parts, second) = next_part(parts).await?;
        match (first, second) {
            (Some(first), Some(second)) => {
                let mut upload = Multipart::begin(self, name).await?;
                match send(&mut upload, [first, second], parts, maker).await {
                    Ok(done) => upload.complete().await.map(|()| done),
                    Err(error) => {
                        upload.abort().await;
                        Err(error)
                    }
                }
            }
            (only, _) => {
                // Only now is it known that the whole file was valid.
                let made = ended(maker).await?;
                let body = only.unwrap_or_default();
                let bytes = body.len() as u64;
                self.put(name, body).await?;
                Ok((made, bytes))
            }
        }
    }

    async fn put(&self, name: &str, body: Vec<u8>) -> Result<()> {
        let (encryption, key) = self.encryption();
        let timeout = request_timeout(body.len() as u64);
        let request = self
            .client
            .put_object()
            .bucket(&self.location().bucket)
            .key(self.key(name))
            .checksum_algorithm(ChecksumAlgorithm::Crc32)
            .set_server_side_encryption(encryption)
            .set_ssekms_key_id(key)
            .body(ByteStream::from(body));
        request
            .customize()
            .config_override(timeout)
            .send()
            .await
            .map_err(|error| self.failed(&error))
            .and_then(|stored| match stored.e_tag() {
                Some(_) => Ok(()),
                None => Err(not_s3(&self.location().bucket)),
            })
            .context(|| self.key(name))
    }
}

/// Sends the parts as they are made; the last may be short.
async fn send<T>(
    upload: &mut Multipart,
    first: [Vec<u8>; 2],
    mut parts: Parts,
    maker: JoinHandle<Result<T>>,
) -> Result<(T, u64)> {
    let mut bytes = 0;
    for part in first {
        bytes += part.len() as u64;
        upload.add(part).await?;
    }
    loop {
        let next;
        (parts, next) = next_part(parts).await?;
        let Some(part) = next else {
            return Ok((ended(maker).await?, bytes));
        };
        bytes += part.len() as u64;
        upload.add(part).await?;
    }
}

async fn ended<T>(maker: JoinHandle<Result<T>>) -> Result<T> {
    maker
        .await
        .map_err(|_| Error::bug("the thread that writes the object panicked"))?
}
