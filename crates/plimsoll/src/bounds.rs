//! What is proven of many accounts at once.

use plimsoll_core::{Account, Feeds, Quoted, Reading, Test, Verdict, Why};

/// Whether it is proven that every account between two is unhealthy by the venue's own test.
pub(crate) fn unhealthy_between(
    quoted: &dyn Quoted,
    [low, high]: [&Account; 2],
    readings: &[Reading],
) -> bool {
    let range = quoted.over(low, high, Test::Liquidation, Feeds { readings });
    range.is_ok_and(|range| range.verdict == Some(Verdict::Unhealthy))
}

/// The prices that a venue would use, without what we doubt of them.
pub(crate) fn points(readings: &[Reading]) -> Vec<Reading> {
    let point = |reading: &Reading| match reading.value {
        Some(value) => Reading::certain(value),
        None => Reading::unknown(None, reading.doubt.unwrap_or(Why::Missing)),
    };
    readings.iter().map(point).collect()
}
