//! The core's log records, queued until Java fetches them: Rust threads never call into the JVM. The queue is bounded: when it is full, the
//! oldest records are dropped and counted. Other crates are logged from `warn` up only, as their debug output may contain request bodies.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use log::{Level, LevelFilter, Log, Metadata, Record};
use serde::Serialize;

const CAPACITY: usize = 4096;

/// One record for slf4j.
#[derive(Debug, Serialize)]
pub struct Line {
    /// `ERROR`, `WARN`, `INFO`, `DEBUG` or `TRACE`.
    level: &'static str,
    /// The Rust module path, such as `firn::snowflake`.
    target: String,
    message: String,
}

struct Queue {
    lines: VecDeque<Line>,
    dropped: usize,
}

static QUEUE: Mutex<Queue> = Mutex::new(Queue {
    lines: VecDeque::new(),
    dropped: 0,
});

fn queue() -> MutexGuard<'static, Queue> {
    QUEUE.lock().unwrap_or_else(PoisonError::into_inner)
}

struct QueueLogger;

impl Log for QueueLogger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Warn || metadata.target().starts_with("firn")
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let line = Line {
                level: record.level().as_str(),
                target: record.target().to_owned(),
                message: record.args().to_string(),
            };
            push(line);
        }
    }

    fn flush(&self) {}
}

fn push(line: Line) {
    let mut queue = queue();
    if queue.lines.len() == CAPACITY {
        queue.lines.pop_front();
        queue.dropped += 1;
    }
    queue.lines.push_back(line);
}

/// Sends the core's log and the location of panics to the queue. Safe to call again.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // It fails only if there is a logger already, and this library installs no other one.
        if log::set_logger(&QueueLogger).is_ok() {
            log::set_max_level(LevelFilter::Info);
        }
        std::panic::set_hook(Box::new(|panic| log::error!(target: "firn", "{panic}")));
    });
}

/// Removes and returns all queued lines, the oldest first.
pub fn drain() -> Vec<Line> {
    let mut queue = queue();
    let dropped = std::mem::take(&mut queue.dropped);
    let mut lines: Vec<Line> = queue.lines.drain(..).collect();
    if dropped > 0 {
        let message = format!("dropped {dropped} older log lines: the queue was full");
        lines.insert(
            0,
            Line {
                level: "WARN",
                target: "firn".to_owned(),
                message,
            },
        );
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_order_and_a_full_queue_drops_and_counts_the_oldest() {
        install();
        for n in 0..=CAPACITY {
            log::info!(target: "firn::flood", "line {n}");
        }
        log::info!(target: "hyper", "a stranger's chatter");
        let lines = drain();
        assert_eq!(
            lines[0].message,
            "dropped 1 older log lines: the queue was full"
        );
        assert_eq!(lines[1].message, "line 1");
        assert_eq!(lines.len(), CAPACITY + 1);
        assert_eq!(lines[CAPACITY].message, format!("line {CAPACITY}"));
        assert!(drain().is_empty());
    }
}
