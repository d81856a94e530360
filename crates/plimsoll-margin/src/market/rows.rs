//! The form: one exact row for each choice of weights that a sign decides.

use super::position::{Leg, Net, Position};
use super::standing::steps;
use super::{Asked, Market, ONE, power};
use alloc::vec;
use alloc::vec::Vec;
use plimsoll_core::{Compiled, Form, Int, Linear, NodeId, Refusal, U256, Valid};

/// An account with more rows than this is asked of the market each time.
pub const ROWS: usize = 16;

const BEYOND: Refusal = Refusal::Overflow("the form's coefficients");

/// A sum that is linear in nodes; `None` beyond 256 bits.
fn more(part: &mut Linear, node: Option<usize>, coefficient: Int) -> Option<()> {
    match node {
        _ if coefficient.is_zero() => {}
        None => part.constant = part.constant.add(coefficient)?,
        Some(node) => *part = core::mem::take(part).plus(NodeId(node as u32), coefficient)?,
    }
    Some(())
}

/// All of it times a factor that is not negative, added to another.
fn scaled(into: &mut Linear, part: &Linear, factor: Int) -> Option<()> {
    more(into, None, part.constant.mul(factor)?)?;
    part.terms
        .iter()
        .try_for_each(|&(node, coefficient)| more(into, Some(node.0 as usize), coefficient.mul(factor)?))
}

/// A perp as lines of its index, in the asset that it settles in with both weights left out.
struct Lines {
    /// Quote and base.
    kept: Linear,
    asked: Linear,
    /// Surcharges, each a positive part.
    hinges: Vec<Linear>,
    /// The weights that its profit or loss may have.
    weights: Vec<u32>,
}

impl Lines {
    fn of(market: &Market, leg: &Leg, asked: &Asked) -> Option<Lines> {
        let million = Int::from(u64::from(ONE));
        let quote = leg.quote.mul(market.unit_price())?.mul(million)?;
        let (mut kept, mut ask, mut hinges) = (Linear::default(), Linear::default(), Vec::new());
        if leg.is_closed() {
            let weight = if quote.is_negative() { ONE } else { asked.profit };
            let place = if quote.is_negative() { &mut ask } else { &mut kept };
            more(place, None, quote.magnitude().into())?;
            return Some(Lines { kept, asked: ask, hinges, weights: vec![weight] });
        }
        let node = Some(market.index_slot(leg.perp));
        more(&mut kept, None, quote)?;
        more(&mut kept, node, leg.base.mul(million)?)?;
        let first = asked.tiers.first().map_or(0, |tier| tier.rate);
        more(&mut ask, node, leg.size.mul(Int::from(u64::from(first)))?)?;
        for (slope, from) in steps(market, leg.perp, asked) {
            let mut hinge = Linear::default();
            more(&mut hinge, node, leg.size.mul(slope)?)?;
            more(&mut hinge, None, from.mul(slope)?.neg())?;
            hinges.push(hinge);
        }
        let weights = if asked.profit == ONE { vec![ONE] } else { vec![asked.profit, ONE] };
        Some(Lines { kept, asked: ask, hinges, weights })
    }
}

/// A choice: for an asset with perps its weight and one for each of them.
type Choice = Vec<(u32, Vec<u32>)>;

/// Every choice for one asset more; `None` beyond [`ROWS`].
fn choices(before: Vec<Choice>, weights: &[u32], perps: &[Lines]) -> Option<Vec<Choice>> {
    let mut own: Vec<(u32, Vec<u32>)> = weights.iter().map(|weight| (*weight, Vec::new())).collect();
    for lines in perps {
        let with = |(weight, chosen): &(u32, Vec<u32>), one: u32| {
            let mut chosen = chosen.clone();
            chosen.push(one);
            (*weight, chosen)
        };
        own = own.iter().flat_map(|row| lines.weights.iter().map(move |one| with(row, *one))).collect();
        if own.len() > ROWS {
            return None;
        }
    }
    if own.len() * before.len() > ROWS {
        return None;
    }
    let join = |choice: &Choice, one: &(u32, Vec<u32>)| {
        let mut choice = choice.clone();
        choice.push(one.clone());
        choice
    };
    Some(before.iter().flat_map(|choice| own.iter().map(move |one| join(choice, one))).collect())
}

/// The account as rows.
pub(super) fn compile(market: &Market, position: &Position, line: usize) -> Result<Compiled, Refusal> {
    if position.owes_nothing() {
        return Ok(Compiled::NoDebt);
    }
    let mut lines: Vec<(&Net, Vec<Lines>)> = Vec::new();
    let mut all: Vec<Choice> = vec![Vec::new()];
    for net in &position.assets {
        let legs = net.perps.iter().map(|leg| {
            let asked = &market.spec.perps[leg.perp].asked[line];
            Lines::of(market, leg, asked).ok_or(BEYOND)
        });
        let legs: Vec<Lines> = legs.collect::<Result<_, _>>()?;
        // A product of two prices.
        let moved = net.perps.iter().any(|leg| !leg.is_closed());
        if moved && market.asset_slots[net.asset].is_some() {
            return Ok(Compiled::Opaque);
        }
        let weights = market.spec.assets[net.asset].weights[line];
        let signs = match (legs.is_empty(), net.net.is_negative()) {
            (false, _) if weights.asset != weights.liability => vec![weights.asset, weights.liability],
            (true, true) => vec![weights.liability],
            _ => vec![weights.asset],
        };
        match choices(all, &signs, &legs) {
            Some(more) => all = more,
            None => return Ok(Compiled::Opaque),
        }
        lines.push((net, legs));
    }
    let (collateral, debt) = full(market, position).ok_or(BEYOND)?;
    let rows = all.iter().map(|choice| {
        let mut form = row(market, &lines, choice)?;
        form.collateral = collateral.clone();
        form.debt = debt.clone();
        Some(form)
    });
    Ok(Compiled::Rows(rows.collect::<Option<Vec<Form>>>().ok_or(BEYOND)?))
}

/// The row of one choice.
fn row(market: &Market, lines: &[(&Net, Vec<Lines>)], choice: &Choice) -> Option<Form> {
    let valid = Valid { boxes: Vec::new(), epoch: market.epoch };
    let mut form = Form { scale: U256::ONE, valid, ..Form::default() };
    let whole = market.unit_price().mul(power(12))?;
    for ((net, legs), (weight, weights)) in lines.iter().zip(choice) {
        let (slot, weight) = (market.asset_slots[net.asset], Int::from(u64::from(*weight)));
        let factor = weight.mul(whole)?;
        // The price is a node, or one.
        let one = if slot.is_none() { market.unit_price() } else { Int::ONE };
        let amount = net.net.mul(factor)?.mul(one)?;
        let place = if amount.is_negative() { &mut form.requirement } else { &mut form.backing };
        more(place, slot, amount.magnitude().into())?;
        let cap = market.spec.assets[net.asset].cap;
        if cap != U256::ZERO && !net.net.is_negative() {
            let mut hinge = Linear::default();
            more(&mut hinge, slot, amount)?;
            more(&mut hinge, None, Int::from(cap).mul(power(market.finest()))?.mul(factor)?.neg())?;
            form.hinges.push(hinge);
        }
        for (lines, of) in legs.iter().zip(weights) {
            let factor = weight.mul(Int::from(u64::from(*of)))?.mul(market.unit_price())?;
            let through = |into: &mut Linear, part: &Linear| match slot {
                None => scaled(into, part, factor),
                // Only what no index moves is a line where the asset has a price.
                Some(_) => {
                    let factor = weight.mul(Int::from(u64::from(*of)))?;
                    more(into, slot, part.constant.mul(factor)?)
                }
            };
            through(&mut form.backing, &lines.kept)?;
            through(&mut form.requirement, &lines.asked)?;
            for part in &lines.hinges {
                let mut hinge = Linear::default();
                through(&mut hinge, part)?;
                form.hinges.push(hinge);
            }
        }
    }
    Some(form)
}

/// Collateral and debt at full value.
fn full(market: &Market, position: &Position) -> Option<(Linear, Linear)> {
    let (mut collateral, mut debt) = (Linear::default(), Linear::default());
    let mut add = |slot: Option<usize>, amount: Int| {
        let place = if amount.is_negative() { &mut debt } else { &mut collateral };
        more(place, slot, amount.magnitude().into())
    };
    let (fine, one) = (power(18), market.unit_price());
    for net in &position.assets {
        let slot = market.asset_slots[net.asset];
        let price = if slot.is_none() { one } else { Int::ONE };
        let factor = fine.mul(one)?.mul(price)?;
        add(slot, net.net.mul(factor)?)?;
        for leg in &net.perps {
            add(slot, leg.quote.mul(factor)?)?;
            add(Some(market.index_slot(leg.perp)), leg.base.mul(fine)?.mul(one)?)?;
        }
    }
    Some((collateral, debt))
}
