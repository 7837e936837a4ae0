//! Credentials of a user, each as a token and its type for one pair of HTTP headers.

use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rsa::PrivateKey;
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::pkcs8::{DecodePrivateKey, EncodePublicKey};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::secret::Secret;
use crate::error::{Error, Result};

/// The lifetime of a token: shorter than the hour that Snowflake allows. A token is replaced before it expires.
const LIFE: Duration = Duration::from_secs(55 * 60);
const RENEW_BEFORE: Duration = Duration::from_secs(5 * 60);

/// The credential of a user.
#[derive(Clone, Debug)]
pub enum Credential {
    /// An RSA key whose public key is set on the user in Snowflake.
    KeyPair(std::sync::Arc<KeyPair>),
    /// A programmatic access token.
    AccessToken(Secret),
    /// An OAuth access token.
    OAuth(Secret),
}

/// A key and the token last made with it.
pub struct KeyPair {
    issuer: String,
    subject: String,
    key: EncodingKey,
    last: Mutex<Option<(String, SystemTime)>>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    iat: u64,
    exp: u64,
}

impl Credential {
    /// A key pair from the text of a PKCS#8 PEM, plain or encrypted.
    ///
    /// # Errors
    /// `Config` if the text is not such a key or the passphrase does not decrypt it.
    pub fn key_pair(
        account: &str,
        user: &str,
        pem: &Secret,
        passphrase: Option<&Secret>,
    ) -> Result<Self> {
        let pem = unfolded(pem.reveal());
        let key = decode(&pem, passphrase)?;
        let public = key.to_public_key().to_public_key_der().map_err(broken)?;
        let fingerprint = STANDARD.encode(Sha256::digest(public.as_bytes()));
        // A locator may include its region; the token needs only the name, in upper case.
        let account = account
            .split('.')
            .next()
            .unwrap_or(account)
            .to_ascii_uppercase();
        let subject = format!("{account}.{}", user.to_ascii_uppercase());
        let der = key.to_pkcs1_der().map_err(broken)?;
        Ok(Self::KeyPair(std::sync::Arc::new(KeyPair {
            issuer: format!("{subject}.SHA256:{fingerprint}"),
            subject,
            key: EncodingKey::from_rsa_der(der.as_bytes()),
            last: Mutex::new(None),
        })))
    }

    /// The value of `X-Snowflake-Authorization-Token-Type`.
    pub(super) fn token_type(&self) -> &'static str {
        match self {
            Self::KeyPair(_) => "KEYPAIR_JWT",
            Self::AccessToken(_) => "PROGRAMMATIC_ACCESS_TOKEN",
            Self::OAuth(_) => "OAUTH",
        }
    }

    /// A token that is valid at `now`.
    pub(super) fn token(&self, now: SystemTime) -> Result<Secret> {
        match self {
            Self::KeyPair(pair) => pair.token(now),
            Self::AccessToken(token) | Self::OAuth(token) => Ok(token.clone()),
        }
    }

    /// Drops the cached token; returns whether a new one can be made after a rejection.
    pub(super) fn forget_token(&self) -> bool {
        let Self::KeyPair(pair) = self else {
            return false;
        };
        pair.last.lock().is_ok_and(|mut last| last.take().is_some())
    }
}

impl KeyPair {
    fn token(&self, now: SystemTime) -> Result<Secret> {
        let mut last = self
            .last
            .lock()
            .map_err(|_| Error::bug("the thread that signs tokens panicked"))?;
        if let Some((token, until)) = last.as_ref()
            && now + RENEW_BEFORE < *until
        {
            return Ok(Secret::new(token.clone()));
        }
        let seconds = |time: SystemTime| {
            time.duration_since(UNIX_EPOCH)
                .unwrap_or_default()
                .as_secs()
        };
        let claims = Claims {
            iss: &self.issuer,
            sub: &self.subject,
            iat: seconds(now),
            exp: seconds(now + LIFE),
        };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &self.key)
            .map_err(|error| Error::config(format!("the private key cannot sign: {error}")))?;
        *last = Some((token.clone(), now + LIFE));
        Ok(Secret::new(token))
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

/// A key in a variable often has `\n` in place of its line ends.
fn unfolded(pem: &str) -> String {
    if pem.contains('\n') {
        pem.to_owned()
    } else {
        pem.replace("\\n", "\n")
    }
}

fn decode(pem: &str, passphrase: Option<&Secret>) -> Result<PrivateKey> {
    if pem.contains("BEGIN ENCRYPTED PRIVATE KEY") {
        let Some(passphrase) = passphrase else {
            return Err(Error::config(
                "private key is encrypted: set `Private Key Passphrase` (PRIVATE_KEY_PASSPHRASE)",
            ));
        };
        return PrivateKey::from_pkcs8_encrypted_pem(pem, passphrase.reveal())
            .map_err(|_| Error::config("cannot decrypt the private key: wrong passphrase, or an encryption other than AES and 3DES"));
    }
    if pem.contains("BEGIN RSA PRIVATE KEY") {
        return Err(Error::config(
            "private key is PKCS#1: convert it with `openssl pkcs8 -topk8 -in old.pem -out key.p8`",
        ));
    }
    PrivateKey::from_pkcs8_pem(pem).map_err(broken)
}

fn broken(error: impl fmt::Display) -> Error {
    Error::config(format!(
        "invalid private key ({error}): expected an RSA key in PKCS#8 PEM; create one with `openssl genrsa 2048 | openssl pkcs8 -topk8`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = include_str!("testdata/plain.p8");
    /// Made as Snowflake's documentation shows, with `-v2 des3`.
    const DES3: &str = include_str!("testdata/des3.p8");
    const AES: &str = include_str!("testdata/aes.p8");

    fn key(pem: &str, passphrase: Option<&str>) -> Result<Credential> {
        Credential::key_pair(
            "my-org.eu",
            "me",
            &Secret::new(pem),
            passphrase.map(Secret::new).as_ref(),
        )
    }

    #[test]
    fn plain_and_encrypted_keys_are_the_same_key() {
        let issuer = |credential| match credential {
            Credential::KeyPair(pair) => pair.issuer.clone(),
            _ => String::new(),
        };
        let plain = issuer(key(PLAIN, None).unwrap());
        assert!(plain.starts_with("MY-ORG.ME.SHA256:"));
        assert_eq!(plain, issuer(key(DES3, Some("passphrase")).unwrap()));
        assert_eq!(plain, issuer(key(AES, Some("passphrase")).unwrap()));
        assert_eq!(
            plain,
            issuer(key(&PLAIN.replace('\n', "\\n"), None).unwrap())
        );
    }

    #[test]
    fn a_key_that_cannot_be_decrypted_reports_why_without_secrets() {
        assert!(
            key(AES, None)
                .unwrap_err()
                .to_string()
                .contains("private key is encrypted: set `Private Key Passphrase`")
        );
        let error = key(AES, Some("wrong-one")).unwrap_err();
        assert!(
            error.to_string().contains("wrong passphrase")
                && !format!("{error:?}").contains("wrong-one")
        );
        assert!(
            key("nonsense", None)
                .unwrap_err()
                .to_string()
                .contains("expected an RSA key in PKCS#8 PEM")
        );
    }

    #[test]
    fn a_token_is_cached_until_shortly_before_it_expires() {
        let credential = key(PLAIN, None).unwrap();
        let start = UNIX_EPOCH + Duration::from_secs(1_764_000_000);
        let token = |after| {
            credential
                .token(start + Duration::from_secs(after))
                .unwrap()
        };
        let first = token(0);
        assert_eq!(first, token(49 * 60));
        assert_ne!(first, token(51 * 60));
        assert!(!format!("{credential:?} {first:?}").contains(first.reveal()));
    }
}
