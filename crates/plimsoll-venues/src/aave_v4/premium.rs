//! What the risk of an account's own collateral costs it, and which swap of a collateral would make that less.

use super::position::{AccountData, Leg, Position, User, Versions, value};
use super::{FINE_VALUE, FROZEN, Market, PAUSED, VALUE, receipt};
use alloc::vec::Vec;
use plimsoll_core::Rounding::{Down, Up};
use plimsoll_core::{Arithmetic, BPS, Premium, RAY, Refusal, Silent, Swap, U256, Unit};

/// So many swaps are told.
const TOLD: usize = 3;

/// [`plimsoll_core::Quoted::premium`]; `None` for an account that owes nothing. A swap moves all of one collateral, at equal
/// value and under the newest versions, to another reserve of the spoke, and must leave a health of one.
pub(super) fn premium(market: &Market, legs: &[Leg], user: &User) -> Result<Option<Premium>, Refusal> {
    let t = &mut Silent;
    let data = AccountData::of(t, market, legs, user, Versions::Own)?;
    if !data.owes {
        return Ok(None);
    }
    let next = data.risk_premium(t)?;
    let at = |risk: U256| yearly(market, legs, user, |position| position.drawn.mul_div(risk, BPS, Up));
    let cost = yearly(market, legs, user, |position| Some(position.premium_shares))?;
    let cost_next = at(next)?;
    let newest = AccountData::of(t, market, legs, user, Versions::Newest)?;
    let requirement = newest.requirement(t)?;
    let mut swaps = Vec::new();
    for (from, position) in user.positions.iter().enumerate() {
        let old = market.configuration(from, market.reserves[from].newest)?.collateral_factor;
        if !position.counts || position.supplied == U256::ZERO {
            continue;
        }
        let amount = legs[from].pot.assets_of(t, position.supplied, Down)?;
        let moved = value(t, "value", amount, legs[from].price(from)?, market.decimals(from), VALUE)?;
        for (to, reserve) in market.reserves.iter().enumerate() {
            let new = market.configuration(to, reserve.newest)?.collateral_factor;
            let other = reserve.spoke == market.reserves[from].spoke && to != from && new != 0;
            if !other || reserve.is(PAUSED) || reserve.is(FROZEN) {
                continue;
            }
            let swapped = newest.swapped(
                moved,
                [(market.reserves[from].collateral_risk, old), (reserve.collateral_risk, new)],
            );
            let Some(swapped) = swapped.filter(|data| data.weighted >= requirement) else { continue };
            let premium = swapped.risk_premium(t)?;
            let cost = at(premium)?;
            if premium < next && cost < cost_next {
                swaps.push(Swap { from: receipt(from), to: receipt(to), premium, cost });
            }
        }
    }
    swaps.sort_by_key(|swap| swap.cost);
    swaps.truncate(TOLD);
    let paid = U256::from(u64::from(user.risk_premium));
    Ok(Some(Premium { paid, next, cost, cost_next, unit: FINE_VALUE, swaps }))
}

/// What premium shares of all debts owe more in a year at the rates that stand, each raised.
fn yearly(
    market: &Market,
    legs: &[Leg],
    user: &User,
    shares: impl Fn(&Position) -> Option<U256>,
) -> Result<U256, Refusal> {
    let (t, beyond) = (&mut Silent, Refusal::Overflow("premium a year"));
    let mut sum = U256::ZERO;
    for (place, position) in user.positions.iter().enumerate() {
        let shares = shares(position).ok_or(beyond)?;
        if shares == U256::ZERO {
            continue;
        }
        let (leg, rate) = (&legs[place], market.assets[market.reserves[place].asset].state.drawn_rate);
        let grown =
            shares.mul_div(leg.index, RAY, Up).and_then(|owed| owed.mul_div(rate, RAY, Up)).ok_or(beyond)?;
        let worth = value(t, "value", grown, leg.price(place)?, market.decimals(place), VALUE)?;
        let worth = t.mul("value x 1e4", worth, BPS.value(), Unit::NUMBER)?;
        sum = sum.add(worth).ok_or(beyond)?;
    }
    Ok(sum)
}
