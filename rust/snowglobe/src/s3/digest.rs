//! Receiving bytes: into a blob, while their MD5 and checksums are computed and held against what the client claims.

use super::blobs::{BlobWriter, Blobs};
use super::state::Checksums;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Md5, Sha1, Sha256};
use s3s::dto::StreamingBlob;
use s3s::{S3Error, S3Result, TrailingHeaders, s3_error};

/// The checksum algorithms of S3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

impl Algorithm {
    pub const ALL: [Self; 5] = [
        Self::Crc32,
        Self::Crc32c,
        Self::Crc64Nvme,
        Self::Sha1,
        Self::Sha256,
    ];

    /// As in `x-amz-checksum-…` and, in capitals, in `x-amz-sdk-checksum-algorithm`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "crc32",
            Self::Crc32c => "crc32c",
            Self::Crc64Nvme => "crc64nvme",
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
        }
    }

    /// # Errors
    /// `InvalidRequest` for a name that S3 does not know.
    pub fn parse(name: &str) -> S3Result<Self> {
        let found = Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name().eq_ignore_ascii_case(name));
        found.ok_or_else(|| s3_error!(InvalidRequest, "unknown checksum algorithm {name}"))
    }
}

impl Checksums {
    pub(super) fn get(&self, algorithm: Algorithm) -> Option<&String> {
        match algorithm {
            Algorithm::Crc32 => self.crc32.as_ref(),
            Algorithm::Crc32c => self.crc32c.as_ref(),
            Algorithm::Crc64Nvme => self.crc64nvme.as_ref(),
            Algorithm::Sha1 => self.sha1.as_ref(),
            Algorithm::Sha256 => self.sha256.as_ref(),
        }
    }

    pub(super) fn set(&mut self, algorithm: Algorithm, digest: String) {
        let place = match algorithm {
            Algorithm::Crc32 => &mut self.crc32,
            Algorithm::Crc32c => &mut self.crc32c,
            Algorithm::Crc64Nvme => &mut self.crc64nvme,
            Algorithm::Sha1 => &mut self.sha1,
            Algorithm::Sha256 => &mut self.sha256,
        };
        *place = Some(digest);
    }
}

/// What the client says about the bytes that it sends.
#[derive(Debug, Default)]
pub struct Claims {
    /// `Content-MD5`.
    pub md5: Option<String>,
    /// `Content-Length` of the payload.
    pub length: Option<u64>,
    /// `x-amz-checksum-*` headers.
    pub checksums: Checksums,
    /// An algorithm named without its value: the value follows the body, or the client wants it computed.
    pub algorithm: Option<Algorithm>,
    /// The trailers of a streamed body.
    pub trailers: Option<TrailingHeaders>,
}

/// Bytes received, and found to be what was claimed.
#[derive(Debug)]
pub struct Received {
    pub blob: String,
    pub size: u64,
    /// MD5 in hex.
    pub md5: String,
    pub checksums: Checksums,
}

/// Digests computed in one pass.
struct Digests {
    md5: Md5,
    hasher: ChecksumHasher,
}

impl Digests {
    fn new(algorithms: &[Algorithm]) -> Self {
        let has = |wanted| algorithms.contains(&wanted);
        let hasher = ChecksumHasher {
            crc32: has(Algorithm::Crc32).then(Crc32::new),
            crc32c: has(Algorithm::Crc32c).then(Crc32c::new),
            crc64nvme: has(Algorithm::Crc64Nvme).then(Crc64Nvme::new),
            sha1: has(Algorithm::Sha1).then(Sha1::new),
            sha256: has(Algorithm::Sha256).then(Sha256::new),
        };
        Self {
            md5: Md5::new(),
            hasher,
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        self.hasher.update(bytes);
    }

    fn finish(self) -> ([u8; 16], Checksums) {
        let sums = self.hasher.finalize();
        let checksums = Checksums {
            crc32: sums.checksum_crc32,
            crc32c: sums.checksum_crc32c,
            crc64nvme: sums.checksum_crc64nvme,
            sha1: sums.checksum_sha1,
            sha256: sums.checksum_sha256,
            composite: false,
        };
        (self.md5.finalize(), checksums)
    }
}

/// Writes `body` into a new blob and checks every claim.
///
/// # Errors
/// `BadDigest`, `InvalidDigest` or `IncompleteBody` when the bytes are not what was claimed; nothing is kept then.
pub async fn receive(
    blobs: &Blobs,
    body: Option<StreamingBlob>,
    claims: Claims,
) -> S3Result<Received> {
    let claimed_md5 = claims
        .md5
        .as_deref()
        .map(|md5| STANDARD.decode(md5))
        .transpose();
    let claimed_md5 = claimed_md5.map_err(|_| s3_error!(InvalidDigest))?;
    let mut algorithms: Vec<_> = Algorithm::ALL
        .into_iter()
        .filter(|each| claims.checksums.get(*each).is_some())
        .collect();
    algorithms.extend(claims.algorithm);

    let mut writer = blobs.create().await.map_err(S3Error::internal_error)?;
    let mut digests = Digests::new(&algorithms);
    let mut size = 0;
    if let Some(mut body) = body {
        while let Some(chunk) = body.next().await {
            let chunk = chunk
                .map_err(|error| S3Error::with_source(s3s::S3ErrorCode::IncompleteBody, error))?;
            digests.update(&chunk);
            size += chunk.len() as u64;
            writer
                .write(&chunk)
                .await
                .map_err(S3Error::internal_error)?;
        }
    }
    if claims.length.is_some_and(|length| length != size) {
        return Err(s3_error!(
            IncompleteBody,
            "received {size} bytes, but Content-Length is {:?}",
            claims.length
        ));
    }
    let (md5, checksums) = digests.finish();
    if claimed_md5.is_some_and(|claimed| claimed != md5) {
        return Err(s3_error!(
            BadDigest,
            "the Content-MD5 you specified did not match what we received"
        ));
    }
    let mut claimed = claims.checksums;
    if let Some(trailers) = claims.trailers.and_then(|trailers| trailers.take()) {
        for algorithm in Algorithm::ALL {
            let value = trailers.get(format!("x-amz-checksum-{}", algorithm.name()));
            if let Some(value) = value.and_then(|value| value.to_str().ok()) {
                claimed.set(algorithm, value.to_owned());
            }
        }
    }
    for algorithm in Algorithm::ALL {
        if claimed
            .get(algorithm)
            .is_some_and(|claimed| Some(claimed) != checksums.get(algorithm))
        {
            let name = algorithm.name().to_ascii_uppercase();
            return Err(s3_error!(
                BadDigest,
                "the {name} you specified did not match the calculated checksum"
            ));
        }
    }
    let blob = writer.finish().await.map_err(S3Error::internal_error)?;
    Ok(Received {
        blob,
        size,
        md5: hex(&md5),
        checksums,
    })
}

/// Appends `source` to `writer` and the digests, without blocking the other connections for long.
pub async fn append(
    blobs: &Blobs,
    source: &str,
    size: u64,
    writer: &mut BlobWriter<'_>,
    over: &mut Whole,
) -> S3Result<()> {
    let reader = blobs.open(source).map_err(S3Error::internal_error)?;
    let mut body = reader.stream(0..size).map_err(S3Error::internal_error)?;
    while let Some(chunk) = body.next().await {
        let chunk =
            chunk.map_err(|error| S3Error::with_source(s3s::S3ErrorCode::InternalError, error))?;
        over.0.update(&chunk);
        writer
            .write(&chunk)
            .await
            .map_err(S3Error::internal_error)?;
    }
    Ok(())
}

/// A digest over a whole object made of parts.
pub struct Whole(ChecksumHasher);

impl Whole {
    pub fn new(algorithm: Option<Algorithm>) -> Self {
        Self(Digests::new(algorithm.as_slice()).hasher)
    }

    pub fn finish(self) -> Checksums {
        Digests {
            md5: Md5::new(),
            hasher: self.0,
        }
        .finish()
        .1
    }
}

/// The ETag of an object made of parts: the MD5 of the parts' MD5s, and their number.
pub fn multipart_etag<'a>(parts: impl ExactSizeIterator<Item = &'a str>) -> String {
    let count = parts.len();
    let mut md5 = Md5::new();
    for part in parts {
        md5.update(&unhex(part));
    }
    format!("{}-{count}", hex(&md5.finalize()))
}

/// The composite checksum of an object made of parts: the digest of the parts' digests, and their number.
pub fn composite<'a>(
    algorithm: Algorithm,
    parts: impl ExactSizeIterator<Item = &'a str>,
) -> S3Result<Checksums> {
    let count = parts.len();
    let mut whole = Whole::new(Some(algorithm));
    for part in parts {
        whole
            .0
            .update(&STANDARD.decode(part).map_err(|_| s3_error!(InvalidPart))?);
    }
    let digest = whole.finish().get(algorithm).cloned().unwrap_or_default();
    let mut checksums = Checksums {
        composite: true,
        ..Checksums::default()
    };
    checksums.set(algorithm, format!("{digest}-{count}"));
    Ok(checksums)
}

/// The ETag of an object put in one piece.
pub fn md5_hex(bytes: &[u8]) -> String {
    hex(&Md5::checksum(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text
        .chars()
        .filter_map(|digit| digit.to_digit(16))
        .collect();
    digits
        .chunks_exact(2)
        .filter_map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::stream;

    fn body(text: &'static str) -> Option<StreamingBlob> {
        Some(StreamingBlob::wrap(stream::iter([
            Ok::<_, std::io::Error>(bytes::Bytes::from_static(text.as_bytes())),
        ])))
    }

    async fn receive_hello(claims: Claims) -> Result<Received, String> {
        let received = receive(&Blobs::in_memory(), body("hello"), claims).await;
        received.map_err(|error| error.code().as_str().to_owned())
    }

    #[tokio::test]
    async fn bytes_that_match_their_claims_are_kept_with_their_digests() {
        let claims = Claims {
            md5: Some("XUFAKrxLKna5cZ2REBfFkg==".into()),
            length: Some(5),
            algorithm: Some(Algorithm::Crc32),
            ..Claims::default()
        };
        let received = receive_hello(claims).await.unwrap();
        assert_eq!(received.md5, "5d41402abc4b2a76b9719d911017c592");
        assert_eq!(received.checksums.crc32.as_deref(), Some("NhCmhg=="));
    }

    #[tokio::test]
    async fn bytes_that_do_not_match_a_claim_are_refused() {
        let wrong_md5 = Claims {
            md5: Some("AAAAAAAAAAAAAAAAAAAAAA==".into()),
            ..Claims::default()
        };
        assert_eq!(receive_hello(wrong_md5).await.unwrap_err(), "BadDigest");
        let no_md5 = Claims {
            md5: Some("%%".into()),
            ..Claims::default()
        };
        assert_eq!(receive_hello(no_md5).await.unwrap_err(), "InvalidDigest");
        let too_long = Claims {
            length: Some(6),
            ..Claims::default()
        };
        assert_eq!(receive_hello(too_long).await.unwrap_err(), "IncompleteBody");
        let checksums = Checksums {
            sha1: Some("AAAA".into()),
            ..Checksums::default()
        };
        let wrong_sha1 = Claims {
            checksums,
            ..Claims::default()
        };
        assert_eq!(receive_hello(wrong_sha1).await.unwrap_err(), "BadDigest");
    }

    #[test]
    fn an_etag_of_parts_is_the_md5_of_their_md5s_and_their_number() {
        let parts = [
            "5d41402abc4b2a76b9719d911017c592",
            "5d41402abc4b2a76b9719d911017c592",
        ];
        // printf '5d41402abc4b2a76b9719d911017c592%.0s' 1 2 | xxd -r -p | md5sum
        assert_eq!(
            multipart_etag(parts.into_iter()),
            "616b22817b80eed9f65c3aa38cd29054-2"
        );
    }
}
