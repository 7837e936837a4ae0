//! Snowglobe as a child process: started on free ports, stopped with its parent.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use firn::pipeline::Pipeline;
use firn::snowflake::{Connection, ConnectionSource};
use firn::store::{AccessKey, StoreOptions};
use firn::{Context, Error, Result};

const ACCOUNT: &str = "FIRN";

/// A running Snowglobe.
pub struct Snowglobe {
    child: Child,
    /// `host:port` of its Snowflake API.
    address: String,
    /// The URL of its S3.
    s3_url: String,
    token: String,
    key: AccessKey,
}

/// Addresses and secrets of a Snowglobe.
pub struct Access<'a> {
    pub account_url: String,
    pub account: &'a str,
    pub s3_url: &'a str,
    pub token: &'a str,
    pub access_key_id: &'a str,
    pub secret_access_key: &'a str,
}

impl Snowglobe {
    /// Starts it with one bucket, in memory.
    ///
    /// # Errors
    /// `Config` if the binary is not found, or does not start.
    pub fn start(bucket: &str) -> Result<Self> {
        let binary = find()?;
        let token = random_text();
        let key = AccessKey {
            id: format!("FIRN{}", &random_text()[..16].to_uppercase()),
            secret: random_text(),
        };
        let mut child = Command::new(&binary)
            .args([
                "--listen",
                "127.0.0.1:0",
                "--s3",
                "127.0.0.1:0",
                "--account",
                ACCOUNT,
                "--bucket",
                bucket,
            ])
            // Arguments are visible in the process list, environment variables are not.
            .env("SNOWGLOBE_ADMIN_TOKEN", &token)
            .env("SNOWGLOBE_S3_KEY_ID", &key.id)
            .env("SNOWGLOBE_S3_SECRET", &key.secret)
            .env_remove("SNOWGLOBE_DATA")
            .stdout(Stdio::piped())
            .spawn()
            .context(|| binary.display().to_string())?;
        let output = child
            .stdout
            .take()
            .ok_or_else(|| Error::bug("the child has no output"))?;
        let mut address = None;
        let mut s3_url = None;
        for line in BufReader::new(output)
            .lines()
            .map_while(std::io::Result::ok)
        {
            let mut words = line.split_whitespace();
            match (words.next(), words.next()) {
                (Some("Snowflake"), Some(url)) => {
                    address = url.strip_prefix("http://").map(str::to_owned)
                }
                (Some("S3"), Some(url)) => s3_url = Some(url.to_owned()),
                _ => {}
            }
            if let (Some(address), Some(s3_url)) = (&address, &s3_url) {
                return Ok(Self {
                    child,
                    address: address.clone(),
                    s3_url: s3_url.clone(),
                    token,
                    key,
                });
            }
        }
        let _ = child.kill();
        let _ = child.wait();
        Err(Error::config(format!(
            "{} stopped before it listened: see its message above",
            binary.display()
        )))
    }

    /// A connection to it.
    ///
    /// # Errors
    /// None with a running Snowglobe.
    pub fn connection(&self) -> Result<Connection> {
        let (host, port) = self
            .address
            .rsplit_once(':')
            .unwrap_or((&self.address, "8085"));
        let variables = [
            ("SNOWFLAKE_ACCOUNT", ACCOUNT),
            ("SNOWFLAKE_HOST", host),
            ("SNOWFLAKE_PORT", port),
            ("SNOWFLAKE_PROTOCOL", "http"),
            ("SNOWFLAKE_TOKEN", &self.token),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        ConnectionSource::of(variables, Vec::new()).connection(None)
    }

    /// The options to access its S3.
    pub fn store_options(&self) -> StoreOptions {
        StoreOptions {
            endpoint: Some(self.s3_url.clone()),
            region: Some("us-east-1".to_owned()),
            access_key: Some(self.key.clone()),
            ..StoreOptions::default()
        }
    }

    /// The same pipeline with the role that may read the tables.
    pub fn as_owner(&self, pipeline: &Pipeline) -> Result<Pipeline> {
        let mut connection = self.connection()?;
        connection.role = Some(pipeline.deployment().owner.stored());
        Pipeline::new(
            pipeline.contract().clone(),
            pipeline.deployment().clone(),
            connection,
        )
    }

    /// Addresses and secrets for other clients.
    pub fn access(&self) -> Access<'_> {
        Access {
            account_url: format!("http://{}", self.address),
            account: ACCOUNT,
            s3_url: &self.s3_url,
            token: &self.token,
            access_key_id: &self.key.id,
            secret_access_key: &self.key.secret,
        }
    }

    /// Environment variables for connecting from another shell.
    pub fn variables(&self) -> String {
        let (host, port) = self
            .address
            .rsplit_once(':')
            .unwrap_or((&self.address, "8085"));
        format!(
            "export SNOWFLAKE_ACCOUNT={ACCOUNT} SNOWFLAKE_HOST={host} SNOWFLAKE_PORT={port} SNOWFLAKE_PROTOCOL=http SNOWFLAKE_ROLE=FIRN_OWNER\n\
             export SNOWFLAKE_TOKEN={}\n\
             export AWS_ENDPOINT_URL_S3={} AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY={} AWS_REGION=us-east-1\n",
            self.token, self.s3_url, self.key.id, self.key.secret
        )
    }
}

impl Drop for Snowglobe {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Finds the binary named by `SNOWGLOBE`, else the one beside `firn`, else the one on the path.
fn find() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("SNOWGLOBE") {
        return Ok(PathBuf::from(path));
    }
    let name = format!("snowglobe{}", std::env::consts::EXE_SUFFIX);
    let beside = std::env::current_exe()
        .ok()
        .and_then(|path| Some(path.parent()?.join(&name)));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let candidates = beside
        .into_iter()
        .chain(std::env::split_paths(&path).map(|folder| folder.join(&name)));
    candidates.into_iter().find(|path| path.is_file()).ok_or_else(|| {
        Error::config("snowglobe not found beside firn or on PATH: build it with `make build`, or set SNOWGLOBE to its path")
    })
}

fn random_text() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}
