//! Margins that do not jump when markets do: the three tools of EMIR (RTS 153/2013, article 28), and what each costs.
//!
//! The base is the value at risk by filtered historical simulation. The floor is the historical value at risk of all losses so far. The
//! stressed margin weighs the base with 0.75 and the worst window so far with 0.25, and is never below the base. The buffer adds a
//! quarter to the base and is used up while the base rises.

use crate::loss::{Method, historical, rolling};
use crate::unfit::{Unfit, numbers};

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

/// Settings of the base.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Base {
    /// Confidence, for instance 0.99.
    pub level: f64,
    /// Losses that it looks back on.
    pub window: usize,
    /// Of the EWMA that scales them.
    pub decay: f64,
}

/// The length of the stressed window, in steps.
pub const STRESSED: usize = 250;
/// The share of the buffer, and of the stressed weight.
const QUARTER: f64 = 0.25;

/// Margins of every step from the `window`-th on, as shares of the value, each from what was known before.
///
/// # Errors
/// As [`rolling`]; a stressed margin needs a window of at least 250.
pub fn margins(returns: &[f64], base: Base, tool: Tool) -> Result<Vec<f64>, Unfit> {
    let Base { level, window, decay } = base;
    let forecasts = rolling(returns, window, level, Method::Filtered { decay })?;
    let mut margins: Vec<f64> = forecasts.into_iter().map(|forecast| forecast.value).collect();
    let losses: Vec<f64> = returns.iter().map(|r| -r).collect();
    match tool {
        Tool::Base => {}
        Tool::Floor => {
            for (step, margin) in margins.iter_mut().enumerate() {
                *margin = margin.max(historical(&losses[..window + step], level)?.value);
            }
        }
        Tool::Stressed => {
            numbers("losses of the window", &losses[..window], STRESSED)?;
            let mut worst = f64::NEG_INFINITY;
            let mut seen = STRESSED;
            for (step, margin) in margins.iter_mut().enumerate() {
                while seen <= window + step {
                    worst = worst.max(historical(&losses[seen - STRESSED..seen], level)?.value);
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
    let rise = |steps: usize| {
        let rises = margins.iter().zip(&margins[steps..]).map(|(before, after)| after / before - 1.0);
        rises.fold(f64::NEG_INFINITY, f64::max)
    };
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
