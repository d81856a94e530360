//! What a feed says at a time, how far it may be from the truth, and why.

use super::derived::compare;
use super::{NOTHING, Observation, Quote};
use crate::num::{Decimal, Int};
use crate::reading::Why;
use crate::unit::Time;
use core::cmp::Ordering;

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
    pub(super) fn quote(&self, at: Time) -> Quote {
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

fn spread(price: Decimal, width: Decimal) -> Option<(Decimal, Decimal)> {
    let decimals = price.decimals.max(width.decimals);
    let (price, width) = (price.scaled(decimals).ok()?, width.scaled(decimals).ok()?);
    let low = price.sub(width)?;
    let low = if low.is_negative() { Int::ZERO } else { low };
    Some((Decimal { mantissa: low, decimals }, Decimal { mantissa: price.add(width)?, decimals }))
}
