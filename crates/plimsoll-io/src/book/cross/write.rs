//! Cross margin back to files. The market is seen as everybody sees it: by its cells and names.

use super::mode;
use crate::book::margin::PRICE_DECIMALS;
use crate::book::schedules;
use crate::book::venue::{Leg, LegRow, Named, Names, Position, Positions, Side};
use crate::book::write::{flag, list, number, table, text};
use crate::tree::Value;
use plimsoll_core::{Account, Decimal, Int, Kind, Market};
use std::collections::HashMap;

/// The numbers of one object, each with the decimals of its unit.
type Row = HashMap<&'static str, (Int, u8)>;

/// A number as people write it.
fn plain(row: &Row, name: &str) -> Option<Value> {
    let (mantissa, decimals) = *row.get(name)?;
    Some(Value::Text(Decimal { mantissa, decimals }.trimmed().to_string()))
}

fn is(row: &Row, name: &str) -> Option<bool> {
    Some(!row.get(name)?.0.is_zero())
}

pub(super) fn market(market: &dyn Market, names: &Names<'_>) -> Option<Named> {
    let mut rows: HashMap<u64, Row> = HashMap::new();
    market.visit(&mut |cell, name, unit, value| {
        rows.entry(cell.object).or_default().insert(name, (value, unit.decimals));
    });
    let named = market.names();
    let of = |which: &'static str| named.iter().filter(move |(_, what, _)| *what == which);
    let head = rows.get(&0)?;
    let mut fields = vec![("currency", text(&of("currency").next()?.2))];
    let digits = head.get("price_decimals")?.0;
    if digits != Int::from(u64::from(PRICE_DECIMALS)) {
        fields.push(("price_decimals", number(&digits)));
    }
    let mut prices = names.prices.iter();
    let mut assets = Vec::new();
    for (object, _, name) in of("asset") {
        let row = rows.get(object)?;
        let feed = if is(row, "priced")? { Some(prices.next()?) } else { None };
        assets.push(table(asset(name, row, feed)?));
    }
    fields.push(("assets", list(assets)));
    let listed: Vec<&str> = of("asset").map(|(_, _, name)| name.as_str()).collect();
    let mut perps = Vec::new();
    for (object, _, name) in of("perp") {
        let row = rows.get(object)?;
        let settles = usize::try_from(row.get("settles_in")?.0.to_u64()?).ok()?;
        let mut fields = vec![("perp", text(name)), ("settles_in", text(listed.get(settles)?))];
        fields.push(("decimals", number(&row.get("decimals")?.0)));
        fields.extend(prices.next()?.map(|price| ("feed", text(price))));
        fields.push(("lot", plain(row, "lot")?));
        for name in ["profit_weight", "initial_profit_weight", "liquidation_fee"] {
            fields.push((name, plain(row, name)?));
        }
        for line in ["initial", "maintenance"] {
            let tiers = of("tier").filter(|(_, _, tier)| is_tier(tier, name, line));
            let tiers = tiers.map(|(object, ..)| {
                let row = rows.get(object)?;
                Some(table(vec![("from", plain(row, "from")?), ("rate", plain(row, "rate")?)]))
            });
            fields.push((line, list(tiers.collect::<Option<Vec<_>>>()?)));
        }
        perps.push(table(fields));
    }
    if !perps.is_empty() {
        fields.push(("perps", list(perps)));
    }
    let spec = plimsoll_margin::market::Market::of(market)?.spec().clone();
    fields.extend(schedules::write(&spec.schedules, "perp", |place| spec.perps[place].name.clone()));
    Some(fields)
}

/// Whether a tier is of a perp and a line: `SOL-PERP initial tier 1`.
fn is_tier(tier: &str, perp: &str, line: &str) -> bool {
    let rest = tier.strip_prefix(perp).and_then(|rest| rest.strip_prefix(' ')?.strip_prefix(line));
    rest.is_some_and(|rest| rest.starts_with(" tier "))
}

fn asset(name: &str, row: &Row, feed: Option<&Option<&str>>) -> Option<Named> {
    let mut fields = vec![("asset", text(name)), ("decimals", number(&row.get("decimals")?.0))];
    match feed {
        None => fields.push(("at_par", flag(true))),
        Some(feed) => fields.extend(feed.map(|price| ("feed", text(price)))),
    }
    let weights = ["asset_weight", "liability_weight", "initial_asset_weight", "initial_liability_weight"];
    for name in weights {
        fields.push((name, plain(row, name)?));
    }
    if is(row, "collateral_cap")? {
        fields.push(("collateral_cap", plain(row, "collateral_cap")?));
    }
    fields.push(("lends", flag(is(row, "lends")?)));
    fields.push(("liquidation_bonus", plain(row, "liquidation_bonus")?));
    Some(fields)
}

pub(in crate::book) fn positions(market: &dyn Market, account: &Account) -> Option<Positions> {
    let (mut rows, mut legs) = (Vec::new(), Vec::new());
    for holding in account.holdings() {
        let instrument = market.instruments().get(holding.instrument.index())?;
        let quantity = holding.quantity.magnitude();
        let (below, asset) = (holding.quantity.is_negative(), instrument.asset.clone());
        match instrument.kind {
            Kind::Receipt | Kind::Debt if !below => {
                let side = if instrument.kind == Kind::Debt { Side::Debt } else { Side::Supply };
                rows.push(Position { side, asset, quantity, unit: "raw", as_collateral: None });
            }
            Kind::Derivative => {
                legs.push(LegRow { leg: if below { Leg::Short } else { Leg::Long }, asset, quantity });
            }
            Kind::Balance => {
                let base = market.instruments().get(holding.instrument.index().checked_sub(1)?)?;
                let leg = if below { Leg::Paid } else { Leg::Received };
                legs.push(LegRow { leg, asset: base.asset.clone(), quantity });
            }
            _ => return None,
        }
    }
    // An account needs a row to be there; one with orders alone has none.
    let mode = mode::write(market, account)?;
    if mode.is_some() && rows.is_empty() && legs.is_empty() {
        return None;
    }
    Some(Positions { mode, rows, legs })
}
