//! From file to history: Firn and the tutorials' pipeline with the same files on the same engine, in rounds.

use std::collections::HashSet;
use std::path::Path;
use std::time::Instant;

use firn::generator::{Generator, Options};
use snowglobe::engine::Value;

use crate::fixture::Fixture;
use crate::peer::Failure;
use crate::{machine, table};

const SETUP: &str = include_str!("../tutorial/setup.sql");
const BATCH: &str = include_str!("../tutorial/batch.sql");
/// Batches per row of the table.
const TOGETHER: usize = 5;
const COLUMNS: &str =
    "customer_id, first_name, last_name, email, phone, street, city, state, postal_code, country";

#[derive(clap::Args)]
pub struct Arguments {
    /// Number of rounds; the table shows the median
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Number of files; each is a batch
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    files: u32,
    /// Events per file
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    rows: u64,
    /// Write the table into docs/benchmarks.md instead of printing it
    #[arg(long)]
    write_readme: bool,
}

/// The durations and the results of a run.
struct Outcome {
    /// Seconds of each batch.
    batches: Vec<f64>,
    rows_in_history: i128,
    /// The values of all versions, without deletes, which the tutorials ignore.
    versions: HashSet<String>,
    target: HashSet<String>,
}

/// Runs both pipelines, and prints the throughput of each and the rows that the tutorials' pipeline loses.
///
/// # Errors
/// A statement fails, or docs/benchmarks.md lacks the markers.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .ok_or("the crate has no parent folder")?;
    if let Some(warning) = machine::warning() {
        eprintln!("{warning}");
    }
    let files = files(arguments)?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 1..=arguments.rounds {
        eprintln!("round {round} of {}", arguments.rounds);
        theirs.push(tutorial(&files)?);
        ours.push(firn(&files)?);
    }
    let (ours, theirs) = (median(ours)?, median(theirs)?);
    let wrong = theirs.target.symmetric_difference(&ours.target).count();
    let lost = ours.versions.difference(&theirs.versions).count();
    let mut text = format!(
        "{} files of {} customer events (30 % updates, 5 % deletes), one after the other from the stage into target and history on Snowglobe; median of {} interleaved rounds. {}.\n\n\
         | files | tutorials, rows/s | **Firn**, rows/s | times as fast |\n| --- | ---: | ---: | ---: |\n",
        arguments.files,
        arguments.rows,
        arguments.rounds,
        machine::description()
    );
    for start in (0..theirs.batches.len()).step_by(TOGETHER) {
        let end = (start + TOGETHER).min(theirs.batches.len());
        text += &line(
            &format!("{} to {end}", start + 1),
            arguments.rows,
            &theirs.batches[start..end],
            &ours.batches[start..end],
        );
    }
    text += &line("all", arguments.rows, &theirs.batches, &ours.batches);
    text += &format!(
        "\nThe tutorials' pipeline is `MERGE` by `<>`, `TRUNCATE`, stream to history. It joins the whole tables, so each file takes longer than the one before. Its history lacks {lost} of {} versions, although it has {} rows for {} events; in its target, {wrong} rows are wrong, missing or extra, for {} customers. Firn keeps every version: the tests compare its tables with a simple reference implementation.\n",
        ours.versions.len(),
        theirs.rows_in_history,
        ours.rows_in_history,
        ours.target.len(),
    );
    if arguments.write_readme {
        table::put_between_markers(&root.join("docs/benchmarks.md"), "merge", &text)
    } else {
        println!("{text}");
        Ok(())
    }
}

/// The throughput of both pipelines in batches of `rows` rows.
fn line(name: &str, rows: u64, theirs: &[f64], ours: &[f64]) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a rate with three digits")]
    let rate = |batches: &[f64]| (rows * batches.len() as u64) as f64 / batches.iter().sum::<f64>();
    let (theirs, ours) = (rate(theirs), rate(ours));
    format!(
        "| {name} | {} | {} | {} |\n",
        table::readable(theirs),
        table::readable(ours),
        table::readable(ours / theirs)
    )
}

fn files(arguments: &Arguments) -> Result<Vec<Vec<u8>>, Failure> {
    let mut generator = Generator::new(Options {
        updates: 0.3,
        deletes: 0.05,
        rows_per_file: arguments.rows,
        ..Options::default()
    })?;
    let mut files: Vec<Vec<u8>> = Vec::new();
    loop {
        let piece = generator.next_piece().ok_or("the unlimited stream ended")?;
        if piece.opens {
            if files.len() == arguments.files as usize {
                return Ok(files);
            }
            files.push(Vec::new());
        }
        if let Some(file) = files.last_mut() {
            file.extend_from_slice(piece.bytes);
        }
    }
}

fn firn(files: &[Vec<u8>]) -> Result<Outcome, Failure> {
    let mut fixture = Fixture::open(None)?;
    let copy = fixture.copy.clone();
    let batches = timed(&mut fixture, files, |fixture| {
        fixture.run(&copy)?;
        fixture.merge()
    })?;
    outcome(fixture, batches, "CUSTOMER_HISTORY", "CUSTOMER")
}

fn tutorial(files: &[Vec<u8>]) -> Result<Outcome, Failure> {
    let mut fixture = Fixture::open(None)?;
    fixture.run_all(SETUP)?;
    let batches = timed(&mut fixture, files, |fixture| fixture.run_all(BATCH))?;
    outcome(fixture, batches, "TUTORIAL_HISTORY", "TUTORIAL_CUSTOMER")
}

/// Seconds of each file, without its upload to the stage.
fn timed(
    fixture: &mut Fixture,
    files: &[Vec<u8>],
    batch: impl Fn(&mut Fixture) -> Result<(), Failure>,
) -> Result<Vec<f64>, Failure> {
    let mut batches = Vec::with_capacity(files.len());
    for (index, file) in files.iter().enumerate() {
        fixture.put(&format!("{index:04}.csv"), file)?;
        let started = Instant::now();
        batch(fixture)?;
        batches.push(started.elapsed().as_secs_f64());
    }
    Ok(batches)
}

fn outcome(
    mut fixture: Fixture,
    batches: Vec<f64>,
    history: &str,
    target: &str,
) -> Result<Outcome, Failure> {
    let rows_in_history = fixture.number(&format!("select count(*) from {history}"))?;
    let versions = fixture.run(&format!(
        "select {COLUMNS} from {history} where first_name is not null"
    ))?;
    let rows = fixture.run(&format!("select {COLUMNS} from {target}"))?;
    fixture.close();
    let row = |row: &Vec<Value>| format!("{row:?}");
    Ok(Outcome {
        batches,
        rows_in_history,
        versions: versions.iter().map(row).collect(),
        target: rows.iter().map(row).collect(),
    })
}

fn median(mut outcomes: Vec<Outcome>) -> Result<Outcome, Failure> {
    let seconds = |one: &Outcome| one.batches.iter().sum::<f64>();
    outcomes.sort_by(|a, b| seconds(a).total_cmp(&seconds(b)));
    let middle = outcomes.len() / 2;
    outcomes
        .into_iter()
        .nth(middle)
        .ok_or_else(|| "there are no rounds".into())
}
