use super::{Divisor, Rounding};
use core::fmt;
use core::str::FromStr;
use ruint::{Uint, UintTryFrom};

/// An unsigned integer below 2^256, as an EVM word, with checked operations only.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct U256(pub(super) Uint<256, 4>);

impl U256 {
    /// 0
    pub const ZERO: U256 = U256(Uint::ZERO);
    /// 1
    pub const ONE: U256 = U256(Uint::ONE);
    /// 2^256 - 1, which contracts use for "unlimited" and for the health of an account without debt.
    pub const MAX: U256 = U256(Uint::MAX);

    /// From a machine word.
    #[must_use]
    #[inline]
    pub const fn new(value: u128) -> U256 {
        U256(Uint::from_limbs([value as u64, (value >> 64) as u64, 0, 0]))
    }

    /// 10^exponent, or `None` from 10^78 on.
    #[must_use]
    pub const fn pow10(exponent: u8) -> Option<U256> {
        let mut power = U256::ONE;
        let mut left = exponent;
        while left > 0 {
            power = match power.mul(U256::new(10)) {
                Some(next) => next,
                None => return None,
            };
            left -= 1;
        }
        Some(power)
    }

    /// Sum, or `None` from 2^256 on.
    #[must_use]
    #[inline]
    pub const fn add(self, other: U256) -> Option<U256> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(U256(sum)),
            None => None,
        }
    }

    /// Difference, or `None` below zero.
    #[must_use]
    #[inline]
    pub const fn sub(self, other: U256) -> Option<U256> {
        match self.0.checked_sub(other.0) {
            Some(difference) => Some(U256(difference)),
            None => None,
        }
    }

    /// Difference, or zero where it would be negative (Morpho's `zeroFloorSub`).
    #[must_use]
    #[inline]
    pub const fn sub_or_zero(self, other: U256) -> U256 {
        match self.sub(other) {
            Some(difference) => difference,
            None => U256::ZERO,
        }
    }

    /// Product, or `None` from 2^256 on.
    #[must_use]
    #[inline(always)]
    pub const fn mul(self, other: U256) -> Option<U256> {
        let ([x0, x1, x2, x3], [y0, y1, y2, y3]) = (self.words(), other.words());
        if x2 | x3 | y2 | y3 == 0 {
            return Some(product([x0, x1], [y0, y1]));
        }
        // Words in and words out: what the rare way takes and gives would stay in memory for the usual way, too.
        match mul_any([x0, x1, x2, x3], [y0, y1, y2, y3]) {
            ([z0, z1, z2, z3], false) => Some(U256::from_words([z0, z1, z2, z3])),
            _ => None,
        }
    }

    /// Quotient in the named rounding, or `None` when dividing by zero.
    #[must_use]
    #[inline]
    pub fn div(self, by: impl Into<Divisor>, rounding: Rounding) -> Option<U256> {
        by.into().divide(self, rounding)
    }

    /// `self * other / by` where the product, too, must fit 256 bits, as in checked Solidity.
    #[must_use]
    #[inline(always)]
    pub fn mul_div(self, other: U256, by: impl Into<Divisor>, rounding: Rounding) -> Option<U256> {
        by.into().divide(self.mul(other)?, rounding)
    }

    /// `self * other / by` with a 512-bit product; only the result must fit (OpenZeppelin's `mulDiv`).
    #[must_use]
    pub fn mul_div_wide(self, other: U256, by: U256, rounding: Rounding) -> Option<U256> {
        if by == U256::ZERO {
            return None;
        }
        let product: Uint<512, 8> = self.0.widening_mul(other.0);
        let divisor: Uint<512, 8> = Uint::from(by.0);
        let (quotient, remainder) = product.div_rem(divisor);
        let up = match rounding {
            Rounding::Exact if !remainder.is_zero() => return None,
            Rounding::Exact | Rounding::Down | Rounding::TowardZero => false,
            Rounding::Up => !remainder.is_zero(),
            Rounding::HalfUp => remainder >= divisor.wrapping_sub(remainder),
        };
        let quotient = U256(Uint::<256, 4>::uint_try_from(quotient).ok()?);
        if up { quotient.add(U256::ONE) } else { Some(quotient) }
    }

    /// The value if it fits 64 bits.
    #[must_use]
    #[inline]
    pub const fn to_u64(self) -> Option<u64> {
        let [low, 0, 0, 0] = self.words() else { return None };
        Some(low)
    }

    /// The value if it fits 128 bits.
    #[must_use]
    #[inline]
    pub const fn to_u128(self) -> Option<u128> {
        let [low, high, 0, 0] = self.words() else { return None };
        Some((high as u128) << 64 | low as u128)
    }

    /// How many bits the value needs; 0 for zero.
    #[must_use]
    pub const fn bit_len(self) -> usize {
        self.0.bit_len()
    }

    /// Bit `index`, counted from the lowest; `false` from 256 on.
    #[must_use]
    #[inline]
    pub fn bit(self, index: usize) -> bool {
        index < 256 && (self.0.as_limbs()[index / 64] >> (index % 64)) & 1 == 1
    }

    /// The same word with bit `index` as given; unchanged from 256 on.
    #[must_use]
    pub fn with_bit(self, index: usize, on: bool) -> U256 {
        let mut word = self.0;
        if index < 256 {
            word.set_bit(index, on);
        }
        U256(word)
    }

    /// `width` bits (at most 64) from bit `at` on.
    #[must_use]
    pub fn field(self, at: usize, width: usize) -> u64 {
        let low = (self.0 >> at).as_limbs()[0];
        if width >= 64 { low } else { low & ((1 << width) - 1) }
    }

    /// The same word with `width` bits (at most 64) from bit `at` on replaced.
    ///
    /// `None` when the value does not fit the field.
    #[must_use]
    pub fn with_field(self, at: usize, width: usize, value: u64) -> Option<U256> {
        if width < 64 && value >> width != 0 {
            return None;
        }
        let mask: Uint<256, 4> = Uint::from(if width >= 64 { u64::MAX } else { (1 << width) - 1 }) << at;
        Some(U256((self.0 & !mask) | (Uint::<256, 4>::from(value) << at)))
    }

    /// 32 bytes, lowest first.
    #[must_use]
    pub fn to_le_bytes(self) -> [u8; 32] {
        self.0.to_le_bytes()
    }

    /// From 32 bytes, lowest first.
    #[must_use]
    pub fn from_le_bytes(bytes: [u8; 32]) -> U256 {
        U256(Uint::from_le_bytes(bytes))
    }

    /// Four words, lowest first.
    #[inline(always)]
    pub(super) const fn words(self) -> [u64; 4] {
        *self.0.as_limbs()
    }

    /// From four words, lowest first.
    #[inline(always)]
    pub(super) const fn from_words(words: [u64; 4]) -> U256 {
        U256(Uint::from_limbs(words))
    }

    /// floor(self / 2)
    #[must_use]
    #[inline(always)]
    pub const fn half(self) -> U256 {
        let [w0, w1, w2, w3] = self.words();
        U256::from_words([w0 >> 1 | w1 << 63, w1 >> 1 | w2 << 63, w2 >> 1 | w3 << 63, w3 >> 1])
    }

    /// `self * power` in five words, lowest first, of a power of two.
    #[inline(always)]
    pub(super) const fn times_power(self, power: u64) -> [u64; 5] {
        let [w0, w1, w2, w3] = self.words();
        let [p0, p1, p2, p3] = [
            w0 as u128 * power as u128,
            w1 as u128 * power as u128,
            w2 as u128 * power as u128,
            w3 as u128 * power as u128,
        ];
        // Neighbours have no bit in common, so nothing is carried.
        [
            p0 as u64,
            (p0 >> 64) as u64 | p1 as u64,
            (p1 >> 64) as u64 | p2 as u64,
            (p2 >> 64) as u64 | p3 as u64,
            (p3 >> 64) as u64,
        ]
    }

    /// Quotient and remainder; the caller has ruled out zero.
    pub(super) fn div_rem(self, by: U256) -> (U256, U256) {
        let (quotient, remainder) = self.0.div_rem(by.0);
        (U256(quotient), U256(remainder))
    }
}

/// The product of two halves, which always fits: by words, as on paper.
///
/// The sums are written as wrapping only to spare the checks: a product of words is at most (2^64 - 1)^2, which leaves
/// room for two words more below 2^128.
#[inline(always)]
const fn product([x0, x1]: [u64; 2], [y0, y1]: [u64; 2]) -> U256 {
    let ([x0, x1], [y0, y1]) = ([x0 as u128, x1 as u128], [y0 as u128, y1 as u128]);
    let p00 = x0 * y0;
    let p01 = (x0 * y1).wrapping_add(p00 >> 64);
    let p10 = (x1 * y0).wrapping_add(p01 as u64 as u128);
    let p11 = (x1 * y1).wrapping_add(p01 >> 64).wrapping_add(p10 >> 64);
    U256::from_words([p00 as u64, p10 as u64, p11 as u64, (p11 >> 64) as u64])
}

/// The product of any factors modulo 2^256, and whether there was more.
#[cold]
#[inline(never)]
const fn mul_any(x: [u64; 4], y: [u64; 4]) -> ([u64; 4], bool) {
    let (product, more) = Uint::<256, 4>::from_limbs(x).overflowing_mul(Uint::from_limbs(y));
    (*product.as_limbs(), more)
}

impl From<u128> for U256 {
    fn from(value: u128) -> U256 {
        U256::new(value)
    }
}

impl From<u64> for U256 {
    fn from(value: u64) -> U256 {
        U256::new(u128::from(value))
    }
}

impl From<u32> for U256 {
    fn from(value: u32) -> U256 {
        U256::new(u128::from(value))
    }
}

impl From<u8> for U256 {
    fn from(value: u8) -> U256 {
        U256::new(u128::from(value))
    }
}

/// Decimal digits only: no sign, no prefix, no separators.
impl FromStr for U256 {
    type Err = ();

    fn from_str(text: &str) -> Result<U256, ()> {
        if text.is_empty() || text.len() > 78 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(());
        }
        Uint::from_str_radix(text, 10).map(U256).map_err(|_| ())
    }
}

impl fmt::Display for U256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for U256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
