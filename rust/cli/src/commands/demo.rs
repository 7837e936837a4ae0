//! `firn demo`: runs the whole pipeline on this machine, with the faults of real ones.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use firn::generator::{Generator, Options};
use firn::merge::Deployment;
use firn::pipeline::{LoadMode, Loader, Pipeline};
use firn::snowflake::Statement;
use firn::store::S3Store;
use firn::{Context, Error, Result};
use indicatif::ProgressBar;

use super::snowglobe::Snowglobe;
use super::{history, report, status, verify};

const BUCKET: &str = "firn-landing";
const TIMEOUT: Duration = Duration::from_secs(60);

const EXAMPLES: &str = "\
Examples:
  firn demo
  firn demo --events 200000 --seed 7
  firn demo --stay";

/// Run the whole pipeline on this machine, on Snowglobe
///
/// Starts Snowglobe, creates all objects, generates files with late, duplicate and malformed rows, loads them through the pipe,
/// merges them by the task, changes rows manually, and checks the promises at the end.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub struct Demo {
    /// Number of events
    #[arg(long, default_value_t = 20_000, value_parser = crate::quantity::whole::<u64>)]
    events: u64,
    /// Seed of the generator
    #[arg(long, default_value_t = 42, value_parser = crate::quantity::whole::<u64>)]
    seed: u64,
    /// Keep running afterwards, for other commands
    #[arg(long)]
    stay: bool,
}

impl Demo {
    /// Runs the command.
    pub async fn run(self) -> Result<()> {
        let started = Instant::now();
        let folder = tempfile::tempdir().context(|| "temporary folder of the demo".to_owned())?;
        let snowglobe = Snowglobe::start(BUCKET)?;
        report::step(started, "Snowglobe is running: a local Snowflake and S3")?;

        let deployment = Deployment::default();
        let pipeline = Pipeline::new(
            firn::contract::Contract::customer(),
            deployment,
            snowglobe.connection()?,
        )?;
        pipeline.bootstrap(|_| {}).await?;
        let owner = snowglobe.as_owner(&pipeline)?;
        report::step(
            started,
            "tables, streams, pipe, procedures and tasks are created; the tasks wait for data",
        )?;

        let files = self.generate(folder.path())?;
        report::step(
            started,
            &format!(
                "{} files of changes, with late, duplicate and malformed rows",
                files.len()
            ),
        )?;
        let store = S3Store::open(owner.location()?, snowglobe.store_options()).await;
        let rows = deliver(&owner.with_store(store), files).await?;
        await_rows(&owner, rows).await?;
        report::step(
            started,
            "the pipe has loaded every file, and the task has merged it",
        )?;

        let key = edit_by_hand(&owner).await?;
        await_captured(&owner).await?;
        report::step(
            started,
            "the history has captured the manual changes of CUSTOMER",
        )?;

        let figures = owner.status(5).await?;
        let promises = owner.verify().await?;
        let timeline = history::timeline(&owner.history(std::slice::from_ref(&key)).await?);
        report::print(&format!(
            "\n{}\n{}\nA customer with a manual change, `firn history {key}`:\n{timeline}\n",
            status::text(&owner, &figures),
            verify::text(&promises)
        ))?;
        if promises.iter().any(|promise| promise.violations != 0) || !figures.sum.holds() {
            return Err(Error::bug("a promise does not hold in the demo"));
        }
        report::step(started, "all promises hold")?;
        let program = report::program();
        if self.stay {
            report::print(&format!(
                "\nUse another shell to look around; Ctrl-C stops the demo:\n\n{}\n{program} status\n{program} history {key}\n{program} as-of 2026-06-01T00:00:00Z --limit 5\n",
                snowglobe.variables()
            ))?;
            return std::future::pending().await;
        }
        report::print(&format!("To explore: {program} demo --stay\n"))
    }

    /// Generates files of changes in `folder`; returns them in the order of their events.
    fn generate(&self, folder: &Path) -> Result<Vec<PathBuf>> {
        let options = Options {
            seed: self.seed,
            rows_per_file: (self.events / 12).max(1),
            initial: self.events / 4,
            updates: 0.5,
            deletes: 0.1,
            returns: 0.2,
            late: 0.05,
            duplicates: 0.05,
            malformed: 0.002,
            ..Options::default()
        };
        let mut generator = Generator::new(options)?;
        generator.end_at(self.events)?;
        let mut files = Vec::new();
        while let Some(piece) = generator.next_piece() {
            if piece.opens {
                files.push((
                    folder.join(format!("customers-{:04}.csv", files.len())),
                    Vec::new(),
                ));
            }
            if let Some((_, bytes)) = files.last_mut() {
                bytes.extend_from_slice(piece.bytes);
            }
        }
        for (path, bytes) in &files {
            std::fs::write(path, bytes).context(|| path.display().to_string())?;
        }
        Ok(files.into_iter().map(|(path, _)| path).collect())
    }
}

/// Uploads the files in another order, one of them twice; returns the number of uploaded rows.
async fn deliver(loader: &Loader, mut files: Vec<PathBuf>) -> Result<i64> {
    files.reverse();
    let shift = 5.min(files.len());
    files.rotate_left(shift);
    let bar = bar(files.len() as u64, "files staged");
    let mut rows = 0;
    for path in &files {
        rows += uploaded(loader, path).await?;
        bar.inc(1);
    }
    if let Some(first) = files.first() {
        // The same content under another name: a second delivery whose rows are all duplicates.
        let again = first.with_file_name("delivered-again.csv");
        std::fs::copy(first, &again).context(|| again.display().to_string())?;
        rows += uploaded(loader, &again).await?;
    }
    bar.finish_and_clear();
    Ok(rows)
}

fn bar(length: u64, what: &str) -> ProgressBar {
    let template = format!("          {{wide_bar}} {{human_pos}}/{{human_len}} {what}");
    report::bar(length, &template)
}

/// Uploads a file; returns its rows, or 0 if the file was already in the bucket.
async fn uploaded(loader: &Loader, path: &Path) -> Result<i64> {
    let staged = loader
        .upload(path, LoadMode::Snowpipe, Arc::new(()))
        .await?;
    let new = staged.iter().filter(|one| one.object.bytes.is_some());
    Ok(new.map(|one| one.rows.as_counted()).sum())
}

async fn await_rows(pipeline: &Pipeline, rows: i64) -> Result<()> {
    let started = Instant::now();
    let bar = bar(rows.unsigned_abs(), "rows merged");
    loop {
        let figures = pipeline.status(1).await?;
        bar.set_position(figures.sum.rows_in.unsigned_abs());
        if figures.sum.rows_in >= rows && figures.waiting == 0 {
            bar.finish_and_clear();
            return Ok(());
        }
        if started.elapsed() > TIMEOUT {
            return Err(Error::transient(format!(
                "{} of {rows} rows are merged after {} s, {} are waiting in staging",
                figures.sum.rows_in,
                TIMEOUT.as_secs(),
                figures.waiting
            )));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Updates, deletes and inserts a customer manually; returns the key of the updated one.
async fn edit_by_hand(pipeline: &Pipeline) -> Result<String> {
    let run = async |sql: String| pipeline.client().run(Statement::new(sql)).await;
    let rows = run("select min(customer_id), max(customer_id) from CUSTOMER".to_owned()).await?;
    let cell = |index: usize| {
        rows.rows
            .first()
            .and_then(|row| row.get(index)?.clone())
            .unwrap_or_default()
    };
    let (first, last) = (cell(0), cell(1));
    run(format!(
        "update CUSTOMER set city = 'Longyearbyen' where customer_id = {first}"
    ))
    .await?;
    run(format!("delete from CUSTOMER where customer_id = {last}")).await?;
    run("insert into CUSTOMER (customer_id, first_name, last_name) values (999999999999, 'Roald', 'Amundsen')".to_owned()).await?;
    Ok(first)
}

async fn await_captured(pipeline: &Pipeline) -> Result<()> {
    let started = Instant::now();
    let sql = format!(
        "select count(*) from {} where source_file = 'manual change'",
        pipeline.names().history
    );
    loop {
        let rows = pipeline.client().query(&sql).await?;
        if rows
            .first()
            .is_some_and(|count| count.parse::<i64>().is_ok_and(|count| count >= 3))
        {
            return Ok(());
        }
        if started.elapsed() > TIMEOUT {
            return Err(Error::transient(
                "the manual changes were not captured in time",
            ));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
