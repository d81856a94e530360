//! How far a price has fallen within a day: the yardstick that a distance is measured by.

use plimsoll_core::{Book, PriceId, PriceUnit};

/// The worst fall of a price within 24 hours that was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorstDay {
    /// By how much it fell (1e-4 parts of the price before).
    pub fall: u32,
    /// When, and where it is from.
    pub recorded: &'static str,
}

/// What is priced, in what, and its worst day. In dollars: between two hourly closes of an
/// exchange 24 hours apart. Against parity: the lowest price that was recorded.
const WORST: &[(&[&str], &str, WorstDay)] = &[
    (&["ETH", "WETH"], "USD", WorstDay { fall: 4_780, recorded: "March 2020, ETH/USD" }),
    (&["BTC", "WBTC", "cbBTC", "tBTC"], "USD", WorstDay { fall: 4_650, recorded: "March 2020, BTC/USD" }),
    (&["stETH"], "ETH", WorstDay { fall: 610, recorded: "June 2022, stETH/ETH to 0.939" }),
    (&["USDC"], "USD", WorstDay { fall: 1_252, recorded: "March 2023, USDC/USD to 0.8748" }),
];

/// The worst day of what a feed prices; `None` where none is known, which does not mean that there was none.
#[must_use]
pub fn worst_day(unit: &PriceUnit) -> Option<WorstDay> {
    let per = unit.per.as_deref()?;
    let found =
        WORST.iter().find(|(priced, currency, _)| priced.contains(&per) && *currency == unit.currency);
    found.map(|(_, _, worst)| *worst)
}

/// The same of a price of a book.
#[must_use]
pub(crate) fn worst_day_of(book: &Book, id: PriceId) -> Option<WorstDay> {
    worst_day(&book.graph.price(id)?.unit)
}
