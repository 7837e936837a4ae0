//! Compares Firn's NiFi processors with NiFi's own, in the assembled NiFi. `NifiBench` and `CrossingBench` in `nifi-bundle` run them and
//! print the values of NiFi's status; this module writes the tables.

use std::fmt::Write;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::child;
use crate::generate_ours;
use crate::peer::{Failure, Peer, Run, median};
use crate::{machine, table};

/// The names of the tables in the output of the Java programs.
const GENERATE: &str = "generate";
const PUT: &str = "put";
const PUT_CPU: &str = "put-cpu";
const CROSSING: &str = "crossing";
const CORE_ONLY: &str = "generated in Rust, without a call";

#[derive(clap::Args)]
pub struct Arguments {
    /// Number of rounds; the tables show the median
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Write the tables into docs/benchmarks.md instead of printing them
    #[arg(long)]
    write_readme: bool,
}

/// The runs of one program in one table.
struct Contender {
    table: String,
    runs: Vec<Run>,
}

/// Runs both Java programs and prints the tables.
///
/// # Errors
/// NiFi is not assembled, a program fails, or docs/benchmarks.md lacks the markers.
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
        let mut run = core_only()?;
        CORE_ONLY.clone_into(&mut run.program);
        file(&mut contenders, CROSSING, run);
    }
    let texts = [
        ("nifi-generate", generated(&contenders, arguments.rounds)?),
        ("nifi-put", put(&contenders, arguments.rounds)?),
        ("nifi-crossing", crossing(&contenders, arguments.rounds)?),
    ];
    for (name, text) in texts {
        if arguments.write_readme {
            table::put_between_markers(&root.join("docs/benchmarks.md"), name, &text)?;
        } else {
            println!("{text}");
        }
    }
    Ok(())
}

/// Runs a class of `nifi-bundle`, and passes each of its runs to `report`.
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
            "{}: {error}: run `make nifi` to assemble a NiFi",
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
        .ok_or("this program has no parent folder")?
        .to_owned();
    let mut child = Command::new(
        child::newest_java().ok_or("`java` not found: install a JDK, or set JAVA_HOME")?,
    )
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
            .ok_or_else(|| format!("invalid line {line:?}: expected a table and its run"))?;
        report(table, child::parse(rest)?);
    }
    let status = child.wait()?;
    if !status.success() {
        return Err(format!("{class} failed with {status}: see above").into());
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

/// The stream of `CrossingBench`, without calls between Java and Rust.
fn core_only() -> Result<Run, Failure> {
    let changes = generate_ours::contenders(&std::env::temp_dir())
        .into_iter()
        .find(|ours| ours.name() == generate_ours::CHANGES)
        .ok_or("generate_ours has no stream of changes")?;
    changes.run()
}

fn medians(contenders: &[Contender], table: &str) -> Vec<Run> {
    contenders
        .iter()
        .filter(|contender| contender.table == table)
        .filter_map(|contender| median(contender.runs.clone()))
        .collect()
}

/// The run whose program contains `part`.
fn find<'a>(runs: &'a [Run], part: &str) -> Result<&'a Run, Failure> {
    runs.iter()
        .find(|run| run.program.contains(part))
        .ok_or_else(|| format!("there is no run of {part}").into())
}

fn generated(contenders: &[Contender], rounds: u32) -> Result<String, Failure> {
    let runs = medians(contenders, GENERATE);
    let (ours, stock) = (
        find(&runs, "GenerateCustomerCsv")?,
        find(&runs, "GenerateRecord")?,
    );
    let disk = find(&runs, "written directly")?;
    let caption = format!(
        "FlowFiles of 100,000 customer rows of 13 columns in NiFi 2.3.0, one thread each, dropped after the commit; median of {rounds} interleaved rounds. {}.",
        machine::description()
    );
    let mut text = table::render(&runs, stock, "`GenerateRecord`", &caption);
    write!(
        text,
        "\n`GenerateCustomerCsv` generates {:.0} times the rows of `GenerateRecord`, at {:.0} % of the speed of writing the same files directly. \
         `GenerateRecord` fills the columns with the closest providers of Faker: no change refers to an existing customer, and the postal code does not \
         match the city.\n",
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
    let bare = find(&runs, "only the requests")?;
    let cpu = medians(contenders, PUT_CPU);
    let cpu = find(&cpu, "PutSnowflakeMerge")?;
    let caption = format!(
        "5 files of 40,000 customer events from a folder into target and history of a new Snowglobe; median of {rounds} interleaved rounds. {}.",
        machine::description()
    );
    let mut text = table::render(&runs, stock, "stock processors", &caption);
    write!(
        text,
        "\n`PutSnowflakeMerge`, which reads, validates, compresses and counts, uses a CPU for {:.0} % of its time (NiFi's threads for processors and the \
         threads of the core); the rest of the time it waits for the network and Snowglobe. The requests alone, without a pipe, are the lower bound; \
         {:.0} % of its time is on top of them: the pipe loads each file separately, the merge waits for the pipe, and the load report of each file is read. \
         The stock flow gets a presigned URL for each file, which it cannot create. It does not validate lengths and timestamps, it does not detect \
         duplicates, it writes a row that violates the schema to no table, it repeats a request after a lost response, it needs a merge for each file, and \
         it reports no row counts.\n",
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
        "Calls between Java and the core, on one thread; median of {rounds} rounds. {}.\n\n| operation | ns per call | µs per MB |\n| --- | ---: | ---: |\n",
        machine::description()
    );
    for run in &runs {
        #[expect(clippy::cast_precision_loss, reason = "a rate without decimals")]
        let (calls, megabytes) = (run.rows as f64, run.bytes as f64 / 1e6);
        let per_call = if run.program == CORE_ONLY {
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
    text += "\nEach call transfers 1 MiB, so the cost of a call is negligible per byte.\n";
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
    fn the_table_has_the_median_of_each_processor() {
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
            (GENERATE, run("written directly", 600_000, 60_000_000, 1.0)),
        ]);
        let text = generated(&contenders, 3).unwrap();
        assert!(
            text.contains("| `GenerateCustomerCsv` | 300,000 | 30.0 | 300 |"),
            "{text}"
        );
        assert!(
            text.contains("generates 300 times the rows of `GenerateRecord`, at 50 %"),
            "{text}"
        );
    }

    #[test]
    fn the_time_on_top_of_the_requests_is_that_of_the_processor() {
        let contenders = contenders(&[
            (PUT, run("`InvokeHTTP`", 1_000, 100_000, 4.0)),
            (PUT, run("`PutSnowflakeMerge`", 1_000, 100_000, 2.0)),
            (PUT, run("only the requests", 1_000, 100_000, 1.9)),
            (PUT_CPU, run("`PutSnowflakeMerge`", 1_000, 100_000, 0.06)),
        ]);
        let text = put(&contenders, 1).unwrap();
        assert!(
            text.contains("uses a CPU for 3 % of its time")
                && text.contains("5 % of its time is on top of them"),
            "{text}"
        );
    }
}
