//! The chance that an account's linear form crosses zero, by drawn paths: for what has no closed form. Never without its standard error.
//!
//! A form is `constant + Σ weight × price`, prices being 1 today: positive parts are backing, negative ones requirement. Path `k` is the
//! same whatever else is drawn, and sums are taken in the order of paths, so an answer is the same on any worker.

pub mod jumps;
mod model;

pub use model::{Filtered, Gaussian, Model};

use crate::passage::diffusion::Diffusion;
use crate::points::Sobol;
use crate::special::normal_quantile;
use crate::stream::Stream;
use crate::unfit::{Unfit, must, numbers};
use libm::log;
use model::{Source, Walk};

/// What an account's health hangs on.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    /// Of each asset, in the order of the model: what it adds to the headroom at today's price.
    pub weights: Vec<f64>,
    /// What does not move.
    pub constant: f64,
}

/// When somebody looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// At the end of each step.
    Steps,
    /// All the time: between two steps by the Brownian bridge of the logarithm of health. Exact for one asset and for a ratio of two; for
    /// more assets its variance is that of the beginning of the step. For [`Gaussian`] alone.
    Always,
}

/// What paths are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draw {
    /// Independent paths.
    Random,
    /// Pairs of paths of which one has the other's normals with the signs turned. For [`Gaussian`] alone.
    Antithetic,
    /// Sobol's points, shifted at random so many times (at least 8): the standard error is that among shifts. For [`Gaussian`] alone, and at
    /// most 160 normals a path.
    Sobol {
        /// Independent shifts.
        shifts: u32,
    },
}

/// How to draw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// Paths in all, at least two (four in pairs); what does not fill a pair, or a part for each shift, is not drawn.
    pub paths: u64,
    /// Steps of a path; the model says how long one is.
    pub steps: u32,
    /// Which random numbers.
    pub seed: u64,
    /// When somebody looks.
    pub watch: Watch,
    /// What paths are made of.
    pub draw: Draw,
}

/// An estimate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The chance.
    pub chance: f64,
    /// Its standard error, and never less than the chance of one path: where hardly any crossed, or all did, what is rarer than the paths can
    /// show is not never. 0 where the form is at or below zero already.
    pub error: f64,
    /// Independent samples that it was taken from.
    pub samples: u64,
}

impl Form {
    fn sound(&self, assets: usize) -> Result<(), Unfit> {
        if self.weights.len() != assets {
            return Err(Unfit::Lengths { first: self.weights.len(), second: assets });
        }
        numbers("weights", &self.weights, 1)?;
        must("constant", self.constant, true, "a finite number")
    }

    /// Backing and requirement at these prices.
    fn sides(&self, prices: &[f64]) -> (f64, f64) {
        let start = if self.constant > 0.0 { (self.constant, 0.0) } else { (0.0, self.constant.abs()) };
        self.weights.iter().zip(prices).fold(start, |(backing, requirement), (weight, price)| {
            let value = weight * price;
            if value > 0.0 { (backing + value, requirement) } else { (backing, requirement - value) }
        })
    }

    /// The logarithm of health: infinite without a requirement, and minus infinite without backing. Nor is it more where both are too great
    /// or too small for a number: what is not known is not told as safe.
    fn distance(&self, prices: &[f64]) -> f64 {
        let (backing, requirement) = self.sides(prices);
        let distance = log(backing / requirement);
        if distance.is_nan() { f64::NEG_INFINITY } else { distance }
    }

    /// The variance of the logarithm of health in a step from where a path stands.
    fn variance(&self, walk: &mut Walk, model: &Gaussian) -> f64 {
        let (backing, requirement) = self.sides(&walk.prices);
        for ((share, weight), price) in walk.shares.iter_mut().zip(&self.weights).zip(&walk.prices) {
            let value = weight * price;
            let side = if value > 0.0 { backing } else { requirement };
            *share = if side > 0.0 { value / side } else { 0.0 };
        }
        model.variance_of(&walk.shares)
    }
}

/// The chance that a form is at or below zero when somebody looks.
///
/// # Errors
/// When form and model have different assets, there are too few paths or no steps, or a plan is not for this model.
pub fn chance(form: &Form, model: &Model, plan: &Plan) -> Result<Estimate, Unfit> {
    form.sound(model.assets())?;
    // One sample has no standard error.
    let (least, expected) =
        if plan.draw == Draw::Antithetic { (4, "at least 4: two pairs") } else { (2, "at least 2") };
    must("paths", plan.paths as f64, plan.paths >= least, expected)?;
    must("steps", f64::from(plan.steps), plan.steps > 0, "at least 1")?;
    model.sound()?;
    if !matches!(model, Model::Gaussian(_)) && (plan.watch == Watch::Always || plan.draw != Draw::Random) {
        let expected = "a Gaussian model for bridges, antithetic paths and Sobol's points";
        return Err(Unfit::Number { name: "model", found: f64::NAN, expected });
    }
    if form.distance(&vec![1.0; model.assets()]) <= 0.0 {
        return Ok(Estimate { chance: 1.0, error: 0.0, samples: plan.paths });
    }
    let mut walk = model.walk();
    match plan.draw {
        Draw::Random => Ok(mean(plan.paths, 1, |path| {
            let mut stream = Stream::new(plan.seed, path);
            crosses(form, model, plan, &mut walk, &mut Source::Stream(&mut stream, 1.0))
        })),
        Draw::Antithetic => Ok(mean(plan.paths / 2, 2, |pair| {
            let mut one = |sign: f64| {
                let mut stream = Stream::new(plan.seed, pair);
                crosses(form, model, plan, &mut walk, &mut Source::Stream(&mut stream, sign))
            };
            0.5 * (one(1.0) + one(-1.0))
        })),
        Draw::Sobol { shifts } => shifted(form, model, plan, shifts),
    }
}

/// Means over shifts of one set of points.
fn shifted(form: &Form, model: &Model, plan: &Plan, shifts: u32) -> Result<Estimate, Unfit> {
    must("shifts", f64::from(shifts), shifts >= 8, "at least 8")?;
    let dimensions = model.assets() * plan.steps as usize;
    let sobol = Sobol::new(dimensions)?;
    let mut walk = model.walk();
    let points = plan.paths / u64::from(shifts);
    let points = u32::try_from(points).ok().filter(|points| *points > 0);
    let Some(points) = points else {
        let expected = "at least one and fewer than 2^32 a shift";
        return Err(Unfit::Number { name: "paths", found: plan.paths as f64, expected });
    };
    Ok(mean(shifts.into(), points.into(), |shift| {
        let mut stream = Stream::new(plan.seed, shift);
        let moved: Vec<f64> = (0..dimensions).map(|_| stream.uniform()).collect();
        let sum: f64 = (0..points)
            .map(|point| {
                let mut dimension = 0;
                let mut normal = || {
                    // Modulo one; the two ends of a cell that rounding may reach are moved inside.
                    let u = sobol.at(point, dimension) + moved[dimension];
                    dimension += 1;
                    normal_quantile((u - u.floor()).clamp(1e-17, 1.0 - 1e-16))
                };
                crosses(form, model, plan, &mut walk, &mut Source::Given(&mut normal))
            })
            .sum();
        sum / f64::from(points)
    }))
}

/// The chance that one path crosses: 0 or 1 where steps are watched, between them where bridges are.
fn crosses(form: &Form, model: &Model, plan: &Plan, walk: &mut Walk, source: &mut Source<'_>) -> f64 {
    model.begin(walk);
    let mut before = form.distance(&walk.prices);
    let mut safe = 1.0;
    for _ in 0..plan.steps {
        let variance = match (plan.watch, model) {
            (Watch::Always, Model::Gaussian(gaussian)) => form.variance(walk, gaussian),
            _ => 0.0,
        };
        model.step(walk, source);
        let after = form.distance(&walk.prices);
        if after <= 0.0 {
            return 1.0;
        }
        if variance > 0.0 && before.is_finite() && after.is_finite() {
            safe *= 1.0 - Diffusion::bridge(before, after, variance);
        }
        before = after;
    }
    1.0 - safe
}

/// The mean of so many samples (two or more), each of so many paths, and its standard error.
fn mean(samples: u64, paths_each: u64, mut sample: impl FnMut(u64) -> f64) -> Estimate {
    let n = samples as f64;
    let (mut sum, mut squares) = (0.0, 0.0);
    for index in 0..samples {
        let value = sample(index);
        sum += value;
        squares += value * value;
    }
    let chance = sum / n;
    let among_samples = ((squares / n - chance * chance).max(0.0) / (n - 1.0)).sqrt();
    // One path of all that crosses errs by its own chance. Samples that show less have not seen the rare ones that count: a bridge gives
    // every path a little, and hardly any of them much.
    let one_path = 1.0 / (n * paths_each as f64);
    Estimate { chance, error: among_samples.max(one_path), samples }
}
