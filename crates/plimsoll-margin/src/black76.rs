//! European options on a forward: Black's formula of 1976, its Greeks, and how far they may be from the true values.
//!
//! With F the forward, K the strike, s = volatility x sqrt(years) and D the discount factor:
//!
//! ```text
//! d1 = ln(F/K) / s + s/2        d2 = d1 - s
//! call = D (F N(d1) - K N(d2))  put = call - D (F - K)
//! ```
//!
//! Source: F. Black, "The pricing of commodity contracts", 1976. Everything is in units of u = 10^-18; F and K below as numbers.
//!
//! # Error of a price
//! `d1` is computed with ln(F/K) within 0.51 u, its quotient by s and s/2 each rounded once (1.5 u), and d2 is d1 - s exactly. So (d1, d2)
//! are exactly those of another ratio F/K with the logarithm k' = k + e, |e| <= (0.51 + 1.5 s) u. As a function of k' with F and K held, the
//! undiscounted call F N(k'/s + s/2) - K N(k'/s - s/2) has the slope F p(d1') (1 - e^(k'-k)) / s, p the density: zero at k itself. So the price
//! is off by at most 0.2 x 1.01 F e^2 / s, which for s >= u is below 0.06 F u + 0.5 s F u^2: below 0.09 F u for s up to 4 x 10^16; beyond, d1 and d2
//! are so far out that N is 1 and 0. N errs by 0.501 u each time: 0.501 (F + K) u; two products are rounded down: 2 u. Where s is itself a root that was
//! rounded down by less than 1 u ([`deviation`]), the slope along s is F p(d1) <= 0.4 F: 0.4 F u more. Together 0.991 F u + 0.501 K u + 2 u, below
//! **(F + K + 2) u**. Clamping to what a price can be
//! (from max(F - K, 0) to F; a put from max(K - F, 0) to K) brings it nearer. The discount scales the error, and rounds by 1 u.
//!
//! # Error of the Greeks
//! They depend on d1 itself, which is within e1 = (0.51/s + 1.5 + 0.5) u of the true one where s is exact, and where s was rounded by at most u,
//! within (|d1|/s + 1) u more: the slope of d1 along s is -d2/s. N moves by at most 0.4 of that, the density by at most 0.25 of it, so
//! that near expiry the bound grows, and it is told with the value: nobody should trust the gamma of an option with a second to live. Gamma is
//! divided by s besides, whose own error is a share u / s of it.

use crate::fixed::{ONE, density, div, ln_ratio, mul, mul_div, normal, root_of};
use plimsoll_core::{Rounding, U256};

/// Seconds of the year by which volatilities are annual: 365 days.
pub const YEAR: u64 = 31_536_000;

/// A number in units of 1e-18 and how far the true value may be from it, up or down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Near {
    /// The number.
    pub value: i128,
    /// The bound of its error, in the same units.
    pub error: i128,
}

/// Call or put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// The right to buy at the strike.
    Call,
    /// The right to sell at the strike.
    Put,
}

/// A European option at one state of the market; every number in units of 1e-18.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct European {
    /// What the underlying is expected at: not negative.
    pub forward: i128,
    /// The strike: not negative.
    pub strike: i128,
    /// Volatility times the root of the years, as [`deviation`] gives it: not negative.
    pub deviation: i128,
    /// What one unit at expiry is worth now: not negative.
    pub discount: i128,
    /// Call or put.
    pub right: Right,
}

/// The Greeks of a linear option, in units of 1e-18.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Greeks {
    /// Change of the price with the forward.
    pub delta: Near,
    /// Change of delta with the forward.
    pub gamma: Near,
    /// Change of the price with the deviation; times the root of the years, with the volatility.
    pub vega: Near,
}

/// volatility x sqrt(seconds / year), rounded down: less than 1 below the true value. `None` for a negative volatility or beyond 127 bits.
#[must_use]
pub fn deviation(volatility: i128, seconds: u64) -> Option<i128> {
    let volatility = U256::new(u128::try_from(volatility).ok()?);
    let variance =
        volatility.mul(volatility)?.mul_div(U256::from(seconds), U256::from(YEAR), Rounding::Down)?;
    root_of(variance)
}

impl European {
    fn is_valid(&self) -> bool {
        self.forward >= 0 && self.strike >= 0 && self.deviation >= 0 && self.discount >= 0
    }

    /// The price in the quote currency; `None` beyond 127 bits or for a negative input.
    #[must_use]
    pub fn price(&self) -> Option<Near> {
        if !self.is_valid() {
            return None;
        }
        let European { forward, strike, discount, .. } = *self;
        let call = match self.distances() {
            Some((d1, d2)) => {
                let paid = mul(strike, normal(d2), Rounding::Down)?;
                mul(forward, normal(d1), Rounding::Down)?.checked_sub(paid)?
            }
            // No time, no forward or no strike: what is left is exact.
            None => forward.checked_sub(strike)?,
        };
        let (held, most) = match self.right {
            Right::Call => (call, forward),
            Right::Put => (call.checked_sub(forward.checked_sub(strike)?)?, strike),
        };
        let intrinsic = match self.right {
            Right::Call => forward - strike,
            Right::Put => strike - forward,
        };
        let undiscounted = held.clamp(intrinsic.max(0), most);
        let whole = (forward.checked_add(strike)? / ONE) + 3;
        Some(Near {
            value: mul(undiscounted, discount, Rounding::Down)?,
            error: mul(whole, discount, Rounding::Up)?.checked_add(1)?,
        })
    }

    /// Delta, gamma and vega; `None` where the deviation, the forward or the strike is zero, where there are none.
    #[must_use]
    pub fn greeks(&self) -> Option<Greeks> {
        if !self.is_valid() {
            return None;
        }
        let (d1, _) = self.distances()?;
        let European { forward, deviation, discount, .. } = *self;
        // (0.51 + |d1|) / s + 3, in u.
        let off =
            div(d1.checked_abs()?.checked_add(510_000_000_000_000_000)?, deviation, Rounding::Up)? / ONE + 4;
        let error_of_normal = (off / 5).checked_mul(2)? + 3;
        let error_of_density = off / 4 + 2;
        let chance = match self.right {
            Right::Call => normal(d1),
            Right::Put => normal(d1) - ONE,
        };
        let delta = Near {
            value: mul(chance, discount, Rounding::Down)?,
            error: mul(error_of_normal, discount, Rounding::Up)?.checked_add(1)?,
        };
        let scaled = |value: i128, rounding| mul_div(value, discount, forward, rounding);
        let gamma = div(scaled(density(d1), Rounding::Down)?, deviation, Rounding::Down)?;
        let off_by_division = mul_div(gamma, 1, deviation, Rounding::Up)?;
        let gamma = Near {
            value: gamma,
            error: div(scaled(error_of_density, Rounding::Up)?.checked_add(1)?, deviation, Rounding::Up)?
                .checked_add(off_by_division.checked_add(2)?)?,
        };
        let future = mul(forward, discount, Rounding::Down)?;
        let vega = Near {
            value: mul(future, density(d1), Rounding::Down)?,
            error: mul(future, error_of_density, Rounding::Up)?.checked_add(2)?,
        };
        Some(Greeks { delta, gamma, vega })
    }

    /// d1 and d2; `None` where they are infinite.
    fn distances(&self) -> Option<(i128, i128)> {
        if self.forward == 0 || self.strike == 0 || self.deviation == 0 {
            return None;
        }
        // |ln| of two numbers of 127 bits is below 89, so this fits whatever the deviation.
        let d1 = div(ln_ratio(self.forward, self.strike)?, self.deviation, Rounding::Down)?
            .checked_add(self.deviation / 2)?;
        Some((d1, d1.checked_sub(self.deviation)?))
    }
}

/// The price of a coin-settled option, in the coin: the linear price over the price of the coin, with the error that both
/// roundings leave. Its payoff is the linear one paid in coins at the settlement price. `None` unless the coin's price is positive.
#[must_use]
pub fn in_coin(linear: Near, coin: i128) -> Option<Near> {
    if coin <= 0 {
        return None;
    }
    Some(Near {
        value: div(linear.value, coin, Rounding::Down)?,
        error: div(linear.error, coin, Rounding::Up)?.checked_add(1)?,
    })
}

/// Delta of a coin-settled option with its premium counted as the exposure that it is: linear delta less the price in coin.
#[must_use]
pub fn delta_in_coin(delta: Near, price_in_coin: Near) -> Option<Near> {
    Some(Near {
        value: delta.value.checked_sub(price_in_coin.value)?,
        error: delta.error.checked_add(price_in_coin.error)?,
    })
}

/// A forward whose settlement price is the mean over a window before expiry: what of it is fixed by now, and what still moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settling {
    /// What the part of the window behind us has fixed.
    pub fixed: i128,
    /// What still moves with the market.
    pub moving: i128,
}

impl Settling {
    /// Splits a forward by the share of a window that is behind us: inside the window the rest of it, `seconds` of `window`, moves.
    #[must_use]
    pub fn of(forward: i128, seconds: u64, window: u64) -> Option<Settling> {
        if seconds >= window {
            return Some(Settling { fixed: 0, moving: forward });
        }
        let part = |seconds: u64| mul_div(forward, seconds.into(), window.into(), Rounding::TowardZero);
        Some(Settling { fixed: part(window - seconds)?, moving: part(seconds)? })
    }

    /// The forward after the market moved to `shock` times where it was (units of 1e-18).
    #[must_use]
    pub fn at(self, shock: i128) -> Option<i128> {
        self.fixed.checked_add(mul(self.moving, shock, Rounding::TowardZero)?)
    }
}
