//! Prices: what was observed, and what follows from it.
//!
//! A small typed graph. Its leaves are feeds and constants; above them stand products, quotients and bounds, each
//! with a named rounding. Units multiply out when the graph is built: a price of stETH in ETH cannot stand where
//! one in USD is due. Doubt travels upward: what is built on a stale feed is stale.

use crate::num::{Decimal, Int, Rounding, U256};
use crate::reading::{Reading, Why};
use crate::unit::Time;
use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::fmt;

/// Which question a price answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
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
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scale {
    /// A decimal number of the currency.
    Decimal,
    /// The integer that the venue reads, at the venue's own scale.
    Raw,
}

/// A price as somebody observed it.
#[derive(Clone, Debug, PartialEq, Eq)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PriceId(pub u32);

/// How a price comes about.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// One price of the graph.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// All prices of a book. Invariant: every leg stands before what is built on it, so there are no circles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    prices: Vec<Price>,
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
        let found = match &price.origin {
            Origin::Feed(_) | Origin::Constant(_) => price.unit.clone(),
            Origin::Product { legs, .. } => {
                let units: Result<Vec<PriceUnit>, GraphError> =
                    legs.iter().map(|&leg| self.leg_unit(leg)).collect();
                multiply(&units?)
            }
            Origin::Quotient { of, by, .. } => {
                let (of, by) = (self.leg_unit(*of)?, self.leg_unit(*by)?);
                if of.currency != by.currency {
                    let found = alloc::format!("{} over {}", of.currency, by.currency);
                    return Err(GraphError::Unit { found, expected: of.currency });
                }
                PriceUnit { currency: by.per.unwrap_or_default(), per: of.per }
            }
            Origin::Least { legs } | Origin::Greatest { legs } => {
                let mut units = Vec::new();
                for &leg in legs {
                    units.push(self.leg_unit(leg)?);
                }
                match units.iter().find(|unit| unit.currency != price.unit.currency) {
                    Some(other) => other.clone(),
                    None => price.unit.clone(),
                }
            }
        };
        let same = found.currency == price.unit.currency
            && (found.per.is_none() || price.unit.per.is_none() || found.per == price.unit.per);
        if !same {
            let (found, expected) = (found.to_string(), price.unit.to_string());
            return Err(GraphError::Unit { found, expected });
        }
        self.prices.push(price);
        Ok(PriceId(self.prices.len() as u32 - 1))
    }

    /// Puts an observation in a price's place, whatever it was made of. Name, unit and what is built on it stay.
    ///
    /// `None` when there is no such price.
    #[must_use]
    pub fn observe(&mut self, id: PriceId, observation: Observation) -> Option<()> {
        self.prices.get_mut(id.0 as usize)?.origin = Origin::Feed(observation);
        Some(())
    }

    fn leg_unit(&self, leg: PriceId) -> Result<PriceUnit, GraphError> {
        let price = self.price(leg).ok_or(GraphError::NoSuchLeg)?;
        match &price.origin {
            Origin::Feed(Observation { scale: Scale::Raw, .. }) => {
                Err(GraphError::RawLeg(price.name.clone()))
            }
            _ => Ok(price.unit.clone()),
        }
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

    fn origin(&self, id: PriceId) -> Option<&Origin> {
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
                derived => derive(derived, &quotes),
            });
        }
        quotes
    }

    /// These quotes with some of them replaced, and all that is built on those computed anew.
    #[must_use]
    pub fn replaced(&self, quotes: &[Quote], replaced: &[(PriceId, Quote)]) -> Vec<Quote> {
        let mut quotes = quotes.to_vec();
        let mut moved = alloc::vec![false; self.prices.len()];
        for (at, price) in self.prices.iter().enumerate() {
            if let Some((_, quote)) = replaced.iter().find(|(id, _)| id.0 as usize == at) {
                quotes[at] = *quote;
                moved[at] = true;
            } else if price.origin.legs().iter().any(|leg| moved[leg.0 as usize]) {
                quotes[at] = derive(&price.origin, &quotes);
                moved[at] = true;
            }
        }
        quotes
    }
}

impl Origin {
    /// Observed or assumed, not computed.
    #[must_use]
    pub const fn is_leaf(&self) -> bool {
        matches!(self, Origin::Feed(_) | Origin::Constant(_))
    }

    /// Those legs of which one is handed on as it is: a bound's.
    #[must_use]
    pub fn handed_on(&self) -> Vec<PriceId> {
        match self {
            Origin::Least { legs } | Origin::Greatest { legs } => legs.clone(),
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
        }
    }
}

/// A price from its legs. Observations and assumptions have none: they are missing here.
fn derive(origin: &Origin, quotes: &[Quote]) -> Quote {
    match origin {
        Origin::Product { legs, decimals, rounding } => combine(quotes, legs, |numbers| {
            let mut product = Decimal::whole(Int::ONE);
            for number in numbers {
                product = multiply_decimals(product, *number)?;
            }
            round(product, *decimals, *rounding)
        }),
        Origin::Quotient { of, by, decimals, rounding } => {
            quotient(&quotes[of.0 as usize], &quotes[by.0 as usize], *decimals, *rounding)
        }
        Origin::Least { legs } => {
            combine(quotes, legs, |numbers| numbers.iter().copied().reduce(|x, y| pick(x, y, true)))
        }
        Origin::Greatest { legs } => {
            combine(quotes, legs, |numbers| numbers.iter().copied().reduce(|x, y| pick(x, y, false)))
        }
        Origin::Feed(_) | Origin::Constant(_) => Quote {
            value: None,
            scale: Scale::Decimal,
            doubt: Some(Why::Missing),
            low: NOTHING,
            high: None,
            observed_at: None,
        },
    }
}

/// Where a price stands that is not inside its bounds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Past {
    At,
    Beyond,
}

impl Past {
    /// From the lower of the two that should be, compared with the higher. What cannot be compared is far beyond.
    fn of(order: Option<Ordering>) -> Option<Past> {
        match order {
            Some(Ordering::Less) => None,
            Some(Ordering::Equal) => Some(Past::At),
            Some(Ordering::Greater) | None => Some(Past::Beyond),
        }
    }
}

impl Observation {
    fn quote(&self, at: Time) -> Quote {
        let doubt = self.doubt(at);
        let (low, high) = self.ends(doubt);
        Quote { value: self.price, scale: self.scale, doubt, low, high, observed_at: self.observed_at }
    }

    /// The lowest and the highest that the truth may be.
    ///
    /// A feed's floor and ceiling bound what it says, not what is true: an old or absent price may be anything,
    /// and at a bound the truth lies beyond it. A price beyond a bound is one that the feed cannot have said: it is
    /// another feed's, or of another scale, and tells nothing.
    fn ends(&self, doubt: Option<Why>) -> (Decimal, Option<Decimal>) {
        let (Some(price), None | Some(Why::Confidence | Why::AtBound)) = (self.price, doubt) else {
            return (NOTHING, None);
        };
        let (floor, ceiling) = (self.past_floor(price), self.past_ceiling(price));
        if floor == Some(Past::Beyond) || ceiling == Some(Past::Beyond) {
            return (NOTHING, None);
        }
        let Some((low, high)) = spread(price, self.confidence.unwrap_or(NOTHING)) else {
            return (NOTHING, None);
        };
        (if floor.is_some() { NOTHING } else { low }, ceiling.is_none().then_some(high))
    }

    fn past_floor(&self, price: Decimal) -> Option<Past> {
        Past::of(compare(self.floor?, price))
    }

    fn past_ceiling(&self, price: Decimal) -> Option<Past> {
        Past::of(compare(price, self.ceiling?))
    }

    fn doubt(&self, at: Time) -> Option<Why> {
        let Some(price) = self.price else { return Some(Why::Missing) };
        if price.mantissa.is_negative() || price.mantissa.is_zero() {
            return Some(Why::NotPositive);
        }
        match (self.observed_at.map(|observed| at.since(observed)), self.max_age) {
            (Some(None), _) => return Some(Why::FromTheFuture),
            (Some(Some(age)), Some(limit)) if age > limit => return Some(Why::Stale),
            (None, Some(_)) => return Some(Why::Undated),
            _ => {}
        }
        if self.past_floor(price).or(self.past_ceiling(price)).is_some() {
            return Some(Why::AtBound);
        }
        self.confidence.filter(|width| !width.mantissa.is_zero()).map(|_| Why::Confidence)
    }
}

impl Quote {
    /// A price that is supposed to be somewhere between two; its value is the lower one.
    #[must_use]
    pub fn between(low: Decimal, high: Decimal, scale: Scale) -> Quote {
        Quote { value: Some(low), scale, doubt: None, low, high: Some(high), observed_at: None }
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
        // Bounds may be finer than the slot: widen them outward.
        let low = round(self.low, decimals, Rounding::Down).and_then(|low| low.scaled_amount(decimals).ok());
        let high = self.high.and_then(|high| round(high, decimals, Rounding::Up));
        let high = high.and_then(|high| high.scaled_amount(decimals).ok());
        Ok(Reading { value: Some(value), doubt: self.doubt, low: low.unwrap_or(U256::ZERO), high })
    }
}

fn multiply(units: &[PriceUnit]) -> PriceUnit {
    let mut currencies: Vec<&str> = units.iter().map(|unit| unit.currency.as_str()).collect();
    let mut pers = Vec::new();
    for per in units.iter().filter_map(|unit| unit.per.as_deref()) {
        match currencies.iter().position(|currency| *currency == per) {
            Some(at) => {
                currencies.remove(at);
            }
            None => pers.push(per),
        }
    }
    // A leg that does not say what it prices is taken to price the currency of the leg before it.
    let unnamed = units.iter().skip(1).filter(|unit| unit.per.is_none()).count();
    let spare = unnamed.min(currencies.len().saturating_sub(1));
    currencies.drain(..spare);
    let per = if pers.is_empty() { None } else { Some(pers.join("*")) };
    PriceUnit { currency: currencies.join("*"), per }
}

fn combine(quotes: &[Quote], legs: &[PriceId], rule: impl Fn(&[Decimal]) -> Option<Decimal>) -> Quote {
    let legs: Vec<&Quote> = legs.iter().map(|leg| &quotes[leg.0 as usize]).collect();
    let all = |side: fn(&Quote) -> Option<Decimal>| -> Option<Decimal> {
        let numbers: Option<Vec<Decimal>> = legs.iter().map(|leg| side(leg)).collect();
        rule(&numbers?)
    };
    let value = all(|leg| leg.value);
    let doubt =
        legs.iter().find_map(|leg| leg.doubt).or(if value.is_none() { Some(Why::Missing) } else { None });
    Quote {
        value,
        scale: Scale::Decimal,
        doubt,
        low: all(|leg| Some(leg.low)).unwrap_or(NOTHING),
        high: all(|leg| leg.high),
        observed_at: legs.iter().filter_map(|leg| leg.observed_at).min(),
    }
}

fn quotient(of: &Quote, by: &Quote, decimals: u8, rounding: Rounding) -> Quote {
    let divide = |x: Option<Decimal>, y: Option<Decimal>| divide_decimals(x?, y?, decimals, rounding);
    let value = divide(of.value, by.value);
    Quote {
        value,
        scale: Scale::Decimal,
        doubt: of.doubt.or(by.doubt).or(if value.is_none() { Some(Why::Missing) } else { None }),
        low: divide(Some(of.low), by.high).unwrap_or(NOTHING),
        high: divide(of.high, Some(by.low)),
        observed_at: [of.observed_at, by.observed_at].into_iter().flatten().min(),
    }
}

fn multiply_decimals(x: Decimal, y: Decimal) -> Option<Decimal> {
    let decimals = x.decimals.checked_add(y.decimals)?;
    Some(Decimal { mantissa: x.mantissa.mul(y.mantissa)?, decimals })
}

fn divide_decimals(x: Decimal, y: Decimal, decimals: u8, rounding: Rounding) -> Option<Decimal> {
    let up = decimals.checked_add(y.decimals)?;
    let (x_power, y_power) = (U256::pow10(up)?, U256::pow10(x.decimals)?);
    let divisor = y.mantissa.magnitude().mul(y_power)?;
    if x.mantissa.is_negative() || y.mantissa.is_negative() {
        return None;
    }
    let quotient = x.mantissa.magnitude().mul_div_wide(x_power, divisor, rounding)?;
    Some(Decimal { mantissa: quotient.into(), decimals })
}

fn round(number: Decimal, decimals: u8, rounding: Rounding) -> Option<Decimal> {
    if number.decimals <= decimals {
        let power = U256::pow10(decimals - number.decimals)?;
        return Some(Decimal { mantissa: number.mantissa.mul(Int::from(power))?, decimals });
    }
    let power = U256::pow10(number.decimals - decimals)?;
    let magnitude = number.mantissa.magnitude().div(power, rounding)?;
    Some(Decimal { mantissa: Int::from_parts(number.mantissa.is_negative(), magnitude), decimals })
}

fn spread(price: Decimal, width: Decimal) -> Option<(Decimal, Decimal)> {
    let decimals = price.decimals.max(width.decimals);
    let (price, width) = (price.scaled(decimals).ok()?, width.scaled(decimals).ok()?);
    let low = price.sub(width)?;
    let low = if low.is_negative() { Int::ZERO } else { low };
    Some((Decimal { mantissa: low, decimals }, Decimal { mantissa: price.add(width)?, decimals }))
}

/// `None` for numbers too far apart in scale to compare in 256 bits.
fn compare(x: Decimal, y: Decimal) -> Option<Ordering> {
    let decimals = x.decimals.max(y.decimals);
    Some(x.scaled(decimals).ok()?.cmp(&y.scaled(decimals).ok()?))
}

fn pick(x: Decimal, y: Decimal, least: bool) -> Decimal {
    if (compare(x, y) == Some(Ordering::Less)) == least { x } else { y }
}
