//! How prices move in a step, on 64 paths side by side.

use crate::matrix::Matrix;
use crate::unfit::{Unfit, must, numbers};
use crate::volatility::ewma;
use plimsoll_kernel::{Across, Drawn, Lanes, PATHS};

/// Normal logarithmic returns, the same in every step.
#[derive(Clone, Debug)]
pub struct Gaussian {
    covariance: Matrix,
    /// The root of the covariance: the rows of a lower triangle, one after the other.
    triangle: Vec<f64>,
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
        let triangle = (0..growth.len()).flat_map(|i| factor.row(i)[..=i].to_vec()).collect();
        Ok(Gaussian { covariance, triangle, drifts })
    }

    /// The variance of a weighted sum of returns, of each path's weights.
    pub(super) fn variance_of(&self, shares: &[Across], into: &mut Across) {
        *into = Across::splat(0.0);
        for (i, share) in shares.iter().enumerate() {
            for path in 0..PATHS {
                let row = self.covariance.row(i).iter().zip(shares);
                let sum: f64 = row.map(|(c, share)| c * share.flat()[path]).sum();
                into.flat_mut()[path] += share.flat()[path] * sum;
            }
        }
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

/// Steps whose normals are drawn at once: the generator gives numbers in pairs.
const AT_ONCE: u32 = 4;

/// Where 64 paths stand; kept from tile to tile, so that none allocates.
#[derive(Clone, Debug)]
pub struct Walk {
    lanes: Lanes,
    step: u32,
    /// Prices, today's being 1.
    pub(super) prices: Vec<Across>,
    /// Their logarithms.
    logarithms: Vec<Across>,
    /// Of the steps that are drawn at once.
    normals: Vec<Across>,
    variances: Vec<Across>,
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

    /// Room for 64 paths.
    #[must_use]
    pub fn walk(&self) -> Walk {
        let rows = |x: f64| vec![Across::splat(x); self.assets()];
        Walk {
            lanes: Lanes::best(),
            step: 0,
            prices: rows(1.0),
            logarithms: rows(0.0),
            normals: vec![Across::splat(0.0); self.assets() * AT_ONCE as usize],
            variances: rows(0.0),
        }
    }

    /// Back to today.
    pub fn begin(&self, walk: &mut Walk) {
        walk.step = 0;
        walk.prices.fill(Across::splat(1.0));
        walk.logarithms.fill(Across::splat(0.0));
        if let Model::Filtered(filtered) = self {
            for (row, variance) in walk.variances.iter_mut().zip(&filtered.variances) {
                *row = Across::splat(*variance);
            }
        }
    }

    /// One step of 64 paths. A path takes the same steps whatever else is drawn.
    pub fn step(&self, walk: &mut Walk, drawn: Drawn) {
        self.step_of(walk, &mut Source::Paths(drawn, 1.0));
    }

    /// One step of a Gaussian from normals of any kind, of the others from paths of random numbers.
    pub(super) fn step_of(&self, walk: &mut Walk, source: &mut Source<'_>) {
        match (self, &mut *source) {
            (Model::Gaussian(of), _) => {
                source.normals(walk);
                of.move_on(walk, None);
            }
            (Model::Student { of, nu }, Source::Paths(drawn, _)) => {
                let drawn = *drawn;
                source.normals(walk);
                // Over the root of a chi-squared mean, and back to variance one.
                let mut scale = Across::splat(1.0);
                walk.lanes.chi_squared_means(drawn, walk.step, *nu, &mut scale);
                for scale in scale.flat_mut() {
                    *scale = ((nu - 2.0) / nu / *scale).sqrt();
                }
                of.move_on(walk, Some(&scale));
            }
            (Model::Filtered(filtered), Source::Paths(drawn, _)) => filtered.move_on(walk, *drawn),
            // Points are for a Gaussian alone.
            (_, Source::Points(_)) => {}
        }
        walk.step += 1;
        walk.prices.copy_from_slice(&walk.logarithms);
        walk.lanes.exp(&mut walk.prices);
    }
}

impl Walk {
    /// Of each asset its price on each path, today's being 1.
    #[must_use]
    pub fn prices(&self) -> &[Across] {
        &self.prices
    }
}

impl Gaussian {
    fn move_on(&self, walk: &mut Walk, scale: Option<&Across>) {
        let begin = (walk.step % AT_ONCE) as usize * self.drifts.len();
        let normals = &walk.normals[begin..begin + self.drifts.len()];
        walk.lanes.correlated(&self.triangle, &self.drifts, normals, scale, &mut walk.logarithms);
    }
}

impl Filtered {
    fn move_on(&self, walk: &mut Walk, drawn: Drawn) {
        let mut words = [0; PATHS];
        walk.lanes.words(drawn, walk.step.into(), &mut words);
        // A row below their number, each as likely as the others to 2^-64.
        let count = self.rows.len() / self.assets;
        let rows = words.map(|word| ((u128::from(word) * count as u128) >> 64) as usize * self.assets);
        let numbers = walk.logarithms.iter_mut().zip(&mut walk.variances);
        for (asset, (logarithms, variances)) in numbers.enumerate() {
            let numbers = logarithms.flat_mut().iter_mut().zip(variances.flat_mut());
            for ((logarithm, variance), row) in numbers.zip(rows) {
                let r = variance.sqrt() * self.rows[row + asset];
                *logarithm += r - 0.5 * *variance;
                *variance = self.decay * *variance + (1.0 - self.decay) * r * r;
            }
        }
    }
}

/// Where a step's numbers come from.
pub(super) enum Source<'a> {
    /// The paths' own random numbers; normals with this sign.
    Paths(Drawn, f64),
    /// Normals that were made elsewhere: writes those of the next steps.
    Points(&'a mut dyn FnMut(&mut [Across])),
}

impl Source<'_> {
    /// Draws the normals of the next steps, where those of the step are not there yet.
    fn normals(&mut self, walk: &mut Walk) {
        if !walk.step.is_multiple_of(AT_ONCE) {
            return;
        }
        match self {
            Source::Paths(drawn, sign) => {
                let at = u64::from(walk.step / AT_ONCE) * walk.normals.len() as u64;
                walk.lanes.normals(*drawn, at, &mut walk.normals);
                if *sign < 0.0 {
                    for normal in walk.normals.iter_mut().flat_map(Across::flat_mut) {
                        *normal = -*normal;
                    }
                }
            }
            Source::Points(next) => next(&mut walk.normals),
        }
    }
}
