//! The definition: what every other path must equal.

use super::{Eight, Simd, Single};
use crate::panel::LANES;
use std::array::from_fn;
use std::convert::Infallible;

/// Plain Rust; with singles in tests only.
#[derive(Clone, Copy)]
pub(super) struct Portable<E = Infallible, F = Infallible>(pub(super) Option<(E, F)>);

impl Portable {
    pub(super) const DEFINITION: Portable = Portable(None);
}

impl<E: Eight, F: Single> Simd for Portable<E, F> {
    type V = [f64; LANES];
    type I = [i64; LANES];
    type Eight = E;
    type Full = F;
    const MANY: bool = false;

    #[inline(always)]
    fn singles(self) -> Option<(E, F)> {
        self.0
    }

    #[inline(always)]
    fn load(self, lane: &[f64; LANES]) -> Self::V {
        *lane
    }

    #[inline(always)]
    fn store(self, lane: &mut [f64; LANES], x: Self::V) {
        *lane = x;
    }

    #[inline(always)]
    fn splat(self, x: f64) -> Self::V {
        [x; LANES]
    }

    #[inline(always)]
    fn mul_add(self, x: Self::V, y: Self::V, z: Self::V) -> Self::V {
        from_fn(|k| x[k].mul_add(y[k], z[k]))
    }

    #[inline(always)]
    fn sub(self, x: Self::V, y: Self::V) -> Self::V {
        from_fn(|k| x[k] - y[k])
    }

    #[inline(always)]
    fn plus(self, x: Self::V, y: Self::V) -> Self::V {
        from_fn(|k| x[k] + y[k])
    }

    #[inline(always)]
    fn times(self, x: Self::V, y: Self::V) -> Self::V {
        from_fn(|k| x[k] * y[k])
    }

    #[inline(always)]
    fn over(self, x: Self::V, y: Self::V) -> Self::V {
        from_fn(|k| x[k] / y[k])
    }

    #[inline(always)]
    fn root(self, x: Self::V) -> Self::V {
        x.map(f64::sqrt)
    }

    #[inline(always)]
    fn where_below(self, a: Self::V, b: Self::V, then: Self::V, other: Self::V) -> Self::V {
        from_fn(|k| if a[k] < b[k] { then[k] } else { other[k] })
    }

    #[inline(always)]
    fn abs(self, x: Self::V) -> Self::V {
        x.map(f64::abs)
    }

    #[inline(always)]
    fn or_zero(self, x: Self::V) -> Self::V {
        x.map(|x| if x > 0.0 { x } else { 0.0 })
    }

    #[inline(always)]
    fn below(self, x: Self::V, y: Self::V) -> u8 {
        (0..LANES).fold(0, |mask, k| mask | (u8::from(x[k] < y[k]) << k))
    }

    #[inline(always)]
    fn min(self, x: Self::V, y: Self::V) -> Self::V {
        from_fn(|k| if x[k] < y[k] { x[k] } else { y[k] })
    }

    #[inline(always)]
    fn at_least(self, x: Self::V, y: Self::V) -> u8 {
        (0..LANES).fold(0, |mask, k| mask | (u8::from(x[k] >= y[k]) << k))
    }

    #[inline(always)]
    fn above(self, x: Self::V, y: Self::V) -> u8 {
        self.below(y, x)
    }

    #[inline(always)]
    fn load_words(self, words: &[u64; LANES]) -> Self::I {
        words.map(u64::cast_signed)
    }

    #[inline(always)]
    fn store_words(self, words: &mut [u64; LANES], x: Self::I) {
        *words = x.map(i64::cast_unsigned);
    }

    #[inline(always)]
    fn splat_word(self, x: u64) -> Self::I {
        [x.cast_signed(); LANES]
    }

    #[inline(always)]
    fn halves_product(self, x: Self::I, y: Self::I) -> Self::I {
        let half = |x: i64| x.cast_unsigned() & u64::from(u32::MAX);
        from_fn(|k| half(x[k]).wrapping_mul(half(y[k])).cast_signed())
    }

    #[inline(always)]
    fn plus_word(self, x: Self::I, y: Self::I) -> Self::I {
        from_fn(|k| x[k].wrapping_add(y[k]))
    }

    #[inline(always)]
    fn xor(self, x: Self::I, y: Self::I) -> Self::I {
        from_fn(|k| x[k] ^ y[k])
    }

    #[inline(always)]
    fn and(self, x: Self::I, y: Self::I) -> Self::I {
        from_fn(|k| x[k] & y[k])
    }

    #[inline(always)]
    fn down(self, x: Self::I, places: u32) -> Self::I {
        x.map(|x| (x.cast_unsigned() >> places).cast_signed())
    }

    #[inline(always)]
    fn up(self, x: Self::I, places: u32) -> Self::I {
        x.map(|x| x << places)
    }

    #[inline(always)]
    fn bits(self, x: Self::V) -> Self::I {
        x.map(|x| x.to_bits().cast_signed())
    }

    #[inline(always)]
    fn float(self, bits: Self::I) -> Self::V {
        bits.map(|bits| f64::from_bits(bits.cast_unsigned()))
    }

    #[inline(always)]
    fn load_counts(self, counts: &[i64; LANES]) -> Self::I {
        *counts
    }

    #[inline(always)]
    fn store_counts(self, counts: &mut [i64; LANES], x: Self::I) {
        *counts = x;
    }

    #[inline(always)]
    fn count_below(self, counts: Self::I, x: Self::V, y: Self::V) -> Self::I {
        from_fn(|k| counts[k] + i64::from(x[k] < y[k]))
    }

    #[inline(always)]
    fn add(self, sums: &mut [i64; LANES], mask: u8, x: Self::V) {
        for (k, sum) in sums.iter_mut().enumerate() {
            if mask >> k & 1 == 1 {
                *sum += x[k].round_ties_even() as i64;
            }
        }
    }
}
