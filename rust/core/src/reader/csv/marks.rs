//! Finds the special bytes of CSV (delimiter, quote, line end), one bit per byte, and the ends of fields.

#[cfg(target_arch = "x86_64")]
use pulp::x86::V3;

use super::dialect::Dialect;

/// The special bytes of a buffer; computed again whenever it is filled.
#[derive(Default)]
pub(super) struct Marks {
    /// The marked bytes, one bit for each of 64, lowest first.
    masks: Vec<u64>,
    /// The ends of fields in order: delimiters and line ends outside quotes. Longer than `fields`.
    ends: Vec<u32>,
    fields: usize,
    quoting: Quoting,
    dialect: Dialect,
}

/// The state of quotes and carriage returns between blocks.
#[derive(Default)]
struct Quoting {
    /// All ones within quotes.
    inside: u64,
    /// The last bit of the previous block, for each kind.
    after_end: u64,
    after_closing: u64,
    after_return: u64,
    /// Whether the last byte made the one after it plain text.
    after_escape: u64,
    is_odd: bool,
    has_breaks: bool,
}

/// One bit per byte, for 64 bytes.
struct Block {
    delimiter: u64,
    quote: u64,
    feed: u64,
    carriage: u64,
    escape: u64,
}

impl Block {
    /// Removes bytes that the dialect does not use, and escaped ones.
    #[inline(always)]
    fn shaped(mut self, dialect: &Dialect, quoting: &mut Quoting) -> Self {
        if dialect.quote.is_none() {
            self.quote = 0;
        }
        if dialect.line_end != b'\n' {
            self.carriage = 0;
        }
        if dialect.escape.is_some() {
            let plain = quoting.escaped(self.escape);
            self.delimiter &= !plain;
            self.quote &= !plain;
            self.feed &= !plain;
            self.carriage &= !plain;
        }
        self
    }
}

impl Quoting {
    /// The bytes after an escape that is not itself escaped. Escapes are rare, so each is handled individually.
    #[cold]
    fn escaped(&mut self, escapes: u64) -> u64 {
        let mut plain = self.after_escape;
        let mut rest = escapes & !plain;
        self.after_escape = 0;
        while rest != 0 {
            let at = rest.trailing_zeros();
            rest &= rest - 1;
            if at == 63 {
                self.after_escape = 1;
            } else {
                plain |= 1 << (at + 1);
                rest &= !(1 << (at + 1));
            }
        }
        plain
    }

    /// The field ends of a block, of which only the bytes in `valid` are used.
    #[inline(always)]
    fn ends(&mut self, block: &Block, valid: u64) -> u64 {
        let inside = if block.quote == 0 {
            self.inside
        } else {
            prefix_xor(block.quote) ^ self.inside
        };
        let (opening, closing) = (block.quote & inside, block.quote & !inside);
        let ends = (block.delimiter | block.feed) & !inside;
        let carriage = block.carriage & !inside;
        let after_end = ends << 1 | self.after_end;
        let after_closing = closing << 1 | self.after_closing;
        let after_return = carriage << 1 | self.after_return;
        // A quote opens after a field's end, or doubles the closing one just before it. A closing quote is followed by an
        // end, its double, or a line end; a carriage return is always part of a line end.
        let odd = (opening & !(after_end | after_closing))
            | (after_closing & !(ends | opening | carriage))
            | (after_return & !block.feed);
        self.is_odd |= odd & valid != 0;
        self.has_breaks |= block.feed & inside != 0;
        self.inside = (inside.cast_signed() >> 63).cast_unsigned();
        self.after_end = ends >> 63;
        self.after_closing = closing >> 63;
        self.after_return = carriage >> 63;
        ends
    }
}

/// Replaces each bit by the parity of the bits up to it.
#[inline(always)]
fn prefix_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

/// Walks over the marked bytes in order.
#[derive(Clone, Copy)]
pub(super) struct Cursor {
    block: usize,
    mask: u64,
}

impl Marks {
    /// Empty marks for files in this dialect.
    pub fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            ..Self::default()
        }
    }

    /// Marks all of `bytes`, which begin at a row's start.
    pub fn set(&mut self, bytes: &[u8]) {
        self.masks.clear();
        self.masks.reserve(bytes.len() / 64 + 1);
        self.fields = 0;
        self.quoting = Quoting {
            after_end: 1,
            ..Quoting::default()
        };
        let (blocks, tail) = bytes.as_chunks::<64>();
        self.mark(blocks);
        if !tail.is_empty() {
            let mut padded = [0; 64];
            padded[..tail.len()].copy_from_slice(tail);
            let block = portable(&self.dialect, &padded);
            let base = blocks.len() * 64;
            self.push(block, base, u64::MAX >> (64 - tail.len()));
        }
    }

    /// The ends of fields, if every quote and carriage return is in a valid position, so that rows need no further check.
    pub fn ends(&self) -> Option<&[u32]> {
        (!self.quoting.is_odd).then(|| &self.ends[..self.fields])
    }

    /// Whether some field spans lines; valid only if there are [`Marks::ends`].
    pub fn has_breaks(&self) -> bool {
        self.quoting.has_breaks
    }

    #[inline(always)]
    fn push(&mut self, block: Block, base: usize, valid: u64) {
        let block = block.shaped(&self.dialect, &mut self.quoting);
        self.masks
            .push((block.delimiter | block.quote | block.feed | block.carriage) & valid);
        let mut ends = self.quoting.ends(&block, valid) & valid;
        let count = ends.count_ones() as usize;
        if self.ends.len() < self.fields + 64 {
            self.ends.resize((self.fields + 64) * 2, 0);
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a buffer holds a few rows of at most some megabytes"
        )]
        let base = base as u32;
        // Writes eight at a time without a branch for each; the next block overwrites the excess.
        let mut written = 0;
        while written < count {
            let (slots, _) = self.ends[self.fields + written..].as_chunks_mut::<8>();
            let Some(slots) = slots.first_mut() else {
                break;
            };
            for slot in slots {
                *slot = base + ends.trailing_zeros();
                ends &= ends.wrapping_sub(1);
            }
            written += 8;
        }
        self.fields += count;
    }

    #[cfg(target_arch = "x86_64")]
    fn mark(&mut self, blocks: &[[u8; 64]]) {
        let dialect = self.dialect;
        match V3::try_new() {
            Some(simd) => simd.vectorize(
                #[inline(always)]
                || {
                    for (index, block) in blocks.iter().enumerate() {
                        self.push(vector(simd, &dialect, block), index * 64, u64::MAX);
                    }
                },
            ),
            None => self.mark_portable(blocks),
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn mark(&mut self, blocks: &[[u8; 64]]) {
        self.mark_portable(blocks);
    }

    fn mark_portable(&mut self, blocks: &[[u8; 64]]) {
        for (index, block) in blocks.iter().enumerate() {
            self.push(portable(&self.dialect, block), index * 64, u64::MAX);
        }
    }

    /// A cursor at the first mark at or after `position`.
    pub fn from(&self, position: usize) -> Cursor {
        let block = position / 64;
        let mask = self.masks.get(block).copied().unwrap_or(0) & (u64::MAX << (position % 64));
        Cursor { block, mask }
    }

    /// The next marked position.
    #[inline(always)]
    pub fn next(&self, cursor: &mut Cursor) -> Option<usize> {
        while cursor.mask == 0 {
            cursor.block += 1;
            cursor.mask = *self.masks.get(cursor.block)?;
        }
        let position = cursor.block * 64 + cursor.mask.trailing_zeros() as usize;
        cursor.mask &= cursor.mask - 1;
        Some(position)
    }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn vector(simd: V3, dialect: &Dialect, block: &[u8; 64]) -> Block {
    let (halves, _) = block.as_chunks::<32>();
    let bits = |byte: u8| {
        let wanted = pulp::cast([byte; 32]);
        halves.iter().rev().fold(0_u64, |bits, half| {
            let equal = simd.avx2._mm256_cmpeq_epi8(wanted, pulp::cast(*half));
            bits << 32 | u64::from(simd.avx2._mm256_movemask_epi8(equal).cast_unsigned())
        })
    };
    Block {
        delimiter: bits(dialect.delimiter),
        quote: bits(dialect.quote.unwrap_or_default()),
        feed: bits(dialect.line_end),
        carriage: bits(b'\r'),
        escape: dialect.escape.map_or(0, bits),
    }
}

fn portable(dialect: &Dialect, block: &[u8; 64]) -> Block {
    let bits = |wanted: u8| {
        let bytes = block.iter().enumerate();
        bytes.fold(0, |bits, (index, byte)| {
            bits | u64::from(*byte == wanted) << index
        })
    };
    Block {
        delimiter: bits(dialect.delimiter),
        quote: bits(dialect.quote.unwrap_or_default()),
        feed: bits(dialect.line_end),
        carriage: bits(b'\r'),
        escape: dialect.escape.map_or(0, bits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vector_and_portable_code_mark_the_same_bytes() {
        let bytes: Vec<u8> = (0..=255)
            .cycle()
            .step_by(7)
            .take(1000)
            .chain(*b"a,b\"c\r\n")
            .collect();
        let mut marks = Marks::default();
        marks.set(&bytes);
        let expected: Vec<usize> = (0..bytes.len())
            .filter(|&at| b",\"\n\r".contains(&bytes[at]))
            .collect();
        let mut cursor = marks.from(0);
        let found: Vec<usize> = std::iter::from_fn(|| marks.next(&mut cursor)).collect();
        assert_eq!(found, expected);
    }
}
