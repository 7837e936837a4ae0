//! The binary `snowglobe`: arguments to [`snowglobe::server`], and how to connect on the terminal.

use clap::Parser;
use snowglobe::server::{Options, Running, serve};
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// A local Snowflake and S3 that a pipeline can trust
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Address of the SQL API, Snowpipe REST and the drivers' protocol
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8085", value_parser = address)]
    listen: SocketAddr,
    /// Address of S3
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9000", value_parser = address)]
    s3: SocketAddr,
    /// Folder for all data [default: in memory]
    #[arg(long, value_name = "DIR", env = "SNOWGLOBE_DATA")]
    data: Option<PathBuf>,
    /// Folder for the first user's credentials [default: the data folder]
    #[arg(long, value_name = "DIR", env = "SNOWGLOBE_CREDENTIALS")]
    credentials: Option<PathBuf>,
    /// Check whether a Snowglobe answers at this address, and exit
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    ping: Option<SocketAddr>,
    /// Require a trust policy for AWS roles, set by POST /_snowglobe/trust
    #[arg(long, env = "SNOWGLOBE_STRICT_TRUST")]
    strict_trust: bool,
    /// Name of the account
    #[arg(
        long,
        value_name = "NAME",
        default_value = "FIRN",
        env = "SNOWGLOBE_ACCOUNT"
    )]
    account: String,
    /// Create this bucket if it does not exist; may be repeated
    #[arg(
        long = "bucket",
        value_name = "NAME",
        env = "SNOWGLOBE_BUCKETS",
        value_delimiter = ','
    )]
    buckets: Vec<String>,
    /// Programmatic access token of the first user [default: random]
    #[arg(
        long,
        value_name = "TOKEN",
        env = "SNOWGLOBE_ADMIN_TOKEN",
        hide_env_values = true
    )]
    admin_token: Option<String>,
    /// ID of the S3 access key [default: random]
    #[arg(
        long,
        value_name = "ID",
        env = "SNOWGLOBE_S3_KEY_ID",
        requires = "s3_secret"
    )]
    s3_key_id: Option<String>,
    /// Secret of the S3 access key
    #[arg(
        long,
        value_name = "SECRET",
        env = "SNOWGLOBE_S3_SECRET",
        hide_env_values = true,
        requires = "s3_key_id"
    )]
    s3_secret: Option<String>,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "expected IP:PORT, such as 127.0.0.1:8085".to_owned())
}

fn main() -> ExitCode {
    // s3s logs what it answers a client as an error of its own.
    let log = env_logger::Env::default().default_filter_or("warn,s3s=off");
    env_logger::Builder::from_env(log).init();
    let arguments = Arguments::parse();
    let outcome = match arguments.ping {
        Some(address) => ping(address),
        None => run(arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("snowglobe: {message}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), String> {
    let (interrupt, mut interrupted) = tokio::sync::mpsc::unbounded_channel();
    ctrlc::set_handler(move || {
        // A second signal, while the first is being obeyed, ends at once.
        if interrupt.send(()).is_err() {
            std::process::exit(130);
        }
    })
    .map_err(|error| format!("cannot handle signals: {error}"))?;

    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(snowglobe::types::stack::THREAD)
        .build()
        .map_err(|error| format!("cannot start threads: {error}"))?;
    runtime.block_on(async {
        let given = Given {
            token: arguments.admin_token.is_some(),
            s3_key: arguments.s3_secret.is_some(),
            data: arguments.data.clone(),
        };
        let running = serve(options(arguments))
            .await
            .map_err(|error| error.to_string())?;
        print!("{}", greeting(&running, &given));
        interrupted.recv().await;
        interrupted.close();
        running.stop().await;
        Ok(())
    })
}

/// Any answer in HTTP but a server's error is a sign of life; no credentials are needed for it.
fn ping(address: SocketAddr) -> Result<(), String> {
    let timeout = Some(Duration::from_secs(5));
    let ask = || {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(timeout)?;
        stream.set_write_timeout(timeout)?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: ping\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer)?;
        Ok::<_, io::Error>(answer)
    };
    match ask() {
        Ok(line) if line.starts_with("HTTP/1.1 ") && !line.starts_with("HTTP/1.1 5") => Ok(()),
        Ok(line) => Err(format!("{address} answers {line:?}")),
        Err(error) => Err(format!("{address} does not answer: {error}")),
    }
}

fn options(arguments: Arguments) -> Options {
    Options {
        listen: arguments.listen,
        s3: arguments.s3,
        data: arguments.data,
        credentials: arguments.credentials,
        account: arguments.account,
        strict_trust: arguments.strict_trust,
        admin_token: arguments.admin_token,
        s3_key: arguments.s3_key_id.zip(arguments.s3_secret),
        buckets: arguments.buckets,
        ..Options::default()
    }
}

/// Which secrets were given, and so are not shown; and where the data is.
struct Given {
    token: bool,
    s3_key: bool,
    data: Option<PathBuf>,
}

/// How to connect. Secrets that were made up for this process only are shown, as they are nowhere else; those that were
/// given, or that are in a file, are not.
fn greeting(running: &Running, given: &Given) -> String {
    let credentials = &running.credentials;
    let (url, s3_url) = (running.url(), running.s3_url());
    let shown = |secret: &str, given: bool| {
        if given {
            "…".to_owned()
        } else {
            secret.to_owned()
        }
    };
    let token = shown(&credentials.token, given.token);
    let id = shown(&credentials.s3_access_key_id, given.s3_key);
    let secret = shown(&credentials.s3_secret_access_key, given.s3_key);
    let way_in = match &credentials.file {
        Some(file) => format!("  set -a; . '{}'", file.display()),
        None => format!(
            "  export SNOWFLAKE_TOKEN='{token}' AWS_ACCESS_KEY_ID='{id}' AWS_SECRET_ACCESS_KEY='{secret}' AWS_REGION=us-east-1"
        ),
    };
    format!(
        "Snowflake  {url}  account {}, user {}\n\
         S3         {s3_url}\n\
         Data       {}\n\
         \n\
         {way_in}\n  \
         curl -s {url}/api/v2/statements -H \"Authorization: Bearer $SNOWFLAKE_TOKEN\" \
         -H 'Content-Type: application/json' -d '{{\"statement\":\"select 1\"}}'\n",
        running.account,
        credentials.user,
        given
            .data
            .as_ref()
            .map_or("in memory".into(), |dir| dir.display().to_string()),
    )
}
