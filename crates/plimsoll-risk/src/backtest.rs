//! Whether forecasts of losses were right: how often they were exceeded, whether exceedances come together, how far beyond they went.

use crate::loss::AtRisk;
use crate::special::{binomial_at_most, chi_squared_1_above, chi_squared_2_above};
use crate::unfit::{Unfit, fraction, numbers};
use libm::log;

/// A statistic and the probability of one at least as large if the forecasts are right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tested {
    /// The likelihood ratio.
    pub statistic: f64,
    /// Its probability.
    pub p: f64,
}

/// Forecasts beside what came.
#[derive(Clone, Debug)]
pub struct Backtest {
    /// Steps foreseen.
    pub steps: u64,
    /// Steps whose loss exceeded the value at risk, from 0.
    pub exceeded: Vec<usize>,
    /// Pairs of neighbouring steps: calm then calm, calm then exceeded, exceeded then calm, twice exceeded.
    pub pairs: [u64; 4],
    /// Too many or too few? Kupiec 1995 (J. Derivatives 3).
    pub coverage: Tested,
    /// Do they come together? Christoffersen 1998 (Int. Economic Review 39).
    pub independence: Tested,
    /// Both.
    pub conditional: Tested,
    /// How far beyond: the second statistic of Acerbi and Szekely 2014 (Risk). 0 is expected, negative is more loss than foreseen; below
    /// -0.7 rejects at 5 % for most distributions.
    pub shortfall: f64,
}

/// Kupiec's test of `exceeded` in `steps` steps.
///
/// # Errors
/// When more were exceeded than there are, none are there, or the level lies outside 0 to 1.
pub fn kupiec(exceeded: u64, steps: u64, level: f64) -> Result<Tested, Unfit> {
    fraction("level", level)?;
    if steps == 0 || exceeded > steps {
        return Err(Unfit::Number {
            name: "exceeded",
            found: exceeded as f64,
            expected: "at most the steps",
        });
    }
    let calm = steps - exceeded;
    let expected = likelihood(exceeded, calm, 1.0 - level);
    let observed = likelihood(exceeded, calm, exceeded as f64 / steps as f64);
    let statistic = (2.0 * (observed - expected)).max(0.0);
    Ok(Tested { statistic, p: chi_squared_1_above(statistic) })
}

/// `hits ln p + misses ln(1 - p)`, where nothing times the logarithm of nothing is nothing.
fn likelihood(hits: u64, misses: u64, p: f64) -> f64 {
    let term = |count: u64, p: f64| if count == 0 { 0.0 } else { count as f64 * log(p) };
    term(hits, p) + term(misses, 1.0 - p)
}

/// Christoffersen's test that an exceedance says nothing of the next step.
fn independence(pairs: [u64; 4]) -> Tested {
    let [calm_calm, calm_hit, hit_calm, hit_hit] = pairs;
    let share =
        |hits: u64, misses: u64| if hits + misses == 0 { 0.0 } else { hits as f64 / (hits + misses) as f64 };
    let together =
        likelihood(calm_hit + hit_hit, calm_calm + hit_calm, share(calm_hit + hit_hit, calm_calm + hit_calm));
    let apart = likelihood(calm_hit, calm_calm, share(calm_hit, calm_calm))
        + likelihood(hit_hit, hit_calm, share(hit_hit, hit_calm));
    let statistic = (2.0 * (apart - together)).max(0.0);
    Tested { statistic, p: chi_squared_1_above(statistic) }
}

/// Tests forecasts at `level` against the losses that came.
///
/// # Errors
/// With unequal or empty series, what is no number, a level outside 0 to 1, or a shortfall that is not positive.
pub fn backtest(losses: &[f64], forecasts: &[AtRisk], level: f64) -> Result<Backtest, Unfit> {
    if losses.len() != forecasts.len() {
        return Err(Unfit::Lengths { first: losses.len(), second: forecasts.len() });
    }
    numbers("losses", losses, 1)?;
    fraction("level", level)?;
    let mut exceeded = Vec::new();
    let mut beyond = 0.0;
    for (step, (loss, forecast)) in losses.iter().zip(forecasts).enumerate() {
        if forecast.shortfall.is_nan() || forecast.shortfall <= 0.0 {
            let (found, expected) = (forecast.shortfall, "a positive shortfall");
            return Err(Unfit::Observation { series: "forecasts", index: step, found, expected });
        }
        if *loss > forecast.value {
            exceeded.push(step);
            beyond += loss / forecast.shortfall;
        }
    }
    let hit: Vec<bool> =
        losses.iter().zip(forecasts).map(|(loss, forecast)| *loss > forecast.value).collect();
    let mut pairs = [0; 4];
    for pair in hit.windows(2) {
        pairs[2 * usize::from(pair[0]) + usize::from(pair[1])] += 1;
    }
    let steps = losses.len() as u64;
    let coverage = kupiec(exceeded.len() as u64, steps, level)?;
    let independence = independence(pairs);
    let both = coverage.statistic + independence.statistic;
    Ok(Backtest {
        steps,
        exceeded,
        pairs,
        coverage,
        independence,
        conditional: Tested { statistic: both, p: chi_squared_2_above(both) },
        shortfall: 1.0 - beyond / (steps as f64 * (1.0 - level)),
    })
}

/// Numbers of exceedances that Kupiec's test accepts at 5 %: least and most.
///
/// # Errors
/// With no steps or a level outside 0 to 1.
pub fn accepted(steps: u64, level: f64) -> Result<(u64, u64), Unfit> {
    let mut range: Option<(u64, u64)> = None;
    for exceeded in 0..=steps {
        if kupiec(exceeded, steps, level)?.p > 0.05 {
            range = Some((range.map_or(exceeded, |(least, _)| least), exceeded));
        } else if range.is_some() {
            break;
        }
    }
    range.ok_or(Unfit::NotFound("an accepted number of exceedances"))
}

/// The zones of the Basel Committee (1996) by the probability of at most so many exceedances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// Below 95 %.
    Green,
    /// From there to 99.99 %.
    Yellow,
    /// Beyond.
    Red,
}

/// The probability of at most `exceeded` exceedances in `steps` steps if the level is right, and its zone.
///
/// # Errors
/// With a level outside 0 to 1.
pub fn basel(exceeded: u64, steps: u64, level: f64) -> Result<(f64, Zone), Unfit> {
    fraction("level", level)?;
    let at_most = binomial_at_most(exceeded, steps, 1.0 - level);
    let zone = match at_most {
        p if p < 0.95 => Zone::Green,
        p if p < 0.9999 => Zone::Yellow,
        _ => Zone::Red,
    };
    Ok((at_most, zone))
}
