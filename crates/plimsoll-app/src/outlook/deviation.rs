//! Distances in standard deviations of a day: how far a line is from where a price is expected to go, and not only how far.
//!
//! A day's standard deviation is that of simple moves, in parts of the price. It comes from price history where a folder is given (the variance expected of the next day, EWMA 0.94 of
//! daily returns up to the book's time), and else from the book's own surface of volatilities on the asset: the point nearest to the price of the first expiry that is a
//! day away or more, a year's volatility over the root of 365. Each says which it is. What neither knows has none, and that is told.

use crate::figures::millionths;
use plimsoll::{Distance, Mapping};
use plimsoll_core::{Book, Decimal, PriceId, Rounding, Time, U256};
use plimsoll_risk::history::History;
use plimsoll_risk::volatility::ewma;

/// The root of 365, in 10^-9.
const ROOT_OF_YEAR: u64 = 19_104_973_174;
/// How much of a variance is that of the day before.
const DECAY: f64 = 0.94;

/// Where deviations come from.
pub(super) enum Ground {
    /// The surfaces of the book.
    Surfaces,
    /// Price history, with the assets that have the history of another.
    History(History, Vec<(String, String)>),
}

/// A standard deviation of a day.
pub(super) struct Deviation {
    /// Millionths of the price, raised.
    pub(super) parts: u64,
    /// What it is from, in words.
    pub(super) by: String,
}

impl Ground {
    /// The ground that a command names.
    pub(super) fn of(folder: Option<&std::path::Path>, map: &[Mapping]) -> Result<Ground, u8> {
        let Some(folder) = folder else { return Ok(Ground::Surfaces) };
        Ok(Ground::History(crate::history::open(folder)?, crate::history::alike(map)?))
    }

    /// What a feed's price deviates by within a day; `None` where that is not known.
    pub(super) fn deviation(&self, book: &Book, feed: PriceId) -> Option<Deviation> {
        let price = book.graph.price(feed)?;
        let asset = price.unit.per.as_deref()?;
        match self {
            Ground::Surfaces => by_surface(book, feed, asset, &price.unit.currency),
            Ground::History(history, map) => {
                let like =
                    map.iter().find(|(mapped, _)| mapped == asset).map_or(asset, |(_, like)| like.as_str());
                let series = history.series(like).filter(|_| history.quote() == price.unit.currency)?;
                let returns: Vec<f64> = series
                    .until(i64::try_from(book.at.0).ok()?)
                    .daily_returns()
                    .into_iter()
                    .map(|(_, moved)| moved)
                    .collect();
                let variance = ewma(&returns, DECAY).ok()?.last().copied()?;
                let parts = millionths(variance.sqrt())?;
                Some(Deviation {
                    parts,
                    by: format!("{} history, EWMA {DECAY} of {} days", like, returns.len()),
                })
            }
        }
    }
}

fn by_surface(book: &Book, feed: PriceId, asset: &str, currency: &str) -> Option<Deviation> {
    let quotes = book.graph.quotes(book.at);
    let now = quotes.get(feed.0 as usize)?.value?.scaled_amount(18).ok()?;
    let on = |surface: &&plimsoll_core::VolSurface| {
        surface.head().underlying == asset && surface.head().currency == currency
    };
    let surface = book.graph.surfaces().iter().find(on)?;
    let day = Time(book.at.0.checked_add(86_400)?);
    let fresh = |expiry: Time, strike: Decimal| surface.quote(expiry, strike, book.at);
    let known = || surface.points().filter(|point| point.expiry >= day);
    let first = known().map(|point| point.expiry).min()?;
    let distance = |strike: Decimal| {
        let strike = strike.scaled_amount(18).ok()?;
        strike.sub(now).or_else(|| now.sub(strike))
    };
    let near = known().filter(|point| point.expiry == first).min_by_key(|point| distance(point.strike))?;
    let quote = fresh(near.expiry, near.strike);
    let vol = quote.volatility.filter(|_| quote.doubt.is_none())?;
    let raw = vol.scaled_amount(10).ok()?;
    // vol / 10^10 x 10^6 / (root / 10^9).
    let parts = raw.mul_div(U256::from(100_000_u64), U256::from(ROOT_OF_YEAR), Rounding::Up)?.to_u64()?;
    let by = format!(
        "{} {} {}, {} a year",
        surface.head().name,
        near.expiry,
        near.strike.trimmed(),
        vol.trimmed()
    );
    Some(Deviation { parts: parts.max(1), by })
}

impl Deviation {
    /// How many of them a distance is, in hundredths, cut.
    pub(super) fn count(&self, distance: Distance) -> Option<U256> {
        let parts = distance.parts.magnitude();
        parts.mul_div(U256::from(100_u64), U256::from(self.parts), Rounding::Down)
    }
}
