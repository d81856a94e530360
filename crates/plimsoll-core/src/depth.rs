//! What selling fetches, as somebody measured it: depth curves and what a call costs, before any book is looked at.
//!
//! A curve says which part of the price a sale of so much brings in all. What is sold beyond its last point brings nobody
//! knows what.

mod made;
mod pool;

pub use made::{Pair as SoldFor, Slope};
pub use pool::{Pool, Rule};

use crate::num::Decimal;
use alloc::string::String;
use alloc::vec::Vec;

/// Everything that is known of the markets in which collateral is sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Depth {
    /// Its name.
    pub name: String,
    /// Where the figures are from.
    pub sources: Vec<String>,
    /// A curve for each asset, or for each asset and what it is sold for.
    pub curves: Vec<DepthCurve>,
    /// What a liquidating call costs, by currency; where none is said of any, nothing.
    pub gas: Vec<Gas>,
    /// The part of what was sold that buyers are found for again between two steps of a path: at least 0, at most 1.
    pub recovers: Decimal,
}

/// What selling one asset brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DepthCurve {
    /// Names of the asset that is sold.
    pub assets: Vec<String>,
    /// Names of what it is sold for; none where it is sold for whatever is owed.
    pub against: Vec<String>,
    /// The price at which the points were measured, in what they were received in.
    pub price: Decimal,
    /// What is sold in all, and what it brings in all (whole tokens): the first grows from point to point, the second never
    /// falls and is never above the first at the price. Nothing brings nothing.
    pub points: Vec<[Decimal; 2]>,
}

/// What a liquidating call costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gas {
    /// Names of the currency.
    pub currency: Vec<String>,
    /// How much of it.
    pub amount: Decimal,
}

impl Depth {
    /// Places after the point that amounts and prices of a curve may have.
    pub const DECIMALS: u8 = 18;

    /// The curve that a sale of one asset for another goes down: one that names both, else one for whatever is owed.
    #[must_use]
    pub fn curve(&self, asset: &str, against: &str) -> Option<usize> {
        let of = |curve: &DepthCurve| curve.assets.iter().any(|name| name == asset);
        let both = |curve: &DepthCurve| of(curve) && curve.against.iter().any(|name| name == against);
        let any = |curve: &DepthCurve| of(curve) && curve.against.is_empty();
        self.curves.iter().position(both).or_else(|| self.curves.iter().position(any))
    }

    /// What a call costs in a currency; `None` where it is said of others alone.
    #[must_use]
    pub fn gas_in(&self, currency: &str) -> Option<Decimal> {
        let named = |gas: &&Gas| gas.currency.iter().any(|name| name == currency);
        match self.gas.iter().find(named) {
            Some(gas) => Some(gas.amount),
            None if self.gas.is_empty() => Some(Decimal::whole(crate::num::Int::ZERO)),
            None => None,
        }
    }
}
