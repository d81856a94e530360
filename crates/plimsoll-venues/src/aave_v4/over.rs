//! The line over a box: every account between two, at every price between two.
//!
//! A value has no rounding of its own, so that what one reserve adds to backing less what it adds to the requirement,
//! both times 1e27, is its price times a whole number. The least and the greatest of the sum over reserves, each taken
//! at one end of its own price, are therefore exact.

use super::position::{AccountData, Leg, Position, User, owed, premium};
use super::{Market, form};
use plimsoll_core::Rounding::Down;
use plimsoll_core::num::Wide;
use plimsoll_core::{Account, BPS, Feeds, Int, RAY, Range, Refusal, Silent, Test, U256, Verdict, Why};

/// [`plimsoll_core::Quoted::over`]. The premium of an account is a term: those between two owe as much at this time, with
/// their premium, as is between what the two owe.
pub(super) fn over(
    market: &Market,
    legs: &[Leg],
    [low, high]: [&Account; 2],
    test: Test,
    feeds: Feeds<'_>,
) -> Result<Range, Refusal> {
    let users = [User::of(market, low)?, User::of(market, high)?];
    let versions = form::versions(test);
    let mut net = [Wide::from(Int::ZERO); 2];
    let mut owes = [false; 2];
    let beyond = Refusal::Overflow("backing less requirement");
    for (place, reserve) in market.reserves.iter().enumerate() {
        let [least, most] = [users[0].positions[place], users[1].positions[place]];
        let keys = [0, 1].map(|end: usize| users[end].key(place, reserve, versions));
        let counts = least.counts || most.counts;
        // A premium does not grow with what is drawn: a box has those between that have it between, now and at any index.
        let premium =
            |position: &Position| premium(&mut Silent, position, legs[place].index, market.decimals(place));
        let premiums = !(least.owes && most.owes)
            || (least.premium_shares <= most.premium_shares && premium(&least)? <= premium(&most)?);
        if least.counts != most.counts || (counts && keys[0] != keys[1]) || !premiums {
            return Err(Refusal::InconsistentAccount("the two ends of a box have other terms"));
        }
        let decimals = market.decimals(place);
        let debt = |position: &Position| match position.owes {
            true => owed(&mut Silent, position, legs[place].index, decimals),
            false => Ok(U256::ZERO),
        };
        let debts = [debt(&least)?, debt(&most)?];
        if least.supplied > most.supplied || debts[0] > debts[1] {
            return Err(Refusal::InconsistentAccount("the lower end of a box is not the lower"));
        }
        owes = [owes[0] || debts[0] != U256::ZERO, owes[1] || debts[1] != U256::ZERO];
        let factor = if counts { market.configuration(place, keys[1])?.collateral_factor } else { 0 };
        let counted = most.supplied != U256::ZERO && factor != 0;
        let highest = feeds.get(place).high.unwrap_or(market.slots[place].highest);
        if (counts || most.owes) && highest == U256::ZERO {
            return Err(Refusal::PriceUnknown { slot: place, why: Why::NotPositive });
        }
        if !counted && !most.owes {
            continue;
        }
        let held = |position: &Position| match counted {
            true => legs[place].pot.assets_of(&mut Silent, position.supplied, Down),
            false => Ok(U256::ZERO),
        };
        let held = [held(&least)?, held(&most)?];
        let prices = [feeds.get(place).low, highest];
        let level = U256::pow10(18 - decimals).ok_or(beyond)?;
        let prices = [prices[0].mul(level).ok_or(beyond)?, prices[1].mul(level).ok_or(beyond)?];
        // Most held with least owed, and the other way around: whole numbers of the price.
        let each = [[held[0], debts[1]], [held[1], debts[0]]];
        for (end, [held, owed]) in each.into_iter().enumerate() {
            let backing = held.mul(U256::from(u64::from(factor))).and_then(|held| held.mul(RAY.value()));
            let owed = owed.mul(BPS.value());
            let of_price =
                backing.zip(owed).and_then(|(b, o)| Int::from(b).sub(Int::from(o))).ok_or(beyond)?;
            let [one, other] = prices.map(|price| of_price.mul_wide(Int::from(price)));
            let extreme = if end == 0 { one.min(other) } else { one.max(other) };
            net[end] = net[end].add(extreme).ok_or(beyond)?;
        }
    }
    let data = |end: usize| data_at(market, legs, &users[end], feeds, end, test);
    let data = [data(0)?, data(1)?];
    let backing = [0, 1].map(|end: usize| Int::from(data[end].weighted));
    let requirement = [data[0].requirement(&mut Silent)?, data[1].requirement(&mut Silent)?].map(Int::from);
    let verdict = match owes {
        [false, false] => Some(Verdict::NoDebt),
        [true, true] if !net[0].is_negative() => Some(Verdict::Healthy),
        [true, true] if net[1].is_negative() => Some(Verdict::Unhealthy),
        _ => None,
    };
    Ok(Range { verdict, backing, requirement })
}

/// The account at one end of every price.
fn data_at(
    market: &Market,
    legs: &[Leg],
    user: &User,
    feeds: Feeds<'_>,
    end: usize,
    test: Test,
) -> Result<AccountData, Refusal> {
    let at_end = |(place, leg): (usize, &Leg)| {
        let reading = feeds.get(place);
        let price = if end == 0 { reading.low } else { reading.high.unwrap_or(market.slots[place].highest) };
        Leg { price: Ok(price), ..*leg }
    };
    let legs: alloc::vec::Vec<Leg> = legs.iter().enumerate().map(at_end).collect();
    let data = AccountData::of(&mut Silent, market, &legs, user, form::versions(test))?;
    data.answers()?;
    Ok(data)
}
