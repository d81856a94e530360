use super::{Rounding, U256, Wide};
use core::cmp::Ordering;
use core::fmt;
use core::str::FromStr;

/// A signed integer of magnitude below 2^256, with checked operations only.
///
/// Invariant: zero is not negative, so equal numbers have equal bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Int {
    magnitude: U256,
    negative: bool,
}

impl Int {
    /// 0
    pub const ZERO: Int = Int { magnitude: U256::ZERO, negative: false };
    /// 1
    pub const ONE: Int = Int { magnitude: U256::ONE, negative: false };

    /// From a machine word.
    #[must_use]
    pub const fn new(value: i128) -> Int {
        Int { magnitude: U256::new(value.unsigned_abs()), negative: value < 0 }
    }

    /// From sign and magnitude; minus zero is zero.
    #[must_use]
    pub fn from_parts(negative: bool, magnitude: U256) -> Int {
        Int { magnitude, negative: negative && magnitude != U256::ZERO }
    }

    /// The absolute value.
    #[must_use]
    #[inline]
    pub const fn magnitude(self) -> U256 {
        self.magnitude
    }

    /// Below zero?
    #[must_use]
    #[inline]
    pub const fn is_negative(self) -> bool {
        self.negative
    }

    /// Zero?
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.magnitude == U256::ZERO
    }

    /// The value if it is not negative.
    #[must_use]
    #[inline]
    pub fn to_u256(self) -> Option<U256> {
        if self.negative { None } else { Some(self.magnitude) }
    }

    /// The value if it fits 64 bits unsigned.
    #[must_use]
    pub fn to_u64(self) -> Option<u64> {
        self.to_u256()?.to_u64()
    }

    /// The opposite number.
    #[must_use]
    pub fn neg(self) -> Int {
        Int::from_parts(!self.negative, self.magnitude)
    }

    /// Sum, or `None` from magnitude 2^256 on.
    #[must_use]
    pub fn add(self, other: Int) -> Option<Int> {
        if self.negative == other.negative {
            return Some(Int { magnitude: self.magnitude.add(other.magnitude)?, negative: self.negative });
        }
        Some(match self.magnitude.sub(other.magnitude) {
            Some(difference) => Int::from_parts(self.negative, difference),
            None => Int::from_parts(other.negative, other.magnitude.sub_or_zero(self.magnitude)),
        })
    }

    /// Difference, or `None` from magnitude 2^256 on.
    #[must_use]
    pub fn sub(self, other: Int) -> Option<Int> {
        self.add(other.neg())
    }

    /// Product, or `None` from magnitude 2^256 on.
    #[must_use]
    pub fn mul(self, other: Int) -> Option<Int> {
        let magnitude = self.magnitude.mul(other.magnitude)?;
        Some(Int::from_parts(self.negative != other.negative, magnitude))
    }

    /// Product, which always fits 512 bits.
    #[must_use]
    pub fn mul_wide(self, other: Int) -> Wide {
        Wide::product(self, other)
    }

    /// Quotient in the named rounding (all but `HalfUp`), or `None` when dividing by zero.
    #[must_use]
    pub fn div(self, by: Int, rounding: Rounding) -> Option<Int> {
        let negative = self.negative != by.negative;
        let rounding = match (rounding, negative) {
            (Rounding::Exact, _) => Rounding::Exact,
            (Rounding::HalfUp, _) => return None,
            (Rounding::Down, true) | (Rounding::Up, false) => Rounding::Up,
            (Rounding::Down, false) | (Rounding::Up, true) | (Rounding::TowardZero, _) => Rounding::Down,
        };
        Some(Int::from_parts(negative, self.magnitude.div(by.magnitude, rounding)?))
    }
}

impl From<U256> for Int {
    #[inline]
    fn from(magnitude: U256) -> Int {
        Int { magnitude, negative: false }
    }
}

impl From<u64> for Int {
    fn from(value: u64) -> Int {
        Int::from(U256::from(value))
    }
}

impl Ord for Int {
    fn cmp(&self, other: &Int) -> Ordering {
        match (self.negative, other.negative) {
            (false, false) => self.magnitude.cmp(&other.magnitude),
            (true, true) => other.magnitude.cmp(&self.magnitude),
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
        }
    }
}

impl PartialOrd for Int {
    fn partial_cmp(&self, other: &Int) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// An optional minus and decimal digits.
impl FromStr for Int {
    type Err = ();

    fn from_str(text: &str) -> Result<Int, ()> {
        match text.strip_prefix('-') {
            Some(digits) => Ok(Int::from_parts(true, digits.parse()?)),
            None => Ok(Int::from(text.parse::<U256>()?)),
        }
    }
}

impl fmt::Display for Int {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negative {
            f.write_str("-")?;
        }
        fmt::Display::fmt(&self.magnitude, f)
    }
}

impl fmt::Debug for Int {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
