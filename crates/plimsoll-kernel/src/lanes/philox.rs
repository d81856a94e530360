//! Words by counter: Philox4x32-10 (Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3").
//!
//! The key is the seed; the counter is a block's number and a path's. A block is two words of 64 bits.

use super::Drawn;
use crate::panel::LANES;
use crate::simd::Simd;
use std::array::from_fn;

const MULTIPLIERS: [u64; 2] = [0xD251_1F53, 0xCD9E_8D57];
const KEY_STEPS: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUNDS: usize = 10;
/// The lower half of a word.
const HALF: u64 = 0xFFFF_FFFF;

/// One block of four words: the definition.
#[must_use]
pub fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for round in 0..ROUNDS {
        if round > 0 {
            key = next(key);
        }
        let products = [MULTIPLIERS[0] * u64::from(counter[0]), MULTIPLIERS[1] * u64::from(counter[2])];
        let high = |product: u64| (product >> 32) as u32;
        let low = |product: u64| (product & HALF) as u32;
        counter = [
            high(products[1]) ^ counter[1] ^ key[0],
            low(products[1]),
            high(products[0]) ^ counter[3] ^ key[1],
            low(products[0]),
        ];
    }
    counter
}

fn next(key: [u32; 2]) -> [u32; 2] {
    [key[0].wrapping_add(KEY_STEPS[0]), key[1].wrapping_add(KEY_STEPS[1])]
}

/// Eight paths under a seed.
#[derive(Clone, Copy)]
pub(super) struct Whose<S: Simd> {
    seed: u64,
    /// The lower halves of the paths' numbers, and the upper.
    paths: [S::I; 2],
}

impl<S: Simd> Whose<S> {
    /// Those of a register of a tile.
    #[inline(always)]
    pub(super) fn new(s: S, drawn: Drawn, register: usize) -> Whose<S> {
        let paths = s.load_words(&from_fn(|lane| drawn.first.wrapping_add((register * LANES + lane) as u64)));
        Whose { seed: drawn.seed, paths: [paths, s.down(paths, 32)] }
    }
}

/// The two words of a block of each path.
#[inline(always)]
pub(super) fn pair<S: Simd>(s: S, whose: &Whose<S>, block: u64) -> [S::I; 2] {
    // Only the lower half of a number counts until the end: multiplying asks for no other.
    let mut counter = [s.splat_word(block), s.splat_word(block >> 32), whose.paths[0], whose.paths[1]];
    let multipliers = MULTIPLIERS.map(|multiplier| s.splat_word(multiplier));
    let mut key = [(whose.seed & HALF) as u32, (whose.seed >> 32) as u32];
    for round in 0..ROUNDS {
        if round > 0 {
            key = next(key);
        }
        let [first, second] =
            [s.halves_product(multipliers[0], counter[0]), s.halves_product(multipliers[1], counter[2])];
        let keyed = |product: S::I, other: S::I, key: u32| {
            s.xor(s.xor(s.down(product, 32), other), s.splat_word(key.into()))
        };
        counter = [keyed(second, counter[1], key[0]), second, keyed(first, counter[3], key[1]), first];
    }
    let half = s.splat_word(HALF);
    [[counter[0], counter[1]], [counter[2], counter[3]]]
        .map(|[low, high]| s.xor(s.and(low, half), s.up(high, 32)))
}

/// The middle of the cell of 2^-52 that a word's upper bits name.
#[inline(always)]
pub(super) fn uniform<S: Simd>(s: S, word: S::I) -> S::V {
    const ONE: u64 = 0x3FF0_0000_0000_0000;
    /// 1 - 2^-53.
    const BELOW_ONE: f64 = 1.0 - f64::EPSILON / 2.0;
    // From 1 on the floats are so far apart as cells are wide; the difference is exact.
    s.sub(s.float(s.xor(s.down(word, 12), s.splat_word(ONE))), s.splat(BELOW_ONE))
}

#[cfg(test)]
mod tests {
    use super::philox;

    /// The known answers that the authors publish with their library.
    #[test]
    fn known_answers() {
        assert_eq!(philox([0; 4], [0; 2]), [0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8]);
        assert_eq!(philox([!0; 4], [!0; 2]), [0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD]);
        let counter = [0x243F_6A88, 0x85A3_08D3, 0x1319_8A2E, 0x0370_7344];
        let found = philox(counter, [0xA409_3822, 0x299F_31D0]);
        assert_eq!(found, [0xD16C_FE09, 0x94FD_CCEB, 0x5001_E420, 0x2412_6EA1]);
    }
}
