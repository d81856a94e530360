//! The line over a box: every account between two, at every price between two.
//!
//! Balances and values rise with quantities and prices, so their ends are values of the contract's own functions
//! at the ends of the box. From 3.5 on the line compares two such sums. Up to 3.4 (and for borrowing) an average
//! weight stands in between; its least and its greatest over the box are found exactly, so that a box in which it
//! does not move is settled by its ends.
//!
//! One price moves what is held and what is owed of the same reserve. Their difference, weight x value - 1e4 x debt,
//! is a straight line in that price but for the cut of each value, which is less than 1: between two prices it is at
//! least the lesser end less those cuts. So N = (sum of weight x value) - 1e4 x D has ends that are taken reserve by
//! reserve, and from the contract's own rounding
//!
//! ```text
//! from 3.5       healthy  <=>  N x 2e18 >= -D
//! up to 3.4      healthy  <=   N >= -5000,   and unhealthy  <=  N + 5000 < -1e4 x fl(D / 2e18)
//! borrowing      the same without D, and from 3.5 on without the 5000
//! ```

use super::user::{self, AccountData, Leg, Side};
use super::{COLLATERAL_BIT, DEBT_BIT, Pool, Revision, Role, UserConfig};
use alloc::vec::Vec;
use plimsoll_core::{Account, BPS, Feeds, Int, Range, Refusal, Rounding, Silent, Test, U256, Verdict};

/// A counted holding at both ends of the box.
struct Counted {
    slot: usize,
    /// Whether its price has two ends.
    moves: bool,
    role: Role,
    /// Weight of a collateral (bps).
    weight: u64,
    /// Least quantity at the least price, greatest at the greatest (base).
    ends: [U256; 2],
    /// Least quantity at the greatest price, and greatest at the least (base).
    crossed: [U256; 2],
}

/// Everything that the line compares.
struct Sums {
    counted: Vec<Counted>,
    debt: [U256; 2],
    /// Whether the account at either end owes anything.
    owes: [bool; 2],
}

/// How the line rounds.
#[derive(Clone, Copy)]
struct Rule {
    /// The average weight stands in between, and this is how its product is rounded.
    averaged: Option<Rounding>,
    /// Health is a division by the debt, rounded half up.
    divided: bool,
    /// Requirement in units of this to a base unit.
    fineness: U256,
}

/// [`plimsoll_core::Quoted::over`].
pub(super) fn over(
    pool: &Pool,
    legs: &[Leg],
    ends: [&Account; 2],
    test: Test,
    feeds: Feeds<'_>,
) -> Result<Range, Refusal> {
    if ends[0].terms() != ends[1].terms() {
        return Err(Refusal::InconsistentAccount("the two ends of a box have other terms"));
    }
    let by_ltv = matches!(test, Test::Borrow | Test::Fill);
    let sums = sums(pool, legs, ends, feeds, by_ltv)?;
    let (half_up, plain) = (Some(Rounding::HalfUp), U256::ONE);
    let rule = match (by_ltv, pool.revision <= Revision::V3_4) {
        (true, _) => Rule { averaged: Some(pool.revision.capacity()), divided: false, fineness: plain },
        (false, true) => Rule { averaged: half_up, divided: true, fineness: plain },
        (false, false) => Rule { averaged: None, divided: true, fineness: BPS.value() },
    };
    range(pool, &sums, rule)
}

/// The range of a line that rises with backing and falls with debt; requirement is told in the unit in which
/// [`plimsoll_core::Assessment`] tells it.
fn range(pool: &Pool, sums: &Sums, rule: Rule) -> Result<Range, Refusal> {
    let (backing, average) = match rule.averaged {
        Some(rounding) => averaged(sums, rounding)?,
        None => ([sums.weighted(0)?, sums.weighted(1)?], [None; 2]),
    };
    let debt = sums.debt;
    let healthy = |backing, debt| match rule.divided {
        true => healthy(pool, backing, debt),
        false => Ok(backing >= debt),
    };
    let verdict = match sums.owes {
        [false, false] => Some(Verdict::NoDebt),
        [true, true] => match (healthy(backing[0], debt[1])?, healthy(backing[1], debt[0])?) {
            (true, _) => Some(Verdict::Healthy),
            (false, false) => Some(Verdict::Unhealthy),
            (false, true) => sums.net(average).and_then(|net| settled(net, debt[1], rule)),
        },
        _ => None,
    };
    let fine = |debt: U256| {
        debt.mul(rule.fineness).map(Int::from).ok_or(Refusal::Overflow("requirement = debt x 1e4"))
    };
    Ok(Range { verdict, backing: backing.map(Int::from), requirement: [fine(debt[0])?, fine(debt[1])?] })
}

/// What the ends of N say (the header); `debt` is the greatest.
fn settled([least, most]: [Int; 2], debt: U256, rule: Rule) -> Option<Verdict> {
    let carried = if rule.averaged == Some(Rounding::HalfUp) { Int::new(5_000) } else { Int::ZERO };
    if !least.add(carried)?.is_negative() {
        return Some(Verdict::Healthy);
    }
    // What the half-up of the division forgives: more than nothing from 20 billion on.
    let forgiven = debt.div(U256::new(2_000_000_000_000_000_000), Rounding::Down)?;
    let forgiven = if rule.divided { forgiven } else { U256::ZERO };
    let forgiven = Int::from(if rule.averaged.is_some() { forgiven.mul(BPS.value())? } else { forgiven });
    most.add(carried)?.add(forgiven)?.is_negative().then_some(Verdict::Unhealthy)
}

fn healthy(pool: &Pool, backing: U256, debt: U256) -> Result<bool, Refusal> {
    let data =
        AccountData { collateral: U256::ZERO, debt, ltv_sum: U256::ZERO, threshold_sum: backing, owes: true };
    data.is_healthy(&mut Silent, pool, &user::Line { backing, requirement: debt })
}

fn sums(
    pool: &Pool,
    legs: &[Leg],
    [low, high]: [&Account; 2],
    feeds: Feeds<'_>,
    by_ltv: bool,
) -> Result<Sums, Refusal> {
    let config = UserConfig::of(high);
    let mode = pool.mode_of(high)?;
    let mut sums = Sums { counted: Vec::new(), debt: [U256::ZERO; 2], owes: [false; 2] };
    let mut found = 0;
    for holding in high.holdings() {
        let instrument = holding.instrument;
        let least = low.quantity(instrument);
        found += usize::from(!least.is_zero());
        if least.is_negative() || least > holding.quantity {
            return Err(Refusal::InconsistentAccount("a negative holding"));
        }
        let (reserve, role) = pool.role(instrument)?;
        let leg = &legs[reserve];
        let skipped = leg.threshold == 0 && pool.revision <= Revision::V3_5;
        let counts = match role {
            Role::Asset => false,
            Role::Receipt => config.bit(reserve, COLLATERAL_BIT) && !skipped,
            Role::Debt => config.bit(reserve, DEBT_BIT),
        };
        if !counts {
            continue;
        }
        let weights = user::weights(pool, mode, reserve, leg.ltv, leg.threshold);
        let slot = weights.price_slot.unwrap_or(reserve);
        let (reading, highest) = (feeds.get(slot), pool.slots[slot].highest);
        let prices = [reading.low, reading.high.unwrap_or(highest)];
        let quantities = [least.magnitude(), holding.quantity.magnitude()];
        let value =
            |quantity: usize, price: usize| Side::value(pool, leg, role, quantities[quantity], prices[price]);
        let ends = [value(0, 0)?, value(1, 1)?];
        let crossed = [value(0, 1)?, value(1, 0)?];
        let weight = if by_ltv { weights.ltv } else { weights.threshold };
        if role == Role::Debt {
            for (sum, value) in sums.debt.iter_mut().zip(ends) {
                *sum = sum.add(value).ok_or(Refusal::Overflow("debt = debt + value"))?;
            }
            sums.owes[0] |= !least.is_zero();
            sums.owes[1] = true;
        }
        let moves = prices[0] != prices[1];
        sums.counted.push(Counted { slot, moves, role, weight: u64::from(weight), ends, crossed });
    }
    if found != low.holdings().len() {
        return Err(Refusal::InconsistentAccount("the lower end of a box holds more than the upper"));
    }
    Ok(sums)
}

impl Sums {
    fn collaterals(&self) -> impl Iterator<Item = &Counted> {
        self.counted.iter().filter(|counted| counted.role == Role::Receipt)
    }

    /// Sum of value x weight at one end (base x bps).
    fn weighted(&self, end: usize) -> Result<U256, Refusal> {
        let weighted = self.collaterals().map(|c| c.ends[end].mul(U256::from(c.weight)));
        sum(weighted, "threshold sum = threshold sum + weight")
    }

    /// The least and the greatest of N, reserve by reserve, with the least and the greatest average weight in
    /// place of each weight where the line is averaged; `None` beyond 256 bits.
    fn net(&self, average: [Option<U256>; 2]) -> Option<[Int; 2]> {
        let mut ends = [Int::ZERO; 2];
        for (most, (end, average)) in ends.iter_mut().zip(average).enumerate() {
            for (at, first) in self.counted.iter().enumerate() {
                if self.counted[..at].iter().any(|before| before.slot == first.slot) {
                    continue;
                }
                let of_slot = || self.counted.iter().filter(|counted| counted.slot == first.slot);
                let [low, high] =
                    [net_at(of_slot(), most, 0, average)?, net_at(of_slot(), most, 1, average)?];
                let net = if most == 0 { low.min(high) } else { low.max(high) };
                // Where only one side moves its end is exact.
                let both =
                    of_slot().any(|c| c.role == Role::Debt) && of_slot().any(|c| c.role == Role::Receipt);
                let cuts = if both && first.moves { cuts(of_slot(), average)? } else { Int::ZERO };
                *end = end.add(if most == 0 { net.sub(cuts)? } else { net.add(cuts)? })?;
            }
        }
        Some(ends)
    }
}

/// Weight x value - 1e4 x debt of one reserve at one end of its price: with the least held and the most owed
/// (`most` = 0), or the other way around.
fn net_at<'c>(
    of_slot: impl Iterator<Item = &'c Counted>,
    most: usize,
    price: usize,
    average: Option<U256>,
) -> Option<Int> {
    let mut net = Int::ZERO;
    for counted in of_slot {
        // The quantity at this end, at this price.
        let value = |quantity: usize| {
            if quantity == price { counted.ends[quantity] } else { counted.crossed[quantity] }
        };
        net = match counted.role {
            Role::Debt => net.sub(Int::from(value(1 - most).mul(BPS.value())?))?,
            Role::Asset | Role::Receipt => {
                let weight = average.unwrap_or(U256::from(counted.weight));
                net.add(Int::from(value(most).mul(weight)?))?
            }
        };
    }
    Some(net)
}

/// What the cuts of all values of one reserve come to at most.
fn cuts<'c>(of_slot: impl Iterator<Item = &'c Counted>, average: Option<U256>) -> Option<Int> {
    of_slot.into_iter().try_fold(Int::ZERO, |sum, counted| {
        let weight = match counted.role {
            Role::Debt => BPS.value(),
            Role::Asset | Role::Receipt => average.unwrap_or(U256::from(counted.weight)),
        };
        sum.add(Int::from(weight))
    })
}

type Averaged = ([U256; 2], [Option<U256>; 2]);

/// Least and greatest of round(C x fl(S / C) / 1e4), C being the sum of values and S of value x weight (base), and of
/// the average itself (bps).
fn averaged(sums: &Sums, rounding: Rounding) -> Result<Averaged, Refusal> {
    let (mut backing, mut averages) = ([U256::ZERO; 2], [None; 2]);
    for (end, place) in backing.iter_mut().enumerate() {
        let all = sum(sums.collaterals().map(|c| Some(c.ends[end])), "collateral = collateral + value")?;
        let average = average(sums, end == 1)?;
        let formula = "backing = collateral x average / 1e4";
        *place = all.mul_div(average, BPS, rounding).ok_or(Refusal::Overflow(formula))?;
        averages[end] = Some(average);
    }
    Ok((backing, averages))
}

/// The least or greatest fl(S / C). A weighted average is greatest where some of the heaviest values are at their
/// high ends and all others at their low ones, and least the other way around.
fn average(sums: &Sums, greatest: bool) -> Result<U256, Refusal> {
    let mut order: Vec<&Counted> = sums.collaterals().collect();
    order.sort_unstable_by_key(|c| if greatest { u64::MAX - c.weight } else { c.weight });
    let still = order.iter().all(|c| c.ends[0] == c.ends[1]);
    let mut best: Option<U256> = None;
    for raised in 0..=if still { 0 } else { order.len() } {
        let value = |at: usize| order[at].ends[usize::from(at < raised)];
        let all = sum((0..order.len()).map(|at| Some(value(at))), "collateral = collateral + value")?;
        let weighted = (0..order.len()).map(|at| value(at).mul(U256::from(order[at].weight)));
        let weighted = sum(weighted, "threshold sum = threshold sum + weight")?;
        // Without collateral the contract takes zero.
        let found = weighted.div(all, Rounding::Down).unwrap_or(U256::ZERO);
        best = Some(best.map_or(found, |best| if greatest { best.max(found) } else { best.min(found) }));
    }
    Ok(best.unwrap_or(U256::ZERO))
}

fn sum(values: impl IntoIterator<Item = Option<U256>>, formula: &'static str) -> Result<U256, Refusal> {
    let sum = values.into_iter().try_fold(U256::ZERO, |sum, value| sum.add(value?));
    sum.ok_or(Refusal::Overflow(formula))
}
