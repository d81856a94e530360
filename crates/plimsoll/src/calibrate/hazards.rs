//! What strikes an asset beyond its price: hazards that somebody assumes, summed over what it is built on.

use super::stand::real;
use plimsoll_core::{Book, Hazard};
use std::collections::{BTreeMap, BTreeSet};

/// The hazards of an asset.
#[derive(Clone, Debug, PartialEq)]
pub struct Struck {
    /// Each event, by its hazard's or its group's name, with how often a year it happens and the part of the value that it takes.
    pub events: Vec<(String, f64, f64)>,
    /// The part of the value that is expected to be lost a year, at most all of it: beside what prices do.
    pub expected: f64,
}

/// The hazards that strike an asset of a market by any of its names, or by what its price is built on.
pub(super) fn struck(
    book: &Book,
    market: usize,
    asset: &str,
    names: &[String],
    hazards: &[Hazard],
) -> Struck {
    let listed = &book.markets[market];
    let mut below: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    let slots = listed.market.slots().iter().zip(&listed.wiring);
    let prices = slots.filter(|(slot, _)| slot.asset == asset).filter_map(|(_, wired)| *wired);
    for id in prices.flat_map(|id| book.graph.leaves(id)) {
        below.extend(book.graph.price(id).and_then(|price| price.unit.per.as_deref()));
    }
    // Hazards of one group are one event: as often as the most frequent of them, and as bad as the worst.
    let mut events: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for hazard in
        hazards.iter().filter(|hazard| hazard.assets.iter().any(|name| below.contains(name.as_str())))
    {
        let [often, loses] =
            [hazard.a_year, hazard.loses].map(|number| real(number.mantissa, number.decimals));
        let event = events.entry(hazard.group.as_ref().unwrap_or(&hazard.name)).or_default();
        *event = (event.0.max(often), event.1.max(loses));
    }
    let expected: f64 = events.values().map(|(often, loses)| often * loses).sum();
    let events = events.into_iter().map(|(name, (often, loses))| (name.to_string(), often, loses)).collect();
    Struck { events, expected: expected.min(1.0) }
}
