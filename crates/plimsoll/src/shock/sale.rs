//! What assets are worth in a sale after a shock.

use super::known_as;
use plimsoll_core::{Book, FeedKind, Graph, Origin, Reading, Scale, Why};

/// What each market's assets are worth in a sale, before any of them is sold: a feed of the market's price where there is a
/// certain one, also under another name of the asset, nothing where all of them are doubtful, and where there is none what the market's
/// oracle says of these prices.
pub(crate) fn sale_readings(book: &Book, sales: &Graph) -> Vec<Vec<Reading>> {
    let quotes = sales.quotes(book.at);
    let known = known_as(book);
    // 0 where a name is the one wanted, 1 where it is another of the asset's.
    let distance = |name: &str, wanted: &str| match known.get(wanted) {
        _ if name == wanted => Some(0),
        Some(others) if others.contains(name) => Some(1),
        _ => None,
    };
    let sale = |slot: &plimsoll_core::PriceSlot| {
        let prices = sales.prices().iter().zip(&quotes);
        let named = prices.filter_map(|(price, quote)| {
            let sold = match &price.origin {
                Origin::Feed(feed) => feed.kind == FeedKind::Market && feed.scale == Scale::Decimal,
                _ => false,
            };
            let per = distance(price.unit.per.as_deref()?, &slot.asset)?;
            let currency = distance(&price.unit.currency, &slot.currency)?;
            sold.then_some((quote.doubt.is_some(), per + currency, quote))
        });
        let (_, _, quote) = named.min_by_key(|(doubtful, distance, _)| (*doubtful, *distance))?;
        let value = quote.value.filter(|_| quote.doubt.is_none());
        let value = value.and_then(|value| value.cut(slot.decimals).scaled_amount(slot.decimals).ok());
        let why = quote.doubt.unwrap_or(Why::Missing);
        Some(value.map_or(Reading::unknown(None, why), Reading::certain))
    };
    let of = |listed: &plimsoll_core::ListedMarket| {
        let oracles = book.readings(listed, &quotes);
        let reading = |(slot, oracle): (&plimsoll_core::PriceSlot, Reading)| {
            let oracle = oracle.value.filter(|_| oracle.doubt.is_none());
            let oracle = || oracle.map_or(Reading::unknown(None, Why::Missing), Reading::certain);
            sale(slot).unwrap_or_else(oracle)
        };
        listed.market.slots().iter().zip(oracles).map(reading).collect()
    };
    book.markets.iter().map(of).collect()
}
