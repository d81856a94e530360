//! Derive's portfolio margin (PMRM_2): options, one perp, cash and collateral of one underlying under a matrix of scenarios.
//!
//! Source: `src/risk-managers/PMRMLib_2.sol` and `PMRM_2.sol` of `v2-core`. Units of 1e-18; products are cut toward zero, as there. Options are priced by
//! [`crate::black76`], within its bound of the exact value, and not digit by digit as by the contract's own series; and an expiry's options are added up
//! before they are cut.
//!
//! ```text
//! margin  = factor x min(basis contingency, worst scenario) - contingency + mark to market + cash
//! factor  = maintenance or initial loss factor; the initial one grows by max(0, peg threshold - stable) x peg factor
//! ```
//!
//! - **Scenario** (spot x s, volatility up, down or as it is): dampening x the sum of perp x (s - 1) x its price, of every expiry's
//!   discounted(V(s)) - V, and of every risk-cancelling collateral's value x (s - 1). An expiry's netted V is discounted by the long or the
//!   short factor: a kink at 0. Volatility up: max(least, vol x (1 + range x m)), down: vol x max(0, 1 - range x m), with
//!   m = (30 days / max(time, floor))^power, the power by whether 30 days are left.
//! - **Skew scenarios** (linear, absolute): vol x (1 + k cap / k*), the product kept within the cap, k = ln(strike / forward) or |k|; an expiry counts
//!   -|discounted(V) - its value now|, and spot stays.
//! - **Discounts**: long = base x e^-(t (rate x a + b)); short = min(1 / discount, base' / e^-(t (rate x a' + b'))).
//! - **Forward** = fixed + moving x s: in the last half hour, second by second, the settlement mean is fixed.
//! - **Basis contingency**: sum of expiries: min(0, V(up) - V, V(down) - V) x (add + mult x t).
//! - **Contingency**: naked short options (an expiry's calls and puts netted at each strike) x spot x share, |perp| x spot x share, collateral x haircut;
//!   and for the initial line, where a confidence is below the threshold, (1 - confidence) x factor x what it concerns: a jump. A
//!   collateral's confidence is the lesser of its own and spot's; the perp's concerns options and itself.
//!
//! The mark to market counts the options, the perp's profit and funding, and collateral in units of the stable coin.
//!
//! At a fixed state of the market all this is piecewise linear in positions: [`risk_array`] is what one option is worth in every column, made once a
//! series and state, and [`margin`] adds up columns.

mod array;
mod portfolio;

pub use array::{FIRST_SCENARIO, Series, State, risk_array};
pub use portfolio::{Collateral, Group, Held, Margin, Perp, Portfolio, margin};

/// How a scenario moves volatilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vol {
    /// Not at all.
    Same,
    /// Up, the more the shorter the option.
    Up,
    /// Down, the more the shorter the option.
    Down,
    /// Tilted by strike.
    Linear,
    /// Bent by the distance of the strike.
    Absolute,
}

/// One scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// What spot is multiplied by.
    pub spot: i128,
    /// What becomes of volatilities.
    pub vol: Vol,
    /// What part of the outcome counts.
    pub dampening: i128,
}

/// How far skew may go and how it grows with time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skew {
    /// The cap before time.
    pub cap: i128,
    /// What the root of the years adds to it.
    pub base: i128,
}

/// The static discount of one sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Discount {
    /// The factor before time.
    pub base: i128,
    /// What the rate is multiplied by.
    pub rate: i128,
    /// What is added to it.
    pub add: i128,
}

/// The shares that an option or a perp asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shares {
    /// For maintenance.
    pub maintenance: i128,
    /// For the initial line, besides.
    pub initial: i128,
}

/// All parameters but the scenarios.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// Volatility up.
    pub range_up: i128,
    /// Volatility down.
    pub range_down: i128,
    /// The least volatility of a scenario up.
    pub least_vol: i128,
    /// The power of time up to 30 days.
    pub short_power: i128,
    /// The power of time beyond.
    pub long_power: i128,
    /// The time that is taken for less, in seconds.
    pub least_seconds: u64,
    /// Skew by strike.
    pub linear: Skew,
    /// Skew by distance.
    pub absolute: Skew,
    /// The least width of skew.
    pub least_width: i128,
    /// Width by the root of the years.
    pub width: i128,
    /// The volatility that width is measured by.
    pub width_vol: i128,
    /// What the root of the years adds to that.
    pub width_vol_growth: i128,
    /// The discount of what is worth more than nothing.
    pub long: Discount,
    /// The discount of what is owed.
    pub short: Discount,
    /// The loss factors.
    pub factors: Shares,
    /// Spot up, of the basis contingency.
    pub basis_up: i128,
    /// Spot down.
    pub basis_down: i128,
    /// The share of the loss, before time.
    pub basis_add: i128,
    /// What a year adds to it.
    pub basis_per_year: i128,
    /// Of naked short options.
    pub options: Shares,
    /// Of the perp.
    pub perp: Shares,
    /// The stable coin's price from which it costs nothing more.
    pub peg_threshold: i128,
    /// What the initial factor grows by for each unit below.
    pub peg_factor: i128,
    /// The confidence from which nothing is asked for it.
    pub confidence_threshold: i128,
    /// What doubt asks.
    pub confidence_factor: i128,
}
