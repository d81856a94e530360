//! Numbers of twice the precision of `f64`: an unevaluated sum of two, about 32 decimal digits.
//!
//! Inverting a Laplace transform by Gaver and Stehfest cancels about as many digits as it has terms, which `f64` does not
//! have. Dekker 1971; Hida, Li and Bailey 2001. Not for values near the ends of the exponent's range.

use std::f64::consts::LN_2;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// `high + low`, where `low` is at most half a unit in the last place of `high`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Twice {
    high: f64,
    low: f64,
}

/// The natural logarithm of 2.
pub(crate) const LN_TWO: Twice = Twice { high: LN_2, low: 2.319_046_813_846_299_6e-17 };

impl Twice {
    pub(crate) const ZERO: Twice = Twice { high: 0.0, low: 0.0 };

    pub(crate) fn new(value: f64) -> Twice {
        Twice { high: value, low: 0.0 }
    }

    pub(crate) fn to_f64(self) -> f64 {
        self.high + self.low
    }

    /// `e` to the power of this.
    pub(crate) fn exp(self) -> Twice {
        // exp(x) = 2^k exp(r / 512)^512 with |r| <= ln 2 / 2; the Taylor series of so small a number is short.
        let k = (self.high / LN_2).round();
        if !(-1000.0..=1000.0).contains(&k) {
            return Twice::new(libm::exp(self.high));
        }
        let r = (self - LN_TWO * Twice::new(k)) * Twice::new(1.0 / 512.0);
        let (mut term, mut sum) = (r, r);
        for n in 2..=12_u32 {
            term = term * r / Twice::new(f64::from(n));
            sum = sum + term;
        }
        // Of exp(r) - 1, so that squaring loses nothing of what is small.
        for _ in 0..9 {
            sum = sum + sum + sum * sum;
        }
        let scale = libm::ldexp(1.0, k as i32);
        let value = sum + Twice::new(1.0);
        Twice { high: value.high * scale, low: value.low * scale }
    }
}

/// The rounded sum and its error.
fn two_sum(a: f64, b: f64) -> Twice {
    let sum = a + b;
    let part = sum - a;
    Twice { high: sum, low: (a - (sum - part)) + (b - part) }
}

/// As [`two_sum`] where `a` is not the smaller.
fn quick_sum(a: f64, b: f64) -> Twice {
    let sum = a + b;
    Twice { high: sum, low: b - (sum - a) }
}

impl Add for Twice {
    type Output = Twice;
    fn add(self, other: Twice) -> Twice {
        let (high, low) = (two_sum(self.high, other.high), two_sum(self.low, other.low));
        let middle = quick_sum(high.high, high.low + low.high);
        quick_sum(middle.high, middle.low + low.low)
    }
}

impl Neg for Twice {
    type Output = Twice;
    fn neg(self) -> Twice {
        Twice { high: -self.high, low: -self.low }
    }
}

impl Sub for Twice {
    type Output = Twice;
    fn sub(self, other: Twice) -> Twice {
        self + -other
    }
}

impl Mul for Twice {
    type Output = Twice;
    fn mul(self, other: Twice) -> Twice {
        let product = self.high * other.high;
        // The fused operation rounds once, on every machine: this is the exact error of the product.
        let error = self.high.mul_add(other.high, -product);
        quick_sum(product, error + (self.high * other.low + self.low * other.high))
    }
}

impl Div for Twice {
    type Output = Twice;
    fn div(self, other: Twice) -> Twice {
        let first = self.high / other.high;
        let rest = self - other * Twice::new(first);
        let second = rest.high / other.high;
        let rest = rest - other * Twice::new(second);
        quick_sum(first, second) + Twice::new(rest.high / other.high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Digits from tables: e to 40 places, 1/3, and the logarithm of 2 by the series of its inverse.
    #[test]
    fn thirty_digits_are_right() {
        let close = |found: Twice, high: f64, low: f64| {
            let off = (found - Twice { high, low }).to_f64();
            assert!(off.abs() <= 1e-29 * high.abs(), "{found:?} is off by {off}");
        };
        // e = 2.7182818284590452353602874713526624977572
        close(Twice::new(1.0).exp(), std::f64::consts::E, 1.445_646_891_729_250_2e-16);
        let third = Twice::new(1.0) / Twice::new(3.0);
        close(third * Twice::new(3.0), 1.0, 0.0);
        close(LN_TWO.exp(), 2.0, 0.0);
        close(Twice::new(-30.0).exp() * Twice::new(30.0).exp(), 1.0, 0.0);
    }
}
