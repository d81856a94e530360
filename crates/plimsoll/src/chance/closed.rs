//! Where the logarithm of an account's health is a sum of the logarithms of prices (one asset, or a ratio), chances have a closed form.

use super::ground::{Ground, Rows};
use plimsoll_risk::passage::diffusion::Diffusion;
use plimsoll_risk::passage::kou::Kou;
use plimsoll_risk::passage::looks;
use plimsoll_risk::volatility::moments;
use plimsoll_risk::{Matrix, Unfit, log};

/// A year \[days\], as volatilities are told.
const YEAR: f64 = 365.0;
/// How far the logarithm of health may be from a sum of logarithms of prices for it to be one.
const STRAIGHT: f64 = 1e-9;
/// A day whose return is beyond so many standard deviations of the other days has a jump.
const JUMP: f64 = 3.0;

/// An account whose health is a product of powers of prices.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Straight {
    /// The logarithm of health today.
    pub(super) health: f64,
    /// Of each series, its power.
    pub(super) powers: Vec<f64>,
}

/// The account as such a product; `None` where it is none.
pub(super) fn straight(ground: &Ground, rows: &Rows, series: usize) -> Option<Straight> {
    let (mut values, mut nodes) = (Vec::new(), vec![0.0; ground.width()]);
    let mut at = |moved: &[f64]| {
        ground.world(0, moved, &mut values, &mut nodes);
        let health = rows.rows.health(&nodes);
        (health > 0.0 && health.is_finite()).then(|| log(health))
    };
    let health = at(&vec![0.0; series])?;
    let mut powers = vec![0.0; series];
    for one in 0..series {
        let mut moved = vec![0.0; series];
        moved[one] = 0.5;
        powers[one] = (at(&moved)? - health) / 0.5;
        // Noise of the last digits is no power.
        if powers[one].abs() < STRAIGHT {
            powers[one] = 0.0;
        }
    }
    // Falls and rises, together and apart.
    for pattern in 0..8_u32 {
        let side = |one: usize| if pattern >> (one % 3) & 1 == 1 { 0.7 } else { -0.7 };
        let moved: Vec<f64> = (0..series).map(|one| side(one) * (1.0 + 0.1 * one as f64)).collect();
        let expected = health + powers.iter().zip(&moved).map(|(power, x)| power * x).sum::<f64>();
        if (at(&moved)? - expected).abs() > STRAIGHT * 10.0 {
            return None;
        }
    }
    Some(Straight { health, powers })
}

impl Straight {
    /// By how much interest moves the logarithm of health in a time, prices standing still.
    pub(super) fn carry(&self, ground: &Ground, rows: &Rows, look: usize, series: usize) -> f64 {
        let (mut values, mut nodes) = (Vec::new(), vec![0.0; ground.width()]);
        ground.world(look, &vec![0.0; series], &mut values, &mut nodes);
        log(rows.rows.health(&nodes)) - self.health
    }

    /// The chance that a look finds a Brownian health below the line, starting at a health of which this is the logarithm.
    pub(super) fn normal(
        &self,
        covariance: &Matrix,
        carry: f64,
        days: u32,
        looks_a_day: usize,
        from: f64,
    ) -> Result<f64, Unfit> {
        let process = self.process(covariance, carry, days);
        if from <= 0.0 {
            return Ok(1.0);
        }
        let years = f64::from(days) / YEAR;
        if process.volatility <= 0.0 {
            return Ok(if from + process.log_drift * years < 0.0 { 1.0 } else { 0.0 });
        }
        let count = days * looks_a_day as u32;
        looks::falls_to(&process, plimsoll_risk::exp(-from), years, count)
    }

    /// No price is expected to grow; interest is an even drift.
    fn process(&self, covariance: &Matrix, carry: f64, days: u32) -> Diffusion {
        let n = self.powers.len();
        let mut variance = 0.0;
        let mut drift = 0.0;
        for i in 0..n {
            for j in 0..n {
                variance += self.powers[i] * self.powers[j] * covariance.at(i, j);
            }
            drift -= 0.5 * self.powers[i] * covariance.at(i, i);
        }
        let yearly = carry / f64::from(days) * YEAR;
        Diffusion { volatility: (variance.max(0.0) * YEAR).sqrt(), log_drift: drift * YEAR + yearly }
    }

    /// Jumps fitted to what health would have done on these days.
    pub(super) fn jumps(&self, returns: &[Vec<f64>], window: usize) -> Result<Kou, Unfit> {
        let count = returns.first().map_or(0, Vec::len);
        let of = |day: usize| {
            self.powers.iter().zip(returns).map(|(power, series)| power * series[day]).sum::<f64>()
        };
        let days: Vec<f64> = (count.saturating_sub(window)..count).map(of).collect();
        fit(&days)
    }
}

/// Jumps by the recursive filter (Clewlow and Strickland 2000): days beyond three standard deviations of the other days are jumps and are taken
/// out, until there are no more. What is left is normal; a jump is as large as its day's return, its mean apart upward and downward.
fn fit(days: &[f64]) -> Result<Kou, Unfit> {
    let mut calm = days.to_vec();
    let mut jumps: Vec<f64> = Vec::new();
    let (mut mean, mut variance) = moments(&calm, 1)?;
    loop {
        let limit = JUMP * variance.sqrt();
        let (beyond, inside): (Vec<f64>, Vec<f64>) = calm.iter().partition(|r| (**r - mean).abs() > limit);
        if beyond.is_empty() || inside.len() < 30 {
            break;
        }
        jumps.extend(beyond.iter().map(|r| r - mean));
        calm = inside;
        (mean, variance) = moments(&calm, 1)?;
    }
    let side = |up: bool| {
        let sizes: Vec<f64> =
            jumps.iter().filter(|jump| (**jump > 0.0) == up).map(|jump| jump.abs()).collect();
        (sizes.len() as f64, sizes.iter().sum::<f64>() / (sizes.len() as f64).max(1.0))
    };
    let ((ups, up), (downs, down)) = (side(true), side(false));
    let years = days.len() as f64 / YEAR;
    // Of a side without a jump the size does not matter: its share is nothing.
    let size = |mean: f64| if mean > 0.0 { mean } else { 0.01 };
    let upward = if ups + downs > 0.0 { ups / (ups + downs) } else { 0.5 };
    let kou = Kou {
        volatility: (variance * YEAR).sqrt(),
        log_drift: 0.0,
        jumps: (ups + downs) / years,
        upward,
        mean_up: size(up),
        mean_down: size(down),
    };
    kou.without_drift()
}

/// The chance that a health with jumps falls to the line by a time, watched all the time, from a health of which this is the logarithm.
pub(super) fn jumps(kou: &Kou, carry: f64, days: u32, from: f64) -> Result<f64, Unfit> {
    if from <= 0.0 {
        return Ok(1.0);
    }
    let years = f64::from(days) / YEAR;
    let drifting = Kou { log_drift: kou.log_drift + carry / years, ..*kou };
    drifting.falls_to(plimsoll_risk::exp(-from), years)
}
