//! The natural logarithm.
//!
//! # Error
//! n = 2^k m exactly, with m from 1/sqrt 2 to sqrt 2, and ln m = 2 (z + z^3/3 + z^5/5 + ...) with z = (m - 1) / (m + 1), |z| < 0.1716.
//! - z is one division of whole numbers rounded down: within 1 q. z^2 is within 2 x 0.18 + 1 < 1.4 q.
//! - The sum s of z^2n / (2n + 1) to n = 24, inside out: a step errs by 1 q in `mulq` and 1 q in the table, and what was there
//!   shrinks by z^2 < 0.03: 2.1 q; the error of z^2 adds at most 0.4 x 1.4 q: within 2.7 q. What is left out is below
//!   0.1716^50 / 51 x 1.04 < 2^-120 / 1000.
//! - 2 z s is within 2 (1.02 + 0.18 x 2.7 + 1) < 6 q, and k ln 2, |k| <= 127, within 64 q: ln n is within 70 q.
//!
//! [`ln_ratio`] is the difference of two: within 140 q, which is less than 2^-112; then one rounding to the nearest.

use super::{LN_2, ODD, ONE_Q, mulq, wad_of};
use plimsoll_core::{Rounding, U256};

/// sqrt 2 with 126 binary digits after the point. Which side of it m falls on is no matter of exactness.
const ROOT_2: u128 = 0x5a82_7999_fcef_3242_0000_0000_0000_0000;

/// ln(`above` / `below`) of two positive numbers of one unit, to the nearest 1e-18; `None` for others.
#[must_use]
pub fn ln_ratio(above: i128, below: i128) -> Option<i128> {
    let ln = ln_q(above)?.checked_sub(ln_q(below)?)?;
    let magnitude = wad_of(ln.unsigned_abs(), 120)?;
    Some(if ln < 0 { -magnitude } else { magnitude })
}

/// ln of a whole number in q; `None` unless it is positive.
fn ln_q(n: i128) -> Option<i128> {
    let n = u128::try_from(n).ok().filter(|n| *n > 0)?;
    let zeros = n.leading_zeros();
    // m from 1 to 2 with 126 digits: the top bit of a positive number of 127 bits moves to place 126.
    let m = n << (zeros - 1);
    let k = i128::from(127 - zeros);
    let one = 1 << 126;
    let (k, negative, above, below) = if m <= ROOT_2 {
        (k, false, m - one, m + one)
    } else {
        (k + 1, true, 2 * one - m, 2 * one + m) // of m / 2, both terms twice
    };
    let z = U256::new(above).mul_div(U256::new(ONE_Q), U256::new(below), Rounding::Down)?.to_u128()?;
    let square = mulq(z, z);
    let series = ODD[..25].iter().rev().fold(0, |sum, term| mulq(sum, square) + term);
    let ln = 2 * mulq(z, series) as i128;
    (k * LN_2 as i128).checked_add(if negative { -ln } else { ln })
}
