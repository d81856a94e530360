//! GARCH(1,1) and GJR-GARCH(1,1,1) with normal and Student errors, by maximum likelihood.
//!
//! `r = mu + e`, `e = sqrt(h) z`, `h[t] = omega + (alpha + gamma 1[e[t-1] < 0]) e[t-1]² + beta h[t-1]` (Bollerslev 1986; Glosten,
//! Jagannathan and Runkle 1993). Student errors are scaled to variance one (Bollerslev 1987). Units: give returns in percent;
//! `omega` and variances are then percent squared a step.
//!
//! What stands before the first observation decides the third digit of the answer, so it is named: [`Start`].

use crate::minimise::simplex;
use crate::unfit::{Unfit, numbers};
use crate::volatility::moments;
use libm::{exp, lgamma, log, log1p, sin};
use std::f64::consts::PI;

mod errors;

/// The squared error and the variance that the recursion has before its first observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// The mean of squared deviations from the sample mean.
    MeanSquare,
    /// The mean of squared errors, at the `mu` in question (Fiorentini, Calzolari and Panattoni 1996; the published
    /// benchmark).
    MeanSquareError,
    /// Squared deviations from the sample mean, the first 75 of them weighted by 0.94 to the power of their place (the
    /// Python package `arch`).
    Weighted,
}

/// Which model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// A fall adds `gamma` to `alpha` (GJR).
    pub leverage: bool,
    /// Errors are Student's, with `nu` to be estimated; else normal.
    pub student: bool,
}

/// Parameters; `gamma` is 0 without leverage, `nu` infinite without Student errors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameters {
    /// Mean return of a step.
    pub mu: f64,
    /// Constant part of the variance.
    pub omega: f64,
    /// Weight of the last squared error.
    pub alpha: f64,
    /// More of it after a fall.
    pub gamma: f64,
    /// Weight of the last variance.
    pub beta: f64,
    /// Degrees of freedom.
    pub nu: f64,
}

/// A fitted model.
#[derive(Clone, Debug)]
pub struct Fit {
    /// What was fitted.
    pub kind: Kind,
    /// From which start value.
    pub start: Start,
    /// The estimates.
    pub parameters: Parameters,
    /// The logarithm of the likelihood there.
    pub log_likelihood: f64,
    /// Standard errors in the order mu, omega, alpha, gamma, beta, nu (of those estimated), from the inverse Hessian; `None` where it
    /// is not positive definite.
    pub errors: Option<Vec<f64>>,
    /// The same by the sandwich of Bollerslev and Wooldridge 1992, which holds for errors of another kind, too.
    pub robust_errors: Option<Vec<f64>>,
    /// The variance expected of each observation, and of the one after the last.
    pub variances: Vec<f64>,
}

/// Fewest observations to which a model is fitted.
pub const LEAST: usize = 100;

impl Fit {
    /// Variances expected of the next `steps` observations.
    #[must_use]
    pub fn forecast(&self, steps: usize) -> Vec<f64> {
        let Parameters { omega, alpha, gamma, beta, .. } = self.parameters;
        let next = self.variances[self.variances.len() - 1];
        std::iter::successors(Some(next), |h| Some(omega + (alpha + 0.5 * gamma + beta) * h))
            .take(steps)
            .collect()
    }

    /// How much of a shock is left after a step; 1 is the border on which variances have no mean.
    #[must_use]
    pub fn persistence(&self) -> f64 {
        let Parameters { alpha, gamma, beta, .. } = self.parameters;
        alpha + 0.5 * gamma + beta
    }
}

/// The data, and what of the start value does not hang on the parameters.
struct Data<'a> {
    returns: &'a [f64],
    start: Start,
    before: f64,
}

impl Data<'_> {
    /// Minus the log-likelihood of each observation, and the variance of each and of the next, given to `see`.
    fn each(&self, at: &Parameters, mut see: impl FnMut(f64, f64)) -> f64 {
        let before = match self.start {
            Start::MeanSquare | Start::Weighted => self.before,
            Start::MeanSquareError => {
                self.returns.iter().map(|r| (r - at.mu) * (r - at.mu)).sum::<f64>()
                    / self.returns.len() as f64
            }
        };
        // Of the likelihood, what is the same for all observations.
        let (student, constant) = if at.nu.is_finite() {
            (true, lgamma(0.5 * (at.nu + 1.0)) - lgamma(0.5 * at.nu) - 0.5 * log(PI * (at.nu - 2.0)))
        } else {
            (false, -0.5 * log(2.0 * PI))
        };
        let mut h = at.omega + (at.alpha + 0.5 * at.gamma + at.beta) * before;
        for r in self.returns {
            let e = r - at.mu;
            let square = e * e;
            let minus = if student {
                0.5 * log(h) + 0.5 * (at.nu + 1.0) * log1p(square / (h * (at.nu - 2.0))) - constant
            } else {
                0.5 * (log(h) + square / h) - constant
            };
            see(minus, h);
            let weight = if e < 0.0 { at.alpha + at.gamma } else { at.alpha };
            h = at.omega + weight * square + at.beta * h;
        }
        h
    }

    fn minus_log_likelihood(&self, at: &Parameters) -> f64 {
        let mut sum = 0.0;
        self.each(at, |minus, _| sum += minus);
        sum
    }
}

/// Fits a model.
///
/// # Errors
/// With fewer than 100 returns, one that is no number, or all the same.
pub fn fit(returns: &[f64], kind: Kind, start: Start) -> Result<Fit, Unfit> {
    numbers("returns", returns, LEAST)?;
    let (mean, variance) = moments(returns, 0)?;
    if variance <= 0.0 {
        return Err(Unfit::Still("returns"));
    }
    let data = Data { returns, start, before: before(returns, mean, start) };
    let free = Free { kind, mean, variance };
    let mut value = |x: &[f64]| data.minus_log_likelihood(&free.parameters(x));
    // The valley has side arms: of a few starts that differ in how long a shock lasts, the best is taken.
    let mut best: Option<crate::minimise::Minimum> = None;
    for persistence in [0.90, 0.98] {
        let (begin, steps) = free.begin(persistence);
        if let Some(found) = simplex(&begin, &steps, 1e-10, &mut value)
            && best.as_ref().is_none_or(|best| found.value < best.value)
        {
            best = Some(found);
        }
    }
    let best = best.ok_or(Unfit::NotFound("GARCH"))?;
    let parameters = free.parameters(&best.at);
    let mut variances = Vec::with_capacity(returns.len() + 1);
    let next = data.each(&parameters, |_, h| variances.push(h));
    variances.push(next);
    let (errors, robust_errors) = errors::standard_errors(&data, kind, &parameters);
    Ok(Fit { kind, start, parameters, log_likelihood: -best.value, errors, robust_errors, variances })
}

fn before(returns: &[f64], mean: f64, start: Start) -> f64 {
    let squares = returns.iter().map(|r| (r - mean) * (r - mean));
    match start {
        Start::MeanSquare | Start::MeanSquareError => squares.sum::<f64>() / returns.len() as f64,
        Start::Weighted => {
            let (mut weight, mut weights, mut sum) = (1.0, 0.0, 0.0);
            for square in squares.take(75) {
                sum += weight * square;
                weights += weight;
                weight *= 0.94;
            }
            sum / weights
        }
    }
}

/// Parameters as free numbers. Each border that an optimum may lie on (a persistence of one, no weight on errors, a weight on falls
/// or on rises alone) is reached at a finite place, and smoothly.
struct Free {
    kind: Kind,
    mean: f64,
    variance: f64,
}

impl Free {
    /// mu, ln omega, persistence, share of the errors in it, then leverage and degrees of freedom where the model has them.
    fn begin(&self, persistence: f64) -> (Vec<f64>, Vec<f64>) {
        let omega = (1.0 - persistence) * self.variance;
        let mut begin =
            vec![self.mean, log(omega), (1.0 / persistence - 1.0).sqrt(), libm::asin(0.1_f64.sqrt())];
        let mut steps = vec![0.05 * self.variance.sqrt(), 0.3, 0.05, 0.1];
        if self.kind.leverage {
            begin.push(-0.1);
            steps.push(0.2);
        }
        if self.kind.student {
            begin.push(log(4.0));
            steps.push(0.3);
        }
        (begin, steps)
    }

    fn parameters(&self, x: &[f64]) -> Parameters {
        let persistence = 1.0 / (1.0 + x[2] * x[2]);
        let share = sin(x[3]) * sin(x[3]);
        let errors = persistence * share;
        let tilt = if self.kind.leverage { sin(x[4]) } else { 0.0 };
        // Above 500 degrees of freedom a Student is a normal to all that data can tell.
        let nu = if self.kind.student { (2.0 + exp(x[x.len() - 1])).min(500.0) } else { f64::INFINITY };
        Parameters {
            mu: x[0],
            omega: exp(x[1]),
            alpha: errors * (1.0 + tilt),
            gamma: -2.0 * errors * tilt,
            beta: persistence * (1.0 - share),
            nu,
        }
    }
}
