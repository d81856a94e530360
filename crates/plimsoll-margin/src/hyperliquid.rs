//! Hyperliquid: tiers of leverage, and the liquidation price.
//!
//! Source: the venue's documentation, pages "Margin tiers" and "Liquidations". Portfolio margin of that venue is left out: its ratio is not published in full.
//!
//! - A position of notional x asks maintenance x * rate(tier) - deduction(tier), rate = 1 / (2 x the tier's greatest leverage),
//!   deduction(n) = deduction(n - 1) + lower(n) x (rate(n) - rate(n - 1)). Rates rise with notional, so the requirement is continuous, convex and
//!   the greatest of the tiers' lines: no tier has to be found.
//! - liquidation price = price - side x available / size / (1 - side x rate), where available = account value - maintenance at this price, and side is 1 of
//!   a long position and -1 of a short one. It is exact within one tier and for one position; `boundary` is the account's.
//!
//! Rates are fractions of one common denominator, so nothing is rounded: a requirement is a whole number of quote / denominator.

use plimsoll_core::num::Wide;
use plimsoll_core::{Int, U256};

/// The most tiers that a market may have.
pub const TIERS: usize = 8;

/// A tier as a market states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    /// The notional from which it holds.
    pub lower: u128,
    /// The greatest leverage.
    pub leverage: u32,
}

/// The lines of which the greatest is asked: rate x notional - deduction, over one denominator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiers {
    lines: [(U256, U256); TIERS],
    count: usize,
    denominator: U256,
}

impl Tiers {
    /// Of tiers as a market states them: the first from 0, each later one from a higher notional with less leverage. `None` for others.
    #[must_use]
    pub fn new(tiers: &[Tier]) -> Option<Tiers> {
        let first = tiers.first()?;
        let ordered =
            tiers.windows(2).all(|pair| pair[0].lower < pair[1].lower && pair[0].leverage > pair[1].leverage);
        if first.lower != 0 || !ordered || tiers.len() > TIERS || tiers.iter().any(|tier| tier.leverage == 0)
        {
            return None;
        }
        let denominator = tiers.iter().try_fold(1_u128, |all, tier| {
            let mine = 2 * u128::from(tier.leverage);
            all.checked_mul(mine / greatest_divisor(all, mine))
        })?;
        let mut lines = [(U256::ZERO, U256::ZERO); TIERS];
        let (mut rate, mut deduction) = (U256::ZERO, U256::ZERO);
        for (line, tier) in lines.iter_mut().zip(tiers) {
            let next = U256::new(denominator / (2 * u128::from(tier.leverage)));
            deduction = deduction.add(U256::new(tier.lower).mul(next.sub(rate)?)?)?;
            rate = next;
            *line = (rate, deduction);
        }
        Some(Tiers { lines, count: tiers.len(), denominator: U256::new(denominator) })
    }

    /// What one unit of quote is in the unit of [`Tiers::maintenance`].
    #[must_use]
    pub const fn denominator(&self) -> U256 {
        self.denominator
    }

    /// The lines: rate and deduction over the denominator.
    #[must_use]
    pub fn lines(&self) -> &[(U256, U256)] {
        self.lines.get(..self.count).unwrap_or_default()
    }

    /// Maintenance over the denominator; `None` where it does not fit.
    #[must_use]
    pub fn maintenance(&self, notional: U256) -> Option<U256> {
        self.lines().iter().try_fold(U256::ZERO, |most, (rate, deduction)| {
            Some(most.max(rate.mul(notional)?.sub_or_zero(*deduction)))
        })
    }

    /// Whether an account of this value keeps a position of this notional.
    #[must_use]
    pub fn keeps(&self, value: Int, notional: U256) -> Option<bool> {
        Some(value.mul_wide(self.denominator.into()) >= Wide::from(Int::from(self.maintenance(notional)?)))
    }
}

fn greatest_divisor(mut x: u128, mut y: u128) -> u128 {
    while y != 0 {
        (x, y) = (y, x % y);
    }
    x
}

/// The price at which a lone position is liquidated, by the published formula, in the tier of this `line`: rounded to the side on which
/// the account is still kept. `size` is signed, `value` the account's value at `price`; notional = size x price, one unit throughout.
/// `None` where no positive price is one, or a number does not fit.
#[must_use]
pub fn liquidation_price(
    price: U256,
    size: Int,
    value: Int,
    line: (U256, U256),
    denominator: U256,
) -> Option<U256> {
    // value + size (x - price) = (rate |size| x - deduction) / denominator; solved for x.
    let (rate, deduction) = line;
    let (den, magnitude) = (Int::from(denominator), Int::from(size.magnitude()));
    let constant = size.mul(Int::from(price))?.sub(value)?.mul(den)?.sub(Int::from(deduction))?;
    let slope = size.mul(den)?.sub(magnitude.mul(Int::from(rate))?)?;
    let rounding =
        if size.is_negative() { plimsoll_core::Rounding::Down } else { plimsoll_core::Rounding::Up };
    constant.div(slope, rounding)?.to_u256().filter(|price| *price != U256::ZERO)
}
