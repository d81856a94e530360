//! An account at both ends of a feed in doubt.

use plimsoll_core::{Book, Decimal, Feeds, Lens, Observation, Origin, PriceId, Test, Verdict};

/// The doubtful feed at whose lowest and at whose highest value an account is unhealthy by its venue's own test, with all that is
/// built on it; `None` where it is not, where more than one feed below its prices is doubtful, or one has no such ends.
///
/// It is two points and no proof of what lies between: prices that hang on one feed need not be straight lines of it. What is
/// unknown stays so.
#[must_use]
pub fn unhealthy_at_both_ends(book: &Book, account: usize) -> Option<String> {
    let listed = book.accounts.get(account)?;
    let market = &book.markets[listed.market];
    let assets = market.market.instruments();
    let held = listed.account.holdings().iter().filter(|holding| !holding.quantity.is_zero());
    let held: Vec<&str> =
        held.filter_map(|holding| Some(assets.get(holding.instrument.index())?.asset.as_str())).collect();
    let quotes = book.graph.quotes(book.at);
    let slots = market.market.slots().iter().zip(&market.wiring);
    let wired = slots.filter(|(slot, _)| held.contains(&slot.asset.as_str())).filter_map(|(_, id)| *id);
    let doubtful = |id: &PriceId| quotes.get(id.0 as usize).is_some_and(|quote| quote.doubt.is_some());
    let mut feeds: Vec<PriceId> = wired.flat_map(|id| book.graph.leaves(id)).filter(doubtful).collect();
    feeds.sort();
    feeds.dedup();
    let [feed] = feeds[..] else { return None };
    let quote = &quotes[feed.0 as usize];
    let unhealthy = |end: Decimal| {
        let mut graph = book.graph.clone();
        let Origin::Feed(observed) = graph.origin(feed)?.clone() else { return None };
        let (price, none) = (Some(end), None);
        let sure =
            Observation { price, max_age: None, confidence: none, floor: none, ceiling: none, ..observed };
        graph.observe(feed, sure)?;
        let readings = book.readings(market, &graph.quotes(book.at));
        let quoted = market.market.at(Feeds { readings: &readings }, Lens::Action, book.at).ok()?;
        let seen = quoted.verdict(&listed.account, Test::Liquidation).ok()?;
        Some(seen.verdict == Verdict::Unhealthy)
    };
    let both = unhealthy(quote.low)? && unhealthy(quote.high?)?;
    both.then(|| book.graph.price(feed).map(|price| price.name.clone()))?
}
