//! What a portfolio is asked, from the columns of its options.

use super::{FIRST_SCENARIO, Parameters, Scenario, State, Vol};
use crate::fixed::{ONE, div, dot, mul};
use plimsoll_core::Rounding::TowardZero;

/// A position in one option series.
#[derive(Clone, Copy, Debug)]
pub struct Held<'a> {
    /// How many, short where negative.
    pub amount: i128,
    /// The strike: shorts are netted at it.
    pub strike: i128,
    /// The series' columns, as `risk_array` writes them.
    pub columns: &'a [i128],
}

/// The options of one expiry.
#[derive(Clone, Copy, Debug)]
pub struct Group<'a> {
    /// The expiry.
    pub state: &'a State,
    /// Its options, in the order of their strikes.
    pub held: &'a [Held<'a>],
}

/// The perp position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Perp {
    /// How much, short where negative; not zero.
    pub amount: i128,
    /// Its price.
    pub price: i128,
    /// Confidence in it.
    pub confidence: i128,
    /// Profit and funding that are not settled.
    pub unsettled: i128,
}

/// A collateral besides cash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Collateral {
    /// How much.
    pub amount: i128,
    /// Its price in dollars.
    pub price: i128,
    /// Confidence in it.
    pub confidence: i128,
    /// Whether it moves with the underlying and so cancels risk.
    pub cancels_risk: bool,
    /// The maintenance haircut.
    pub maintenance: i128,
    /// What the initial line asks besides.
    pub initial: i128,
}

/// A portfolio of one underlying.
#[derive(Clone, Copy, Debug)]
pub struct Portfolio<'a> {
    /// Spot.
    pub spot: i128,
    /// Confidence in it.
    pub confidence: i128,
    /// The stable coin in dollars.
    pub stable: i128,
    /// Cash, owed where negative.
    pub cash: i128,
    /// The perp, if there is one.
    pub perp: Option<Perp>,
    /// Options by expiry.
    pub groups: &'a [Group<'a>],
    /// Collateral.
    pub collateral: &'a [Collateral],
}

/// What a portfolio has left above each line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Margin {
    /// Above the initial line; negative below it.
    pub initial: i128,
    /// Above the maintenance line.
    pub maintenance: i128,
    /// Mark to market with cash.
    pub value: i128,
    /// The basis contingency.
    pub basis: i128,
    /// The scenario that binds, from 0; the number of scenarios where the basis contingency does.
    pub scenario: usize,
}

/// The margin of a portfolio, and in `outcomes` what it gains or loses in each scenario. `None` where a number does not fit or lengths disagree.
#[must_use]
pub fn margin(
    portfolio: &Portfolio<'_>,
    scenarios: &[Scenario],
    parameters: &Parameters,
    outcomes: &mut [i128],
) -> Option<Margin> {
    let p = parameters;
    if outcomes.len() != scenarios.len() {
        return None;
    }
    let mut totals = Totals { confidence: portfolio.confidence, ..Totals::default() };
    outcomes.fill(0);
    if let Some(perp) = &portfolio.perp {
        totals.perp(perp, portfolio.spot, p)?;
        for (outcome, scenario) in outcomes.iter_mut().zip(scenarios) {
            let move_of_spot = mul(scenario.spot.checked_sub(ONE)?, perp.price, TowardZero)?;
            let gain = mul(move_of_spot, perp.amount, TowardZero)?;
            *outcome = mul(gain, scenario.dampening, TowardZero)?;
        }
    }
    for collateral in portfolio.collateral {
        let value = div(mul(collateral.amount, collateral.price, TowardZero)?, portfolio.stable, TowardZero)?;
        totals.collateral(collateral, value, portfolio.confidence, p)?;
        if collateral.cancels_risk {
            // Each is dampened and cut by itself, as there.
            for (outcome, scenario) in outcomes.iter_mut().zip(scenarios) {
                let gain = mul(value, scenario.spot.checked_sub(ONE)?, TowardZero)?;
                *outcome = add(*outcome, mul(gain, scenario.dampening, TowardZero)?)?;
            }
        }
    }
    for group in portfolio.groups {
        totals.options(group, portfolio.spot, p)?;
        totals.basis = add(totals.basis, group.outcomes(scenarios, outcomes, &mut totals.value)?)?;
    }
    let (mut worst, mut scenario) = (totals.basis, scenarios.len());
    for (number, outcome) in outcomes.iter().enumerate() {
        if *outcome < worst {
            (worst, scenario) = (*outcome, number);
        }
    }
    let value = add(totals.value, portfolio.cash)?;
    let peg = mul((p.peg_threshold.checked_sub(portfolio.stable)?).max(0), p.peg_factor, TowardZero)?;
    let maintenance = mul(worst, p.factors.maintenance, TowardZero)?.checked_sub(totals.maintenance)?;
    let initial = mul(worst, p.factors.initial.checked_add(peg)?, TowardZero)?
        .checked_sub(totals.maintenance)?
        .checked_sub(totals.initial)?;
    Some(Margin {
        initial: add(initial, value)?,
        maintenance: add(maintenance, value)?,
        value,
        basis: totals.basis,
        scenario,
    })
}

fn add(x: i128, y: i128) -> Option<i128> {
    x.checked_add(y)
}

/// What is summed up on the way.
#[derive(Default)]
struct Totals {
    /// The least confidence in spot and, where there is one, the perp.
    confidence: i128,
    value: i128,
    basis: i128,
    maintenance: i128,
    initial: i128,
}

impl Totals {
    fn asks(&mut self, maintenance: i128, initial: i128) -> Option<()> {
        self.maintenance = add(self.maintenance, maintenance)?;
        self.initial = add(self.initial, initial)?;
        Some(())
    }

    fn perp(&mut self, perp: &Perp, spot: i128, p: &Parameters) -> Option<()> {
        self.confidence = self.confidence.min(perp.confidence);
        self.value = add(self.value, perp.unsettled)?;
        let size = mul(perp.amount.checked_abs()?, spot, TowardZero)?;
        self.asks(mul(size, p.perp.maintenance, TowardZero)?, mul(size, p.perp.initial, TowardZero)?)?;
        self.asks(0, doubt(self.confidence, size, p)?)
    }

    fn collateral(&mut self, held: &Collateral, value: i128, spot: i128, p: &Parameters) -> Option<()> {
        self.value = add(self.value, value)?;
        self.asks(mul(value, held.maintenance, TowardZero)?, mul(value, held.initial, TowardZero)?)?;
        self.asks(0, doubt(held.confidence.min(spot), value, p)?)
    }

    fn options(&mut self, group: &Group<'_>, spot: i128, p: &Parameters) -> Option<()> {
        let (mut naked, mut all) = (0, 0);
        for strike in group.held.chunk_by(|one, next| one.strike == next.strike) {
            let net = strike.iter().try_fold(0, |sum, held| add(sum, held.amount))?;
            naked = add(naked, net.min(0).checked_neg()?)?;
            all = strike.iter().try_fold(all, |sum, held| add(sum, held.amount.checked_abs()?))?;
        }
        let naked = mul(naked, spot, TowardZero)?;
        self.asks(
            mul(naked, p.options.maintenance, TowardZero)?,
            mul(naked, p.options.initial, TowardZero)?,
        )?;
        let confidence = group.state.confidence.min(self.confidence);
        self.asks(0, doubt(confidence, mul(all, spot, TowardZero)?, p)?)
    }
}

/// What doubt about `size` asks.
fn doubt(confidence: i128, size: i128, p: &Parameters) -> Option<i128> {
    if confidence >= p.confidence_threshold {
        return Some(0);
    }
    mul(mul(ONE.checked_sub(confidence)?, p.confidence_factor, TowardZero)?, size, TowardZero)
}

impl Group<'_> {
    /// Adds what the expiry does in each scenario and its value now; gives its part of the basis contingency.
    fn outcomes(&self, scenarios: &[Scenario], outcomes: &mut [i128], value: &mut i128) -> Option<i128> {
        if self.held.iter().any(|held| held.columns.len() != scenarios.len() + FIRST_SCENARIO) {
            return None;
        }
        let now = self.column(0)?;
        *value = add(*value, now)?;
        let worse = self.column(1)?.min(self.column(2)?).checked_sub(now)?.min(0);
        let (long, short) = self.state.static_discounts();
        for (number, (outcome, scenario)) in outcomes.iter_mut().zip(scenarios).enumerate() {
            let there = self.column(number + FIRST_SCENARIO)?;
            let change = mul(there, if there < 0 { short } else { long }, TowardZero)?.checked_sub(now)?;
            let skew = matches!(scenario.vol, Vol::Linear | Vol::Absolute);
            let dampened = mul(change, scenario.dampening, TowardZero)?;
            *outcome = add(*outcome, if skew { dampened.checked_abs()?.checked_neg()? } else { dampened })?;
        }
        mul(worse, self.state.basis, TowardZero)
    }

    /// What the expiry is worth in a column, cut once.
    fn column(&self, column: usize) -> Option<i128> {
        dot(self.held.iter().map(|held| (held.amount, held.columns[column])))
    }
}
