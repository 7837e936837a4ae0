//! Compares Snowglobe with plain DuckDB: the same statements on the same data, in turn, in one process, both on disk and with all cores.

mod copy;
mod merge;
mod round_trip;

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use duckdb::Connection;
use snowglobe::engine::{Binds, Login, Session, Value};
use snowglobe::server::{self, Running, serve};
use tokio::runtime::Runtime;

use crate::peer::Failure;
use crate::{machine, table};

#[derive(clap::Args)]
pub struct Arguments {
    /// Size of the CSV file for COPY, in MB
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    megabytes: u64,
    /// Rows that MERGE merges, in thousands; the table has ten times more
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..))]
    thousands: u64,
    /// Number of round trips
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(100..))]
    round_trips: u32,
    /// Number of rounds after a warm-up; the table shows the median
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Parts to run
    #[arg(long, value_delimiter = ',', default_value = "copy,merge,round-trip")]
    only: Vec<Part>,
    /// Write the tables into rust/snowglobe/README.md instead of printing them
    #[arg(long)]
    write_readme: bool,
    /// Folder for temporary data
    #[arg(long, value_name = "FOLDER", default_value = "target")]
    folder: PathBuf,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    Copy,
    Merge,
    RoundTrip,
}

/// A Snowglobe as started by `snowglobe --data`, and a DuckDB.
struct Pair {
    server: Running,
    session: Session,
    duckdb: Connection,
}

/// The durations of a statement on both.
#[derive(Default)]
struct Times {
    snowglobe: Vec<Duration>,
    duckdb: Vec<Duration>,
}

/// Runs the parts and prints the durations of both.
///
/// # Errors
/// A statement fails, or the page lacks the markers.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .ok_or("the crate has no parent folder")?;
    let warning = machine::warning();
    if let Some(warning) = &warning {
        eprintln!("{warning}");
    }
    let busy = match warning {
        Some(_) => " The machine was busy, so the seconds are too high: compare only the ratios.",
        None => "",
    };
    let folder = tempfile::tempdir_in(root.join(&arguments.folder))?;
    let runtime = Runtime::new()?;
    let mut pair = Pair::open(&runtime, folder.path())?;
    let mut text = format!(
        "The same statements on the same data in plain DuckDB {} and in Snowglobe with `--data` and all its semantics (row versions, load metadata, a stream on the table); both on disk, in turn; median of {} rounds. {}.{busy}\n\n| | DuckDB, s | Snowglobe, s | times slower |\n| --- | ---: | ---: | ---: |\n",
        pair.version()?,
        arguments.rounds,
        machine::description()
    );
    if arguments.only.contains(&Part::Copy) {
        text += &copy::run(&mut pair, arguments)?;
    }
    if arguments.only.contains(&Part::Merge) {
        text += &merge::run(&mut pair, arguments)?;
    }
    if arguments.only.contains(&Part::RoundTrip) {
        text += &runtime.block_on(round_trip::run(&pair.server, arguments.round_trips))?;
    }
    let Pair {
        server, session, ..
    } = pair;
    drop(session);
    runtime.block_on(server.stop());
    if arguments.write_readme {
        table::put_between_markers(&root.join("rust/snowglobe/README.md"), "snowglobe", &text)
    } else {
        println!("{text}");
        Ok(())
    }
}

impl Pair {
    fn open(runtime: &Runtime, folder: &Path) -> Result<Self, Failure> {
        let server = runtime.block_on(serve(server::Options {
            data: Some(folder.join("snowglobe")),
            buckets: vec![copy::BUCKET.to_owned()],
            ..server::Options::default()
        }))?;
        let session = server.engine.session(Login {
            user: "SNOWGLOBE".to_owned(),
            ..Login::default()
        })?;
        let mut pair = Self {
            server,
            session,
            duckdb: Connection::open(folder.join("plain.duckdb"))?,
        };
        pair.snowglobe("create database BENCH")?;
        pair.snowglobe("use schema BENCH.PUBLIC")?;
        Ok(pair)
    }

    fn version(&self) -> Result<String, Failure> {
        Ok(self
            .duckdb
            .query_row("select version()", [], |row| row.get(0))?)
    }

    fn snowglobe(&mut self, sql: &str) -> Result<Vec<Vec<Value>>, Failure> {
        let result = self.session.execute(sql, &Binds::default());
        Ok(result.map_err(|error| format!("{error}\n{sql}"))?.rows)
    }

    fn plain(&self, sql: &str) -> Result<(), Failure> {
        Ok(self
            .duckdb
            .execute_batch(sql)
            .map_err(|error| format!("{error}\n{sql}"))?)
    }

    /// Checks that a query returns the same number on both: a wrong result makes its duration meaningless.
    fn agree(&mut self, sql: &str) -> Result<(), Failure> {
        let plain: i64 = self.duckdb.query_row(sql, [], |row| row.get(0))?;
        match self.snowglobe(sql)?.first().and_then(|row| row.first()) {
            Some(Value::Number(number)) if *number == i128::from(plain) => Ok(()),
            other => {
                Err(format!("different results: DuckDB {plain}, Snowglobe {other:?}: {sql}").into())
            }
        }
    }
}

fn timed<T>(work: impl FnOnce() -> Result<T, Failure>) -> Result<Duration, Failure> {
    let started = Instant::now();
    work()?;
    Ok(started.elapsed())
}

impl Times {
    fn row(self, what: &str) -> Result<String, Failure> {
        let (snowglobe, duckdb) = (median(self.snowglobe), median(self.duckdb));
        let mut row = String::new();
        writeln!(
            row,
            "| {what} | {duckdb:.2} | {snowglobe:.2} | {:.2} |",
            snowglobe / duckdb
        )?;
        Ok(row)
    }
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times
        .get(times.len() / 2)
        .map_or(f64::NAN, Duration::as_secs_f64)
}
