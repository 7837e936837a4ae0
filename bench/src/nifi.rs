//! The NiFi processors beside NiFi's own, in the assembled NiFi. `NifiBench` and `CrossingBench` in `nifi-bundle` run them and print what
//! NiFi's status says; the tables are made here.

use std::fmt::Write;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::child;
use crate::generate_ours;
use crate::peer::{Failure, Peer, Run, median};
use crate::{machine, table};

/// The tables' names in the lines of the Java side.
const GENERATE: &str = "generate";
const PUT: &str = "put";
const PUT_CPU: &str = "put-cpu";
const CROSSING: &str = "crossing";
const CORE_ALONE: &str = "made by the core alone, in Rust";

#[derive(clap::Args)]
pub struct Arguments {
    /// How often each contender runs; the tables show the median
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Put the tables between their markers in nifi-bundle/README.md, instead of printing them
    #[arg(long)]
    write_readme: bool,
}

/// The runs of one contender in one table.
struct Contender {
    table: String,
    runs: Vec<Run>,
}

/// Runs both Java programs and shows the tables.
///
/// # Errors
/// NiFi is not assembled, a contender fails, or the README has no place for a table.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .ok_or("the crate has no parent folder")?;
    if let Some(warning) = machine::warning() {
        eprintln!("{warning}");
    }
    let mut contenders = Vec::new();
    for class in [
        "io.firn.nifi.core.CrossingBench",
        "io.firn.nifi.host.NifiBench",
    ] {
        java(root, class, arguments.rounds, |table, run| {
            file(&mut contenders, table, run);
        })?;
    }
    for _ in 0..arguments.rounds {
        let mut run = core_alone()?;
        CORE_ALONE.clone_into(&mut run.program);
        file(&mut contenders, CROSSING, run);
    }
    let texts = [
        ("nifi-generate", generated(&contenders, arguments.rounds)?),
        ("nifi-put", put(&contenders, arguments.rounds)?),
        ("nifi-crossing", crossing(&contenders, arguments.rounds)?),
    ];
    for (name, text) in texts {
        if arguments.write_readme {
            table::put_between_markers(&root.join("nifi-bundle/README.md"), name, &text)?;
        } else {
            println!("{text}");
        }
    }
    Ok(())
}

/// Runs a class of `nifi-bundle`, and hands on each of its lines.
fn java(
    root: &Path,
    class: &str,
    rounds: u32,
    mut report: impl FnMut(&str, Run),
) -> Result<(), Failure> {
    let bundle = root.join("nifi-bundle");
    let listed = bundle.join("nifi-firn-host/target/test.classpath");
    let listed = std::fs::read_to_string(&listed).map_err(|error| {
        format!(
            "{}: {error}: assemble a NiFi with `make nifi`",
            listed.display()
        )
    })?;
    let class_path = format!(
        "{0}/nifi-firn-host/target/test-classes:{0}/nifi-firn-processors/target/test-classes:{1}",
        bundle.display(),
        listed.trim()
    );
    let property =
        |name: &str, path: PathBuf| format!("-D{name}={}", path.to_string_lossy().into_owned());
    let binaries = std::env::current_exe()?
        .parent()
        .ok_or("this program lies in no folder")?
        .to_owned();
    let mut child = Command::new(child::newest_java().ok_or("no `java` was found: set JAVA_HOME")?)
        .args(["--enable-native-access=ALL-UNNAMED", "-cp", &class_path])
        .args([
            property(
                "java.library.path",
                bundle.join("nifi-firn-nar/target/native"),
            ),
            property("nifi.home", bundle.join("nifi-firn-host/target/nifi")),
            property("firn.binaries", binaries),
        ])
        .args([class, &rounds.to_string()])
        .stdout(Stdio::piped())
        .spawn()?;
    let lines = child.stdout.take().ok_or("the child has no output")?;
    for line in BufReader::new(lines).lines() {
        let line = line?;
        eprintln!("{line}");
        let (table, rest) = line
            .split_once('\t')
            .ok_or_else(|| format!("expected a table and its run, got {line:?}"))?;
        report(table, child::parse(rest)?);
    }
    let status = child.wait()?;
    if !status.success() {
        return Err(format!("{class} ended with {status}: its message is above").into());
    }
    Ok(())
}

fn file(contenders: &mut Vec<Contender>, table: &str, run: Run) {
    let same = |one: &&mut Contender| one.table == table && one.runs[0].program == run.program;
    match contenders.iter_mut().find(same) {
        Some(contender) => contender.runs.push(run),
        None => contenders.push(Contender {
            table: table.to_owned(),
            runs: vec![run],
        }),
    }
}

/// The stream that `CrossingBench` asks for, without anything to cross.
fn core_alone() -> Result<Run, Failure> {
    let changes = generate_ours::contenders(&std::env::temp_dir())
        .into_iter()
        .find(|ours| ours.name() == generate_ours::CHANGES)
        .ok_or("the stream of changes is no contender any more")?;
    changes.run()
}

fn medians(contenders: &[Contender], table: &str) -> Vec<Run> {
    contenders
        .iter()
        .filter(|contender| contender.table == table)
        .filter_map(|contender| median(contender.runs.clone()))
        .collect()
}

/// The run whose program begins or contains so.
fn find<'a>(runs: &'a [Run], part: &str) -> Result<&'a Run, Failure> {
    runs.iter()
        .find(|run| run.program.contains(part))
        .ok_or_else(|| format!("{part} did not run").into())
}

fn generated(contenders: &[Contender], rounds: u32) -> Result<String, Failure> {
    let runs = medians(contenders, GENERATE);
    let (ours, stock) = (
        find(&runs, "GenerateCustomerCsv")?,
        find(&runs, "GenerateRecord")?,
    );
    let disk = find(&runs, "plainly")?;
    let caption = format!(
        "FlowFiles of 100,000 customer rows of 13 columns in the real NiFi 2.3.0, one thread each, dropped once they are committed; the median of {rounds} interleaved rounds. {}.",
        machine::description()
    );
    let mut text = table::render(&runs, stock, "`GenerateRecord`", &caption);
    write!(
        text,
        "\n`GenerateCustomerCsv` makes {:.0} times the rows of `GenerateRecord`, and {:.0} % of what the disk takes in such files. `GenerateRecord` \
         fills the columns from its nearest Faker providers: no change refers to a customer, and no city fits its postal code.\n",
        ours.rows_per_second() / stock.rows_per_second(),
        100.0 * ours.bytes_per_second() / disk.bytes_per_second()
    )?;
    Ok(text)
}

fn put(contenders: &[Contender], rounds: u32) -> Result<String, Failure> {
    let runs = medians(contenders, PUT);
    let (ours, stock) = (
        find(&runs, "PutSnowflakeMerge")?,
        find(&runs, "InvokeHTTP")?,
    );
    let bare = find(&runs, "bare")?;
    let cpu = medians(contenders, PUT_CPU);
    let cpu = find(&cpu, "PutSnowflakeMerge")?;
    let caption = format!(
        "5 files of 40,000 customer events from a folder into target and history of a fresh Snowglobe; the median of {rounds} interleaved rounds. {}.",
        machine::description()
    );
    let mut text = table::render(&runs, stock, "stock processors", &caption);
    write!(
        text,
        "\n`PutSnowflakeMerge` itself, which reads, checks, compresses and counts, has a processor for {:.0} % of its time (NiFi's threads for \
         processors and the core's own together); otherwise it waits for the network and Snowglobe. The bare requests are the floor, with no pipe between; \
         {:.0} % of its time is beyond them: the pipe loads each file on its own, the merge waits for the pipe, and each file's account is read. The stock \
         flow is given what it cannot make: a presigned address for each file. It lacks the rest: lengths, time stamps and duplicates are not checked, \
         a row that breaks the schema ends in no table, a request whose answer is lost runs twice, each file costs a merge, and nobody counts what became \
         of the rows.\n",
        share_of(cpu.seconds, ours.seconds),
        share_of(ours.seconds - bare.seconds, ours.seconds)
    )?;
    Ok(text)
}

fn share_of(part: f64, whole: f64) -> f64 {
    (100.0 * part / whole).max(0.0)
}

fn crossing(contenders: &[Contender], rounds: u32) -> Result<String, Failure> {
    let runs = medians(contenders, CROSSING);
    let mut text = format!(
        "Crossing between Java and the core, on one thread; the median of {rounds} rounds. {}.\n\n| what | ns a call | µs a MB |\n| --- | ---: | ---: |\n",
        machine::description()
    );
    for run in &runs {
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let (calls, megabytes) = (run.rows as f64, run.bytes as f64 / 1e6);
        let per_call = if run.program == CORE_ALONE {
            String::new()
        } else {
            format!("{:.0}", run.seconds * 1e9 / calls)
        };
        let per_megabyte = if run.bytes == 0 {
            String::new()
        } else {
            format!("{:.0}", run.seconds * 1e6 / megabytes)
        };
        writeln!(text, "| {} | {per_call} | {per_megabyte} |", run.program)?;
    }
    text += "\nBytes cross in calls of 1 MiB, so a call's price is spread over a million bytes.\n";
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(program: &str, rows: u64, bytes: u64, seconds: f64) -> Run {
        Run {
            program: program.to_owned(),
            rows,
            bytes,
            seconds,
        }
    }

    fn contenders(runs: &[(&str, Run)]) -> Vec<Contender> {
        let mut contenders = Vec::new();
        for (table, run) in runs {
            file(&mut contenders, table, run.clone());
        }
        contenders
    }

    #[test]
    fn each_contender_shows_its_median_beside_the_stock_processor() {
        let contenders = contenders(&[
            (GENERATE, run("`GenerateRecord`", 1_000, 100_000, 1.0)),
            (
                GENERATE,
                run("`GenerateCustomerCsv`", 600_000, 60_000_000, 1.0),
            ),
            (
                GENERATE,
                run("`GenerateCustomerCsv`", 600_000, 60_000_000, 2.0),
            ),
            (
                GENERATE,
                run("`GenerateCustomerCsv`", 600_000, 60_000_000, 4.0),
            ),
            (GENERATE, run("written plainly", 600_000, 60_000_000, 1.0)),
        ]);
        let text = generated(&contenders, 3).unwrap();
        assert!(
            text.contains("| `GenerateCustomerCsv` | 300,000 | 30.0 | 300 |"),
            "{text}"
        );
        assert!(
            text.contains("makes 300 times the rows of `GenerateRecord`, and 50 %"),
            "{text}"
        );
    }

    #[test]
    fn what_a_way_adds_to_the_bare_requests_is_its_own() {
        let contenders = contenders(&[
            (PUT, run("`InvokeHTTP`", 1_000, 100_000, 4.0)),
            (PUT, run("`PutSnowflakeMerge`", 1_000, 100_000, 2.0)),
            (PUT, run("the bare requests", 1_000, 100_000, 1.9)),
            (PUT_CPU, run("`PutSnowflakeMerge`", 1_000, 100_000, 0.06)),
        ]);
        let text = put(&contenders, 1).unwrap();
        assert!(
            text.contains("has a processor for 3 % of its time")
                && text.contains("5 % of its time is beyond them"),
            "{text}"
        );
    }
}
