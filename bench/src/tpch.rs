//! The customer table of TPC-H by `tpchgen`, the fastest public table generator that we know. It has its own eight columns.

use std::fmt::Write;
use std::time::Instant;

use tpchgen::csv::CustomerCsv;
use tpchgen::generators::CustomerGenerator;

use crate::machine::locked_version;
use crate::peer::{Failure, Peer, Run};

/// Large enough to amortise the calls, small enough for the cache.
const BUFFER_BYTES: usize = 256 * 1024;

/// The peer.
pub struct Tpch {
    /// In units of 150,000 rows.
    pub scale_factor: f64,
}

impl Peer for Tpch {
    fn name(&self) -> &str {
        "tpchgen"
    }

    fn run(&self) -> Result<Run, Failure> {
        // The first use builds the word lists, which is preparation.
        CustomerGenerator::new(0.01, 1, 1).iter().for_each(drop);
        let started = Instant::now();
        let (mut rows, mut bytes) = (0, 0);
        let mut buffer = String::with_capacity(BUFFER_BYTES + 1024);
        for customer in CustomerGenerator::new(self.scale_factor, 1, 1).iter() {
            writeln!(buffer, "{}", CustomerCsv::new(customer))?;
            rows += 1;
            if buffer.len() >= BUFFER_BYTES {
                bytes += std::hint::black_box(&buffer).len() as u64;
                buffer.clear();
            }
        }
        bytes += std::hint::black_box(&buffer).len() as u64;
        let seconds = started.elapsed().as_secs_f64();
        Ok(Run {
            program: format!(
                "tpchgen {}, its own customer table",
                locked_version("tpchgen")
            ),
            rows,
            bytes,
            seconds,
        })
    }
}
