//! Loads one large file from the disk into target and history with `firn put`, and measures time and memory.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use firn::generator::{FinalState, Generator, Options};
use snowglobe::engine::{Binds, Login, Session, Value};

use crate::peer::Failure;
use crate::served::{finished, firn, served};
use crate::{machine, table};

const POLL: Duration = Duration::from_millis(100);

#[derive(clap::Args)]
pub struct Arguments {
    /// Events in the file; 66 million are 10 GB and need 80 GB of disk
    #[arg(long, default_value_t = 66_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    rows: u64,
    /// Folder for the file and Snowglobe's data
    #[arg(long, default_value = "target/bench-large")]
    folder: PathBuf,
    /// Compression, as in `firn put`
    #[arg(long, default_value = "gzip")]
    compression: String,
}

/// Generates the file, loads it, and compares the target with the state that the generator expects.
///
/// # Errors
/// `firn` is not built, a command fails, or a row is missing.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    fs::create_dir_all(&arguments.folder)?;
    let folder = tempfile::tempdir_in(&arguments.folder)?;
    let file = folder.path().join("large.csv");
    eprintln!("generating the file");
    let expected = generate(&file, arguments.rows)?;
    let bytes = fs::metadata(&file)?.len();

    let runtime = tokio::runtime::Runtime::new()?;
    let server = served(&runtime, Some(folder.path().join("snowglobe")))?;
    finished(firn(&server, &["bootstrap"])?)?;
    reset_peak()?;
    eprintln!("loading the file");
    let mut put = firn(&server, &["put", "--wait", "36000", "--compression"])?;
    put.arg(&arguments.compression).arg(&file);
    let started = Instant::now();
    let put_peak = watched(put.stdout(Stdio::null()).spawn()?)?;
    let seconds = started.elapsed().as_secs_f64();
    let snowglobe_peak = peak("self")?;

    eprintln!("checking the tables");
    let mut session = server.engine.session(Login {
        user: "SNOWGLOBE".to_owned(),
        role: Some("FIRN_OWNER".to_owned()),
        ..Login::default()
    })?;
    session.execute("use schema FIRN.PUBLIC", &Binds::default())?;
    let found = numbers(&mut session, &expected.sql)?;
    let wanted = [i128::from(expected.rows), i128::from(expected.checksum)];
    if found != wanted {
        return Err(
            format!("rows and checksum of the target: expected {wanted:?}, got {found:?}").into(),
        );
    }
    let history = numbers(&mut session, "select count(*) from CUSTOMER_HISTORY")?;
    if history != [i128::from(arguments.rows)] {
        return Err(format!(
            "rows of the history: expected {}, got {history:?}",
            arguments.rows
        )
        .into());
    }
    finished(firn(&server, &["verify"])?)?;
    drop(session);
    runtime.block_on(server.stop());

    #[expect(clippy::cast_precision_loss, reason = "figures for people")]
    let text = format!(
        "`firn put` of one file of {:.1} GB, {} events (30 % updates, 5 % deletes), into empty tables on Snowglobe with its data on disk. Rows and checksum of the target match the generator's, every event is in the history, and `firn verify` reports no violation. {}.\n\n\
         | | |\n| --- | ---: |\n| minutes | {:.1} |\n| rows/s | {} |\n| peak memory of `firn put`, MB | {} |\n| peak memory of Snowglobe, MB | {} |\n",
        bytes as f64 / 1e9,
        arguments.rows,
        machine::description(),
        seconds / 60.0,
        table::readable(arguments.rows as f64 / seconds),
        put_peak / 1000,
        snowglobe_peak / 1000,
    );
    println!("{text}");
    Ok(())
}

/// Generates the file, and returns the target's expected state.
fn generate(file: &Path, rows: u64) -> Result<FinalState, Failure> {
    let mut generator = Generator::new(Options {
        updates: 0.3,
        deletes: 0.05,
        rows_per_file: rows,
        ..Options::default()
    })?;
    generator.end_at(rows)?;
    let mut output = BufWriter::new(fs::File::create(file)?);
    while let Some(piece) = generator.next_piece() {
        output.write_all(piece.bytes)?;
    }
    output.into_inner()?.sync_all()?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(generator.final_state(threads))
}

/// Waits for the child and returns its peak memory in kB.
fn watched(mut child: Child) -> Result<u64, Failure> {
    let process = child.id().to_string();
    let mut most = 0;
    loop {
        // The file is gone when the child has exited.
        most = peak(&process).unwrap_or(0).max(most);
        if let Some(status) = child.try_wait()? {
            return if status.success() {
                Ok(most)
            } else {
                Err(format!("`firn put` failed with {status}: see above").into())
            };
        }
        std::thread::sleep(POLL);
    }
}

/// The peak memory of a process in kB.
fn peak(process: &str) -> Result<u64, Failure> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let text = line.ok_or("the system does not report peak memory")?;
    Ok(text.trim().trim_end_matches(" kB").parse()?)
}

/// Resets the peak memory of this process.
fn reset_peak() -> Result<(), Failure> {
    Ok(fs::write("/proc/self/clear_refs", "5")?)
}

fn numbers(session: &mut Session, sql: &str) -> Result<Vec<i128>, Failure> {
    let found = session.execute(sql, &Binds::default())?;
    let row = found.rows.into_iter().next().unwrap_or_default();
    row.into_iter()
        .map(|value| match value {
            Value::Number(number) => Ok(number),
            other => Err(format!("expected a number, got {other:?}: {sql}").into()),
        })
        .collect()
}
