//! Reads a connection from `connections.toml`, `config.toml` and `SNOWFLAKE_*`, as Snowflake's own tools do.
//!
//! A setting is looked up in `SNOWFLAKE_CONNECTIONS_<NAME>_<KEY>`, then in the files, then in `SNOWFLAKE_<KEY>`. The default connection
//! is the one named by `SNOWFLAKE_DEFAULT_CONNECTION_NAME`, else by `default_connection_name` in config.toml, else
//! `default`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::account::Account;
use super::credential::Credential;
use super::secret::Secret;
use crate::error::{Context, Error, Result};

/// The settings to connect to an account.
#[derive(Clone, Debug)]
pub struct Connection {
    /// `https://host[:port]`, without a slash at its end.
    pub url: String,
    /// The account's identifier.
    pub account: String,
    /// The user's name; not needed with a token.
    pub user: Option<String>,
    /// The credential.
    pub credential: Credential,
    /// The role; the user's default role by default.
    pub role: Option<String>,
    /// The warehouse to run on.
    pub warehouse: Option<String>,
    /// The database for plain names.
    pub database: Option<String>,
    /// The schema for plain names.
    pub schema: Option<String>,
}

/// The environment and the files in which settings are looked up; tests have their own.
pub struct ConnectionSource {
    variables: BTreeMap<String, String>,
    folders: Vec<PathBuf>,
}

/// Settings by Snowflake's names in lower case.
struct Settings<'s> {
    name: String,
    file: toml::Table,
    source: &'s ConnectionSource,
}

impl ConnectionSource {
    /// The process's environment and the user's files.
    #[must_use]
    pub fn system() -> Self {
        let variables: BTreeMap<String, String> = std::env::vars().collect();
        let mut folders = Vec::new();
        if let Some(home) = variables.get("SNOWFLAKE_HOME") {
            folders.push(PathBuf::from(home));
        }
        if let Some(home) = std::env::home_dir() {
            folders.push(home.join(".snowflake"));
            folders.push(home.join(".config/snowflake"));
            folders.push(home.join("Library/Application Support/snowflake"));
        }
        Self { variables, folders }
    }

    /// The given variables and folders only.
    pub fn of(
        variables: impl IntoIterator<Item = (String, String)>,
        folders: Vec<PathBuf>,
    ) -> Self {
        Self {
            variables: variables.into_iter().collect(),
            folders,
        }
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.variables
            .get(name)
            .filter(|text| !text.is_empty())
            .cloned()
    }

    /// The connection `name`, or the default one.
    ///
    /// # Errors
    /// `Config`, naming the setting that is missing or wrong.
    pub fn connection(&self, name: Option<&str>) -> Result<Connection> {
        let is_asked = name.is_some();
        let name = match name {
            Some(name) => name.to_owned(),
            None => self.default_name()?,
        };
        let file = match self.file(&name)? {
            Some(table) => table,
            None if is_asked && !self.has_own_variables(&name) => {
                let folders: Vec<String> = self
                    .folders
                    .iter()
                    .map(|folder| folder.display().to_string())
                    .collect();
                let known = self.known_names()?;
                let known = if known.is_empty() {
                    String::new()
                } else {
                    format!(", which has {}", known.join(", "))
                };
                return Err(Error::config(format!(
                    "connection `{name}` not found in connections.toml of {}{known}: add it, or set SNOWFLAKE_ACCOUNT and the other variables",
                    folders.join(", ")
                )));
            }
            None => toml::Table::new(),
        };
        Settings {
            name: name.clone(),
            file,
            source: self,
        }
        .connection()
        .map_err(|error| error.context(format!("connection `{name}`")))
    }

    /// Whether the environment alone defines a connection.
    fn has_own_variables(&self, name: &str) -> bool {
        let prefix = own_variable(name, "");
        self.variables.keys().any(|key| key.starts_with(&prefix))
    }

    fn default_name(&self) -> Result<String> {
        if let Some(name) = self.variable("SNOWFLAKE_DEFAULT_CONNECTION_NAME") {
            return Ok(name);
        }
        for folder in &self.folders {
            if let Some(table) = read(&folder.join("config.toml"))?
                && let Some(toml::Value::String(name)) = table.get("default_connection_name")
            {
                return Ok(name.clone());
            }
        }
        Ok("default".to_owned())
    }

    /// The names of all connections in the files.
    fn known_names(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for folder in &self.folders {
            for file in ["connections.toml", "config.toml"] {
                let table = read(&folder.join(file))?.unwrap_or_default();
                let nested = table.get("connections").and_then(toml::Value::as_table);
                let plain = table.iter().filter(|_| file == "connections.toml");
                let tables = plain.chain(nested.into_iter().flatten());
                let is_connection = |(name, value): &(&String, &toml::Value)| {
                    value.is_table() && *name != "connections"
                };
                names.extend(tables.filter(is_connection).map(|(name, _)| name.clone()));
            }
        }
        names.sort();
        names.dedup();
        Ok(names)
    }

    fn file(&self, name: &str) -> Result<Option<toml::Table>> {
        for folder in &self.folders {
            if let Some(table) = read(&folder.join("connections.toml"))?
                && let Some(toml::Value::Table(connection)) = table
                    .get(name)
                    .or_else(|| table.get("connections")?.get(name))
            {
                return Ok(Some(connection.clone()));
            }
            if let Some(table) = read(&folder.join("config.toml"))?
                && let Some(toml::Value::Table(connection)) =
                    table.get("connections").and_then(|all| all.get(name))
            {
                return Ok(Some(connection.clone()));
            }
        }
        Ok(None)
    }
}

/// A name as Snowflake stores it: folded if it is not quoted.
fn stored_name(text: &str) -> String {
    let quoted = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    let is_plain = |one: char| one.is_ascii_alphanumeric() || matches!(one, '_' | '$');
    match quoted {
        Some(name) => name.replace("\"\"", "\""),
        None if text.chars().all(is_plain) => text.to_ascii_uppercase(),
        None => text.to_owned(),
    }
}

/// The variable of one setting of one connection.
fn own_variable(name: &str, key: &str) -> String {
    format!("SNOWFLAKE_CONNECTIONS_{name}_{key}").to_ascii_uppercase()
}

fn read(path: &Path) -> Result<Option<toml::Table>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::from(error).context(path.display().to_string())),
    };
    warn_if_open_to_others(path);
    // The parser's message would show the line, and a line may hold a secret.
    let table = text
        .parse()
        .map_err(|_| Error::config(format!("{} is not valid TOML", path.display())))?;
    Ok(Some(table))
}

#[cfg(unix)]
fn warn_if_open_to_others(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    if std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0) {
        log::warn!(
            "other users can read {}: run `chmod 0600 {0}`",
            path.display()
        );
    }
}

#[cfg(not(unix))]
fn warn_if_open_to_others(_path: &Path) {}

impl Settings<'_> {
    fn get(&self, key: &str) -> Option<String> {
        let own = own_variable(&self.name, key);
        let in_file = || match self.file.get(key)? {
            toml::Value::String(text) => Some(text.clone()),
            toml::Value::Integer(number) => Some(number.to_string()),
            _ => None,
        };
        let source = self.source;
        source
            .variable(&own)
            .or_else(in_file)
            .or_else(|| source.variable(&format!("SNOWFLAKE_{}", key.to_ascii_uppercase())))
    }

    fn connection(&self) -> Result<Connection> {
        let account = self.get("account").ok_or_else(|| {
            Error::config("no account: set SNOWFLAKE_ACCOUNT, or `account` in connections.toml")
        })?;
        let Account {
            identifier: account,
            host,
        } = Account::parse(&account)?;
        // A host with a protocol is accepted too.
        let host = self.get("host").map_or(host, |host| {
            let host = host
                .split_once("://")
                .map_or(host.as_str(), |(_, rest)| rest);
            host.trim_end_matches('/').to_owned()
        });
        let protocol = self.get("protocol").unwrap_or_else(|| "https".to_owned());
        let port = self
            .get("port")
            .map(|port| format!(":{port}"))
            .unwrap_or_default();
        Ok(Connection {
            url: format!("{protocol}://{host}{port}"),
            user: self.get("user"),
            credential: self.credential(&account)?,
            account,
            role: self.name("role"),
            warehouse: self.name("warehouse"),
            database: self.name("database"),
            schema: self.name("schema"),
        })
    }

    /// The name of an object, folded as in Snowflake's drivers: the SQL API itself does not fold names.
    fn name(&self, key: &str) -> Option<String> {
        self.get(key).map(|text| stored_name(&text))
    }

    /// The path of a file, below the home folder if it begins with `~`.
    fn path(&self, key: &str) -> Option<String> {
        let path = self.get(key)?;
        let home = std::env::home_dir().filter(|_| path.starts_with("~/"));
        Some(home.map_or(path.clone(), |home| {
            home.join(&path[2..]).display().to_string()
        }))
    }

    fn credential(&self, account: &str) -> Result<Credential> {
        let authenticator = self
            .get("authenticator")
            .map(|text| text.to_ascii_uppercase());
        let has_key = self.key_text()?.is_some();
        match authenticator.as_deref() {
            Some("SNOWFLAKE_JWT") => self.key_pair(account),
            Some("OAUTH") => Ok(Credential::OAuth(self.token("OAuth")?)),
            Some("PROGRAMMATIC_ACCESS_TOKEN") => {
                Ok(Credential::AccessToken(self.token("programmatic access")?))
            }
            None | Some("SNOWFLAKE") if has_key => self.key_pair(account),
            None if self.has_token() => {
                Ok(Credential::AccessToken(self.token("programmatic access")?))
            }
            // As in the drivers.
            None | Some("SNOWFLAKE") if self.password_token().is_some() => Ok(
                Credential::AccessToken(Secret::new(self.password_token().unwrap_or_default())),
            ),
            None | Some("SNOWFLAKE") => Err(Error::config(
                "no credentials: set `private_key_file`, or `token` to a programmatic access token; the SQL API does not accept passwords",
            )),
            Some(other) => Err(Error::config(format!(
                "invalid authenticator {other}: expected SNOWFLAKE_JWT, PROGRAMMATIC_ACCESS_TOKEN or OAUTH"
            ))),
        }
    }

    /// A programmatic access token given as the password; users' passwords are shorter.
    fn password_token(&self) -> Option<String> {
        self.get("password").filter(|text| text.len() >= 24)
    }

    fn has_token(&self) -> bool {
        self.get("token")
            .or_else(|| self.get("token_file_path"))
            .is_some()
    }

    fn token(&self, what: &str) -> Result<Secret> {
        if let Some(token) = self.get("token") {
            return Ok(Secret::new(token));
        }
        let path = self.path("token_file_path").ok_or_else(|| {
            Error::config(format!(
                "no {what} token: set SNOWFLAKE_TOKEN, or `token_file_path`"
            ))
        })?;
        let token = std::fs::read_to_string(&path).context(|| format!("token file {path}"))?;
        Ok(Secret::new(token.trim()))
    }

    fn key_text(&self) -> Result<Option<Secret>> {
        if let Some(text) = self.get("private_key_raw") {
            return Ok(Some(Secret::new(text)));
        }
        let Some(path) = self
            .path("private_key_file")
            .or_else(|| self.path("private_key_path"))
        else {
            return Ok(None);
        };
        let place = || format!("private key file {path}");
        let bytes = std::fs::read(&path).context(place)?;
        let text = String::from_utf8(bytes).map_err(|_| {
            let der = "is not PEM text: convert DER with `openssl pkcs8 -topk8 -inform DER -in OLD -out key.p8`";
            Error::config(der).context(place())
        })?;
        Ok(Some(Secret::new(text)))
    }

    fn key_pair(&self, account: &str) -> Result<Credential> {
        let key = self.key_text()?.ok_or_else(|| {
            Error::config(
                "no private key: set `private_key_file`, or SNOWFLAKE_PRIVATE_KEY_RAW to its text",
            )
        })?;
        let user = self.get("user").ok_or_else(|| {
            Error::config("no user: set SNOWFLAKE_USER, or `user` in connections.toml, for key pair authentication")
        })?;
        let passphrase = self
            .get("private_key_file_pwd")
            .or_else(|| self.get("private_key_passphrase"))
            .or_else(|| self.source.variable("PRIVATE_KEY_PASSPHRASE"))
            .map(Secret::new);
        Credential::key_pair(account, &user, &key, passphrase.as_ref())
    }
}
