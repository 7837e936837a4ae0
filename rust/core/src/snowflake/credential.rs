//! Credentials of a user, each as a token and its type for one pair of HTTP headers.

use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::pkcs8::EncodePublicKey;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::private_key;
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
    /// A key pair from the text of a PEM file with an RSA key, plain or encrypted.
    ///
    /// # Errors
    /// `Config` if the text is not such a key or the passphrase does not decrypt it.
    pub fn key_pair(
        account: &str,
        user: &str,
        pem: &Secret,
        passphrase: Option<&Secret>,
    ) -> Result<Self> {
        let key = private_key::decode(pem.reveal(), passphrase)?;
        let public = key.to_public_key().to_public_key_der();
        let public = public.map_err(private_key::invalid)?;
        let fingerprint = STANDARD.encode(Sha256::digest(public.as_bytes()));
        // A locator may include its region; the token needs only the name, in upper case.
        let account = account
            .split('.')
            .next()
            .unwrap_or(account)
            .to_ascii_uppercase();
        let subject = format!("{account}.{}", user.to_ascii_uppercase());
        let der = key.to_pkcs1_der().map_err(private_key::invalid)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = include_str!("testdata/plain.p8");

    fn key(pem: &str, passphrase: Option<&str>) -> Result<Credential> {
        Credential::key_pair(
            "my-org.eu",
            "me",
            &Secret::new(pem),
            passphrase.map(Secret::new).as_ref(),
        )
    }

    #[test]
    fn the_issuer_names_account_user_and_fingerprint() {
        let Credential::KeyPair(pair) = key(PLAIN, None).unwrap() else {
            panic!("not a key pair");
        };
        assert!(pair.issuer.starts_with("MY-ORG.ME.SHA256:"));
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
