//! How prices move in a step.

use crate::matrix::Matrix;
use crate::stream::Stream;
use crate::unfit::{Unfit, must, numbers};
use crate::volatility::ewma;
use libm::exp;

/// Normal logarithmic returns, the same in every step.
#[derive(Clone, Debug)]
pub struct Gaussian {
    covariance: Matrix,
    factor: Matrix,
    drifts: Vec<f64>,
}

impl Gaussian {
    /// From the covariance of logarithmic returns of one step and the expected growth of prices in one (0: none). The logarithm drifts by half
    /// a variance less.
    ///
    /// # Errors
    /// When the covariance is not positive definite, or drifts are not one an asset.
    pub fn new(covariance: Matrix, growth: &[f64]) -> Result<Gaussian, Unfit> {
        if covariance.size() != growth.len() {
            return Err(Unfit::Lengths { first: covariance.size(), second: growth.len() });
        }
        numbers("growth", growth, 1)?;
        let factor = covariance.cholesky();
        let factor =
            factor.ok_or(Unfit::NotFound("a root of the covariance, which must be positive definite"))?;
        let drifts =
            growth.iter().enumerate().map(|(i, growth)| growth - 0.5 * covariance.at(i, i)).collect();
        Ok(Gaussian { covariance, factor, drifts })
    }

    /// The variance of a weighted sum of returns.
    pub(super) fn variance_of(&self, shares: &[f64]) -> f64 {
        let row =
            |i: usize| self.covariance.row(i).iter().zip(shares).map(|(c, share)| c * share).sum::<f64>();
        shares.iter().enumerate().map(|(i, share)| share * row(i)).sum()
    }
}

/// What has been, scaled to what is: rows of past returns of all assets at once, each over the volatility then expected of it, are drawn with
/// replacement; volatilities follow the path (Barone-Adesi, Giannopoulos and Vosper 1999).
#[derive(Clone, Debug)]
pub struct Filtered {
    assets: usize,
    /// Standardised returns with mean zero, row by row.
    rows: Vec<f64>,
    /// Variances expected of the first step.
    variances: Vec<f64>,
    decay: f64,
}

impl Filtered {
    /// From returns of each asset (all equally long, the same steps), the last `window` of which are drawn from; EWMA of this decay.
    ///
    /// # Errors
    /// With no asset, unequal series, fewer than 30 returns or than the window, a return that is no number, or an asset that does not move.
    pub fn new(returns: &[Vec<f64>], window: usize, decay: f64) -> Result<Filtered, Unfit> {
        let Some(first) = returns.first() else {
            return Err(Unfit::TooFew { what: "assets", found: 0, least: 1 });
        };
        if window < 2 || first.len() < window {
            return Err(Unfit::TooFew { what: "returns", found: first.len(), least: window.max(2) });
        }
        let assets = returns.len();
        let mut rows = vec![0.0; assets * window];
        let mut now = Vec::with_capacity(assets);
        for (asset, series) in returns.iter().enumerate() {
            if series.len() != first.len() {
                return Err(Unfit::Lengths { first: first.len(), second: series.len() });
            }
            let variances = ewma(series, decay)?;
            let from = series.len() - window;
            let mut past = Vec::with_capacity(window);
            for (r, variance) in series[from..].iter().zip(&variances[from..]) {
                if *variance <= 0.0 {
                    return Err(Unfit::Still("returns of an asset"));
                }
                past.push(r / variance.sqrt());
            }
            // History's trend is no forecast: without its mean, a price is expected to stand still.
            let mean = past.iter().sum::<f64>() / window as f64;
            for (row, value) in past.into_iter().enumerate() {
                rows[row * assets + asset] = value - mean;
            }
            now.push(variances[series.len()]);
        }
        Ok(Filtered { assets, rows, variances: now, decay })
    }
}

/// A model of several prices.
#[derive(Clone, Debug)]
pub enum Model {
    /// Normal returns.
    Gaussian(Gaussian),
    /// Student returns with the same covariance: what makes one price fall far makes all do so (a t copula with its own margins).
    Student {
        /// Covariance and growth.
        of: Gaussian,
        /// Degrees of freedom, above 2.
        nu: f64,
    },
    /// Filtered historical bootstrap.
    Filtered(Filtered),
}

/// Where a path stands; kept from path to path, so that none allocates.
pub(super) struct Walk {
    /// Prices, today's being 1.
    pub(super) prices: Vec<f64>,
    /// Room for one number an asset.
    pub(super) shares: Vec<f64>,
    variances: Vec<f64>,
    drawn: Vec<f64>,
}

impl Model {
    /// Student returns.
    ///
    /// # Errors
    /// With `nu` of 2 or less, where there is no covariance.
    pub fn student(of: Gaussian, nu: f64) -> Result<Model, Unfit> {
        let model = Model::Student { of, nu };
        model.sound()?;
        Ok(model)
    }

    pub(super) fn sound(&self) -> Result<(), Unfit> {
        match self {
            Model::Student { nu, .. } => must("nu", *nu, *nu > 2.0, "above 2"),
            Model::Gaussian(_) | Model::Filtered(_) => Ok(()),
        }
    }

    /// How many prices.
    #[must_use]
    pub fn assets(&self) -> usize {
        match self {
            Model::Gaussian(of) | Model::Student { of, .. } => of.drifts.len(),
            Model::Filtered(filtered) => filtered.assets,
        }
    }

    pub(super) fn walk(&self) -> Walk {
        let zeros = || vec![0.0; self.assets()];
        Walk { prices: zeros(), shares: zeros(), variances: zeros(), drawn: zeros() }
    }

    /// Back to today.
    pub(super) fn begin(&self, walk: &mut Walk) {
        walk.prices.fill(1.0);
        if let Model::Filtered(filtered) = self {
            walk.variances.copy_from_slice(&filtered.variances);
        }
    }

    /// One step of a Gaussian from normals of any kind, of the others from a stream.
    pub(super) fn step(&self, walk: &mut Walk, source: &mut Source<'_>) {
        let Walk { prices, variances, drawn, .. } = walk;
        match self {
            Model::Gaussian(of) => {
                drawn.fill_with(|| source.normal());
                of.moved(drawn, 1.0, prices);
            }
            Model::Student { of, nu } => {
                drawn.fill_with(|| source.normal());
                // Over the root of a chi-squared mean, and back to variance one.
                let scale = ((nu - 2.0) / nu / source.chi_squared_mean(*nu)).sqrt();
                of.moved(drawn, scale, prices);
            }
            Model::Filtered(filtered) => {
                let row = source.below(filtered.rows.len() / filtered.assets) * filtered.assets;
                let row = &filtered.rows[row..row + filtered.assets];
                for ((price, variance), z) in prices.iter_mut().zip(variances).zip(row) {
                    let r = variance.sqrt() * z;
                    *price *= exp(r - 0.5 * *variance);
                    *variance = filtered.decay * *variance + (1.0 - filtered.decay) * r * r;
                }
            }
        }
    }
}

impl Gaussian {
    fn moved(&self, normals: &[f64], scale: f64, prices: &mut [f64]) {
        for (i, price) in prices.iter_mut().enumerate() {
            let row = &self.factor.row(i)[..=i];
            let shock: f64 = row.iter().zip(normals).map(|(factor, normal)| factor * normal).sum();
            *price *= exp(self.drifts[i] + scale * shock);
        }
    }
}

/// Where a step's numbers come from.
pub(super) enum Source<'a> {
    /// The path's own stream; normals with this sign.
    Stream(&'a mut Stream, f64),
    /// Normals that were made elsewhere.
    Given(&'a mut dyn FnMut() -> f64),
}

impl Source<'_> {
    fn normal(&mut self) -> f64 {
        match self {
            Source::Stream(stream, sign) => *sign * stream.normal(),
            Source::Given(next) => next(),
        }
    }

    fn chi_squared_mean(&mut self, nu: f64) -> f64 {
        match self {
            Source::Stream(stream, _) => stream.chi_squared_mean(nu),
            Source::Given(_) => 1.0,
        }
    }

    fn below(&mut self, count: usize) -> usize {
        match self {
            Source::Stream(stream, _) => stream.below(count as u64) as usize,
            Source::Given(_) => 0,
        }
    }
}
