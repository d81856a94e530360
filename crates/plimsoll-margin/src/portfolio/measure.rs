//! The sums of an account, each between its ends: at one set of prices both ends are the number itself.
//!
//! Products are rounded down, what is asked up. An end of a product is the least or the greatest of its corners, each rounded down: rounding keeps the
//! order, so that no number between the ends is beyond them.

use super::array::{BASIS, NOW, SCENARIOS, days, moved};
use super::position::{Ends, Leg, Position};
use super::standing::Standing;
use super::{Terms, parts};
use crate::fixed::{ONE, mul};
use alloc::borrow::Cow;
use alloc::vec;
use alloc::vec::Vec;
use plimsoll_core::{Refusal, Rounding};

const BEYOND: Refusal = Refusal::Overflow("values in units of 10^-18");

/// `x * y`, rounded down.
pub(super) fn times(x: Ends, y: Ends) -> Option<Ends> {
    let corner = |x: i128, y: i128| mul(x, y, Rounding::Down);
    let first = corner(x[0], y[0])?;
    if x[0] == x[1] && y[0] == y[1] {
        return Some([first; 2]);
    }
    let others = [corner(x[0], y[1])?, corner(x[1], y[0])?, corner(x[1], y[1])?];
    Some(others.iter().fold([first; 2], |ends, one| [ends[0].min(*one), ends[1].max(*one)]))
}

pub(super) fn plus(x: Ends, y: Ends) -> Option<Ends> {
    Some([x[0].checked_add(y[0])?, x[1].checked_add(y[1])?])
}

pub(super) fn less(x: Ends, y: Ends) -> Option<Ends> {
    Some([x[0].checked_sub(y[1])?, x[1].checked_sub(y[0])?])
}

fn least(x: Ends, y: Ends) -> Ends {
    [x[0].min(y[0]), x[1].min(y[1])]
}

/// What is lost of an outcome: nothing of a gain.
fn lost(outcome: Ends) -> Ends {
    [outcome[1].min(0).saturating_neg(), outcome[0].min(0).saturating_neg()]
}

fn asked(x: Ends, rate: i128) -> Option<Ends> {
    Some([mul(x[0], rate, Rounding::Up)?, mul(x[1], rate, Rounding::Up)?])
}

/// An asset of an account.
pub(super) struct Owned {
    pub(super) asset: usize,
    pub(super) net: Ends,
    pub(super) price: Ends,
}

/// A position with its columns.
pub(super) struct Priced<'s> {
    pub(super) leg: Leg,
    pub(super) columns: Cow<'s, [Ends]>,
}

/// Everything that moves with one underlying.
pub(super) struct Group {
    pub(super) underlying: usize,
    /// What each scenario does, dampened; the last is the basis.
    pub(super) outcomes: Vec<Ends>,
    /// What is asked for options sold.
    pub(super) shorts: Ends,
    /// What each day on record would do, with its place among the model's.
    pub(super) days: Vec<(usize, Ends)>,
}

/// An account in numbers.
pub(super) struct Measured<'s> {
    pub(super) owned: Vec<Owned>,
    pub(super) priced: Vec<Priced<'s>>,
    pub(super) quotes: Ends,
    pub(super) equity: Ends,
    pub(super) groups: Vec<Group>,
    /// What the initial line asks.
    pub(super) initial: Ends,
}

impl Group {
    /// The greatest loss; nothing where there is none.
    pub(super) fn risk(&self) -> Ends {
        lost(self.outcomes.iter().copied().reduce(least).unwrap_or([0; 2]))
    }

    /// Which outcome is the worst, of those that lose anything.
    pub(super) fn binding(&self) -> Option<usize> {
        let outcomes = self.outcomes.iter().map(|outcome| outcome[0]).enumerate();
        outcomes.filter(|(_, outcome)| *outcome < 0).min_by_key(|(_, outcome)| *outcome).map(|(at, _)| at)
    }
}

/// Assets and positions with what they are worth.
///
/// # Errors
/// Of a price that is missing, a contract that has expired, and numbers that do not fit.
pub(super) fn measure<'s>(standing: &'s Standing<'_>, position: &Position) -> Result<Measured<'s>, Refusal> {
    let (mut owned, mut priced, mut quotes) = (Vec::new(), Vec::new(), [0; 2]);
    for &(asset, net) in &position.assets {
        if net != [0; 2] {
            owned.push(Owned { asset, net, price: standing.asset_price(asset)? });
        }
    }
    for leg in &position.legs {
        quotes = plus(quotes, leg.quote).ok_or(BEYOND)?;
        if leg.base != [0; 2] {
            priced.push(Priced { leg: *leg, columns: standing.columns(leg.contract)? });
        }
    }
    let spec = &standing.market.spec;
    let mut underlyings: Vec<usize> =
        priced.iter().map(|one| spec.contracts[one.leg.contract].underlying).collect();
    underlyings.sort_unstable();
    underlyings.dedup();
    let mut groups = Vec::new();
    for underlying in underlyings {
        let shorts = shorts(standing, underlying, &priced)?;
        groups.push(group(standing, underlying, &owned, &priced, shorts).ok_or(BEYOND)?);
    }
    let equity = equity(standing, &owned, &priced, quotes).ok_or(BEYOND)?;
    let all = groups.iter().try_fold([0; 2], |sum, group| plus(plus(sum, group.risk())?, group.shorts));
    let initial = all.ok_or(BEYOND)?;
    Ok(Measured { owned, priced, quotes, equity, groups, initial })
}

/// What counts of an asset: its value less the haircut, what is owed with it.
pub(super) fn counted(standing: &Standing<'_>, one: &Owned) -> Option<Ends> {
    let haircut = parts(standing.market.spec.assets[one.asset].haircut);
    let value = times(one.net, one.price)?;
    let count =
        |value: i128| mul(value, if value < 0 { ONE + haircut } else { ONE - haircut }, Rounding::Down);
    Some([count(value[0])?, count(value[1])?])
}

fn equity(standing: &Standing<'_>, owned: &[Owned], priced: &[Priced<'_>], quotes: Ends) -> Option<Ends> {
    let mut sum = quotes;
    for one in owned {
        sum = plus(sum, counted(standing, one)?)?;
    }
    for Priced { leg, columns } in priced {
        sum = plus(sum, times(leg.base, columns[NOW])?)?;
    }
    Some(sum)
}

/// The positions on an underlying.
fn on<'p, 's>(
    standing: &'p Standing<'_>,
    underlying: usize,
    priced: &'p [Priced<'s>],
) -> impl Iterator<Item = &'p Priced<'s>> {
    let contracts = &standing.market.spec.contracts;
    priced.iter().filter(move |one| contracts[one.leg.contract].underlying == underlying)
}

/// What the positions on an underlying gain in a column: each its value there less its value now, both rounded down, so that what is only held loses no more
/// than it is worth.
fn gain<'p, 's: 'p>(mut legs: impl Iterator<Item = &'p Priced<'s>>, column: usize) -> Option<Ends> {
    legs.try_fold([0; 2], |sum, Priced { leg, columns }| {
        plus(sum, less(times(leg.base, *columns.get(column)?)?, times(leg.base, columns[NOW])?)?)
    })
}

/// What the assets that move with an underlying gain.
fn carried(standing: &Standing<'_>, underlying: usize, owned: &[Owned], moves: i128) -> Option<Ends> {
    let assets = &standing.market.spec.assets;
    let mut moving = owned.iter().filter(|one| assets[one.asset].underlying == Some(underlying));
    moving.try_fold([0; 2], |sum, one| plus(sum, times(times(one.net, one.price)?, [moves; 2])?))
}

fn group(
    standing: &Standing<'_>,
    underlying: usize,
    owned: &[Owned],
    priced: &[Priced<'_>],
    shorts: Ends,
) -> Option<Group> {
    let (spec, model) = (&standing.market.spec, &standing.market.spec.model);
    let legs = || on(standing, underlying, priced);
    let mut outcomes = Vec::with_capacity(model.scenarios.len() + 1);
    for (place, scenario) in model.scenarios.iter().enumerate() {
        let gain = gain(legs(), SCENARIOS + place)?;
        let outcome =
            plus(gain, carried(standing, underlying, owned, standing.market.moved(underlying, scenario))?)?;
        outcomes.push(times(outcome, [parts(scenario.counts); 2])?);
    }
    outcomes.push(basis(standing, underlying, priced)?);
    let first = SCENARIOS + model.scenarios.len();
    let mut on_days = Vec::new();
    for (place, (number, day)) in days(standing.market, underlying).enumerate() {
        let gain = gain(legs(), first + place)?;
        on_days.push((number, plus(gain, carried(standing, underlying, owned, moved(day.moves))?)?));
    }
    debug_assert!(underlying < spec.underlyings.len());
    Some(Group { underlying, outcomes, shorts, days: on_days })
}

/// Each expiry moves by itself, the way that is worse for it; perps are one. What one gains does not pay what another loses.
fn basis(standing: &Standing<'_>, underlying: usize, priced: &[Priced<'_>]) -> Option<Ends> {
    let expiry = |one: &Priced<'_>| standing.market.spec.contracts[one.leg.contract].terms.expiry();
    let mut expiries: Vec<Option<usize>> = on(standing, underlying, priced).map(expiry).collect();
    expiries.sort_unstable();
    expiries.dedup();
    expiries.iter().try_fold([0; 2], |sum, which| {
        let legs = || on(standing, underlying, priced).filter(|one| expiry(one) == *which);
        let [up, down] = [gain(legs(), BASIS[0])?, gain(legs(), BASIS[1])?];
        plus(sum, least(least(up, down), [0; 2]))
    })
}

/// What is asked for options sold: at each strike of an expiry calls and puts are netted.
fn shorts(standing: &Standing<'_>, underlying: usize, priced: &[Priced<'_>]) -> Result<Ends, Refusal> {
    let spec = &standing.market.spec;
    let mut strikes: Vec<((usize, _), Ends)> = Vec::new();
    for Priced { leg, .. } in on(standing, underlying, priced) {
        let Terms::Option { expiry, strike, .. } = spec.contracts[leg.contract].terms else { continue };
        match strikes.iter_mut().find(|(known, _)| *known == (expiry, strike)) {
            Some((_, net)) => *net = plus(*net, leg.base).ok_or(BEYOND)?,
            None => strikes.push(((expiry, strike), leg.base)),
        }
    }
    let naked = strikes.iter().try_fold([0; 2], |sum, (_, net)| plus(sum, lost(*net))).ok_or(BEYOND)?;
    if naked == [0; 2] || spec.model.short_options == 0 {
        return Ok([0; 2]);
    }
    let spot = standing.spot(underlying)?;
    let value = times(naked, spot).and_then(|value| asked(value, parts(spec.model.short_options)));
    value.ok_or(BEYOND)
}

/// By how much an account is above a line that asks this part of the initial one, between its ends. What a position is worth now and
/// what it would be worth are weighed together before ends are taken, so that this is narrower than equity less what is asked; every rounding
/// of either loses less than a unit, by which the ends are widened.
pub(super) fn headroom(standing: &Standing<'_>, measured: &Measured<'_>, part: i128) -> Option<Ends> {
    let spec = &standing.market.spec;
    let mut sum = measured.quotes;
    let grouped = |asset: usize| {
        let underlying = spec.assets[asset].underlying;
        measured.groups.iter().any(|group| Some(group.underlying) == underlying)
    };
    for one in measured.owned.iter().filter(|one| !grouped(one.asset)) {
        sum = plus(sum, counted(standing, one)?)?;
    }
    for group in &measured.groups {
        let legs = || on(standing, group.underlying, &measured.priced);
        let assets = || {
            measured.owned.iter().filter(|one| spec.assets[one.asset].underlying == Some(group.underlying))
        };
        let at = |counts: i128, column: usize, moves: i128| {
            let weight = mul(counts, part, Rounding::Down)?;
            let mut worth = [0; 2];
            for Priced { leg, columns } in legs() {
                let now = times(leg.base, columns[NOW])?;
                let then = times(leg.base, *columns.get(column)?)?;
                let mixed = plus(times(now, [ONE - weight; 2])?, times(then, [weight; 2])?)?;
                worth = plus(worth, mixed)?;
            }
            for one in assets() {
                let gained = times(times(one.net, one.price)?, [moves; 2])?;
                let with = plus(counted(standing, one)?, times(gained, [weight; 2])?)?;
                worth = plus(worth, with)?;
            }
            Some(worth)
        };
        let mut worst = at(0, NOW, 0)?;
        let base = worst;
        for (place, scenario) in spec.model.scenarios.iter().enumerate() {
            let moves = standing.market.moved(group.underlying, scenario);
            worst = least(worst, at(parts(scenario.counts), SCENARIOS + place, moves)?);
        }
        let basis = group.outcomes.last().copied().unwrap_or([0; 2]);
        worst = least(worst, plus(base, times(basis, [part; 2])?)?);
        sum = plus(sum, less(worst, times(group.shorts, [part; 2])?)?)?;
    }
    let terms = measured.owned.len() + measured.priced.len() + measured.groups.len();
    let slack = i128::try_from(8 * (terms + 2)).ok()?;
    plus(sum, [-slack, slack])
}

/// What each day on record would do to an account on each underlying: the worst of them.
pub(super) fn worst_day(group: &Group) -> Option<(usize, i128)> {
    let days = group.days.iter().map(|(number, outcome)| (*number, outcome[0]));
    days.min_by_key(|(_, outcome)| *outcome)
}

/// Nothing at all.
pub(super) fn nothing<'s>() -> Measured<'s> {
    let (owned, priced, groups) = (vec![], vec![], vec![]);
    Measured { owned, priced, quotes: [0; 2], equity: [0; 2], groups, initial: [0; 2] }
}
