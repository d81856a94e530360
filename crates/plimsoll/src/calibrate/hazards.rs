//! What strikes an asset beyond its price: hazards that somebody assumes, summed over what it is built on.

use super::stand::real;
use plimsoll_core::{Book, Hazard, HazardKind};
use std::collections::{BTreeMap, BTreeSet};

/// The hazards of an asset.
#[derive(Clone, Debug, PartialEq)]
pub struct Struck {
    /// Each event.
    pub events: Vec<Event>,
    /// The part of the value that is expected to be lost a year, at most all of it: beside what prices do.
    pub expected: f64,
}

/// What may happen: a hazard, or all of one group.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The hazard's name, or the group's.
    pub name: String,
    /// What fails.
    pub kinds: BTreeSet<HazardKind>,
    /// How often a year it happens.
    pub a_year: f64,
    /// The part of the value that it takes.
    pub loses: f64,
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
    let mut events: BTreeMap<&str, Event> = BTreeMap::new();
    for hazard in
        hazards.iter().filter(|hazard| hazard.assets.iter().any(|name| below.contains(name.as_str())))
    {
        let [often, loses] =
            [hazard.a_year, hazard.loses].map(|number| real(number.mantissa, number.decimals));
        let name = hazard.group.as_ref().unwrap_or(&hazard.name);
        let none = || Event { name: name.clone(), kinds: BTreeSet::new(), a_year: 0.0, loses: 0.0 };
        let event = events.entry(name).or_insert_with(none);
        event.kinds.insert(hazard.kind);
        (event.a_year, event.loses) = (event.a_year.max(often), event.loses.max(loses));
    }
    let events: Vec<Event> = events.into_values().collect();
    let expected: f64 = events.iter().map(|event| event.a_year * event.loses).sum();
    Struck { events, expected: expected.min(1.0) }
}
