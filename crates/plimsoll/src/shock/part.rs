//! A part of a price, with the prices that it was computed of: their doubt is the moved price's, too.

use super::fraction::Fraction;
use plimsoll_core::{Decimal, Int, Observation, PriceId, Quote, Rounding, Why};
use std::collections::BTreeSet;

/// Something of what a part was computed of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rest {
    pub(super) id: PriceId,
    /// The part was divided by it.
    pub(super) over: bool,
    /// The part is no plain multiple of it.
    pub(super) loose: bool,
    /// What is moved is a multiple of what it is after the shock, not of what it was.
    pub(super) after: bool,
}

/// An exact part of a price.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) times: Fraction,
    pub(super) rests: BTreeSet<Rest>,
}

impl Part {
    pub(super) fn exact(times: Fraction) -> Part {
        Part { times, rests: BTreeSet::new() }
    }

    pub(super) fn of(id: PriceId, value: Decimal, after: bool) -> Part {
        let rest = Rest { id, over: false, loose: false, after };
        Part { times: Fraction::whole(value), rests: BTreeSet::from([rest]) }
    }

    pub(super) fn by(self, other: Part) -> Option<Part> {
        let times = self.times.by(other.times)?;
        Some(Part { times, rests: self.rests.into_iter().chain(other.rests).collect() })
    }

    pub(super) fn inverse(self) -> Part {
        let rests = self.rests.into_iter().map(|rest| Rest { over: !rest.over, ..rest });
        Part { times: self.times.inverse(), rests: rests.collect() }
    }

    /// One and so many times the way from one.
    pub(super) fn further(self, times: Decimal) -> Option<Part> {
        let loose = times.trimmed() != Decimal::whole(Int::ONE);
        let rests = self.rests.into_iter().map(|rest| Rest { loose: rest.loose || loose, ..rest });
        Some(Part { times: self.times.further(times)?, rests: rests.collect() })
    }
}

/// What a feed says after a move by a part that was computed of these: as old as the oldest of them that is too old, and so much
/// less certain as they are; of one that may be anything, it may be anything. The width is rounded up.
pub(super) fn doubted<'r>(
    moved: Observation,
    id: PriceId,
    [before, after]: [&[Quote]; 2],
    rests: impl IntoIterator<Item = &'r Rest>,
) -> Observation {
    let mut moved = moved;
    for rest in rests {
        // Divided by its own price, a feed only loses what it said.
        let quotes = if rest.after { after } else { before };
        let Some(quote) = quotes.get(rest.id.0 as usize).filter(|_| !(rest.over && rest.id == id)) else {
            continue;
        };
        let Some(why) = quote.doubt else { continue };
        let width =
            if why == Why::Confidence && !rest.loose { width(&moved, quote, rest.over) } else { None };
        let sum = width.and_then(|width| moved.confidence.map_or(Some(width), |own| own.plus(width)));
        moved = match sum {
            Some(_) => Observation { confidence: sum, ..moved },
            // Of no date where one is asked for: unknown.
            None => Observation { observed_at: None, max_age: Some(0), ..moved },
        };
    }
    moved
}

/// How far a price may be from the truth that is a multiple of another, or of its inverse. `None` without bound.
fn width(moved: &Observation, of: &Quote, over: bool) -> Option<Decimal> {
    let price = moved.price?;
    let (value, high) = (of.value?, of.high?);
    let decimals = value.decimals.max(of.low.decimals).max(high.decimals);
    let [value, low, high] = [value, of.low, high].map(|end| end.scaled(decimals).ok());
    let (value, low, high) = (value?, low?, high?);
    let far = core::cmp::max(value.sub(low)?, high.sub(value)?);
    let base = if over { low } else { value };
    // More digits than any feed writes, so that rounding up costs nothing.
    let digits = price.decimals.max(18);
    let width = price.scaled(digits).ok()?.mul(far)?;
    let width = if base.is_zero() { return None } else { width.div(base, Rounding::Up)? };
    Some(Decimal { mantissa: width, decimals: digits }.trimmed())
}
