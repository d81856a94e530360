use super::{Int, Rounding, U256};
use core::fmt;
use core::str::FromStr;

/// An exact decimal number: `mantissa / 10^decimals`.
///
/// Two decimals are equal when their digits are: 1.50 is not 1.5, because a file that said 1.50 is given back
/// as it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Decimal {
    /// The digits without the point.
    pub mantissa: Int,
    /// How many of them stand after the point.
    pub decimals: u8,
}

/// Why a text is not an exact decimal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DecimalError {
    /// Nothing but digits, at most one point and a leading minus may stand in a number.
    NotANumber,
    /// More than 77 digits.
    TooLong,
    /// The number has more digits after the point than the unit has.
    TooFine {
        /// Digits after the point that the number needs.
        found: u8,
        /// Digits after the point that the unit has.
        allowed: u8,
    },
    /// The number does not fit 256 bits at this scale.
    TooLarge,
    /// Negative where only an amount can stand.
    Negative,
}

impl fmt::Display for DecimalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecimalError::NotANumber => f.write_str("not a plain decimal number"),
            DecimalError::TooLong => f.write_str("more than 77 digits"),
            DecimalError::TooFine { found, allowed } => {
                write!(f, "{found} digits after the point where the unit has {allowed}")
            }
            DecimalError::TooLarge => f.write_str("too large for 256 bits"),
            DecimalError::Negative => f.write_str("a negative number"),
        }
    }
}

impl Decimal {
    /// A whole number.
    #[must_use]
    pub const fn whole(mantissa: Int) -> Decimal {
        Decimal { mantissa, decimals: 0 }
    }

    /// The integer that this number is in units of 10^-`decimals`.
    ///
    /// # Errors
    /// When digits would be lost, or the result leaves 256 bits.
    pub fn scaled(self, decimals: u8) -> Result<Int, DecimalError> {
        // To look for zeros at the end takes a division each: only where digits might be lost.
        let number = if self.decimals > decimals { self.trimmed() } else { self };
        if number.decimals > decimals {
            return Err(DecimalError::TooFine { found: number.decimals, allowed: decimals });
        }
        let factor = U256::pow10(decimals - number.decimals).ok_or(DecimalError::TooLarge)?;
        number.mantissa.mul(Int::from(factor)).ok_or(DecimalError::TooLarge)
    }

    /// As [`Decimal::scaled`], for amounts, which are never negative.
    ///
    /// # Errors
    /// As [`Decimal::scaled`], and when the number is negative.
    pub fn scaled_amount(self, decimals: u8) -> Result<U256, DecimalError> {
        self.scaled(decimals)?.to_u256().ok_or(DecimalError::Negative)
    }

    /// The product, with all its digits; `None` beyond 256 bits or 255 digits.
    #[must_use]
    pub fn times(self, other: Decimal) -> Option<Decimal> {
        let decimals = self.decimals.checked_add(other.decimals)?;
        Some(Decimal { mantissa: self.mantissa.mul(other.mantissa)?, decimals })
    }

    /// The sum; `None` beyond 256 bits.
    #[must_use]
    pub fn plus(self, other: Decimal) -> Option<Decimal> {
        let decimals = self.decimals.max(other.decimals);
        let (x, y) = (self.scaled(decimals).ok()?, other.scaled(decimals).ok()?);
        Some(Decimal { mantissa: x.add(y)?, decimals })
    }

    /// The number with at most `decimals` digits after the point, the rest cut off toward zero.
    #[must_use]
    pub fn cut(self, decimals: u8) -> Decimal {
        if self.decimals <= decimals {
            return self;
        }
        // A power that 256 bits do not hold is above every mantissa.
        let power = U256::pow10(self.decimals - decimals);
        let magnitude = power.and_then(|power| self.mantissa.magnitude().div(power, Rounding::Down));
        let magnitude = magnitude.unwrap_or(U256::ZERO);
        Decimal { mantissa: Int::from_parts(self.mantissa.is_negative(), magnitude), decimals }
    }

    /// The same number without zeros at the end of its fraction.
    #[must_use]
    pub fn trimmed(self) -> Decimal {
        let mut number = self;
        while number.decimals > 0 {
            match number.mantissa.div(Int::new(10), Rounding::Exact) {
                Some(shorter) => {
                    number = Decimal { mantissa: shorter, decimals: number.decimals - 1 };
                }
                None => break,
            }
        }
        number
    }
}

/// Digits with at most one point, an optional leading minus; no exponent, sign plus, spaces or separators.
impl FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Decimal, DecimalError> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let well_formed = !whole.is_empty()
            && whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit())
            && (digits.len() == whole.len() || !fraction.is_empty());
        if !well_formed {
            return Err(DecimalError::NotANumber);
        }
        if whole.len() + fraction.len() > 77 {
            return Err(DecimalError::TooLong);
        }
        let mut mantissa = U256::ZERO;
        for digit in whole.bytes().chain(fraction.bytes()) {
            mantissa = mantissa
                .mul(U256::new(10))
                .and_then(|m| m.add(U256::from(digit - b'0')))
                .ok_or(DecimalError::TooLarge)?;
        }
        Ok(Decimal { mantissa: Int::from_parts(negative, mantissa), decimals: fraction.len() as u8 })
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.mantissa.is_negative() {
            f.write_str("-")?;
        }
        let power = U256::pow10(self.decimals).unwrap_or(U256::MAX);
        let (whole, fraction) = self.mantissa.magnitude().div_rem(power);
        write!(f, "{whole}")?;
        if self.decimals > 0 {
            write!(f, ".{fraction:0>width$}", width = usize::from(self.decimals))?;
        }
        Ok(())
    }
}
