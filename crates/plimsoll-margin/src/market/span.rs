//! What holds of a box of accounts and prices.
//!
//! Every part is monotone in what it is made of, so its ends are at the ends. What u of a perp hangs on twice, its index, is taken once: base and what
//! the first tier asks make one coefficient. Two prices are never taken for one, so along a path on which several move the box is wider than the path.

use super::position::{Leg, Net, Position, size};
use super::standing::steps;
use super::{Asked, Market, ONE, asks, bids, power};
use alloc::vec::Vec;
use plimsoll_core::{Account, Feeds, Int, Range, Refusal, Verdict};

const BEYOND: Refusal = Refusal::Overflow("the ends of a box");

/// From the least to the greatest.
type Ends = [Int; 2];

const NOTHING: Ends = [Int::ZERO; 2];

fn sum(x: Ends, y: Ends) -> Option<Ends> {
    Some([x[0].add(y[0])?, x[1].add(y[1])?])
}

fn difference(x: Ends, y: Ends) -> Option<Ends> {
    Some([x[0].sub(y[1])?, x[1].sub(y[0])?])
}

/// Times what is not negative.
fn product(x: Ends, by: Ends) -> Option<Ends> {
    let [low, high] = x;
    let least = low.mul(if low.is_negative() { by[1] } else { by[0] })?;
    let most = high.mul(if high.is_negative() { by[0] } else { by[1] })?;
    Some([least, most])
}

fn scaled(x: Ends, by: Int) -> Option<Ends> {
    product(x, [by; 2])
}

fn at_least_zero(x: Ends) -> Ends {
    [x[0].max(Int::ZERO), x[1].max(Int::ZERO)]
}

fn opposite(x: Ends) -> Ends {
    [x[1].neg(), x[0].neg()]
}

/// `min(low x, high x)` with `low <= high`: the weight that a sign picks.
fn picked(x: Ends, [low, high]: [Int; 2]) -> Option<Ends> {
    let one = |x: Int| x.mul(if x.is_negative() { high } else { low });
    Some([one(x[0])?, one(x[1])?])
}

/// The weights that a sign may pick.
fn either(x: Ends, [low, high]: [Int; 2]) -> Ends {
    [if x[1].is_negative() { high } else { low }, if x[0].is_negative() { high } else { low }]
}

fn int(value: u32) -> Int {
    Int::from(u64::from(value))
}

/// The prices of a box.
struct Prices<'a> {
    market: &'a Market,
    feeds: Feeds<'a>,
}

impl Prices<'_> {
    fn of(&self, slot: Option<usize>) -> Ends {
        let Some(slot) = slot else { return [self.market.unit_price(); 2] };
        let reading = self.feeds.get(slot);
        let highest = self.market.slots.get(slot).map_or(reading.low, |spec| spec.highest);
        [Int::from(reading.low), Int::from(reading.high.unwrap_or(highest))]
    }
}

/// A perp whose base and quote lie between ends.
struct Between {
    perp: usize,
    base: Ends,
    quote: Ends,
    size: Ends,
}

/// What is true of a perp throughout.
struct Part {
    /// With the weight of profit or loss.
    counted: Ends,
    backing: Ends,
    requirement: Ends,
}

/// What is true throughout.
struct Sums {
    headroom: Ends,
    backing: Ends,
    requirement: Ends,
}

pub(super) fn over(
    market: &Market,
    [low, high]: [&Account; 2],
    line: usize,
    feeds: Feeds<'_>,
) -> Result<Range, Refusal> {
    let ends = [Position::of(market, low)?, Position::of(market, high)?];
    let every = low.holdings().iter().chain(high.holdings());
    let mut instruments = every.map(|holding| holding.instrument);
    if low.terms() != high.terms() || !instruments.all(|id| low.quantity(id) <= high.quantity(id)) {
        return Err(Refusal::InconsistentAccount("the lower end of a box is not the lower"));
    }
    let prices = Prices { market, feeds };
    let mut assets: Vec<usize> = ends.iter().flat_map(|end| &end.assets).map(|net| net.asset).collect();
    assets.sort_unstable();
    assets.dedup();
    let mut all = Sums { headroom: NOTHING, backing: NOTHING, requirement: NOTHING };
    let (mut free, mut owing) = (true, false);
    for asset in assets {
        let net = net(market, [low, high], asset).ok_or(BEYOND)?;
        let perps = between(&ends, asset, market, [low, high]).ok_or(BEYOND)?;
        free &= !net[0].is_negative();
        owing |= net[1].is_negative();
        for perp in &perps {
            let closed = perp.base == NOTHING && perp.size == NOTHING;
            free &= closed && !perp.quote[0].is_negative();
            owing |= perp.quote[1].is_negative() || perp.size[0] > Int::ZERO;
        }
        one(market, asset, line, net, &perps, &prices, &mut all).ok_or(BEYOND)?;
    }
    let [least, most] = all.headroom;
    let verdict = match () {
        () if free => Some(Verdict::NoDebt),
        // Whoever owes nothing is not below.
        () if most.is_negative() => Some(Verdict::Unhealthy),
        () if owing && !least.is_negative() => Some(Verdict::Healthy),
        () => None,
    };
    Ok(Range { verdict, backing: all.backing, requirement: all.requirement })
}

/// Held less owed of an asset.
fn net(market: &Market, [low, high]: [&Account; 2], asset: usize) -> Option<Ends> {
    let pad = market.pad(market.spec.assets[asset].decimals);
    let of = |held: &Account, owed: &Account| {
        held.quantity(super::held(asset)).sub(owed.quantity(super::owed(asset)))?.mul(pad)
    };
    Some([of(low, high)?, of(high, low)?])
}

/// The perps that settle in an asset.
fn between(
    ends: &[Position; 2],
    asset: usize,
    market: &Market,
    accounts: [&Account; 2],
) -> Option<Vec<Between>> {
    let of = |end: &Position| -> Vec<Leg> {
        let net: Option<&Net> = end.assets.iter().find(|net| net.asset == asset);
        net.map_or_else(Vec::new, |net| net.perps.clone())
    };
    let [low, high] = [of(&ends[0]), of(&ends[1])];
    let mut perps: Vec<usize> = low.iter().chain(&high).map(|leg| leg.perp).collect();
    perps.sort_unstable();
    perps.dedup();
    let mut all = Vec::new();
    for perp in perps {
        let leg = |legs: &[Leg]| legs.iter().find(|leg| leg.perp == perp).copied();
        let (low, high) = (leg(&low), leg(&high));
        let take =
            |of: fn(&Leg) -> Int| [low.as_ref().map_or(Int::ZERO, of), high.as_ref().map_or(Int::ZERO, of)];
        let base = take(|leg| leg.base);
        let pad = market.pad(market.spec.perps[perp].decimals);
        let orders = |term| accounts[0].term(term).mul(pad);
        let size = sizes(base, orders(bids(perp))?, orders(asks(perp))?)?;
        all.push(Between { perp, base, quote: take(|leg| leg.quote), size });
    }
    Some(all)
}

/// The size of a position between two: it falls to its least where both sides are equal, and rises from there.
fn sizes(base: Ends, bids: Int, asks: Int) -> Option<Ends> {
    let [one, other] = [size(base[0], bids, asks)?, size(base[1], bids, asks)?];
    let turn = asks.sub(bids)?;
    let inside = base[0].add(base[0])? < turn && turn < base[1].add(base[1])?;
    // There twice the size is what is ordered on both sides; a part of a unit less is no more.
    let least = if inside {
        bids.add(asks)?.div(Int::new(2), plimsoll_core::Rounding::Down)?
    } else {
        one.min(other)
    };
    Some([least, one.max(other)])
}

/// Adds one asset with what settles in it.
fn one(
    market: &Market,
    asset: usize,
    line: usize,
    net: Ends,
    perps: &[Between],
    prices: &Prices<'_>,
    all: &mut Sums,
) -> Option<()> {
    let spec = &market.spec.assets[asset];
    let weights = [int(spec.weights[line].asset), int(spec.weights[line].liability)];
    let whole = market.unit_price().mul(power(12))?;
    let price = prices.of(market.asset_slots[asset]);
    let mut balance = scaled(net, whole)?;
    let mut backing = at_least_zero(balance);
    let mut requirement = at_least_zero(opposite(balance));
    for perp in perps {
        let part = part(market, perp, &market.spec.perps[perp.perp].asked[line], prices)?;
        balance = sum(balance, part.counted)?;
        backing = sum(backing, part.backing)?;
        requirement = sum(requirement, part.requirement)?;
    }
    let weight = either(balance, weights);
    let mut counted = product(product(backing, weight)?, price)?;
    let mut headroom = product(picked(balance, weights)?, price)?;
    if spec.cap != plimsoll_core::U256::ZERO {
        let most = Int::from(spec.cap).mul(power(market.finest()))?.mul(weights[0])?.mul(whole)?;
        counted = counted.map(|counted| counted.min(most));
        headroom = headroom.map(|headroom| headroom.min(most));
    }
    all.headroom = sum(all.headroom, headroom)?;
    all.backing = sum(all.backing, counted)?;
    all.requirement = sum(all.requirement, product(product(requirement, weight)?, price)?)?;
    Some(())
}

fn part(market: &Market, perp: &Between, asked: &Asked, prices: &Prices<'_>) -> Option<Part> {
    let million = int(ONE);
    let weights = [int(asked.profit), million];
    let quote = scaled(scaled(perp.quote, market.unit_price())?, million)?;
    let closed = Part {
        counted: picked(quote, weights)?,
        backing: scaled(at_least_zero(quote), weights[0])?,
        requirement: scaled(at_least_zero(opposite(quote)), million)?,
    };
    if perp.base == NOTHING && perp.size == NOTHING {
        return Some(closed);
    }
    let index = prices.of(Some(market.index_slot(perp.perp)));
    let first = int(asked.tiers.first().map_or(0, |tier| tier.rate));
    let notional = product(perp.size, index)?;
    let ask = scaled(notional, first)?;
    let mut surcharge = NOTHING;
    for (slope, from) in steps(market, perp.perp, asked) {
        let above = at_least_zero(difference(notional, [from; 2])?);
        surcharge = sum(surcharge, scaled(above, slope)?)?;
    }
    let kept = sum(quote, product(scaled(perp.base, million)?, index)?)?;
    let kept = difference(kept, surcharge)?;
    let slope = difference(scaled(perp.base, million)?, scaled(perp.size, first)?)?;
    let mut profit = difference(sum(quote, product(slope, index)?)?, surcharge)?;
    if perp.base[0] == perp.base[1] {
        // Of one position it is concave in the index: least at an end.
        let at = |end: usize| {
            let notional = perp.size[0].mul(index[end])?;
            let line = slope[0].mul(index[end])?.add(quote[0])?;
            steps(market, perp.perp, asked)
                .try_fold(line, |line, (more, from)| line.sub(notional.sub(from)?.max(Int::ZERO).mul(more)?))
        };
        profit[0] = at(0)?.min(at(1)?);
    }
    let weight = either(profit, weights);
    let part = Part {
        counted: picked(profit, weights)?,
        backing: product(kept, weight)?,
        requirement: product(ask, weight)?,
    };
    if perp.size[0] > Int::ZERO {
        return Some(part);
    }
    // Without base what is owed of the quote stands on the other side.
    let around = |x: Ends, y: Ends| [x[0].min(y[0]), x[1].max(y[1])];
    Some(Part {
        counted: part.counted,
        backing: around(part.backing, closed.backing),
        requirement: around(part.requirement, closed.requirement),
    })
}
