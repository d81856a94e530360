//! The line over a box: every account between two, at every price between two.
//!
//! Balances and values rise with quantities and prices, so their ends are values of the contract's own functions
//! at the ends of the box. From 3.5 on the line compares two such sums and its ends are exact. Up to 3.4 (and for
//! borrowing) an average weight stands in between; its least and its greatest over the box are found exactly, so a
//! box in which the average does not move is settled by its two ends.

use super::user::{self, AccountData, Leg, Side};
use super::{COLLATERAL_BIT, DEBT_BIT, Pool, Revision, Role, UserConfig};
use alloc::vec::Vec;
use plimsoll_core::{Account, BPS, Feeds, Int, Range, Refusal, Rounding, Silent, Test, U256, Verdict};

/// A counted collateral's value at both ends (base), and its weight (bps).
struct Collateral {
    ends: [U256; 2],
    weight: u64,
}

/// Both ends of all that the line compares.
struct Sums {
    collaterals: Vec<Collateral>,
    debt: [U256; 2],
    /// Whether the account at either end owes anything.
    owes: [bool; 2],
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
    if by_ltv {
        let backing = averaged(&sums.collaterals, pool.revision.capacity())?;
        return range(&sums, backing, U256::ONE, |backing, debt| Ok(backing >= debt));
    }
    let healthy = |backing, debt| healthy(pool, backing, debt);
    if pool.revision <= Revision::V3_4 {
        let backing = averaged(&sums.collaterals, Rounding::HalfUp)?;
        return range(&sums, backing, U256::ONE, healthy);
    }
    let weighted = |end: usize| {
        let weighted = sums.collaterals.iter().map(|c| c.ends[end].mul(U256::from(c.weight)));
        sum(weighted, "threshold sum = threshold sum + weight")
    };
    range(&sums, [weighted(0)?, weighted(1)?], BPS.value(), healthy)
}

fn healthy(pool: &Pool, backing: U256, debt: U256) -> Result<bool, Refusal> {
    let data =
        AccountData { collateral: U256::ZERO, debt, ltv_sum: U256::ZERO, threshold_sum: backing, owes: true };
    data.is_healthy(&mut Silent, pool, &user::Line { backing, requirement: debt })
}

/// The range of a line that rises with backing and falls with debt; requirement is told in units of `fineness` to a
/// base unit, as [`plimsoll_core::Assessment`] tells it.
fn range(
    sums: &Sums,
    backing: [U256; 2],
    fineness: U256,
    healthy: impl Fn(U256, U256) -> Result<bool, Refusal>,
) -> Result<Range, Refusal> {
    let debt = sums.debt;
    let verdict = match sums.owes {
        [false, false] => Some(Verdict::NoDebt),
        [true, true] => match (healthy(backing[0], debt[1])?, healthy(backing[1], debt[0])?) {
            (true, _) => Some(Verdict::Healthy),
            (false, false) => Some(Verdict::Unhealthy),
            (false, true) => None,
        },
        _ => None,
    };
    let fine =
        |debt: U256| debt.mul(fineness).map(Int::from).ok_or(Refusal::Overflow("requirement = debt x 1e4"));
    Ok(Range { verdict, backing: backing.map(Int::from), requirement: [fine(debt[0])?, fine(debt[1])?] })
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
    let mut sums = Sums { collaterals: Vec::new(), debt: [U256::ZERO; 2], owes: [false; 2] };
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
        let end = |quantity: U256, price: U256| Side::value(pool, leg, role, quantity, price);
        let values = [
            end(least.magnitude(), reading.low)?,
            end(holding.quantity.magnitude(), reading.high.unwrap_or(highest))?,
        ];
        if role == Role::Debt {
            let formula = "debt = debt + value";
            for (sum, value) in sums.debt.iter_mut().zip(values) {
                *sum = sum.add(value).ok_or(Refusal::Overflow(formula))?;
            }
            sums.owes[0] |= !least.is_zero();
            sums.owes[1] = true;
        } else {
            let weight = if by_ltv { weights.ltv } else { weights.threshold };
            sums.collaterals.push(Collateral { ends: values, weight: u64::from(weight) });
        }
    }
    if found != low.holdings().len() {
        return Err(Refusal::InconsistentAccount("the lower end of a box holds more than the upper"));
    }
    Ok(sums)
}

/// Least and greatest of round(C x fl(S / C) / 1e4), C being the sum of values and S of value x weight (base).
fn averaged(collaterals: &[Collateral], rounding: Rounding) -> Result<[U256; 2], Refusal> {
    let mut ends = [U256::ZERO; 2];
    for (end, place) in ends.iter_mut().enumerate() {
        let all = sum(collaterals.iter().map(|c| Some(c.ends[end])), "collateral = collateral + value")?;
        let average = average(collaterals, end == 1)?;
        let formula = "backing = collateral x average / 1e4";
        *place = all.mul_div(average, BPS, rounding).ok_or(Refusal::Overflow(formula))?;
    }
    Ok(ends)
}

/// The least or greatest fl(S / C). A weighted average is greatest where some of the heaviest values are at their
/// high ends and all others at their low ones, and least the other way around.
fn average(collaterals: &[Collateral], greatest: bool) -> Result<U256, Refusal> {
    let mut order: Vec<&Collateral> = collaterals.iter().collect();
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
