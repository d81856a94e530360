//! Drift: requirements that grow with the position, assets that count less the more there are.
//!
//! Source: `programs/drift/src/math/margin.rs`, `state/perp_market.rs`, `state/margin_calculation.rs`. High leverage mode and pools are left out: they
//! are other numbers for the same formulas, chosen before these are asked.
//!
//! Units: base 1e-9, prices and quote 1e-6, weights and ratios 1e-4, IMF 1e-6.
//!
//! ```text
//! s        = floor sqrt(10 x size + 1)
//! premium  = max(w, w - floor(w / 5) + floor(s x imf / 10^7))           of a liability; w itself where imf is 0
//! discount = min(a, floor(1.1 x 10^10 / (10^6 + floor(s x imf / 10^5))))  of an asset;     a itself where imf is 0
//! ```
//!
//! - **Perp**: requirement = |worst| x price x max(quote price, its mean) x max(the user's own ratio, premium), and a cent for each open order. Worst is
//!   the larger in absolute terms of position + bids and position - asks. In a market of 0 to 1, a short one can lose 1 - price.
//! - **Profit** counts by the profit weight, a loss in full; for the initial line at most 100 a position, and less where the market as a whole owes
//!   more than it should.
//! - **Spot**: what is held counts by value x weight, what is owed asks value x weight. Strict prices are the worse of the price and its mean over five
//!   minutes. A negative value is rounded
//!   down, a positive one toward zero (`get_strict_token_value`); times its weight both are cut toward zero.
//! - **Liquidation** begins where collateral < requirement, and ends where collateral with a buffer on what is negative is at least requirement with
//!   a buffer on liabilities: the line to leave is above the line to enter.

use plimsoll_core::num::Divisor;
use plimsoll_core::{Rounding, U256};

/// One, of a weight or ratio.
pub const WEIGHT: u32 = 10_000;
/// One, of a price or an amount of quote.
pub const QUOTE: u64 = 1_000_000;
/// One unit of base.
pub const BASE: u64 = 1_000_000_000;
/// What an open order asks: a cent.
pub const OPEN_ORDER: u64 = 10_000;
/// What of a profit counts at most for the initial line: 100.
pub const MOST_PROFIT: u64 = 100_000_000;

const IMF_TO_WEIGHT: u128 = 10_000_000;
const IMF_TO_MILLION: u128 = 100_000;

fn root_of_size(size: u128) -> Option<u128> {
    Some(size.checked_mul(10)?.checked_add(1)?.isqrt())
}

/// The weight of a liability of this size; `None` where a number does not fit.
#[must_use]
pub fn size_premium(size: u128, imf: u32, weight: u32) -> Option<u32> {
    if imf == 0 {
        return Some(weight);
    }
    let grown = root_of_size(size)?.checked_mul(imf.into())? / IMF_TO_WEIGHT;
    let premium = u128::from(weight - weight / 5).checked_add(grown)?;
    Some(weight.max(u32::try_from(premium).ok()?))
}

/// The weight of an asset of this size; `None` where a number does not fit.
#[must_use]
pub fn size_discount(size: u128, imf: u32, weight: u32) -> Option<u32> {
    if imf == 0 {
        return Some(weight);
    }
    let grown = root_of_size(size)?.checked_mul(imf.into())? / IMF_TO_MILLION;
    let discount = 11_000_000_000 / grown.checked_add(1_000_000)?;
    Some(weight.min(u32::try_from(discount).unwrap_or(u32::MAX)))
}

/// A price and its mean over five minutes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StrictPrice {
    /// Now.
    pub now: u64,
    /// The mean; equal to `now` where the line is not strict.
    pub mean: u64,
}

/// The weight of an initial asset where all deposits together are worth `deposits` and count in full up to `start`.
#[must_use]
pub fn scaled_asset_weight(weight: u32, deposits: u128, start: u128) -> Option<u32> {
    if start == 0 || deposits <= start {
        return Some(weight);
    }
    u32::try_from(u128::from(weight).checked_mul(start)? / deposits).ok()
}

/// What a spot balance does: backs if held, asks if owed; in quote.
#[must_use]
pub fn spot_value(balance: i128, unit: u64, price: StrictPrice, weight: u32) -> Option<i128> {
    let held = balance >= 0;
    let at = if held { price.now.min(price.mean) } else { price.now.max(price.mean) };
    let rounding = if held { Rounding::Down } else { Rounding::Up }; // of the magnitude: down, of a negative number
    let value = scaled(balance.unsigned_abs(), at, unit, rounding)?;
    let value = scaled(value, weight.into(), WEIGHT.into(), Rounding::Down)?; // of the magnitude: toward zero
    let value = i128::try_from(value).ok()?;
    Some(if held { value } else { -value })
}

/// A perp position with its open orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Perp {
    /// Base, short where negative.
    pub base: i64,
    /// Base of open bids.
    pub bids: i64,
    /// Base of open asks, not negative.
    pub asks: i64,
    /// How many orders are open.
    pub orders: u32,
    /// A market whose price lies between 0 and 1 at expiry.
    pub prediction: bool,
}

impl Perp {
    /// What the position can owe if its orders are filled, in units of quote before the quote's own price.
    fn liability(&self, base: i128, price: u64) -> Option<u128> {
        let at = if self.prediction && base < 0 { QUOTE.checked_sub(price)? } else { price };
        scaled(base.unsigned_abs(), at, BASE, Rounding::Down)
    }

    /// The worse of both sides, the asks' where they are equal: base, and what it can owe.
    #[must_use]
    pub fn worst(&self, price: u64) -> Option<(i128, u128)> {
        let bought = i128::from(self.base) + i128::from(self.bids);
        let sold = i128::from(self.base) - i128::from(self.asks);
        let (long, short) = (self.liability(bought, price)?, self.liability(sold, price)?);
        Some(if short >= long { (sold, short) } else { (bought, long) })
    }

    /// What it asks, in quote: `ratio` is the market's before size, `own` the user's.
    #[must_use]
    pub fn requirement(
        &self,
        price: u64,
        quote: StrictPrice,
        imf: u32,
        ratio: u32,
        own: u32,
    ) -> Option<u128> {
        let (base, owed) = self.worst(price)?;
        let owed = scaled(owed, quote.now.max(quote.mean), QUOTE, Rounding::Down)?;
        let ratio = size_premium(base.unsigned_abs(), imf, ratio)?.max(own);
        let asked = scaled(owed, ratio.into(), WEIGHT.into(), Rounding::Down)?;
        asked.checked_add(u128::from(OPEN_ORDER) * u128::from(self.orders))
    }
}

/// What of a profit counts; a loss counts in full. `weight` is the profit weight of the line, `initial` whether its cap holds.
#[must_use]
pub fn profit_counts(profit: i128, weight: u32, initial: bool) -> Option<i128> {
    if profit <= 0 {
        return Some(profit);
    }
    let counted = profit.checked_mul(weight.into())? / i128::from(WEIGHT);
    Some(if initial { counted.min(MOST_PROFIT.into()) } else { counted })
}

/// The profit weight where the market as a whole owes its users `net`, and should owe at most `most`.
#[must_use]
pub fn profit_weight(weight: u32, net: u128, most: u128) -> Option<u32> {
    if most == 0 || net <= most {
        return Some(weight);
    }
    u32::try_from(u128::from(weight).checked_mul(most)? / net).ok()
}

/// What an account has and what is asked of it, in quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Margin {
    /// All that counts.
    pub collateral: i128,
    /// All that is asked.
    pub requirement: u128,
    /// What is negative in collateral, as a positive number.
    pub negatives: u128,
    /// All that is owed, before weights.
    pub liabilities: u128,
}

impl Margin {
    /// Whether a liquidation may begin.
    #[must_use]
    pub fn may_be_liquidated(&self) -> bool {
        u128::try_from(self.collateral).map_or(true, |collateral| collateral < self.requirement)
    }

    /// Whether a liquidation that has begun is over: `buffer` is in units of 1e-4.
    #[must_use]
    pub fn may_leave(&self, buffer: u32) -> Option<bool> {
        let part = |amount: u128| scaled(amount, buffer.into(), WEIGHT.into(), Rounding::Down);
        let have = self.collateral.checked_sub(i128::try_from(part(self.negatives)?).ok()?)?;
        let need = self.requirement.checked_add(part(self.liabilities)?)?;
        Some(have >= i128::try_from(need).ok()?)
    }
}

fn scaled(amount: u128, by: u64, unit: u64, rounding: Rounding) -> Option<u128> {
    U256::new(amount).mul_div(U256::from(by), Divisor::of(U256::from(unit)), rounding)?.to_u128()
}
