//! Somebody looks only now and then: a keeper, or an oracle that writes a price once an hour. Exact, by quadrature.
//!
//! Between two looks the logarithm moves by a normal. The density of those never yet seen below the line is carried from look to look by
//! Gauss-Legendre quadrature on panels of equal width, in units of one look's standard deviation; what falls below at each look is added
//! up, so that small chances keep their digits.

use super::diffusion::Diffusion;
use crate::special::{normal, normal_density};
use crate::unfit::{Unfit, must, positive};
use libm::log;
use std::f64::consts::PI;

/// Nodes of a panel.
const NODES: usize = 12;
/// Its width, in standard deviations of one step.
const WIDTH: f64 = 2.0;
/// Beyond so many standard deviations a normal has less than 1e-18.
const FAR: f64 = 9.0;
/// More panels than this are not computed: 50,000 looks at a distant line.
const MOST_PANELS: usize = 2_000;

/// The chance that one of `looks` looks at equal distances within `years` finds the value at or below `line` (a share of today's value;
/// today is no look). 1e-9 and better.
///
/// # Errors
/// As [`Diffusion::falls_to`], or with no look, no volatility, or more looks than panels can be laid for.
pub fn falls_to(process: &Diffusion, line: f64, years: f64, looks: u32) -> Result<f64, Unfit> {
    positive("line", line)?;
    positive("years", years)?;
    positive("looks", f64::from(looks))?;
    positive("volatility", process.volatility)?;
    must("drift", process.log_drift, true, "a finite number")?;
    let step = years / f64::from(looks);
    let deviation = process.volatility * step.sqrt();
    // The line is at 0, the value at `start`, and a look moves it by `drift` and a standard normal.
    let start = -log(line) / deviation;
    let drift = process.log_drift * step / deviation;
    let count = f64::from(looks);
    let reach = start.max(0.0) + drift.max(0.0) * count + FAR * count.sqrt();
    let panels = (reach / WIDTH).ceil().max(1.0);
    must("looks", count, panels <= MOST_PANELS as f64, "fewer: the value may go too far in so many")?;
    Ok(carried(start, drift, looks, panels as usize))
}

fn carried(start: f64, drift: f64, looks: u32, panels: usize) -> f64 {
    let rule = legendre();
    let nodes: Vec<f64> =
        (0..panels).flat_map(|panel| rule.map(|(x, _)| WIDTH * (panel as f64 + 0.5 + 0.5 * x))).collect();
    let weights: Vec<f64> = rule.iter().map(|(_, weight)| 0.5 * WIDTH * weight).collect();
    let falls: Vec<f64> = nodes.iter().map(|x| normal(-(x + drift))).collect();
    let moves = Moves::new(&rule, drift);
    let mut density: Vec<f64> = nodes.iter().map(|x| normal_density(x - start - drift)).collect();
    let mut fallen = normal(-(start + drift));
    for _ in 1..looks {
        for (value, weight) in density.iter_mut().zip(weights.iter().cycle()) {
            *value *= weight;
        }
        fallen += density.iter().zip(&falls).map(|(mass, falls)| mass * falls).sum::<f64>();
        density = moves.apply(&density);
    }
    fallen.min(1.0)
}

/// Transition densities between nodes: they hang only on how many panels apart two nodes are, and on the nodes' places in them.
struct Moves {
    /// The least difference (to less from) that matters.
    least: isize,
    /// One block a difference, `NODES` by `NODES`, by rows of the node that is gone to.
    blocks: Vec<[[f64; NODES]; NODES]>,
}

impl Moves {
    fn new(rule: &[(f64, f64); NODES], drift: f64) -> Moves {
        let least = ((drift - FAR) / WIDTH).floor() as isize - 1;
        let most = ((drift + FAR) / WIDTH).ceil() as isize + 1;
        let block = |apart: isize| {
            let mut block = [[0.0; NODES]; NODES];
            for (row, (to, _)) in block.iter_mut().zip(rule) {
                for (cell, (from, _)) in row.iter_mut().zip(rule) {
                    *cell = normal_density(WIDTH * (apart as f64 + 0.5 * (to - from)) - drift);
                }
            }
            block
        };
        Moves { least, blocks: (least..=most).map(block).collect() }
    }

    fn apply(&self, mass: &[f64]) -> Vec<f64> {
        let panels = mass.len() / NODES;
        let mut density = vec![0.0; mass.len()];
        for (panel, to) in density.chunks_exact_mut(NODES).enumerate() {
            for (block, apart) in self.blocks.iter().zip(self.least..) {
                let Some(from) = panel.checked_add_signed(-apart).filter(|from| *from < panels) else {
                    continue;
                };
                let from = &mass[from * NODES..(from + 1) * NODES];
                for (value, row) in to.iter_mut().zip(block) {
                    *value += row.iter().zip(from).map(|(a, b)| a * b).sum::<f64>();
                }
            }
        }
        density
    }
}

/// Nodes and weights of Gauss and Legendre on -1 to 1, by Newton on the polynomial.
fn legendre() -> [(f64, f64); NODES] {
    let n = NODES as f64;
    std::array::from_fn(|i| {
        let mut x = -libm::cos(PI * (i as f64 + 0.75) / (n + 0.5));
        let mut slope = 1.0;
        for _ in 0..100 {
            let (mut before, mut value) = (1.0, x);
            for k in 2..=NODES {
                let k = k as f64;
                (before, value) = (value, ((2.0 * k - 1.0) * x * value - (k - 1.0) * before) / k);
            }
            slope = n * (x * value - before) / (x * x - 1.0);
            let step = value / slope;
            x -= step;
            if step.abs() < 1e-16 {
                break;
            }
        }
        (x, 2.0 / ((1.0 - x * x) * slope * slope))
    })
}
