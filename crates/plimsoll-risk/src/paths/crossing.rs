//! On which of 64 paths a form is at or below zero when somebody looks.

use super::model::{Gaussian, Model, Source, Walk};
use super::{Form, Plan, Watch};
use crate::passage::diffusion::Diffusion;
use libm::log;
use plimsoll_kernel::{Across, Lanes, PATHS};

/// A form's two sides, each without a sign: prices are above zero, so a weight's sign is that of its part.
pub(super) struct Sides {
    /// The form as it is.
    weights: Vec<f64>,
    constant: f64,
    backing: Vec<f64>,
    requirement: Vec<f64>,
}

impl Sides {
    pub(super) fn new(form: &Form) -> Sides {
        let side = |sign: f64| form.weights.iter().map(|weight| (sign * weight).max(0.0)).collect();
        Sides {
            weights: form.weights.clone(),
            constant: form.constant,
            backing: side(1.0),
            requirement: side(-1.0),
        }
    }

    fn constants(&self) -> [f64; 2] {
        [self.constant.max(0.0), (-self.constant).max(0.0)]
    }

    /// The logarithm of health today, where all prices are one: infinite without a requirement, minus infinite without backing. Nor is it more
    /// where both are too great or too small for a number: what is not known is not told as safe.
    pub(super) fn today(&self) -> f64 {
        let [backing, requirement] = self.constants();
        let sum = |start, side: &[f64]| side.iter().fold(start, |sum, weight| sum + weight);
        let distance = log(sum(backing, &self.backing) / sum(requirement, &self.requirement));
        if distance.is_nan() { f64::NEG_INFINITY } else { distance }
    }
}

/// Walks paths and looks.
pub(super) struct Crossing<'a> {
    sides: &'a Sides,
    /// The logarithm of health today.
    today: f64,
    model: &'a Model,
    plan: &'a Plan,
    lanes: Lanes,
    walk: Walk,
}

impl<'a> Crossing<'a> {
    pub(super) fn new(sides: &'a Sides, today: f64, model: &'a Model, plan: &'a Plan) -> Crossing<'a> {
        Crossing { sides, today, model, plan, lanes: Lanes::best(), walk: model.walk() }
    }

    /// The chance that each path crosses: 0 or 1 where steps are watched, between them where bridges are.
    pub(super) fn tile(&mut self, source: &mut Source<'_>) -> Across {
        self.model.begin(&mut self.walk);
        match (self.plan.watch, self.model) {
            (Watch::Always, Model::Gaussian(gaussian)) => self.always(gaussian, source),
            _ => self.steps(source),
        }
    }

    fn steps(&mut self, source: &mut Source<'_>) -> Across {
        let mut crossed = Across::splat(0.0);
        let mut row = crossed;
        for _ in 0..self.plan.steps {
            self.model.step_of(&mut self.walk, source);
            self.lanes.weighted(self.sides.constant, &self.sides.weights, &self.walk.prices, &mut row);
            let mut safe = 0;
            for (crossed, row) in crossed.flat_mut().iter_mut().zip(row.flat()) {
                // What is not a number is not above zero.
                *crossed = if *row > 0.0 { *crossed } else { 1.0 };
                safe += usize::from(*crossed < 1.0);
            }
            if safe == 0 {
                break;
            }
        }
        crossed
    }

    fn always(&mut self, gaussian: &Gaussian, source: &mut Source<'_>) -> Across {
        let mut before = Across::splat(self.today);
        let mut safe = Across::splat(1.0);
        let [mut backing, mut requirement, mut variance] = [safe; 3];
        self.sum(&mut backing, &mut requirement);
        for _ in 0..self.plan.steps {
            self.variance(gaussian, [&backing, &requirement], &mut variance);
            self.model.step_of(&mut self.walk, source);
            self.sum(&mut backing, &mut requirement);
            let mut after = backing;
            for (after, requirement) in after.flat_mut().iter_mut().zip(requirement.flat()) {
                *after /= requirement;
            }
            self.lanes.ln(std::slice::from_mut(&mut after));
            for path in 0..PATHS {
                let [before, after, variance] =
                    [&before, &after, &variance].map(|across| across.flat()[path]);
                let safe = &mut safe.flat_mut()[path];
                if after <= 0.0 || after.is_nan() {
                    *safe = 0.0;
                } else if variance > 0.0 && before.is_finite() && after.is_finite() && *safe > 0.0 {
                    *safe *= 1.0 - Diffusion::bridge(before, after, variance);
                }
            }
            before = after;
        }
        for safe in safe.flat_mut() {
            *safe = 1.0 - *safe;
        }
        safe
    }

    /// Backing and requirement where paths stand.
    fn sum(&self, backing: &mut Across, requirement: &mut Across) {
        let [start, owed] = self.sides.constants();
        self.lanes.weighted(start, &self.sides.backing, &self.walk.prices, backing);
        self.lanes.weighted(owed, &self.sides.requirement, &self.walk.prices, requirement);
    }

    /// The variance of the logarithm of health in a step from where paths stand.
    fn variance(&self, gaussian: &Gaussian, [backing, requirement]: [&Across; 2], into: &mut Across) {
        let mut shares = self.walk.prices.clone();
        for (share, weight) in shares.iter_mut().zip(&self.sides.weights) {
            let side = if *weight > 0.0 { backing } else { requirement };
            for (share, side) in share.flat_mut().iter_mut().zip(side.flat()) {
                *share = if *side > 0.0 { weight * *share / side } else { 0.0 };
            }
        }
        gaussian.variance_of(&shares, into);
    }
}
