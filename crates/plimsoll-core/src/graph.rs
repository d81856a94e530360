//! Prices: what was observed, and what follows from it.
//!
//! A small typed graph. Its leaves are feeds and constants; above them stand products, quotients, bounds, and what
//! shares of pools and vaults are worth, each with a named rounding. Units multiply out when the graph is built: a price
//! of stETH in ETH cannot stand where one in USD is due. Doubt travels upward: what is built on a stale feed is stale.
//!
//! * [`Origin`]: how a price comes about.
//! * `units`: what the legs of a price come to.
//! * `observed`: a feed at a time, and how far it may be from the truth.
//! * `derived`: a price from its legs.
//! * `shares`: the arithmetic of capped rates, pools and vaults.
//! * [`look`](Look): which leaves move a price, and which of them see the market.
//! * [`VolSurface`]: implied volatilities, which stand beside the prices; a point that a market margins by is read like a price.

mod derived;
mod look;
mod observed;
mod origin;
mod shares;
mod units;
mod vols;

pub use look::{Leaf, Look, Sight};
pub use origin::Origin;
pub use shares::{PoolShare, PoolValue, RateCap, VaultShare};
pub use vols::{
    VOL_DIGITS, VOL_MAX, VOL_UNIT, VolAround, VolError, VolHead, VolPoint, VolQuote, VolSlice, VolSurface,
};

use crate::num::{Decimal, Int, Rounding, U256};
use crate::reading::{Reading, Why};
use crate::unit::Time;
use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use derived::{derive, round};
use serde::{Deserialize, Serialize};

/// Which question a price answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FeedKind {
    /// What a venue acts on.
    Oracle,
    /// What a sale fetches.
    Market,
    /// What the issuer pays.
    Redemption,
}

impl FeedKind {
    /// The word used in files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            FeedKind::Oracle => "oracle",
            FeedKind::Market => "market",
            FeedKind::Redemption => "redemption",
        }
    }
}

/// What a price is counted in, and of what it is the price: `USD/ETH` is dollars per ether.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PriceUnit {
    /// The currency the price is counted in.
    pub currency: String,
    /// The thing that is priced, where the file says it.
    pub per: Option<String>,
}

impl PriceUnit {
    /// Reads `USD` or `USD/ETH`.
    #[must_use]
    pub fn parse(text: &str) -> Option<PriceUnit> {
        let word = |w: &str| !w.is_empty() && w.chars().all(|c| c.is_ascii_graphic() && c != '/' && c != ',');
        match text.split_once('/') {
            None => word(text).then(|| PriceUnit { currency: text.to_string(), per: None }),
            Some((currency, per)) => (word(currency) && word(per))
                .then(|| PriceUnit { currency: currency.to_string(), per: Some(per.to_string()) }),
        }
    }
}

impl fmt::Display for PriceUnit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.per {
            Some(per) => write!(f, "{}/{per}", self.currency),
            None => f.write_str(&self.currency),
        }
    }
}

/// In which numbers a price is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Scale {
    /// A decimal number of the currency.
    Decimal,
    /// The integer that the venue reads, at the venue's own scale.
    Raw,
}

/// A price as somebody observed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// Which question it answers.
    pub kind: FeedKind,
    /// The price; `None` where the source gave none.
    pub price: Option<Decimal>,
    /// Decimal, or the venue's own integer.
    pub scale: Scale,
    /// Who says so.
    pub source: String,
    /// When it was observed.
    pub observed_at: Option<Time>,
    /// Older than this (s) it is stale, and without a date it is doubtful; `None` where the file sets no limit.
    pub max_age: Option<u64>,
    /// Half the width of the source's own uncertainty, in the price's scale.
    pub confidence: Option<Decimal>,
    /// The feed cannot say less than this: at it, the truth may be anything below.
    pub floor: Option<Decimal>,
    /// The feed cannot say more than this: at it, the truth may be anything above.
    pub ceiling: Option<Decimal>,
}

/// A price's place in its graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PriceId(pub u32);

/// One price of the graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// The name that markets wire it by.
    pub name: String,
    /// What it is counted in.
    pub unit: PriceUnit,
    /// How it comes about.
    pub origin: Origin,
}

/// Why a price cannot join the graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GraphError {
    /// The name is taken.
    Duplicate,
    /// A leg that is not in the graph (yet).
    NoSuchLeg,
    /// A leg written in a venue's own integers has no unit to compute with.
    RawLeg(String),
    /// The legs do not multiply out to the unit that was declared.
    Unit {
        /// What the legs come to.
        found: String,
        /// What was declared.
        expected: String,
    },
}

impl fmt::Display for GraphError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GraphError::Duplicate => f.write_str("a price of this name stands already"),
            GraphError::NoSuchLeg => f.write_str("a leg that is not defined before this price"),
            GraphError::RawLeg(name) => {
                write!(f, "leg {name} is in a venue's raw integers and cannot be computed with")
            }
            GraphError::Unit { found, expected } => {
                write!(f, "the legs come to {found}, expected {expected}")
            }
        }
    }
}

/// All prices of a book, and its surfaces of implied volatilities. Invariant: every leg stands before what is built on
/// it, so there are no circles; no two surfaces have one name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    prices: Vec<Price>,
    surfaces: Vec<VolSurface>,
}

/// A price at one time, with what is doubtful about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// What a venue would use; `None` where there is nothing.
    pub value: Option<Decimal>,
    /// Decimal, or a venue's own integer.
    pub scale: Scale,
    /// What is wrong with it.
    pub doubt: Option<Why>,
    /// The lowest that it may be.
    pub low: Decimal,
    /// The highest that it may be; `None` without bound.
    pub high: Option<Decimal>,
    /// When its oldest leg was observed.
    pub observed_at: Option<Time>,
}

const NOTHING: Decimal = Decimal::whole(Int::ZERO);

impl Graph {
    /// Every price, legs before what is built on them.
    #[must_use]
    pub fn prices(&self) -> &[Price] {
        &self.prices
    }

    /// The price of a name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<PriceId> {
        self.prices.iter().position(|price| price.name == name).map(|at| PriceId(at as u32))
    }

    /// The price of an id.
    #[must_use]
    pub fn price(&self, id: PriceId) -> Option<&Price> {
        self.prices.get(id.0 as usize)
    }

    /// Adds a price after its legs.
    ///
    /// # Errors
    /// When the name is taken, a leg is missing or raw, or the units do not multiply out.
    pub fn add(&mut self, price: Price) -> Result<PriceId, GraphError> {
        if self.find(&price.name).is_some() {
            return Err(GraphError::Duplicate);
        }
        let found = self.found_unit(&price)?;
        let same = found.currency == price.unit.currency
            && (found.per.is_none() || price.unit.per.is_none() || found.per == price.unit.per);
        if !same {
            let (found, expected) = (found.to_string(), price.unit.to_string());
            return Err(GraphError::Unit { found, expected });
        }
        self.prices.push(price);
        Ok(PriceId(self.prices.len() as u32 - 1))
    }

    /// Every surface of implied volatilities, in the order of the file.
    #[must_use]
    pub fn surfaces(&self) -> &[VolSurface] {
        &self.surfaces
    }

    /// Adds a surface. `None` when its name is taken by another one.
    #[must_use]
    pub fn add_surface(&mut self, surface: VolSurface) -> Option<()> {
        let taken = self.surfaces.iter().any(|other| other.head().name == surface.head().name);
        (!taken).then(|| self.surfaces.push(surface))
    }

    /// Puts an observation in a price's place, whatever it was made of. Name, unit and what is built on it stay.
    ///
    /// `None` when there is no such price.
    #[must_use]
    pub fn observe(&mut self, id: PriceId, observation: Observation) -> Option<()> {
        self.prices.get_mut(id.0 as usize)?.origin = Origin::Feed(observation);
        Some(())
    }

    /// The feeds that a price rests on, each once, in order.
    #[must_use]
    pub fn leaves(&self, id: PriceId) -> Vec<PriceId> {
        self.below(id, Origin::legs)
            .into_iter()
            .filter(|&id| self.origin(id).is_none_or(Origin::is_leaf))
            .collect()
    }

    /// A price and all that is reached from it by these legs, each once, in order.
    #[must_use]
    pub fn below(&self, id: PriceId, legs: impl Fn(&Origin) -> Vec<PriceId>) -> Vec<PriceId> {
        // Prices may share legs at every level: who is seen twice must not be followed twice.
        let mut seen = BTreeSet::from([id]);
        let mut open = alloc::vec![id];
        while let Some(next) = open.pop() {
            let legs = self.origin(next).map_or_else(Vec::new, &legs);
            open.extend(legs.into_iter().filter(|&leg| seen.insert(leg)));
        }
        seen.into_iter().collect()
    }

    /// The feeds that are no prices but amounts: what pools and vaults hold, and their shares.
    #[must_use]
    pub fn amounts(&self) -> BTreeSet<PriceId> {
        let of = |price: &Price| match &price.origin {
            Origin::PoolShare(PoolShare { reserves: [x, y], supply, .. }) => alloc::vec![*x, *y, *supply],
            Origin::VaultShare(VaultShare { assets, supply, .. }) => alloc::vec![*assets, *supply],
            _ => Vec::new(),
        };
        self.prices.iter().flat_map(of).collect()
    }

    /// How the price of an id comes about.
    #[must_use]
    pub fn origin(&self, id: PriceId) -> Option<&Origin> {
        self.price(id).map(|price| &price.origin)
    }

    /// Every price at a time.
    #[must_use]
    pub fn quotes(&self, at: Time) -> Vec<Quote> {
        let mut quotes: Vec<Quote> = Vec::with_capacity(self.prices.len());
        for price in &self.prices {
            quotes.push(match &price.origin {
                Origin::Feed(observation) => observation.quote(at),
                Origin::Constant(value) => Quote::between(*value, *value, Scale::Decimal),
                derived => derive(derived, &quotes, at),
            });
        }
        quotes
    }

    /// These quotes of a time with some of them replaced, and all that is built on those computed anew.
    #[must_use]
    pub fn replaced(&self, quotes: &[Quote], replaced: &[(PriceId, Quote)], at: Time) -> Vec<Quote> {
        let mut quotes = quotes.to_vec();
        let mut moved = alloc::vec![false; self.prices.len()];
        for (place, price) in self.prices.iter().enumerate() {
            if let Some((_, quote)) = replaced.iter().find(|(id, _)| id.0 as usize == place) {
                quotes[place] = *quote;
                moved[place] = true;
            } else if price.origin.legs().iter().any(|leg| moved[leg.0 as usize]) {
                quotes[place] = derive(&price.origin, &quotes, at);
                moved[place] = true;
            }
        }
        quotes
    }
}

impl Quote {
    /// A price that is supposed to be somewhere between two; its value is the lower one.
    #[must_use]
    pub fn between(low: Decimal, high: Decimal, scale: Scale) -> Quote {
        Quote { value: Some(low), scale, doubt: None, low, high: Some(high), observed_at: None }
    }

    /// It may be nothing else than its value.
    pub(crate) fn is_a_point(&self) -> bool {
        self.value == Some(self.low) && self.high == Some(self.low)
    }

    /// The same price without its doubt: as the venue will use it. Where there is no value it stays unknown.
    #[must_use]
    pub fn as_used(self) -> Quote {
        match self.value {
            Some(value) => {
                Quote { observed_at: self.observed_at, ..Quote::between(value, value, self.scale) }
            }
            None => self,
        }
    }

    /// The price in the integers of a market's slot.
    ///
    /// # Errors
    /// When the value has more digits than the slot, or does not fit 256 bits.
    pub fn reading(&self, decimals: u8) -> Result<Reading, crate::num::DecimalError> {
        let decimals = match self.scale {
            Scale::Decimal => decimals,
            Scale::Raw => 0,
        };
        let value = match self.value {
            Some(value) if !value.mantissa.is_negative() => Some(value.scaled_amount(decimals)?),
            _ => None,
        };
        // A price of zero is no price, even where it was computed from good ones.
        let Some(value) = value.filter(|value| *value != U256::ZERO) else {
            return Ok(Reading::unknown(None, self.doubt.unwrap_or(Why::NotPositive)));
        };
        if self.is_a_point() {
            return Ok(Reading { value: Some(value), doubt: self.doubt, low: value, high: Some(value) });
        }
        // Bounds may be finer than the slot: widen them outward.
        let low = round(self.low, decimals, Rounding::Down).and_then(|low| low.scaled_amount(decimals).ok());
        let high = self.high.and_then(|high| round(high, decimals, Rounding::Up));
        let high = high.and_then(|high| high.scaled_amount(decimals).ok());
        Ok(Reading { value: Some(value), doubt: self.doubt, low: low.unwrap_or(U256::ZERO), high })
    }
}
