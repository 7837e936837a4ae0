//! The progress bar, and the summary at the end.

use std::io::{IsTerminal, stderr, stdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressState, ProgressStyle};

/// A bar on a terminal, hidden elsewhere; it counts in both cases.
pub struct Progress {
    bar: ProgressBar,
    bytes: Arc<AtomicU64>,
    started: Instant,
    /// The number of rows so far.
    pub rows: u64,
}

const BAR: &str =
    "{bar:24} {human_pos} of {human_len} rows  {rows_per_second} rows/s  {speed}  {eta} left";
const SPINNER: &str = "{spinner} {human_pos} rows  {rows_per_second} rows/s  {speed}  {elapsed}";

impl Progress {
    /// Creates the bar for a run of that many rows, or an endless one.
    pub fn new(rows: Option<u64>, quiet: bool, to_stdout: bool) -> Self {
        // A bar would mix with rows on the same screen.
        let shown = !quiet && stderr().is_terminal() && !(to_stdout && stdout().is_terminal());
        let bytes = Arc::new(AtomicU64::new(0));
        let bar = match rows {
            _ if !shown => ProgressBar::hidden(),
            Some(rows) => ProgressBar::new(rows),
            None => ProgressBar::new_spinner(),
        };
        let style = ProgressStyle::with_template(if rows.is_some() { BAR } else { SPINNER });
        if let Ok(style) = style
            && shown
        {
            let counted = Arc::clone(&bytes);
            let speed = move |state: &ProgressState, out: &mut dyn std::fmt::Write| {
                let bytes = counted.load(Ordering::Relaxed);
                let _ = write!(out, "{}/s", HumanBytes(per_second(bytes, state.elapsed())));
            };
            let rows = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
                let _ = write!(
                    out,
                    "{}",
                    HumanCount(per_second(state.pos(), state.elapsed()))
                );
            };
            bar.set_style(
                style
                    .with_key("speed", speed)
                    .with_key("rows_per_second", rows),
            );
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Self {
            bar,
            bytes,
            started: Instant::now(),
            rows: 0,
        }
    }

    /// Counts more rows.
    pub fn add(&mut self, rows: usize, bytes: usize) {
        self.rows += rows as u64;
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.bar.inc(rows as u64);
    }

    /// Removes the bar, and returns the summary as one line.
    pub fn summary(self, files: u64, bytes: Option<u64>) -> String {
        self.bar.finish_and_clear();
        let elapsed = self.started.elapsed();
        let bytes = bytes.unwrap_or_else(|| self.bytes.load(Ordering::Relaxed));
        let files = match files {
            0 => String::new(),
            1 => " in 1 file".to_owned(),
            _ => format!(" in {} files", HumanCount(files)),
        };
        let (rows, speed) = (
            HumanCount(self.rows),
            HumanCount(per_second(self.rows, elapsed)),
        );
        format!(
            "{rows} rows{files}, {}, {:.2} s, {speed} rows/s",
            HumanBytes(bytes),
            elapsed.as_secs_f64()
        )
    }
}

fn per_second(number: u64, elapsed: Duration) -> u64 {
    let micros = elapsed.as_micros().max(1);
    u64::try_from(u128::from(number) * 1_000_000 / micros).unwrap_or(u64::MAX)
}
