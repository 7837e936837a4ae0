//! A multipart upload: the object does not exist until it is complete.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart};

use super::bucket::{S3Store, request_timeout};
use crate::error::{Context, Error, Result};

/// A multipart upload, aborted if it is dropped before it is complete.
pub(super) struct Multipart {
    store: S3Store,
    key: String,
    id: Option<String>,
    parts: Vec<CompletedPart>,
}

impl Multipart {
    /// Starts a multipart upload.
    pub async fn begin(store: &S3Store, name: &str) -> Result<Self> {
        let (encryption, key) = store.encryption();
        let request = store
            .client
            .create_multipart_upload()
            .bucket(&store.location().bucket)
            .key(store.key(name))
            .checksum_algorithm(ChecksumAlgorithm::Crc32)
            .set_server_side_encryption(encryption)
            .set_ssekms_key_id(key);
        let answer = request
            .send()
            .await
            .map_err(|error| store.failed(&error))
            .context(|| store.key(name))?;
        let id = answer
            .upload_id
            .ok_or_else(|| Error::transient("S3 returned no upload ID"))?;
        Ok(Self {
            store: store.clone(),
            key: store.key(name),
            id: Some(id),
            parts: Vec::new(),
        })
    }

    /// Sends the next part.
    pub async fn add(&mut self, body: Vec<u8>) -> Result<()> {
        let number = i32::try_from(self.parts.len() + 1)
            .map_err(|_| Error::rejected("the file has too many parts"))?;
        let timeout = request_timeout(body.len() as u64);
        let request = self
            .store
            .client
            .upload_part()
            .bucket(&self.store.location().bucket)
            .key(&self.key)
            .set_upload_id(self.id.clone())
            .part_number(number)
            .checksum_algorithm(ChecksumAlgorithm::Crc32)
            .body(ByteStream::from(body));
        let answer = request
            .customize()
            .config_override(timeout)
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

    /// Completes the object.
    pub async fn complete(mut self) -> Result<()> {
        let parts = CompletedMultipartUpload::builder()
            .set_parts(Some(std::mem::take(&mut self.parts)))
            .build();
        let request = self
            .store
            .client
            .complete_multipart_upload()
            .bucket(&self.store.location().bucket)
            .key(&self.key)
            .set_upload_id(self.id.clone())
            .multipart_upload(parts);
        let outcome = request
            .send()
            .await
            .map_err(|error| self.store.failed(&error))
            .context(|| self.key.clone());
        match outcome {
            Ok(_) => {
                self.id = None;
                Ok(())
            }
            Err(error) => {
                self.abort().await;
                Err(error)
            }
        }
    }

    /// Deletes the parts, which cost money while they are stored.
    pub async fn abort(mut self) {
        if let Some(abort) = self.aborting() {
            abort.await;
        }
    }

    /// The call that deletes the parts, unless the upload has ended.
    fn aborting(&mut self) -> Option<impl Future<Output = ()> + Send + 'static> {
        let id = self.id.take()?;
        let request = self
            .store
            .client
            .abort_multipart_upload()
            .bucket(&self.store.location().bucket)
            .key(&self.key)
            .upload_id(id);
        let (store, key) = (self.store.clone(), self.key.clone());
        Some(async move {
            if let Err(error) = request.send().await {
                let error = store.failed(&error);
                log::warn!("cannot delete the parts of a failed upload: {key}: {error}");
            }
        })
    }
}

/// Aborts an upload that is dropped before its end, as by an interruption.
impl Drop for Multipart {
    fn drop(&mut self) {
        if let (Ok(runtime), Some(abort)) = (tokio::runtime::Handle::try_current(), self.aborting())
        {
            runtime.spawn(abort);
        }
    }
}
