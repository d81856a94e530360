//! What to close: of positions and combos, those whose closing restores a target at the least cost, hedges kept.
//!
//! An account is given as parts: a position that hedges nothing, or a combo whose legs hedge one another and are closed together, so many of each ([`whole`]).
//! Requirement adds up over parts, and closing one lot of a part frees `freed` of it and costs `cost` (fee, and what is lost against the price of valuation), so that
//! headroom rises by freed - cost. A part that does not gain is never closed: no leg of a hedge alone whose closing would raise what the rest asks. What is
//! closed therefore leaves a lower requirement, and an account that is back above its line: it is allowed ([`crate::liquidation::may_be_done`]).
//!
//! # Least cost
//! To cover what is missing with lots that gain g at a cost of c each, in whole lots, is a knapsack. It is searched in the order of c / g (compared as cross products, equals
//! by place), as many lots as are needed first. What the rest must cost at least is known from whole and broken lots in the same order; where that is no less
//! than the best so far, nothing below is looked at. With one lot fewer of the earlier part more must be covered by later, dearer ones, so fewer still cannot
//! be better either. The first of equal cost is kept, and lots without which the target is reached as well are left out of it, last parts first.
//!
//! The search takes [`STEPS`] steps at most. Where it is not through by then, what it has found restores the target, but may not be the cheapest, and says so.

use crate::fixed::mul_div;
use alloc::vec;
use alloc::vec::Vec;
use plimsoll_core::{Int, Rounding};

/// After how many steps a search is given up.
pub const STEPS: u32 = 1_000_000;

/// What may be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// How many lots or combos there are, not negative.
    pub lots: i128,
    /// What closing one frees of the requirement; below zero where the rest would ask more.
    pub freed: i128,
    /// What closing one costs, not negative.
    pub cost: i128,
}

/// What is to be closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// How many of each part.
    pub lots: Vec<i128>,
    /// What it costs.
    pub cost: i128,
    /// By how much headroom rises: at least what was missing.
    pub gained: i128,
    /// Whether nothing cheaper restores the target, or the search was given up before that was known.
    pub is_least: bool,
}

/// The cheapest way to raise headroom by what is `missing`. `None` where closing everything does not reach it, for a part that cannot be and where a number does not fit.
#[must_use]
pub fn choose(parts: &[Part], missing: i128) -> Option<Choice> {
    if parts.iter().any(|part| part.lots < 0 || part.cost < 0) {
        return None;
    }
    let mut offers = Vec::new();
    let (mut whole, mut dearest) = (0_i128, 0_i128);
    for (place, part) in parts.iter().enumerate() {
        let gain = part.freed.checked_sub(part.cost)?;
        if gain > 0 && part.lots > 0 {
            whole = whole.checked_add(gain.checked_mul(part.lots)?)?;
            dearest = dearest.checked_add(part.cost.checked_mul(part.lots)?)?;
            offers.push(Offer { place, gain, cost: part.cost, lots: part.lots });
        }
    }
    let mut choice = Choice { lots: vec![0; parts.len()], cost: 0, gained: 0, is_least: true };
    if missing <= 0 {
        return Some(choice);
    }
    if whole < missing {
        return None;
    }
    offers.sort_by(|one, other| {
        let mine = Int::new(one.cost).mul_wide(Int::new(other.gain));
        let others = Int::new(other.cost).mul_wide(Int::new(one.gain));
        mine.cmp(&others).then(one.place.cmp(&other.place))
    });
    let mut search = Search { offers: &offers, taken: vec![0; offers.len()], best: None, steps: STEPS };
    search.from(0, missing, 0)?;
    let is_least = search.steps > 0;
    let (cost, mut taken) = search.best?;
    let gained =
        |taken: &[i128]| -> i128 { taken.iter().zip(&offers).map(|(lots, offer)| lots * offer.gain).sum() };
    for place in (0..offers.len()).rev() {
        let spare = (gained(&taken) - missing) / offers[place].gain;
        if offers[place].cost == 0 {
            taken[place] -= spare.min(taken[place]);
        }
    }
    choice.gained = gained(&taken);
    for (offer, lots) in offers.iter().zip(&taken) {
        choice.lots[offer.place] = *lots;
    }
    Some(Choice { cost, is_least, ..choice })
}

/// How many whole combos legs are: of each leg what is held and what one combo has of it, with their signs. What is left over is a part of its own.
#[must_use]
pub fn whole(legs: &[(i128, i128)]) -> Option<i128> {
    let one = |(held, each): &(i128, i128)| {
        let same = held.signum() == each.signum() && *each != 0;
        if same { held.checked_div(*each) } else { Some(0) }
    };
    legs.iter().map(one).reduce(|least, lots| Some(least?.min(lots?)))?
}

/// A part that gains.
struct Offer {
    place: usize,
    gain: i128,
    cost: i128,
    lots: i128,
}

struct Search<'a> {
    /// The cheapest for its gain first.
    offers: &'a [Offer],
    taken: Vec<i128>,
    /// The least cost so far, and of what.
    best: Option<(i128, Vec<i128>)>,
    /// Steps that are left.
    steps: u32,
}

impl Search<'_> {
    /// Looks at every choice from this offer on that may be better; `None` where a number does not fit.
    fn from(&mut self, place: usize, missing: i128, spent: i128) -> Option<()> {
        let Some(offer) = self.offers.get(place) else { return Some(()) };
        let enough = mul_div(missing, 1, offer.gain, Rounding::Up)?;
        let mut lots = enough.min(offer.lots);
        while lots >= 0 && self.steps > 0 {
            self.steps -= 1;
            let (left, spent) = (missing - lots * offer.gain, spent + lots * offer.cost);
            self.taken[place] = lots;
            let least = self.least(place + 1, left)?;
            if least.is_some_and(|least| self.best.as_ref().is_none_or(|(best, _)| spent + least < *best)) {
                if left <= 0 {
                    self.best = Some((spent, self.taken.clone()));
                } else {
                    self.from(place + 1, left, spent)?;
                }
            } else if lots < enough {
                break; // fewer cannot be better
            }
            lots -= 1;
        }
        self.taken[place] = 0;
        Some(())
    }

    /// What covering so much costs at least with the offers from here on, broken lots allowed; `None` inside where they do not reach.
    fn least(&self, place: usize, mut missing: i128) -> Option<Option<i128>> {
        let mut cost = 0_i128;
        for offer in &self.offers[place..] {
            if missing <= 0 {
                break;
            }
            let whole = offer.gain * offer.lots;
            if whole >= missing {
                return Some(Some(cost.checked_add(mul_div(
                    missing,
                    offer.cost,
                    offer.gain,
                    Rounding::Up,
                )?)?));
            }
            (missing, cost) = (missing - whole, cost.checked_add(offer.cost * offer.lots)?);
        }
        Some((missing <= 0).then_some(cost))
    }
}
