//! What a market is made of, and what must hold of it.

use super::model::{self, Model, ONE};
use crate::black76::Right;
pub use crate::market::{MOST, MOST_DECIMALS, MOST_PRICE_DECIMALS, SpecError};
use crate::schedule::Schedule;
use alloc::string::String;
use alloc::vec::Vec;
use plimsoll_core::{Time, U256};

/// Most contracts.
pub const MOST_CONTRACTS: usize = 100_000;

/// An asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Its name.
    pub name: String,
    /// Decimals of its raw unit.
    pub decimals: u8,
    /// Whether the market reads a price of it; otherwise it is worth one of the currency.
    pub priced: bool,
    /// What is taken off the value of what is held, and put onto that of what is owed (millionths).
    pub haircut: u32,
    /// The underlying with which it moves in scenarios, as a place among the market's; `None` for none.
    pub underlying: Option<usize>,
    /// Whether it can be borrowed.
    pub lends: bool,
}

/// Something that contracts are on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Underlying {
    /// Its name.
    pub name: String,
    /// The surface of its volatilities; empty for none.
    pub surface: String,
}

/// A time at which contracts on an underlying expire: they have one forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// The underlying, as a place among the market's.
    pub underlying: usize,
    /// When.
    pub at: Time,
}

/// What a contract pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terms {
    /// The change of a price of its own, without end.
    Perp,
    /// The change of the forward of an expiry, as a place among the market's.
    Future {
        /// Which expiry.
        expiry: usize,
    },
    /// What the forward is beyond the strike when it expires.
    Option {
        /// Which expiry.
        expiry: usize,
        /// The strike (in the decimals of prices).
        strike: U256,
        /// Call or put.
        right: Right,
    },
}

impl Terms {
    /// Where it expires.
    #[must_use]
    pub const fn expiry(&self) -> Option<usize> {
        match self {
            Terms::Perp => None,
            Terms::Future { expiry } | Terms::Option { expiry, .. } => Some(*expiry),
        }
    }
}

/// A contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    /// Its name.
    pub name: String,
    /// What it is on, as a place among the market's.
    pub underlying: usize,
    /// Decimals of its base.
    pub decimals: u8,
    /// The least by which a position changes (raw base).
    pub lot: U256,
    /// What it pays.
    pub terms: Terms,
}

/// What a market is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// What prices and values are counted in.
    pub currency: String,
    /// Decimals of prices.
    pub price_decimals: u8,
    /// When it was like this.
    pub updated: Time,
    /// The asset in which contracts settle, worth one of the currency.
    pub settles_in: usize,
    /// Its assets.
    pub assets: Vec<Asset>,
    /// What contracts are on.
    pub underlyings: Vec<Underlying>,
    /// When they expire.
    pub expiries: Vec<Expiry>,
    /// Its contracts.
    pub contracts: Vec<Contract>,
    /// What a liquidator takes of the notional that he closes: base times the forward, or the perp's price (millionths).
    pub fee: u32,
    /// Margins of underlyings that change with time: scenarios of which all counts are scaled so that the furthest fall is the one of who holds, and the furthest rise the one
    /// of who owes.
    pub schedules: Vec<Schedule>,
    /// How it margins.
    pub model: Model,
}

/// What [`super::Market::new`] asks of a spec.
pub(super) fn sound(spec: &Spec) -> Result<(), SpecError> {
    let wrong = |what, place| Err(SpecError { what, place });
    if spec.price_decimals > MOST_PRICE_DECIMALS {
        return wrong("price_decimals", 0);
    }
    let many = [spec.assets.len(), spec.underlyings.len(), spec.expiries.len()];
    if many.iter().any(|count| *count > MOST) || spec.contracts.len() > MOST_CONTRACTS {
        return wrong("their number", 0);
    }
    if spec.underlyings.is_empty() {
        return wrong("no underlying", 0);
    }
    if spec.assets.get(spec.settles_in).is_none_or(|asset| asset.priced || asset.underlying.is_some()) {
        return wrong("settles_in", spec.settles_in);
    }
    if spec.fee > ONE {
        return wrong("liquidation_fee", 0);
    }
    if let Some(what) = model::unsound(&spec.model) {
        return wrong(what, 0);
    }
    let known = |underlying: usize| underlying < spec.underlyings.len();
    for (place, asset) in spec.assets.iter().enumerate() {
        if asset.decimals > MOST_DECIMALS {
            return wrong("decimals", place);
        }
        if asset.haircut > ONE {
            return wrong("haircut", place);
        }
        if asset.underlying.is_some_and(|underlying| !known(underlying) || !asset.priced) {
            return wrong("moves_with", place);
        }
    }
    for (place, expiry) in spec.expiries.iter().enumerate() {
        if !known(expiry.underlying) || spec.expiries[..place].contains(expiry) {
            return wrong("expiry", place);
        }
    }
    for (place, contract) in spec.contracts.iter().enumerate() {
        if contract.decimals > MOST_DECIMALS {
            return wrong("contract_decimals", place);
        }
        if contract.lot == U256::ZERO || contract.lot.bit_len() > 126 {
            return wrong("lot", place);
        }
        let of = |expiry: usize| spec.expiries.get(expiry).map(|expiry| expiry.underlying);
        let fits = contract.terms.expiry().is_none_or(|expiry| of(expiry) == Some(contract.underlying));
        if !known(contract.underlying) || !fits {
            return wrong("underlying", place);
        }
        if let Terms::Option { strike, .. } = contract.terms {
            if strike == U256::ZERO || strike.bit_len() > 80 {
                return wrong("strike", place);
            }
            if spec.underlyings[contract.underlying].surface.is_empty() {
                return wrong("surface", place);
            }
        }
    }
    crate::market::scheduled(&spec.schedules, spec.underlyings.len())
}
