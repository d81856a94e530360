//! Mango v4: the health of a cross account of tokens and perps.
//!
//! Source: `programs/mango-v4/src/health/cache.rs` and the client of the same release (`healthCache`, 0.33.9). Spot orders on an order
//! book of another program are left out: an account that has some is beyond this file.
//!
//! ```text
//! health    = sum of tokens: balance x (balance < 0 ? liability weight x price : asset weight x price)
//! balance   = spot + sum of the perps that settle in this token: u > 0 ? overall weight x u : u
//! u         = quote + the worse of both: all bids filled, all asks filled
//! filled(o) = base x (base < 0 ? liability weight x price : asset weight x price) - o x lot x order price,
//!             base = (lots + o) x lot
//! ```
//!
//! | line | token weights | perp weights | price |
//! |---|---|---|---|
//! | initial | scaled initial | initial | asset: min(oracle, stable); liability: max(oracle, stable) |
//! | end of a liquidation | initial | initial | oracle |
//! | maintenance | maintenance | maintenance | oracle |
//!
//! An account may be liquidated from maintenance health below 0 on, and until its health at the end line is not below 0.
//! Initial <= end <= maintenance.
//!
//! Scaled weights fall with what all depositors of a token hold, and rise with what all borrow: [`scaled_asset_weight`],
//! [`scaled_liability_weight`]. At a price p the first is p x w x min(1, S / (D p)) = w x min(p, S / D): a kink, and no product of prices.
//!
//! # Numbers
//! I80F48: multiples of 2^-48. A product keeps 48 binary digits: the program rounds down, the client toward zero, and so their answers
//! differ in the last digits of negative amounts; the caller says whose are wanted, and of any other rounding
//! there is no health. The order of multiplications is theirs, because it
//! decides those digits.

use plimsoll_core::{Rounding, U256};

/// One, in units of 2^-48.
pub const ONE: i128 = 1 << 48;

/// Which of the three lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// What new positions need.
    Initial,
    /// Where a liquidation that has begun ends.
    LiquidationEnd,
    /// Where a liquidation may begin.
    Maintenance,
}

/// Weights of one kind: for what counts and for what is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weights {
    /// Of what is held.
    pub asset: i128,
    /// Of what is owed.
    pub liability: i128,
}

/// What the market asks, as observed and as the program lets it follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prices {
    /// The oracle's.
    pub oracle: i128,
    /// The slow one.
    pub stable: i128,
}

/// A token position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Which token: what perps settle in is told by it.
    pub index: u64,
    /// Maintenance weights.
    pub maintenance: Weights,
    /// Initial weights.
    pub initial: Weights,
    /// Initial weights, scaled by what all accounts hold and owe.
    pub scaled: Weights,
    /// Prices.
    pub prices: Prices,
    /// Held, or owed where negative.
    pub balance: i128,
}

/// A perp position. Lots are whole numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Perp {
    /// The token that it settles in.
    pub settles_in: u64,
    /// Maintenance weights of the base.
    pub maintenance: Weights,
    /// Initial weights of the base.
    pub initial: Weights,
    /// The weight of a profit for the maintenance line.
    pub maintenance_profit: i128,
    /// The weight of a profit for the other lines.
    pub initial_profit: i128,
    /// Base units of a lot.
    pub lot: i64,
    /// Lots held, or short where negative.
    pub lots: i64,
    /// Lots of open bids.
    pub bids: i64,
    /// Lots of open asks.
    pub asks: i64,
    /// Quote units.
    pub quote: i128,
    /// Prices of a base unit.
    pub prices: Prices,
}

/// The product, with 48 binary digits: down or toward zero, `None` of any other rounding and from 2^127 on.
#[inline]
fn mul(x: i128, y: i128, rounding: Rounding) -> Option<i128> {
    let down = match rounding {
        Rounding::Down => true,
        Rounding::TowardZero => false,
        Rounding::Up | Rounding::HalfUp | Rounding::Exact => return None,
    };
    // Weights, most prices and all sizes in lots fit a word of 64 bits with its sign: then two products of words are the whole one, and a shift of it is its floor.
    let Ok(y) = i64::try_from(y) else { return long_product(x, y, down) };
    // Neither wraps: a word without a sign times one with it, and two with signs and the carry of the other, are below 2^127.
    let below = i128::from(x as u64).wrapping_mul(i128::from(y));
    let above = (x >> 64).wrapping_mul(i128::from(y)).wrapping_add(below >> 64);
    let floor = above << 16 | i128::from(below as u64 >> 48);
    if floor >> 16 != above {
        return None;
    }
    let up = !down && above < 0 && below as u64 & (ONE as u64 - 1) != 0;
    Some(floor + i128::from(up))
}

fn long_product(x: i128, y: i128, down: bool) -> Option<i128> {
    let negative = (x < 0) != (y < 0);
    let (low, high) = x.unsigned_abs().carrying_mul(y.unsigned_abs(), 0);
    if high >> 47 != 0 {
        return None;
    }
    let lost = low & (ONE as u128 - 1) != 0;
    // Below 2^127, so that one more fits and the sign does.
    let magnitude = i128::try_from((high << 80 | low >> 48) + u128::from(negative && down && lost)).ok()?;
    Some(if negative { -magnitude } else { magnitude })
}

impl Prices {
    fn asset(self, line: Line) -> i128 {
        if line == Line::Initial { self.oracle.min(self.stable) } else { self.oracle }
    }

    fn liability(self, line: Line) -> i128 {
        if line == Line::Initial { self.oracle.max(self.stable) } else { self.oracle }
    }
}

impl Token {
    fn weights(&self, line: Line) -> Weights {
        match line {
            Line::Initial => self.scaled,
            Line::LiquidationEnd => self.initial,
            Line::Maintenance => self.maintenance,
        }
    }

    /// What one unit counts: its weights times its prices. The same for all accounts, so it is made once for a state of the market.
    #[must_use]
    pub fn node(&self, line: Line, rounding: Rounding) -> Option<Weights> {
        let (weights, prices) = (self.weights(line), self.prices);
        Some(Weights {
            asset: mul(weights.asset, prices.asset(line), rounding)?,
            liability: mul(weights.liability, prices.liability(line), rounding)?,
        })
    }
}

/// What a perp's base and orders count on a line: the same for all accounts, so it is made once for a state of the market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PerpNode {
    /// Weight times price of what is held and of what is owed, with all their 96 binary digits.
    weighted: Weights,
    /// The prices of bids and of asks.
    prices: [i128; 2],
    /// The weight of a profit.
    profit: i128,
}

impl Perp {
    /// Its node; `None` where a product does not fit.
    #[must_use]
    pub fn node(&self, line: Line) -> Option<PerpNode> {
        let weights = if line == Line::Maintenance { self.maintenance } else { self.initial };
        let (asset, liability) = (self.prices.asset(line), self.prices.liability(line));
        Some(PerpNode {
            weighted: Weights {
                asset: weights.asset.checked_mul(asset)?,
                liability: weights.liability.checked_mul(liability)?,
            },
            prices: [liability, asset],
            profit: self.profit_weight(line),
        })
    }

    fn profit_weight(&self, line: Line) -> i128 {
        if line == Line::Maintenance { self.maintenance_profit } else { self.initial_profit }
    }

    /// The same as [`Perp::unsettled`] on a node. Its first product is of a whole number and a weight, and so loses no digit: weight times price may be made
    /// before, and is cut once, as there.
    #[inline]
    fn unsettled_on(&self, node: &PerpNode, rounding: Rounding) -> Option<i128> {
        let [bids, asks] = node.prices;
        let bids = self.filled_on(node, self.bids, bids, rounding)?;
        let asks = self.filled_on(node, self.asks.checked_neg()?, asks, rounding)?;
        counted(self.quote.checked_add(bids.min(asks))?, node.profit, rounding)
    }

    #[inline]
    fn filled_on(&self, node: &PerpNode, orders: i64, price: i128, rounding: Rounding) -> Option<i128> {
        let base = self.base(self.lots.checked_add(orders)?)?;
        let weighted = if base < 0 { node.weighted.liability } else { node.weighted.asset };
        mul(weighted, base, rounding)?.checked_sub(product(self.base(orders)?, price)?)
    }

    /// What the position would settle for, weighted: `u` of the header.
    ///
    /// `None` where a number does not fit.
    #[must_use]
    pub fn unsettled(&self, line: Line, rounding: Rounding) -> Option<i128> {
        let bids = self.filled(self.bids, self.prices.liability(line), line, rounding)?;
        let asks = self.filled(self.asks.checked_neg()?, self.prices.asset(line), line, rounding)?;
        let profit = self.quote.checked_add(bids.min(asks))?;
        counted(profit, self.profit_weight(line), rounding)
    }

    /// The base and what it was bought for, after `orders` more lots at `price`.
    fn filled(&self, orders: i64, price: i128, line: Line, rounding: Rounding) -> Option<i128> {
        let base = self.whole(self.lots.checked_add(orders)?)?;
        let weights = if line == Line::Maintenance { self.maintenance } else { self.initial };
        let (weight, at) = if base < 0 {
            (weights.liability, self.prices.liability(line))
        } else {
            (weights.asset, self.prices.asset(line))
        };
        let worth = mul(mul(base, weight, rounding)?, at, rounding)?;
        if orders == 0 {
            return Some(worth);
        }
        worth.checked_sub(mul(self.whole(orders)?, price, rounding)?)
    }

    /// So many lots, as a number with 48 binary digits.
    fn whole(&self, lots: i64) -> Option<i128> {
        Some(self.base(lots)? << 48)
    }

    /// So many lots, in base units.
    #[inline]
    fn base(&self, lots: i64) -> Option<i128> {
        let base = i128::from(lots) * i128::from(self.lot);
        (base.unsigned_abs() >> 79 == 0).then_some(base)
    }
}

/// What of a profit counts; a loss counts in full.
#[inline]
fn counted(profit: i128, weight: i128, rounding: Rounding) -> Option<i128> {
    if profit > 0 { mul(profit, weight, rounding) } else { Some(profit) }
}

/// The product of whole numbers, which mostly are words of 64 bits.
#[inline]
fn product(x: i128, y: i128) -> Option<i128> {
    match (i64::try_from(x), i64::try_from(y)) {
        (Ok(x), Ok(y)) => Some(i128::from(x).wrapping_mul(i128::from(y))), // of 64 bits each: it fits
        _ => x.checked_mul(y),
    }
}

/// An account: at most one position a token and one a perp market.
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    /// Its tokens.
    pub tokens: &'a [Token],
    /// Its perps.
    pub perps: &'a [Perp],
}

impl Account<'_> {
    /// Health in units of 2^-48; `None` where a number does not fit, or where a perp settles in a token that the account does not list.
    #[must_use]
    pub fn health(&self, line: Line, rounding: Rounding) -> Option<i128> {
        self.summed(
            rounding,
            |at| self.tokens.get(at)?.node(line, rounding),
            |at| self.perps.get(at)?.unsettled(line, rounding),
        )
    }

    /// The same on nodes of one line that were made before, with this rounding: one a token and one a perp, in the account's order. It is the same number to the bit.
    #[must_use]
    pub fn health_on(&self, tokens: &[Weights], perps: &[PerpNode], rounding: Rounding) -> Option<i128> {
        if (tokens.len(), perps.len()) != (self.tokens.len(), self.perps.len()) {
            return None;
        }
        self.summed(
            rounding,
            |at| tokens.get(at).copied(),
            |at| self.perps.get(at)?.unsettled_on(perps.get(at)?, rounding),
        )
    }

    #[inline]
    fn summed(
        &self,
        rounding: Rounding,
        node: impl Fn(usize) -> Option<Weights>,
        unsettled: impl Fn(usize) -> Option<i128>,
    ) -> Option<i128> {
        let (mut health, mut settled) = (0_i128, 0);
        for (place, token) in self.tokens.iter().enumerate() {
            let mut balance = 0_i128;
            for (number, perp) in self.perps.iter().enumerate() {
                if perp.settles_in == token.index {
                    balance = balance.checked_add(unsettled(number)?)?;
                    settled += 1;
                }
            }
            balance = balance.checked_add(token.balance)?;
            let node = node(place)?;
            let unit = if balance < 0 { node.liability } else { node.asset };
            health = health.checked_add(mul(balance, unit, rounding)?)?;
        }
        (settled == self.perps.len()).then_some(health)
    }

    /// Health in per cent of liabilities, in units of 2^-48; `None` as for health. Liabilities are every negative part at its liability
    /// weight, before parts of one token are netted. Where they are at most a thousandth, there is no ratio: the largest number.
    #[must_use]
    pub fn ratio(&self, line: Line, rounding: Rounding) -> Option<i128> {
        let liabilities = self.tokens.iter().try_fold(0_i128, |sum, token| {
            let owed = self
                .parts(token, line, rounding)
                .try_fold(0_i128, |sum, part| sum.checked_sub(part?.min(0)))?;
            sum.checked_add(mul(owed, token.node(line, rounding)?.liability, rounding)?)
        })?;
        if liabilities <= ONE / 1_000 {
            return Some(i128::MAX);
        }
        let above = mul(self.health(line, rounding)?, 100 * ONE, rounding)?;
        let magnitude = U256::new(above.unsigned_abs())
            .mul_div(U256::new(ONE as u128), U256::new(liabilities as u128), Rounding::Down)?
            .to_u128()?;
        let value = i128::try_from(magnitude).ok()?;
        Some(if above < 0 { -value } else { value })
    }

    /// What makes up the balance of a token: what the perps settle for, then what is held.
    fn parts<'s>(
        &'s self,
        token: &'s Token,
        line: Line,
        rounding: Rounding,
    ) -> impl Iterator<Item = Option<i128>> + 's {
        let settling = self.perps.iter().filter(|perp| perp.settles_in == token.index);
        settling.map(move |perp| perp.unsettled(line, rounding)).chain([Some(token.balance)])
    }
}

/// The initial asset weight when all deposits together are worth `deposits`, of which up to `start` are counted in full.
#[must_use]
pub fn scaled_asset_weight(weight: i128, deposits: i128, start: i128) -> Option<i128> {
    if deposits <= start {
        return Some(weight);
    }
    scaled(weight, start, deposits)
}

/// The initial liability weight when all loans together are worth `borrows`, of which up to `start` cost no more.
#[must_use]
pub fn scaled_liability_weight(weight: i128, borrows: i128, start: i128) -> Option<i128> {
    if borrows <= start {
        return Some(weight);
    }
    scaled(weight, borrows, start)
}

fn scaled(weight: i128, above: i128, below: i128) -> Option<i128> {
    let [weight, above, below] =
        [weight, above, below].map(|number| u128::try_from(number).ok().map(U256::new));
    i128::try_from(weight?.mul_div(above?, below?, Rounding::Down)?.to_u128()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Products of words and of longer numbers against a division of the whole product, in either order, up to what does not fit.
    #[test]
    fn a_product_is_the_whole_one_cut() {
        let unit = U256::new(ONE as u128);
        let (mut state, mut fits, mut long) = (7_u128, 0, 0);
        let mut number = || {
            state = state.wrapping_mul(0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645).wrapping_add(9);
            let shift = (state >> 64) as u32 % 127;
            (state ^ state << 61) as i128 >> shift
        };
        for _ in 0..200_000 {
            let (x, y) = (number(), number());
            let negative = (x < 0) != (y < 0);
            for (rounding, of_magnitude) in [
                (Rounding::TowardZero, Rounding::Down),
                (Rounding::Down, if negative { Rounding::Up } else { Rounding::Down }),
            ] {
                let magnitudes = [x, y].map(|number| U256::new(number.unsigned_abs()));
                let whole = magnitudes[0].mul_div(magnitudes[1], unit, of_magnitude);
                let whole = whole.and_then(|whole| i128::try_from(whole.to_u128()?).ok());
                let whole = whole.map(|whole| if negative { -whole } else { whole });
                assert_eq!((mul(x, y, rounding), mul(y, x, rounding)), (whole, whole), "{x} {y}");
                fits += u32::from(whole.is_some());
                long += u32::from(whole.is_some() && y.unsigned_abs() >> 64 != 0);
            }
            assert_eq!(product(x, y), x.checked_mul(y));
        }
        assert!(fits > 100_000 && long > 10_000, "{fits} {long}");
    }
}
