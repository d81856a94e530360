//! Questions that take many simulations: what one number does, and how much worse it must get until too much is lost.

#![allow(clippy::float_arithmetic)] // how much worse a way is made

use super::{Simulation, in_dollars, misasked, no};
use crate::ask::Misasked;
use plimsoll_core::{Decimal, Int, Rounding, U256};
use plimsoll_sim::many;
use plimsoll_sim::outcome::{Distribution, Outcome};
use plimsoll_sim::plan::{ONE, Plan};
use plimsoll_sim::prices::{Paths, Tick};

/// What is made larger until too much is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reverse {
    /// The crash's own way: so many times as far, in logarithms. What is drawn on top stays.
    Fall,
    /// The book beside the depth of markets: the same curves and pools are so many times smaller, and what is lost so many times more.
    Book,
}

/// One of several plans, and what came of it.
#[derive(Clone, Debug)]
pub struct Swept {
    /// The value of the number, or the multiple.
    pub value: Decimal,
    /// Bad debt of all markets, in dollars as at the start \[1e18\].
    pub bad_debt: Distribution,
    /// What keepers were left with, likewise.
    pub profit: Distribution,
    /// How many accounts fell, a run, in the mean, rounded down.
    pub fell: u64,
}

/// Multiples that are tried: eighths up to four.
const EIGHTHS: u64 = 32;
/// The first that is too much is then halved so many times between its neighbours.
const HALVINGS: u32 = 5;

/// A number that can be swept, by name.
pub const SWEPT: [&str; 9] =
    ["delay", "deviation", "heartbeat", "spills", "withdraws", "half_life", "gas", "awake", "liquidity"];

/// Bad debt or profit of one run in dollars.
fn dollars(plan: &Plan, outcome: &Outcome, of: fn(&plimsoll_sim::outcome::Sums) -> Int) -> Int {
    let sums = outcome.sums.iter().filter_map(|(currency, sums)| in_dollars(plan, currency, of(sums)));
    sums.fold(Int::ZERO, |sum, it| sum.add(it).unwrap_or(sum))
}

fn swept(
    simulation: &Simulation,
    plan: &Plan,
    value: Decimal,
    runs: u64,
    threads: usize,
) -> Result<Swept, Misasked> {
    let outcomes =
        many::play(&simulation.book, plan, runs, threads, &|_| ()).map_err(|why| misasked(&why))?;
    let of = |of: fn(&plimsoll_sim::outcome::Sums) -> Int| {
        let sample = outcomes.iter().map(|outcome| dollars(plan, outcome, of)).collect();
        Distribution::of(sample).ok_or_else(|| no("no runs", "one run or more"))
    };
    let fell = outcomes.iter().map(|outcome| outcome.fell).sum::<u64>() / runs.max(1);
    Ok(Swept { value, bad_debt: of(|sums| sums.bad_debt)?, profit: of(|sums| sums.profit)?, fell })
}

/// The same crash with one number at each of these values, on the same paths.
///
/// # Errors
/// When there is no such number, or it cannot be this.
pub fn sweep(
    simulation: &Simulation,
    name: &str,
    values: &[Decimal],
    runs: u64,
    threads: usize,
) -> Result<Vec<Swept>, Misasked> {
    values
        .iter()
        .map(|value| {
            let mut plan = simulation.plan.clone();
            set(&mut plan, name, *value)?;
            swept(simulation, &plan, *value, runs, threads)
        })
        .collect()
}

fn set(plan: &mut Plan, name: &str, value: Decimal) -> Result<(), Misasked> {
    let wrong = || no(format!("{name}={value}"), "a number that it can be");
    let whole = || value.trimmed().scaled_amount(0).ok().and_then(U256::to_u64).ok_or_else(wrong);
    let part = || super::bps(value);
    let oracles = plan.leaves.iter_mut().filter_map(|leaf| leaf.oracle.as_mut());
    match name {
        "delay" => set_all(oracles, whole()?, |oracle, to| oracle.delay = to),
        "heartbeat" => set_all(oracles, whole()?, |oracle, to| oracle.heartbeat = to),
        "deviation" => set_all(oracles, part()?, |oracle, to| oracle.deviation = to),
        "spills" => set_all(plan.curves.iter_mut(), part()?.min(10_000), |curve, to| curve.spills = to),
        "withdraws" => set_all(plan.curves.iter_mut(), part()?, |curve, to| curve.withdraws = to),
        "half_life" => set_all(plan.curves.iter_mut(), whole()?, |curve, to| curve.half_life = to),
        "awake" => set_all(plan.keepers.iter_mut(), part()?.min(10_000), |keeper, to| keeper.awake = to),
        "gas" => plan.gas.calm = super::raw(value)?,
        "liquidity" => {
            let part = super::raw(value)?;
            if part == U256::ZERO {
                return Err(wrong());
            }
            shrink(plan, part).ok_or_else(wrong)?;
        }
        _ => {
            let known = SWEPT.iter().map(|name| (*name).to_string()).collect();
            return Err(Misasked::NoSuch { what: "number to sweep".into(), found: name.into(), known });
        }
    }
    Ok(())
}

fn set_all<'a, T: 'a>(all: impl Iterator<Item = &'a mut T>, to: u64, set: fn(&mut T, u64)) {
    all.for_each(|it| set(it, to));
}

/// Curves and pools with so much of their size.
fn shrink(plan: &mut Plan, part: U256) -> Option<()> {
    let less = |of: &mut U256| {
        *of = of.mul_div_wide(part, ONE, Rounding::Down)?;
        Some(())
    };
    for curve in &mut plan.curves {
        for [sold, brings] in &mut curve.points {
            less(sold)?;
            less(brings)?;
        }
    }
    for amm in &mut plan.pools {
        amm.pool.reserves.iter_mut().try_for_each(less)?;
    }
    Some(())
}

/// The smallest multiple, of eighths and what lies between the first that is too much and the one before, at which the 95th part of a hundred of
/// runs loses more than `most` \[1e18 dollars\]; `None` where four times are not enough. Every try stands beside it: what is lost need
/// not grow with the multiple, so that between two eighths before it more may be lost than either shows.
///
/// # Errors
/// Where one of them cannot be played.
pub fn reverse(
    simulation: &Simulation,
    what: Reverse,
    most: Int,
    runs: u64,
    threads: usize,
) -> Result<(Option<Decimal>, Vec<Swept>), Misasked> {
    let mut tries = Vec::new();
    let mut too_much = |multiple: Decimal| -> Result<bool, Misasked> {
        let found = try_at(simulation, what, multiple, runs, threads)?;
        let much = found.bad_debt.quantiles[1].value > most;
        tries.push(found);
        Ok(much)
    };
    let eighth = |eighths: u64| Decimal { mantissa: Int::from(eighths * 125), decimals: 3 };
    let mut first = None;
    for eighths in 1..=EIGHTHS {
        if too_much(eighth(eighths))? {
            first = Some(eighths);
            break;
        }
    }
    let Some(first) = first else { return Ok((None, tries)) };
    // In 1/4000: an eighth is 500 of them.
    let (mut low, mut high) = ((first - 1) * 500, first * 500);
    for _ in 0..HALVINGS {
        let middle = low.midpoint(high);
        let multiple = Decimal { mantissa: Int::from(middle * 25), decimals: 5 };
        if middle == low || middle == 0 {
            break;
        }
        if too_much(multiple)? { high = middle } else { low = middle }
    }
    tries.sort_by_key(|tried| tried.value.scaled(18).unwrap_or(Int::ZERO));
    Ok((Some(Decimal { mantissa: Int::from(high * 25), decimals: 5 }.trimmed()), tries))
}

fn try_at(
    simulation: &Simulation,
    what: Reverse,
    multiple: Decimal,
    runs: u64,
    threads: usize,
) -> Result<Swept, Misasked> {
    let mut plan = simulation.plan.clone();
    let times = super::float(multiple);
    let further = |ticks: &mut Vec<Tick>| {
        ticks.iter_mut().flat_map(|tick| &mut tick.logs).for_each(|log| *log *= times);
    };
    match what {
        Reverse::Fall => match &mut plan.paths {
            Paths::Given(ticks) => further(ticks),
            Paths::Drawn(drawn) => further(&mut drawn.way),
        },
        Reverse::Book => {
            let raw = super::raw(multiple)?;
            let part = ONE
                .mul_div_wide(ONE, raw, Rounding::Down)
                .ok_or_else(|| no("a book of nothing", "a multiple above 0"))?;
            shrink(&mut plan, part).ok_or_else(|| no("a multiple beyond 256 bits", "one that fits"))?;
        }
    }
    let mut found = swept(simulation, &plan, multiple, runs, threads)?;
    if what == Reverse::Book {
        for of in [&mut found.bad_debt, &mut found.profit] {
            scale(of, super::raw(multiple)?);
        }
    }
    Ok(found)
}

/// Every figure of a distribution so many times \[1e18\], cut; what does not fit stays.
fn scale(of: &mut Distribution, times: U256) {
    let scaled = |it: Int| {
        let whole = it.magnitude().mul_div_wide(times, ONE, Rounding::Down);
        whole.map_or(it, |whole| Int::from_parts(it.is_negative(), whole))
    };
    of.mean = of.mean.map(scaled);
    of.ends = of.ends.map(scaled);
    for quantile in &mut of.quantiles {
        quantile.value = scaled(quantile.value);
        quantile.low = quantile.low.map(scaled);
        quantile.high = quantile.high.map(scaled);
    }
}
