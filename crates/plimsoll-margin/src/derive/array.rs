//! What one option is worth in every column: the state of the market and the scenarios decide, positions do not.

use super::{Discount, Parameters, Scenario, Skew, Vol};
use crate::black76::{European, Right, Settling, YEAR, deviation};
use crate::fixed::{ONE, div, exp, ln_ratio, mul, mul_div, power, root};
use plimsoll_core::Rounding::TowardZero;

/// The columns before the scenarios: now, spot up and spot down of the basis contingency.
pub const FIRST_SCENARIO: usize = 3;
/// The window of the settlement mean, in seconds.
const WINDOW: u64 = 1_800;
const MONTH: u64 = 30 * 86_400;

/// An option series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Series {
    /// The strike.
    pub strike: i128,
    /// Call or put.
    pub right: Right,
    /// Its implied volatility.
    pub vol: i128,
}

/// An expiry at one state of the market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    forward: Settling,
    seconds: u64,
    discount: i128,
    /// The least of the confidences of forward, rate and volatilities.
    pub(super) confidence: i128,
    /// Factors of volatility: up and down.
    range: (i128, i128),
    /// The caps of skew, by strike and by distance, and their width.
    skew: (i128, i128, i128),
    /// The static discounts of what is held and of what is owed.
    factors: (i128, i128),
    /// What the basis contingency takes of a loss.
    pub(super) basis: i128,
}

impl State {
    /// Of an expiry `seconds` away, its forward, rate and the least confidence in either or in its volatilities. `None` where a
    /// number does not fit.
    #[must_use]
    pub fn new(
        seconds: u64,
        forward: i128,
        rate: i128,
        confidence: i128,
        parameters: &Parameters,
    ) -> Option<State> {
        let p = parameters;
        let rate = rate.max(0);
        let years = mul_div(ONE, seconds.into(), YEAR.into(), TowardZero)?;
        let discount = exp(-mul(rate, years, TowardZero)?)?;
        let power_of_time = if seconds <= MONTH { p.short_power } else { p.long_power };
        let times = power((MONTH.into(), seconds.max(p.least_seconds).into()), power_of_time)?;
        let up = ONE.checked_add(mul(p.range_up, times, TowardZero)?)?;
        let down = ONE.checked_sub(mul(p.range_down, times, TowardZero)?)?.max(0);
        let root = root(years)?;
        let cap = |skew: Skew| mul(skew.base, root, TowardZero)?.checked_add(skew.cap);
        let width_vol = p.width_vol.checked_add(mul(root, p.width_vol_growth, TowardZero)?)?;
        let width = mul(mul(root, p.width, TowardZero)?, width_vol, TowardZero)?.max(p.least_width);
        let shrinks = |by: Discount| {
            let rate = mul(rate, by.rate, TowardZero)?.checked_add(by.add)?;
            exp(mul(years, rate, TowardZero)?.checked_neg()?)
        };
        let long = mul(p.long.base, shrinks(p.long)?, TowardZero)?;
        let short = div(p.short.base, shrinks(p.short)?, TowardZero)?.min(div(ONE, discount, TowardZero)?);
        Some(State {
            forward: Settling::of(forward, seconds, WINDOW)?,
            seconds,
            discount,
            confidence,
            range: (up, down),
            skew: (cap(p.linear)?, cap(p.absolute)?, width),
            factors: (long, short),
            basis: p.basis_add.checked_add(mul(p.basis_per_year, years, TowardZero)?)?,
        })
    }

    /// The static discounts: of what is worth more than nothing, and of what is owed.
    #[must_use]
    pub const fn static_discounts(&self) -> (i128, i128) {
        self.factors
    }

    /// One option, spot times `shock`, at this volatility.
    fn price(&self, series: &Series, shock: i128, vol: i128) -> Option<i128> {
        let option = European {
            forward: self.forward.at(shock)?,
            strike: series.strike,
            deviation: deviation(vol, self.seconds)?,
            discount: self.discount,
            right: series.right,
        };
        Some(option.price()?.value)
    }

    /// The volatility of a series in a scenario.
    fn vol(&self, series: &Series, vol: Vol, least: i128) -> Option<i128> {
        let (up, down) = self.range;
        let (linear, absolute, width) = self.skew;
        match vol {
            Vol::Same => Some(series.vol),
            Vol::Up => Some(mul(series.vol, up, TowardZero)?.max(least)),
            Vol::Down => mul(series.vol, down, TowardZero),
            Vol::Linear => tilted(series.vol, self.moneyness(series)?, linear, width),
            Vol::Absolute => tilted(series.vol, self.moneyness(series)?.abs(), absolute, width),
        }
    }

    /// ln(strike / forward).
    fn moneyness(&self, series: &Series) -> Option<i128> {
        ln_ratio(series.strike, self.forward.at(ONE)?)
    }
}

/// vol x (1 + k cap / width), the product at most the cap of a positive k and at least its opposite of a negative one.
fn tilted(vol: i128, k: i128, cap: i128, width: i128) -> Option<i128> {
    let slope = mul_div(k, cap, width, TowardZero)?;
    let moved = if k >= 0 { slope.min(cap) } else { slope.max(cap.checked_neg()?) };
    mul(vol, ONE.checked_add(moved)?.max(0), TowardZero)
}

/// Writes what one option is worth: now, at the two shocks of the basis contingency, and in each scenario. `None` where a number does not
/// fit or `columns` are not three more than scenarios.
#[must_use]
pub fn risk_array(
    series: &Series,
    state: &State,
    scenarios: &[Scenario],
    parameters: &Parameters,
    columns: &mut [i128],
) -> Option<()> {
    if columns.len() != scenarios.len() + FIRST_SCENARIO {
        return None;
    }
    let same = [ONE, parameters.basis_up, parameters.basis_down];
    for (column, shock) in columns.iter_mut().zip(same) {
        *column = state.price(series, shock, series.vol)?;
    }
    for (column, scenario) in columns[FIRST_SCENARIO..].iter_mut().zip(scenarios) {
        let shock = if matches!(scenario.vol, Vol::Linear | Vol::Absolute) { ONE } else { scenario.spot };
        *column = state.price(series, shock, state.vol(series, scenario.vol, parameters.least_vol)?)?;
    }
    Some(())
}
