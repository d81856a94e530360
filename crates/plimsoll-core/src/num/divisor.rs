use super::{Rounding, U256};

/// 10^27, the scale of Aave's and Maker's indices and rates.
pub const RAY: Divisor = Divisor::of(U256::new(1_000_000_000_000_000_000_000_000_000));
/// 10^18, the scale of most ratios on Ethereum.
pub const WAD: Divisor = Divisor::of(U256::new(1_000_000_000_000_000_000));
/// 10^4, one whole in basis points.
pub const BPS: Divisor = Divisor::of(U256::new(10_000));
/// The seconds of a 365-day year.
pub const YEAR: Divisor = Divisor::of(U256::new(31_536_000));

/// A divisor prepared once, so that dividing by it is multiplying by its reciprocal.
///
/// What can be prepared: a number below 2^128 whose bits from the highest to the lowest that is set are at most 64,
/// which every power of ten up to 10^27 is (10^27 = 5^27 x 2^27, and 5^27 has 63 bits). Shifted up until its top bit
/// is the top bit of a word, it is that word, `top`, or `top` and a word of zeros; a dividend shifted as far is then
/// divided by the one word `top`.
///
/// Invariant: unless `reciprocal` is zero, `top` has its top bit, `reciprocal` is that of the function of that name, and
/// `value * power` is `top`, or `top << 64` where `long`; `power` is a power of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Divisor {
    value: U256,
    top: u64,
    /// Zero for a divisor that is not prepared; a reciprocal is never zero.
    reciprocal: u64,
    /// 2^shift: shifting five words is slower than multiplying four.
    power: u64,
    long: bool,
}

impl Divisor {
    /// Prepares a divisor. Zero is allowed and divides nothing: every division by it answers `None`.
    #[must_use]
    pub const fn of(value: U256) -> Divisor {
        let Some(small) = value.to_u128() else { return Divisor::unprepared(value) };
        let bits = 128 - small.leading_zeros();
        let (top, shift, long) = match bits {
            0 => return Divisor::unprepared(value),
            1..=64 => ((small as u64) << (64 - bits), 64 - bits, false),
            _ if small.trailing_zeros() >= bits - 64 => ((small >> (bits - 64)) as u64, 128 - bits, true),
            _ => return Divisor::unprepared(value),
        };
        Divisor { value, top, reciprocal: reciprocal(top), power: 1 << shift, long }
    }

    #[inline]
    const fn unprepared(value: U256) -> Divisor {
        Divisor { value, top: 0, reciprocal: 0, power: 1, long: false }
    }

    /// The number itself.
    #[must_use]
    #[inline]
    pub const fn value(self) -> U256 {
        self.value
    }

    /// Quotient in the named rounding; `None` when this divisor is zero, when rounding up leaves 256 bits,
    /// or when `Exact` was asked and there is a remainder.
    #[must_use]
    #[inline(always)]
    pub fn divide(&self, dividend: U256, rounding: Rounding) -> Option<U256> {
        // (n + floor(d/2)) / d, as contracts write it, the sum checked as they do.
        let dividend = match rounding {
            Rounding::HalfUp => dividend.add(self.value.half())?,
            _ => dividend,
        };
        let Quotient { value, exact } = self.floor(dividend)?;
        match rounding {
            Rounding::Up if !exact => value.add(U256::ONE),
            Rounding::Exact if !exact => None,
            _ => Some(value),
        }
    }

    /// The quotient rounded down; `None` when this divisor is zero.
    #[inline(always)]
    fn floor(&self, dividend: U256) -> Option<Quotient> {
        let Divisor { top, reciprocal, power, long, .. } = *self;
        if reciprocal == 0 {
            return floor_unprepared(dividend, self.value);
        }
        let [w0, w1, w2, w3, w4] = dividend.times_power(power);
        // The words above the two that yield a quotient of two words, those two, and what a zero word of the divisor
        // leaves as it is.
        let (above, high, [u1, u0], below) =
            if long { (w4, w3, [w2, w1], w0) } else { (w4 | w3, w2, [w1, w0], 0) };
        if above != 0 || high >= top {
            let ([q0, q1, q2, q3], exact) = floor_long([w0, w1, w2, w3, w4], top, reciprocal, long);
            return Some(Quotient { value: U256::from_words([q0, q1, q2, q3]), exact });
        }
        // Almost every quotient there is has two words: two steps. Of short divisors (token units) most have one, and
        // then the first step has nothing to do.
        let one_word = !long && high == 0 && u1 < top;
        let (q1, rest) = if one_word { (0, u1) } else { divide_step(high, u1, top, reciprocal) };
        let (q0, rest) = divide_step(rest, u0, top, reciprocal);
        Some(Quotient { value: U256::from_words([q0, q1, 0, 0]), exact: (rest | below) == 0 })
    }
}

/// The same for a quotient of any length: its words, and whether nothing is left over.
#[cold]
#[inline(never)]
fn floor_long(dividend: [u64; 5], top: u64, reciprocal: u64, long: bool) -> ([u64; 4], bool) {
    let first = usize::from(long);
    // A power of at most 2^63 leaves the highest word below 2^63, which is at most `top`.
    let mut rest = dividend[4];
    let mut quotient = [0; 4];
    for place in (first..4).rev() {
        (quotient[place - first], rest) = divide_step(rest, dividend[place], top, reciprocal);
    }
    let below = if long { dividend[0] } else { 0 };
    (quotient, (rest | below) == 0)
}

impl From<U256> for Divisor {
    /// For one use, which does not pay for a reciprocal.
    #[inline]
    fn from(value: U256) -> Divisor {
        Divisor::unprepared(value)
    }
}

/// A quotient rounded down.
struct Quotient {
    value: U256,
    /// Nothing is left over.
    exact: bool,
}

/// floor((2^128 - 1) / top) - 2^64 of a word with its top bit: at least 1, and below 2^64.
const fn reciprocal(top: u64) -> u64 {
    (u128::MAX / top as u128 - (1 << 64)) as u64
}

/// Two words by one, the quotient one word: Möller and Granlund, "Improved division by invariant integers" (2011),
/// algorithm 4. Needs `high < top`, the top bit of `top`, and its reciprocal.
///
/// The sums and products here are meant modulo 2^64 (or 2^128, where none can overflow: reciprocal x high + high x
/// 2^64 + low < 2^128); theorem 2 there proves quotient and remainder right all the same.
#[inline(always)]
const fn divide_step(high: u64, low: u64, top: u64, reciprocal: u64) -> (u64, u64) {
    let dividend = (high as u128) << 64 | low as u128;
    let estimate = (reciprocal as u128 * high as u128).wrapping_add(dividend);
    let quotient = ((estimate >> 64) as u64).wrapping_add(1);
    let rest = low.wrapping_sub(quotient.wrapping_mul(top));
    // As a mask and not as a branch, which would be taken at random.
    let one_less = ((rest > estimate as u64) as u64).wrapping_neg();
    let quotient = quotient.wrapping_add(one_less);
    let rest = rest.wrapping_add(top & one_less);
    // Rare enough to be a branch: a chain of steps need not wait for it.
    if rest >= top { one_more(quotient, rest, top) } else { (quotient, rest) }
}

#[cold]
#[inline(never)]
const fn one_more(quotient: u64, rest: u64, top: u64) -> (u64, u64) {
    (quotient.wrapping_add(1), rest.wrapping_sub(top))
}

/// Division as the processor has it where the numbers fit, as the big-integer crate has it where they do not.
#[inline(always)]
fn floor_unprepared(dividend: U256, by: U256) -> Option<Quotient> {
    let ([n0, n1, n2, n3], [d0, d1, d2, d3]) = (dividend.words(), by.words());
    if n2 | n3 | d2 | d3 != 0 {
        let ([q0, q1, q2, q3], exact) = floor_any([n0, n1, n2, n3], [d0, d1, d2, d3])?;
        return Some(Quotient { value: U256::from_words([q0, q1, q2, q3]), exact });
    }
    let (n, d) = ((n1 as u128) << 64 | n0 as u128, (d1 as u128) << 64 | d0 as u128);
    let quotient = n.checked_div(d)?;
    Some(Quotient { value: U256::new(quotient), exact: n % d == 0 })
}

/// The same for numbers of any length.
#[cold]
#[inline(never)]
fn floor_any(dividend: [u64; 4], by: [u64; 4]) -> Option<([u64; 4], bool)> {
    if by == [0; 4] {
        return None;
    }
    let (quotient, rest) = U256::from_words(dividend).div_rem(U256::from_words(by));
    Some((quotient.words(), rest == U256::ZERO))
}
