//! The chance that an account's linear form crosses zero, by drawn paths: for what has no closed form. Never without its standard error.
//!
//! A form is `constant + Σ weight × price`, prices being 1 today: positive parts are backing, negative ones requirement. Path `k` is the
//! same whatever else is drawn, and sums are taken in the order of paths, so an answer is the same on any worker. Paths are walked 64 side by
//! side on the kernel's lanes, which give the same bits on every machine.

mod crossing;
pub mod jumps;
mod model;

pub use model::{Filtered, Gaussian, Model, Walk};

use crate::points::Sobol;
use crate::special::normal_quantile;
use crate::stream::Stream;
use crate::unfit::{Unfit, must, numbers};
use crossing::{Crossing, Sides};
use model::Source;
use plimsoll_kernel::{Across, Drawn, PATHS};

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
    let sides = Sides::new(form);
    let today = sides.today();
    if today <= 0.0 {
        return Ok(Estimate { chance: 1.0, error: 0.0, samples: plan.paths });
    }
    let mut crossing = Crossing::new(&sides, today, model, plan);
    match plan.draw {
        Draw::Random => {
            let mut samples = Samples::default();
            for (first, paths) in tiles(plan.paths) {
                let drawn = Drawn { seed: plan.seed, first };
                let crossed = crossing.tile(&mut Source::Paths(drawn, 1.0));
                crossed.flat()[..paths].iter().for_each(|chance| samples.add(*chance));
            }
            Ok(samples.mean(1))
        }
        Draw::Antithetic => {
            let mut samples = Samples::default();
            for (first, pairs) in tiles(plan.paths / 2) {
                let drawn = Drawn { seed: plan.seed, first };
                let [one, other] = [1.0, -1.0].map(|sign| crossing.tile(&mut Source::Paths(drawn, sign)));
                let both = one.flat().iter().zip(other.flat());
                both.take(pairs).for_each(|(one, other)| samples.add(0.5 * (one + other)));
            }
            Ok(samples.mean(2))
        }
        Draw::Sobol { shifts } => shifted(&mut crossing, model.assets(), plan, shifts),
    }
}

/// The first of each 64, and how many they are.
fn tiles(count: u64) -> impl Iterator<Item = (u64, usize)> {
    let tile = PATHS as u64;
    (0..count).step_by(PATHS).map(move |first| (first, (count - first).min(tile) as usize))
}

/// Means over shifts of one set of points.
fn shifted(crossing: &mut Crossing<'_>, assets: usize, plan: &Plan, shifts: u32) -> Result<Estimate, Unfit> {
    must("shifts", f64::from(shifts), shifts >= 8, "at least 8")?;
    let dimensions = assets * plan.steps as usize;
    let sobol = Sobol::new(dimensions)?;
    let points = plan.paths / u64::from(shifts);
    let Some(points) = u32::try_from(points).ok().filter(|points| *points > 0) else {
        let expected = "at least one and fewer than 2^32 a shift";
        return Err(Unfit::Number { name: "paths", found: plan.paths as f64, expected });
    };
    let mut samples = Samples::default();
    for shift in 0..shifts {
        let mut stream = Stream::new(plan.seed, shift.into());
        let moved: Vec<f64> = (0..dimensions).map(|_| stream.uniform()).collect();
        let mut sum = 0.0;
        for (first, some) in tiles(points.into()) {
            let mut begun = 0;
            let mut next = |normals: &mut [Across]| {
                // Beyond the last step nothing is asked for.
                for (dimension, row) in (begun..dimensions).zip(normals.iter_mut()) {
                    for (point, normal) in (first as u32..points).zip(row.flat_mut()) {
                        // Modulo one; the two ends of a cell that rounding may reach are moved inside.
                        let u = sobol.at(point, dimension) + moved[dimension];
                        *normal = normal_quantile((u - u.floor()).clamp(1e-17, 1.0 - 1e-16));
                    }
                }
                begun += normals.len();
            };
            let crossed = crossing.tile(&mut Source::Points(&mut next));
            sum += crossed.flat()[..some].iter().sum::<f64>();
        }
        samples.add(sum / f64::from(points));
    }
    Ok(samples.mean(points.into()))
}

/// The mean of so many samples (two or more), each of so many paths, and its standard error.
fn mean(samples: u64, paths_each: u64, mut sample: impl FnMut(u64) -> f64) -> Estimate {
    let mut all = Samples::default();
    (0..samples).for_each(|index| all.add(sample(index)));
    all.mean(paths_each)
}

/// Samples so far.
#[derive(Default)]
struct Samples {
    count: u64,
    sum: f64,
    squares: f64,
}

impl Samples {
    fn add(&mut self, value: f64) {
        self.count += 1;
        self.sum += value;
        self.squares += value * value;
    }

    fn mean(&self, paths_each: u64) -> Estimate {
        let n = self.count as f64;
        let chance = self.sum / n;
        let among_samples = ((self.squares / n - chance * chance).max(0.0) / (n - 1.0)).sqrt();
        // One path of all that crosses errs by its own chance. Samples that show less have not seen the rare ones that count: a bridge gives
        // every path a little, and hardly any of them much.
        let one_path = 1.0 / (n * paths_each as f64);
        Estimate { chance, error: among_samples.max(one_path), samples: self.count }
    }
}
