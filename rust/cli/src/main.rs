//! The binary `firn`: arguments to the core, errors to messages and exit codes.
//!
//! Exit codes: 0 success, 1 configuration or data error, 2 wrong arguments, 70 internal error, 75 temporary failure: try again,
//! 130 interrupted.

mod canvas;
mod commands;
mod generate;
mod quantity;
#[cfg(test)]
mod reference;

use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory, Parser, Subcommand};
use firn::{Error, ErrorKind};

use commands::completions::Completions;
use commands::generate::Generate;

/// Load changes from files into Snowflake: a current table and its history
#[derive(Parser)]
#[command(version, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Generate customers and their changes as CSV files
    Generate(Generate),
    #[command(flatten)]
    Pipeline(Box<commands::Command>),
    /// Print a shell completion script
    Completions(Completions),
}

fn main() -> ExitCode {
    let log = env_logger::Env::default().default_filter_or("warn");
    env_logger::Builder::from_env(log)
        .format_timestamp_millis()
        .init();
    match Arguments::parse().command {
        Command::Generate(command) => command.run().unwrap_or_else(|error| failed(&error)),
        Command::Completions(command) => ended(Some(command.run(Arguments::command()))),
        Command::Pipeline(command) => on_the_network(*command),
    }
}

/// Timeout of the last calls of an interrupted command.
const LAST_CALLS: Duration = Duration::from_secs(1);

/// Ctrl-C, or the signal by which services are stopped.
async fn interrupted() {
    let ctrl_c = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = ctrl_c => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    let _ = ctrl_c.await;
}

fn on_the_network(command: commands::Command) -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&Error::from(error)),
    };
    let outcome = runtime.block_on(async {
        tokio::select! {
            outcome = command.run() => Some(outcome),
            () = interrupted() => None,
        }
    });
    if outcome.is_none() {
        // The interrupted command has been dropped: its statements are being cancelled and its uploads aborted, each by one call.
        runtime.block_on(async { tokio::time::sleep(LAST_CALLS).await });
        runtime.shutdown_background();
    }
    ended(outcome)
}

fn ended(outcome: Option<firn::Result<()>>) -> ExitCode {
    match outcome {
        Some(Ok(())) => ExitCode::SUCCESS,
        Some(Err(error)) => failed(&error),
        None => ExitCode::from(130),
    }
}

fn failed(error: &Error) -> ExitCode {
    eprintln!("error: {error}");
    match error.kind() {
        ErrorKind::Transient => ExitCode::from(75),
        ErrorKind::Bug => ExitCode::from(70),
        _ => ExitCode::FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_examples_that_parse() {
        Arguments::command().debug_assert();
        for command in Arguments::command().get_subcommands() {
            let help = command
                .get_after_long_help()
                .or(command.get_after_help())
                .map(ToString::to_string)
                .unwrap_or_default();
            let examples: Vec<&str> = help
                .lines()
                .map(str::trim)
                .filter(|line| line.starts_with("firn "))
                .collect();
            assert!(!examples.is_empty(), "firn {}", command.get_name());
            for example in examples {
                // The rest belongs to the shell.
                let ours = example
                    .split([' ', '\t'])
                    .take_while(|word| !matches!(*word, "|" | ">"));
                if let Err(error) = Arguments::try_parse_from(ours) {
                    panic!("{example}: {error}");
                }
                assert!(
                    example.starts_with(&format!("firn {}", command.get_name())),
                    "{example}"
                );
            }
        }
    }
}
