//! LLAMMA, the soft-liquidation pool of Curve's stablecoin, in exact integers.
//!
//! A borrower's collateral stands in bands of prices, each narrower than the one before by 1/A. While the oracle's price falls through a
//! band, the pool's own price falls faster (with its third power), so that whoever trades it back sells the collateral of that band for
//! the stablecoin, and buys it back on the way up. Within a band `(f + x)(g + y)` stays what it is, where x is the band's stablecoin, y its
//! collateral, f and g follow from the oracle's price and from y0, the collateral it would have with no stablecoin at the band's upper edge.
//!
//! Stated from the contract's public description and from `0xreviews/crvusdsim`, which computes it in whole numbers; every floor is where
//! theirs is, so that amounts are equal to the unit. Prices and amounts are in 10^-18. Shares have 1000 dead ones in each band.
//! Not here: interest on the base price, the liquidity-mining callback, tokens with other than 18 digits.

mod swap;
mod worth;

use plimsoll_core::{Int, Rounding, U256};
use std::collections::BTreeMap;

pub use swap::{Side, Swapped};

const ONE: U256 = U256::new(1_000_000_000_000_000_000);
/// Shares in each band that nobody owns.
const DEAD: U256 = U256::new(1000);
/// Bands that one trade may change.
const TICKS: u32 = 50;
/// Bands that one trade may step over.
const SKIPS: u32 = 1024;
/// Largest change of the oracle's price that is followed at once \[1e18\].
const STEP_MAX: U256 = U256::new(1_250_000_000_000_000_000);
/// Seconds over which the fee of a change of the oracle's price wears off.
const FEE_SECONDS: u64 = 120;

/// How the upper edge of a band follows from the price of band 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edges {
    /// `base x (A - 1)^n / A^n`, to within one part in 2^120, rounded down.
    Exact,
    /// As `crvusdsim` does: the power as a float of 64 bits, times the price as one, cut to a whole number.
    Doubles,
}

/// What a pool is founded on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The amplification: a band is a part 1/A of its price wide. From 2 to 1000.
    pub a: u64,
    /// The price of band 0's upper edge \[1e18\].
    pub base: U256,
    /// The least fee \[1e18\].
    pub fee: U256,
    /// The part of fees that the owner takes \[1e18\].
    pub admin: U256,
    /// How edges are computed.
    pub edges: Edges,
}

/// What is wrong with what was asked of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The terms are none.
    Terms,
    /// A number does not fit.
    Overflow,
    /// A band that is no band of a deposit: below the active one, or more than 50.
    Bands,
    /// A deposit of less than 101 units a band, or into a band that holds stablecoin.
    Deposit,
    /// Whoever deposits has a deposit already.
    Deposited,
    /// The price is zero.
    Price,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Refused::Terms => "terms of the pool: expected an amplification from 2 to 1000, a base price above 0 and fees below 1",
            Refused::Overflow => "a number of the pool does not fit 256 bits",
            Refused::Bands => "bands of a deposit: expected at most 50, all above the active band",
            Refused::Deposit => "deposit: expected more than 100 units a band, into bands without stablecoin",
            Refused::Deposited => "deposit: expected nobody who has one already",
            Refused::Price => "price of the oracle: expected a price above 0",
        })
    }
}

impl std::error::Error for Refused {}

/// The shares of one depositor.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Deposit {
    first: i64,
    shares: Vec<U256>,
}

/// A pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    terms: Terms,
    /// sqrt(A / (A - 1)) \[1e18\].
    root: U256,
    /// (A / (A - 1))^50 \[1e18\]: nothing is traded further from the oracle's price.
    reach: U256,
    active: i64,
    lowest: i64,
    highest: i64,
    stable: BTreeMap<i64, U256>,
    collateral: BTreeMap<i64, U256>,
    shares: BTreeMap<i64, U256>,
    deposits: BTreeMap<u64, Deposit>,
    /// Fees that the owner may take: stablecoin, collateral.
    owed: [U256; 2],
    /// The oracle's price and the fee of its last change, as followed; and when.
    price: U256,
    fee: U256,
    seen: u64,
}

/// A band as a trade sees it.
#[derive(Clone, Copy)]
struct Band {
    f: U256,
    g: U256,
    whole: U256,
}

fn at(map: &BTreeMap<i64, U256>, band: i64) -> U256 {
    map.get(&band).copied().unwrap_or(U256::ZERO)
}

fn down(x: U256, y: U256, by: U256) -> Option<U256> {
    x.mul_div(y, by, Rounding::Down)
}

fn root(of: U256) -> Option<U256> {
    plimsoll_core::num::Wide::from(Int::from(of)).root()
}

impl Pool {
    /// A pool without deposits, at the oracle's price.
    ///
    /// # Errors
    /// For terms that are none, or a price of zero.
    pub fn new(terms: Terms, price: U256, at: u64) -> Result<Pool, Refused> {
        let sound = (2..=1000).contains(&terms.a)
            && terms.base != U256::ZERO
            && terms.fee < ONE
            && terms.admin <= ONE;
        if !sound {
            return Err(Refused::Terms);
        }
        if price == U256::ZERO {
            return Err(Refused::Price);
        }
        let [a, less] = [U256::from(terms.a), U256::from(terms.a - 1)];
        let ratios = || {
            let ratio = down(ONE, a, less)?;
            let mut power = plimsoll_core::num::Wide::from(Int::from(ONE));
            let mut below = plimsoll_core::num::Wide::from(Int::from(U256::ONE));
            for _ in 0..25 {
                power = power.mul(a)?;
                below = below.mul(less)?;
            }
            let half = power.div_rem(below)?.0.to_int()?.to_u256()?;
            Some((root(ratio.mul(ONE)?)?, down(half, half, ONE)?))
        };
        let (root, reach) = ratios().ok_or(Refused::Overflow)?;
        Ok(Pool {
            terms,
            root,
            reach,
            active: 0,
            lowest: 0,
            highest: 0,
            stable: BTreeMap::new(),
            collateral: BTreeMap::new(),
            shares: BTreeMap::new(),
            deposits: BTreeMap::new(),
            owed: [U256::ZERO; 2],
            price,
            fee: U256::ZERO,
            seen: at,
        })
    }

    /// The oracle says a price at a time \[s\]. What is followed is at most a quarter away from what was, and the fee rises so that nobody
    /// gains from the step: by 1 - (the smaller price / the larger)^3, worn off after two minutes.
    ///
    /// # Errors
    /// For a price of zero.
    pub fn observe(&mut self, price: U256, at: u64) -> Result<(), Refused> {
        if price == U256::ZERO {
            return Err(Refused::Price);
        }
        let (price, fee) = self.followed(price, at).ok_or(Refused::Overflow)?;
        (self.price, self.fee, self.seen) = (price, fee, at);
        Ok(())
    }

    fn followed(&self, price: U256, at: u64) -> Option<(U256, U256)> {
        let left = FEE_SECONDS - FEE_SECONDS.min(at.saturating_sub(self.seen));
        if left == 0 {
            return Some((price, U256::ZERO));
        }
        let least = ONE.mul(ONE)?.div(STEP_MAX, Rounding::Down)?;
        let rises = price > self.price;
        let [low, high] = if rises { [self.price, price] } else { [price, self.price] };
        let mut ratio = down(low, ONE, high)?;
        let mut followed = price;
        if ratio < least {
            ratio = least;
            followed =
                if rises { down(self.price, STEP_MAX, ONE)? } else { down(self.price, ONE, STEP_MAX)? };
        }
        let cubed = ratio.mul(ratio)?.mul(ratio)?.div(ONE.mul(ONE)?, Rounding::Down)?;
        let fee = ONE.add(self.fee)?.sub(cubed)?;
        Some((followed, down(fee, U256::from(left), U256::from(FEE_SECONDS))?))
    }

    /// What a trade pays now \[1e18\].
    #[must_use]
    pub fn fee(&self) -> U256 {
        self.terms.fee.max(self.fee)
    }

    /// The oracle's price, as followed.
    #[must_use]
    pub fn oracle(&self) -> U256 {
        self.price
    }

    /// The band in which the pool's price is.
    #[must_use]
    pub fn active(&self) -> i64 {
        self.active
    }

    /// Stablecoin in each band that has some.
    #[must_use]
    pub fn stable(&self) -> &BTreeMap<i64, U256> {
        &self.stable
    }

    /// Collateral in each band that has some.
    #[must_use]
    pub fn collateral(&self) -> &BTreeMap<i64, U256> {
        &self.collateral
    }

    /// All stablecoin and all collateral that the pool holds, its owner's fees among them; `None` beyond 256 bits.
    #[must_use]
    pub fn reserves(&self) -> Option<[U256; 2]> {
        let sum =
            |map: &BTreeMap<i64, U256>, owed| map.values().try_fold(owed, |sum: U256, held| sum.add(*held));
        Some([sum(&self.stable, self.owed[0])?, sum(&self.collateral, self.owed[1])?])
    }

    /// The oracle's price at the upper edge of a band.
    #[must_use]
    pub fn edge(&self, band: i64) -> Option<U256> {
        let Terms { a, base, edges, .. } = self.terms;
        match edges {
            Edges::Doubles => {
                let power = libm::pow((a - 1) as f64 / a as f64, band as f64);
                // A price of 10^-18 that is a float has no more than 2^127 here.
                let whole = float(base)? * power;
                (0.0..1.7e38).contains(&whole).then(|| U256::from(whole as u128))
            }
            Edges::Exact => {
                // In 2^-120 of the price, so that the roundings of 1024 bands stay below one unit.
                let guard = U256::new(1 << 120);
                let (up, by) = if band >= 0 { (a - 1, a) } else { (a, a - 1) };
                let mut edge = base.mul(guard)?;
                for _ in 0..band.unsigned_abs().min(u64::from(SKIPS) * 4) {
                    edge = edge.mul_div_wide(U256::from(up), U256::from(by), Rounding::Down)?;
                }
                edge.div(guard, Rounding::Down)
            }
        }
    }

    /// Puts collateral into bands, as evenly as units allow.
    ///
    /// # Errors
    /// Where the bands are no bands of a deposit, or too little is put in.
    pub fn deposit(&mut self, who: u64, amount: U256, first: i64, last: i64) -> Result<(), Refused> {
        let count = last.checked_sub(first).and_then(|gap| gap.checked_add(1)).unwrap_or(0);
        let Ok(count) = u32::try_from(count) else { return Err(Refused::Bands) };
        if !(1..=TICKS).contains(&count) || first.unsigned_abs() > 1 << 20 {
            return Err(Refused::Bands);
        }
        if self.deposits.contains_key(&who) {
            return Err(Refused::Deposited);
        }
        // The active band steps down over empty ones to make room.
        let mut active = self.active;
        let mut skipped = 0;
        while first <= active {
            if at(&self.stable, active) != U256::ZERO || skipped == SKIPS {
                return Err(Refused::Bands);
            }
            (active, skipped) = (active - 1, skipped + 1);
        }
        let bands = U256::from(count);
        let each = amount.div(bands, Rounding::Down).ok_or(Refused::Overflow)?;
        let filled = (first..=last).any(|band| at(&self.stable, band) != U256::ZERO);
        if each <= U256::new(100) || filled {
            return Err(Refused::Deposit);
        }
        let mut made = Vec::new();
        for band in first..=last {
            let rest = || amount.sub(each.mul(bands.sub(U256::ONE)?)?);
            let put = if band == first { rest() } else { Some(each) };
            let put = put.ok_or(Refused::Overflow)?;
            let (held, all) = (at(&self.collateral, band), at(&self.shares, band));
            let shares = || all.add(DEAD)?.mul_div(put, held.add(U256::ONE)?, Rounding::Down);
            let shares = shares().ok_or(Refused::Overflow)?;
            if shares == U256::ZERO {
                return Err(Refused::Deposit);
            }
            made.push((
                band,
                held.add(put).ok_or(Refused::Overflow)?,
                all.add(shares).ok_or(Refused::Overflow)?,
                shares,
            ));
        }
        // After this point the deposit is made.
        self.active = active;
        let mut shares = Vec::new();
        for (band, held, all, mine) in made {
            self.collateral.insert(band, held);
            self.shares.insert(band, all);
            shares.push(mine);
        }
        self.deposits.insert(who, Deposit { first, shares });
        (self.lowest, self.highest) = (self.lowest.min(first), self.highest.max(last));
        Ok(())
    }

    /// What the band would have of collateral with no stablecoin, at its upper edge: the larger root of
    /// `p A y0^2 - y0 (edge / p (A - 1) x + p^2 / edge A y) - x y = 0`.
    fn whole(&self, x: U256, y: U256, edge: U256) -> Option<U256> {
        let (a, p) = (U256::from(self.terms.a), self.price);
        let mut b = U256::ZERO;
        if x != U256::ZERO {
            b = edge.mul(U256::from(self.terms.a - 1))?.mul_div(x, p, Rounding::Down)?;
        }
        if y != U256::ZERO {
            let of = a.mul(p.mul(p)?)?.div(edge, Rounding::Down)?;
            b = b.add(down(of, y, ONE)?)?;
        }
        if x == U256::ZERO || y == U256::ZERO {
            return b.mul_div(ONE, a.mul(p)?, Rounding::Down);
        }
        let four = U256::new(4).mul(a)?.mul(p)?;
        let under = b.mul(b)?.add(down(four, y, ONE)?.mul(x)?)?;
        b.add(root(under)?)?.mul_div(ONE, U256::new(2).mul(a)?.mul(p)?, Rounding::Down)
    }

    fn band(&self, x: U256, y: U256, edge: U256) -> Option<Band> {
        let (a, p) = (U256::from(self.terms.a), self.price);
        let whole = self.whole(x, y, edge)?;
        let f = a.mul(whole)?.mul_div(p, edge, Rounding::Down)?.mul_div(p, ONE, Rounding::Down)?;
        let g = U256::from(self.terms.a - 1).mul(whole)?.mul_div(edge, p, Rounding::Down)?;
        Some(Band { f, g, whole: f.add(x)?.mul(g.add(y)?)? })
    }

    /// The pool's own price in its active band \[1e18\].
    #[must_use]
    pub fn price(&self) -> Option<U256> {
        let edge = self.edge(self.active)?;
        self.price_in(at(&self.stable, self.active), at(&self.collateral, self.active), edge)
    }

    fn price_in(&self, x: U256, y: U256, edge: U256) -> Option<U256> {
        let (a, less, p) = (U256::from(self.terms.a), U256::from(self.terms.a - 1), self.price);
        let square = p.mul(p)?;
        let lowest = square.div(edge, Rounding::Down)?.mul(p)?.div(edge, Rounding::Down)?;
        match (x == U256::ZERO, y == U256::ZERO) {
            (true, true) => lowest.mul_div(a, less, Rounding::Down),
            (true, false) => Some(lowest),
            (false, true) => {
                let below = down(edge, less, a)?;
                square.div(below, Rounding::Down)?.mul_div(p, below, Rounding::Down)
            }
            (false, false) => {
                let whole = self.whole(x, y, edge)?;
                let f = a.mul(whole)?.mul_div(p, edge, Rounding::Down)?.mul(p)?;
                let g = less.mul(whole)?.mul_div(edge, p, Rounding::Down)?;
                f.add(x.mul(ONE)?)?.div(g.add(y)?, Rounding::Down)
            }
        }
    }
}

/// A whole number as the nearest float; `None` from 2^128 on.
fn float(of: U256) -> Option<f64> {
    of.to_u128().map(|of| of as f64)
}
