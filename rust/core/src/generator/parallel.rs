//! The same stream, made by several threads.
//!
//! Planning is sequential and cheap, so the threads take turns at it; making text is the work, and each thread does that on
//! its own. Pieces come out in the stream's order.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::csv::Buffer;
use super::delivery::Block;
use super::plan::Planned;
use super::{Generator, Piece, render};

/// A block that is text by now; the rows' vector and the buffer go back to be used again.
struct Made {
    block: Block,
    buffer: Buffer,
}

/// Buffers a thread may have under way, so that a slow `sink` holds the threads up and memory stays constant.
const BUFFERS_PER_THREAD: usize = 4;

/// Makes the rest of the run (see [`Generator::end_at`]) with `threads` threads, and gives each piece in order to `sink`,
/// which runs on the calling thread: making and, say, writing overlap. An error of `sink` ends the run.
///
/// # Errors
/// What `sink` returned.
pub fn in_parallel<E>(
    generator: &mut Generator,
    threads: usize,
    mut sink: impl FnMut(Piece<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let threads = threads.max(1);
    let Generator {
        options,
        writer,
        delivery,
        ..
    } = generator;
    let (writer, format) = (&**writer, options.format);
    let first = delivery.next_index();
    let delivery = Mutex::new(delivery);
    let (made, ready) = mpsc::channel::<Made>();
    let (give_back, spare) = mpsc::channel::<(Vec<Planned>, Buffer)>();
    for _ in 0..threads * BUFFERS_PER_THREAD {
        // Cannot fail: `spare` is here.
        let _ = give_back.send(Default::default());
    }
    let spare = Mutex::new(spare);
    thread::scope(|scope| {
        for _ in 0..threads {
            let (made, delivery, spare) = (made.clone(), &delivery, &spare);
            scope.spawn(move || {
                loop {
                    // A closed channel means that the sink failed or the run ended.
                    let Ok((rows, mut buffer)) =
                        spare.lock().unwrap_or_else(PoisonError::into_inner).recv()
                    else {
                        return;
                    };
                    let block = delivery
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .next_block(rows);
                    let Some(block) = block else { return };
                    render(writer, format, &block, &mut buffer);
                    if made.send(Made { block, buffer }).is_err() {
                        return;
                    }
                }
            });
        }
        drop(made);
        in_order(first, ready, give_back, &mut sink)
    })
}

/// Gives pieces to `sink` in the order of their blocks, from block `next` on. Dropping both channels at its end stops the
/// threads.
fn in_order<E>(
    mut next: u64,
    ready: mpsc::Receiver<Made>,
    give_back: mpsc::Sender<(Vec<Planned>, Buffer)>,
    sink: &mut impl FnMut(Piece<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut early = BTreeMap::new();
    for made in ready {
        early.insert(made.block.index, made);
        while let Some(Made { block, buffer }) = early.remove(&next) {
            next += 1;
            sink(Piece {
                file: block.file,
                opens: block.opens,
                closes: block.closes,
                rows: block.rows.len(),
                bytes: buffer.as_slice(),
            })?;
            let _ = give_back.send((block.rows, buffer));
        }
    }
    Ok(())
}
