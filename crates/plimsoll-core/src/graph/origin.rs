//! How a price comes about: observed, assumed, or by a rule on its legs.

use super::{Observation, PoolShare, PriceId, RateCap, VaultShare};
use crate::num::{Decimal, Rounding};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// How a price comes about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::large_enum_variant)] // most prices are observations
pub enum Origin {
    /// Observed.
    Feed(Observation),
    /// Assumed by whoever wrote the file: blind to any market.
    Constant(Decimal),
    /// All legs multiplied.
    Product {
        /// What is multiplied.
        legs: Vec<PriceId>,
        /// Digits after the point that are kept.
        decimals: u8,
        /// Which way the rest goes.
        rounding: Rounding,
    },
    /// One price in terms of another: `of / by`.
    Quotient {
        /// The dividend.
        of: PriceId,
        /// The divisor.
        by: PriceId,
        /// Digits after the point that are kept.
        decimals: u8,
        /// Which way the rest goes.
        rounding: Rounding,
    },
    /// `of * times / over`, divided and rounded once.
    MulDiv {
        /// The one factor.
        of: PriceId,
        /// The other.
        times: PriceId,
        /// The divisor.
        over: PriceId,
        /// Digits after the point that are kept.
        decimals: u8,
        /// Which way the rest goes.
        rounding: Rounding,
    },
    /// An exchange rate that may grow no faster than so much a year.
    RateCap(RateCap),
    /// A share of a pool of two assets.
    PoolShare(PoolShare),
    /// A share of a vault, in what the vault holds.
    VaultShare(VaultShare),
    /// The lowest of the legs: a price with a cap.
    Least {
        /// What is compared.
        legs: Vec<PriceId>,
    },
    /// The highest of the legs: a price with a floor.
    Greatest {
        /// What is compared.
        legs: Vec<PriceId>,
    },
}

impl Origin {
    /// Observed or assumed, not computed.
    #[must_use]
    pub const fn is_leaf(&self) -> bool {
        matches!(self, Origin::Feed(_) | Origin::Constant(_))
    }

    /// Those legs of which one is handed on as it is: a bound's, and a capped rate's.
    #[must_use]
    pub fn handed_on(&self) -> Vec<PriceId> {
        match self {
            Origin::Least { legs } | Origin::Greatest { legs } => legs.clone(),
            Origin::RateCap(cap) => alloc::vec![cap.of],
            _ => Vec::new(),
        }
    }

    /// What the price is computed from; nothing for what is observed or assumed.
    #[must_use]
    pub fn legs(&self) -> Vec<PriceId> {
        match self {
            Origin::Feed(_) | Origin::Constant(_) => Vec::new(),
            Origin::Product { legs, .. } | Origin::Least { legs } | Origin::Greatest { legs } => legs.clone(),
            Origin::Quotient { of, by, .. } => alloc::vec![*of, *by],
            Origin::MulDiv { of, times, over, .. } => alloc::vec![*of, *times, *over],
            Origin::RateCap(cap) => alloc::vec![cap.of],
            Origin::PoolShare(PoolShare { reserves, prices, supply, .. }) => {
                alloc::vec![reserves[0], reserves[1], prices[0], prices[1], *supply]
            }
            Origin::VaultShare(VaultShare { assets, supply, .. }) => alloc::vec![*assets, *supply],
        }
    }

    /// The same rule on other legs: `leg` says what stands in each one's place.
    #[must_use]
    pub fn on(&self, leg: impl Fn(PriceId) -> PriceId) -> Origin {
        let mut origin = self.clone();
        let each: Vec<&mut PriceId> = match &mut origin {
            Origin::Feed(_) | Origin::Constant(_) => Vec::new(),
            Origin::Product { legs, .. } | Origin::Least { legs } | Origin::Greatest { legs } => {
                legs.iter_mut().collect()
            }
            Origin::Quotient { of, by, .. } => alloc::vec![of, by],
            Origin::MulDiv { of, times, over, .. } => alloc::vec![of, times, over],
            Origin::RateCap(cap) => alloc::vec![&mut cap.of],
            Origin::PoolShare(PoolShare { reserves, prices, supply, .. }) => {
                reserves.iter_mut().chain(prices).chain([supply]).collect()
            }
            Origin::VaultShare(VaultShare { assets, supply, .. }) => alloc::vec![assets, supply],
        };
        each.into_iter().for_each(|id| *id = leg(*id));
        origin
    }

    /// Digits after the point that its own arithmetic keeps; `None` of what is written down, or handed on as it is.
    #[must_use]
    pub const fn decimals(&self) -> Option<u8> {
        match self {
            Origin::Product { decimals, .. }
            | Origin::Quotient { decimals, .. }
            | Origin::MulDiv { decimals, .. } => Some(*decimals),
            Origin::RateCap(cap) => Some(cap.decimals),
            Origin::PoolShare(pool) => Some(pool.decimals),
            Origin::VaultShare(vault) => Some(vault.asset_decimals),
            _ => None,
        }
    }

    /// Which way its own arithmetic rounds; `None` where nothing is divided.
    #[must_use]
    pub const fn rounding(&self) -> Option<Rounding> {
        match self {
            Origin::Product { rounding, .. }
            | Origin::Quotient { rounding, .. }
            | Origin::MulDiv { rounding, .. } => Some(*rounding),
            Origin::RateCap(_) => Some(Rounding::Down),
            Origin::PoolShare(pool) => Some(pool.rounding),
            Origin::VaultShare(vault) => Some(vault.rounding),
            _ => None,
        }
    }
}
