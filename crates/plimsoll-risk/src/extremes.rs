//! The tail beyond what is common: generalised Pareto above a threshold, and Hill's index.

use crate::minimise::simplex;
use crate::unfit::{Unfit, fraction, must, numbers};
use libm::{exp, log, log1p, pow};

/// A generalised Pareto distribution fitted to what exceeds a threshold (Pickands 1975; McNeil, Frey and Embrechts 2015, 5.2).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tail {
    /// The threshold, in the units of the losses.
    pub threshold: f64,
    /// All losses.
    pub losses: usize,
    /// Those above the threshold.
    pub exceeding: usize,
    /// The shape: above 0 the tail is a power, and moments from `1 / xi` on do not exist.
    pub xi: f64,
    /// The scale, in the units of the losses.
    pub beta: f64,
    /// The logarithm of the likelihood.
    pub log_likelihood: f64,
}

/// Fewest losses above the threshold.
pub const LEAST: usize = 20;

/// The value that a share `p` of the observations lies below, interpolated between the two nearest (the common rule, type 7 of Hyndman
/// and Fan 1996).
///
/// # Errors
/// With no observation, what is no number, or a share outside 0 to 1.
pub fn quantile(values: &[f64], p: f64) -> Result<f64, Unfit> {
    numbers("values", values, 1)?;
    fraction("share", p)?;
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = p * (sorted.len() - 1) as f64;
    let below = place.floor();
    let (low, high) = (sorted[below as usize], sorted[(below as usize + 1).min(sorted.len() - 1)]);
    Ok(low + (place - below) * (high - low))
}

/// Fits the tail above `threshold` by maximum likelihood.
///
/// # Errors
/// With what is no number, fewer than 20 losses above the threshold, or when all of them are the same.
pub fn fit(losses: &[f64], threshold: f64) -> Result<Tail, Unfit> {
    numbers("losses", losses, LEAST)?;
    must("threshold", threshold, true, "a finite number")?;
    let above: Vec<f64> =
        losses.iter().filter(|loss| **loss > threshold).map(|loss| loss - threshold).collect();
    if above.len() < LEAST {
        return Err(Unfit::TooFew { what: "losses above the threshold", found: above.len(), least: LEAST });
    }
    let mean = above.iter().sum::<f64>() / above.len() as f64;
    if above.iter().all(|loss| (loss - above[0]).abs() <= f64::EPSILON * mean) {
        return Err(Unfit::Still("losses above the threshold"));
    }
    let mut value = |x: &[f64]| minus(&above, x[0], exp(x[1]));
    let found = simplex(&[0.1, log(0.9 * mean)], &[0.1, 0.2], 1e-11, &mut value);
    let best = found.ok_or(Unfit::NotFound("generalised Pareto"))?;
    Ok(Tail {
        threshold,
        losses: losses.len(),
        exceeding: above.len(),
        xi: best.at[0],
        beta: exp(best.at[1]),
        log_likelihood: -best.value,
    })
}

/// Minus the log-likelihood; no number where an observation is impossible. Shapes below -1/2 are left out: the likelihood has no
/// maximum there.
fn minus(above: &[f64], xi: f64, beta: f64) -> f64 {
    if xi < -0.5 {
        return f64::NAN;
    }
    let n = above.len() as f64;
    if xi.abs() < 1e-9 {
        return n * log(beta) + above.iter().sum::<f64>() / beta;
    }
    let sum: f64 = above.iter().map(|loss| log1p(xi * loss / beta)).sum();
    n * log(beta) + (1.0 + 1.0 / xi) * sum
}

impl Tail {
    /// The loss exceeded with probability `1 - level` (McNeil, Frey and Embrechts 2015, eq. 5.18).
    ///
    /// # Errors
    /// When the level lies below the threshold's own, where the fit says nothing.
    pub fn value_at_risk(&self, level: f64) -> Result<f64, Unfit> {
        fraction("level", level)?;
        let share = self.exceeding as f64 / self.losses as f64;
        must("level", level, 1.0 - level <= share, "at least the level of the threshold")?;
        let rare = (1.0 - level) / share;
        if self.xi.abs() < 1e-9 {
            return Ok(self.threshold - self.beta * log(rare));
        }
        Ok(self.threshold + self.beta / self.xi * (pow(rare, -self.xi) - 1.0))
    }

    /// The mean loss beyond that (eq. 5.20).
    ///
    /// # Errors
    /// As [`Tail::value_at_risk`], and when the shape is 1 or more: that mean does not exist.
    pub fn expected_shortfall(&self, level: f64) -> Result<f64, Unfit> {
        must("xi", self.xi, self.xi < 1.0, "below 1: the tail's mean does not exist")?;
        let at = self.value_at_risk(level)?;
        Ok(at / (1.0 - self.xi) + (self.beta - self.xi * self.threshold) / (1.0 - self.xi))
    }
}

/// Hill 1975: the power of the tail from the `largest` greatest losses, over the greatest that is not among them.
///
/// # Errors
/// With too few losses, what is no number, or when that one is not positive.
pub fn hill(losses: &[f64], largest: usize) -> Result<f64, Unfit> {
    let largest = largest.max(1);
    numbers("losses", losses, largest + 1)?;
    let mut sorted = losses.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let base = sorted[largest];
    must("loss after the largest", base, base > 0.0, "a positive number")?;
    let sum: f64 = sorted[..largest].iter().map(|loss| log(loss / base)).sum();
    if sum > 0.0 { Ok(largest as f64 / sum) } else { Err(Unfit::Still("the largest losses")) }
}
