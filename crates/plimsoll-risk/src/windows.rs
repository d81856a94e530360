//! Days of prices as they were, each from one bar's close on, with the volatility that was expected before it began: what a line is tried
//! on. Replayed at another volatility, a day's logarithms are so many times as large (filtered history, with the order of its hours).

use crate::bars::{Bar, log_return};
use crate::history::{DAY, Series};
use crate::unfit::Unfit;
use crate::volatility::ewma;
use libm::{exp, expm1};

/// Of the EWMA of daily returns.
const DECAY: f64 = 0.94;
/// Daily returns before the first window, so that its volatility has settled.
const SETTLED: usize = 30;
/// Windows begin so far apart \[s\].
const STRIDE: i64 = 6 * 3600;
/// The part of all days that were calmer than the volatility that lines are set for.
pub const CALMER: f64 = 0.99;

/// A day of prices.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// When it begins \[s\].
    pub from: i64,
    /// The lowest price of each bar over the price at the beginning, as logarithms.
    pub lows: Vec<f64>,
    /// The volatility of a day that was expected then.
    pub volatility: f64,
}

/// All days before a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Windows {
    /// The days, in order; they overlap.
    pub all: Vec<Window>,
    /// How many a gap made unusable.
    pub torn: usize,
    /// The last price.
    pub price: f64,
    /// When the first and the last bar open \[s\].
    pub span: (i64, i64),
    /// The volatility that is expected of the next day.
    pub now: f64,
    /// The least volatility that all but [`CALMER`]'s rest of the days did not exceed, and the day that set it \[s\].
    pub wild: (f64, i64),
    /// Daily returns.
    pub returns: Vec<f64>,
    /// Lows are known, and not only closes.
    pub ranged: bool,
}

impl Windows {
    /// The days of a series of which every price was known by a time \[s\].
    ///
    /// # Errors
    /// When bars do not make up days, or there are too few for a volatility.
    pub fn new(series: &Series, until: i64) -> Result<Windows, Unfit> {
        let series = series.until(until);
        let step = series.bars.step();
        if step > DAY || DAY % step != 0 {
            return Err(Unfit::Number { name: "step", found: step as f64, expected: "a part of a day" });
        }
        let daily = series.daily_returns();
        let returns: Vec<f64> = daily.iter().map(|(_, r)| *r).collect();
        let variances = ewma(&returns, DECAY)?;
        // The first squares begin the EWMA, so its first values have seen what they foresee.
        let expected: Vec<(i64, f64)> =
            daily.iter().zip(&variances).skip(SETTLED).map(|((day, _), v)| (*day, v.sqrt())).collect();
        let now = variances.last().copied().unwrap_or_default().sqrt();
        let mut sorted = expected.clone();
        sorted.sort_by(|a, b| a.1.total_cmp(&b.1));
        let place = (sorted.len() as f64 * CALMER).ceil() as usize;
        let wild = place.checked_sub(1).and_then(|place| sorted.get(place)).map(|(day, v)| (*v, *day));
        let bars = series.bars.bars();
        let (Some(wild), [first, .., last]) = (wild, bars) else {
            return Err(Unfit::TooFew { what: "daily returns", found: returns.len(), least: SETTLED + 1 });
        };
        if now <= 0.0 || wild.0 <= 0.0 {
            return Err(Unfit::Still("daily returns"));
        }
        let (mut all, mut torn, mut day) = (Vec::new(), 0, 0);
        let long = (DAY / step) as usize;
        let each = (STRIDE / step).max(1) as usize;
        for at in (0..bars.len().saturating_sub(long)).step_by(each) {
            let path = &bars[at..=at + long];
            // A close is known when the next bar opens.
            let from = path[0].time + step;
            while day + 1 < expected.len() && expected[day + 1].0 <= from {
                day += 1;
            }
            let Some(&(of, volatility)) = expected.get(day).filter(|(of, v)| *of <= from && *v > 0.0) else {
                continue;
            };
            if path[long].time - path[0].time != DAY || from - of >= 2 * DAY {
                torn += 1;
                continue;
            }
            let low = |bar: &Bar| log_return(path[0].close, bar.low);
            all.push(Window { from, lows: path[1..].iter().map(low).collect(), volatility });
        }
        if all.is_empty() {
            return Err(Unfit::TooFew { what: "whole days without a gap", found: 0, least: 1 });
        }
        let (price, span, ranged) = (last.close, (first.time, last.time), series.ranged);
        Ok(Windows { all, torn, price, span, now, wild, returns, ranged })
    }

    /// How far each day fell at its lowest, had the volatility been this one: parts of the first price, none below zero.
    #[must_use]
    pub fn falls(&self, volatility: f64) -> Vec<f64> {
        let lowest = |window: &Window| window.lows.iter().copied().fold(0.0, f64::min);
        self.all.iter().map(|window| -expm1(lowest(window) * volatility / window.volatility)).collect()
    }

    /// How far each fell within its first bar, likewise: before anybody can act.
    #[must_use]
    pub fn first_falls(&self, volatility: f64) -> Vec<f64> {
        let first = |window: &Window| window.lows.first().copied().unwrap_or(0.0).min(0.0);
        self.all.iter().map(|window| -expm1(first(window) * volatility / window.volatility)).collect()
    }

    /// Prices of each over its first price, had the volatility been this one; as they were where none is given.
    #[must_use]
    pub fn paths(&self, volatility: Option<f64>) -> Vec<Vec<f64>> {
        let path = |window: &Window| {
            let times = volatility.map_or(1.0, |volatility| volatility / window.volatility);
            window.lows.iter().map(|low| exp(low * times)).collect()
        };
        self.all.iter().map(path).collect()
    }
}
