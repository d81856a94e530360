//! The exponential function and the logarithm on lanes.
//!
//! `exp`: x = k ln 2 + r with |r| <= ln 2 / 2, and Taylor's polynomial of e^r to the thirteenth power, whose rest is below 5e-18 of it.
//! `ln`: x = 2^k m with m from the root of a half to that of two, ln m = 2 artanh s, s = (m - 1) / (m + 1) and |s| <= 0.172, by its
//! series to the twenty-first power, whose rest is below 2e-18 of it. Errors that are stated count the roundings, and tests measure them.

use crate::simd::Simd;
use std::f64::consts::LOG2_E;

/// ln 2, the first 33 bits of it and the rest: k times the first is exact.
const LN_2: [f64; 2] = [0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10];

/// Added to a number below 2^51, it leaves the nearest whole number in the lowest bits.
const WHOLE: f64 = 6_755_399_441_055_744.0;

/// 1/13!, 1/12!, ..., 1/2!.
const TAYLOR: [f64; 12] = [
    1.0 / 6_227_020_800.0,
    1.0 / 479_001_600.0,
    1.0 / 39_916_800.0,
    1.0 / 3_628_800.0,
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    0.5,
];

/// 2/21, 2/19, ..., 2/3.
const ARTANH: [f64; 10] = [
    2.0 / 21.0,
    2.0 / 19.0,
    2.0 / 17.0,
    2.0 / 15.0,
    2.0 / 13.0,
    2.0 / 11.0,
    2.0 / 9.0,
    2.0 / 7.0,
    2.0 / 5.0,
    2.0 / 3.0,
];

/// Highest power first, added in this order on every path: those of each four powers apart, so that none waits for another.
#[inline(always)]
pub(super) fn polynomial<S: Simd>(s: S, coefficients: &[f64], x: S::V) -> S::V {
    let square = s.times(x, x);
    let fourth = s.times(square, square);
    let (highest, fours) = coefficients.as_rchunks::<4>();
    let mut sums = [s.splat(0.0); 4];
    for (sum, &coefficient) in sums[4 - highest.len()..].iter_mut().zip(highest) {
        *sum = s.splat(coefficient);
    }
    for four in fours {
        for (sum, &coefficient) in sums.iter_mut().zip(four) {
            *sum = s.mul_add(*sum, fourth, s.splat(coefficient));
        }
    }
    let [third, second, first, constant] = sums;
    s.mul_add(s.mul_add(third, x, second), square, s.mul_add(first, x, constant))
}

/// Beyond it a power of e is infinite here, and of its negative zero: both are normal numbers up to there.
const MOST: f64 = 708.0;

/// e^x.
#[inline(always)]
pub(super) fn exp<S: Simd>(s: S, x: S::V) -> S::V {
    let whole = s.mul_add(x, s.splat(LOG2_E), s.splat(WHOLE));
    let k = s.sub(s.splat(0.0), s.sub(whole, s.splat(WHOLE)));
    let r = s.mul_add(k, s.splat(LN_2[1]), s.mul_add(k, s.splat(LN_2[0]), x));
    let rest = s.mul_add(s.times(r, r), polynomial(s, &TAYLOR, r), r);
    let near_one = s.plus(s.splat(1.0), rest);
    // k added to the exponent. What is not a number stays so.
    let found = s.float(s.plus_word(s.bits(near_one), s.up(s.bits(whole), 52)));
    let found = s.where_below(s.splat(MOST), x, s.splat(f64::INFINITY), found);
    s.where_below(x, s.splat(-MOST), s.splat(0.0), found)
}

/// ln x of a positive normal number.
#[inline(always)]
pub(super) fn ln_core<S: Simd>(s: S, x: S::V) -> S::V {
    ln_by(s, &ARTANH, x)
}

/// The same to the fifteenth power of its series, whose rest is below 4e-14 of it.
#[inline(always)]
pub(super) fn ln_about<S: Simd>(s: S, x: S::V) -> S::V {
    ln_by(s, &ARTANH[3..], x)
}

#[inline(always)]
fn ln_by<S: Simd>(s: S, artanh: &[f64], x: S::V) -> S::V {
    /// The bits of the root of a half, and those from there to one.
    const ROOT: u64 = 0x3FE6_A09E_667F_3BCD;
    const UP: u64 = 0x3FF0_0000_0000_0000 - ROOT;
    const MANTISSA: u64 = 0x000F_FFFF_FFFF_FFFF;
    /// 2^52, whose lowest bits count ones.
    const COUNT: f64 = 4_503_599_627_370_496.0;
    let up = s.plus_word(s.bits(x), s.splat_word(UP));
    let m = s.float(s.plus_word(s.and(up, s.splat_word(MANTISSA)), s.splat_word(ROOT)));
    let count = s.float(s.xor(s.down(up, 52), s.splat_word(COUNT.to_bits())));
    let k = s.sub(count, s.splat(COUNT + 1023.0));
    let f = s.sub(m, s.splat(1.0));
    let root = s.over(f, s.plus(m, s.splat(1.0)));
    let square = s.times(root, root);
    let series = s.mul_add(square, polynomial(s, artanh, square), s.splat(2.0));
    let small = s.mul_add(root, series, s.times(k, s.splat(LN_2[1])));
    s.mul_add(k, s.splat(LN_2[0]), small)
}

/// ln x; minus infinity below the positive normal numbers.
#[inline(always)]
pub(super) fn ln<S: Simd>(s: S, x: S::V) -> S::V {
    let infinite = s.splat(f64::INFINITY);
    // What is infinite or not a number stays so.
    let found = s.where_below(x, infinite, ln_core(s, x), x);
    s.where_below(x, s.splat(f64::MIN_POSITIVE), s.splat(f64::NEG_INFINITY), found)
}
