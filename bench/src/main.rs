//! Side-by-side benchmarks: runs Firn and its peers together, so that the ratios are valid on any machine.
//!
//! The modules:
//!
//! - `generate`: the generator and its peers, in rounds
//! - `peer`: the trait of a program to measure, and the result of a run
//! - `generate_ours`: Firn's generator
//! - `plain_fake`, `tpch`, `child`, `limits`: the peers of the generator
//! - `read`: CSV readers: Firn, which also validates, and others that only split
//! - `merge`: from file to history, Firn and the tutorials' pipeline; `history`: a batch with long histories; both use the Snowglobe
//!   of `fixture`
//! - `beside_duckdb`: Snowglobe and plain DuckDB, and round trips
//! - `latency`: the time of a file from its rename to the target; `large`: time and memory of one large file; both use the Snowglobe
//!   server of `served`
//! - `nifi`: Firn's NiFi processors and NiFi's own, in the assembled NiFi
//! - `table`: Markdown tables, printed or written into a page
//! - `machine`: the description of the machine
//!
//! The benchmarks do not check that rows are correct: the tests of each program do.

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
    /// Generate customer rows: Firn, its peers and the machine's limits
    Generate(generate::Arguments),
    /// Read a CSV file: Firn validates, the peers only split
    Read(read::Arguments),
    /// Load and merge files: Firn and the tutorials' pipeline
    Merge(merge::Arguments),
    /// Merge a small batch into histories of several lengths
    History(history::Arguments),
    /// Measure the time from a file's rename to its target rows
    Latency(latency::Arguments),
    /// Load one large file: time and memory
    Large(large::Arguments),
    /// Compare Snowglobe with plain DuckDB: COPY, MERGE, an empty round trip
    Snowglobe(beside_duckdb::Arguments),
    /// Compare Firn's NiFi processors with NiFi's own
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
