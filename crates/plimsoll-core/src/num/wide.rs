use super::{Int, U256};
use core::cmp::Ordering;
use core::fmt;
use ruint::{Uint, UintTryFrom};

/// A signed integer of magnitude below 2^512: sums of coefficient times node, which must not overflow.
///
/// Invariant: zero is not negative.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Wide {
    magnitude: Uint<512, 8>,
    negative: bool,
}

impl Wide {
    /// 0
    pub const ZERO: Wide = Wide { magnitude: Uint::ZERO, negative: false };

    /// The product of two integers, always exact.
    #[must_use]
    pub fn product(x: Int, y: Int) -> Wide {
        let magnitude = x.magnitude().0.widening_mul(y.magnitude().0);
        Wide::from_parts(x.is_negative() != y.is_negative(), magnitude)
    }

    fn from_parts(negative: bool, magnitude: Uint<512, 8>) -> Wide {
        Wide { magnitude, negative: negative && !magnitude.is_zero() }
    }

    /// Below zero?
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.negative
    }

    /// The opposite number.
    #[must_use]
    pub fn neg(self) -> Wide {
        Wide::from_parts(!self.negative, self.magnitude)
    }

    /// The absolute value.
    #[must_use]
    pub fn abs(self) -> Wide {
        Wide { magnitude: self.magnitude, negative: false }
    }

    /// Sum, or `None` from magnitude 2^512 on.
    #[must_use]
    pub fn add(self, other: Wide) -> Option<Wide> {
        if self.negative == other.negative {
            let magnitude = self.magnitude.checked_add(other.magnitude)?;
            return Some(Wide { magnitude, negative: self.negative });
        }
        Some(match self.magnitude.checked_sub(other.magnitude) {
            Some(difference) => Wide::from_parts(self.negative, difference),
            None => Wide::from_parts(other.negative, other.magnitude.checked_sub(self.magnitude)?),
        })
    }

    /// Difference, or `None` from magnitude 2^512 on.
    #[must_use]
    pub fn sub(self, other: Wide) -> Option<Wide> {
        self.add(other.neg())
    }

    /// Product, or `None` from magnitude 2^512 on.
    #[must_use]
    pub fn mul(self, other: U256) -> Option<Wide> {
        let factor: Uint<512, 8> = Uint::from(other.0);
        Some(Wide {
            magnitude: self.magnitude.checked_mul(factor)?,
            negative: self.negative && !factor.is_zero(),
        })
    }

    /// How many bits the magnitude has.
    #[must_use]
    pub fn bits(self) -> usize {
        self.magnitude.bit_len()
    }

    /// The value if it fits 256 bits.
    #[must_use]
    pub fn to_int(self) -> Option<Int> {
        let magnitude = Uint::<256, 4>::uint_try_from(self.magnitude).ok()?;
        Some(Int::from_parts(self.negative, U256(magnitude)))
    }

    /// The greatest whole number not above `self / by` as an [`Int`]; `None` for zero `by` or overflow.
    #[must_use]
    pub fn div_down(self, by: U256) -> Option<Int> {
        if by == U256::ZERO {
            return None;
        }
        let (mut quotient, remainder) = self.magnitude.div_rem(Uint::from(by.0));
        if self.negative && !remainder.is_zero() {
            quotient = quotient.checked_add(Uint::ONE)?;
        }
        Wide::from_parts(self.negative, quotient).to_int()
    }
}

impl Wide {
    /// Quotient and rest of two numbers that are not negative; `None` for others, and when dividing by zero.
    #[must_use]
    pub fn div_rem(self, by: Wide) -> Option<(Wide, Wide)> {
        if self.negative || by.negative || by.magnitude.is_zero() {
            return None;
        }
        let (quotient, rest) = self.magnitude.div_rem(by.magnitude);
        Some((Wide::from_parts(false, quotient), Wide::from_parts(false, rest)))
    }

    /// The greatest whole number whose square is not above this one; `None` below zero.
    ///
    /// Newton's steps from above the root fall until they have reached it.
    #[must_use]
    pub fn root(self) -> Option<U256> {
        if self.negative {
            return None;
        }
        let mut root: Uint<512, 8> = Uint::ZERO;
        if !self.magnitude.is_zero() {
            // 2^256 squared is above every number of 512 bits.
            root.set_bit(self.magnitude.bit_len().div_ceil(2), true);
        }
        while !root.is_zero() {
            let (quotient, _) = self.magnitude.div_rem(root);
            let (next, _) = root.checked_add(quotient)?.div_rem(Uint::from(2_u64));
            if next >= root {
                break;
            }
            root = next;
        }
        Uint::<256, 4>::uint_try_from(root).ok().map(U256)
    }
}

impl From<Int> for Wide {
    fn from(value: Int) -> Wide {
        Wide::from_parts(value.is_negative(), Uint::from(value.magnitude().0))
    }
}

impl Ord for Wide {
    fn cmp(&self, other: &Wide) -> Ordering {
        match (self.negative, other.negative) {
            (false, false) => self.magnitude.cmp(&other.magnitude),
            (true, true) => other.magnitude.cmp(&self.magnitude),
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
        }
    }
}

impl PartialOrd for Wide {
    fn partial_cmp(&self, other: &Wide) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Wide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negative {
            f.write_str("-")?;
        }
        fmt::Display::fmt(&self.magnitude, f)
    }
}

impl fmt::Debug for Wide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
