use super::{Rounding, U256};
use ruint::Uint;

/// 10^27, the scale of Aave's and Maker's indices and rates.
pub const RAY: Divisor = Divisor::of(U256::new(1_000_000_000_000_000_000_000_000_000));
/// 10^18, the scale of most ratios on Ethereum.
pub const WAD: Divisor = Divisor::of(U256::new(1_000_000_000_000_000_000));
/// 10^4, one whole in basis points.
pub const BPS: Divisor = Divisor::of(U256::new(10_000));
/// The seconds of a 365-day year.
pub const YEAR: Divisor = Divisor::of(U256::new(31_536_000));

/// A divisor prepared once: its factors of two are a shift, so that 10^27 divides as the one-word 5^27.
///
/// Invariant: `value == odd << shift`, and `odd` is odd unless `value` is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Divisor {
    value: U256,
    odd: Uint<256, 4>,
    shift: u8,
}

impl Divisor {
    /// Prepares a divisor. Zero is allowed and divides nothing: every division by it answers `None`.
    #[must_use]
    pub const fn of(value: U256) -> Divisor {
        let limbs = value.0.as_limbs();
        // Only shifts below 64 are worth taking: powers of ten up to 10^63 have no more.
        let shift = if limbs[0] == 0 { 0 } else { limbs[0].trailing_zeros() };
        let mut odd = [0; 4];
        let mut i = 0;
        while i < 4 {
            odd[i] = limbs[i] >> shift;
            if shift > 0 && i < 3 {
                odd[i] |= limbs[i + 1] << (64 - shift);
            }
            i += 1;
        }
        Divisor { value, odd: Uint::from_limbs(odd), shift: shift as u8 }
    }

    /// The number itself.
    #[must_use]
    pub const fn value(self) -> U256 {
        self.value
    }

    /// Quotient in the named rounding; `None` when this divisor is zero, when rounding up leaves 256 bits,
    /// or when `Exact` was asked and there is a remainder.
    #[must_use]
    #[inline]
    pub fn divide(&self, dividend: U256, rounding: Rounding) -> Option<U256> {
        if self.value == U256::ZERO {
            return None;
        }
        match rounding {
            Rounding::Down | Rounding::TowardZero => Some(self.floor(dividend)),
            // (n + floor(d/2)) / d, as contracts write it, the sum checked as they do.
            Rounding::HalfUp => {
                let half = U256(self.value.0.wrapping_shr(1));
                Some(self.floor(dividend.add(half)?))
            }
            Rounding::Up => {
                let (quotient, remainder) = dividend.div_rem(self.value);
                if remainder == U256::ZERO { Some(quotient) } else { quotient.add(U256::ONE) }
            }
            Rounding::Exact => {
                let (quotient, remainder) = dividend.div_rem(self.value);
                (remainder == U256::ZERO).then_some(quotient)
            }
        }
    }

    /// floor(floor(n / 2^k) / odd) = floor(n / (2^k * odd)).
    #[inline]
    fn floor(&self, dividend: U256) -> U256 {
        let shifted = dividend.0.wrapping_shr(usize::from(self.shift));
        U256(shifted.wrapping_div(self.odd))
    }
}

impl From<U256> for Divisor {
    #[inline]
    fn from(value: U256) -> Divisor {
        // One use does not pay for the search of factors; the shift stays zero.
        Divisor { value, odd: value.0, shift: 0 }
    }
}
