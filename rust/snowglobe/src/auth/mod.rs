//! Who calls: key-pair JWT and programmatic access token. OAuth is refused by name.
//!
//! It decides *who*, never *what they may*: that is the engine's. It goes by the machine's clock, as the tokens' makers do;
//! moving the engine's clock expires nobody.

mod credentials;
mod jwt;

pub use credentials::{Credentials, CredentialsError};

use crate::engine::Engine;
use axum::http::{HeaderMap, header};
use sha2::{Digest, Sha256};

/// Checks the tokens of one account.
pub struct Authenticator {
    account: String,
    engine: Engine,
    admin: Admin,
}

/// The user that exists from the start, and how it is known. Others log in with the public keys that they have in the engine.
struct Admin {
    user: String,
    /// Of its programmatic access token: the token itself is not kept.
    token_sha256: [u8; 32],
    /// Base64 of the public key's DER, if there is a key.
    public_key: Option<String>,
}

/// A refusal, as a client sees it. The reason goes to the log under the same id, as `SYSTEM$GET_LOGIN_FAILURE_DETAILS` would tell it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Unauthorized {
    /// Such as `390144`.
    pub code: &'static str,
    /// As Snowflake words it.
    pub message: String,
}

impl Unauthorized {
    fn new(code: &'static str, message: &str, reason: &str) -> Self {
        let id = uuid::Uuid::new_v4();
        log::warn!("login refused [{id}]: {reason}");
        Self {
            code,
            message: format!("{message} [{id}]"),
        }
    }
}

impl Authenticator {
    /// For `account`, whose first user is the one of `credentials`.
    pub fn new(account: &str, engine: Engine, credentials: &Credentials) -> Self {
        let admin = Admin {
            user: credentials.user.clone(),
            token_sha256: Sha256::digest(credentials.token.as_bytes()).into(),
            public_key: credentials.public_key.clone(),
        };
        Self {
            account: account.to_ascii_uppercase(),
            engine,
            admin,
        }
    }

    /// The account's name, in capitals.
    pub fn account(&self) -> &str {
        &self.account
    }

    /// The user that a request's headers prove.
    ///
    /// # Errors
    /// [`Unauthorized`], to be answered with 401.
    pub fn authenticate(&self, headers: &HeaderMap) -> Result<String, Unauthorized> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let Some(token) = text(header::AUTHORIZATION.as_str()).and_then(bearer) else {
            return Err(Unauthorized::new(
                "390101",
                "Authorization header is missing or invalid.",
                "no bearer token",
            ));
        };
        // As Snowflake does, the token's shape decides when the type is not said.
        let guessed = if token.split('.').count() == 3 {
            "KEYPAIR_JWT"
        } else {
            "PROGRAMMATIC_ACCESS_TOKEN"
        };
        match text("x-snowflake-authorization-token-type")
            .unwrap_or(guessed)
            .to_ascii_uppercase()
            .as_str()
        {
            "KEYPAIR_JWT" => self.by_jwt(token),
            "PROGRAMMATIC_ACCESS_TOKEN" => self.by_access_token(token),
            "OAUTH" => Err(Unauthorized::new(
                "390303",
                "Invalid OAuth access token.",
                "OAuth is not supported by Snowglobe: use a key pair or a programmatic access token",
            )),
            other => {
                let reason = format!("X-Snowflake-Authorization-Token-Type is {other}");
                Err(Unauthorized::new(
                    "390101",
                    "Authorization header is missing or invalid.",
                    &reason,
                ))
            }
        }
    }

    /// Whether the headers hold the first user's programmatic access token.
    pub fn has_admin_token(&self, headers: &HeaderMap) -> bool {
        let value = headers.get(header::AUTHORIZATION);
        let token = value.and_then(|value| value.to_str().ok()).and_then(bearer);
        token.is_some_and(|token| self.is_admin_token(token))
    }

    /// Digests are compared, so the time that it takes tells nothing about the token.
    fn is_admin_token(&self, token: &str) -> bool {
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        digest == self.admin.token_sha256
    }

    /// The user of a key-pair JWT.
    ///
    /// # Errors
    /// [`Unauthorized`].
    pub fn by_jwt(&self, token: &str) -> Result<String, Unauthorized> {
        let keys = |user: &str| {
            let mut keys = self.engine.user_public_keys(user);
            keys.extend(
                self.admin
                    .public_key
                    .clone()
                    .filter(|_| user == self.admin.user),
            );
            keys
        };
        jwt::verify(token, &self.account, keys, jwt::now_seconds())
            .map_err(|reason| Unauthorized::new("390144", "JWT token is invalid.", &reason))
    }

    /// The user of a programmatic access token.
    ///
    /// # Errors
    /// [`Unauthorized`].
    pub fn by_access_token(&self, token: &str) -> Result<String, Unauthorized> {
        if self.is_admin_token(token) {
            return Ok(self.admin.user.clone());
        }
        Err(Unauthorized::new(
            "394400",
            "Programmatic access token is invalid.",
            "no user has this token",
        ))
    }
}

fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
        .filter(|token| !token.is_empty())
}
