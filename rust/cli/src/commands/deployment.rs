//! Shared arguments of the commands: contract, account and bucket.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use firn::contract::Contract;
use firn::merge::{Deployment, Identifier, Schedule};
use firn::pipeline::{Loader, Pipeline};
use firn::snowflake::{Connection, ConnectionSource};
use firn::store::{Compression, Encryption, S3Store, StoreOptions};
use firn::{Context, Result};

/// Contract, connection and schema.
#[derive(Args, Clone, Debug)]
pub struct DeploymentArgs {
    /// Connection in Snowflake's connections.toml; default: its default connection
    #[arg(long, short, value_name = "NAME", env = "FIRN_CONNECTION")]
    pub connection: Option<String>,
    /// Role; default: the role of the connection
    #[arg(long, value_name = "NAME")]
    pub role: Option<String>,
    /// Contract file; default: the customer contract
    #[arg(long, value_name = "FILE", env = "FIRN_CONTRACT")]
    pub contract: Option<PathBuf>,
    /// Database; default: that of the connection, else FIRN
    #[arg(long, value_name = "NAME", env = "FIRN_DATABASE")]
    pub database: Option<String>,
    /// Schema; default: that of the connection, else PUBLIC
    #[arg(long, value_name = "NAME", env = "FIRN_SCHEMA")]
    pub schema: Option<String>,
}

/// Arguments for creating the objects.
#[derive(Args, Clone, Debug)]
pub struct BootstrapArgs {
    /// Stage URL; each contract has a folder below it
    #[arg(
        long,
        value_name = "URL",
        env = "FIRN_STAGE_URL",
        default_value = "s3://firn-landing/"
    )]
    pub stage_url: String,
    /// Name of the storage integration
    #[arg(long, value_name = "NAME", default_value = "FIRN_S3")]
    pub integration: String,
    /// AWS role that Snowflake assumes to read the bucket
    #[arg(
        long,
        value_name = "ARN",
        env = "FIRN_AWS_ROLE",
        default_value = "arn:aws:iam::123456789012:role/firn-snowflake"
    )]
    pub aws_role: String,
    /// User to whom the loader role is granted
    #[arg(long, value_name = "NAME")]
    pub loader_user: Option<String>,
    /// Minutes between two task runs; default: run when there is data
    #[arg(long, value_name = "MINUTES", value_parser = crate::quantity::minutes)]
    pub every: Option<u32>,
    /// The default, kept for scripts
    #[arg(long, conflicts_with = "every", hide = true)]
    pub triggered: bool,
}

/// Access to the bucket; the rest comes from AWS's own variables and files.
#[derive(Args, Clone, Debug)]
pub struct StageArgs {
    /// Stage URL; each contract has a folder below it
    #[arg(
        long,
        value_name = "URL",
        env = "FIRN_STAGE_URL",
        default_value = "s3://firn-landing/"
    )]
    pub stage_url: String,
    /// Endpoint of an S3-compatible service
    #[arg(long, value_name = "URL", env = "AWS_ENDPOINT_URL_S3")]
    pub s3_endpoint: Option<String>,
    /// AWS profile
    #[arg(long, value_name = "NAME")]
    pub aws_profile: Option<String>,
    /// Region of the bucket
    #[arg(long, value_name = "NAME")]
    pub aws_region: Option<String>,
    /// Compression of the staged files
    #[arg(long, value_enum, default_value_t = CompressionName::Gzip)]
    pub compression: CompressionName,
    /// Server-side encryption: the bucket default, S3 keys, or a KMS key
    #[arg(long, value_name = "default|s3|kms|kms:KEY", default_value = "default", value_parser = encryption)]
    pub encryption: Encryption,
}

/// The names of compressions.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum CompressionName {
    /// No compression
    None,
    /// Widely supported
    Gzip,
    /// Smaller and faster
    Zstd,
}

fn encryption(text: &str) -> Result<Encryption, String> {
    match text.split_once(':') {
        None if text == "default" => Ok(Encryption::Default),
        None if text == "s3" => Ok(Encryption::S3),
        None if text == "kms" => Ok(Encryption::Kms(None)),
        Some(("kms", key)) if !key.is_empty() => Ok(Encryption::Kms(Some(key.to_owned()))),
        _ => Err("expected default, s3, kms or kms:KEY".to_owned()),
    }
}

/// The contract in a file, or the customer contract.
pub fn contract(path: Option<&Path>) -> Result<Contract> {
    let Some(path) = path else {
        return Ok(Contract::customer());
    };
    let text = std::fs::read_to_string(path).context(|| path.display().to_string())?;
    Contract::parse(&text).context(|| path.display().to_string())
}

impl DeploymentArgs {
    fn deployment(&self, connection: &Connection) -> Deployment {
        let mut deployment = Deployment::default();
        let name = |given: &Option<String>, own: &Option<String>| {
            given
                .as_ref()
                .or(own.as_ref())
                .map(|name| Identifier::new(name))
        };
        deployment.database =
            name(&self.database, &connection.database).unwrap_or(deployment.database);
        deployment.schema = name(&self.schema, &connection.schema).unwrap_or(deployment.schema);
        deployment.warehouse = name(&None, &connection.warehouse).unwrap_or(deployment.warehouse);
        deployment
    }

    fn join(&self, finish: impl FnOnce(&mut Deployment)) -> Result<Pipeline> {
        let mut connection = ConnectionSource::system().connection(self.connection.as_deref())?;
        if let Some(role) = &self.role {
            connection.role = Some(Identifier::new(role).stored());
        }
        let mut deployment = self.deployment(&connection);
        finish(&mut deployment);
        Pipeline::new(contract(self.contract.as_deref())?, deployment, connection)
    }

    /// The pipeline for commands that only query.
    pub fn pipeline(&self) -> Result<Pipeline> {
        self.join(|_| {})
    }

    /// The pipeline for commands that create its objects.
    pub fn pipeline_at(&self, arguments: &BootstrapArgs) -> Result<Pipeline> {
        self.join(|deployment| arguments.apply(deployment))
    }

    /// The pipeline with its bucket.
    pub async fn loader(&self, stage: &StageArgs) -> Result<Loader> {
        let pipeline =
            self.join(|deployment| deployment.storage.url.clone_from(&stage.stage_url))?;
        let store = S3Store::open(pipeline.location()?, stage.options()).await;
        Ok(pipeline.with_store(store))
    }
}

impl BootstrapArgs {
    /// Applies the arguments to a deployment.
    pub fn apply(&self, deployment: &mut Deployment) {
        deployment.storage.url.clone_from(&self.stage_url);
        deployment.storage.integration = Identifier::new(&self.integration);
        deployment.storage.aws_role.clone_from(&self.aws_role);
        deployment.loader_user = self.loader_user.as_deref().map(Identifier::new);
        deployment.schedule = self.every.map_or(Schedule::Triggered, Schedule::Minutes);
    }
}

impl StageArgs {
    fn options(&self) -> StoreOptions {
        StoreOptions {
            endpoint: self.s3_endpoint.clone(),
            region: self.aws_region.clone(),
            profile: self.aws_profile.clone(),
            access_key: None,
            compression: match self.compression {
                CompressionName::None => Compression::None,
                CompressionName::Gzip => Compression::Gzip,
                CompressionName::Zstd => Compression::Zstd,
            },
            encryption: self.encryption.clone(),
        }
    }
}
