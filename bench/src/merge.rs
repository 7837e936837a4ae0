//! From file to history: Firn's way beside the tutorials' own, on the same files and the same engine, round by round.

use std::collections::HashSet;
use std::path::Path;
use std::time::Instant;

use firn::generator::{Generator, Options};
use snowglobe::engine::Value;

use crate::globe::Globe;
use crate::peer::{Failure, Run};
use crate::{machine, table};

const SETUP: &str = include_str!("../tutorial/setup.sql");
const BATCH: &str = include_str!("../tutorial/batch.sql");
const COLUMNS: &str =
    "customer_id, first_name, last_name, email, phone, street, city, state, postal_code, country";

#[derive(clap::Args)]
pub struct Arguments {
    /// How often each way runs; the table shows the median
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Files, each a batch of its own
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    files: u32,
    /// Events in a file
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    rows: u64,
    /// Put the table between its markers in README.md, instead of printing it
    #[arg(long)]
    write_readme: bool,
}

/// A way's run, and what it left behind.
struct Outcome {
    run: Run,
    rows_in_history: i128,
    /// What each version says, deletes left out, which the tutorials do not know.
    versions: HashSet<String>,
    target: HashSet<String>,
}

/// Runs both ways, and shows how fast each is and what it lost.
///
/// # Errors
/// A statement fails, or the README has no place for the table.
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
        theirs.push(tutorial(&files, arguments.rows)?);
        ours.push(firn(&files, arguments.rows)?);
    }
    let (ours, theirs) = (median(ours)?, median(theirs)?);
    let wrong = theirs.target.symmetric_difference(&ours.target).count();
    let lost = ours.versions.difference(&theirs.versions).count();
    let caption = format!(
        "{} files of {} customer events (30 % updates, 5 % deletes), from the stage into target and history on Snowglobe; the median of {} interleaved rounds. {}.",
        arguments.files,
        arguments.rows,
        arguments.rounds,
        machine::description()
    );
    let mut text = table::render(
        &[ours.run.clone(), theirs.run.clone()],
        &theirs.run,
        "the tutorials' way",
        &caption,
    );
    text += &format!(
        "\nThe tutorials' history lacks {lost} of {} versions, though it has {} rows for {} events; of {} customers their target shows {wrong} rows wrongly or in vain. Firn keeps every version: the tests hold its tables against a naive fold.\n",
        ours.versions.len(),
        theirs.rows_in_history,
        ours.rows_in_history,
        ours.target.len(),
    );
    if arguments.write_readme {
        table::put_between_markers(&root.join("README.md"), "merge", &text)
    } else {
        println!("{text}");
        Ok(())
    }
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
        let piece = generator.next_piece().ok_or("a stream without end ended")?;
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

fn firn(files: &[Vec<u8>], rows: u64) -> Result<Outcome, Failure> {
    let mut globe = Globe::open(None)?;
    let copy = globe.copy.clone();
    let run = timed("**Firn**", &mut globe, files, rows, |globe| {
        globe.run(&copy)?;
        globe.merge()
    })?;
    outcome(globe, run, "CUSTOMER_HISTORY", "CUSTOMER")
}

fn tutorial(files: &[Vec<u8>], rows: u64) -> Result<Outcome, Failure> {
    let mut globe = Globe::open(None)?;
    globe.run_all(SETUP)?;
    let name = "the tutorials' way: `MERGE` by `<>`, `TRUNCATE`, stream to history";
    let run = timed(name, &mut globe, files, rows, |globe| globe.run_all(BATCH))?;
    outcome(globe, run, "TUTORIAL_HISTORY", "TUTORIAL_CUSTOMER")
}

/// Files land one by one; landing itself does not count.
fn timed(
    program: &str,
    globe: &mut Globe,
    files: &[Vec<u8>],
    rows: u64,
    batch: impl Fn(&mut Globe) -> Result<(), Failure>,
) -> Result<Run, Failure> {
    let mut seconds = 0.0;
    for (index, file) in files.iter().enumerate() {
        globe.land(&format!("{index:04}.csv"), file)?;
        let started = Instant::now();
        batch(globe)?;
        seconds += started.elapsed().as_secs_f64();
    }
    Ok(Run {
        program: program.to_owned(),
        rows: rows * files.len() as u64,
        bytes: files.iter().map(|file| file.len() as u64).sum(),
        seconds,
    })
}

fn outcome(mut globe: Globe, run: Run, history: &str, target: &str) -> Result<Outcome, Failure> {
    let rows_in_history = globe.number(&format!("select count(*) from {history}"))?;
    let versions = globe.run(&format!(
        "select {COLUMNS} from {history} where first_name is not null"
    ))?;
    let rows = globe.run(&format!("select {COLUMNS} from {target}"))?;
    globe.close();
    let line = |row: &Vec<Value>| format!("{row:?}");
    Ok(Outcome {
        run,
        rows_in_history,
        versions: versions.iter().map(line).collect(),
        target: rows.iter().map(line).collect(),
    })
}

fn median(mut outcomes: Vec<Outcome>) -> Result<Outcome, Failure> {
    outcomes.sort_by(|a, b| a.run.seconds.total_cmp(&b.run.seconds));
    let middle = outcomes.len() / 2;
    outcomes
        .into_iter()
        .nth(middle)
        .ok_or_else(|| "no round ran".into())
}
