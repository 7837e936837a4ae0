//! What a contender is, and what one run of it yields.

use std::error::Error;
use std::thread;

use crate::machine;

/// Why a contender did not run, or the benchmark could not go on: what, where, what next.
pub type Failure = Box<dyn Error + Send + Sync>;

/// One run: what was made, and how long that took without its preparation.
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
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let rows = self.rows as f64;
        rows / self.seconds
    }

    pub fn bytes_per_second(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let bytes = self.bytes as f64;
        bytes / self.seconds
    }
}

/// The processor time that a contender may take.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cores {
    /// It is held to one core, its child processes too.
    One,
    /// It may use them all.
    All,
}

/// A contender.
pub trait Peer: Sync {
    /// A short name, for progress and `--only`.
    fn name(&self) -> &str;

    /// What it may use.
    fn cores(&self) -> Cores {
        Cores::One
    }

    /// Does its work once: about a second of it.
    ///
    /// # Errors
    /// Why it could not run.
    fn run(&self) -> Result<Run, Failure>;
}

/// Runs a contender on a thread of its own, held to the cores that it may use.
pub fn run_held(peer: &dyn Peer) -> Result<Run, Failure> {
    thread::scope(|scope| {
        let worker = scope.spawn(|| {
            if peer.cores() == Cores::One {
                machine::hold_to_one_core()?;
            }
            peer.run()
        });
        worker
            .join()
            .unwrap_or_else(|_| Err("it panicked: see above".into()))
    })
}

/// The median run of each contender, by its name.
pub fn medians(contenders: &[Box<dyn Peer + '_>], rounds: u32) -> Vec<(String, Run)> {
    let mut runs: Vec<Vec<Run>> = contenders.iter().map(|_| Vec::new()).collect();
    for round in 1..=rounds {
        for (peer, runs) in contenders.iter().zip(&mut runs) {
            match run_held(peer.as_ref()) {
                Ok(run) => {
                    eprintln!(
                        "round {round} of {rounds}: {:<16} {:>12.0} rows/s",
                        peer.name(),
                        run.rows_per_second()
                    );
                    runs.push(run);
                }
                Err(error) => eprintln!(
                    "round {round} of {rounds}: {} is skipped: {error}",
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

/// The run in the middle, by its rate.
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
