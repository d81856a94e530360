//! What amounts of assets of several markets are worth in one currency.
//!
//! An asset's price is found along the prices of the book: of the asset in the currency, or by way of what a market counts it
//! in. What a sale fetches goes before what an oracle says. These values say what a plan costs; whether it reaches its target
//! is for the markets to say.

use crate::worth::Worth;
use plimsoll_core::{
    Account, AccountId, Book, Decimal, FeedKind, Feeds, Int, Kind, Lens, ListedMarket, Origin, Quote,
    Reading, Rounding, Scale, Test, U256,
};
use std::collections::{BTreeMap, BTreeSet};

/// Values are counted in 10^-this of the currency.
pub(super) const VALUE: u8 = 18;
/// A price is followed over at most so many others.
const HOPS: usize = 4;
/// Digits that a price by way of others keeps.
const DIGITS: u8 = 24;

/// Prices of assets in one currency.
#[derive(Clone, Debug)]
pub(super) struct Prices {
    /// Of an asset: one whole token in so many of the currency.
    found: BTreeMap<String, Decimal>,
}

/// A price of one thing in another, the better source first.
struct Edge {
    of: String,
    counted_in: String,
    rank: u8,
    price: Decimal,
}

/// What a market counts assets at that it reads no price of: a stablecoin at par.
fn at_the_venue(book: &Book, listed: &ListedMarket, readings: &[Reading]) -> Vec<Edge> {
    let market = &*listed.market;
    let nobody = Account::new(AccountId(u64::MAX));
    let unit = market
        .at(Feeds { readings }, Lens::Action, book.at)
        .ok()
        .and_then(|quoted| quoted.verdict(&nobody, Test::Borrow).ok())
        .map(|seen| seen.unit.decimals);
    let Some(decimals) = unit else { return Vec::new() };
    let worth = Worth { book, listed, readings, decimals };
    let read = |asset: &str| market.slots().iter().any(|slot| slot.asset == asset);
    let assets = market.instruments().iter().filter(|spec| spec.kind == Kind::Asset && !read(&spec.asset));
    let edge = |spec: &plimsoll_core::Instrument| {
        let (price, _) = worth.at_oracle(&spec.asset)?;
        let (of, counted_in) = (spec.asset.clone(), crate::survey::currency(market));
        Some(Edge { of, counted_in, rank: 4, price })
    };
    assets.filter_map(edge).collect()
}

impl Prices {
    /// The prices that a book has, in a currency.
    pub(super) fn new(book: &Book, quotes: &[Quote], readings: &[Vec<Reading>], currency: &str) -> Prices {
        let mut edges = Vec::new();
        for (price, quote) in book.graph.prices().iter().zip(quotes) {
            let rank = match &price.origin {
                Origin::Feed(feed) if feed.scale != Scale::Decimal => continue,
                Origin::Feed(feed) if feed.kind == FeedKind::Market && quote.doubt.is_none() => 0,
                Origin::Feed(feed) if feed.kind == FeedKind::Oracle => 1,
                Origin::Feed(_) => 3,
                _ => 2,
            };
            let (Some(of), Some(value)) = (&price.unit.per, quote.value) else { continue };
            edges.push(Edge { of: of.clone(), counted_in: price.unit.currency.clone(), rank, price: value });
        }
        for (listed, readings) in book.markets.iter().zip(readings) {
            for (slot, reading) in listed.market.slots().iter().zip(readings) {
                let Some(value) = reading.value else { continue };
                let price = Decimal { mantissa: value.into(), decimals: slot.decimals };
                let (of, counted_in) = (slot.asset.clone(), slot.currency.clone());
                edges.push(Edge { of, counted_in, rank: 2, price });
            }
        }
        for (listed, readings) in book.markets.iter().zip(readings) {
            edges.extend(at_the_venue(book, listed, readings));
        }
        edges.retain(|edge| edge.price.mantissa > Int::ZERO && edge.of != edge.counted_in);
        edges.sort_by_key(|edge| edge.rank);
        let one = Decimal::whole(Int::ONE);
        let mut found = BTreeMap::from([(currency.to_string(), one)]);
        // One hop after the other, so that the shortest way wins and of two equally short ones the better source.
        for _ in 0..HOPS {
            let known: BTreeSet<String> = found.keys().cloned().collect();
            for edge in &edges {
                if found.contains_key(&edge.of) || !known.contains(&edge.counted_in) {
                    continue;
                }
                let by = found.get(&edge.counted_in).and_then(|by| edge.price.times(*by));
                if let Some(price) = by {
                    found.insert(edge.of.clone(), price.cut(DIGITS).trimmed());
                }
            }
        }
        Prices { found }
    }

    /// The price of a whole token; `None` where the book has none.
    pub(super) fn of(&self, asset: &str) -> Option<Decimal> {
        self.found.get(asset).copied()
    }

    /// What a raw amount of an asset is worth (10^-18 of the currency); `None` without a price, or beyond 256 bits.
    pub(super) fn value(&self, asset: &str, raw: U256, decimals: u8, rounding: Rounding) -> Option<U256> {
        let price = self.of(asset)?;
        let down = U256::pow10(decimals)?.mul(U256::pow10(price.decimals)?)?;
        raw.mul_div_wide(price.mantissa.to_u256()?.mul(U256::pow10(VALUE)?)?, down, rounding)
    }

    /// The raw amount of an asset that a value is, rounded down; the other way round.
    pub(super) fn amount(&self, asset: &str, value: U256, decimals: u8) -> Option<U256> {
        let price = self.of(asset)?;
        let up = U256::pow10(decimals)?.mul(U256::pow10(price.decimals)?)?;
        value.mul_div_wide(up, price.mantissa.to_u256()?.mul(U256::pow10(VALUE)?)?, Rounding::Down)
    }
}
