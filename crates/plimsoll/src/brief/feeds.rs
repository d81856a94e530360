//! The feeds that markets rest on: what moved, what did not while others did, what nobody observes.

use plimsoll_core::{Book, Decimal, Origin, Price, PriceId, PriceUnit, Quote, Time, Why};
use std::collections::BTreeMap;

/// A feed, or a number that stands for one, behind a market of the newer book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedChange {
    /// Its name.
    pub name: String,
    /// What it is counted in.
    pub unit: PriceUnit,
    /// Which question it answers; `constant` where somebody wrote a number down and no market is asked.
    pub kind: &'static str,
    /// The markets that rest on it.
    pub markets: Vec<String>,
    /// What it said in each book; `None` where it said nothing, or is not in the book.
    pub values: [Option<Decimal>; 2],
    /// When it was observed.
    pub observed: [Option<Time>; 2],
    /// How old it is in the newer book (s).
    pub age: Option<u64>,
    /// What is wrong with it there.
    pub doubt: Option<Why>,
    /// It did not move while others did.
    pub standstill: Option<Standstill>,
}

/// How a feed did not move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standstill {
    /// It was observed again, and said the same.
    SameAgain,
    /// Nothing new was observed of it.
    Unobserved,
}

impl FeedChange {
    /// A number that somebody wrote down.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        self.kind == "constant"
    }

    /// Whether it says another price than in the older book; `None` where one of the books has no price of it.
    #[must_use]
    pub fn moved(&self) -> Option<bool> {
        let [from, to] = self.values;
        Some(from?.trimmed() != to?.trimmed())
    }
}

/// What the markets of the newer book rest on, in the order of the book.
pub(super) fn feeds(older: &Book, newer: &Book, quotes: [&[Quote]; 2]) -> Vec<FeedChange> {
    let mut readers: BTreeMap<PriceId, Vec<String>> = BTreeMap::new();
    for listed in &newer.markets {
        for leaf in listed.wiring.iter().flatten().flat_map(|id| newer.graph.leaves(*id)) {
            let markets = readers.entry(leaf).or_default();
            if !markets.contains(&listed.name) {
                markets.push(listed.name.clone());
            }
        }
    }
    let read = readers.into_iter().filter_map(|(id, markets)| {
        let price = newer.graph.price(id)?;
        Some(feed(
            price,
            markets,
            [quote(older, &price.name, quotes[0]), quotes[1].get(id.0 as usize)],
            newer.at,
        ))
    });
    let mut feeds: Vec<FeedChange> = read.collect();
    let others_moved = feeds.iter().any(|feed| feed.moved() == Some(true));
    for feed in feeds.iter_mut().filter(|feed| others_moved && !feed.is_constant()) {
        if feed.moved() == Some(false) {
            let again = feed.observed[1] > feed.observed[0];
            feed.standstill = Some(if again { Standstill::SameAgain } else { Standstill::Unobserved });
        }
    }
    feeds
}

fn quote<'q>(book: &Book, name: &str, quotes: &'q [Quote]) -> Option<&'q Quote> {
    quotes.get(book.graph.find(name)?.0 as usize)
}

fn feed(price: &Price, markets: Vec<String>, quotes: [Option<&Quote>; 2], at: Time) -> FeedChange {
    let observed = quotes.map(|quote| quote.and_then(|quote| quote.observed_at));
    FeedChange {
        name: price.name.clone(),
        unit: price.unit.clone(),
        kind: match &price.origin {
            Origin::Feed(observation) => observation.kind.name(),
            _ => "constant",
        },
        markets,
        values: quotes.map(|quote| quote.and_then(|quote| quote.value)),
        age: observed[1].and_then(|observed| at.since(observed)),
        observed,
        doubt: quotes[1].and_then(|quote| quote.doubt),
        standstill: None,
    }
}
