//! How long a file waits: from its rename in a watched folder until its rows are in the target, with the commands as a user runs them.

use std::fmt::Write;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use firn::generator::{Generator, Options};
use snowglobe::engine::{Binds, Login, Session, Value};

use crate::peer::Failure;
use crate::served::{finished, firn, served};
use crate::{machine, table};

/// Longer than that, and something is wrong.
const TIMEOUT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(5);

#[derive(clap::Args)]
pub struct Arguments {
    /// Files, one after the other
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    files: u32,
    /// Rows in each
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    rows: u64,
    /// Put the table between its markers in README.md, instead of printing it
    #[arg(long)]
    write_readme: bool,
}

/// A child that ends with this process.
struct Watcher(Child);

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Times every file, and shows the median and the slow ones.
///
/// # Errors
/// `firn` is not built, a command fails, or a file does not arrive.
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
    finished(firn(&server, &["bootstrap", "--triggered"])?)?;
    let landing = folder.path().join("landing");
    std::fs::create_dir(&landing)?;
    let landing_text = landing.to_string_lossy();
    let watch = firn(&server, &["watch", &landing_text, "--no-merge"])?
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
        let hidden = landing.join(format!(".{number}"));
        std::fs::write(&hidden, content)?;
        // Not always at the same point of anyone's clock.
        std::thread::sleep(Duration::from_millis(200 + u64::from(number) * 137 % 500));
        let started = Instant::now();
        std::fs::rename(&hidden, landing.join(format!("{number:04}.csv")))?;
        let last_customer = (u64::from(number) + 1) * arguments.rows;
        await_customer(&mut session, last_customer)?;
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
        "From the rename of a file of {} rows in a watched folder until its last row is in the target: `firn watch`, S3, the bucket's event, Snowpipe, a triggered task, on Snowglobe; {} files, one after the other. {}.\n\n| | seconds |\n| --- | ---: |\n",
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
        table::put_between_markers(&root.join("README.md"), "latency", &text)
    } else {
        println!("{text}");
        Ok(())
    }
}

/// The stream's next file.
fn file(generator: &mut Generator) -> Result<Vec<u8>, Failure> {
    let mut content = Vec::new();
    loop {
        let piece = generator.next_piece().ok_or("a stream without end ended")?;
        content.extend_from_slice(piece.bytes);
        if piece.closes {
            return Ok(content);
        }
    }
}

fn await_customer(session: &mut Session, customer: u64) -> Result<(), Failure> {
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
            return Err(format!("customer {customer} has not arrived after {TIMEOUT:?}").into());
        }
        std::thread::sleep(POLL);
    }
}
