//! Cross margin in exact integers: assets at weights, perps whose profit and loss settle in one of them.
//!
//! A general form of cross margin; nothing is rounded, so what it says of a path of prices can be proven.
//!
//! ```text
//! headroom  = sum of assets: balance x price x (balance < 0 ? liability weight : asset weight)
//! balance   = held + sum of the perps that settle in this asset: u > 0 ? profit weight x u : u
//! u         = quote + position x p - the greater of what both sides ask: all bids filled, all asks filled
//! asked(o)  = the greatest of the tiers: rate x |base| x p - deduction,    base = position + o
//! ```
//!
//! A weight of 0.95 of a long base is a tier of rate 0.05 without deduction. Weights and rates are in millionths ([`WEIGHT`]), prices in units of
//! 1 / `unit`, quantities in whatever unit the caller has. Headroom comes in quote x 10^18 x unit^2.
//!
//! # Why it is concave
//! What a side asks is the greatest of lines in its base and of nothing, and nothing of no base, which a deduction below zero would break: convex. The
//! greater of both sides is convex, what is left of a position is concave, and so is `u` with a profit weight of at most 1; a balance with an asset weight
//! of at most the liability weight is concave again. [`Account::is_sound`] asks for these. Then headroom is concave in positions, so that netting
//! never hurts, and along the price of one asset with all others still: it is below 0 outside one stretch of
//! prices. Along several prices it is not: a profit in an asset that moves is a product of two prices, and `boundary` walks over that.

use plimsoll_core::Int;

/// One, of weights and rates.
pub const WEIGHT: u32 = 1_000_000;

/// An asset of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asset {
    /// How much is held, owed where negative.
    pub held: i128,
    /// The place of its price.
    pub price: usize,
    /// What counts of what is held.
    pub asset_weight: u32,
    /// What counts of what is owed.
    pub liability_weight: u32,
}

/// What a position asks from some notional on: the greatest line of all is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    /// The rate.
    pub rate: u32,
    /// The deduction, in quote, not negative.
    pub deduction: i128,
}

/// A perp of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Perp<'a> {
    /// Base held, short where negative.
    pub base: i128,
    /// Base of open bids, not negative.
    pub bids: i128,
    /// Base of open asks, not negative.
    pub asks: i128,
    /// Quote: what was paid is negative.
    pub quote: i128,
    /// The place of its price.
    pub price: usize,
    /// The asset that it settles in, as a place among the account's.
    pub settles_in: usize,
    /// What a long position asks. Nothing where there is no tier.
    pub long: &'a [Tier],
    /// What a short position asks.
    pub short: &'a [Tier],
    /// What counts of a profit.
    pub profit_weight: u32,
}

/// An account.
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    /// Its assets.
    pub assets: &'a [Asset],
    /// Its perps.
    pub perps: &'a [Perp<'a>],
    /// What one is, of a price.
    pub unit: i128,
}

impl Perp<'_> {
    /// The base of both sides: all bids filled, all asks filled.
    pub(crate) fn sides(&self) -> Option<[i128; 2]> {
        Some([self.base.checked_add(self.bids)?, self.base.checked_sub(self.asks)?])
    }

    /// The tiers of a position of this sign.
    pub(crate) fn tiers(&self, base: i128) -> &[Tier] {
        if base < 0 { self.short } else { self.long }
    }

    /// `asked` of the header of a base at a price, times a million and the unit of prices.
    fn asked<N: Number>(&self, base: i128, price: N, million_units: N) -> Option<N> {
        let notional = N::new(base.checked_abs()?).times(price)?;
        let mut most = N::ZERO;
        for tier in self.tiers(base) {
            let line = notional.times(N::new(tier.rate.into()))?;
            most = most.max(line.minus(N::new(tier.deduction).times(million_units)?)?);
        }
        Some(most)
    }

    /// `u` of the header with its weight, times 10^12 and the unit of prices.
    pub(crate) fn unsettled(&self, price: i128, unit: i128) -> Option<Int> {
        match self.unsettled_in::<i128>(price, unit) {
            Some(unsettled) => Some(Int::new(unsettled)),
            None => self.unsettled_in(price, unit),
        }
    }

    fn unsettled_in<N: Number>(&self, price: i128, unit: i128) -> Option<N> {
        let [bids, asks] = self.sides()?;
        let (million, price) = (N::new(WEIGHT.into()), N::new(price));
        let million_units = million.times(N::new(unit))?;
        let asked = self.asked(bids, price, million_units)?.max(self.asked(asks, price, million_units)?);
        let kept = N::new(self.base).times(price)?.times(million)?;
        let profit = N::new(self.quote).times(million_units)?.plus(kept)?.minus(asked)?;
        profit.times(if profit < N::ZERO { million } else { N::new(self.profit_weight.into()) })
    }
}

/// Integers in which a perp is computed: of 127 bits where they are enough, for speed, of 256 elsewhere. None is rounded, so both give the same number.
trait Number: Copy + Ord {
    const ZERO: Self;

    fn new(value: i128) -> Self;
    fn plus(self, other: Self) -> Option<Self>;
    fn minus(self, other: Self) -> Option<Self>;
    fn times(self, other: Self) -> Option<Self>;
}

impl Number for i128 {
    const ZERO: i128 = 0;

    fn new(value: i128) -> i128 {
        value
    }

    fn plus(self, other: i128) -> Option<i128> {
        self.checked_add(other)
    }

    fn minus(self, other: i128) -> Option<i128> {
        self.checked_sub(other)
    }

    fn times(self, other: i128) -> Option<i128> {
        self.checked_mul(other)
    }
}

impl Number for Int {
    const ZERO: Int = Int::ZERO;

    fn new(value: i128) -> Int {
        Int::new(value)
    }

    fn plus(self, other: Int) -> Option<Int> {
        self.add(other)
    }

    fn minus(self, other: Int) -> Option<Int> {
        self.sub(other)
    }

    fn times(self, other: Int) -> Option<Int> {
        self.mul(other)
    }
}

impl Account<'_> {
    /// Whether every place is there, no tier asks anything of nothing, and weights are such that headroom is concave in positions.
    #[must_use]
    pub fn is_sound(&self, prices: usize) -> bool {
        let assets = self.assets.iter().all(|asset| {
            asset.price < prices
                && asset.asset_weight <= asset.liability_weight
                && asset.asset_weight <= WEIGHT
        });
        let perps = self.perps.iter().all(|perp| {
            let orders = perp.bids >= 0 && perp.asks >= 0;
            let places = perp.price < prices && perp.settles_in < self.assets.len();
            let deductions = perp.long.iter().chain(perp.short).all(|tier| tier.deduction >= 0);
            orders && places && deductions && perp.profit_weight <= WEIGHT
        });
        assets && perps && self.unit > 0
    }

    /// Headroom at these prices, in the unit of the header; `None` where a number does not fit or a place is missing.
    #[must_use]
    pub fn headroom(&self, prices: &[i128]) -> Option<Int> {
        let mut sum = Int::ZERO;
        for place in 0..self.assets.len() {
            sum = sum.add(self.counts(place, self.balance(place, prices, None)?, prices)?)?;
        }
        Some(sum)
    }

    /// One of an asset, in the unit of balances: 10^12 and the unit of prices.
    pub(crate) fn scale(&self) -> Option<Int> {
        Int::new(i128::from(WEIGHT) * i128::from(WEIGHT)).mul(Int::new(self.unit))
    }

    /// The balance of an asset, without the perp in place `but`.
    pub(crate) fn balance(&self, place: usize, prices: &[i128], but: Option<usize>) -> Option<Int> {
        let mut balance = Int::new(self.assets.get(place)?.held).mul(self.scale()?)?;
        for (number, perp) in self.perps.iter().enumerate() {
            if perp.settles_in == place && Some(number) != but {
                balance = balance.add(perp.unsettled(*prices.get(perp.price)?, self.unit)?)?;
            }
        }
        Some(balance)
    }

    /// What a balance of an asset counts for headroom.
    pub(crate) fn counts(&self, place: usize, balance: Int, prices: &[i128]) -> Option<Int> {
        let asset = self.assets.get(place)?;
        let weight = if balance.is_negative() { asset.liability_weight } else { asset.asset_weight };
        let price = Int::new(*prices.get(asset.price)?);
        balance.mul(price)?.mul(Int::new(weight.into()))
    }

    /// Whether this account is no worse than `other` whatever the prices are: it holds as much of every asset, has the same perps, and has no order
    /// that the other has not, and none of a negative size. No price is needed to know it, so none that is missing can stand in the way.
    ///
    /// Headroom rises with what is held, at every price that is not negative, and falls with open orders: a worse side of fewer orders is
    /// between the old one and the position itself, and a concave function of orders is there at least the lesser of both ends.
    #[must_use]
    pub fn improves_on(&self, other: &Account<'_>) -> bool {
        let assets = self.assets.len() == other.assets.len()
            && self.assets.iter().zip(other.assets).all(|(mine, others)| {
                Asset { held: others.held, ..*mine } == *others && mine.held >= others.held
            });
        let perps = self.perps.len() == other.perps.len()
            && self.perps.iter().zip(other.perps).all(|(mine, others)| {
                let same = Perp { bids: others.bids, asks: others.asks, ..*mine } == *others;
                let fewer = |mine: i128, others: i128| mine >= 0 && mine <= others;
                same && fewer(mine.bids, others.bids) && fewer(mine.asks, others.asks)
            });
        assets && perps && self.unit == other.unit
    }
}
