//! Observed prices: `feeds.csv`, or the list `feeds` of a one-file book.

use crate::book::prices::Prices;
use crate::book::rows::Record;
use crate::fault::{Code, Log, quoted};
use crate::scalar;
use crate::table::{Cell, Column, Holds};
use plimsoll_core::{Decimal, FeedKind, Int, Observation, Origin, Price, PriceUnit, Scale};

pub(super) const COLUMNS: &[Column] = &[
    Column { name: "feed", needed: true, holds: Holds::Text },
    Column { name: "kind", needed: true, holds: Holds::Text },
    Column { name: "price", needed: true, holds: Holds::Amount },
    Column { name: "unit", needed: true, holds: Holds::Text },
    Column { name: "source", needed: true, holds: Holds::Text },
    Column { name: "observed_at", needed: true, holds: Holds::Time },
    Column { name: "max_age", needed: true, holds: Holds::Duration },
    Column { name: "confidence", needed: true, holds: Holds::Amount },
    Column { name: "floor", needed: false, holds: Holds::Amount },
    Column { name: "ceiling", needed: false, holds: Holds::Amount },
];

const KINDS: &[(&str, FeedKind)] =
    &[("oracle", FeedKind::Oracle), ("market", FeedKind::Market), ("redemption", FeedKind::Redemption)];

/// Adds one feed to the prices. A feed with a faulty number joins as unknown; one without a sound name or unit
/// does not join, and what is wired to it is not told again.
pub(super) fn read(record: &Record<'_>, sound: bool, prices: &mut Prices, log: &mut Log) {
    let Some(cell) = record.need(0, log) else { return };
    let Some(name) = scalar::name(&cell.text, cell.span, log) else { return };
    if !prices.claim(name, cell.span, log) {
        return;
    }
    if !sound {
        prices.broken(name);
        return;
    }
    let before = log.count();
    let kind = record.need(1, log).and_then(|cell| scalar::word(&cell.text, cell.span, KINDS, log));
    let unit = record.need(3, log).and_then(|cell| unit(&cell, log));
    let source = record.need(4, log);
    let source = source.as_ref().and_then(|cell| scalar::name(&cell.text, cell.span, log));
    let (Some(kind), Some((unit, scale)), Some(source)) = (kind, unit, source) else {
        prices.broken(name);
        return;
    };
    let price = record.get(2).and_then(|cell| number(&cell, scale, log));
    let observed_at = record.get(5).and_then(|cell| scalar::time(&cell.text, cell.span, log));
    let max_age = record.get(6).and_then(|cell| scalar::duration(&cell.text, cell.span, log));
    let mut bound = |column| {
        let cell = record.get(column)?;
        number(&cell, scale, log).filter(|number| {
            let negative = number.mantissa.is_negative();
            if negative {
                log.at(Code::Negative, cell.span, quoted(&cell.text), "a number from zero up");
            }
            !negative
        })
    };
    let (confidence, floor, ceiling) = (bound(7), bound(8), bound(9));
    if let (Some(low), Some(high), Some(cell)) = (floor, ceiling, record.get(8))
        && !below(low, high)
    {
        log.at(Code::Bounds, cell.span, quoted(&cell.text), format!("less than the ceiling {high}"));
    }
    // Whatever of it is wrong, nothing of it is to be relied upon.
    let sound = log.count() == before;
    let [price, confidence, floor, ceiling] =
        [price, confidence, floor, ceiling].map(|number| number.filter(|_| sound));
    let source = source.to_string();
    let observation =
        Observation { kind, price, scale, source, observed_at, max_age, confidence, floor, ceiling };
    let origin = Origin::Feed(observation);
    prices.add(Price { name: name.to_string(), unit, origin }, cell.span, log);
}

fn number(cell: &Cell<'_>, scale: Scale, log: &mut Log) -> Option<Decimal> {
    match scale {
        Scale::Decimal => scalar::decimal(&cell.text, cell.span, log),
        Scale::Raw => {
            let raw = scalar::integer(&cell.text, 256, cell.span, log)?;
            Some(Decimal::whole(Int::from(raw)))
        }
    }
}

fn below(low: Decimal, high: Decimal) -> bool {
    let decimals = low.decimals.max(high.decimals);
    match (low.scaled(decimals), high.scaled(decimals)) {
        (Ok(low), Ok(high)) => low < high,
        // One of them does not fit at the other's scale: the finer one is the smaller.
        _ => low.decimals > high.decimals,
    }
}

/// `USD`, `USD/ETH`, `USD raw`, `USD/ETH raw`.
fn unit(cell: &Cell<'_>, log: &mut Log) -> Option<(PriceUnit, Scale)> {
    let (unit, scale) = match cell.text.strip_suffix(" raw") {
        Some(unit) => (unit, Scale::Raw),
        None => (&*cell.text, Scale::Decimal),
    };
    let parsed = parse_unit(unit).map(|unit| (unit, scale));
    if parsed.is_none() {
        let expected = "a unit such as USD, USD/ETH or USD raw";
        log.at(Code::NotAUnit, cell.span, quoted(&cell.text), expected);
    }
    parsed
}

/// A price's unit; both words are names that a spreadsheet does not run.
pub(super) fn parse_unit(text: &str) -> Option<PriceUnit> {
    let tame = !text.starts_with(['=', '+', '-', '@']) && text.len() <= scalar::NAME_MAX;
    PriceUnit::parse(text).filter(|_| tame)
}
