//! Whether forecasts of losses were right: value at risk day by day from what was known before, against what came.

use plimsoll_risk::backtest::{Backtest, Zone, accepted, backtest, basel};
use plimsoll_risk::history::History;
use plimsoll_risk::loss::{AtRisk, Method, rolling};

/// What is asked.
#[derive(Clone, Debug)]
pub struct BacktestTerms {
    /// Confidence.
    pub level: f64,
    /// Daily returns that each forecast is from.
    pub window: usize,
    /// The first day \[s\].
    pub since: Option<i64>,
    /// The day after the last \[s\].
    pub until: Option<i64>,
}

/// The decay of EWMA variances, a day.
pub const DECAY: f64 = 0.94;
/// Below this a test rejects.
pub const REJECTS: f64 = 0.05;

/// Ways to foresee, each with the name that people read.
const METHODS: [(Method, &str); 3] = [
    (Method::Filtered { decay: DECAY }, "filtered historical"),
    (Method::Historical, "historical"),
    (Method::EwmaNormal { decay: DECAY }, "EWMA normal"),
];

/// What the tests amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Neither test rejects.
    Passes,
    /// Losses went beyond it too often.
    TooMany,
    /// Too seldom: it asks for more than it says.
    TooFew,
    /// As often as it says, but several on each other's heels.
    Together,
}

/// One method on one asset.
#[derive(Clone, Debug)]
pub struct Forecasts {
    /// The method's name.
    pub method: &'static str,
    /// The tests.
    pub test: Backtest,
    /// Numbers of exceedances that Kupiec's test accepts at 5 %.
    pub accepted: (u64, u64),
    /// The chance of at most so many exceedances if the level is right, and the zone of the Basel Committee.
    pub basel: (f64, Zone),
    /// What they amount to.
    pub found: Found,
    /// Each day's forecast.
    pub forecasts: Vec<AtRisk>,
}

/// One asset.
#[derive(Clone, Debug)]
pub struct Backtested {
    /// The name of its series.
    pub series: String,
    /// The days that were foreseen \[s\].
    pub days: Vec<i64>,
    /// The losses that came, as a part of the price before (logarithmic).
    pub losses: Vec<f64>,
    /// By method.
    pub methods: Vec<Forecasts>,
}

/// Tests forecasts of an asset's daily losses; why not, where that cannot be.
///
/// # Errors
/// When the history has no such series, or too short a one.
pub fn backtests(history: &History, asset: &str, terms: &BacktestTerms) -> Result<Backtested, String> {
    let series = history.series(asset).ok_or_else(|| format!("{asset}: no such series in the history"))?;
    let inside = |day: &(i64, f64)| {
        terms.since.is_none_or(|since| day.0 >= since) && terms.until.is_none_or(|until| day.0 < until)
    };
    let returns: Vec<(i64, f64)> = series.daily_returns().into_iter().filter(inside).collect();
    let name = series.name();
    let why = |why: plimsoll_risk::Unfit| format!("{name}: {why}");
    let plain: Vec<f64> = returns.iter().map(|(_, value)| *value).collect();
    let losses: Vec<f64> = plain.iter().skip(terms.window).map(|value| -value).collect();
    let method = |(method, name): &(Method, &'static str)| {
        let forecasts = rolling(&plain, terms.window, terms.level, *method).map_err(why)?;
        let test = backtest(&losses, &forecasts, terms.level).map_err(why)?;
        let exceeded = test.exceeded.len() as u64;
        let accepted = accepted(test.steps, terms.level).map_err(why)?;
        let basel = basel(exceeded, test.steps, terms.level).map_err(why)?;
        let found = match () {
            () if test.coverage.p < REJECTS && exceeded > accepted.1 => Found::TooMany,
            () if test.coverage.p < REJECTS => Found::TooFew,
            () if test.independence.p < REJECTS => Found::Together,
            () => Found::Passes,
        };
        Ok(Forecasts { method: name, test, accepted, basel, found, forecasts })
    };
    let methods = METHODS.iter().map(method).collect::<Result<Vec<_>, String>>()?;
    let days = returns.iter().skip(terms.window).map(|(day, _)| *day).collect();
    Ok(Backtested { series: name, days, losses, methods })
}
