//! What keeps to something: stablecoins to a dollar, staked coins to the coin.

use super::prices::Prices;
use crate::monitor::pairs::Held;
use plimsoll_core::{Book, FeedKind, Origin, Time};
use plimsoll_risk::history::Series;
use plimsoll_risk::peg::{Peg, peg};
use std::collections::BTreeSet;

/// A price is taken for a peg if more than half of its closes lie within so much of one.
const NEAR: f64 = 0.02;
/// A rate of redemption grows: only so much of the history is held against today's \[s\].
const RATE: i64 = 7 * 86_400;

/// A price against what it is meant to be worth.
#[derive(Clone, Debug)]
pub struct Pegged {
    /// The series, such as `USDC-USD` or `STETH-ETH`.
    pub series: String,
    /// What it is held against: 1, or what the book says that the issuer pays, by the name of that price.
    pub against: Option<String>,
    /// That reference.
    pub reference: f64,
    /// How well it keeps to it; `None` where there are no bars up to the time that is looked at.
    pub peg: Option<Peg>,
    /// The length of a bar \[s\].
    pub step: i64,
    /// Only the last week is held against the reference, since that grows.
    pub week: bool,
}

/// Every peg of a book that the history has a series of; and the bases that move something held and have none.
pub(super) fn pegs(book: &Book, held: &Held, prices: &Prices<'_>, until: i64) -> (Vec<Pegged>, Vec<String>) {
    let mut found: Vec<Pegged> = Vec::new();
    let mut seen = BTreeSet::new();
    let pairs = held.pairs.keys().flat_map(|(collateral, debt)| [collateral, debt]);
    let rates = held.rates.iter().map(|(asset, _)| asset);
    let assets: BTreeSet<&String> = held.assets.iter().chain(pairs).chain(rates).collect();
    for asset in assets {
        let dollar = prices.series(asset).filter(|series| near_one(series, until));
        // A price of one coin in another is a peg where it is near one, or the issuer pays a rate.
        let bases = prices.bases(asset).into_iter();
        let bases = bases.filter(|series| near_one(series, until) || rate(book, series, prices).is_some());
        for series in dollar.into_iter().chain(bases) {
            if seen.insert(series.name()) {
                found.push(pegged(book, series, prices, until));
            }
        }
    }
    let known = |asset: &str, currency: &str| {
        let named = |series: &&Series| {
            prices.names(currency).iter().any(|name| name.eq_ignore_ascii_case(&series.quote))
        };
        (prices.is_unit(currency) && prices.series(asset).is_some()) || prices.bases(asset).iter().any(named)
    };
    let missing = |(asset, currency): &&(String, String)| !known(asset, currency);
    let missing = held.rates.iter().filter(missing).map(|(asset, currency)| format!("{asset}-{currency}"));
    (found, missing.collect())
}

/// Whether a price is near one on most of the bars up to a time: what keeps to a dollar or a coin, and no pair of two coins.
pub(crate) fn near_one(series: &Series, until: i64) -> bool {
    let bars = series.bars.until(until);
    let near = bars.bars().iter().filter(|bar| (bar.close - 1.0).abs() <= NEAR).count();
    2 * near > bars.bars().len()
}

fn pegged(book: &Book, series: &Series, prices: &Prices<'_>, until: i64) -> Pegged {
    let step = series.bars.step();
    let bars = series.bars.until(until);
    let rate = rate(book, series, prices);
    let from = match rate {
        Some(_) => bars.bars().last().map_or(until, |bar| bar.time).saturating_sub(RATE),
        None => i64::MIN,
    };
    let bars: Vec<_> = bars.bars().iter().filter(|bar| bar.time > from).copied().collect();
    let (against, reference) = rate.clone().map_or((None, 1.0), |(name, rate)| (Some(name), rate));
    let peg = peg(&bars, step, reference).ok();
    Pegged { series: series.name(), against, reference, peg, step, week: rate.is_some() }
}

/// What the book says that the issuer pays, in the unit of the series.
fn rate(book: &Book, series: &Series, prices: &Prices<'_>) -> Option<(String, f64)> {
    let quotes = book.graph.quotes(Time(book.at.0));
    let same =
        |asset: &str, name: &str| prices.names(asset).iter().any(|known| known.eq_ignore_ascii_case(name));
    let found = book.graph.prices().iter().zip(&quotes).find(|(price, quote)| {
        let redeems = matches!(&price.origin, Origin::Feed(feed) if feed.kind == FeedKind::Redemption);
        let of = price.unit.per.as_deref().is_some_and(|per| same(per, &series.base));
        redeems && of && same(&price.unit.currency, &series.quote) && quote.doubt.is_none()
    });
    let (price, quote) = found?;
    let rate: f64 = quote.value?.to_string().parse().ok()?;
    Some((price.name.clone(), rate))
}
