//! Fixed-point mathematics for what decides: numbers are integers in units of 10^-18, every error is bounded by proof.
//!
//! | function | unit of the result | error at most |
//! |---|---|---|
//! | [`mul`], [`div`], [`dot`] | 1e-18 | the named rounding of the exact value |
//! | [`root`] | 1e-18 | 1, below the exact value |
//! | [`exp`] | 1e-18 | 0.501 + result x 2^-112 |
//! | [`ln_ratio`] | 1e-18 | 0.501 |
//! | [`power`] | 1e-18 | 0.501 + result x (2^-112 + (0.51 x abs(exponent) + 1) x 10^-18), for exponents up to 10^15 up or down |
//! | [`normal`], [`density`] | 1e-18 | 0.501 |
//!
//! # How
//! Inside, numbers are multiples of q = 2^-120 in 128 bits, so that values up to 2^8 fit; `mulq` is the product of two
//! such numbers rounded down (error below 1 q). The proofs stand in the file of each function. They count errors in q;
//! 1e-18 is 1.3 x 10^18 q, and no count below exceeds 2^8 q but where a value is scaled up again (`exp` of a positive number).
//! The last step rounds to the nearest 1e-18, which is the half of each bound.
//!
//! Constants: `LN_2` and `INVERSE_ROOT_2PI` are nearest integers, by mpmath 1.4.1 with
//! `mp.dps = 60; int(nint(log(2) * 2**120)), int(nint(2**120 / sqrt(2*pi)))`; reciprocals and reciprocal factorials are divided
//! out by the compiler (below the exact value by less than 1 q, of a factorial by less than 2 q: each is the one before
//! divided by n, rounded down, so that e(n) < e(n-1) / n + 1).

mod exp;
mod ln;
mod normal;

pub use exp::{exp, power};
pub use ln::ln_ratio;
pub use normal::{density, normal};

use plimsoll_core::num::Wide;
use plimsoll_core::{Int, Rounding, U256, WAD};

/// One, in units of 1e-18.
pub const ONE: i128 = 1_000_000_000_000_000_000;

/// One, in units of q = 2^-120.
const ONE_Q: u128 = 1 << 120;
/// ln 2 in q.
const LN_2: u128 = 0x00b1_7217_f7d1_cf79_abc9_e3b3_9803_f2f7;
/// 1 / sqrt(2 pi) in q.
const INVERSE_ROOT_2PI: u128 = 0x0066_2114_cf50_d942_343f_2cf1_402e_ae39;
/// 2^186 / 10^18, rounded down: what turns 1e-18 into q, with 66 bits more.
const Q_OF_WAD: u128 = {
    // 2^168 / 5^18, in two steps of a long division.
    let five = 5_u128.pow(18);
    let (high, rest) = ((1 << 127) / five, (1 << 127) % five);
    (high << 41) + (rest << 41) / five
};

/// 1 / (2n + 1) in q.
const ODD: [u128; 128] = {
    let mut table = [0; 128];
    let mut n = 0;
    while n < 128 {
        table[n] = ONE_Q / (2 * n as u128 + 1);
        n += 1;
    }
    table
};

/// The product as high and low half.
fn wide(x: u128, y: u128) -> (u128, u128) {
    let (low, high) = x.carrying_mul(y, 0);
    (high, low)
}

/// The product of two numbers in q, rounded down. The caller knows that it is below 2^8.
fn mulq(x: u128, y: u128) -> u128 {
    let (high, low) = wide(x, y);
    high << 8 | low >> 120
}

/// A magnitude below 2^66 in units of 1e-18, in q: below the exact value by less than 2 q.
///
/// The constant is low by less than 1, so its product by less than 2^66, which is 1 q; the shift loses less than 1 q.
fn q_of(wad: u128) -> u128 {
    let (high, low) = wide(wad, Q_OF_WAD);
    high << 62 | low >> 66
}

/// `value` of `digits` binary digits after the point, in the nearest unit of 1e-18; `None` from 2^127 on.
fn wad_of(value: u128, digits: i32) -> Option<i128> {
    let (high, low) = wide(value, ONE as u128);
    // One digit is kept for rounding.
    let twice = match digits - 1 {
        shift @ 0..128 => {
            let carried = if shift == 0 { 0 } else { high << (128 - shift) };
            (high >> shift == 0).then_some(carried | low >> shift)?
        }
        shift @ 128..256 => high >> (shift - 128),
        _ => return None,
    };
    i128::try_from(twice.checked_add(1)? >> 1).ok()
}

/// `x * y` in units of 1e-18 (all roundings but `HalfUp`); `None` beyond 127 bits.
#[must_use]
#[inline]
pub fn mul(x: i128, y: i128, rounding: Rounding) -> Option<i128> {
    let negative = (x < 0) != (y < 0);
    let rounding = of_magnitude(negative, rounding)?;
    let magnitude = U256::new(x.unsigned_abs()).mul_div(U256::new(y.unsigned_abs()), WAD, rounding)?;
    signed(negative, magnitude.to_u128()?)
}

/// The sum of products in units of 1e-18, cut toward zero once, at the end; `None` beyond 127 bits.
#[must_use]
pub fn dot(pairs: impl Iterator<Item = (i128, i128)>) -> Option<i128> {
    // Magnitudes of 256 bits, by sign.
    let mut sums = [(0_u128, 0_u128); 2];
    for (x, y) in pairs {
        let (high, low) = wide(x.unsigned_abs(), y.unsigned_abs());
        let sum = &mut sums[usize::from((x < 0) != (y < 0))];
        let (low, carried) = sum.1.overflowing_add(low);
        *sum = (sum.0.checked_add(high)?.checked_add(u128::from(carried))?, low);
    }
    let [above, below] = sums.map(|(high, low)| {
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(&low.to_le_bytes());
        bytes[16..].copy_from_slice(&high.to_le_bytes());
        U256::from_le_bytes(bytes)
    });
    let negative = above < below;
    let magnitude = if negative { below.sub(above)? } else { above.sub(below)? };
    signed(negative, magnitude.div(WAD, Rounding::Down)?.to_u128()?)
}

/// `x / y` in units of 1e-18 (all roundings but `HalfUp`); `None` beyond 127 bits and when dividing by zero.
#[must_use]
pub fn div(x: i128, y: i128, rounding: Rounding) -> Option<i128> {
    mul_div(x, ONE, y, rounding)
}

/// `x * y / z` with the whole product (all roundings but `HalfUp`); `None` beyond 127 bits and when dividing by zero.
#[must_use]
pub fn mul_div(x: i128, y: i128, z: i128, rounding: Rounding) -> Option<i128> {
    let negative = ((x < 0) != (y < 0)) != (z < 0);
    let rounding = of_magnitude(negative, rounding)?;
    let (x, y, z) = (U256::new(x.unsigned_abs()), U256::new(y.unsigned_abs()), U256::new(z.unsigned_abs()));
    signed(negative, x.mul_div(y, z, rounding)?.to_u128()?)
}

/// The rounding of a magnitude that rounds the signed number so.
const fn of_magnitude(negative: bool, rounding: Rounding) -> Option<Rounding> {
    match (rounding, negative) {
        (Rounding::HalfUp, _) => None,
        (Rounding::Exact, _) => Some(Rounding::Exact),
        (Rounding::Down, true) | (Rounding::Up, false) => Some(Rounding::Up),
        (Rounding::Down, false) | (Rounding::Up, true) | (Rounding::TowardZero, _) => Some(Rounding::Down),
    }
}

fn signed(negative: bool, magnitude: u128) -> Option<i128> {
    let value = i128::try_from(magnitude).ok()?;
    Some(if negative { -value } else { value })
}

/// The square root, rounded down; `None` below zero.
#[must_use]
pub fn root(x: i128) -> Option<i128> {
    let x = u128::try_from(x).ok()?;
    match x.checked_mul(ONE as u128) {
        Some(square) => i128::try_from(square.isqrt()).ok(),
        None => root_of(U256::new(x).mul(U256::new(ONE as u128))?),
    }
}

/// The square root of a whole number, rounded down, as a whole number.
#[must_use]
pub fn root_of(square: U256) -> Option<i128> {
    let root = match square.to_u128() {
        Some(small) => small.isqrt(),
        None => Wide::from(Int::from(square)).root()?.to_u128()?,
    };
    i128::try_from(root).ok()
}
