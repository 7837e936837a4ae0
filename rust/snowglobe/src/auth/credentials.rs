//! The first user's credentials: made at the first start, kept beside the data, readable by their owner only.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use std::collections::HashMap;
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::jwt::wrapped;

/// The user that a new engine has.
const USER: &str = "SNOWGLOBE";

/// How to get in.
#[derive(Clone)]
pub struct Credentials {
    /// The user.
    pub user: String,
    /// Its programmatic access token.
    pub token: String,
    /// Its private key, PKCS#8 in PEM, with `--data`.
    pub private_key_file: Option<PathBuf>,
    /// Base64 of the DER of the public key that goes with it.
    pub public_key: Option<String>,
    /// The S3 access key's id.
    pub s3_access_key_id: String,
    /// The S3 access key's secret.
    pub s3_secret_access_key: String,
    /// The file that holds all of this as environment variables, with `--data`.
    pub file: Option<PathBuf>,
}

/// Secrets stay out of logs, even when someone logs the whole.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Credentials");
        shown
            .field("user", &self.user)
            .field("s3_access_key_id", &self.s3_access_key_id)
            .finish_non_exhaustive()
    }
}

/// What can be wrong with the files.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// A file cannot be read or written.
    #[error("{}: {error}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file is not what Snowglobe wrote.
    #[error("{}: {problem}: correct the file, or delete it to create a new one", .path.display())]
    Content {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The system gives no random numbers.
    #[error("cannot create a key: the system provides no random numbers")]
    Random,
}

type Result<T> = std::result::Result<T, CredentialsError>;

/// An RSA key pair.
pub struct KeyPair {
    pub private_pem: String,
    /// Base64 of the DER.
    pub public_key: String,
}

impl KeyPair {
    pub fn generate() -> Result<Self> {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| CredentialsError::Random)?;
        let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| CredentialsError::Random)?;
        let body = wrapped(&STANDARD.encode(der.as_ref()));
        let private_pem =
            format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
        Ok(Self {
            private_pem,
            public_key: public_key(&pair)?,
        })
    }

    fn read(path: &Path) -> Result<Self> {
        let private_pem = fs::read_to_string(path).map_err(|error| file(path, error))?;
        let body: String = private_pem
            .lines()
            .filter(|line| !line.starts_with("-----"))
            .map(str::trim)
            .collect();
        let wrong = || content(path, "it is not an RSA private key in PKCS#8 PEM");
        let der = STANDARD.decode(body).map_err(|_| wrong())?;
        let pair = RsaKeyPair::from_pkcs8(&der).map_err(|_| wrong())?;
        Ok(Self {
            public_key: public_key(&pair)?,
            private_pem,
        })
    }
}

fn public_key(pair: &RsaKeyPair) -> Result<String> {
    let der: PublicKeyX509Der<'_> = pair
        .public_key()
        .as_der()
        .map_err(|_| CredentialsError::Random)?;
    Ok(STANDARD.encode(der.as_ref()))
}

impl Credentials {
    /// New ones that are nowhere but in memory. What is given is taken as it is.
    ///
    /// # Errors
    /// [`CredentialsError::Random`].
    pub fn in_memory(token: Option<String>, s3_key: Option<(String, String)>) -> Result<Self> {
        let (s3_access_key_id, s3_secret_access_key) = match s3_key {
            Some(key) => key,
            None => (format!("AKIA{}", letters(16)?), random(30)?),
        };
        Ok(Self {
            user: USER.to_owned(),
            token: token.map_or_else(|| random(48), Ok)?,
            private_key_file: None,
            public_key: None,
            s3_access_key_id,
            s3_secret_access_key,
            file: None,
        })
    }

    /// Those in `dir`, made if they are not there. What is given goes before the file, and is not written to it.
    ///
    /// # Errors
    /// If the files cannot be read, written or understood.
    pub fn in_folder(
        dir: &Path,
        account: &str,
        token: Option<String>,
        s3_key: Option<(String, String)>,
    ) -> Result<Self> {
        let env_file = dir.join("snowglobe.env");
        let key_file = dir.join("rsa_key.p8");
        for path in [&env_file, &key_file] {
            if path.is_symlink() {
                return Err(content(path, "it is a symbolic link"));
            }
        }
        if !key_file.exists() {
            write_secret(&key_file, &KeyPair::generate()?.private_pem)?;
        }
        if !env_file.exists() {
            let made = Self::in_memory(None, None)?;
            write_secret(&env_file, &made.as_environment(account, &key_file))?;
        }
        let text = fs::read_to_string(&env_file).map_err(|error| file(&env_file, error))?;
        let variables: HashMap<_, _> = text
            .lines()
            .filter_map(|line| line.split_once('='))
            .collect();
        let variable = |name: &str| {
            let found = variables.get(name).map(|value| (*value).trim().to_owned());
            found.ok_or_else(|| content(&env_file, &format!("{name} is missing")))
        };
        let (s3_access_key_id, s3_secret_access_key) = match s3_key {
            Some(key) => key,
            None => (
                variable("AWS_ACCESS_KEY_ID")?,
                variable("AWS_SECRET_ACCESS_KEY")?,
            ),
        };
        Ok(Self {
            user: USER.to_owned(),
            token: token.map_or_else(|| variable("SNOWFLAKE_TOKEN"), Ok)?,
            public_key: Some(KeyPair::read(&key_file)?.public_key),
            private_key_file: Some(key_file),
            s3_access_key_id,
            s3_secret_access_key,
            file: Some(env_file),
        })
    }

    fn as_environment(&self, account: &str, key_file: &Path) -> String {
        let key_file = fs::canonicalize(key_file).unwrap_or_else(|_| key_file.to_owned());
        format!(
            "# Made by Snowglobe at its first start. `set -a; . snowglobe.env` gives them to a shell.\n\
             SNOWFLAKE_ACCOUNT={account}\n\
             SNOWFLAKE_USER={}\n\
             SNOWFLAKE_TOKEN={}\n\
             SNOWFLAKE_PRIVATE_KEY_FILE='{}'\n\
             AWS_ACCESS_KEY_ID={}\n\
             AWS_SECRET_ACCESS_KEY={}\n\
             AWS_REGION=us-east-1\n",
            self.user,
            self.token,
            key_file.display(),
            self.s3_access_key_id,
            self.s3_secret_access_key,
        )
    }
}

/// Writes a file that only its owner reads, whole or not at all.
fn write_secret(path: &Path, text: &str) -> Result<()> {
    let fresh = path.with_extension("new");
    let write = || {
        // Somebody else may have left a link there, or a file that they can read.
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(&fresh)?.write_all(text.as_bytes())?;
        fs::rename(&fresh, path)
    };
    write().map_err(|error| file(path, error))
}

fn file(path: &Path, error: io::Error) -> CredentialsError {
    CredentialsError::File {
        path: path.to_owned(),
        error,
    }
}

fn content(path: &Path, problem: &str) -> CredentialsError {
    CredentialsError::Content {
        path: path.to_owned(),
        problem: problem.to_owned(),
    }
}

fn random_bytes(count: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; count];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| CredentialsError::Random)?;
    Ok(bytes)
}

fn random(bytes: usize) -> Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(random_bytes(bytes)?))
}

/// Capitals and digits, as in AWS's access key ids.
fn letters(count: usize) -> Result<String> {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bytes = random_bytes(count)?;
    Ok(bytes
        .into_iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte % 32)]))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_made_once_and_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let first = Credentials::in_folder(dir.path(), "FIRN", None, None).unwrap();
        let second = Credentials::in_folder(dir.path(), "FIRN", None, None).unwrap();
        assert_eq!(first.token, second.token);
        assert_eq!(first.public_key, second.public_key);
        assert_eq!(first.s3_secret_access_key, second.s3_secret_access_key);
    }

    #[cfg(unix)]
    #[test]
    fn secrets_are_readable_by_their_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let made = Credentials::in_folder(dir.path(), "FIRN", None, None).unwrap();
        for path in [made.file.unwrap(), made.private_key_file.unwrap()] {
            assert_eq!(
                fs::metadata(path).unwrap().permissions().mode() & 0o777,
                0o600
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_secret_is_not_written_or_read_through_a_symbolic_link() {
        use std::os::unix::fs::symlink;
        let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let target = elsewhere.path().join("target");
        fs::write(&target, "kept").unwrap();
        symlink(&target, dir.path().join("snowglobe.new")).unwrap();
        symlink(&target, dir.path().join("rsa_key.new")).unwrap();
        Credentials::in_folder(dir.path(), "FIRN", None, None).unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "kept");

        let key_file = dir.path().join("rsa_key.p8");
        fs::rename(&key_file, elsewhere.path().join("key")).unwrap();
        symlink(elsewhere.path().join("key"), &key_file).unwrap();
        let error = Credentials::in_folder(dir.path(), "FIRN", None, None)
            .unwrap_err()
            .to_string();
        assert!(error.contains("symbolic link"), "{error}");
    }

    #[test]
    fn a_given_token_goes_before_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let given = Credentials::in_folder(dir.path(), "FIRN", Some("given".into()), None).unwrap();
        assert_eq!(given.token, "given");
        assert!(
            !fs::read_to_string(dir.path().join("snowglobe.env"))
                .unwrap()
                .contains("given")
        );
    }

    #[test]
    fn a_key_that_is_none_is_told_with_its_file() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("rsa_key.p8"), "no key").unwrap();
        let error = Credentials::in_folder(dir.path(), "FIRN", None, None)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("rsa_key.p8") && error.contains("PKCS#8"),
            "{error}"
        );
    }

    #[test]
    fn debug_output_has_no_secret() {
        let made =
            Credentials::in_memory(Some("token".into()), Some(("ID".into(), "secret".into())))
                .unwrap();
        let shown = format!("{made:?}");
        assert!(
            !shown.contains("token") && !shown.contains("secret"),
            "{shown}"
        );
    }
}
