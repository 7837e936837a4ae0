//! Generates the same stream with several threads.
//!
//! Planning is sequential and cheap, so the threads take turns at it; rendering text is the main work, and each thread does it on
//! its own. Pieces are delivered in the stream's order: a thread puts each finished piece on the shelf, and delivers the next
//! ones there unless another thread is delivering. So no thread waits for another while there is work, and no thread is
//! needed only to deliver pieces.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::csv::{Buffer, Writer};
use super::delivery::{Block, Delivery};
use super::plan::Planned;
use super::tally::FileId;
use super::{Format, Generator, Piece, render};

/// A block that has been rendered as text.
struct Made {
    file: FileId,
    opens: bool,
    closes: bool,
    rows: usize,
    buffer: Buffer,
}

/// Finished pieces that are not yet delivered, and buffers for reuse.
struct Shelf<E> {
    /// By the blocks' index.
    made: BTreeMap<u64, Made>,
    /// The index of the next block to deliver.
    next: u64,
    /// Whether a thread is delivering pieces.
    busy: bool,
    /// The last used is the first to be reused: its memory is still in the cache.
    spare: Vec<Buffer>,
    failure: Option<E>,
    panicked: bool,
}

/// Blocks that a thread plans at a time, so that turns are rare, and waking a thread costs little compared to the work.
const BLOCKS_PER_TURN: usize = 8;
/// How far a thread may be ahead of the delivered blocks, in blocks per thread: a slow `sink` blocks the threads, and memory
/// use stays constant.
const AHEAD_PER_THREAD: u64 = 2 * BLOCKS_PER_TURN as u64;

/// Generates the rest of the run (see [`Generator::end_at`]) with `threads` threads, and passes each piece in order to `sink`, one
/// at a time, on any of the threads: with two or more, rendering overlaps with the work of `sink`. An error of `sink` ends
/// the run.
///
/// # Errors
/// The error that `sink` returned.
pub fn in_parallel<E: Send>(
    generator: &mut Generator,
    threads: usize,
    sink: impl FnMut(Piece<'_>) -> Result<(), E> + Send,
) -> Result<(), E> {
    let Generator {
        options,
        writer,
        delivery,
        ..
    } = generator;
    let next = delivery.next_index();
    let line = Line {
        writer,
        format: options.format,
        delivery: Mutex::new(delivery),
        shelf: Mutex::new(Shelf {
            made: BTreeMap::new(),
            next,
            busy: false,
            spare: Vec::new(),
            failure: None,
            panicked: false,
        }),
        handed_out: Condvar::new(),
        ahead: threads.max(1) as u64 * AHEAD_PER_THREAD,
        sink: Mutex::new(sink),
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|| line.work());
        }
        line.work();
    });
    let shelf = line.shelf.into_inner();
    let failure = shelf.unwrap_or_else(PoisonError::into_inner).failure;
    failure.map_or(Ok(()), Err)
}

/// The state that the threads share.
struct Line<'a, E, S> {
    writer: &'a Writer,
    format: Format,
    delivery: Mutex<&'a mut Delivery>,
    shelf: Mutex<Shelf<E>>,
    /// Signals that there is room on the shelf, or that the run has failed.
    handed_out: Condvar,
    ahead: u64,
    sink: Mutex<S>,
}

impl<E, S: FnMut(Piece<'_>) -> Result<(), E>> Line<'_, E, S> {
    /// Renders blocks until the run ends or fails.
    fn work(&self) {
        let _alarm = Alarm(self);
        let mut planned: Vec<Block> = Vec::with_capacity(BLOCKS_PER_TURN);
        let mut spare: Vec<Vec<Planned>> = Vec::new();
        loop {
            let mut delivery = lock(&self.delivery);
            while planned.len() < BLOCKS_PER_TURN
                && let Some(block) = delivery.next_block(spare.pop().unwrap_or_default())
            {
                planned.push(block);
            }
            drop(delivery);
            if planned.is_empty() {
                return;
            }
            for block in planned.drain(..) {
                let Some(mut buffer) = self.buffer_for(block.index) else {
                    return;
                };
                render(self.writer, self.format, &block, &mut buffer);
                let made = Made {
                    file: block.file,
                    opens: block.opens,
                    closes: block.closes,
                    rows: block.rows.len(),
                    buffer,
                };
                self.hand_out(block.index, made);
                spare.push(block.rows);
            }
        }
    }

    /// Waits until `index` is near enough to the delivered blocks, and returns a buffer; none when the run has failed.
    /// The thread that renders the next block never waits, so there is no deadlock.
    fn buffer_for(&self, index: u64) -> Option<Buffer> {
        let mut shelf = lock(&self.shelf);
        while index >= shelf.next + self.ahead && !shelf.ended() {
            shelf = self
                .handed_out
                .wait(shelf)
                .unwrap_or_else(PoisonError::into_inner);
        }
        (!shelf.ended()).then(|| shelf.spare.pop().unwrap_or_default())
    }

    /// Puts a block on the shelf, and delivers the next blocks there unless another thread is doing so.
    fn hand_out(&self, index: u64, made: Made) {
        let mut shelf = lock(&self.shelf);
        shelf.made.insert(index, made);
        if shelf.busy {
            return;
        }
        shelf.busy = true;
        while let Some(made) = shelf.take_next() {
            drop(shelf);
            let outcome = (lock(&self.sink))(Piece {
                file: made.file,
                opens: made.opens,
                closes: made.closes,
                rows: made.rows,
                bytes: made.buffer.as_slice(),
            });
            shelf = lock(&self.shelf);
            shelf.spare.push(made.buffer);
            if let Err(failure) = outcome {
                shelf.failure = Some(failure);
            }
            self.handed_out.notify_all();
        }
        shelf.busy = false;
    }
}

impl<E> Shelf<E> {
    /// The next block, if it is there and the run has not failed.
    fn take_next(&mut self) -> Option<Made> {
        let made = if self.ended() {
            None
        } else {
            self.made.remove(&self.next)
        };
        self.next += u64::from(made.is_some());
        made
    }

    const fn ended(&self) -> bool {
        self.failure.is_some() || self.panicked
    }
}

/// Ends the run if this thread panics, so that the others do not wait for its block forever.
struct Alarm<'l, 'a, E, S>(&'l Line<'a, E, S>);

impl<E, S> Drop for Alarm<'_, '_, E, S> {
    fn drop(&mut self) {
        if thread::panicking() {
            lock(&self.0.shelf).panicked = true;
            self.0.handed_out.notify_all();
        }
    }
}

/// Locks despite poisoning: a panic of another thread is reported when that thread is joined.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
