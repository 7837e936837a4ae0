//! The latency of a file: from its rename in a watched folder until its rows are in the target, with `firn watch`.

use std::fmt::Write;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use firn::generator::{Generator, Options};
use snowglobe::engine::{Binds, Login, Session, Value};

use crate::peer::Failure;
use crate::served::{finished, firn, served};
use crate::{machine, table};

/// Timeout for a file.
const TIMEOUT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(5);

#[derive(clap::Args)]
pub struct Arguments {
    /// Number of files, one after the other
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    files: u32,
    /// Rows per file
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    rows: u64,
    /// Write the table into docs/benchmarks.md instead of printing it
    #[arg(long)]
    write_readme: bool,
}

/// A child process that is killed when this is dropped.
struct Watcher(Child);

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Measures every file, and prints the median and other percentiles.
///
/// # Errors
/// `firn` is not built, a command fails, or a file is not loaded in time.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .ok_or("the crate has no parent folder")?;
    if let Some(warning) = machine::warning() {
        eprintln!("{warning}");
    }
    let runtime = tokio::runtime::Runtime::new()?;
    let server = served(&runtime, None)?;
    let folder = tempfile::tempdir()?;
    finished(firn(&server, &["bootstrap"])?)?;
    let input = folder.path().join("input");
    std::fs::create_dir(&input)?;
    let input_text = input.to_string_lossy();
    let watch = firn(
        &server,
        &["watch", &input_text, "--no-merge", "--settle", "0.1s"],
    )?
    .stdout(Stdio::null())
    .spawn()?;
    let watch = Watcher(watch);

    let mut session = server.engine.session(Login {
        user: "SNOWGLOBE".to_owned(),
        role: Some("FIRN_OWNER".to_owned()),
        ..Login::default()
    })?;
    let mut generator = Generator::new(Options {
        rows_per_file: arguments.rows,
        ..Options::default()
    })?;
    let mut times = Vec::new();
    // The first file warms up.
    for number in 0..=arguments.files {
        let content = file(&mut generator)?;
        let hidden = input.join(format!(".{number}"));
        std::fs::write(&hidden, content)?;
        // A different pause for each file, so that no polling interval is in phase.
        std::thread::sleep(Duration::from_millis(200 + u64::from(number) * 137 % 500));
        let started = Instant::now();
        std::fs::rename(&hidden, input.join(format!("{number:04}.csv")))?;
        let last_customer = (u64::from(number) + 1) * arguments.rows;
        wait_for_customer(&mut session, last_customer)?;
        if number > 0 {
            times.push(started.elapsed().as_secs_f64());
        }
    }
    drop(watch);
    drop(session);
    runtime.block_on(server.stop());
    times.sort_by(f64::total_cmp);
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    let mut text = format!(
        "From the rename of a file of {} rows in a watched folder until its last row is in the target: `firn watch`, S3, event notification, Snowpipe, a triggered task, on Snowglobe; {} files, one after the other. {}.\n\n| | seconds |\n| --- | ---: |\n",
        arguments.rows,
        arguments.files,
        machine::description()
    );
    for (name, percent) in [
        ("fastest", 0),
        ("median", 50),
        ("95 % within", 95),
        ("slowest", 100),
    ] {
        writeln!(text, "| {name} | {:.2} |", at(percent))?;
    }
    if arguments.write_readme {
        table::put_between_markers(&root.join("docs/benchmarks.md"), "latency", &text)
    } else {
        println!("{text}");
        Ok(())
    }
}

/// The next file of the stream.
fn file(generator: &mut Generator) -> Result<Vec<u8>, Failure> {
    let mut content = Vec::new();
    loop {
        let piece = generator.next_piece().ok_or("the unlimited stream ended")?;
        content.extend_from_slice(piece.bytes);
        if piece.closes {
            return Ok(content);
        }
    }
}

fn wait_for_customer(session: &mut Session, customer: u64) -> Result<(), Failure> {
    let sql = format!("select count(*) from FIRN.PUBLIC.CUSTOMER where CUSTOMER_ID = {customer}");
    let started = Instant::now();
    loop {
        let found = session.execute(&sql, &Binds::default())?;
        if matches!(
            found.rows.first().and_then(|row| row.first()),
            Some(Value::Number(1))
        ) {
            return Ok(());
        }
        if started.elapsed() > TIMEOUT {
            return Err(format!(
                "timeout: customer {customer} is not in the target after {TIMEOUT:?}"
            )
            .into());
        }
        std::thread::sleep(POLL);
    }
}
