//! A Snowglobe server, and `firn` commands that use it.

use std::path::PathBuf;
use std::process::Command;

use snowglobe::server::{Options, Running, serve};
use tokio::runtime::Runtime;

use crate::peer::Failure;

const BUCKET: &str = "firn-landing";

/// Starts a Snowglobe with its tables in memory, or in the folder `data`.
pub fn served(runtime: &Runtime, data: Option<PathBuf>) -> Result<Running, Failure> {
    Ok(runtime.block_on(serve(Options {
        buckets: vec![BUCKET.to_owned()],
        data,
        ..Options::default()
    }))?)
}

/// A command of the `firn` in the folder of this program, with the settings of Snowglobe in its environment.
pub fn firn(server: &Running, arguments: &[&str]) -> Result<Command, Failure> {
    let program = std::env::current_exe()?.with_file_name("firn");
    if !program.exists() {
        return Err(format!("{} does not exist: run `make build`", program.display()).into());
    }
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("SNOWFLAKE_ACCOUNT", &server.account)
        .env("SNOWFLAKE_HOST", server.address.ip().to_string())
        .env("SNOWFLAKE_PORT", server.address.port().to_string())
        .env("SNOWFLAKE_PROTOCOL", "http")
        .env("SNOWFLAKE_TOKEN", &server.credentials.token)
        .env("AWS_ENDPOINT_URL_S3", server.s3_url())
        .env("AWS_ACCESS_KEY_ID", &server.credentials.s3_access_key_id)
        .env(
            "AWS_SECRET_ACCESS_KEY",
            &server.credentials.s3_secret_access_key,
        )
        .env("AWS_REGION", "us-east-1")
        .env("FIRN_STAGE_URL", format!("s3://{BUCKET}/"));
    Ok(command)
}

/// Runs a command to its end. Its output is the error if it fails.
pub fn finished(mut command: Command) -> Result<(), Failure> {
    let result = command.output()?;
    if result.status.success() {
        return Ok(());
    }
    let output = [result.stdout, result.stderr].concat();
    Err(String::from_utf8_lossy(&output).into())
}
