//! The exponential function.
//!
//! # Error
//! e^x = 2^k e^r with k whole and 0 <= r < ln 2. For |x| <= 50, |k| <= 73.
//! - `reduced` is handed y, x in q with an error of at most d; ln 2 is within 1/2 q, so r is within d + 37 q.
//! - The series of e^r to r^30 / 30!, inside out: a step errs by less than 1 q in `mulq` and 2 q in the table, and what was there
//!   shrinks by r < 0.7: at most 3 / 0.3 = 10 q. What is left out is below 0.7^31 / 31! x 1.03 < 2^-120 / 400.
//! - e^r < 2 turns an error of r into at most twice that. Together 2 (d + 37) + 11 q, and e^r is at least 1:
//!   relative below (2 d + 85) x 2^-120.
//!
//! [`exp`]: d = 2, so relative below 2^-113; then one rounding to the nearest.
//!
//! [`power`]: ln of the base is within 0.501 x 1e-18; its product with the exponent is rounded once, so that the argument is within
//! (0.501 x |exponent| + 1) x 1e-18, and the result within that share of itself, times 1.001: for |exponent| up to 10^15 the share is below
//! 0.00051, and e^x - 1 is below 1.0003 x there. Beyond, there is no answer.

use super::{LN_2, ONE, ONE_Q, ln_ratio, mul, mulq, q_of, wad_of};
use plimsoll_core::Rounding;

/// 1 / n! in q.
const FACTORIAL: [u128; 31] = {
    let mut table = [ONE_Q; 31];
    let mut n = 1;
    while n < 31 {
        table[n] = table[n - 1] / n as u128;
        n += 1;
    }
    table
};

/// Beyond this e^x is above 2^127 units of 1e-18, and e^-x below half a unit.
const LARGEST: i128 = 50 * ONE;

/// e^x, to the nearest; `None` where the result does not fit.
#[must_use]
pub fn exp(x: i128) -> Option<i128> {
    if x < -LARGEST {
        return Some(0);
    }
    if x > LARGEST {
        return None;
    }
    let y = q_of(x.unsigned_abs()) as i128;
    let (mantissa, power) = reduced(if x < 0 { -y } else { y });
    wad_of(mantissa, 120 - power)
}

/// The largest exponent, up or down, for which the bound of [`power`] is proven.
const LARGEST_EXPONENT: u128 = 1_000_000_000_000_000 * ONE as u128;

/// `base`^`exponent` of a base that is a ratio of two positive numbers; `None` where the result does not fit, and for an exponent beyond 10^15.
#[must_use]
pub fn power((above, below): (i128, i128), exponent: i128) -> Option<i128> {
    if exponent.unsigned_abs() > LARGEST_EXPONENT {
        return None;
    }
    exp(mul(ln_ratio(above, below)?, exponent, Rounding::Down)?)
}

/// e^y of a number in q, at most 50 up or down: the mantissa in q, from 1 to 2, and the power of two.
pub(super) fn reduced(y: i128) -> (u128, i32) {
    let k = y.div_euclid(LN_2 as i128);
    let r = y.rem_euclid(LN_2 as i128) as u128;
    let series = FACTORIAL.iter().rev().fold(0, |sum, term| mulq(sum, r) + term);
    (series, k as i32)
}
