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
