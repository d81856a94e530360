//! Implied volatilities as somebody observed them: a surface of points, each with its expiry and strike.
//!
//! A surface says what its source said and nothing between: how to interpolate is a rule of the venue that margins by
//! it. So there are two questions, the exact point and the points around a place, and both are answered with what is
//! doubtful about them.
//!
//! A market that margins by a point reads it like a price ([`Graph::wire_vol`]): a feed that says what the surface says, as old as it is and with its limit
//! of age.

use super::{FeedKind, Graph, Observation, Origin, Price, PriceId, PriceUnit, Scale};
use crate::num::{Decimal, DecimalError, U256};
use crate::reading::Why;
use crate::unit::Time;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use core::fmt;
use core::ops::Bound;
use serde::{Deserialize, Serialize};

/// Strikes and volatilities have at most so many digits after the point; zeros at the end do not count.
pub const VOL_DIGITS: u8 = 10;

/// What a volatility is counted in, where it stands among prices.
pub const VOL_UNIT: &str = "annual";

/// A volatility a year is below this: 1,000 %. What is above it is a percentage that was taken for a fraction.
pub const VOL_MAX: u64 = 10;

/// What a surface says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolHead {
    /// The name that markets will wire it by.
    pub name: String,
    /// What the options are on.
    pub underlying: String,
    /// What the strikes are counted in.
    pub currency: String,
    /// Who says so.
    pub source: String,
    /// When it was observed.
    pub observed_at: Time,
    /// Older than this (s) it is stale; `None` where the file sets no limit.
    pub max_age: Option<u64>,
}

/// One point of a surface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolPoint {
    /// When the option expires.
    pub expiry: Time,
    /// The price at which it is exercised, in the surface's currency for one of the underlying.
    pub strike: Decimal,
    /// The implied volatility a year: 0.65 is 65 %.
    pub volatility: Decimal,
}

/// Why a point cannot join a surface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VolError {
    /// It expires at the time of observation or before.
    Expired,
    /// The strike is not positive, or does not fit 256 bits.
    Strike,
    /// The strike has more than [`VOL_DIGITS`] digits after the point.
    StrikeTooFine,
    /// The volatility is not above zero and below [`VOL_MAX`].
    Volatility,
    /// The volatility has more than [`VOL_DIGITS`] digits after the point.
    VolatilityTooFine,
    /// A point of this expiry and strike stands already.
    Twice,
}

impl fmt::Display for VolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VolError::Expired => f.write_str("an expiry that is not after the observation"),
            VolError::Strike => f.write_str("a strike that is not positive or does not fit 256 bits"),
            VolError::StrikeTooFine => {
                write!(f, "a strike with more than {VOL_DIGITS} digits after the point")
            }
            VolError::Volatility => write!(f, "a volatility that is not above 0 and below {VOL_MAX}"),
            VolError::VolatilityTooFine => {
                write!(f, "a volatility with more than {VOL_DIGITS} digits after the point")
            }
            VolError::Twice => f.write_str("a second point of this expiry and strike"),
        }
    }
}

/// A strike in units of 10^-[`VOL_DIGITS`], so that 60000 and 60000.0 are one place.
type Strike = U256;

/// Implied volatilities of one underlying from one source.
///
/// Invariant: points stand by expiry, then strike, no two at one place; each expires after the observation, and has a
/// positive strike and a volatility above 0 and below [`VOL_MAX`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolSurface {
    head: VolHead,
    points: BTreeMap<(Time, Strike), VolPoint>,
}

/// A volatility at a time, with what is doubtful about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VolQuote {
    /// What the source said; `None` where it said nothing of this place.
    pub volatility: Option<Decimal>,
    /// What is wrong with it; where it is not `None` the volatility is unknown.
    pub doubt: Option<Why>,
}

/// The points of one expiry on both sides of a strike; a point at the strike is both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VolSlice {
    /// The expiry of both.
    pub expiry: Time,
    /// The nearest point at the strike or below.
    pub below: Option<VolPoint>,
    /// The nearest point at the strike or above.
    pub above: Option<VolPoint>,
}

/// What stands around a place of a surface at a time; a slice at the expiry is both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VolAround {
    /// The nearest slice at the expiry or before that has not expired.
    pub earlier: Option<VolSlice>,
    /// The nearest slice at the expiry or after.
    pub later: Option<VolSlice>,
    /// What is wrong with the points; where it is not `None` whatever is made of them is unknown.
    pub doubt: Option<Why>,
}

impl VolSurface {
    /// A surface without points, of which everything is missing.
    #[must_use]
    pub const fn new(head: VolHead) -> VolSurface {
        VolSurface { head, points: BTreeMap::new() }
    }

    /// What it says of itself.
    #[must_use]
    pub const fn head(&self) -> &VolHead {
        &self.head
    }

    /// Every point, by expiry and then by strike.
    pub fn points(&self) -> impl Iterator<Item = &VolPoint> {
        self.points.values()
    }

    /// Adds a point in its place.
    ///
    /// # Errors
    /// When the point breaks the surface's invariant; the surface is then as it was.
    pub fn add(&mut self, point: VolPoint) -> Result<(), VolError> {
        if point.expiry <= self.head.observed_at {
            return Err(VolError::Expired);
        }
        let strike = units(point.strike, VolError::Strike, VolError::StrikeTooFine)?;
        let volatility = units(point.volatility, VolError::Volatility, VolError::VolatilityTooFine)?;
        let one = U256::pow10(VOL_DIGITS).ok_or(VolError::Volatility)?;
        if one.mul(U256::from(VOL_MAX)).is_none_or(|limit| volatility >= limit) {
            return Err(VolError::Volatility);
        }
        let place = (point.expiry, strike);
        if self.points.contains_key(&place) {
            return Err(VolError::Twice);
        }
        self.points.insert(place, point);
        Ok(())
    }

    /// The volatility at exactly this place. What has expired has none.
    #[must_use]
    pub fn quote(&self, expiry: Time, strike: Decimal, at: Time) -> VolQuote {
        let strike = strike.scaled_amount(VOL_DIGITS).ok().filter(|_| expiry > at);
        let found = strike.and_then(|strike| self.points.get(&(expiry, strike)));
        let doubt = if found.is_some() { self.doubt(at) } else { Some(Why::Missing) };
        VolQuote { volatility: found.map(|point| point.volatility), doubt }
    }

    /// The point at exactly this place as a price of a book; without a value where there is none.
    #[must_use]
    pub fn price(&self, expiry: Time, strike: Decimal) -> Price {
        let place = strike.scaled_amount(VOL_DIGITS).ok().map(|strike| (expiry, strike));
        let volatility = place.and_then(|place| self.points.get(&place)).map(|point| point.volatility);
        let head = &self.head;
        let observation = Observation {
            kind: FeedKind::Oracle,
            price: volatility,
            scale: Scale::Decimal,
            source: head.source.clone(),
            observed_at: Some(head.observed_at),
            max_age: head.max_age,
            confidence: None,
            floor: None,
            ceiling: None,
        };
        Price {
            name: format!("{} {expiry} {}", head.name, strike.trimmed()),
            unit: PriceUnit { currency: VOL_UNIT.to_string(), per: None },
            origin: Origin::Feed(observation),
        }
    }

    /// The points around a place: of the slices on both sides of the expiry, those on both sides of the strike. There
    /// are none around a strike that is not positive, or around what has expired.
    #[must_use]
    pub fn around(&self, expiry: Time, strike: Decimal, at: Time) -> VolAround {
        let nothing = VolAround { earlier: None, later: None, doubt: Some(Why::Missing) };
        if expiry <= at || strike.mantissa.is_negative() || strike.mantissa.is_zero() {
            return nothing;
        }
        // After this point the bounds of every range below are in order.
        let alive = self.points.range((at.plus(1), U256::ZERO)..=(expiry, U256::MAX));
        let earlier = alive.map(|(place, _)| place.0).next_back();
        let later = self.points.range((expiry, U256::ZERO)..).map(|(place, _)| place.0).next();
        let slice = |expiry| self.slice(expiry, strike);
        let around =
            VolAround { earlier: earlier.map(slice), later: later.map(slice), doubt: self.doubt(at) };
        if earlier.or(later).is_none() { nothing } else { around }
    }

    /// The points of an expiry around a positive strike, which may have more digits than those of points.
    fn slice(&self, expiry: Time, strike: Decimal) -> VolSlice {
        let cut = strike.cut(VOL_DIGITS);
        // Beyond 256 bits it is above every point.
        let floor = cut.scaled_amount(VOL_DIGITS).unwrap_or(U256::MAX);
        let exact = strike.scaled_amount(VOL_DIGITS).is_ok();
        let from = if exact { Bound::Included((expiry, floor)) } else { Bound::Excluded((expiry, floor)) };
        let below = self.points.range((expiry, U256::ZERO)..=(expiry, floor)).next_back();
        let above = self.points.range((from, Bound::Included((expiry, U256::MAX)))).next();
        VolSlice { expiry, below: below.map(|(_, point)| *point), above: above.map(|(_, point)| *point) }
    }

    /// What is wrong with all of it at a time.
    fn doubt(&self, at: Time) -> Option<Why> {
        match (at.since(self.head.observed_at), self.head.max_age) {
            (None, _) => Some(Why::FromTheFuture),
            (Some(age), Some(limit)) if age > limit => Some(Why::Stale),
            _ => None,
        }
    }
}

impl Graph {
    /// The price that says what a surface says of a place, which is added where it does not stand yet. `None` where no surface has the name,
    /// or another price that of the point.
    #[must_use]
    pub fn wire_vol(&mut self, surface: &str, expiry: Time, strike: Decimal) -> Option<PriceId> {
        let surface = self.surfaces().iter().find(|known| known.head().name == surface)?;
        let price = surface.price(expiry, strike);
        match self.find(&price.name) {
            Some(id) => (self.price(id)?.unit == price.unit).then_some(id),
            None => self.add(price).ok(),
        }
    }

    /// Whether a price stands here only because a market reads a point of a surface ([`Graph::wire_vol`]).
    #[must_use]
    pub fn is_vol(&self, price: &Price) -> bool {
        price.unit.currency == VOL_UNIT
            && self.surfaces().iter().any(|surface| {
                price
                    .name
                    .strip_prefix(surface.head().name.as_str())
                    .is_some_and(|rest| rest.starts_with(' '))
            })
    }
}

/// A positive number in units of 10^-[`VOL_DIGITS`].
fn units(number: Decimal, out_of_range: VolError, too_fine: VolError) -> Result<U256, VolError> {
    match number.scaled_amount(VOL_DIGITS) {
        Ok(units) if units != U256::ZERO => Ok(units),
        Err(DecimalError::TooFine { .. }) => Err(too_fine),
        _ => Err(out_of_range),
    }
}
