//! Finds the bytes that shape CSV (comma, quote, line feed, carriage return), one bit for each byte.

#[cfg(target_arch = "x86_64")]
use pulp::x86::V3;

/// The bits of 64 bytes each, lowest first; rewritten for every filling of the buffer.
#[derive(Default)]
pub(super) struct Marks {
    masks: Vec<u64>,
}

/// Walks over the marked bytes in order.
#[derive(Clone, Copy)]
pub(super) struct Cursor {
    block: usize,
    mask: u64,
}

impl Marks {
    /// Marks all of `bytes`.
    pub fn set(&mut self, bytes: &[u8]) {
        self.masks.clear();
        self.masks.reserve(bytes.len() / 64 + 1);
        let (blocks, tail) = bytes.as_chunks::<64>();
        mark(blocks, &mut self.masks);
        if !tail.is_empty() {
            self.masks.push(mask_portable(tail));
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
fn mark(blocks: &[[u8; 64]], masks: &mut Vec<u64>) {
    match V3::try_new() {
        Some(simd) => simd.vectorize(
            #[inline(always)]
            || {
                for block in blocks {
                    masks.push(half_mask(simd, block, 0) | half_mask(simd, block, 32) << 32);
                }
            },
        ),
        None => masks.extend(blocks.iter().map(|block| mask_portable(block))),
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn mark(blocks: &[[u8; 64]], masks: &mut Vec<u64>) {
    masks.extend(blocks.iter().map(|block| mask_portable(block)));
}

/// The bits of 32 bytes from `at`. The four bytes differ in their lower half, so one shuffle by it gives the only byte
/// that could match.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn half_mask(simd: V3, block: &[u8; 64], at: usize) -> u64 {
    const BY_LOWER_HALF: [u8; 16] = {
        let mut table = [0; 16];
        table[0] = 0xff;
        table[(b',' & 15) as usize] = b',';
        table[(b'"' & 15) as usize] = b'"';
        table[(b'\n' & 15) as usize] = b'\n';
        table[(b'\r' & 15) as usize] = b'\r';
        table
    };
    let table = pulp::cast([BY_LOWER_HALF, BY_LOWER_HALF]);
    let mut bytes = [0_u8; 32];
    bytes.copy_from_slice(&block[at..at + 32]);
    let bytes = pulp::cast(bytes);
    let candidates = simd.avx2._mm256_shuffle_epi8(table, bytes);
    u64::from(
        simd.avx2
            ._mm256_movemask_epi8(simd.avx2._mm256_cmpeq_epi8(candidates, bytes))
            .cast_unsigned(),
    )
}

fn mask_portable(bytes: &[u8]) -> u64 {
    let bits = bytes.iter().enumerate();
    bits.fold(0, |mask, (index, byte)| {
        mask | u64::from(matches!(byte, b',' | b'"' | b'\n' | b'\r')) << index
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vector_and_plain_code_mark_the_same_bytes() {
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
