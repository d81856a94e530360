//! The models, from history: each says what it was made of.

use super::Setting;
use plimsoll_risk::history::{DAY, History, Series, aligned};
use plimsoll_risk::rank::pearson;
use plimsoll_risk::tracks::{Copula, Days, Normal, Tracks, Whole, whole_days};
use plimsoll_risk::volatility::{ewma, ewma_covariance, moments};
use plimsoll_risk::{Matrix, Unfit};
use std::fmt;

/// A model of what prices do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Filtered historical bootstrap of whole days: the headline.
    Filtered,
    /// A t copula with Student margins.
    Copula,
    /// Normal with double-exponential jumps.
    Kou,
    /// Geometric Brownian motion: no fat tails.
    Normal,
    /// Geometric Brownian motion at a stressed volatility.
    Stressed,
    /// At one and a half times that.
    Severe,
}

impl Kind {
    /// All of them, the headline first.
    pub const ALL: [Kind; 6] =
        [Kind::Filtered, Kind::Copula, Kind::Kou, Kind::Normal, Kind::Stressed, Kind::Severe];

    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Filtered => "history",
            Kind::Copula => "t copula",
            Kind::Kou => "jumps",
            Kind::Normal => "normal",
            Kind::Stressed => "stressed",
            Kind::Severe => "severe",
        }
    }
}

/// Stressed volatilities a year: the 99th percentile within days since 2020 (crvUSDrisk, `configs/shocks.py`).
const STRESSED: [(&str, f64); 2] = [("BTC", 1.878), ("ETH", 2.446)];
/// What makes them severe.
const SEVERE: f64 = 1.5;
const YEAR: f64 = 365.0;
/// A beta of fewer days is none.
const BETA_DAYS: usize = 30;
/// A series that ended so long before the book says nothing of now \[s\].
const STALE: i64 = 7 * DAY;

/// Daily returns of all series, and the models made of them.
pub(super) struct Models {
    pub(super) whole: Whole,
    /// Of each series, its return on each whole day.
    pub(super) returns: Vec<Vec<f64>>,
    pub(super) filtered: Result<Days, String>,
    pub(super) copula: Result<Copula, String>,
    /// The covariance of a day's returns now.
    pub(super) covariance: Result<Matrix, String>,
    /// Stressed, and severe.
    pub(super) stressed: [Result<Matrix, String>; 2],
}

fn words(error: impl fmt::Display) -> String {
    error.to_string()
}

/// Of each series, cut to what was known at a time, itself where it may serve: it ends no more than a week before, and there is a
/// window of whole days, and a few before them.
pub(super) fn useful(series: &[&Series], at: i64, setting: &Setting) -> Vec<Result<Series, String>> {
    let cut: Vec<Series> = series.iter().map(|one| one.until(at)).collect();
    let days = |one: &Series| whole_days(&[one], setting.look).map(|whole| whole.times.len());
    let least = setting.window;
    let ended = |one: &Series| one.span().map_or(0, |(_, last)| at.saturating_sub(last + one.bars.step()));
    let alone = |one: &Series| match days(one) {
        _ if ended(one) > STALE => {
            Err(format!("{} ends {} days before the book", one.name(), ended(one) / DAY))
        }
        Err(error) => Err(format!("{}: {error}", one.name())),
        Ok(found) if found < least => {
            Err(format!("{} whole days of {} before the book, expected {least}", found, one.name()))
        }
        Ok(_) if still(one) => Err(format!("{} does not move", one.name())),
        Ok(found) => Ok(found),
    };
    let mut told: Vec<Result<usize, String>> = cut.iter().map(alone).collect();
    // Series that have too few days in common: the one with the fewest is left out until there are enough.
    loop {
        let kept: Vec<&Series> =
            cut.iter().zip(&told).filter(|(_, told)| told.is_ok()).map(|(one, _)| one).collect();
        let common = whole_days(&kept, setting.look).map_or(0, |whole| whole.times.len());
        if kept.is_empty() || common >= least {
            break;
        }
        let fewest = told.iter().enumerate().filter_map(|(at, told)| Some((*told.as_ref().ok()?, at))).min();
        let Some((_, at)) = fewest else { break };
        told[at] = Err(format!(
            "{} has {common} whole days in common with the other series, expected {least}",
            cut[at].name()
        ));
    }
    cut.into_iter().zip(told).map(|(one, told)| told.map(|_| one)).collect()
}

/// Whether a series says the same price for ever.
fn still(series: &Series) -> bool {
    let returns = series.daily_returns();
    returns.iter().rev().take(30).all(|(_, r)| r.abs() < 1e-12)
}

impl Models {
    pub(super) fn new(
        series: &[&Series],
        history: &History,
        at: i64,
        setting: &Setting,
    ) -> Result<Models, Unfit> {
        let whole = whole_days(series, setting.look)?;
        let (prices, looks) = (series.len(), whole.looks);
        let close = |price: usize| {
            let of = |day: usize| whole.moves[(day * looks + looks - 1) * prices + price][0];
            (0..whole.times.len()).map(of).collect::<Vec<f64>>()
        };
        let returns: Vec<Vec<f64>> = (0..prices).map(close).collect();
        let filtered = Days::new(&whole, prices, setting.window, setting.decay).map_err(words);
        let covariance = covariance(&returns, setting.decay).map_err(words);
        let copula = copula(&returns, looks, setting).map_err(words);
        let stressed = [1.0, SEVERE].map(|times| stressed(series, history, at, &returns, times, setting));
        Ok(Models { whole, returns, filtered, copula, covariance, stressed })
    }

    /// The model as tracks; `None` where it has none.
    pub(super) fn tracks(&self, kind: Kind) -> Result<Box<dyn Tracks + '_>, String> {
        let looks = self.whole.looks;
        let normal = |covariance: &Result<Matrix, String>| -> Result<Box<dyn Tracks>, String> {
            let covariance = covariance.as_ref().map_err(Clone::clone)?;
            Ok(Box::new(Normal::new(covariance, looks).map_err(words)?))
        };
        match kind {
            Kind::Filtered => {
                self.filtered.as_ref().map(|days| Box::new(days.clone()) as _).map_err(Clone::clone)
            }
            Kind::Copula => {
                self.copula.as_ref().map(|copula| Box::new(copula.clone()) as _).map_err(Clone::clone)
            }
            Kind::Kou => Err("jumps have a closed form only where health is one price or a ratio".into()),
            Kind::Normal => normal(&self.covariance),
            Kind::Stressed => normal(&self.stressed[0]),
            Kind::Severe => normal(&self.stressed[1]),
        }
    }

    /// The covariance of a day behind a normal model.
    pub(super) fn normal(&self, kind: Kind) -> Option<&Matrix> {
        match kind {
            Kind::Normal => self.covariance.as_ref().ok(),
            Kind::Stressed => self.stressed[0].as_ref().ok(),
            Kind::Severe => self.stressed[1].as_ref().ok(),
            _ => None,
        }
    }
}

fn covariance(returns: &[Vec<f64>], decay: f64) -> Result<Matrix, Unfit> {
    let mut matrix = Matrix::zero(returns.len());
    for i in 0..returns.len() {
        for j in 0..=i {
            let last = ewma_covariance(&returns[i], &returns[j], decay)?.last().copied().unwrap_or(0.0);
            matrix.set_both(i, j, last);
        }
    }
    Ok(solid(matrix))
}

/// The same with a root: two series that are one are told apart by a billionth.
fn solid(mut matrix: Matrix) -> Matrix {
    for i in 0..matrix.size() {
        matrix.set(i, i, matrix.at(i, i) * (1.0 + 1e-9));
    }
    matrix
}

fn copula(returns: &[Vec<f64>], looks: usize, setting: &Setting) -> Result<Copula, Unfit> {
    let mut standardised = Vec::new();
    let mut now = Vec::new();
    for series in returns {
        let variances = ewma(series, setting.decay)?;
        let from = series.len().saturating_sub(setting.window);
        let z: Vec<f64> =
            series[from..].iter().zip(&variances[from..]).map(|(r, variance)| r / variance.sqrt()).collect();
        let (mean, variance) = moments(&z, 1)?;
        standardised.push(z.iter().map(|z| (z - mean) / variance.sqrt()).collect());
        // What the filter leaves of the variance beyond one belongs to it.
        now.push((variances[series.len()] * variance).sqrt());
    }
    Copula::new(&standardised, &now, looks)
}

/// Covariances at stressed volatilities with the window's correlations. An asset that has none of its own moves by its beta to bitcoin or
/// ether, whichever moves it more; a basis, of which a beta says nothing, at the highest volatility that its own history has seen. None is
/// calmer than it was by itself in the window, today included.
fn stressed(
    series: &[&Series],
    history: &History,
    at: i64,
    returns: &[Vec<f64>],
    times: f64,
    setting: &Setting,
) -> Result<Matrix, String> {
    let window = |values: &[f64]| values[values.len().saturating_sub(setting.window)..].to_vec();
    let mut deviations = Vec::new();
    for (one, own) in series.iter().zip(returns) {
        let variances = ewma(own, setting.decay).map_err(words)?;
        let highest = |variances: &[f64]| (variances.iter().copied().fold(0.0, f64::max) * YEAR).sqrt();
        let stated = STRESSED.iter().find(|(name, _)| one.base == *name && one.quote == history.quote());
        let yearly = match stated {
            Some((_, volatility)) => *volatility,
            None if one.quote != history.quote() => highest(&variances),
            None => by_beta(one, history, at, setting)?,
        };
        let yearly = yearly.max(highest(&window(&variances)));
        deviations.push(yearly * times / YEAR.sqrt());
    }
    let mut matrix = Matrix::zero(series.len());
    for i in 0..series.len() {
        for j in 0..i {
            let rho = pearson(&window(&returns[i]), &window(&returns[j])).map_err(words)?;
            matrix.set_both(i, j, rho * deviations[i] * deviations[j]);
        }
        matrix.set(i, i, deviations[i] * deviations[i]);
    }
    Ok(solid(matrix))
}

/// The stressed volatility a year of an asset that has none of its own.
fn by_beta(one: &Series, history: &History, at: i64, setting: &Setting) -> Result<f64, String> {
    let mut most: Option<f64> = None;
    for (name, volatility) in STRESSED {
        let Some(large) = history.series(name) else { continue };
        let both = aligned(&[one.daily_returns(), large.until(at).daily_returns()]);
        let last = both.times.len().saturating_sub(setting.window);
        let (x, y) = (&both.returns[1][last..], &both.returns[0][last..]);
        if x.len() < BETA_DAYS {
            continue;
        }
        let (Ok(rho), Ok((_, of)), Ok((_, own))) = (pearson(x, y), moments(x, 1), moments(y, 1)) else {
            continue;
        };
        let moved = rho.abs() * (own / of).sqrt() * volatility;
        most = Some(most.map_or(moved, |most| most.max(moved)));
    }
    most.ok_or_else(|| {
        format!("{}: no BTC or ETH with {BETA_DAYS} days in common with it for a beta", one.name())
    })
}
