//! A price from its legs.

use super::{NOTHING, Origin, PriceId, Quote, Scale, shares};
use crate::num::{Decimal, Int, Rounding, U256};
use crate::reading::Why;
use crate::unit::Time;
use alloc::vec::Vec;
use core::cmp::Ordering;

/// A price from its legs. Observations and assumptions have none: they are missing here.
pub(super) fn derive(origin: &Origin, quotes: &[Quote], at: Time) -> Quote {
    match origin {
        Origin::Product { legs, decimals, rounding } => combine(quotes, legs, &[], |numbers, _| {
            let mut product = Decimal::whole(Int::ONE);
            for number in numbers {
                product = multiply_decimals(product, *number)?;
            }
            round(product, *decimals, *rounding)
        }),
        Origin::Quotient { of, by, decimals, rounding } => {
            combine(quotes, &[*of], &[*by], |of, by| divide_decimals(of[0], by[0], *decimals, *rounding))
        }
        Origin::MulDiv { of, times, over, decimals, rounding } => {
            combine(quotes, &[*of, *times], &[*over], |factors, over| {
                shares::mul_div(factors[0], factors[1], over[0], *decimals, *rounding)
            })
        }
        Origin::RateCap(cap) => match cap.highest(at) {
            Some(highest) => combine(quotes, &[cap.of], &[], |rate, _| pick(rate[0], highest, true)),
            None => unknown(Why::FromTheFuture),
        },
        Origin::PoolShare(pool) => {
            let [x, y] = pool.reserves;
            let [p, q] = pool.prices;
            combine(quotes, &[x, p, y, q], &[pool.supply], |sides, supply| {
                pool.value(&[[sides[0], sides[1]], [sides[2], sides[3]]], supply[0])
            })
        }
        Origin::VaultShare(vault) => combine(quotes, &[vault.assets], &[vault.supply], |assets, supply| {
            vault.rate(assets[0], supply[0])
        }),
        Origin::Least { legs } => combine(quotes, legs, &[], |numbers, _| extreme(numbers, true)),
        Origin::Greatest { legs } => combine(quotes, legs, &[], |numbers, _| extreme(numbers, false)),
        Origin::Feed(_) | Origin::Constant(_) => unknown(Why::Missing),
    }
}

/// Nothing is known of it.
const fn unknown(why: Why) -> Quote {
    Quote {
        value: None,
        scale: Scale::Decimal,
        doubt: Some(why),
        low: NOTHING,
        high: None,
        observed_at: None,
    }
}

/// One number of a leg: its value, or one of its ends.
type Side = fn(&Quote) -> Option<Decimal>;

/// A price that rises with some legs and falls with others, at the legs' values and at both their ends.
fn combine(
    quotes: &[Quote],
    rises: &[PriceId],
    falls: &[PriceId],
    rule: impl Fn(&[Decimal], &[Decimal]) -> Option<Decimal>,
) -> Quote {
    let of = |ids: &[PriceId]| -> Vec<Quote> { ids.iter().map(|leg| quotes[leg.0 as usize]).collect() };
    let (rises, falls) = (of(rises), of(falls));
    let numbers = |legs: &[Quote], side: Side| -> Option<Vec<Decimal>> { legs.iter().map(side).collect() };
    let (low, high): (Side, Side) = (|leg| Some(leg.low), |leg| leg.high);
    let at = |up: Side, down: Side| rule(&numbers(&rises, up)?, &numbers(&falls, down)?);
    let value = at(|leg| leg.value, |leg| leg.value);
    let legs = || rises.iter().chain(&falls);
    let doubt = legs().find_map(|leg| leg.doubt).or(if value.is_none() { Some(Why::Missing) } else { None });
    // Where no leg is anywhere else than at its value, the ends are the value.
    let ends = if legs().all(Quote::is_a_point) { [value; 2] } else { [at(low, high), at(high, low)] };
    Quote {
        value,
        scale: Scale::Decimal,
        doubt,
        low: ends[0].unwrap_or(NOTHING),
        high: ends[1],
        observed_at: legs().filter_map(|leg| leg.observed_at).min(),
    }
}

fn multiply_decimals(x: Decimal, y: Decimal) -> Option<Decimal> {
    let decimals = x.decimals.checked_add(y.decimals)?;
    Some(Decimal { mantissa: x.mantissa.mul(y.mantissa)?, decimals })
}

fn divide_decimals(x: Decimal, y: Decimal, decimals: u8, rounding: Rounding) -> Option<Decimal> {
    let up = decimals.checked_add(y.decimals)?;
    let (x_power, y_power) = (U256::pow10(up)?, U256::pow10(x.decimals)?);
    let divisor = y.mantissa.magnitude().mul(y_power)?;
    if x.mantissa.is_negative() || y.mantissa.is_negative() {
        return None;
    }
    let quotient = x.mantissa.magnitude().mul_div_wide(x_power, divisor, rounding)?;
    Some(Decimal { mantissa: quotient.into(), decimals })
}

pub(super) fn round(number: Decimal, decimals: u8, rounding: Rounding) -> Option<Decimal> {
    if number.decimals <= decimals {
        let power = U256::pow10(decimals - number.decimals)?;
        return Some(Decimal { mantissa: number.mantissa.mul(Int::from(power))?, decimals });
    }
    let power = U256::pow10(number.decimals - decimals)?;
    let magnitude = number.mantissa.magnitude().div(power, rounding)?;
    Some(Decimal { mantissa: Int::from_parts(number.mantissa.is_negative(), magnitude), decimals })
}

/// `None` for numbers too far apart in scale to compare in 256 bits.
pub(super) fn compare(x: Decimal, y: Decimal) -> Option<Ordering> {
    let decimals = x.decimals.max(y.decimals);
    Some(x.scaled(decimals).ok()?.cmp(&y.scaled(decimals).ok()?))
}

/// The lower or the higher; `None` where that cannot be told.
fn pick(x: Decimal, y: Decimal, least: bool) -> Option<Decimal> {
    Some(if (compare(x, y)? == Ordering::Less) == least { x } else { y })
}

fn extreme(numbers: &[Decimal], least: bool) -> Option<Decimal> {
    let (first, rest) = numbers.split_first()?;
    rest.iter().try_fold(*first, |x, y| pick(x, *y, least))
}

/// Of a bound's legs the one that decides: of equal ones the first. `None` where a value is missing, or two cannot be
/// compared.
pub(super) fn active<'l>(legs: &'l [PriceId], quotes: &[Quote], least: bool) -> Option<&'l PriceId> {
    let mut best: Option<(&PriceId, Decimal)> = None;
    for leg in legs {
        let value = value_of(quotes, *leg)?;
        let better = match best {
            Some((_, known)) if least => compare(value, known)? == Ordering::Less,
            Some((_, known)) => compare(known, value)? == Ordering::Less,
            None => true,
        };
        if better {
            best = Some((leg, value));
        }
    }
    best.map(|(leg, _)| leg)
}

pub(super) fn value_of(quotes: &[Quote], id: PriceId) -> Option<Decimal> {
    quotes.get(id.0 as usize)?.value
}
