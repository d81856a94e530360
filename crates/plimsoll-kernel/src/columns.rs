//! A portfolio on cached columns as floats: bounds of its worst scenario.
//!
//! What one unit of a series is worth in each column (now, and in every scenario) is made once for a state of the market, in integers. The worst outcome of a
//! portfolio is then a sum of columns and a minimum. In the integers that decide, per group of series (an expiry), all of them in units of 1e-18 and cut to whole units:
//!
//! ```text
//! column(s)  = sum of amount x value(s)
//! change(s)  = (column(s) x (column(s) < 0 ? short : long) - column(now)) x weight(s)
//! outcome(s) = sum over groups: -|change(s)| where the scenario is tilted, change(s) elsewhere;     worst = the least of 0 and all outcomes
//! ```
//!
//! # Bound
//! u = 2^-53; g(k) = k u / (1 - k u) is what k correctly rounded operations lose of their result. M is the sum over all positions of |amount| x the greatest
//! |value| of the series, F the greatest factor, W the greatest weight, n the number of positions, G that of groups.
//!
//! - An amount, a factor and a weight are converted and divided by 10^18 (2 operations), a value is converted (1). A column is a sum of at most n products: off by
//!   g(n + 3) M. The integer is cut by less than 1 besides.
//! - x -> x (x < 0 ? short : long) is continuous and changes by at most F times what x does, so a sign that is taken wrongly beside 0 costs no more:
//!   with 3 operations more, F g(n + 6) M. Less what the column of now is off by, and one more operation: (F + 1) g(n + 7) M.
//! - Times a weight: W (F + 1) g(n + 10) M. Summed over groups: W (F + 1) g(n + 10 + G) M. A minimum is off by no more than what it is of.
//! - Cuts of the integers: F + 1 + 1 units before the weight, 1 after it, a group: G (W (F + 2) + 1).
//!
//! M, F and W are floats themselves, the bound is a handful of operations: twice k u M W (F + 1) with k = n + G + 16 covers all that, as long as k u < 0.01.

use crate::float::HALF_ULP;

const UNIT: f64 = 1e18;

/// The most positions of a portfolio: far from where the bound ends.
const MOST: usize = 1 << 32;

fn of_units(number: i128) -> f64 {
    number as f64 / UNIT
}

/// What one unit of a series is worth: now, then in each scenario.
#[derive(Clone, Debug)]
pub struct Column {
    values: Vec<f64>,
    /// The greatest of their sizes.
    greatest: f64,
}

impl Column {
    /// Of integers in units of 1e-18.
    #[must_use]
    pub fn new(now: i128, scenarios: &[i128]) -> Column {
        let values: Vec<f64> = core::iter::once(&now).chain(scenarios).map(|value| *value as f64).collect();
        let greatest = values.iter().fold(0.0_f64, |greatest, value| greatest.max(value.abs()));
        Column { values, greatest }
    }
}

/// What is common to all portfolios: of each scenario its weight in units of 1e-18, and whether it is tilted.
#[derive(Clone, Debug)]
pub struct Scenarios {
    weights: Vec<(f64, bool)>,
    greatest: f64,
}

impl Scenarios {
    /// Of weights that are not negative; `None` for others.
    #[must_use]
    pub fn new(scenarios: &[(i128, bool)]) -> Option<Scenarios> {
        if scenarios.iter().any(|(weight, _)| *weight < 0) {
            return None;
        }
        let weights: Vec<(f64, bool)> =
            scenarios.iter().map(|(weight, tilted)| (of_units(*weight), *tilted)).collect();
        let greatest = weights.iter().fold(0.0_f64, |greatest, (weight, _)| greatest.max(*weight));
        Some(Scenarios { weights, greatest })
    }
}

/// Positions that are discounted together.
#[derive(Clone, Copy, Debug)]
pub struct Positions<'a> {
    /// The factor of a column that is not negative, in units of 1e-18, not negative.
    pub long: i128,
    /// The factor of one that is.
    pub short: i128,
    /// Amounts in units of 1e-18, and their series.
    pub held: &'a [(i128, &'a Column)],
}

/// Where the worst outcome is, in units of 1e-18.
#[derive(Clone, Copy, Debug)]
pub struct Worst {
    /// Not above it.
    pub low: f64,
    /// Not below it.
    pub high: f64,
}

impl Scenarios {
    /// Bounds of the worst outcome. `sums` and `outcomes` are room that is used again. `None` where lengths disagree, a factor is negative or a number is beyond floats.
    #[must_use]
    pub fn worst(
        &self,
        groups: &[Positions<'_>],
        sums: &mut Vec<f64>,
        outcomes: &mut Vec<f64>,
    ) -> Option<Worst> {
        let width = self.weights.len() + 1;
        outcomes.clear();
        outcomes.resize(self.weights.len(), 0.0);
        let (mut size, mut factor, mut count) = (0.0_f64, 0.0_f64, groups.len());
        for group in groups {
            if group.long < 0 || group.short < 0 {
                return None;
            }
            let (long, short) = (of_units(group.long), of_units(group.short));
            factor = factor.max(long).max(short);
            count += group.held.len();
            sums.clear();
            sums.resize(width, 0.0);
            for (amount, column) in group.held {
                if column.values.len() != width {
                    return None;
                }
                let amount = of_units(*amount);
                size += amount.abs() * column.greatest;
                for (sum, value) in sums.iter_mut().zip(&column.values) {
                    *sum += amount * value;
                }
            }
            let (now, there) = sums.split_first()?;
            for ((outcome, there), (weight, tilted)) in outcomes.iter_mut().zip(there).zip(&self.weights) {
                let change = (there * if *there < 0.0 { short } else { long } - now) * weight;
                *outcome += if *tilted { -change.abs() } else { change };
            }
        }
        let least = outcomes.iter().fold(0.0_f64, |least, outcome| least.min(*outcome));
        let lost = 2.0 * (count + 16) as f64 * HALF_ULP * size * self.greatest * (factor + 1.0);
        let cut = groups.len() as f64 * (self.greatest * (factor + 2.0) + 1.0) + 1.0;
        let error = lost + cut * 1.001;
        (count < MOST && error.is_finite())
            .then(|| Worst { low: (least - error).next_down(), high: (least + error).next_up() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_core::{Int, Rounding};

    /// `x * y / 10^18`, cut toward zero.
    fn cut(x: Int, y: i128) -> Int {
        let one = Int::new(1_000_000_000_000_000_000);
        x.mul(Int::new(y)).and_then(|product| product.div(one, Rounding::TowardZero)).expect("256 bits")
    }

    /// Both factors, and amounts with the place of their series.
    type Book = (i128, i128, Vec<(i128, usize)>);

    struct Series {
        now: i128,
        scenarios: Vec<i128>,
    }

    /// The worst outcome, as the header has it in integers.
    fn exact(groups: &[Book], series: &[Series], rules: &[(i128, bool)]) -> Int {
        let mut worst = Int::ZERO;
        for (number, (weight, tilted)) in rules.iter().enumerate() {
            let mut outcome = Int::ZERO;
            for (long, short, held) in groups {
                let (mut now, mut there) = (Int::ZERO, Int::ZERO);
                for (amount, at) in held {
                    let series = &series[*at];
                    let product = |value: i128| Int::new(*amount).mul(Int::new(value)).expect("256 bits");
                    now = now.add(product(series.now)).expect("256 bits");
                    there = there.add(product(series.scenarios[number])).expect("256 bits");
                }
                let one = Int::new(1_000_000_000_000_000_000);
                let [now, there] =
                    [now, there].map(|sum| sum.div(one, Rounding::TowardZero).expect("a divisor"));
                let factor = if there.is_negative() { *short } else { *long };
                let change = cut(cut(there, factor).sub(now).expect("256 bits"), *weight);
                let change = if *tilted && !change.is_negative() { change.neg() } else { change };
                outcome = outcome.add(change).expect("256 bits");
            }
            worst = worst.min(outcome);
        }
        worst
    }

    /// What an integer is above a float: its sign decides on which side it stands. Floats here are whole from 2^53 on, and are compared by their integers below.
    fn stands(value: Int, low: f64, high: f64) -> bool {
        let whole = |bound: f64| Int::new(bound as i128);
        value >= whole(low.floor()) && value <= whole(high.ceil())
    }

    #[test]
    fn the_worst_outcome_is_within_its_bounds() {
        let mut state = 5_u64;
        let mut next = move || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            i128::from(mixed ^ (mixed >> 31))
        };
        let one = 1_000_000_000_000_000_000_i128;
        let (mut sums, mut outcomes, mut off) = (Vec::new(), Vec::new(), 0);
        for _ in 0..3_000 {
            let rules: Vec<(i128, bool)> =
                (0..next() % 12).map(|_| (next() % (2 * one), next() % 4 == 0)).collect();
            let scale = 1 + next() % (3_000 * one);
            let mut series: Vec<Series> = (0..6)
                .map(|_| Series {
                    now: next() * 1_000 % scale,
                    scenarios: rules.iter().map(|_| next() * 1_000 % scale - scale / 8).collect(),
                })
                .collect();
            // One that nearly cancels another.
            series[1] = Series {
                now: series[0].now + next() % 9,
                scenarios: series[0].scenarios.iter().map(|value| value + next() % 9).collect(),
            };
            let mut groups = Vec::new();
            for _ in 0..next() % 3 {
                let amount = next() * 7 % (1_000 * one);
                let mut held = vec![(amount, 0), (-amount, 1)];
                held.extend(
                    (0..next() % 4).map(|_| (next() * 7 % (100 * one) - 50 * one, (next() % 6) as usize)),
                );
                held.truncate((next() % 6) as usize);
                groups.push((next() % (2 * one), next() % (2 * one), held));
            }
            let columns: Vec<Column> =
                series.iter().map(|series| Column::new(series.now, &series.scenarios)).collect();
            let held: Vec<Vec<(i128, &Column)>> = groups
                .iter()
                .map(|(_, _, held)| held.iter().map(|(amount, at)| (*amount, &columns[*at])).collect())
                .collect();
            let positions: Vec<Positions<'_>> = groups
                .iter()
                .zip(&held)
                .map(|((long, short, _), held)| Positions { long: *long, short: *short, held })
                .collect();
            let scenarios = Scenarios::new(&rules).expect("weights");
            let found = scenarios.worst(&positions, &mut sums, &mut outcomes).expect("floats");
            let value = exact(&groups, &series, &rules);
            assert!(stands(value, found.low, found.high), "{value:?} {found:?}");
            // What is between is little: a millionth of a millionth of the largest sums.
            let size: f64 =
                held.iter().flatten().map(|(amount, column)| of_units(amount.abs()) * column.greatest).sum();
            assert!(found.high - found.low <= size * 1e-12 + 40.0, "{found:?} {size}");
            let middle = (found.low + found.high) / 2.0;
            off += u32::from(!stands(value, middle, middle));
        }
        // Floats are not the integers: without a bound most were wrong.
        assert!(off > 1_000, "{off}");
    }

    #[test]
    fn what_is_no_portfolio_is_none() {
        let (mut sums, mut outcomes) = (Vec::new(), Vec::new());
        assert!(Scenarios::new(&[(-1, false)]).is_none());
        let scenarios = Scenarios::new(&[(1, false)]).expect("weights");
        let column = Column::new(1, &[2, 3]);
        let short = Column::new(1, &[2]);
        let mut of = |held: &[(i128, &Column)], long| {
            scenarios.worst(&[Positions { long, short: 1, held }], &mut sums, &mut outcomes)
        };
        assert!(of(&[(1, &column)], 1).is_none() && of(&[(1, &short)], -1).is_none());
        assert!(of(&[(1, &short)], 1).is_some_and(|worst| worst.low <= 0.0 && worst.high >= 0.0));
    }
}
