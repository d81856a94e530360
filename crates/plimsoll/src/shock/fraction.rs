//! Exact parts of prices.

use core::fmt;
use plimsoll_core::{Decimal, Int, Rounding, U256};

/// An exact part of a price, above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fraction {
    pub(super) times: Decimal,
    pub(super) over: Decimal,
}

impl Fraction {
    pub(super) const ONE: Fraction =
        Fraction { times: Decimal::whole(Int::ONE), over: Decimal::whole(Int::ONE) };

    pub(super) const fn whole(times: Decimal) -> Fraction {
        Fraction { times, over: Decimal::whole(Int::ONE) }
    }

    pub(super) fn by(self, other: Fraction) -> Option<Fraction> {
        let times = self.times.times(other.times)?.trimmed();
        Some(Fraction { times, over: self.over.times(other.over)?.trimmed() })
    }

    pub(super) fn inverse(self) -> Fraction {
        Fraction { times: self.over, over: self.times }
    }

    pub(super) fn is_one(self) -> bool {
        let decimals = self.times.decimals.max(self.over.decimals);
        matches!((self.times.scaled(decimals), self.over.scaled(decimals)), (Ok(x), Ok(y)) if x == y)
    }

    /// So much of a price with so many digits after the point, cut.
    pub(super) fn of(self, price: Decimal, digits: u8) -> Option<Decimal> {
        let product = price.mantissa.to_u256()?.mul(self.times.mantissa.to_u256()?)?;
        let up = digits.checked_add(self.over.decimals)?;
        let down = price.decimals.checked_add(self.times.decimals)?;
        let common = up.min(down);
        let (up, down) = (U256::pow10(up - common)?, U256::pow10(down - common)?);
        let by = self.over.mantissa.to_u256()?.mul(down)?;
        let mantissa = product.mul_div_wide(up, by, Rounding::Down)?;
        Some(Decimal { mantissa: mantissa.into(), decimals: digits })
    }

    /// One and so many times the way from one: of 0.8 and 1.3, 0.74.
    pub(super) fn further(self, times: Decimal) -> Option<Fraction> {
        let minus = Decimal { mantissa: self.over.mantissa.neg(), ..self.over };
        let way = self.times.plus(minus)?.times(times)?;
        Some(Fraction { times: self.over.plus(way)?.trimmed(), over: self.over })
    }
}

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.times)?;
        if self.over.trimmed() == Decimal::whole(Int::ONE) { Ok(()) } else { write!(f, " / {}", self.over) }
    }
}
