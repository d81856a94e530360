//! What assets are worth in a sale after a shock.

use super::after::is_market;
use super::fraction::Fraction;
use super::named::{Same, names, wired};
use super::read_in;
use plimsoll_core::{
    Book, Decimal, FeedKind, Graph, Int, Observation, Origin, Price, PriceId, Quote, Reading, Scale, Why,
};
use std::collections::BTreeMap;

/// The currency by way of which others are counted.
const DOLLAR: &str = "USD";
/// So many digits of a price that no market reads as it is.
const DIGITS: u8 = 18;

/// What each market's assets are worth in a sale, before any of them is sold: a feed of the market's price where there is a
/// certain one, also under another name of the asset or in another currency, nothing where all of them are doubtful, and where there is
/// none what the market's oracle says where each of the prices that it is made of is the market's. Where that oracle is the feed of
/// another asset, an oracle's feed of its own goes before it.
pub(crate) fn sale_readings(book: &Book, sales: &Graph, same: &Same) -> Vec<Vec<Reading>> {
    let quotes = sales.quotes(book.at);
    let market = AtMarket { graph: sales, quotes: &quotes, same };
    let followed = market.below(book).quotes(book.at);
    let sale = |slot: &plimsoll_core::PriceSlot, wired: Option<PriceId>| {
        let own = || {
            wired.filter(|id| is_anothers(book, same, *id, &slot.asset))?;
            let found = market.certain(&slot.asset, &slot.currency)?;
            Some(found.map(|value| value.cut(slot.decimals)).ok_or(Why::Missing))
        };
        let found = market.price(&slot.asset, &slot.currency, slot.decimals).or_else(own)?;
        let value = found.and_then(|value| value.scaled_amount(slot.decimals).map_err(|_| Why::Missing));
        Some(match value {
            Ok(value) => Reading::certain(value),
            Err(why) => Reading::unknown(None, why),
        })
    };
    let of = |listed: &plimsoll_core::ListedMarket| {
        let oracles = book.readings(listed, &followed);
        let slots = listed.market.slots().iter().zip(&listed.wiring);
        let reading = |((slot, wired), oracle): ((&plimsoll_core::PriceSlot, &Option<PriceId>), Reading)| {
            let oracle = oracle.value.filter(|_| oracle.doubt.is_none());
            let oracle = || oracle.map_or(Reading::unknown(None, Why::Missing), Reading::certain);
            sale(slot, *wired).unwrap_or_else(oracle)
        };
        slots.zip(oracles).map(reading).collect()
    };
    book.markets.iter().map(of).collect()
}

/// Whether what a market reads for an asset is a feed of another one.
pub(super) fn is_anothers(book: &Book, same: &Same, id: PriceId, asset: &str) -> bool {
    let is_feed = matches!(book.graph.origin(id), Some(Origin::Feed(_)));
    is_feed && !names(book, id).iter().any(|name| same.are(name, asset))
}

/// What a sale fetches of assets that a market has no price of, such as those that it takes at par, in its currency: by the asset's name,
/// where a feed of the market's price says it; `None` where all of those are doubtful.
pub(crate) fn sales_at_par(
    book: &Book,
    listed: &plimsoll_core::ListedMarket,
    sales: &Graph,
    same: &Same,
) -> BTreeMap<String, Option<Decimal>> {
    let quotes = sales.quotes(book.at);
    let market = AtMarket { graph: sales, quotes: &quotes, same };
    let currency = crate::survey::currency(&*listed.market);
    let slots = listed.market.slots();
    let mut assets: Vec<&String> = listed.market.instruments().iter().map(|one| &one.asset).collect();
    assets.retain(|asset| **asset != currency && !slots.iter().any(|slot| slot.asset == **asset));
    let found = |asset: &String| Some((asset.clone(), market.price(asset, &currency, DIGITS)?.ok()));
    assets.into_iter().filter_map(found).collect()
}

/// The same prices where no constant holds one of them: of a cap or floor only the legs that something moves.
pub(super) fn uncapped(graph: &Graph) -> Graph {
    let mut free = Graph::default();
    let moves = |id: &PriceId| graph.leaves(*id).iter().any(|id| !is_constant(graph, *id));
    for price in graph.prices() {
        let mut price = price.clone();
        if let Origin::Least { legs } | Origin::Greatest { legs } = &mut price.origin
            && legs.iter().any(moves)
        {
            legs.retain(moves);
        }
        if let Origin::RateCap(cap) = &price.origin {
            // The rate itself is handed on.
            price.origin = Origin::Least { legs: vec![cap.of] };
        }
        // What stood in a graph stands in another with the same prices before it.
        if free.add(price).is_err() {
            return graph.clone();
        }
    }
    for surface in graph.surfaces() {
        let _ = free.add_surface(surface.clone());
    }
    free
}

fn is_constant(graph: &Graph, id: PriceId) -> bool {
    matches!(graph.origin(id), Some(Origin::Constant(_)))
}

/// What feeds of the market's prices say.
struct AtMarket<'a> {
    graph: &'a Graph,
    quotes: &'a [Quote],
    same: &'a Same,
}

impl AtMarket<'_> {
    /// The graph with the market's price, where there is one, in place of every price that oracles, issuers or whoever wrote it down
    /// say of an asset.
    fn below(&self, book: &Book) -> Graph {
        let mut graph = self.graph.clone();
        let any = self.graph.prices().iter().any(|price| is_market(&price.origin));
        for (id, price) in (0..).map(PriceId).zip(self.graph.prices()) {
            let (kind, scale) = match &price.origin {
                Origin::Feed(feed) => (feed.kind, feed.scale),
                Origin::Constant(_) => (FeedKind::Oracle, Scale::Decimal),
                _ => continue,
            };
            let names = price.unit.per.clone().map_or_else(|| wired(book, id), |per| vec![per]);
            let currency = &price.unit.currency;
            let itself = |name: &String| self.distance(name, currency).is_some();
            if kind == FeedKind::Market || scale != Scale::Decimal || names.iter().any(itself) {
                continue;
            }
            // Of what was written down and moves to where nobody knows: what oracles say of it.
            let lost = is_constant(&book.graph, id) && self.quotes[id.0 as usize].value.is_none();
            if !any && !lost {
                continue;
            }
            let digits = read_in(book, id).unwrap_or(DIGITS);
            let found = names.iter().find_map(|name| self.price(name, currency, digits));
            let seen = || names.iter().find_map(|name| self.certain(name, currency)).filter(|_| lost);
            let found = found.or_else(|| Some(seen()?.map(|value| value.cut(digits)).ok_or(Why::Missing)));
            let Some(found) = found else { continue };
            let seen = Observation {
                kind: FeedKind::Market,
                price: found.ok(),
                scale: Scale::Decimal,
                source: "market".into(),
                observed_at: None,
                max_age: None,
                confidence: None,
                floor: None,
                ceiling: None,
            };
            // The id is one of this graph.
            let _ = graph.observe(id, seen);
        }
        graph
    }

    /// 0 where a name is the one wanted, 1 where it is another of the asset's.
    fn distance(&self, name: &str, wanted: &str) -> Option<u8> {
        match name == wanted {
            true => Some(0),
            false => self.same.are(name, wanted).then_some(1),
        }
    }

    /// What a sale of an asset fetches in a currency, cut to so many digits, by the nearest certain feed that can be counted in it; `None`
    /// where the book has no such feed, and why nothing is known where it has.
    fn price(&self, asset: &str, currency: &str, digits: u8) -> Option<Result<Decimal, Why>> {
        let prices = self.graph.prices().iter().zip(self.quotes);
        let mut sold: Vec<_> = prices
            .filter_map(|(price, quote)| {
                let Origin::Feed(feed) = &price.origin else { return None };
                let is_sale = feed.kind == FeedKind::Market && feed.scale == Scale::Decimal;
                let per = self.distance(price.unit.per.as_deref()?, asset)?;
                let counted = self.distance(&price.unit.currency, currency).unwrap_or(2);
                is_sale.then_some((quote.doubt.is_some(), per + counted, price, quote))
            })
            .collect();
        sold.sort_by_key(|(doubtful, distance, ..)| (*doubtful, *distance));
        let (_, _, _, first) = sold.first()?;
        let why = first.doubt.unwrap_or(Why::Missing);
        let certain = sold.iter().filter(|(doubtful, ..)| !doubtful);
        let counted = |(_, distance, price, quote): &(bool, u8, &Price, &Quote)| {
            let value = quote.value?;
            let value = match self.distance(&price.unit.currency, currency) {
                Some(_) => value.cut(digits),
                None => self.rate(&price.unit.currency, currency)?.of(value, digits)?,
            };
            Some((*distance, value.trimmed()))
        };
        let counted: Vec<(u8, Decimal)> = certain.filter_map(counted).collect();
        let Some((nearest, value)) = counted.first() else { return Some(Err(why)) };
        // Of feeds that are as near and differ nobody knows which one a sale is at: the order of rows in a file decides nothing.
        let agree = counted.iter().all(|(distance, other)| distance != nearest || other == value);
        Some(if agree { Ok(*value) } else { Err(Why::Missing) })
    }

    /// What one of a currency is worth in another: by a price of the one in the other, or the other way, or of both in dollars.
    fn rate(&self, of: &str, counted_in: &str) -> Option<Fraction> {
        let whole = |of: &str, counted_in: &str| {
            let seen = self.certain(of, counted_in)?;
            Some(seen.map(Fraction::whole))
        };
        if of == DOLLAR || counted_in == DOLLAR {
            return match whole(of, counted_in) {
                Some(found) => found,
                None => whole(counted_in, of)?.map(Fraction::inverse),
            };
        }
        match (whole(of, counted_in), whole(counted_in, of)) {
            (Some(found), _) => found,
            (None, Some(found)) => found.map(Fraction::inverse),
            (None, None) => whole(of, DOLLAR)??.by(whole(counted_in, DOLLAR)??.inverse()),
        }
    }

    /// What all certain prices of an asset agree on: those of the market, without any the oracles', without those what is derived or
    /// written down. The outer `None` where the book has none, the inner where nothing is known.
    fn certain(&self, of: &str, counted_in: &str) -> Option<Option<Decimal>> {
        let prices = || {
            let prices = self.graph.prices().iter().zip(self.quotes);
            prices.filter(|(price, _)| {
                price.unit.per.as_deref().is_some_and(|per| self.distance(per, of).is_some())
                    && self.distance(&price.unit.currency, counted_in).is_some()
            })
        };
        let rank = |price: &Price| match &price.origin {
            Origin::Feed(feed) if feed.scale != Scale::Decimal => None,
            Origin::Feed(feed) => match feed.kind {
                FeedKind::Market => Some(0),
                FeedKind::Oracle => Some(1),
                FeedKind::Redemption => None,
            },
            Origin::Constant(_) => Some(3),
            _ => Some(2),
        };
        let best = prices().filter_map(|(price, _)| rank(price)).min()?;
        let of_best = prices().filter(|(price, _)| rank(price) == Some(best));
        let certain = of_best.filter(|(_, quote)| quote.doubt.is_none()).filter_map(|(_, quote)| quote.value);
        let mut certain = certain.filter(|value| value.mantissa > Int::ZERO).map(Decimal::trimmed);
        let first = certain.next();
        Some(first.filter(|first| certain.all(|other| other == *first)))
    }
}
