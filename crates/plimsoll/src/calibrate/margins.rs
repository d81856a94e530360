//! Margins of an asset day by day, as each would have been set with what was known before, and what they did.

use super::NotEstimable;
use plimsoll_risk::Unfit;
use plimsoll_risk::history::{DAY, History};
use plimsoll_risk::margin::{
    Base, Costs, Measure, Procyclicality, Tool, largest_rise, limited, margins, procyclicality,
};

/// How margins are to be set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MarginTerms {
    /// Confidence.
    pub level: f64,
    /// Days for which a position cannot be closed.
    pub days: usize,
    /// Daily returns that are looked back on.
    pub window: usize,
    /// Of the EWMA that scales them.
    pub decay: f64,
    /// The expected shortfall, or the value at risk.
    pub measure: Measure,
    /// By how much of itself a margin may rise from day to day; freely where nothing is said.
    pub rise: Option<f64>,
    /// Days of the longest rise that is reported.
    pub rise_days: usize,
}

impl Default for MarginTerms {
    fn default() -> MarginTerms {
        MarginTerms {
            level: 0.99,
            days: 2,
            window: 500,
            decay: 0.94,
            measure: Measure::Shortfall,
            rise: None,
            rise_days: 5,
        }
    }
}

/// The margins of one asset, one side and one tool.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// The asset as it was asked for.
    pub asset: String,
    /// The series, and how many of its days have no return because the day before is missing.
    pub series: String,
    /// See `series`.
    pub gaps: usize,
    /// Whose losses: of who holds, or of who owes.
    pub costs: Costs,
    /// How they are set.
    pub tool: Tool,
    /// From when on each margin is asked \[s\]; the last is the one in force.
    pub from: Vec<i64>,
    /// The margins, as shares of the value.
    pub margins: Vec<f64>,
    /// What they did, over the days of which the loss is known.
    pub did: Procyclicality,
    /// The largest rise within [`MarginTerms::rise_days`].
    pub rise: f64,
    /// So many breaches a measure of this level is expected to have: of days, which overlap.
    pub expected: f64,
    /// How many days the loss is known of.
    pub days: usize,
    /// With limited rises.
    pub limited: Option<Limited>,
}

/// The same margins when their rises are limited.
#[derive(Clone, Debug, PartialEq)]
pub struct Limited {
    /// The margins.
    pub margins: Vec<f64>,
    /// What they did.
    pub did: Procyclicality,
    /// The largest rise within [`MarginTerms::rise_days`].
    pub rise: f64,
    /// The breaches that the limit adds: when the position was taken \[s\], the margin, and the loss.
    pub added: Vec<(i64, f64, f64)>,
}

/// All tools.
pub const TOOLS: [Tool; 4] = [Tool::Base, Tool::Floor, Tool::Stressed, Tool::Buffer];

/// The margins of an asset with each tool, for who holds it and for who owes it.
///
/// # Errors
/// When history has no such series, or too little of it for a margin.
pub fn schedules(history: &History, asset: &str, terms: &MarginTerms) -> Result<Vec<Schedule>, NotEstimable> {
    let none = |why: String| NotEstimable { asset: asset.into(), why };
    let series = history.series(asset).ok_or_else(|| none("history has no such series".into()))?;
    let daily = series.daily_returns();
    let gaps = series.days().len().saturating_sub(daily.len() + 1);
    let mut all = Vec::new();
    for costs in [Costs::Held, Costs::Owed] {
        let MarginTerms { level, window, decay, days, measure, .. } = *terms;
        let base = Base { level, window, decay, horizon: days, measure, costs };
        for tool in TOOLS {
            let found = schedule(&daily, base, tool, terms).map_err(|why| none(why.to_string()))?;
            all.push(Schedule { asset: asset.into(), series: series.name(), gaps, ..found });
        }
    }
    Ok(all)
}

fn schedule(daily: &[(i64, f64)], base: Base, tool: Tool, terms: &MarginTerms) -> Result<Schedule, Unfit> {
    let mut returns: Vec<f64> = daily.iter().map(|(_, r)| *r).collect();
    let losses = base.losses(&returns);
    let known = losses.get(base.window..).unwrap_or_default();
    // The day to come stands behind the last, whatever it brings.
    returns.push(0.0);
    let margins = margins(&returns, base, tool)?;
    let before = |step: usize| daily[base.window + step - 1].0 + DAY;
    let from: Vec<i64> = (0..margins.len()).map(before).collect();
    let tell = |margins: &[f64]| -> Result<(Procyclicality, f64), Unfit> {
        let rise = largest_rise(margins, terms.rise_days).unwrap_or(0.0);
        Ok((procyclicality(&margins[..known.len()], known)?, rise))
    };
    let (did, rise) = tell(&margins)?;
    let limited = match terms.rise {
        None => None,
        Some(most) => {
            let lower = limited(&margins, most)?;
            let (did, rise) = tell(&lower)?;
            let steps =
                known.iter().enumerate().filter(|(at, loss)| **loss > lower[*at] && **loss <= margins[*at]);
            let added = steps.map(|(at, loss)| (from[at], lower[at], *loss)).collect();
            Some(Limited { margins: lower, did, rise, added })
        }
    };
    let (days, expected) = (known.len(), (1.0 - base.level) * known.len() as f64);
    let (asset, series) = (String::new(), String::new());
    Ok(Schedule {
        asset,
        series,
        gaps: 0,
        costs: base.costs,
        tool,
        from,
        margins,
        did,
        rise,
        expected,
        days,
        limited,
    })
}
