//! Aave v3 back to files. The market is seen as everybody sees it: by its cells and names.

use super::reserve::{NAMED, NamedKind};
use crate::book::venue::{Names, Position, Positions, Side};
use crate::book::write::{flag, list, number, table, text};
use crate::tree::Value;
use plimsoll_core::{Account, InstrumentId, Int, Market, U256};
use plimsoll_venues::aave_v3::{Configuration, E_MODE, RESERVES_MAX, Revision, USER_CONFIG, debt, receipt};
use std::collections::HashMap;

/// The numbers of one reserve or mode.
type Row = HashMap<&'static str, Int>;

pub(super) fn market(market: &dyn Market, names: &Names<'_>) -> Option<Vec<(&'static str, Value)>> {
    let revision = Revision::parse(market.venue().1)?;
    let mut rows: HashMap<u64, Row> = HashMap::new();
    market.visit(&mut |cell, name, _, value| {
        rows.entry(cell.object).or_default().insert(name, value);
    });
    let named = market.names();
    let symbols: Vec<&str> =
        named.iter().filter(|(_, what, _)| *what == "symbol").map(|(_, _, name)| name.as_str()).collect();
    let currency = named.iter().find(|(_, what, _)| *what == "currency")?.2.as_str();

    let mut prices = names.prices.iter().copied();
    let mut reserves = Vec::new();
    let mut modes = Vec::new();
    for (object, what, name) in &named {
        let row = || rows.get(object);
        match *what {
            "symbol" => reserves.push(reserve(name, row()?, prices.next()?, revision)?),
            // An e-mode has no name to be listed by but its object's number.
            "label" => {
                let own = !row()?.get("own_price")?.is_zero();
                let price = if own { prices.next()? } else { None };
                modes.push(mode(object % 1000, name, row()?, price, &symbols, revision)?);
            }
            _ => {}
        }
    }
    let mut fields = vec![("currency", text(currency)), ("reserves", list(reserves))];
    if !modes.is_empty() {
        fields.push(("emodes", list(modes)));
    }
    Some(fields)
}

fn reserve(symbol: &str, row: &Row, price: Option<&str>, revision: Revision) -> Option<Value> {
    let mut fields = vec![("asset", text(symbol))];
    fields.extend(price.map(|price| ("feed", text(price))));
    let word = Configuration(row.get("configuration")?.to_u256()?);
    match by_name(word, revision) {
        Some(named) => fields.extend(named),
        None => fields.push(("configuration", text(&word.0.to_string()))),
    }
    let bps = |name: &'static str| Some((name, number(row.get(name)?)));
    fields.push(("rates", table(vec![bps("optimal")?, bps("base")?, bps("slope1")?, bps("slope2")?])));
    let grace = row.get("grace_until")?;
    if !grace.is_zero() {
        fields.push(("grace_until", number(grace)));
    }
    let mut state = Vec::new();
    for name in [
        "liquidity_index",
        "variable_borrow_index",
        "liquidity_rate",
        "variable_borrow_rate",
        "last_update",
        "scaled_supply",
        "scaled_debt",
        "accrued_to_treasury",
    ] {
        state.push((name, amount(row.get(name)?)));
    }
    let since = [
        ("cash", Revision::V3_0, Revision::V3_7),
        ("virtual_balance", Revision::V3_1, Revision::V3_7),
        ("deficit", Revision::V3_3, Revision::V3_7),
        ("isolation_debt", Revision::V3_0, Revision::V3_6),
    ];
    for (name, from, to) in since {
        let value = row.get(name)?;
        let plain = value.is_zero() && matches!(name, "deficit" | "isolation_debt");
        if plain {
            continue;
        }
        if (from..=to).contains(&revision) {
            state.push((name, amount(value)));
        } else if !value.is_zero() {
            return None;
        }
    }
    fields.push(("state", table(state)));
    Some(table(fields))
}

/// Numbers that may not survive another program's floats are texts.
fn amount(value: &Int) -> Value {
    text(&value.to_string())
}

/// The word by its names, if they say all of it.
fn by_name(word: Configuration, revision: Revision) -> Option<Vec<(&'static str, Value)>> {
    let mut rebuilt = Configuration::default();
    let mut fields = Vec::new();
    for named in NAMED.iter().filter(|named| (named.revisions.0..=named.revisions.1).contains(&revision)) {
        let value = word.get(named.bits);
        rebuilt = rebuilt.with(named.bits, value)?;
        match named.kind {
            NamedKind::Flag(default) if (value == 1) == default => {}
            NamedKind::Flag(_) => fields.push((named.name, flag(value == 1))),
            NamedKind::Number if value == 0 => {}
            NamedKind::Number | NamedKind::Needed => fields.push((named.name, number(&Int::from(value)))),
        }
    }
    (rebuilt == word).then_some(fields)
}

fn mode(
    id: u64,
    label: &str,
    row: &Row,
    price: Option<&str>,
    symbols: &[&str],
    revision: Revision,
) -> Option<Value> {
    let mut fields = vec![
        ("id", number(&Int::from(id))),
        ("label", text(label)),
        ("ltv", number(row.get("ltv")?)),
        ("liquidation_threshold", number(row.get("liquidation_threshold")?)),
        ("liquidation_bonus", number(row.get("liquidation_bonus")?)),
    ];
    if !row.get("own_price")?.is_zero() {
        // A mode whose price is wired to nothing cannot be told from one without a price.
        fields.push(("feed", text(price?)));
    }
    let lists =
        [("collateral", Revision::V3_2), ("borrowable", Revision::V3_2), ("ltv_zero", Revision::V3_6)];
    for (name, since) in lists {
        let word = row.get(name)?.to_u256()?;
        if revision >= since {
            fields.push((name, assets(word, symbols)?));
        } else if word != U256::ZERO {
            return None;
        }
    }
    if !row.get("isolated")?.is_zero() {
        fields.push(("isolated", flag(true)));
    }
    Some(table(fields))
}

fn assets(word: U256, symbols: &[&str]) -> Option<Value> {
    let bits = (0..256).filter(|&bit| word.bit(bit));
    let named: Option<Vec<Value>> = bits.map(|bit| symbols.get(bit).map(|symbol| text(symbol))).collect();
    named.map(list)
}

pub(super) fn positions(market: &dyn Market, account: &Account) -> Option<Positions> {
    let config = account.term(USER_CONFIG).to_u256()?;
    let instruments = market.instruments();
    let mut rows = Vec::new();
    let mut said = U256::ZERO;
    for reserve in 0..RESERVES_MAX {
        let (owes, counts) = (config.bit(2 * reserve), config.bit(2 * reserve + 1));
        let held = |instrument: InstrumentId| account.quantity(instrument).to_u256();
        let (supplied, owed) = (held(receipt(reserve))?, held(debt(reserve))?);
        let listed = instruments.get(3 * reserve);
        let mut row = |side, quantity, as_collateral| {
            let asset = listed?.asset.clone();
            rows.push(Position { side, asset, quantity, unit: "scaled", as_collateral });
            Some(())
        };
        if counts {
            row(Side::Collateral, supplied, None)?;
            said = said.with_bit(2 * reserve + 1, true);
        } else if supplied != U256::ZERO {
            row(Side::Supply, supplied, Some(false))?;
        }
        if owes {
            row(Side::Debt, owed, None)?;
            said = said.with_bit(2 * reserve, true);
        } else if owed != U256::ZERO {
            // A debt without its flag: no row says that.
            return None;
        }
    }
    if rows.is_empty() {
        let asset = instruments.first()?.asset.clone();
        let (quantity, as_collateral) = (U256::ZERO, Some(false));
        rows.push(Position { side: Side::Supply, asset, quantity, unit: "scaled", as_collateral });
    }
    let whole = account.holdings().iter().all(|holding| holding.instrument.0 % 3 != 0);
    let mode = account.term(E_MODE);
    let mode = (!mode.is_zero()).then(|| format!("emode={mode}"));
    (whole && said == config).then_some(Positions { mode, rows, legs: Vec::new() })
}
