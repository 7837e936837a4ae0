//! RSA keys as OpenSSL, LibreSSL and others write them, from PEM text; every other form is rejected with the command that converts it.

use std::fmt;

use pkcs8::{EncryptedPrivateKeyInfoRef, SecretDocument};
use rsa::PrivateKey;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::PublicKeyParts;

use super::secret::Secret;
use crate::error::{Error, Result};

/// Snowflake takes no shorter keys.
const MIN_BITS: u32 = 2048;

const CONVERT: &str = "convert it with `openssl pkcs8 -topk8 -in OLD -out key.p8`";

/// What other tools write, by its first line, and the way to a key that is accepted.
const OTHER_FORMS: [(&str, &str); 7] = [
    (
        "BEGIN OPENSSH PRIVATE KEY",
        "private key is in OpenSSH's format: convert a copy with `ssh-keygen -p -m PKCS8 -f COPY`",
    ),
    (
        "PuTTY-User-Key-File",
        "private key is in PuTTY's format: convert it with `puttygen OLD -O private-openssh -o key.pem`",
    ),
    (
        "BEGIN EC PRIVATE KEY",
        "private key is an EC key: Snowflake accepts RSA keys only; create one with `openssl genrsa 2048 | openssl pkcs8 -topk8`",
    ),
    (
        "BEGIN DSA PRIVATE KEY",
        "private key is a DSA key: Snowflake accepts RSA keys only; create one with `openssl genrsa 2048 | openssl pkcs8 -topk8`",
    ),
    (
        "BEGIN PUBLIC KEY",
        "this is a public key: use the private key that belongs to it",
    ),
    (
        "BEGIN CERTIFICATE",
        "this is a certificate: use the private key that belongs to it",
    ),
    (
        "ssh-rsa ",
        "this is a public key: use the private key that belongs to it",
    ),
];

/// The key in the text of a PEM file, whatever stands around it.
///
/// # Errors
/// `Config` if there is none, it is of another kind, or the passphrase does not decrypt it.
pub(super) fn decode(text: &str, passphrase: Option<&Secret>) -> Result<PrivateKey> {
    let text = unfolded(text);
    let key = if let Some(pem) = block(&text, "ENCRYPTED PRIVATE KEY") {
        decrypted(&pem, passphrase)?
    } else if let Some(pem) = block(&text, "PRIVATE KEY") {
        PrivateKey::from_pkcs8_pem(&pem).map_err(invalid)?
    } else if let Some(pem) = block(&text, "RSA PRIVATE KEY") {
        if pem.contains("Proc-Type:") {
            return Err(Error::config(format!(
                "private key is PKCS#1 with a passphrase: {CONVERT}"
            )));
        }
        PrivateKey::from_pkcs1_pem(&pem).map_err(invalid)?
    } else {
        let known = OTHER_FORMS.iter().find(|(mark, _)| text.contains(mark));
        return Err(known.map_or_else(
            || invalid("no PEM text"),
            |(_, problem)| Error::config(*problem),
        ));
    };
    let bits = key.n().bit_width();
    if bits < MIN_BITS {
        return Err(Error::config(format!(
            "private key has {bits} bits: Snowflake needs at least {MIN_BITS}; create one with `openssl genrsa 2048 | openssl pkcs8 -topk8`"
        )));
    }
    Ok(key)
}

/// A key in a variable often has `\n` in place of its line ends.
fn unfolded(text: &str) -> String {
    if text.trim().contains('\n') {
        text.replace('\r', "")
    } else {
        text.replace("\\r", "").replace("\\n", "\n")
    }
}

/// The block of a PEM text with this label, without blanks around its lines and what other tools write before it.
fn block(text: &str, label: &str) -> Option<String> {
    let (begin, end) = (
        format!("-----BEGIN {label}-----"),
        format!("-----END {label}-----"),
    );
    let start = text.find(&begin)?;
    let rest = &text[start..];
    let length = rest.find(&end)? + end.len();
    let lines = rest[..length].lines().map(str::trim);
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    Some(lines.join("\n") + "\n")
}

fn decrypted(pem: &str, passphrase: Option<&Secret>) -> Result<PrivateKey> {
    let Some(passphrase) = passphrase else {
        return Err(Error::config(
            "private key is encrypted: set `Private Key Passphrase` (PRIVATE_KEY_PASSPHRASE)",
        ));
    };
    let (_, document) = SecretDocument::from_pem(pem).map_err(invalid)?;
    let unknown = |_| {
        Error::config(format!(
            "private key is encrypted in a way that is not supported: {CONVERT}, which encrypts it with AES"
        ))
    };
    let info = EncryptedPrivateKeyInfoRef::try_from(document.as_bytes()).map_err(unknown)?;
    if info.encryption_algorithm.pbes2().is_none() {
        return Err(unknown(pkcs8::Error::KeyMalformed(
            pkcs8::KeyError::Invalid,
        )));
    }
    let key = info
        .decrypt(passphrase.reveal())
        .map_err(|_| Error::config("cannot decrypt the private key: wrong passphrase"))?;
    PrivateKey::from_pkcs8_der(key.as_bytes()).map_err(invalid)
}

pub(super) fn invalid(error: impl fmt::Display) -> Error {
    Error::config(format!(
        "invalid private key ({error}): expected an RSA key in PKCS#8 PEM; create one with `openssl genrsa 2048 | openssl pkcs8 -topk8`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &str = include_str!("testdata/plain.p8");

    fn problem(text: &str, passphrase: Option<&str>) -> String {
        let passphrase = passphrase.map(Secret::new);
        decode(text, passphrase.as_ref()).unwrap_err().to_string()
    }

    #[test]
    fn a_key_is_the_same_in_every_form_of_openssl_and_libressl() {
        let plain = decode(PLAIN, None).unwrap();
        let passphrase = Secret::new("passphrase");
        for (form, text) in [
            ("AES", include_str!("testdata/aes.p8")),
            ("3DES", include_str!("testdata/des3.p8")),
            // As LibreSSL and older releases of OpenSSL write them.
            ("AES and SHA-1", include_str!("testdata/aes-sha1.p8")),
            ("3DES and SHA-1", include_str!("testdata/des3-sha1.p8")),
            ("scrypt", include_str!("testdata/scrypt.p8")),
            ("PKCS#1", include_str!("testdata/pkcs1.pem")),
        ] {
            let key = decode(text, Some(&passphrase));
            assert!(key.is_ok_and(|key| key == plain), "{form}");
        }
        for text in [
            PLAIN.replace('\n', "\r\n"),
            PLAIN.replace('\n', "\\n"),
            PLAIN.replace('\n', "\n   "),
            format!("Bag Attributes\n  friendlyName: me\nKey Attributes: <No Attributes>\n{PLAIN}"),
        ] {
            assert!(decode(&text, None).is_ok_and(|key| key == plain), "{text}");
        }
    }

    #[test]
    fn every_other_form_has_its_own_answer() {
        let passphrase = Some("passphrase");
        for (text, passphrase, answer) in [
            (
                include_str!("testdata/aes.p8"),
                None,
                "private key is encrypted: set `Private Key Passphrase`",
            ),
            (
                include_str!("testdata/aes.p8"),
                Some("wrong-one"),
                "cannot decrypt the private key: wrong passphrase",
            ),
            (
                include_str!("testdata/pbes1.p8"),
                passphrase,
                "encrypted in a way that is not supported: convert it",
            ),
            (
                include_str!("testdata/camellia.p8"),
                passphrase,
                "encrypted in a way that is not supported: convert it",
            ),
            (
                include_str!("testdata/pkcs1-encrypted.pem"),
                passphrase,
                "PKCS#1 with a passphrase: convert it",
            ),
            (include_str!("testdata/ec.p8"), None, "expected an RSA key"),
            (include_str!("testdata/short.p8"), None, "has 1024 bits"),
            (
                "-----BEGIN OPENSSH PRIVATE KEY-----\nAA\n",
                None,
                "ssh-keygen -p -m PKCS8",
            ),
            (
                "-----BEGIN PUBLIC KEY-----\nAA\n",
                None,
                "this is a public key",
            ),
            ("nonsense", None, "expected an RSA key in PKCS#8 PEM"),
        ] {
            let problem = problem(text, passphrase);
            assert!(problem.contains(answer), "{problem}");
            assert!(!problem.contains("wrong-one"));
        }
    }
}
