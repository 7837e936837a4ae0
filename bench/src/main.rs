//! Side-by-side benchmarks: our programs and their peers in one run, so that the ratios hold whatever the machine.
//!
//! The map, in the order of reading:
//!
//! - `generate`: the generator's contenders, run round by round
//! - `peer`: what a contender is, and what one run of it yields
//! - `generate_ours`: our generator
//! - `plain_fake`, `tpch`, `child`, `limits`: the contenders that are not ours
//! - `read`: readers of CSV: ours, which also validates, beside others that merely split
//! - `merge`: from file to history, beside the tutorials' way; `history`: a batch against long histories; `fixture` is the Snowglobe
//!   that both run on
//! - `beside_duckdb`: Snowglobe beside plain DuckDB, and its round trips
//! - `latency`: how long a file waits between its rename and the target; `large`: one large file, in how much memory; `served` is the
//!   Snowglobe that listens to both
//! - `nifi`: the NiFi processors beside NiFi's own, in the assembled NiFi
//! - `table`: Markdown, printed or put into the README
//! - `machine`: where the figures come from
//!
//! Nothing here checks that rows are right: the tests of each program do.

mod beside_duckdb;
mod child;
mod fixture;
mod generate;
mod generate_ours;
mod history;
mod large;
mod latency;
mod limits;
mod machine;
mod merge;
mod nifi;
mod peer;
mod plain_fake;
mod read;
mod served;
mod table;
mod tpch;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "firn-bench", about, version)]
struct Arguments {
    #[command(subcommand)]
    benchmark: Benchmark,
}

#[derive(Subcommand)]
enum Benchmark {
    /// Makers of customer rows: ours, its peers and the machine's limits
    Generate(generate::Arguments),
    /// Readers of a customer CSV file: ours, which validates, and others that merely split
    Read(read::Arguments),
    /// From file to history on Snowglobe: ours beside the tutorials' way, and what that loses
    Merge(merge::Arguments),
    /// A small batch against histories of several lengths
    History(history::Arguments),
    /// From the rename of a file to its rows in the target, with the commands as a user runs them
    Latency(latency::Arguments),
    /// One large file, from the disk into target and history: how long, and in how much memory
    Large(large::Arguments),
    /// Snowglobe beside plain DuckDB: COPY, MERGE, an empty round trip
    Snowglobe(beside_duckdb::Arguments),
    /// The NiFi processors beside NiFi's own, in the assembled NiFi
    Nifi(nifi::Arguments),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().benchmark {
        Benchmark::Generate(arguments) => generate::run(&arguments),
        Benchmark::Read(arguments) => read::run(&arguments),
        Benchmark::Merge(arguments) => merge::run(&arguments),
        Benchmark::History(arguments) => history::run(&arguments),
        Benchmark::Latency(arguments) => latency::run(&arguments),
        Benchmark::Large(arguments) => large::run(&arguments),
        Benchmark::Snowglobe(arguments) => beside_duckdb::run(&arguments),
        Benchmark::Nifi(arguments) => nifi::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("firn-bench: {error}");
            ExitCode::FAILURE
        }
    }
}
