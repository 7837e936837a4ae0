//! Pseudo-random numbers as a function of their purpose.
//!
//! Counter-based: each number is a hash of (seed, purpose, counters), so any row can be made independently, on any thread,
//! in any order. Knows no clock and no entropy.

/// Odd constants with evenly spread bits (digits of the golden ratio, and of the square roots of 2 and 3).
const MIX: [u64; 3] = [
    0x9E37_79B9_7F4A_7C15,
    0x6A09_E667_F3BC_C909,
    0xBB67_AE85_84CA_A73B,
];

/// The high and low halves of the 128-bit product, folded together: one multiplication moves every bit.
#[inline(always)]
const fn fold(a: u64, b: u64) -> u64 {
    let product = (a as u128) * (b as u128);
    (product as u64) ^ ((product >> 64) as u64)
}

/// A stream of random numbers for one purpose, from which any element can be read directly.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draws {
    key: u64,
}

impl Draws {
    /// The draws of `seed` for `purpose`; two purposes never share a stream.
    pub(crate) const fn new(seed: u64, purpose: u64) -> Self {
        let key = fold(seed ^ MIX[0], purpose.wrapping_mul(MIX[1]) ^ MIX[2]);
        Self {
            key: fold(key ^ MIX[1], purpose ^ MIX[0]),
        }
    }

    /// 64 random bits for `(a, b)`.
    ///
    /// The key is mixed in twice, around the first product, so that no value of `a` or `b` makes the result the same for
    /// all seeds (a factor of zero would).
    #[inline(always)]
    pub(crate) const fn at(self, a: u64, b: u64) -> u64 {
        let x = fold(
            a.wrapping_mul(MIX[0]) ^ self.key,
            b.wrapping_mul(MIX[1]) ^ MIX[2],
        );
        fold(x ^ self.key, MIX[0])
    }
}

/// Four times 64 random bits for one counter, with five multiplications.
#[inline(always)]
pub(crate) const fn lanes(draws: Draws, a: u64) -> [u64; 4] {
    let x = fold(a.wrapping_mul(MIX[0]) ^ draws.key, MIX[2] ^ draws.key) ^ draws.key;
    [
        fold(x, MIX[0]),
        fold(x ^ MIX[1], MIX[1]),
        fold(x ^ MIX[2], MIX[2]),
        fold(x ^ MIX[0], MIX[1] ^ MIX[2] | 1),
    ]
}

/// Maps `bits` (32 random bits) to an index below `n`, uniformly.
#[inline(always)]
pub(crate) const fn below(bits: u32, n: u32) -> u32 {
    ((bits as u64 * n as u64) >> 32) as u32
}

/// `rate` (0 to 1) as a threshold: 32 random bits are below it with that probability.
pub(crate) fn threshold(rate: f64) -> u64 {
    (rate.clamp(0.0, 1.0) * 4_294_967_296.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bit_is_set_half_of_the_time_for_consecutive_counters() {
        let draws = Draws::new(7, 1);
        let n = 20_000;
        for bit in 0..64 {
            let ones = (0..n).filter(|&i| draws.at(i, 0) >> bit & 1 == 1).count();
            assert!((9_600..10_400).contains(&ones), "bit {bit}: {ones} of {n}");
        }
    }

    #[test]
    fn lanes_share_no_bits_beyond_chance() {
        let draws = Draws::new(7, 1);
        let n = 20_000;
        for (one, other) in [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)] {
            for bit in 0..64 {
                let same = (0..n).filter(|&i| {
                    let lanes = lanes(draws, i);
                    (lanes[one] ^ lanes[other]) >> bit & 1 == 0
                });
                assert!(
                    (9_600..10_400).contains(&same.count()),
                    "lanes {one} and {other}, bit {bit}"
                );
            }
        }
    }

    #[test]
    fn neighbours_in_either_counter_share_no_bits_beyond_chance() {
        let draws = Draws::new(7, 1);
        let apart = |f: &dyn Fn(u64) -> u64| {
            (0..20_000)
                .map(|i| u64::from(f(i).count_ones()))
                .sum::<u64>()
        };
        for total in [
            apart(&|i| draws.at(i, 3) ^ draws.at(i + 1, 3)),
            apart(&|i| draws.at(3, i) ^ draws.at(3, i + 1)),
        ] {
            assert!((20_000 * 31..20_000 * 33).contains(&total), "{total}");
        }
    }

    #[test]
    fn no_value_repeats_among_a_million() {
        let draws = Draws::new(0, 0);
        let mut seen: Vec<u64> = (0..1_000_000).map(|i| draws.at(i, 0)).collect();
        seen.sort_unstable();
        assert!(seen.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
