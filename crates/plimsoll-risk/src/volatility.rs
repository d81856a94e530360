//! How much a price moves: exponentially weighted, and from daily highs and lows.

use crate::unfit::{Unfit, fraction, must, numbers, pairs};
use libm::log;
use std::f64::consts::LN_2;

/// How many of the first squared returns the start value is the mean of.
const SEED: usize = 30;

/// Exponentially weighted variances (RiskMetrics 1996): the variance expected of each return before it is known, and of the
/// one after the last. `v[0]` is the mean of the first 30 squared returns, `v[t+1] = decay v[t] + (1 - decay) r[t]²`.
///
/// Units are those of the returns, squared, a step. There is one variance more than returns.
///
/// # Errors
/// With fewer than 30 returns, one that is no number, or a decay outside 0 to 1.
pub fn ewma(returns: &[f64], decay: f64) -> Result<Vec<f64>, Unfit> {
    weighted(returns, returns, decay)
}

/// As [`ewma`], of the product of two returns: covariances.
///
/// # Errors
/// As [`ewma`], or when the series are not equally long.
pub fn ewma_covariance(first: &[f64], second: &[f64], decay: f64) -> Result<Vec<f64>, Unfit> {
    weighted(first, second, decay)
}

fn weighted(first: &[f64], second: &[f64], decay: f64) -> Result<Vec<f64>, Unfit> {
    pairs(first, second, SEED)?;
    fraction("decay", decay)?;
    let products = || first.iter().zip(second).map(|(a, b)| a * b);
    let mut value = products().take(SEED).sum::<f64>() / SEED as f64;
    let mut all = vec![value];
    for product in products() {
        value = decay * value + (1.0 - decay) * product;
        all.push(value);
    }
    Ok(all)
}

/// The volatility of Parkinson 1980 (J. Business 53, eq. 5): `sqrt(1/(4 n ln 2) Σ ln(high/low)²)`, a bar. Needs no closes; reads
/// low when trading is thin, and ignores jumps between bars.
///
/// # Errors
/// When the lists are empty, unequal, not positive, or a low is above its high.
pub fn parkinson(highs: &[f64], lows: &[f64]) -> Result<f64, Unfit> {
    let ranges = ranges(highs, lows)?;
    let sum: f64 = ranges.iter().map(|range| range * range).sum();
    Ok((sum / (4.0 * LN_2 * ranges.len() as f64)).sqrt())
}

/// What SmartLTV's published code computes in the place of [`parkinson`]: it sums `ln((high/low)²)` and not `(ln(high/low))²`. Not a
/// volatility: it grows with the root of the range. Here to reproduce their numbers, and for nothing else.
///
/// # Errors
/// As [`parkinson`].
pub fn smart_ltv_range(highs: &[f64], lows: &[f64]) -> Result<f64, Unfit> {
    let ranges = ranges(highs, lows)?;
    let sum: f64 = ranges.iter().map(|range| 2.0 * range).sum();
    Ok((sum / (4.0 * LN_2 * ranges.len() as f64)).sqrt())
}

fn ranges(highs: &[f64], lows: &[f64]) -> Result<Vec<f64>, Unfit> {
    pairs(highs, lows, 1)?;
    let mut ranges = Vec::with_capacity(highs.len());
    for (index, (high, low)) in highs.iter().zip(lows).enumerate() {
        if *low <= 0.0 || low > high {
            let expected = "positive and not above the high";
            return Err(Unfit::Observation { series: "low", index, found: *low, expected });
        }
        ranges.push(log(high / low));
    }
    Ok(ranges)
}

/// A variance of one step as a volatility of a year of `steps` steps (365 days for what trades every day).
#[must_use]
pub fn annual(variance: f64, steps: f64) -> f64 {
    (variance * steps).sqrt()
}

/// The mean and the variance about it, the sum of squares divided by `n - less`.
///
/// # Errors
/// With too few observations, or one that is no number.
pub fn moments(values: &[f64], less: usize) -> Result<(f64, f64), Unfit> {
    numbers("observations", values, less + 1)?;
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    let variance = squares / (n - less as f64);
    must("variance", variance, true, "a finite number")?;
    Ok((mean, variance))
}
