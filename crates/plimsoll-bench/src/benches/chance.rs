//! Chances by drawn paths, of one account and of a whole book, and correlations as returns come in.
//!
//! **Data.** Made up and seeded: prices that are correlated, lognormal and expected to stand still, in daily steps; variance reduction is
//! off. [`account`], [`book`] and [`correlation`] say of what.
//!
//! **Baselines.** NumPy, with one thread in a process of its own (`peers/paths` has the script and the pinned package), on the same work, its
//! own random numbers drawn within its time; then a plain loop in this process, one path (or one window) at a time, on the very same random
//! numbers. Where Python or the package cannot be had, its line says `not run`, has no figure and agrees with nothing. The quick form leaves
//! it out. `goal` is a figure and not a program.
//!
//! **What agrees.** With the plain loop every count, or every correlation to 1e-9; with NumPy, which draws others, the estimates, within 4.5
//! of their standard errors.

mod account;
mod book;
mod correlation;

use crate::line::{Better, Line, isa};
use crate::measure::{Timing, sum_up};
use crate::peers::PythonPeer;
use crate::registry::{Context, Scale};
use plimsoll_kernel::Path;
use plimsoll_risk::Matrix;
use plimsoll_risk::paths::Gaussian;
use serde_json::Value;

pub(crate) use account::{NAME as ACCOUNT, run as run_account};
pub(crate) use book::{NAME as BOOK, run as run_book};
pub(crate) use correlation::{NAME as CORRELATION, run as run_correlation};

const PEER: PythonPeer = PythonPeer {
    name: "NumPy",
    folder: "paths",
    requirements: include_str!("../../peers/paths/requirements.txt"),
    script: include_str!("../../peers/paths/peer.py"),
};

/// A day in years.
const DAY: f64 = 1.0 / 365.0;

/// Prices of these volatilities (a year), each two of them as correlated, in daily steps.
struct Prices {
    /// The root of the covariance, row by row, and what the logarithms drift by.
    factor: Vec<Vec<f64>>,
    drifts: Vec<f64>,
    model: Gaussian,
}

impl Prices {
    fn new(volatilities: &[f64], correlation: f64) -> Result<Prices, String> {
        let count = volatilities.len();
        let mut covariance = Matrix::zero(count);
        for i in 0..count {
            for j in 0..=i {
                let rho = if i == j { 1.0 } else { correlation };
                covariance.set_both(i, j, rho * volatilities[i] * volatilities[j] * DAY);
            }
        }
        let mut factor: Vec<Vec<f64>> = vec![vec![0.0; count]; count];
        for i in 0..count {
            for j in 0..=i {
                let known: f64 = (0..j).map(|k| factor[i][k] * factor[j][k]).sum();
                let rest = covariance.at(i, j) - known;
                factor[i][j] = if i == j { rest.sqrt() } else { rest / factor[j][j] };
            }
        }
        let drifts = volatilities.iter().map(|sigma| -0.5 * sigma * sigma * DAY).collect();
        let model = Gaussian::new(covariance, &vec![0.0; count]).map_err(|unfit| unfit.to_string())?;
        Ok(Prices { factor, drifts, model })
    }
}

/// NumPy's answer; `None` where it takes no part or cannot be had, which is told.
fn ask(context: &Context, input: &Value, arrays: &[(&str, Vec<u8>)]) -> Option<Value> {
    if !context.child_peers || context.scale == Scale::Quick {
        return None;
    }
    PEER.run(input, arrays).map_err(|trouble| eprintln!("plimsoll-bench: {trouble}")).ok()
}

/// Its passes (ns).
fn passes(answer: &Value) -> Timing {
    sum_up(&numbers(&answer["passes"]))
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().map_or(&[][..], Vec::as_slice).iter().filter_map(Value::as_f64).collect()
}

/// What it calls itself.
fn name(answer: Option<&Value>) -> String {
    let version = answer.and_then(|answer| answer["version"].as_str());
    version.map_or("NumPy, not run".into(), |version| format!("NumPy {version}"))
}

fn bytes(numbers: &[f64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// Our timing beside a baseline's figure, in this unit.
struct Figure {
    bench: &'static str,
    case: String,
    ours: Timing,
    unit: &'static str,
    n: u64,
    seed: u64,
}

impl Figure {
    fn beside(&self, baseline: &str, value: f64, [agreed, checked]: [u64; 2], sample: u64) -> Line {
        Line {
            bench: self.bench,
            case: self.case.clone(),
            value: self.ours.median,
            unit: self.unit,
            better: Better::Lower,
            baseline: baseline.into(),
            baseline_value: value,
            agreed,
            checked,
            runs: self.ours.runs,
            spread: self.ours.spread,
            threads: 1,
            isa: format!("{} run as {}", isa(), Path::best().name()),
            n: self.n,
            sample,
            seed: self.seed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_ones_are_measured_and_agree() {
        let context = Context { scale: Scale::Quick, seed: 3, child_peers: false, data: None };
        for run in [run_account, run_book, run_correlation] {
            let mut lines = Vec::new();
            run(&context, &mut |line| lines.push(line)).expect("measured");
            assert_eq!(lines.len(), 3);
            assert!(!lines[0].agrees() && lines[0].json().contains("NumPy, not run"));
            for line in &lines[1..] {
                assert!(line.agrees(), "{}", line.json());
            }
        }
    }
}
