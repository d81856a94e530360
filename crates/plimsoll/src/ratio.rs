use core::cmp::Ordering;
use core::fmt;
use plimsoll_core::num::Wide;
use plimsoll_core::{Decimal, Int, U256};

/// An exact fraction of two integers of one unit, never divided before it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio {
    /// Above the line.
    pub numerator: U256,
    /// Below the line, never zero.
    denominator: U256,
}

impl Ratio {
    /// A fraction; `None` when the denominator is zero, or the numerator is negative.
    #[must_use]
    pub fn of(numerator: Int, denominator: Int) -> Option<Ratio> {
        let (numerator, denominator) = (numerator.to_u256()?, denominator.to_u256()?);
        (denominator != U256::ZERO).then_some(Ratio { numerator, denominator })
    }

    /// The denominator.
    #[must_use]
    pub fn denominator(&self) -> U256 {
        self.denominator
    }

    /// Compares with `parts / whole` by cross-multiplication.
    #[must_use]
    pub fn compare(&self, parts: u64, whole: u64) -> Ordering {
        let left = Int::from(self.numerator).mul_wide(Int::from(whole));
        let right = Int::from(self.denominator).mul_wide(Int::from(parts));
        left.cmp(&right)
    }

    /// Whole parts of `1 / whole` in the fraction, cut; `None` beyond 64 bits.
    #[must_use]
    pub fn parts(&self, whole: u64) -> Option<u64> {
        Int::from(self.numerator).mul_wide(Int::from(whole)).div_down(self.denominator)?.to_u64()
    }

    /// Whether it is less than a decimal number, exactly.
    #[must_use]
    pub fn is_below(&self, number: Decimal) -> bool {
        let Some(power) = U256::pow10(number.decimals) else { return false };
        let left = Int::from(self.numerator).mul_wide(Int::from(power));
        left < Int::from(self.denominator).mul_wide(number.mantissa)
    }

    /// Digits of the fraction times 10^`shift` with `digits` after the point, cut and not rounded: 0.99999 never
    /// shows as 1.
    #[must_use]
    pub fn digits(&self, shift: u8, digits: u8) -> String {
        let power = U256::pow10(shift + digits).unwrap_or(U256::ONE);
        let scaled = Int::from(self.numerator).mul_wide(Int::from(power));
        match scaled.div_down(self.denominator) {
            Some(mantissa) => Decimal { mantissa, decimals: digits }.to_string(),
            None => "more than 256 bits".into(),
        }
    }
}

impl Ord for Ratio {
    fn cmp(&self, other: &Ratio) -> Ordering {
        let left: Wide = Int::from(self.numerator).mul_wide(Int::from(other.denominator));
        let right: Wide = Int::from(other.numerator).mul_wide(Int::from(self.denominator));
        left.cmp(&right)
    }
}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Ratio) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Six digits, or eighteen within a thousandth of 1, where the sixth may hide on which side of the line it is.
impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let near = self.compare(999, 1000).is_ge() && self.compare(1001, 1000).is_le();
        f.write_str(&self.digits(0, if near { 18 } else { 6 }))
    }
}
