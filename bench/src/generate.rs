//! Compares the generator with its peers in rounds, so that a temporary slowdown of the machine affects all of them.

use std::path::{Path, PathBuf};

use crate::child::Child;
use crate::generate_ours::{self, ready_made};
use crate::limits::{self, Copying, Ready, ReadyToFile};
use crate::machine;
use crate::peer::{Failure, Peer, Run, medians};
use crate::plain_fake::PlainFake;
use crate::table;
use crate::tpch::Tpch;

#[derive(clap::Args)]
pub struct Arguments {
    /// Number of rounds; the table shows the median
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Run only programs whose name contains this, and `fake`
    #[arg(long)]
    only: Option<String>,
    /// Write the table into docs/benchmarks.md instead of printing it
    #[arg(long)]
    write_readme: bool,
    /// Folder for temporary files
    #[arg(long, value_name = "FOLDER", default_value = "target")]
    folder: PathBuf,
}

/// Bytes of prepared rows: larger than the caches.
const READY_BYTES: usize = 64 << 20;
/// Bytes that a run writes to a file.
const FILE_BYTES: u64 = 1 << 30;

/// Runs all programs and prints their table.
///
/// # Errors
/// The crate `fake` fails, or docs/benchmarks.md lacks the markers.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .ok_or("the crate has no parent folder")?;
    let folder = if arguments.folder.is_absolute() {
        arguments.folder.clone()
    } else {
        root.join(&arguments.folder)
    };
    let ready = Ready {
        bytes: ready_made(READY_BYTES)?,
    };
    let mut contenders = contenders(root, &ready, &folder);
    if let Some(part) = &arguments.only {
        contenders.retain(|peer| peer.name().contains(part.as_str()));
    }
    let unit = PlainFake { rows: 500_000 };
    contenders.insert(0, Box::new(unit));
    if let Some(warning) = machine::warning() {
        eprintln!("{warning}");
    }
    let medians = medians(&contenders, arguments.rounds);
    let Some(unit) = medians
        .iter()
        .find(|(name, _)| name == "fake")
        .map(|(_, run)| run.clone())
    else {
        return Err("the crate `fake`, the unit of the table, failed: see above".into());
    };
    let sentences = sentences(&medians);
    let medians: Vec<_> = medians.into_iter().map(|(_, run)| run).collect();
    let text =
        table::render(&medians, &unit, "plain `fake`", &caption(arguments.rounds)) + &sentences;
    if arguments.write_readme {
        table::put_between_markers(&root.join("docs/benchmarks.md"), "generate", &text)
    } else {
        println!("{text}");
        Ok(())
    }
}

fn caption(rounds: u32) -> String {
    format!(
        "Customer rows of 13 columns as CSV, into memory, on one core by default; median of {rounds} \
         interleaved rounds. {}. Only the ratios are comparable between machines.",
        machine::description()
    )
}

/// Comparisons of two rows of the table.
fn sentences(medians: &[(String, Run)]) -> String {
    let speed = |name: &str| {
        medians
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, run)| run.bytes_per_second())
    };
    let ratio = |one: &str, other: &str| Some(speed(one)? / speed(other)?);
    let mut text = String::from("\n");
    if let Some((inserts, changes)) = ratio(generate_ours::INSERTS_TWICE, generate_ours::INSERTS)
        .zip(ratio(generate_ours::CHANGES_TWICE, generate_ours::CHANGES))
    {
        text += &format!(
            "Two threads generate {inserts:.2} times the inserts of one thread, and {changes:.2} times the changes. "
        );
    }
    if let Some(share) = ratio(generate_ours::TO_FILE, limits::READY_TO_FILE) {
        text += &format!(
            "Firn generates a file at {:.0} % of the speed of writing prepared rows.",
            share * 100.0
        );
    }
    text
}

/// All programs. Those that cannot run on this machine are reported on standard error, with a fix.
fn contenders<'a>(root: &Path, ready: &'a Ready, folder: &Path) -> Vec<Box<dyn Peer + 'a>> {
    let mut contenders: Vec<Box<dyn Peer + 'a>> = vec![
        Box::new(Tpch { scale_factor: 10.0 }),
        Box::new(Copying {
            ready,
            window_bytes: 256 << 10,
            total_bytes: 16 << 30,
        }),
        Box::new(Copying {
            ready,
            window_bytes: READY_BYTES,
            total_bytes: 8 << 30,
        }),
        Box::new(ReadyToFile {
            ready,
            folder: folder.to_owned(),
            total_bytes: FILE_BYTES,
        }),
    ];
    for ours in generate_ours::contenders(folder) {
        contenders.push(Box::new(ours));
    }
    let children = [
        (
            "faker",
            Child::python(root, "faker", "faker_rows.py", &["4000"]),
        ),
        (
            "faker-unweighted",
            Child::python(
                root,
                "faker-unweighted",
                "faker_rows.py",
                &["20000", "unweighted"],
            ),
        ),
        (
            "mimesis",
            Child::python(root, "mimesis", "mimesis_rows.py", &["50000"]),
        ),
        (
            "datafaker",
            Child::java(root, "datafaker", "DatafakerRows", &["100000"]),
        ),
    ];
    for (name, child) in children {
        match child {
            Ok(child) => contenders.push(Box::new(child)),
            Err(missing) => eprintln!("skipping {name}: {missing}"),
        }
    }
    contenders
}
