//! Barrier options that may be exercised early, in a binomial tree: no closed form has them, and published tables do.
//!
//! Cox, Ross and Rubinstein 1979. So many steps are taken that a row of nodes lies just beyond the barrier (Boyle and Lau 1994, J. Derivatives
//! 1): without that the error falls as slowly as the root of the steps. Its limit is not reached at 400 steps: where a right is worth exercising
//! just short of the barrier, the tables that were made so are 1 to 10 % low.

use super::barrier::{Knock, Right, Setting, Side};
use crate::unfit::{Unfit, must, positive};
use libm::{exp, log, pow};

/// More steps than this are not taken.
const MOST_STEPS: u32 = 20_000;

/// An American option with a barrier and a rebate, from a tree of at least `steps` steps.
///
/// # Errors
/// As [`Setting::barrier_option`], with no or more than 20,000 steps, or when a step is so long that no probability fits it.
pub fn american(
    setting: &Setting,
    strike: f64,
    right: Right,
    (barrier, side, knock): (f64, Side, Knock),
    rebate: f64,
    steps: u32,
) -> Result<f64, Unfit> {
    setting.sound()?;
    positive("strike", strike)?;
    positive("barrier", barrier)?;
    must("rebate", rebate, true, "a finite number")?;
    must("steps", f64::from(steps), (1..=MOST_STEPS).contains(&steps), "1 to 20000")?;
    let steps = aligned(setting, barrier, steps);
    let step = setting.years / f64::from(steps);
    let move_up = setting.volatility * step.sqrt();
    let (up, down) = (exp(move_up), exp(-move_up));
    let chance = (exp((setting.rate - setting.dividend) * step) - down) / (up - down);
    must("steps", f64::from(steps), chance > 0.0 && chance < 1.0, "more: a step is too long for its drift")?;
    let discount = exp(-setting.rate * step);
    let price = |level: u32, node: usize| setting.spot * pow(up, 2.0 * node as f64 - f64::from(level));
    let met = |price: f64| match side {
        Side::Down => price <= barrier,
        Side::Up => price >= barrier,
    };
    let exercised = |price: f64| match right {
        Right::Call => price - strike,
        Right::Put => strike - price,
    };
    // The right alone, which is what begins at the barrier, and the option with its barrier.
    let ends = || (0..=steps as usize).map(|node| price(steps, node));
    let mut plain: Vec<f64> = ends().map(|price| exercised(price).max(0.0)).collect();
    let mut option: Vec<f64> = ends()
        .zip(&plain)
        .map(|(price, plain)| if met(price) == (knock == Knock::Out) { rebate } else { *plain })
        .collect();
    for level in (0..steps).rev() {
        for node in 0..=level as usize {
            let back =
                |values: &[f64]| discount * (chance * values[node + 1] + (1.0 - chance) * values[node]);
            let at = price(level, node);
            let (held, kept) = (back(&option), back(&plain).max(exercised(at)));
            plain[node] = kept;
            option[node] = match (met(at), knock) {
                (true, Knock::Out) => rebate,
                (true, Knock::In) => kept,
                (false, Knock::Out) => held.max(exercised(at)),
                (false, Knock::In) => held,
            };
        }
    }
    Ok(option[0])
}

/// The least number of steps above `steps` at which nodes lie just beyond the barrier; `steps` itself where there is none in reach.
fn aligned(setting: &Setting, barrier: f64, steps: u32) -> u32 {
    let distance = log(setting.spot / barrier);
    let scale = setting.volatility * setting.volatility * setting.years / (distance * distance);
    let rows = (1..steps).map(|row| (f64::from(row) * f64::from(row) * scale).floor());
    let found = rows.into_iter().find(|found| *found > f64::from(steps));
    found.filter(|found| *found <= f64::from(MOST_STEPS)).map_or(steps, |found| found as u32)
}
