//! Weighted choice in constant time (Walker's alias method, with Vose's construction).

use std::hint::select_unpredictable;

/// Picks an index with the probability of its weight, from 32 random bits, with one look-up and no branch.
///
/// `N` slots, a power of two: the top bits choose a slot, the next 16 decide between the slot's own index and its alias.
/// A probability is therefore kept to within 1 / (65,536 N).
#[derive(Clone, Debug)]
pub(crate) struct Alias<const N: usize> {
    slots: [Slot; N],
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// Below it, the slot's own index is taken. 65,536 would not fit, so a full slot names itself as its alias.
    keep: u16,
    alias: u16,
}

impl<const N: usize> Alias<N> {
    const BITS: u32 = N.trailing_zeros();

    /// The table of `weights`; entries beyond their length are never picked.
    ///
    /// Integer arithmetic throughout, so that the table is the same on every machine.
    pub(crate) fn new(weights: &[u64]) -> Self {
        const { assert!(N.is_power_of_two() && N <= 1 << 16) };
        let total: u128 = weights
            .iter()
            .take(N)
            .map(|&weight| u128::from(weight))
            .sum::<u128>()
            .max(1);
        // Each slot holds `total` units; an entry has `weight * N` units to place.
        let mut units: Vec<u128> = (0..N)
            .map(|i| weights.get(i).map_or(0, |&w| u128::from(w) * N as u128))
            .collect();
        let mut slots = [Slot::default(); N];
        let (mut small, mut large): (Vec<usize>, Vec<usize>) =
            (0..N).partition(|&i| units[i] < total);
        while let (Some(poor), Some(&rich)) = (small.pop(), large.last()) {
            slots[poor] = Slot {
                keep: (units[poor] * 65_536 / total) as u16,
                alias: rich as u16,
            };
            units[rich] -= total - units[poor];
            if units[rich] < total {
                large.pop();
                small.push(rich);
            }
        }
        for full in large.into_iter().chain(small) {
            slots[full] = Slot {
                keep: 0,
                alias: full as u16,
            };
        }
        Self { slots }
    }

    /// The index that these 32 random bits pick.
    #[inline(always)]
    pub(crate) fn pick(&self, bits: u32) -> usize {
        let own = (bits >> (32 - Self::BITS)) as usize & (N - 1);
        let slot = self.slots[own];
        let fraction = (bits >> (16 - Self::BITS)) as u16;
        // With `N - 1` the compiler knows that the index is within a table of N, and omits the bounds check. The choice
        // is random: a branch would be mispredicted half of the time.
        select_unpredictable(fraction < slot.keep, own, usize::from(slot.alias)) & (N - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Draws;

    #[test]
    fn picks_follow_the_weights() {
        let weights = [50, 30, 15, 4, 1];
        let alias = Alias::<8>::new(&weights);
        let draws = Draws::new(1, 1);
        let mut counts = [0_u64; 8];
        for i in 0..100_000 {
            counts[alias.pick(draws.at(i, 0) as u32)] += 1;
        }
        for (i, &weight) in weights.iter().enumerate() {
            let expected = weight * 1_000;
            let slack = 5 * (expected as f64).sqrt() as u64;
            assert!(
                counts[i].abs_diff(expected) < slack,
                "{i}: {} for {expected}",
                counts[i]
            );
        }
        assert_eq!(counts[5..], [0, 0, 0]);
    }
}
