//! What came of a run, and what came of many.

use crate::ledger::Ledger;
use plimsoll_core::{Int, PriceId, U256};
use std::collections::BTreeMap;

/// Sums in one currency \[1e18\].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Debt that keepers paid, at the market's price.
    pub repaid: Int,
    /// Collateral that was taken for it, at the market's price before it was sold.
    pub seized: Int,
    /// What was taken beyond what was paid: what liquidation cost borrowers.
    pub cost: Int,
    /// What keepers were left with, gas paid.
    pub profit: Int,
    /// What calls cost.
    pub gas: Int,
    /// Debt that nobody will pay: written off by a venue, or beyond collateral at the end, at the market's price.
    pub bad_debt: Int,
    /// The part of it that a venue wrote off in the course of the run.
    pub written_off: Int,
    /// What borrowers paid in or back.
    pub rescued: Int,
}

/// What came of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Which run.
    pub run: u64,
    /// By currency of markets.
    pub sums: BTreeMap<String, Sums>,
    /// Liquidating calls.
    pub calls: u64,
    /// Different accounts that were below their line at some look.
    pub fell: u64,
    /// Of those, below it at the end.
    pub left: u64,
    /// The longest time that somebody was below his line \[s\].
    pub clearing: u64,
    /// Whether somebody still was at the end, so that the time is at least this.
    pub uncleared: bool,
    /// The deepest that sales pressed each driver's price, as a share \[1e18\].
    pub impact: Vec<U256>,
    /// The lowest that each driver went, sales included, as a factor on its start \[1e18\].
    pub lowest: Vec<U256>,
    /// The same without what sales did.
    pub lowest_alone: Vec<U256>,
    /// Looks at which an account was below its line and no keeper took it, by why.
    pub passed: Passed,
    /// Times that borrowers acted.
    pub rescues: u64,
    /// Times that a venue refused what a borrower wanted.
    pub rescues_refused: u64,
    /// Times that a pool was brought back to the market.
    pub arbitrages: u64,
    /// Accounts that cannot be judged.
    pub unknown: u64,
    /// Who holds what more than at the start.
    pub ledger: Ledger,
}

/// Why accounts below their line were left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// Nobody was there, or gas was dearer than all of them pay.
    pub nobody: u64,
    /// It did not pay.
    pub unprofitable: u64,
    /// It was more than any of them has.
    pub capital: u64,
    /// What would be sold has no market, or is more than anybody has measured.
    pub unsold: u64,
    /// The venue refused every lot.
    pub refused: u64,
}

/// Something that happened, for who wants to see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Seconds since the start.
    pub after: u64,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// An oracle's price is acted on from now on: which, and the factor on its start \[1e15\].
    Published(PriceId, u128),
    /// An account fell below its line.
    Fell(u32),
    /// It is above it again, or owes nothing.
    Rose(u32),
    /// A keeper liquidated.
    Liquidated(Liquidation),
    /// A borrower acted: paid in (true) or back.
    Rescued(u32, bool),
    /// Somebody brought a pool back: which, the side that went in, how much, what came out \[1e18\].
    Arbitraged(usize, usize, U256, U256),
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Liquidation {
    /// Whose.
    pub account: u32,
    /// By whom.
    pub keeper: usize,
    /// Assets and raw amounts that he paid, and their decimals.
    pub paid: Vec<(String, U256, u8)>,
    /// The same of what he received and sold.
    pub received: Vec<(String, U256, u8)>,
    /// What that brought \[1e18 of the market's currency\].
    pub brought: Int,
    /// What was left to him, gas paid.
    pub profit: Int,
    /// Written off by the venue.
    pub written_off: Int,
}

/// A quantile of a sample, with an interval that holds the true one with a stated confidence whatever the distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quantile {
    /// The order statistic.
    pub value: Int,
    /// From an order statistic, …
    pub low: Option<Int>,
    /// … to another; `None` where the sample is too small to have one.
    pub high: Option<Int>,
}

/// What many runs say of one figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distribution {
    /// How many runs.
    pub runs: u64,
    /// In how many of them it is above zero.
    pub above_zero: u64,
    /// Their mean, rounded toward zero; `None` beyond 256 bits.
    pub mean: Option<Int>,
    /// Least and greatest.
    pub ends: [Int; 2],
    /// The middle, the 95th and the 99th part of a hundred.
    pub quantiles: [Quantile; 3],
}

/// The parts at which quantiles are told.
pub const PARTS: [f64; 3] = [0.5, 0.95, 0.99];
/// The confidence of their intervals.
pub const CONFIDENCE: f64 = 0.95;

impl Distribution {
    /// Of a sample; `None` of an empty one.
    #[must_use]
    pub fn of(mut sample: Vec<Int>) -> Option<Distribution> {
        sample.sort_unstable();
        let (first, last) = (*sample.first()?, *sample.last()?);
        let count = sample.len();
        let sum = sample.iter().try_fold(Int::ZERO, |sum, it| sum.add(*it));
        let mean = sum.and_then(|sum| sum.div(Int::from(count as u64), plimsoll_core::Rounding::TowardZero));
        let above = sample.iter().filter(|it| **it > Int::ZERO).count();
        let quantiles = PARTS.map(|part| quantile(&sample, part));
        Some(Distribution {
            runs: count as u64,
            above_zero: above as u64,
            mean,
            ends: [first, last],
            quantiles,
        })
    }
}

/// The smallest number that at least this part of the sample is not above, and the narrowest pair of order statistics, as even on both sides
/// as there is, that hold the true quantile with the confidence: the chance that so many of `n` are below it is binomial.
fn quantile(sorted: &[Int], part: f64) -> Quantile {
    let count = sorted.len();
    let place = ((part * count as f64).ceil() as usize).clamp(1, count);
    let tail = (1.0 - CONFIDENCE) / 2.0;
    // Below the quantile are k of n with the chance b(k): the interval from x(l) to x(u) holds it unless fewer than l or u and more are.
    let (mut below, mut low, mut high) = (0.0, None, None);
    for (k, chance) in binomial(count, part).into_iter().enumerate() {
        // P(count below <= k - 1) <= tail: the k-th is a lower end.
        if below <= tail && k > 0 {
            low = Some(sorted[k - 1]);
        }
        below += chance;
        // P(count below >= k + 1) <= tail.
        if high.is_none() && 1.0 - below <= tail && k < count {
            high = Some(sorted[k]);
        }
    }
    Quantile { value: sorted[place - 1], low, high }
}

/// The chances of 0 to n successes of n.
fn binomial(count: usize, part: f64) -> Vec<f64> {
    let n = count as f64;
    let [yes, no] = [libm::log(part), libm::log(1.0 - part)];
    let choose = |k: f64| libm::lgamma(n + 1.0) - libm::lgamma(k + 1.0) - libm::lgamma(n - k + 1.0);
    (0..=count).map(|k| libm::exp(choose(k as f64) + k as f64 * yes + (n - k as f64) * no)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(count: i128) -> Vec<Int> {
        (1..=count).map(Int::new).collect()
    }

    /// Of 100 the 95 % interval of the median is from the 40th to the 61st: Conover, Practical Nonparametric Statistics, third edition,
    /// by the binomial: P(X <= 39) = 0.0176, P(X <= 40) = 0.0284.
    #[test]
    fn the_interval_of_a_median_is_that_of_the_binomial() {
        let of = Distribution::of(sample(100)).expect("a sample");
        let median = of.quantiles[0];
        assert_eq!(
            (median.value, median.low, median.high),
            (Int::new(50), Some(Int::new(40)), Some(Int::new(61)))
        );
    }

    /// The largest of n is above the 99th part with a chance of 1 - 0.99^n: 97.5 % takes 368.
    #[test]
    fn a_small_sample_has_no_upper_end() {
        let of = |count| Distribution::of(sample(count)).expect("a sample").quantiles[2];
        assert_eq!(of(367).high, None);
        assert_eq!(of(368).high, Some(Int::new(368)));
        assert_eq!(of(100).value, Int::new(99));
        assert_eq!(Distribution::of(Vec::new()), None);
    }
}
