//! Snowflake's key-pair JWT: RS256, `iss` = `ACCOUNT.USER.SHA256:fingerprint`, `sub` = `ACCOUNT.USER`, good for at most an hour.
//!
//! Pure: the caller brings the keys and the time.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::time::{SystemTime, UNIX_EPOCH};

const LONGEST_SECONDS: u64 = 3600;
/// How far two machines' clocks may lie apart.
const SKEW_SECONDS: u64 = 60;

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    exp: u64,
    iat: Option<u64>,
    nbf: Option<u64>,
}

pub fn now_seconds() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}

/// The user that the token proves, or why it proves none. `keys` gives a user's public keys, in base64 of their DER.
pub fn verify(
    token: &str,
    account: &str,
    keys: impl Fn(&str) -> Vec<String>,
    now: u64,
) -> Result<String, String> {
    let unverified = jsonwebtoken::dangerous::insecure_decode::<Claims>(token)
        .map_err(|error| format!("invalid token: {error}"))?;
    let (user, fingerprint) = issuer(&unverified.claims.iss, account)?;
    let key = keys(user)
        .into_iter()
        .find(|key| fingerprint_of(key).as_deref() == Some(fingerprint));
    let key = key.ok_or_else(|| {
        format!("user {user} has no public key with the fingerprint SHA256:{fingerprint}")
    })?;
    let pem = format!(
        "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
        wrapped(&key)
    );
    let key = DecodingKey::from_rsa_pem(pem.as_bytes())
        .map_err(|error| format!("the public key of {user}: {error}"))?;

    let mut validation = Validation::new(Algorithm::RS256);
    // The time is checked below, against the caller's.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let claims = jsonwebtoken::decode::<Claims>(token, &key, &validation)
        .map_err(|error| format!("invalid signature: {error}"))?
        .claims;
    if claims.sub != format!("{account}.{user}") {
        return Err(format!(
            "invalid sub {}: expected {account}.{user}, as in iss",
            claims.sub
        ));
    }
    check_time(&claims, now)?;
    Ok(user.to_owned())
}

/// User and fingerprint of `ACCOUNT.USER.SHA256:fingerprint`.
fn issuer<'a>(iss: &'a str, account: &str) -> Result<(&'a str, &'a str), String> {
    let rest = iss
        .strip_prefix(account)
        .and_then(|rest| rest.strip_prefix('.'));
    let rest = rest.ok_or_else(|| {
        format!("invalid iss {iss}: expected the account {account} in capitals, without its region")
    })?;
    let parts = rest.rsplit_once(".SHA256:");
    parts.ok_or_else(|| format!("invalid iss {iss}: expected ACCOUNT.USER.SHA256:FINGERPRINT"))
}

fn check_time(claims: &Claims, now: u64) -> Result<(), String> {
    if let Some(nbf) = claims.nbf.filter(|nbf| *nbf > now + SKEW_SECONDS) {
        return Err(format!("not valid before {} s from now", nbf - now));
    }
    let issued = match claims.iat {
        Some(iat) if iat > now + SKEW_SECONDS => {
            return Err(format!(
                "issued {} s in the future: set the clock",
                iat - now
            ));
        }
        Some(iat) => iat,
        // Without its beginning, the end alone must show that it is good for an hour at most.
        None if claims.exp > now + LONGEST_SECONDS + SKEW_SECONDS => {
            return Err("no iat, and it expires in more than an hour".to_owned());
        }
        None => now,
    };
    // Snowflake takes a longer token, and drops it after an hour all the same.
    let ends = claims.exp.min(issued + LONGEST_SECONDS);
    if now > ends + SKEW_SECONDS {
        return Err(format!("expired {} s ago", now - ends));
    }
    Ok(())
}

/// As `DESCRIBE USER` shows it, without its `SHA256:`.
pub fn fingerprint_of(public_key: &str) -> Option<String> {
    let der = STANDARD
        .decode(public_key.split_whitespace().collect::<String>())
        .ok()?;
    Some(STANDARD.encode(Sha256::digest(der)))
}

/// Lines of 64 characters, as PEM wants them.
pub fn wrapped(base64: &str) -> String {
    let letters: Vec<char> = base64
        .chars()
        .filter(|letter| !letter.is_whitespace())
        .collect();
    letters
        .chunks(64)
        .map(|line| line.iter().collect::<String>())
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::credentials::KeyPair;
    use jsonwebtoken::{EncodingKey, Header};
    use serde_json::{Value, json};
    use std::sync::LazyLock;

    static OURS: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::generate().unwrap());
    static THEIRS: LazyLock<KeyPair> = LazyLock::new(|| KeyPair::generate().unwrap());
    const NOW: u64 = 1_800_000_000;

    fn claims() -> Value {
        let fingerprint = fingerprint_of(&OURS.public_key).unwrap();
        json!({"iss": format!("FIRN.ADA.SHA256:{fingerprint}"), "sub": "FIRN.ADA", "iat": NOW, "exp": NOW + 3600})
    }

    /// What comes of claims changed so, signed with our key.
    fn outcome(change: &Value) -> Result<String, String> {
        signed(change, &OURS, &Header::new(Algorithm::RS256))
    }

    fn signed(change: &Value, by: &KeyPair, header: &Header) -> Result<String, String> {
        let mut claims = claims();
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let key = EncodingKey::from_rsa_pem(by.private_pem.as_bytes()).unwrap();
        let token = jsonwebtoken::encode(header, &claims, &key).unwrap();
        check(&token)
    }

    fn check(token: &str) -> Result<String, String> {
        let keys = |user: &str| {
            if user == "ADA" {
                vec![OURS.public_key.clone()]
            } else {
                Vec::new()
            }
        };
        verify(token, "FIRN", keys, NOW)
    }

    #[test]
    fn a_token_made_as_snowflake_documents_it_proves_its_user() {
        assert_eq!(outcome(&json!({})).unwrap(), "ADA");
    }

    #[test]
    fn a_token_signed_with_another_key_proves_nobody() {
        let refusal = signed(&json!({}), &THEIRS, &Header::new(Algorithm::RS256)).unwrap_err();
        assert!(refusal.contains("signature"), "{refusal}");
    }

    #[test]
    fn a_token_of_another_account_user_or_key_is_refused_with_the_reason() {
        let stranger = fingerprint_of(&THEIRS.public_key).unwrap();
        for (change, reason) in [
            (
                json!({"iss": claims()["iss"].as_str().unwrap().replace("FIRN", "OTHER")}),
                "account FIRN",
            ),
            (
                json!({"iss": claims()["iss"].as_str().unwrap().replace("ADA", "BOB")}),
                "user BOB has no public key",
            ),
            (
                json!({"iss": format!("FIRN.ADA.SHA256:{stranger}")}),
                "no public key with the fingerprint",
            ),
            (json!({"iss": "FIRN.ADA"}), "SHA256:FINGERPRINT"),
            (json!({"sub": "FIRN.BOB"}), "invalid sub FIRN.BOB"),
        ] {
            let refusal = outcome(&change).unwrap_err();
            assert!(refusal.contains(reason), "{change}: {refusal}");
        }
    }

    #[test]
    fn a_token_lives_for_an_hour_at_most() {
        assert!(outcome(&json!({"iat": NOW - 3600, "exp": NOW})).is_ok());
        assert!(
            outcome(&json!({"iat": NOW - 900, "exp": NOW - 300}))
                .unwrap_err()
                .contains("expired 300 s ago")
        );
        assert!(
            outcome(&json!({"iat": NOW - 7200, "exp": NOW + 7200}))
                .unwrap_err()
                .contains("expired")
        );
        assert!(
            outcome(&json!({"iat": NOW + 600, "exp": NOW + 900}))
                .unwrap_err()
                .contains("in the future")
        );
        assert!(
            outcome(&json!({"iat": null, "exp": NOW + 86400}))
                .unwrap_err()
                .contains("no iat")
        );
    }

    #[test]
    fn a_token_is_not_valid_before_its_time() {
        assert!(outcome(&json!({"nbf": NOW})).is_ok());
        assert!(
            outcome(&json!({"nbf": NOW + 600}))
                .unwrap_err()
                .contains("not valid before 600 s")
        );
    }

    #[test]
    fn a_token_without_rs256_or_without_sense_is_refused() {
        assert!(signed(&json!({}), &OURS, &Header::new(Algorithm::RS512)).is_err());
        for nonsense in ["", "a.b.c", "...", "eyJhbGciOiJub25lIn0.e30."] {
            assert!(check(nonsense).is_err(), "{nonsense}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_token_is_too_strange_to_be_refused(token in "\\PC{0,60}", iss in "\\PC{0,40}") {
            proptest::prop_assert!(check(&token).is_err());
            let forged = outcome(&json!({ "iss": iss }));
            proptest::prop_assert!(forged.is_err());
        }
    }
}
