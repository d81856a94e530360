//! What the risk of an account's own collateral costs it, and which swap of a collateral would make that less.

use super::position::{AccountData, Leg, Position, User, Versions, value};
use super::{FINE_VALUE, Market, RISK_PREMIUM, VALUE, receipt};
use alloc::vec::Vec;
use plimsoll_core::Rounding::{Down, Up};
use plimsoll_core::{
    Account, Action, Amount, Arithmetic, BPS, Call, Feeds, Market as _, Premium, RAY, Reading, Refusal,
    Silent, Swap, Time, U256, Unit,
};

/// So many swaps are told.
const TOLD: usize = 3;

/// [`plimsoll_core::Quoted::premium`]; `None` for an account that owes nothing. A swap moves all of one collateral, at equal
/// value, to another reserve of the spoke. It is compared with what the account would pay under the newest versions, which it puts in
/// force, and is told where the spoke takes all of its calls.
pub(super) fn premium(
    market: &Market,
    legs: &[Leg],
    account: &Account,
    at: Time,
) -> Result<Option<Premium>, Refusal> {
    let (user, t) = (&User::of(market, account)?, &mut Silent);
    let data = AccountData::of(t, market, legs, user, Versions::Own)?;
    if !data.owes {
        return Ok(None);
    }
    let next = data.risk_premium(t)?;
    let a_year = |risk: U256| yearly(market, legs, user, |position| position.drawn.mul_div(risk, BPS, Up));
    let cost = yearly(market, legs, user, |position| Some(position.premium_shares))?;
    let cost_next = a_year(next)?;
    let newest = AccountData::of(t, market, legs, user, Versions::Newest)?;
    let (requirement, stays) = (newest.requirement(t)?, newest.risk_premium(t)?);
    let cost_newest = a_year(stays)?;
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
            if reserve.spoke != market.reserves[from].spoke || to == from || new == 0 {
                continue;
            }
            // What is held in the target with the switch off counts from then on, too.
            let held = &user.positions[to];
            let idle = match held.counts || held.supplied == U256::ZERO {
                true => U256::ZERO,
                false => {
                    let idle = legs[to].pot.assets_of(t, held.supplied, Down)?;
                    value(t, "value", idle, legs[to].price(to)?, market.decimals(to), VALUE)?
                }
            };
            let swapped = newest.swapped(
                moved,
                idle,
                [(market.reserves[from].collateral_risk, old), (reserve.collateral_risk, new)],
            );
            let Some(swapped) = swapped.filter(|data| data.weighted >= requirement) else { continue };
            let premium = swapped.risk_premium(t)?;
            let cost = a_year(premium)?;
            let saves = cost_newest.sub_or_zero(cost);
            if premium < stays && saves != U256::ZERO {
                swaps.push((moved, Swap { from: receipt(from), to: receipt(to), premium, cost, saves }));
            }
        }
    }
    swaps.sort_by_key(|(_, swap)| core::cmp::Reverse(swap.saves));
    // Which are looked at first is by the estimate above; what is told is what doing it came to.
    let tried = |(moved, swap): (U256, Swap)| {
        let premium = done(market, legs, account, at, moved, &swap)?;
        let cost = a_year(premium).ok()?;
        let saves = cost_newest.sub_or_zero(cost);
        let less = premium < stays && saves != U256::ZERO;
        less.then_some(Swap { premium, cost, saves, ..swap })
    };
    let mut swaps: Vec<Swap> = swaps.into_iter().filter_map(tried).take(TOLD).collect();
    swaps.sort_by_key(|swap| core::cmp::Reverse(swap.saves));
    let paid = U256::from(u64::from(user.risk_premium));
    Ok(Some(Premium { paid, next, cost, cost_next, unit: FINE_VALUE, swaps }))
}

/// The risk premium (bps) after putting in what comes, letting it count, and taking out what goes; `None` where one of the calls is refused.
fn done(
    market: &Market,
    legs: &[Leg],
    account: &Account,
    at: Time,
    moved: U256,
    swap: &Swap,
) -> Option<U256> {
    let to = swap.to.index() / 3;
    let unit = legs[to].price.ok()?.mul(U256::pow10(18 - market.decimals(to))?)?;
    let reading = |leg: &Leg| match leg.price {
        Ok(price) => Reading::certain(price),
        Err(why) => Reading::unknown(None, why),
    };
    let readings: Vec<Reading> = legs.iter().map(reading).collect();
    let (mut market, mut account) = (market.clone(), account.clone());
    for action in [
        Action::Deposit { into: swap.to, amount: Amount::Assets(moved.div(unit, Down)?) },
        Action::UseAsCollateral { instrument: swap.to, on: true },
        Action::Withdraw { from: swap.from, amount: Amount::All },
    ] {
        let call = Call { actor: account.id, account: account.id, at, action };
        let (own, feeds) = (alloc::vec![account.clone()], Feeds { readings: &readings });
        let effects = market.call(&call, &own, feeds, &mut Silent).ok()?.effects;
        market.apply(&effects).ok()?;
        account = effects.apply_to(&account)?;
    }
    account.term(RISK_PREMIUM).to_u256()
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
