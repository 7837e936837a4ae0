//! `firn flow`: imports the pipeline into a running NiFi.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use firn::snowflake::ConnectionSource;
use firn::store::Location;
use firn::{Context, Error, ErrorKind, Result};

use super::deployment::StageArgs;
use super::report;
use crate::canvas::{Api, CONTEXT, FlowParameters, Login, Proof};

const EXAMPLES: &str = "\
Examples:
  firn flow --folder /data --private-key-file rsa_key.p8 --stage-url s3://my-bucket/
  firn flow --nifi https://nifi.example.com:8443 --nifi-user me --nifi-password-file nifi.txt --folder /data --rate 50";

/// Import the flow into a running NiFi, set its parameters, start it
///
/// Uses the account and the bucket of the other commands; secrets become sensitive parameters, which NiFi encrypts.
/// Safe to rerun: an imported flow stays as it is, and its parameters are updated.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Flow {
    /// Connection in Snowflake's connections.toml; default: its default connection
    #[arg(long, short, value_name = "NAME", env = "FIRN_CONNECTION")]
    connection: Option<String>,
    #[command(flatten)]
    stage: StageArgs,
    #[command(flatten)]
    nifi: NifiArguments,
    /// Flow definition
    #[arg(long, env = "FIRN_FLOW", default_value = "docker/flow/firn.json")]
    flow: PathBuf,
    /// Folder on the NiFi host for input files and rejected rows
    #[arg(long, value_name = "DIR", env = "FIRN_NIFI_FOLDER")]
    folder: String,
    /// Events per second
    #[arg(long, env = "FIRN_RATE", default_value_t = 500, value_parser = crate::quantity::whole::<u32>)]
    rate: u32,
    /// Events per file
    #[arg(long, env = "FIRN_ROWS_PER_FILE", default_value_t = 1_000, value_parser = crate::quantity::whole::<u32>)]
    rows_per_file: u32,
    /// Programmatic access token, if no private key is given
    #[arg(
        long,
        env = "SNOWFLAKE_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN"
    )]
    token: Option<String>,
    /// Private key of the user, PKCS#8 PEM
    #[arg(long, env = "SNOWFLAKE_PRIVATE_KEY_FILE", value_name = "FILE")]
    private_key_file: Option<PathBuf>,
    /// Passphrase of the private key
    #[arg(long, env = "PRIVATE_KEY_PASSPHRASE", hide_env_values = true)]
    private_key_passphrase: Option<String>,
    /// AWS access key ID; default: the credentials chain of NiFi
    #[arg(long, env = "AWS_ACCESS_KEY_ID", hide_env_values = true)]
    access_key_id: Option<String>,
    /// AWS secret access key
    #[arg(long, env = "AWS_SECRET_ACCESS_KEY", hide_env_values = true)]
    secret_access_key: Option<String>,
}

/// Which NiFi, and as whom.
#[derive(Args)]
struct NifiArguments {
    /// URL of NiFi
    #[arg(
        long = "nifi",
        value_name = "URL",
        env = "NIFI_URL",
        default_value = "https://localhost:8443"
    )]
    url: String,
    /// Certificate or CA of NiFi, PEM; default: the system trust store
    #[arg(
        long = "nifi-certificate",
        value_name = "FILE",
        env = "NIFI_CERTIFICATE"
    )]
    certificate: Option<PathBuf>,
    /// User of NiFi; default: no login
    #[arg(
        long = "nifi-user",
        value_name = "NAME",
        env = "NIFI_USER",
        requires = "password_file"
    )]
    user: Option<String>,
    /// File with the password of that user
    #[arg(
        long = "nifi-password-file",
        value_name = "FILE",
        env = "NIFI_PASSWORD_FILE"
    )]
    password_file: Option<PathBuf>,
    /// Seconds to wait until NiFi is ready
    #[arg(long = "nifi-wait", value_name = "SECONDS", default_value_t = 240, value_parser = crate::quantity::whole::<u64>)]
    wait_seconds: u64,
}

impl Flow {
    /// Runs the command.
    pub async fn run(self) -> Result<()> {
        let parameters = self.parameters()?.list();
        let api = self.nifi.api().await?;
        let (group, came) = match api.group(CONTEXT).await? {
            Some(group) => (group, "was imported before; its parameters are updated"),
            None => {
                let group = api.upload_flow(&self.flow, CONTEXT, &parameters).await?;
                (group, "is imported")
            }
        };
        api.set_parameters(CONTEXT, &parameters).await?;
        api.start(&group).await?;
        report::print(&format!("flow `{CONTEXT}` {came} and running\n"))
    }

    fn parameters(&self) -> Result<FlowParameters> {
        let connection = ConnectionSource::system().connection(self.connection.as_deref())?;
        let stage = Location::parse(&self.stage.stage_url)?;
        let proof = match (&self.private_key_file, &self.token) {
            (Some(path), _) => Proof::KeyPair {
                user: connection.user.clone().ok_or_else(|| {
                    Error::config("no user: set SNOWFLAKE_USER for key pair authentication")
                })?,
                key: read(path)?,
                passphrase: self.private_key_passphrase.clone(),
            },
            (None, Some(token)) => Proof::Token(token.clone()),
            (None, None) => {
                return Err(Error::config(
                    "no credentials for the flow: set --private-key-file or --token",
                ));
            }
        };
        let access_key = match (&self.access_key_id, &self.secret_access_key) {
            (Some(id), Some(secret)) => Some((id.clone(), secret.clone())),
            (None, None) => None,
            _ => {
                return Err(Error::config(
                    "incomplete AWS access key: set both AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or neither",
                ));
            }
        };
        let folder = self.folder.trim_end_matches('/');
        Ok(FlowParameters {
            account_url: connection.url,
            account: connection.account,
            proof,
            s3_endpoint: self.stage.s3_endpoint.clone(),
            region: self.stage.aws_region.clone(),
            bucket: stage.bucket,
            prefix: Some(stage.prefix).filter(|prefix| !prefix.is_empty()),
            access_key,
            input_folder: format!("{folder}/input"),
            rejects_folder: format!("{folder}/rejects"),
            rate: self.rate,
            rows_per_file: self.rows_per_file,
        })
    }
}

impl NifiArguments {
    /// Waits until the flow can be edited, and returns NiFi's API, logged in.
    async fn api(&self) -> Result<Api> {
        let mut api = Api::new(&self.url, self.certificate.as_deref())?;
        let password = self.password_file.as_deref().map(read).transpose()?;
        let timeout = Duration::from_secs(self.wait_seconds);
        let started = Instant::now();
        loop {
            let outcome = match (&self.user, &password) {
                (Some(user), Some(password)) => {
                    let login = Login { user, password };
                    api.login(&login).await
                }
                _ => Ok(()),
            };
            let outcome = match outcome {
                Ok(()) => api.ready().await,
                refused => refused,
            };
            match outcome {
                Ok(()) => return Ok(api),
                // A NiFi that is starting refuses connections, or responds that it is not ready.
                Err(error) if started.elapsed() > timeout || is_final(&error) => {
                    return Err(error.context(format!("NiFi at {}", self.url)));
                }
                Err(error) => log::info!("NiFi is not ready: {error}"),
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}

/// Whether a retry cannot help.
fn is_final(error: &Error) -> bool {
    !matches!(error.kind(), ErrorKind::Transient)
}

/// A secret in a file, without its line end.
fn read(path: &Path) -> Result<String> {
    let text = std::fs::read_to_string(path).context(|| path.display().to_string())?;
    Ok(text.trim_end().to_owned())
}
