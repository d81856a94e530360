//! Aave v4 back to files. The market is seen as everybody sees it: by its cells and names.

use super::mode::{PREMIUM, RISK, VERSION};
use super::read::FLAGS;
use crate::book::venue::{Named, Names, Position, Positions, Side};
use crate::book::write::{flag, list, table, text};
use crate::tree::Value;
use plimsoll_core::{Account, Int, Market, U256};
use plimsoll_venues::aave_v4::{
    MAP, NO_CAP, NO_LIMIT, NO_THRESHOLD, RISK_PREMIUM, configuration_key, debt, premium_offset,
    premium_shares, receipt,
};
use std::collections::HashMap;

/// The numbers of one object.
type Row = HashMap<&'static str, Int>;

/// The object of the first reserve.
pub(super) const RESERVES: u64 = 2_000;
/// The object of the first version of the first reserve, and how much further those of the next begin.
const CONFIGURATIONS: u64 = 1 << 32;

pub(super) fn market(market: &dyn Market, names: &Names<'_>) -> Option<Named> {
    let mut rows: HashMap<u64, Row> = HashMap::new();
    market.visit(&mut |cell, name, _, value| {
        rows.entry(cell.object).or_default().insert(name, value);
    });
    let named = market.names();
    let of = |which: &'static str| named.iter().filter(move |(_, what, _)| *what == which);
    let currency = of("currency").next()?.2.as_str();
    let (mut assets, mut hubs) = (Vec::new(), Vec::new());
    for (object, _, name) in of("asset") {
        let (hub, symbol) = name.split_once('/')?;
        assets.push(asset(hub, symbol, rows.get(object)?)?);
        hubs.push((hub, symbol));
    }
    let spokes: Vec<&str> = of("spoke").map(|(_, _, name)| name.as_str()).collect();
    let mut spoke_tables = Vec::new();
    for (object, _, name) in of("spoke") {
        spoke_tables.push(spoke(name, rows.get(object)?)?);
    }
    let mut reserves = Vec::new();
    for ((place, (object, _, name)), price) in (0u64..).zip(of("reserve")).zip(&names.prices) {
        let row = rows.get(object)?;
        let at = |name: &str| row.get(name)?.to_u64().and_then(|at| usize::try_from(at).ok());
        let (hub, symbol) = hubs.get(at("hub_asset")?)?;
        let own = CONFIGURATIONS * (place + 1);
        let versions =
            of("configuration").filter(|(object, _, _)| (own..own + CONFIGURATIONS).contains(object));
        let versions: Option<Vec<Value>> =
            versions.map(|(object, _, _)| configuration(object - own, rows.get(object)?)).collect();
        let mut fields = vec![("name", text(name)), ("spoke", text(spokes.get(at("spoke")?)?))];
        fields.extend([("hub", text(hub)), ("asset", text(symbol))]);
        fields.extend(price.map(|price| ("feed", text(price))));
        fields.extend(reserve(row)?);
        fields.push(("configurations", list(versions?)));
        reserves.push(table(fields));
    }
    Some(vec![
        ("currency", text(currency)),
        ("hub_assets", list(assets)),
        ("spokes", list(spoke_tables)),
        ("reserves", list(reserves)),
    ])
}

fn asset(hub: &str, symbol: &str, row: &Row) -> Option<Value> {
    let rates = [
        ("optimal_usage", "optimal_usage"),
        ("base", "base_rate"),
        ("growth_before", "growth_before"),
        ("growth_after", "growth_after"),
    ];
    let rates: Option<Named> = rates.iter().map(|(name, cell)| Some((*name, bare(row.get(cell)?)))).collect();
    let state = [
        "liquidity",
        "added_shares",
        "drawn_shares",
        "premium_shares",
        "premium_offset_ray",
        "drawn_index",
        "drawn_rate",
        "last_update",
        "realized_fees",
        "swept",
        "deficit_ray",
        "fee_receiver_shares",
    ];
    let mut state = numbers(row, &state)?;
    let active = row.get("fee_receiver_active")?;
    if active.is_zero() {
        state.push(("fee_receiver_active", flag(false)));
    }
    Some(table(vec![
        ("hub", text(hub)),
        ("asset", text(symbol)),
        ("decimals", bare(row.get("decimals")?)),
        ("rates", table(rates?)),
        ("liquidity_fee", bare(row.get("liquidity_fee")?)),
        ("state", table(state)),
    ]))
}

fn spoke(name: &str, row: &Row) -> Option<Value> {
    let mut rules = numbers(row, &["target_health_factor", "health_factor_for_max_bonus"])?;
    rules.push(("liquidation_bonus_factor", bare(row.get("liquidation_bonus_factor")?)));
    let mut fields = vec![("name", text(name)), ("liquidation", table(rules))];
    limit(&mut fields, row, "max_user_reserves", u64::from(NO_LIMIT))?;
    Some(table(fields))
}

fn reserve(row: &Row) -> Option<Named> {
    let mut fields = vec![("collateral_risk", bare(row.get("collateral_risk")?))];
    let flags = row.get("flags")?.to_u64()?;
    for (name, bit, unsaid) in FLAGS {
        let set = flags & u64::from(bit) != 0;
        if set != unsaid {
            fields.push((name, flag(set)));
        }
    }
    limit(&mut fields, row, "add_cap", NO_CAP)?;
    limit(&mut fields, row, "draw_cap", NO_CAP)?;
    limit(&mut fields, row, "risk_premium_threshold", u64::from(NO_THRESHOLD))?;
    for (name, unsaid) in [("active", true), ("halted", false)] {
        let set = !row.get(name)?.is_zero();
        if set != unsaid {
            fields.push((name, flag(set)));
        }
    }
    let totals = ["added_shares", "drawn_shares", "premium_shares", "premium_offset_ray", "deficit_ray"];
    fields.push(("state", table(numbers(row, &totals)?)));
    fields.push(("newest", bare(row.get("dynamic_config_key")?)));
    Some(fields)
}

fn configuration(version: u64, row: &Row) -> Option<Value> {
    let mut fields = vec![("version", bare(&Int::from(version)))];
    for name in ["collateral_factor", "max_liquidation_bonus", "liquidation_fee"] {
        fields.push((name, bare(row.get(name)?)));
    }
    Some(table(fields))
}

/// A limit, where there is one.
fn limit(fields: &mut Named, row: &Row, name: &'static str, none: u64) -> Option<()> {
    let value = row.get(name)?;
    if *value != Int::from(none) {
        fields.push((name, number(value)));
    }
    Some(())
}

fn numbers(row: &Row, names: &[&'static str]) -> Option<Named> {
    names.iter().map(|name| Some((*name, number(row.get(name)?)))).collect()
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
    let names: Vec<String> = market
        .names()
        .into_iter()
        .filter(|(_, what, _)| *what == "reserve")
        .map(|(_, _, name)| name)
        .collect();
    let map = account.term(MAP).to_u256()?;
    let (mut rows, mut said, mut words) = (Vec::new(), U256::ZERO, Vec::new());
    let mut terms = vec![RISK_PREMIUM, MAP];
    let risk = account.term(RISK_PREMIUM);
    if !risk.is_zero() {
        words.push(format!("{RISK}{risk}"));
    }
    for (place, name) in names.iter().enumerate() {
        let held = |instrument| account.quantity(instrument).to_u256();
        let (supplied, owed) = (held(receipt(place))?, held(debt(place))?);
        let counts = map.bit(2 * place + 1);
        let mut row = |side, quantity, as_collateral| {
            rows.push(Position { side, asset: name.clone(), quantity, unit: "shares", as_collateral });
        };
        if counts {
            row(Side::Collateral, supplied, None);
            said = said.with_bit(2 * place + 1, true);
        } else if supplied != U256::ZERO {
            row(Side::Supply, supplied, None);
        }
        let premium = [account.term(premium_shares(place)), account.term(premium_offset(place))];
        if owed != U256::ZERO {
            row(Side::Debt, owed, None);
            said = said.with_bit(2 * place, true);
            words.push(format!("{PREMIUM}{name}={}/{}", premium[0], premium[1]));
        } else if premium.iter().any(|number| !number.is_zero()) {
            // A premium without a debt: no row says that.
            return None;
        }
        let key = account.term(configuration_key(place));
        if counts || !key.is_zero() {
            words.push(format!("{VERSION}{name}={key}"));
        }
        terms.extend([premium_shares(place), premium_offset(place), configuration_key(place)]);
    }
    if rows.is_empty() {
        let asset = names.first()?.clone();
        rows.push(Position {
            side: Side::Supply,
            asset,
            quantity: U256::ZERO,
            unit: "shares",
            as_collateral: None,
        });
    }
    let whole = said == map && account.terms().iter().all(|(term, _)| terms.contains(term));
    let mode = (!words.is_empty()).then(|| words.join("; "));
    whole.then_some(Positions { mode, rows, legs: Vec::new() })
}
