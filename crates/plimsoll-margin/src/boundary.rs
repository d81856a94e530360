//! The liquidation boundary: the first step of a path of prices at which headroom is below zero. Exact.
//!
//! A path moves every price by a whole number of units a step: price i is from(i) + step(i) x t. One price alone, all prices of an asset together, a
//! ray, a basket are only other steps. Same-asset collateral moves with the position, unless the path holds it still: 100 SOL at weight 0.9 and
//! 300 SOL-perp long at 0.95, bought for 30,000, are liquidated at 80.00 when SOL falls, and at 73.684 if the perp fell alone, which it does not.
//! [`liquidation_price`] says which of both it was asked.
//!
//! # How
//! Along a path every decision of [`crate::cross`] (which tier, which side, profit or loss, held or owed) hangs on the sign of something linear in t as long
//! as the decisions before it stay. So from a step t on, headroom is one polynomial of degree 2 until the first step at which any sign
//! changes, which is one division. On such a piece the first step below zero is found exactly:
//!
//! - linear a + b t: the first t > a / -b;
//! - falling apart, c < 0: the first t above the right root, floor((b + floor sqrt D) / -2c) + 1, with D = b^2 - 4ac;
//! - c > 0: the first t above the left root, floor((-b - ceil sqrt D) / 2c) + 1, if it lies before the right one: looked at.
//!
//! Floor of a quotient by a whole number may be taken after the floor of what is above, so integer roots lose nothing. The walk ends because t
//! rises, and where a price would fall below zero.

use crate::cross::{Account, WEIGHT};
use plimsoll_core::num::Wide;
use plimsoll_core::{Int, Rounding, U256};

/// A path of prices: whole steps from here.
#[derive(Clone, Copy, Debug)]
pub struct Path<'a> {
    /// Prices now, not negative.
    pub from: &'a [i128],
    /// What a step adds to each.
    pub step: &'a [i128],
    /// How many steps at most.
    pub steps: i128,
}

/// Where an account stands along a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crossing {
    /// Headroom is below zero already.
    Already,
    /// It is first below zero at this step.
    At(i128),
    /// It is at no step of the path, up to this one.
    NotUpTo(i128),
}

/// Which prices move when one does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moves {
    /// All prices of the same asset, by the same amount: what a market does.
    Together,
    /// The one price, and its asset elsewhere stands still: what a market does not do, but engines show.
    Alone,
}

/// A price and the asset whose price it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feed {
    /// The price.
    pub price: i128,
    /// The asset, by any number of the caller's.
    pub asset: u32,
}

/// A liquidation price and what it is one of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiquidationPrice {
    /// What was moved to find it.
    pub moves: Moves,
    /// The first price at which the account is liquidated; `None` where none is on this side, down to 0 or up to `most`.
    pub price: Option<i128>,
}

/// The liquidation price on one side of the price in place `which`: down to 0, or up to `most`. `step` and `from` are room for as many numbers as
/// there are feeds. `None` where a number does not fit, where `most` is below the present price, and where another price of the asset is at 0 before this one and
/// nothing was found by then: what lies beyond was not looked at.
#[must_use]
pub fn liquidation_price(
    account: &Account<'_>,
    feeds: &[Feed],
    which: usize,
    moves: Moves,
    most: Option<i128>,
    [from, step]: [&mut [i128]; 2],
) -> Option<LiquidationPrice> {
    let moved = feeds.get(which)?;
    if from.len() != feeds.len() || step.len() != feeds.len() {
        return None;
    }
    let one = if most.is_some() { 1 } else { -1 };
    for (place, feed) in feeds.iter().enumerate() {
        let goes_along = moves == Moves::Together && feed.asset == moved.asset;
        from[place] = feed.price;
        step[place] = if place == which || goes_along { one } else { 0 };
    }
    let steps = most.map_or(Some(moved.price), |most| most.checked_sub(moved.price))?;
    let price = match first_crossing(account, &Path { from, step, steps })? {
        Crossing::Already => Some(moved.price),
        Crossing::At(t) => Some(moved.price + one * t),
        Crossing::NotUpTo(t) if t < steps => return None,
        Crossing::NotUpTo(_) => None,
    };
    Some(LiquidationPrice { moves, price })
}

/// The first step of a path at which headroom is below zero; `None` where a number does not fit, a place is missing or there is no step at all.
#[must_use]
pub fn first_crossing(account: &Account<'_>, path: &Path<'_>) -> Option<Crossing> {
    if !account.is_sound(path.from.len()) || path.step.len() != path.from.len() {
        return None;
    }
    // The path ends where a price would be below zero.
    let last = path.from.iter().zip(path.step).try_fold(path.steps, |last, (from, step)| {
        let lasts = if *step < 0 { from.checked_div(step.checked_neg()?)? } else { last };
        (*from >= 0).then_some(last.min(lasts))
    })?;
    if last < 0 {
        return None;
    }
    let mut t = 0;
    loop {
        let (piece, next) = piece(account, path, t)?;
        let end = next.map_or(last, |next| last.min(next - 1));
        match piece.first_below_zero(t, end)? {
            Some(0) => return Some(Crossing::Already),
            Some(at) => return Some(Crossing::At(at)),
            None if end == last => return Some(Crossing::NotUpTo(last)),
            None => t = end + 1,
        }
    }
}

/// a + b t
#[derive(Clone, Copy)]
struct Line {
    a: Int,
    b: Int,
}

impl Line {
    const ZERO: Line = Line { a: Int::ZERO, b: Int::ZERO };

    fn at(self, t: i128) -> Option<Int> {
        self.b.mul(Int::new(t))?.add(self.a)
    }

    fn times(self, by: Int) -> Option<Line> {
        Some(Line { a: self.a.mul(by)?, b: self.b.mul(by)? })
    }

    fn plus(self, other: Line) -> Option<Line> {
        Some(Line { a: self.a.add(other.a)?, b: self.b.add(other.b)? })
    }

    fn minus(self, other: Line) -> Option<Line> {
        Some(Line { a: self.a.sub(other.a)?, b: self.b.sub(other.b)? })
    }

    /// Whether it is below zero at t. The first later step at which that is no longer so is noted.
    fn is_negative(self, t: i128, next: &mut Option<i128>) -> Option<bool> {
        let negative = self.at(t)?.is_negative();
        let change = match (negative, self.b.is_negative()) {
            // Rises to zero: the first t >= -a / b.
            (true, false) if !self.b.is_zero() => Some(self.a.neg().div(self.b, Rounding::Up)?),
            // Falls below zero: the first t > a / -b.
            (false, true) => Some(self.a.div(self.b.neg(), Rounding::Down)?.add(Int::ONE)?),
            _ => None,
        };
        // What lies beyond 127 bits lies beyond every path.
        if let Some(change) = change.and_then(|change| i128::try_from(change.to_u256()?.to_u128()?).ok()) {
            *next = Some(next.map_or(change, |next| next.min(change)));
        }
        Some(negative)
    }
}

/// a + b t + c t^2
#[derive(Clone, Copy)]
struct Piece {
    a: Int,
    b: Int,
    c: Int,
}

/// Headroom from step t on, and the first later step at which it is another polynomial.
fn piece(account: &Account<'_>, path: &Path<'_>, t: i128) -> Option<(Piece, Option<i128>)> {
    let mut next = None;
    let mut sum = Piece { a: Int::ZERO, b: Int::ZERO, c: Int::ZERO };
    let price = |place: usize| {
        Some(Line { a: Int::new(*path.from.get(place)?), b: Int::new(*path.step.get(place)?) })
    };
    let scale = account.scale()?;
    for (place, asset) in account.assets.iter().enumerate() {
        let mut balance = Line { a: Int::new(asset.held).mul(scale)?, b: Int::ZERO };
        for perp in account.perps.iter().filter(|perp| perp.settles_in == place) {
            let unsettled = unsettled(perp, price(perp.price)?, account.unit, t, &mut next)?;
            balance = balance.plus(unsettled)?;
        }
        let owed = balance.is_negative(t, &mut next)?;
        let weight = if owed { asset.liability_weight } else { asset.asset_weight };
        let (price, balance) = (price(asset.price)?, balance.times(Int::new(weight.into()))?);
        sum.a = sum.a.add(balance.a.mul(price.a)?)?;
        sum.b = sum.b.add(balance.a.mul(price.b)?)?.add(balance.b.mul(price.a)?)?;
        sum.c = sum.c.add(balance.b.mul(price.b)?)?;
    }
    Some((sum, next))
}

/// What a perp settles for along the path, weighted.
fn unsettled(
    perp: &crate::cross::Perp<'_>,
    price: Line,
    unit: i128,
    t: i128,
    next: &mut Option<i128>,
) -> Option<Line> {
    let million = Int::new(WEIGHT.into());
    let unit = Int::new(unit);
    let mut most: Option<Line> = None;
    for base in perp.sides()? {
        let notional = price.times(Int::new(base.checked_abs()?))?;
        let mut asked = Line::ZERO;
        for tier in perp.tiers(base) {
            let deduction = Int::new(tier.deduction).mul(unit)?.mul(million)?;
            let line = notional.times(Int::new(tier.rate.into()))?;
            let line = Line { a: line.a.sub(deduction)?, b: line.b };
            if asked.minus(line)?.is_negative(t, next)? {
                asked = line;
            }
        }
        most = match most {
            Some(other) if !other.minus(asked)?.is_negative(t, next)? => Some(other),
            _ => Some(asked),
        };
    }
    let kept = price.times(Int::new(perp.base))?.times(million)?;
    let quote = Line { a: Int::new(perp.quote).mul(unit)?.mul(million)?, b: Int::ZERO };
    let profit = quote.plus(kept)?.minus(most?)?;
    let weight = if profit.is_negative(t, next)? { million } else { Int::new(perp.profit_weight.into()) };
    profit.times(weight)
}

impl Piece {
    fn at(&self, t: i128) -> Option<Int> {
        let t = Int::new(t);
        self.c.mul(t)?.add(self.b)?.mul(t)?.add(self.a)
    }

    /// The first step from `from` to `to` at which it is below zero.
    fn first_below_zero(&self, from: i128, to: i128) -> Option<Option<i128>> {
        if self.at(from)?.is_negative() {
            return Some(Some(from));
        }
        let found = if self.c.is_zero() {
            if !self.b.is_negative() {
                return Some(None);
            }
            self.a.div(self.b.neg(), Rounding::Down)?
        } else {
            let square = self.b.mul_wide(self.b);
            let product = self.a.mul_wide(self.c).mul(U256::from(4_u8))?;
            let discriminant = square.sub(product)?;
            if discriminant.is_negative() {
                return Some(None);
            }
            let root = discriminant.root()?;
            let twice = self.c.mul(Int::new(2))?;
            if self.c.is_negative() {
                self.b.add(root.into())?.div(twice.neg(), Rounding::Down)?
            } else {
                let exact = Wide::product(root.into(), root.into()) == discriminant;
                let root = if exact { root } else { root.add(U256::ONE)? };
                self.b.neg().sub(root.into())?.div(twice, Rounding::Down)?
            }
        };
        let first = found.add(Int::ONE)?;
        if first <= Int::new(from) || first > Int::new(to) {
            return Some(None);
        }
        let first = i128::try_from(first.to_u256()?.to_u128()?).ok()?;
        Some(self.at(first)?.is_negative().then_some(first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every polynomial of small coefficients over every stretch: where the square root is no whole number and the quotient is, too.
    #[test]
    fn the_first_step_below_zero_is_that_of_a_scan() {
        let mut roots = 0;
        for c in -4..=4_i128 {
            for b in -25..=25_i128 {
                for a in -3..=60_i128 {
                    let piece = Piece { a: Int::new(a), b: Int::new(b), c: Int::new(c) };
                    for (from, to) in [(0, 30), (2, 9), (5, 5)] {
                        let scanned = (from..=to).find(|t| a + b * t + c * t * t < 0);
                        assert_eq!(
                            piece.first_below_zero(from, to),
                            Some(scanned),
                            "{a} {b} {c} {from} {to}"
                        );
                        roots += usize::from(scanned.is_some_and(|t| t > from));
                    }
                }
            }
        }
        assert!(roots > 5_000, "{roots}");
    }
}
