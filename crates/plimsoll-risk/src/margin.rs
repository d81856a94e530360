//! Margins that do not jump when markets do: the three tools of EMIR (RTS 153/2013, article 28), and what each costs.
//!
//! The base is what may be lost over the horizon by filtered historical simulation: pasts of so many steps, each step in units of the
//! volatility then expected of it, replayed from the volatility expected now, which follows the replay. The floor is the same measure of
//! all losses so far as they were. The stressed margin weighs the base with 0.75 and the worst window so far with 0.25, and is never
//! below the base. The buffer adds a quarter to the base and is used up while the base rises.

use crate::loss::{AtRisk, historical};
use crate::unfit::{Unfit, fraction, must, numbers};
use crate::volatility::ewma;
use libm::expm1;

/// How a margin is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// The base as it is.
    Base,
    /// Not below what all history says (article 28(1)(c), with the history there is in the place of ten years).
    Floor,
    /// A quarter of the weight on the worst 250 losses so far (b).
    Stressed,
    /// A quarter more, exhaustible (a).
    Buffer,
}

/// What is read off a sample of losses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// The value at risk.
    Value,
    /// The expected shortfall.
    Shortfall,
}

/// What a logarithmic return `r` costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Costs {
    /// `-r`, as published margins have it.
    Logarithm,
    /// `1 - exp(r)`: the share that who holds loses.
    Held,
    /// `exp(r) - 1`: the share that who owes loses.
    Owed,
}

impl Costs {
    fn of(self, sum: f64) -> f64 {
        match self {
            Costs::Logarithm => -sum,
            Costs::Held => -expm1(sum),
            Costs::Owed => expm1(sum),
        }
    }
}

/// Settings of the base.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Base {
    /// Confidence, for instance 0.99.
    pub level: f64,
    /// Returns that it looks back on.
    pub window: usize,
    /// Of the EWMA that scales them.
    pub decay: f64,
    /// Steps that a position cannot be closed for: losses are of so many together.
    pub horizon: usize,
    /// What is read off the losses.
    pub measure: Measure,
    /// Whose losses.
    pub costs: Costs,
}

impl Base {
    fn read(&self, losses: &[f64]) -> Result<f64, Unfit> {
        let AtRisk { value, shortfall } = historical(losses, self.level)?;
        Ok(if self.measure == Measure::Value { value } else { shortfall })
    }

    /// What was lost over the horizon from each step on; there is none from the last steps.
    #[must_use]
    pub fn losses(&self, returns: &[f64]) -> Vec<f64> {
        returns.windows(self.horizon.max(1)).map(|steps| self.costs.of(steps.iter().sum())).collect()
    }

    /// Forecasts of every step from the `window`-th on, each from what was known before it.
    fn forecasts(&self, returns: &[f64]) -> Result<Vec<f64>, Unfit> {
        let variances = ewma(returns, self.decay)?;
        if variances.iter().any(|variance| *variance <= 0.0) {
            return Err(Unfit::Still("returns"));
        }
        let scaled: Vec<f64> = returns.iter().zip(&variances).map(|(r, v)| r / v.sqrt()).collect();
        let replay = |past: &[f64], now: f64| {
            let (mut variance, mut sum) = (now, 0.0);
            for z in past {
                let r = variance.sqrt() * z;
                sum += r;
                variance = self.decay * variance + (1.0 - self.decay) * r * r;
            }
            self.costs.of(sum)
        };
        let at = |now: usize| {
            let pasts = scaled[now - self.window..now].windows(self.horizon);
            let losses: Vec<f64> = pasts.map(|past| replay(past, variances[now])).collect();
            self.read(&losses)
        };
        (self.window..returns.len()).map(at).collect()
    }
}

/// The length of the stressed window, in steps.
pub const STRESSED: usize = 250;
/// The share of the buffer, and of the stressed weight.
const QUARTER: f64 = 0.25;

/// Margins of every step from the `window`-th on, as shares of the value, each from what was known before. What the last return is
/// does not matter: it stands for the step to come.
///
/// # Errors
/// When the window is shorter than the horizon or not shorter than the series, a return is no number, a level or decay lies outside 0 to
/// 1, or nothing ever moved; a stressed margin needs a window of at least 250 losses.
pub fn margins(returns: &[f64], base: Base, tool: Tool) -> Result<Vec<f64>, Unfit> {
    numbers("returns", returns, base.window + 1)?;
    fraction("level", base.level)?;
    let horizon = base.horizon as f64;
    must(
        "horizon",
        horizon,
        base.horizon >= 1 && base.horizon <= base.window,
        "at least 1, within the window",
    )?;
    let mut margins = base.forecasts(returns)?;
    let losses = base.losses(returns);
    // So many losses were over before a step.
    let over = |step: usize| base.window + step + 1 - base.horizon;
    match tool {
        Tool::Base => {}
        Tool::Floor => {
            for (step, margin) in margins.iter_mut().enumerate() {
                *margin = margin.max(base.read(&losses[..over(step)])?);
            }
        }
        Tool::Stressed => {
            numbers("losses of the window", &losses[..over(0)], STRESSED)?;
            let mut worst = f64::NEG_INFINITY;
            let mut seen = STRESSED;
            for (step, margin) in margins.iter_mut().enumerate() {
                while seen <= over(step) {
                    worst = worst.max(base.read(&losses[seen - STRESSED..seen])?);
                    seen += 1;
                }
                *margin = margin.max((1.0 - QUARTER) * *margin + QUARTER * worst);
            }
        }
        Tool::Buffer => {
            let mut last = f64::INFINITY;
            for margin in &mut margins {
                last = margin.max(last.min((1.0 + QUARTER) * *margin));
                *margin = last;
            }
        }
    }
    Ok(margins)
}

/// The same margins, none of which rises by more than a part of the one before (0.1 is a tenth). They fall freely.
///
/// # Errors
/// When the part is negative or no number.
pub fn limited(margins: &[f64], most: f64) -> Result<Vec<f64>, Unfit> {
    must("most", most, most >= 0.0, "not negative")?;
    let mut last = f64::INFINITY;
    let next = |margin: &f64| {
        last = margin.min(last * (1.0 + most));
        last
    };
    Ok(margins.iter().map(next).collect())
}

/// The largest relative rise of margins within so many steps; `None` where there are not so many.
#[must_use]
pub fn largest_rise(margins: &[f64], steps: usize) -> Option<f64> {
    let later = margins.get(steps..)?;
    margins.iter().zip(later).map(|(before, after)| after / before - 1.0).reduce(f64::max)
}

/// What a schedule of margins did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Procyclicality {
    /// The highest margin over the lowest.
    pub peak_to_trough: f64,
    /// The largest relative rise within one step.
    pub rise_1: f64,
    /// Within five.
    pub rise_5: f64,
    /// The mean margin: what it costs.
    pub mean: f64,
    /// Losses that exceeded their margin: what it did not cover.
    pub breaches: usize,
}

/// Measures margins against the losses of the same steps.
///
/// # Errors
/// With unequal series, fewer than six steps, what is no number, or a margin that is not positive.
pub fn procyclicality(margins: &[f64], losses: &[f64]) -> Result<Procyclicality, Unfit> {
    if margins.len() != losses.len() {
        return Err(Unfit::Lengths { first: margins.len(), second: losses.len() });
    }
    numbers("margins", margins, 6)?;
    numbers("losses", losses, 6)?;
    if let Some(index) = margins.iter().position(|margin| *margin <= 0.0) {
        let (found, expected) = (margins[index], "a positive margin");
        return Err(Unfit::Observation { series: "margins", index, found, expected });
    }
    let rise = |steps: usize| largest_rise(margins, steps).unwrap_or(0.0);
    let (high, low) =
        margins.iter().fold((0.0_f64, f64::INFINITY), |(high, low), m| (high.max(*m), low.min(*m)));
    Ok(Procyclicality {
        peak_to_trough: high / low,
        rise_1: rise(1),
        rise_5: rise(5),
        mean: margins.iter().sum::<f64>() / margins.len() as f64,
        breaches: margins.iter().zip(losses).filter(|(margin, loss)| loss > margin).count(),
    })
}
