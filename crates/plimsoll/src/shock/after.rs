//! What a moved price is, and what is known of it.

use super::decide::Decided;
use super::part::{Part, doubted};
use super::{PriceMove, digits, names};
use crate::ask::Misasked;
use core::cmp::Ordering;
use plimsoll_core::{Book, Decimal, FeedKind, Graph, Int, Observation, Origin, PriceId, Quote, Scale, Time};

/// The observation of a price that a scenario moved: as old, and as uncertain in its unit, as it was.
pub(super) fn observation(origin: &Origin, price: Decimal) -> Observation {
    match origin {
        Origin::Feed(observed) => Observation { price: Some(price), ..observed.clone() },
        _ => Observation {
            kind: FeedKind::Oracle,
            price: Some(price),
            scale: Scale::Decimal,
            source: "scenario".into(),
            observed_at: None,
            max_age: None,
            confidence: None,
            floor: None,
            ceiling: None,
        },
    }
}

/// What becomes of a price, within the bounds of its feed or not; `None` where it stands.
pub(super) fn change(
    book: &Book,
    id: PriceId,
    quote: &Quote,
    decided: &Decided,
    bounded: bool,
) -> Result<Option<PriceMove>, Misasked> {
    let (Some(price), Some(from)) = (book.graph.price(id), quote.value) else { return Ok(None) };
    let digits = digits(book, id);
    let refuse = |found: String, expected: &str| {
        Err(Misasked::NoPrice { price: price.name.clone(), found, expected: expected.into() })
    };
    let to = match decided {
        Decided::Unsaid(_) | Decided::Uncounted(_) | Decided::Lost => return Ok(None),
        Decided::Times(part) if part.times.is_one() => return Ok(None),
        Decided::Times(Part { times: part, .. }) => match part.of(from, digits) {
            Some(to) => to,
            None => return refuse(format!("{from} times {part}"), "a price that 256 bits hold"),
        },
        Decided::Exactly(to) => to.cut(digits),
    };
    if to.mantissa <= Int::ZERO {
        let held = names(book, id).first().cloned().unwrap_or_default();
        return refuse(
            format!("less than {digits} digits show"),
            &format!(
                "a price above zero where a market reads it; without a --map of it, --hold {held} lets it stand"
            ),
        );
    }
    let (to, kind, bound) = match &price.origin {
        Origin::Feed(feed) => {
            let bounds = [feed.floor, feed.ceiling];
            let (to, bound) = if bounded { within(bounds, to) } else { (to, false) };
            (to, Some(feed.kind), bound)
        }
        _ => (to, None, false),
    };
    let (name, unit, to) = (price.name.clone(), price.unit.clone(), to.trimmed());
    Ok((to != from.trimmed()).then_some(PriceMove { name, unit, kind, from, to, bound }))
}

/// A price within a floor and a ceiling, and whether it would be beyond them.
fn within([floor, ceiling]: [Option<Decimal>; 2], to: Decimal) -> (Decimal, bool) {
    match (floor, ceiling) {
        (Some(floor), _) if order(to, floor) == Some(Ordering::Less) => (floor, true),
        (_, Some(ceiling)) if order(to, ceiling) == Some(Ordering::Greater) => (ceiling, true),
        _ => (to, false),
    }
}

fn order(x: Decimal, y: Decimal) -> Option<Ordering> {
    let decimals = x.decimals.max(y.decimals);
    Some(x.scaled(decimals).ok()?.cmp(&y.scaled(decimals).ok()?))
}

/// The floor and the ceiling of a feed.
pub(super) fn bounds(origin: &Origin) -> [Option<Decimal>; 2] {
    match origin {
        Origin::Feed(feed) => [feed.floor, feed.ceiling],
        _ => [None; 2],
    }
}

pub(super) fn is_market(origin: &Origin) -> bool {
    matches!(origin, Origin::Feed(feed) if feed.kind == FeedKind::Market)
}

/// A moved price of a feed that was at a bound, or beyond it, is as doubtful as it was: at its own bound then, or beyond. Not where
/// the scenario says the price itself, whatever it was.
pub(super) fn still_bounded(seen: Observation, was: &Origin, id: PriceId, decided: &Decided) -> Observation {
    let Decided::Times(part) = decided else { return seen };
    let says_the_price = part.rests.iter().any(|rest| rest.id == id && rest.over);
    let (Origin::Feed(was), Some(to), false) = (was, seen.price, says_the_price) else { return seen };
    let Some(price) = was.price else { return seen };
    let mut seen = seen;
    match was.floor.and_then(|floor| order(price, floor)) {
        Some(Ordering::Less) => seen.floor = to.plus(Decimal::whole(Int::ONE)),
        Some(Ordering::Equal) => seen.floor = Some(to),
        Some(Ordering::Greater) | None => {}
    }
    match was.ceiling.and_then(|ceiling| order(price, ceiling)) {
        Some(Ordering::Greater) => seen.ceiling = Some(Decimal::whole(Int::ZERO)),
        Some(Ordering::Equal) => seen.ceiling = Some(to),
        Some(Ordering::Less) | None => {}
    }
    seen
}

/// A feed on the way to what it says after a shock: within its bounds, and as far from what it is at then as at the end.
pub(super) fn at_step(end: &Observation, own: [Option<Decimal>; 2], price: Decimal) -> Option<Observation> {
    let (price, _) = within(own, price);
    let to = end.price?;
    let at = |bound: Option<Decimal>, own: Option<Decimal>| {
        if bound == own {
            return Some(bound);
        }
        Some(match bound.and_then(|bound| order(bound, to)) {
            Some(Ordering::Equal) => Some(price),
            Some(Ordering::Greater) => Some(price.plus(Decimal::whole(Int::ONE))?),
            Some(Ordering::Less) => Some(Decimal::whole(Int::ZERO)),
            None => None,
        })
    };
    let [floor, ceiling] = own;
    let (floor, ceiling) = (at(end.floor, floor)?, at(end.ceiling, ceiling)?);
    Some(Observation { price: Some(price), floor, ceiling, ..end.clone() })
}

/// Makes moved feeds as doubtful as what their moves were computed of, also those that happen to stay where they were.
pub(super) fn doubt(graph: &mut Graph, at: Time, before: &[Quote], decided: &[Decided]) {
    let after = graph.quotes(at);
    for (id, decided) in (0..).map(PriceId).zip(decided) {
        let (Decided::Times(part), Some(Origin::Feed(feed))) = (decided, graph.origin(id)) else { continue };
        let seen = doubted(feed.clone(), id, [before, &after], &part.rests);
        // The id is one of this graph.
        let _ = graph.observe(id, seen);
    }
}
