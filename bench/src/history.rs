//! The cost of a batch by the length of the history: merges the same small batch into several histories, in turn.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::fixture::Fixture;
use crate::peer::Failure;
use crate::{machine, table};

/// Versions of each customer before the first batch, a day apart.
const VERSIONS: u64 = 10;
const BATCH: u64 = 10_000;

#[derive(clap::Args)]
pub struct Arguments {
    /// Rows in the history before the first batch, in millions
    #[arg(long, value_delimiter = ',', default_value = "1,10,50")]
    millions: Vec<u64>,
    /// Batches per history; the table shows the median
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u64).range(1..1_000))]
    rounds: u64,
    /// Write the table into docs/benchmarks.md instead of printing it
    #[arg(long)]
    write_readme: bool,
    /// Folder for temporary tables; 50 million rows take 3 GB
    #[arg(long, value_name = "FOLDER", default_value = "target")]
    folder: PathBuf,
}

/// Fills the histories, then merges a batch into each, in turn.
///
/// # Errors
/// A statement fails, or docs/benchmarks.md lacks the markers.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .ok_or("the crate has no parent folder")?;
    let folder = tempfile::tempdir_in(root.join(&arguments.folder))?;
    if let Some(warning) = machine::warning() {
        eprintln!("{warning}");
    }
    let mut fixtures = Vec::new();
    for millions in &arguments.millions {
        let started = Instant::now();
        let mut fixture = Fixture::open(Some(folder.path().join(millions.to_string())))?;
        fill(&mut fixture, millions * 1_000_000)?;
        eprintln!("{millions} M rows after {:.0?}", started.elapsed());
        fixtures.push((*millions, fixture, Vec::new()));
    }
    // The first batch warms up.
    for round in 0..=arguments.rounds {
        for (millions, fixture, times) in &mut fixtures {
            let elapsed = batch(fixture, *millions * 1_000_000, round)?;
            if round > 0 {
                times.push(elapsed);
            }
        }
    }
    let mut text = format!(
        "A batch of {BATCH} updates of different customers, merged into target and history on Snowglobe, by the length of the history; median of {} batches. {}.\n\n| rows in the history | ms | x the shortest |\n| ---: | ---: | ---: |\n",
        arguments.rounds,
        machine::description()
    );
    let mut unit = None;
    for (millions, fixture, mut times) in fixtures {
        fixture.close();
        times.sort();
        let median = times[times.len() / 2].as_secs_f64() * 1e3;
        let unit = *unit.get_or_insert(median);
        writeln!(
            text,
            "| {millions} M | {median:.0} | {:.2} |",
            median / unit
        )?;
    }
    if arguments.write_readme {
        table::put_between_markers(&root.join("docs/benchmarks.md"), "history", &text)
    } else {
        println!("{text}");
        Ok(())
    }
}

/// Inserts ten versions of each customer, oldest first, the order in which Snowflake would store them.
fn fill(fixture: &mut Fixture, rows: u64) -> Result<(), Failure> {
    let customers = rows / VERSIONS;
    let person = "'Ann', 'Lee', 'ann' || k || '@example.com', '555-' || k, k || ' Main St', 'Springfield', 'IL', '62704', 'US'";
    let keys = format!("(select seq8() + 1 as k from table(generator(rowcount => {customers})))");
    for version in 0..VERSIONS {
        let from = format!("dateadd(day, {version}, '2026-01-01'::timestamp_ntz)");
        let is_last = version + 1 == VERSIONS;
        let (table, ends) = if is_last {
            ("CUSTOMER_HISTORY_OPEN", String::new())
        } else {
            (
                "CUSTOMER_HISTORY_CLOSED",
                format!("dateadd(day, 1, {from}), "),
            )
        };
        fixture.run(&format!(
            "insert into {table} select iff({version} = 0, 'I', 'U'), k, {person}, {from}, {version}, {from}, {ends}'filled', k, current_timestamp() from {keys}"
        ))?;
        if is_last {
            fixture.run(&format!(
                "insert into CUSTOMER select k, {person}, {from}, {version} from {keys}"
            ))?;
        }
    }
    // A new stream, so that these rows are not manual changes.
    fixture
        .run("create or replace stream CUSTOMER_CHANGES on table CUSTOMER")
        .map(drop)
}

fn batch(fixture: &mut Fixture, rows: u64, round: u64) -> Result<Duration, Failure> {
    let customers = rows / VERSIONS;
    let stride = customers / BATCH;
    fixture.run(&format!(
        "insert into CUSTOMER_STAGING select 'U', to_varchar(seq8() * {stride} + 1), 'Ann', 'Lee', 'ann@example.com', '555', 'round {round}', 'Springfield', 'IL', '62704', 'US', '2026-02-{:02} 00:00:00', '1', null, null, 'batch-{round}', seq8() + 1, current_timestamp() from table(generator(rowcount => {BATCH}))",
        round + 1
    ))?;
    let started = Instant::now();
    fixture.merge()?;
    let elapsed = started.elapsed();
    let sql = format!("select history from CUSTOMER_RUNS where source_file = 'batch-{round}'");
    match fixture.number(&sql)? {
        history if history == i128::from(BATCH) => Ok(elapsed),
        history => Err(format!("{history} of {BATCH} events are in the history").into()),
    }
}
