//! The standard normal distribution and its density.
//!
//! # Error
//! x is below 9.4 here (beyond, the tail is below 10^-20), in q within 2 q, so x^2 is within 2 x 9.4 x 2 + 1 < 39 q and its half within 20 q.
//! - **Density** p: e^(-x^2/2) is relative within (2 x 20 + 85) q (`exp.rs`) and 1 q for shifting it into place, the factor 1 / sqrt(2 pi)
//!   is within 1/2 q: p is within 127 q x p + 3 q.
//! - **Up to 5**: distribution = 1/2 + p s with s = x + x^3/3 + x^5/(3 x 5) + ..., all terms t(n) positive,
//!   t(n+1) = t(n) f(n), f(n) = x^2 / (2n + 3), to the first that is zero in u = 2^-100. An error made in one term grows with the terms
//!   after it, at most by s / x in their sum, because f falls with n; and p s / x, the mean density between 0 and x, is below 0.4. f is within
//!   39/3 + 25 + 1 < 40 q, so a term errs by at most 1 u + 40 x 2^-20 u x t(n). At most 128 terms, all together s < 3.4 x 10^5:
//!   p s errs by at most 0.4 (128 + 40 x 2^-20 x s) < 60 u, by the error of p, at most s x (127 p + 3) q < 2 u, and by x as
//!   it begins, less than 1 u. What follows a term that is zero is below that error. Together below 2^-94.
//! - **From 5 on**: tail = p / (x + 1/(x + 2/(x + ... 30/x))), Laplace's fraction. Two in a row enclose it; their difference falls with x and is
//!   below 7 x 10^-20 at 5, times p < 1.5 x 10^-6. Steps are divisions in 2^-60, each within 2 units with x; of what was there
//!   k / d^2 goes on, 1.2 at the first step and below 1 after it: the last d is within 75 units and its reciprocal, d > 5, within 4.
//!   Times p: below 10^-23.
//!
//! Then one rounding to the nearest. By construction distribution(-x) = 1 - distribution(x), in every bit.

use super::exp::reduced;
use super::{INVERSE_ROOT_2PI, ODD, ONE, mulq, q_of, wad_of};

/// Beyond this the tail is below half a unit of 1e-18, and so is the density.
const FARTHEST: u128 = 9_400_000_000_000_000_000;
/// Where the fraction takes over.
const TAIL: u128 = 5_000_000_000_000_000_000;

/// The chance that a standard normal number is at most x, to the nearest.
#[must_use]
pub fn normal(x: i128) -> i128 {
    let far = x.unsigned_abs();
    let tail = if far > FARTHEST {
        0
    } else if far > TAIL {
        let digits = 110;
        wad_of(mulq(density_q(far), mills(far) << 50), digits).unwrap_or(0)
    } else {
        let middle = wad_of(mulq(density_q(far), series(far)), 100).unwrap_or(0);
        ONE / 2 - middle
    };
    if x < 0 { tail } else { ONE - tail }
}

/// The density of a standard normal number at x, to the nearest.
#[must_use]
pub fn density(x: i128) -> i128 {
    let far = x.unsigned_abs();
    if far > FARTHEST { 0 } else { wad_of(density_q(far), 120).unwrap_or(0) }
}

/// The density in q.
fn density_q(far: u128) -> u128 {
    let x = q_of(far);
    let (mantissa, power) = reduced(-(mulq(x, x) as i128 / 2));
    // e^(-x^2/2) is at most 1, so the power is at most 0; at 9.4 it is -64.
    mulq(mantissa >> -power, INVERSE_ROOT_2PI)
}

/// (distribution - 1/2) / density with 100 binary digits, up to 5.
fn series(far: u128) -> u128 {
    let x = q_of(far);
    let square = mulq(x, x);
    let mut term = x >> 20;
    let mut sum = term;
    for odd in &ODD[1..] {
        term = mulq(term, mulq(square, *odd));
        sum += term;
        if term == 0 {
            break;
        }
    }
    sum
}

/// tail / density with 60 binary digits, from 5 on.
fn mills(far: u128) -> u128 {
    let x = q_of(far) >> 60;
    let below = (1..=30).rev().fold(x, |d, k| x + (k << 120) / d);
    (1 << 120) / below
}
