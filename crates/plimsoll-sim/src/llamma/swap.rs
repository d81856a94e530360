//! Trades with the pool, and the one that brings it to a price.

use super::{Band, ONE, Pool, Refused, SKIPS, TICKS, at, down, root};
use plimsoll_core::{Rounding, U256};

/// What goes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Stablecoin, for collateral: the pool's price rises.
    Stable,
    /// Collateral, for stablecoin: it falls.
    Collateral,
}

/// What a trade did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swapped {
    /// What went in, fee included; less than was offered where the pool has no more to give.
    pub put: U256,
    /// What came out.
    pub got: U256,
    /// The part of it that is the fee.
    pub fee: U256,
}

/// A trade while it walks.
#[derive(Default)]
struct Walk {
    done: Swapped,
    owner: U256,
    /// What each band has of what goes in, from the first on.
    filled: Vec<U256>,
    first: i64,
    last: i64,
    /// What the last band is left with of what comes out.
    left: U256,
}

impl Pool {
    /// Trades at most so much in.
    ///
    /// # Errors
    /// Where a number does not fit.
    pub fn swap(&mut self, side: Side, offered: U256) -> Result<Swapped, Refused> {
        let walk = self.walk(side, offered).ok_or(Refused::Overflow)?;
        if walk.done.put == U256::ZERO || walk.done.got == U256::ZERO {
            return Ok(Swapped::default());
        }
        self.settle(side, &walk);
        Ok(walk.done)
    }

    /// What a trade would do; nothing changes.
    #[must_use]
    pub fn quote(&self, side: Side, offered: U256) -> Option<Swapped> {
        let walk = self.walk(side, offered)?;
        let nothing = walk.done.put == U256::ZERO || walk.done.got == U256::ZERO;
        Some(if nothing { Swapped::default() } else { walk.done })
    }

    fn settle(&mut self, side: Side, walk: &Walk) {
        let step: i64 = if side == Side::Stable { 1 } else { -1 };
        let mut band = walk.first;
        for filled in &walk.filled {
            let left = if band == walk.last { walk.left } else { U256::ZERO };
            let (into, from) = match side {
                Side::Stable => (&mut self.stable, &mut self.collateral),
                Side::Collateral => (&mut self.collateral, &mut self.stable),
            };
            for (map, amount) in [(into, *filled), (from, left)] {
                if amount == U256::ZERO {
                    map.remove(&band);
                } else {
                    map.insert(band, amount);
                }
            }
            band += step;
        }
        self.active = walk.last;
        let owner = usize::from(side == Side::Collateral);
        // The fee is a part of what went in, which fits.
        self.owed[owner] = self.owed[owner].add(walk.owner).unwrap_or(U256::MAX);
    }

    fn walk(&self, side: Side, offered: U256) -> Option<Walk> {
        let mut walk = Walk { last: self.active, ..Walk::default() };
        if offered == U256::ZERO {
            return Some(walk);
        }
        let rises = side == Side::Stable;
        let (a, less) = (U256::from(self.terms.a), U256::from(self.terms.a - 1));
        let mut edge = self.edge(walk.last)?;
        let (mut x, mut y) = (at(&self.stable, walk.last), at(&self.collateral, walk.last));
        let antifee = ONE.mul(ONE)?.div(ONE.sub(self.fee())?, Rounding::Down)?;
        let nearest = ONE.mul(ONE)?.div(self.reach, Rounding::Down)?;
        let mut left = offered;
        for _ in 0..TICKS + SKIPS {
            let empty = x == U256::ZERO && y == U256::ZERO;
            let begun = !walk.filled.is_empty() || !empty;
            let band = if empty { None } else { Some(self.band(x, y, edge)?) };
            if begun {
                if walk.filled.is_empty() {
                    walk.first = walk.last;
                }
                walk.filled.push(if rises { x } else { y });
            }
            let far = down(edge, ONE, self.price)?;
            let (pay, take) = if rises { (x, y) } else { (y, x) };
            if let Some(band) = band
                && take != U256::ZERO
            {
                let (near, other) = if rises { (band.f, band.g) } else { (band.g, band.f) };
                if other != U256::ZERO
                    && self.fill(&mut walk, [pay, take], [near, other], &band, antifee, offered, &mut left)?
                {
                    break;
                }
            }
            let end = if rises { walk.last == self.highest } else { walk.last == self.lowest };
            let away = if rises { far < nearest } else { far > self.reach };
            // Nothing more is filled once 50 bands are.
            if end || walk.filled.len() as u32 >= TICKS || away {
                break;
            }
            walk.last += if rises { 1 } else { -1 };
            edge = if rises { down(edge, less, a)? } else { down(edge, a, less)? };
            x = if rises { U256::ZERO } else { at(&self.stable, walk.last) };
            y = if rises { at(&self.collateral, walk.last) } else { U256::ZERO };
        }
        Some(walk)
    }

    /// Trades within one band; whether the trade ends in it.
    #[allow(clippy::too_many_arguments)] // two sides of one formula, which a struct would only rename
    fn fill(
        &self,
        walk: &mut Walk,
        [pay, take]: [U256; 2],
        [near, other]: [U256; 2],
        band: &Band,
        antifee: U256,
        offered: U256,
        left: &mut U256,
    ) -> Option<bool> {
        let needs = band.whole.div(other, Rounding::Down)?.sub(near)?.sub(pay)?;
        let asks = down(needs, antifee, ONE)?;
        let last = asks >= *left;
        let (put, net, stays) = if last {
            let net = down(*left, ONE, antifee)?;
            let after = band.whole.div(near.add(pay.add(net)?)?, Rounding::Down)?.add(U256::ONE)?;
            (*left, net, after.sub_or_zero(other).min(take))
        } else {
            // One unit at least, so that no dust stays in the band.
            (asks.max(U256::ONE), needs, U256::ZERO)
        };
        let fee = put.sub(net)?;
        let owner = down(fee, self.terms.admin, ONE)?;
        if let Some(filled) = walk.filled.last_mut() {
            *filled = pay.add(put)?.sub(owner)?;
        }
        walk.done.fee = walk.done.fee.add(fee)?;
        walk.done.got = walk.done.got.add(take.sub(stays)?)?;
        walk.done.put = if last { offered } else { walk.done.put.add(put)? };
        walk.owner = walk.owner.add(owner)?;
        walk.left = stays;
        *left = left.sub_or_zero(put);
        Some(last)
    }

    /// The trade that brings the pool's price to one, as near as its bands let it; `None` where a number does not fit.
    #[must_use]
    pub fn towards(&self, price: U256) -> Option<(U256, Side)> {
        if price == U256::ZERO {
            return None;
        }
        let (a, less, p) = (U256::from(self.terms.a), U256::from(self.terms.a - 1), self.price);
        let (up, down_by) = (a.mul(a)?, less.mul(less)?);
        let nearest = ONE.mul(ONE)?.div(self.reach, Rounding::Down)?;
        let mut n = self.active;
        let mut edge = self.edge(n)?;
        let mut low = p.mul(p)?.div(edge, Rounding::Down)?.mul(p)?.div(edge, Rounding::Down)?;
        let mut high = down(low, up, down_by)?;
        let rises = price >= self.price_in(at(&self.stable, n), at(&self.collateral, n), edge)?;
        let (mut amount, mut filled) = (U256::ZERO, 0);
        for _ in 0..TICKS + SKIPS {
            let (x, y) = (at(&self.stable, n), at(&self.collateral, n));
            let empty = x == U256::ZERO && y == U256::ZERO;
            let band = if empty { None } else { Some(self.band(x, y, edge)?) };
            filled += u32::from(filled > 0 || !empty);
            if price <= high && price >= low {
                if let Some(band) = band {
                    let root = root(band.whole.mul(ONE)?.div(price, Rounding::Down)?)?;
                    let y_then = root.sub_or_zero(band.g);
                    let x_then = band.whole.div(band.g.add(y_then)?, Rounding::Down)?.sub_or_zero(band.f);
                    let more = if rises { x_then.sub_or_zero(x) } else { y_then.sub_or_zero(y) };
                    amount = amount.add(more)?;
                }
                break;
            }
            if let Some(band) = band {
                let (near, other, pay) = if rises { (band.f, band.g, x) } else { (band.g, band.f, y) };
                amount = amount.add(band.whole.div(other, Rounding::Down)?.sub(near)?.sub(pay)?)?;
            }
            let far = down(edge, ONE, p)?;
            let end = if rises { n == self.highest } else { n == self.lowest };
            let away = if rises { far < nearest } else { far > self.reach };
            if end || filled >= TICKS || away {
                break;
            }
            if rises {
                n += 1;
                (low, high) = (high, down(high, up, down_by)?);
                edge = down(edge, less, a)?;
            } else {
                n -= 1;
                (high, low) = (low, down(low, down_by, up)?);
                edge = down(edge, a, less)?;
            }
        }
        let side = if rises { Side::Stable } else { Side::Collateral };
        Some((down(amount, ONE, ONE.sub(self.fee())?)?, side))
    }
}
