//! Portfolio margin back to files.

use crate::book::margin::{DIGITS, PRICE_DECIMALS};
use crate::book::schedules;
use crate::book::venue::{Named, Names};
use crate::book::write::{flag, list, number, table, text};
use crate::tree::Value;
use plimsoll_core::{Decimal, Int, U256};
use plimsoll_margin::portfolio::{Market, Model, Right, Terms};

/// A number as people write it.
fn plain(mantissa: Int, decimals: u8) -> Value {
    Value::Text(Decimal { mantissa, decimals }.trimmed().to_string())
}

fn rate(rate: u32) -> Value {
    plain(Int::from(u64::from(rate)), DIGITS)
}

fn amount(raw: U256, decimals: u8) -> Value {
    plain(raw.into(), decimals)
}

fn count(number: u8) -> Value {
    self::number(&Int::from(u64::from(number)))
}

pub(super) fn market(market: &dyn plimsoll_core::Market, names: &Names<'_>) -> Option<Named> {
    let market = Market::of(market)?;
    let spec = market.spec();
    let mut prices = names.prices.iter();
    let mut feed = || Some(prices.next()?.map(|price| ("feed", text(price))));
    let mut fields = vec![("currency", text(&spec.currency))];
    if spec.price_decimals != PRICE_DECIMALS {
        fields.push(("price_decimals", count(spec.price_decimals)));
    }
    fields.push(("settles_in", text(&spec.assets[spec.settles_in].name)));
    if spec.fee != 0 {
        fields.push(("liquidation_fee", rate(spec.fee)));
    }
    fields.push(("model", table(model(&spec.model))));
    let underlying = |place: usize| ("underlying", text(&spec.underlyings[place].name));
    let mut assets = Vec::new();
    for asset in &spec.assets {
        let mut row = vec![("asset", text(&asset.name)), ("decimals", count(asset.decimals))];
        match asset.priced {
            true => row.extend(feed()?),
            false => row.push(("at_par", flag(true))),
        }
        row.push(("haircut", rate(asset.haircut)));
        row.extend(asset.underlying.map(|place| ("moves_with", text(&spec.underlyings[place].name))));
        row.push(("lends", flag(asset.lends)));
        assets.push(table(row));
    }
    let mut underlyings = Vec::new();
    for (place, known) in spec.underlyings.iter().enumerate() {
        let mut row = vec![underlying(place)];
        row.extend(feed()?);
        if !known.surface.is_empty() {
            row.push(("surface", text(&known.surface)));
        }
        underlyings.push(table(row));
    }
    let mut expiries = Vec::new();
    for expiry in &spec.expiries {
        let mut row = vec![underlying(expiry.underlying), ("expiry", time(expiry.at))];
        row.extend(feed()?);
        expiries.push(table(row));
    }
    let mut contracts = Vec::new();
    for contract in &spec.contracts {
        let mut row = vec![("contract", text(&contract.name)), underlying(contract.underlying)];
        row.push(("decimals", count(contract.decimals)));
        row.push(("lot", amount(contract.lot, contract.decimals)));
        match contract.terms {
            Terms::Perp => row.extend(feed()?),
            Terms::Future { expiry } => row.push(("expiry", time(spec.expiries[expiry].at))),
            Terms::Option { expiry, strike, right } => {
                row.push(("expiry", time(spec.expiries[expiry].at)));
                row.push(("strike", amount(strike, spec.price_decimals)));
                row.push(("right", text(if right == Right::Call { "call" } else { "put" })));
            }
        }
        contracts.push(table(row));
    }
    let lists =
        [("assets", assets), ("underlyings", underlyings), ("expiries", expiries), ("contracts", contracts)];
    fields.extend(
        lists.into_iter().filter(|(_, rows)| !rows.is_empty()).map(|(name, rows)| (name, list(rows))),
    );
    let underlying = |place: usize| spec.underlyings[place].name.clone();
    fields.extend(schedules::write(&spec.schedules, "underlying", underlying));
    Some(fields)
}

fn time(at: plimsoll_core::Time) -> Value {
    Value::Text(crate::time::show(at))
}

/// Every scenario by itself: how the file listed them is not kept.
fn model(model: &Model) -> Named {
    let moves = |moves: i32| ("move", plain(Int::new(moves.into()), DIGITS));
    let scenarios = model.scenarios.iter().map(|scenario| {
        let vol = ("vol", text(scenario.vol.name()));
        table(vec![moves(scenario.moves), vol, ("counts", rate(scenario.counts))])
    });
    let days = model.days.iter().map(|day| {
        let of = [("underlying", text(&day.underlying)), ("day", text(&day.name))];
        table(of.into_iter().chain([moves(day.moves), ("vol", text(day.vol.name()))]).collect())
    });
    let mut fields = vec![
        ("vol_up", rate(model.vol_up)),
        ("vol_down", rate(model.vol_down)),
        ("vol_power", rate(model.short_power)),
        ("vol_power_beyond", rate(model.long_power)),
        ("basis", rate(model.basis)),
        ("basis_per_year", rate(model.basis_per_year)),
        ("short_options", rate(model.short_options)),
        ("maintenance", rate(model.maintenance)),
        ("scenarios", list(scenarios)),
    ];
    if !model.days.is_empty() {
        fields.push(("worst_days", list(days)));
    }
    fields
}
