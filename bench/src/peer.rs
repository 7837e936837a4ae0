//! The trait of a program to measure, and the result of a run.

use std::error::Error;
use std::thread;

use crate::machine;

/// Why a program or the benchmark failed: what is wrong, where, and what to do.
pub type Failure = Box<dyn Error + Send + Sync>;

/// The result of a run: the rows, and the time without preparation.
#[derive(Clone, Debug)]
pub struct Run {
    /// The program with its version, as the table shows it.
    pub program: String,
    pub rows: u64,
    pub bytes: u64,
    pub seconds: f64,
}

impl Run {
    pub fn rows_per_second(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a rate with three digits")]
        let rows = self.rows as f64;
        rows / self.seconds
    }

    pub fn bytes_per_second(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a rate with three digits")]
        let bytes = self.bytes as f64;
        bytes / self.seconds
    }
}

/// The cores that a program may use.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cores {
    /// It is pinned to one core, with its child processes.
    One,
    /// It may use all cores.
    All,
}

/// A program to measure.
pub trait Peer: Sync {
    /// A short name, for progress and `--only`.
    fn name(&self) -> &str;

    /// The cores that it may use.
    fn cores(&self) -> Cores {
        Cores::One
    }

    /// Runs once, for about a second.
    ///
    /// # Errors
    /// The run failed.
    fn run(&self) -> Result<Run, Failure>;
}

/// Runs a program on its own thread, pinned to the cores that it may use.
pub fn run_pinned(peer: &dyn Peer) -> Result<Run, Failure> {
    thread::scope(|scope| {
        let worker = scope.spawn(|| {
            if peer.cores() == Cores::One {
                machine::pin_to_one_core()?;
            }
            peer.run()
        });
        worker
            .join()
            .unwrap_or_else(|_| Err("it has panicked: see above".into()))
    })
}

/// The name and the median run of each program.
pub fn medians(contenders: &[Box<dyn Peer + '_>], rounds: u32) -> Vec<(String, Run)> {
    let mut runs: Vec<Vec<Run>> = contenders.iter().map(|_| Vec::new()).collect();
    for round in 1..=rounds {
        for (peer, runs) in contenders.iter().zip(&mut runs) {
            match run_pinned(peer.as_ref()) {
                Ok(run) => {
                    eprintln!(
                        "round {round} of {rounds}: {:<16} {:>12.0} rows/s",
                        peer.name(),
                        run.rows_per_second()
                    );
                    runs.push(run);
                }
                Err(error) => eprintln!(
                    "round {round} of {rounds}: skipping {}: {error}",
                    peer.name()
                ),
            }
        }
    }
    let named = contenders.iter().zip(runs);
    named
        .filter_map(|(peer, runs)| Some((peer.name().to_owned(), median(runs)?)))
        .collect()
}

/// The median run by throughput.
pub fn median(mut runs: Vec<Run>) -> Option<Run> {
    runs.sort_by(|a, b| a.rows_per_second().total_cmp(&b.rows_per_second()));
    let middle = runs.len() / 2;
    runs.into_iter().nth(middle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slow_round_does_not_move_the_median() {
        let run = |seconds| Run {
            program: String::new(),
            rows: 100,
            bytes: 1,
            seconds,
        };
        let median = median(vec![run(1.0), run(9.0), run(1.1)]).unwrap();
        assert!((median.seconds - 1.1).abs() < 1e-9);
    }
}
