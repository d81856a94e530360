//! Compound v3 back to files. The market is seen as everybody sees it: by its cells and names.

use super::{PAUSES, REWARDS};
use crate::book::venue::{Named, Names, Position, Positions, Side};
use crate::book::write::{list, table, text};
use crate::tree::Value;
use plimsoll_core::{Account, Int, Market};
use plimsoll_venues::compound_v3::{DEBT, SUPPLY, TRACKING_ACCRUED, TRACKING_INDEX};
use std::collections::HashMap;

/// The numbers of the market or of one asset.
type Row = HashMap<&'static str, Int>;

pub(super) fn market(market: &dyn Market, names: &Names<'_>) -> Option<Named> {
    let mut rows: HashMap<u64, Row> = HashMap::new();
    market.visit(&mut |cell, name, _, value| {
        rows.entry(cell.object).or_default().insert(name, value);
    });
    let named = market.names();
    let name = |which: &str| Some(named.iter().find(|(_, what, _)| *what == which)?.2.as_str());
    let row = rows.get(&0)?;
    let fields = |names: &[(&'static str, &str)]| {
        let field = |&(name, cell): &(&'static str, &str)| Some((name, number(row.get(cell)?)));
        names.iter().map(field).collect::<Option<Named>>()
    };
    let rates = |prefix: &str| {
        let parts = ["kink", "slope_low", "slope_high", "base"];
        let part = |name: &'static str| Some((name, number(row.get(format!("{prefix}_{name}").as_str())?)));
        parts.into_iter().map(part).collect::<Option<Named>>().map(table)
    };
    let mut prices = names.prices.iter().copied();
    let mut base = vec![("asset", text(name("base")?)), ("decimals", bare(row.get("base_decimals")?))];
    base.extend(prices.next()?.map(|price| ("feed", text(price))));
    let mut all = vec![("currency", text(name("currency")?)), ("base", table(base))];
    all.extend(fields(&[
        ("store_front_price_factor", "store_front_price_factor"),
        ("base_borrow_min", "base_borrow_min"),
        ("target_reserves", "target_reserves"),
    ])?);
    let flags = row.get("pause_flags")?.to_u64()?;
    let stopped = PAUSES.iter().filter(|(_, flag)| flags & u64::from(*flag) != 0);
    if flags != 0 {
        all.push(("paused", list(stopped.map(|(word, _)| text(word)))));
    }
    all.push(("supply_rates", rates("supply")?));
    all.push(("borrow_rates", rates("borrow")?));
    all.push((
        "rewards",
        table(fields(&[
            ("tracking_index_scale", "tracking_index_scale"),
            ("supply_speed", "base_tracking_supply_speed"),
            ("borrow_speed", "base_tracking_borrow_speed"),
            ("min_for_rewards", "base_min_for_rewards"),
        ])?),
    ));
    all.push((
        "state",
        table(fields(&[
            ("base_supply_index", "base_supply_index"),
            ("base_borrow_index", "base_borrow_index"),
            ("tracking_supply_index", "tracking_supply_index"),
            ("tracking_borrow_index", "tracking_borrow_index"),
            ("total_supply_base", "total_supply_base"),
            ("total_borrow_base", "total_borrow_base"),
            ("last_accrual_time", "last_accrual_time"),
            ("base_balance", "base_balance"),
        ])?),
    ));
    let mut assets = Vec::new();
    for (object, _, symbol) in named.iter().filter(|(_, what, _)| *what == "asset") {
        assets.push(asset(symbol, rows.get(object)?, prices.next()?)?);
    }
    all.push(("collateral", list(assets)));
    Some(all)
}

fn asset(symbol: &str, row: &Row, price: Option<&str>) -> Option<Value> {
    let mut fields = vec![("asset", text(symbol)), ("decimals", bare(row.get("decimals")?))];
    fields.extend(price.map(|price| ("feed", text(price))));
    for name in [
        "borrow_collateral_factor",
        "liquidate_collateral_factor",
        "liquidation_factor",
        "supply_cap",
        "total_supply",
        "reserves",
    ] {
        fields.push((name, number(row.get(name)?)));
    }
    Some(table(fields))
}

/// Numbers that may not survive another program's floats are texts.
fn number(value: &Int) -> Value {
    text(&value.to_string())
}

fn bare(value: &Int) -> Value {
    Value::Number(value.to_string())
}

/// An account that has nothing is a row of nothing.
pub(super) fn positions(market: &dyn Market, account: &Account) -> Option<Positions> {
    let asset = |place: usize| Some(market.instruments().get(place)?.asset.clone());
    let mut rows = Vec::new();
    for holding in account.holdings() {
        let (side, unit) = match holding.instrument {
            SUPPLY => (Side::Supply, "scaled"),
            DEBT => (Side::Debt, "scaled"),
            id if id.index() >= 4 && id.0 % 2 == 0 => (Side::Collateral, "raw"),
            _ => return None,
        };
        let (asset, quantity) = (asset(holding.instrument.index())?, holding.quantity.to_u256()?);
        rows.push(Position { side, asset, quantity, unit, as_collateral: None });
    }
    if rows.is_empty() {
        let (side, asset, quantity) = (Side::Supply, asset(SUPPLY.index())?, plimsoll_core::U256::ZERO);
        rows.push(Position { side, asset, quantity, unit: "scaled", as_collateral: None });
    }
    let (index, accrued) = (account.term(TRACKING_INDEX), account.term(TRACKING_ACCRUED));
    let tracked = !index.is_zero() || !accrued.is_zero();
    let mode = tracked.then(|| format!("{REWARDS}{index}/{accrued}"));
    let known = [TRACKING_INDEX, TRACKING_ACCRUED];
    account.terms().iter().all(|(term, _)| known.contains(term)).then_some(Positions {
        mode,
        rows,
        legs: Vec::new(),
    })
}
