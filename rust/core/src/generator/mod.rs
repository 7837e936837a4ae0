//! A stream of customers and of what happens to them: a seed in, bytes out.
//!
//! Events are planned one after the other (`plan`: who is alive, what happens to whom), assigned to files with whatever
//! mischief is wanted (`delivery`), and made into text in any order on any number of threads (`csv`, the hot loop).
//! Who a customer is follows from seed, number and history alone (`person`).
//!
//! Pure: no clock, no ambient randomness, no file system, no network. Equal options give equal bytes everywhere.
//!
//! ```
//! use firn::generator::{Generator, Options};
//! let mut generator = Generator::new(Options { seed: 42, updates: 0.3, deletes: 0.05, ..Options::default() })?;
//! generator.end_at(1_000)?;
//! let mut csv = Vec::new();
//! while let Some(piece) = generator.next_piece() {
//!     csv.extend_from_slice(piece.bytes);
//! }
//! assert_eq!(csv.iter().filter(|&&byte| byte == b'\n').count(), 1_001);
//! # Ok::<(), firn::Error>(())
//! ```

mod broken;
mod csv;
mod delivery;
mod digits;
mod manifest;
mod options;
mod parallel;
mod person;
mod plan;
mod tables;
#[cfg(test)]
mod tests;
mod text;

use std::sync::Arc;

pub use broken::Breakage;
use csv::{Buffer, Writer};
use delivery::{Block, Delivery};
pub use delivery::{FileId, Position};
pub use manifest::{BrokenRow, FileTally, FinalState, Manifest, Tally};
pub use options::{Format, Options};
pub use parallel::in_parallel;
use plan::{Fate, Planned, Planner};

use crate::error::Result;
use crate::event::{Event, HEADER, Op};

/// A piece of a file: some of its rows, in their order.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    /// The file that the rows belong to.
    pub file: FileId,
    /// It is the file's first piece; in CSV it begins with the header.
    pub opens: bool,
    /// It is the file's last piece.
    pub closes: bool,
    /// Rows in it.
    pub rows: usize,
    /// The text.
    pub bytes: &'a [u8],
}

/// Makes the stream that its [`Options`] describe, piece by piece.
#[derive(Debug)]
pub struct Generator {
    options: Options,
    writer: Arc<Writer>,
    delivery: Delivery,
    buffer: Buffer,
    spare: Vec<Planned>,
}

impl Generator {
    /// A stream from its beginning.
    ///
    /// # Errors
    /// `Config` if the options make no sense.
    pub fn new(options: Options) -> Result<Self> {
        let options = options.validated()?;
        let writer = Arc::new(Writer::new(&options));
        let delivery = Delivery::new(&options, Planner::new(&options, Arc::clone(&writer)));
        Ok(Self {
            options,
            writer,
            delivery,
            buffer: Buffer::default(),
            spare: Vec::new(),
        })
    }

    /// A stream from where it stopped: what follows is what one uninterrupted run would have made.
    ///
    /// The events before are planned again, without making text, at about 100 million a second for inserts and some tens
    /// of millions for changes; so a position is all that has to be kept.
    ///
    /// # Errors
    /// `Config` if the options make no sense.
    pub fn resume(options: Options, position: Position) -> Result<Self> {
        let mut generator = Self::new(options)?;
        if position.next_sequence > 0 {
            generator.options.reaches(position.next_sequence - 1)?;
        }
        generator.delivery.seek(position);
        Ok(generator)
    }

    /// What the stream is made from.
    #[must_use]
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// Where the stream stands; exact between files.
    #[must_use]
    pub fn position(&self) -> Position {
        self.delivery.position()
    }

    /// Ends the run before the event of that sequence number; what is late arrives in the run's last file. Without an end
    /// a stream goes on and on.
    ///
    /// # Errors
    /// `Config` if the stream cannot reach so far.
    pub fn end_at(&mut self, sequence: u64) -> Result<()> {
        self.options.reaches(sequence.saturating_sub(1))?;
        self.delivery.end_at(sequence);
        Ok(())
    }

    /// Passes the files before the event `sequence` without making their text. They count as delivered by this run, which
    /// so goes on exactly where it was killed.
    pub fn pass_to(&mut self, sequence: u64) {
        while self.position().next_sequence < sequence {
            match self.delivery.next_block(std::mem::take(&mut self.spare)) {
                Some(block) => self.spare = block.rows,
                None => return,
            }
        }
    }

    /// The next piece of the stream; none when the run has ended.
    pub fn next_piece(&mut self) -> Option<Piece<'_>> {
        let block = self.delivery.next_block(std::mem::take(&mut self.spare))?;
        Some(self.render_here(block))
    }

    /// After a stream without end was stopped between two files: the next piece of one more file, which holds what is
    /// still late. None when nothing is.
    pub fn flush(&mut self) -> Option<Piece<'_>> {
        let block = self.delivery.flush(std::mem::take(&mut self.spare))?;
        Some(self.render_here(block))
    }

    fn render_here(&mut self, block: Block) -> Piece<'_> {
        render(&self.writer, self.options.format, &block, &mut self.buffer);
        let piece = Piece {
            file: block.file,
            opens: block.opens,
            closes: block.closes,
            rows: block.rows.len(),
            bytes: self.buffer.as_slice(),
        };
        self.spare = block.rows;
        piece
    }

    /// What has been delivered so far, by this run.
    #[must_use]
    pub const fn tally(&self) -> &Tally {
        &self.delivery.tally
    }

    /// Hands over what was delivered since the last call and counts anew, so that a stream without end remembers nothing
    /// of old files.
    pub fn take_tally(&mut self) -> Tally {
        std::mem::take(&mut self.delivery.tally)
    }

    /// The customers alive now, each with the row that a correct target holds (`op` is `I`, `updated_at` and `sequence`
    /// are not theirs), in no particular order.
    pub fn living(&self) -> impl Iterator<Item = Event> + '_ {
        (0..self.delivery.planner().living_count()).map(|index| self.living_at(index))
    }

    fn living_at(&self, index: u64) -> Event {
        let customer = self.delivery.planner().living(index);
        let row = Planned {
            sequence: 0,
            id: customer.id,
            life: customer.life,
            op: Op::Insert,
            fate: Fate::Sound,
        };
        self.writer.event(&row)
    }
}

/// The text of `block`, in `out` (cleared first).
fn render(writer: &Writer, format: Format, block: &Block, out: &mut Buffer) {
    out.clear();
    if block.opens && format == Format::Csv {
        out.append(HEADER.as_bytes());
    }
    for rows in block
        .rows
        .chunk_by(|a, b| a.fate == Fate::Sound && b.fate == Fate::Sound)
    {
        match (rows[0].fate, format) {
            (Fate::Broken(breakage), _) => {
                broken::write(writer.event(&rows[0]), breakage, format, out)
            }
            (Fate::Sound, Format::Csv) => writer.csv(rows, out),
            (Fate::Sound, Format::Jsonl) => {
                for row in rows {
                    out.append(text::json_row(&text::fields(writer.event(row)), false).as_bytes());
                }
            }
        }
    }
}
