//! A stream of changes of customers: a seed in, bytes out.
//!
//! Events are planned one after the other (`plan`: which customers exist, and what changes), assigned to files together with the
//! configured faults (`delivery`), and rendered as text in any order on any number of threads (`csv`, the hot loop).
//! A customer's data depends on seed, number and history alone (`person`, `population`).
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

mod csv;
mod defect;
mod delivery;
mod digits;
mod malformed;
mod manifest;
mod options;
mod parallel;
mod person;
mod plan;
mod population;
mod spec;
mod tables;
mod tally;
#[cfg(test)]
mod tests;
mod text;

use std::sync::Arc;

use csv::{Buffer, Writer};
pub use defect::Defect;
pub use delivery::Position;
use delivery::{Block, Delivery};
pub use manifest::{FinalState, Manifest};
pub use options::{Format, OPTIONS, Options};
pub use parallel::in_parallel;
use plan::{Planned, Planner};
use population::Population;
pub use spec::{Group, Kind, OptionSpec, Property};
pub use tally::{FileId, FileTally, MalformedRow, Tally};

use crate::error::Result;
use crate::event::{Event, HEADER, Op};

/// A piece of a file: some of its rows, in their order.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    /// The file that the rows belong to.
    pub file: FileId,
    /// Whether it is the file's first piece; in CSV it begins with the header.
    pub opens: bool,
    /// Whether it is the file's last piece.
    pub closes: bool,
    /// Rows in it.
    pub rows: usize,
    /// The text.
    pub bytes: &'a [u8],
}

/// Generates the stream that its [`Options`] describe, piece by piece.
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
    /// `Config` if the options are invalid.
    pub fn new(options: Options) -> Result<Self> {
        let options = options.validated()?;
        let population = Population::new(&options);
        let writer = Arc::new(Writer::new(&options, population.clone()));
        let delivery = Delivery::new(&options, Planner::new(&options, population));
        Ok(Self {
            options,
            writer,
            delivery,
            buffer: Buffer::default(),
            spare: Vec::new(),
        })
    }

    /// Resumes a stream where it stopped: it continues as an uninterrupted run would.
    ///
    /// The earlier events are planned again, without making text, at about 100 million a second for inserts and some tens
    /// of millions for changes; so only a position has to be stored.
    ///
    /// # Errors
    /// `Config` if the options are invalid.
    pub fn resume(options: Options, position: Position) -> Result<Self> {
        let mut generator = Self::new(options)?;
        if position.next_sequence > 0 {
            generator.options.reaches(position.next_sequence - 1)?;
        }
        generator.delivery.seek(position);
        Ok(generator)
    }

    /// The options of the stream.
    #[must_use]
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// The position of the stream; exact between files.
    #[must_use]
    pub fn position(&self) -> Position {
        self.delivery.position()
    }

    /// Ends the run before the event of that sequence number; the run's last file holds the late events. By default a stream
    /// has no end.
    ///
    /// # Errors
    /// `Config` if the stream cannot have that many events.
    pub fn end_at(&mut self, sequence: u64) -> Result<()> {
        self.options.reaches(sequence.saturating_sub(1))?;
        self.delivery.end_at(sequence);
        Ok(())
    }

    /// Skips the files before the event `sequence` without making their text. They count as delivered by this run, so that a
    /// killed run resumes exactly where it stopped.
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

    /// After an endless stream was stopped between two files: the next piece of one more file, which holds the undelivered
    /// late events; none if there are none.
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

    /// The counts of what this run has delivered so far.
    #[must_use]
    pub const fn tally(&self) -> &Tally {
        &self.delivery.tally
    }

    /// Returns the counts since the last call and resets them, so that an endless stream keeps no counts of old files.
    pub fn take_tally(&mut self) -> Tally {
        std::mem::take(&mut self.delivery.tally)
    }

    /// The current customers, each with the row that a correct target holds (`op` is `I`; `updated_at` and `sequence`
    /// are placeholders), in no particular order.
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
            defect: None,
        };
        self.writer.event(&row)
    }
}

/// Renders the text of `block` into `out` (cleared first).
fn render(writer: &Writer, format: Format, block: &Block, out: &mut Buffer) {
    out.clear();
    if block.opens && format == Format::Csv {
        out.append(HEADER.as_bytes());
    }
    for rows in block
        .rows
        .chunk_by(|a, b| a.defect.is_none() && b.defect.is_none())
    {
        match (rows[0].defect, format) {
            (Some(defect), _) => malformed::write(writer.event(&rows[0]), defect, format, out),
            (None, Format::Csv) => writer.csv(rows, out),
            (None, Format::Jsonl) => {
                for row in rows {
                    out.append(text::json_row(&text::fields(writer.event(row)), false).as_bytes());
                }
            }
        }
    }
}
