//! Value at risk and expected shortfall of the next step, from the losses so far.
//!
//! Losses are positive (`-return`), in the units of the returns. The rule for quantiles of a sample: of `n` losses, the `k` largest
//! with `k = ceil(n (1 - level))`; the value at risk is the least of them, the shortfall their mean.

use crate::special::{Student, normal_density, normal_quantile};
use crate::unfit::{Unfit, fraction, must, numbers, positive};
use crate::volatility::ewma;
use libm::exp;

/// What may be lost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AtRisk {
    /// The value at risk: exceeded with probability `1 - level`.
    pub value: f64,
    /// The expected shortfall: the mean of what exceeds it.
    pub shortfall: f64,
}

/// How many of `n` losses are the largest at a level. Levels are decimals, and 500 (1 - 0.99) is 5 and not 5 and a rounding error.
fn largest(n: usize, level: f64) -> usize {
    ((n as f64 * (1.0 - level) - 1e-9).ceil().max(1.0) as usize).min(n)
}

/// Of a sample of losses: what has been, will be (historical simulation).
///
/// # Errors
/// With no loss, what is no number, or a level outside 0 to 1.
pub fn historical(losses: &[f64], level: f64) -> Result<AtRisk, Unfit> {
    numbers("losses", losses, 1)?;
    fraction("level", level)?;
    Ok(of_sample(&mut losses.to_vec(), level))
}

/// Leaves the largest losses in front.
fn of_sample(losses: &mut [f64], level: f64) -> AtRisk {
    let k = largest(losses.len(), level);
    losses.select_nth_unstable_by(k - 1, |a, b| b.total_cmp(a));
    let front = &mut losses[..k];
    front.sort_by(|a, b| b.total_cmp(a));
    AtRisk { value: front[k - 1], shortfall: front.iter().sum::<f64>() / k as f64 }
}

/// Of a normal with this volatility and mean zero.
///
/// # Errors
/// With a volatility that is not positive or a level outside 0 to 1.
pub fn normal(volatility: f64, level: f64) -> Result<AtRisk, Unfit> {
    positive("volatility", volatility)?;
    fraction("level", level)?;
    let z = normal_quantile(level);
    Ok(AtRisk { value: volatility * z, shortfall: volatility * normal_density(z) / (1.0 - level) })
}

/// Of a Student with this volatility (its own standard deviation), mean zero and `nu` degrees of freedom (McNeil, Frey and Embrechts
/// 2015, eq. 2.25).
///
/// # Errors
/// With a volatility that is not positive, a level outside 0 to 1, or `nu` of 2 or less, where there is no volatility.
pub fn student(volatility: f64, nu: f64, level: f64) -> Result<AtRisk, Unfit> {
    positive("volatility", volatility)?;
    must("nu", nu, nu > 2.0, "above 2")?;
    fraction("level", level)?;
    let (scale, t) = (volatility * ((nu - 2.0) / nu).sqrt(), Student::new(nu));
    let q = t.quantile(level);
    let shortfall = exp(t.ln_density(q)) / (1.0 - level) * (nu + q * q) / (nu - 1.0);
    Ok(AtRisk { value: scale * q, shortfall: scale * shortfall })
}

/// A way to foresee the next loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    /// The last `window` losses as they are.
    Historical,
    /// The last `window` losses, each in units of the volatility expected of it, times the volatility expected now (Barone-Adesi,
    /// Giannopoulos and Vosper 1999; Hull and White 1998), with EWMA of this decay.
    Filtered {
        /// Of the EWMA.
        decay: f64,
    },
    /// A normal with the volatility expected now, by EWMA of this decay.
    EwmaNormal {
        /// Of the EWMA.
        decay: f64,
    },
}

/// Forecasts of every step from the `window`-th on, each from what was known before it. The first element foresees
/// `returns[window]`.
///
/// # Errors
/// When the window is empty or not shorter than the series, a return is no number, a level or decay lies outside 0 to 1, or the
/// expected volatility is zero.
pub fn rolling(returns: &[f64], window: usize, level: f64, method: Method) -> Result<Vec<AtRisk>, Unfit> {
    numbers("returns", returns, window + 1)?;
    fraction("level", level)?;
    if window == 0 {
        return Err(Unfit::TooFew { what: "losses in the window", found: 0, least: 1 });
    }
    let losses: Vec<f64> = returns.iter().map(|r| -r).collect();
    let volatilities = match method {
        Method::Historical => Vec::new(),
        Method::Filtered { decay } | Method::EwmaNormal { decay } => volatilities(returns, decay)?,
    };
    let mut space = vec![0.0; window];
    let mut all = Vec::with_capacity(returns.len() - window);
    for now in window..returns.len() {
        let past = now - window..now;
        all.push(match method {
            Method::Historical => {
                space.copy_from_slice(&losses[past]);
                of_sample(&mut space, level)
            }
            Method::Filtered { .. } => {
                for (slot, then) in space.iter_mut().zip(past) {
                    *slot = losses[then] / volatilities[then];
                }
                let AtRisk { value, shortfall } = of_sample(&mut space, level);
                AtRisk { value: value * volatilities[now], shortfall: shortfall * volatilities[now] }
            }
            Method::EwmaNormal { .. } => normal(volatilities[now], level)?,
        });
    }
    Ok(all)
}

/// What EWMA expects of each return, as standard deviations.
fn volatilities(returns: &[f64], decay: f64) -> Result<Vec<f64>, Unfit> {
    let variances = ewma(returns, decay)?;
    if variances.iter().any(|variance| *variance <= 0.0) {
        return Err(Unfit::Still("returns"));
    }
    Ok(variances.into_iter().map(f64::sqrt).collect())
}
