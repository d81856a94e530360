//! A cross-margin market from its file.

use super::presets;
use crate::book::margin::{LedgerDesk, PRICE_DECIMALS, decimals, name, new_name, number, rate, rate_or};
use crate::book::schedules;
use crate::book::venue::{Decoded, Setting};
use crate::fault::{Code, Log, Span, nearest, quoted};
use crate::scalar;
use crate::tree::{Fields, Node, Value, flag, list, text};
use plimsoll_core::U256;
use plimsoll_margin::market::{
    Asked, Asset, MOST_PRICE_DECIMALS, Market, ONE, Perp, Spec, SpecError, Tier, Weights,
};
use std::collections::HashSet;

type Wire = Option<(String, Span)>;

pub(super) fn market(fields: &mut Fields<'_>, setting: &Setting, log: &mut Log) -> Option<Decoded> {
    let head = Span { end: fields.span.start + 1, ..fields.span };
    let before = log.count();
    let currency = fields.need("currency", log).and_then(|node| name(node, log));
    let preset = fields
        .take("preset")
        .map(|node| text(node, log).and_then(|word| presets::find(word, node.span, log)));
    let digits = fields.take("price_decimals");
    let price_decimals = match digits {
        Some(node) => scalar::between(node, 0, MOST_PRICE_DECIMALS.into(), log).map(|digits| digits as u8),
        None => Some(PRICE_DECIMALS),
    };
    let price_decimals = price_decimals.unwrap_or(PRICE_DECIMALS);
    let mut names = HashSet::new();
    let (mut assets, mut perps) = (Vec::new(), Vec::new());
    let nodes = fields.need("assets", log).and_then(|node| list(node, log)).unwrap_or(&[]);
    for node in nodes {
        assets.extend(asset(node, price_decimals, &mut names, log));
    }
    let known: Vec<Asset> = assets.iter().map(|(asset, _)| asset.clone()).collect();
    let nodes = fields.take("perps").and_then(|node| list(node, log)).unwrap_or(&[]);
    for node in nodes {
        perps.extend(perp(node, &known, preset.flatten(), &mut names, log));
    }
    let names: Vec<&str> = perps.iter().map(|(perp, _)| perp.name.as_str()).collect();
    let schedules = schedules::read(fields, "perp", &names, log);
    if log.count() != before {
        return None;
    }
    let priced = assets.iter().filter(|(asset, _)| asset.priced).map(|(_, wire)| wire.clone());
    let wires: Vec<Wire> = priced.chain(perps.iter().map(|(_, wire)| wire.clone())).collect();
    let perps: Vec<Perp> = perps.into_iter().map(|(perp, _)| perp).collect();
    let of = |error: SpecError| {
        let named = match error.what {
            "decimals" | "asset_weight" | "liability_weight" | "collateral_cap" | "liquidation_bonus" => {
                known.get(error.place).map(|asset| asset.name.clone())
            }
            _ => perps.get(error.place).map(|perp| perp.name.clone()),
        };
        named.unwrap_or_default()
    };
    let spec = Spec {
        currency: currency?,
        price_decimals,
        updated: setting.at,
        assets: known.clone(),
        perps: perps.clone(),
        schedules,
    };
    match Market::new(spec) {
        Ok(market) => Some(Decoded::new(Box::new(LedgerDesk { market }), wires)),
        Err(error) => {
            let found = format!("{} of {}", error.what, quoted(&of(error)));
            log.at(Code::MarketRefused, head, found, expected(error.what));
            None
        }
    }
}

/// What [`Market::new`] expects of what it refuses.
fn expected(what: &str) -> &'static str {
    match what {
        "asset_weight" => "an initial asset weight of at most the maintenance one, and that of at most 1",
        "liability_weight" => {
            "an initial liability weight of at least the maintenance one, and that from 1 to 100"
        }
        "settles_in" => "an asset without a cap for a perp to settle in",
        "profit_weight" => "an initial profit weight of at most the maintenance one, and that of at most 1",
        "tiers" => {
            "tiers from nothing on, each from more and at a higher rate than the one before, above 0 and at most 1"
        }
        "schedules" => {
            "at most 500 rows of schedules later than the book, and tiers that stay at most 1 with them"
        }
        "no price at all" => "an asset with a feed or a perp",
        _ => "a number that fits",
    }
}

fn asset(
    node: &Node,
    price_decimals: u8,
    names: &mut HashSet<String>,
    log: &mut Log,
) -> Option<(Asset, Wire)> {
    let mut fields = Fields::of(node, log)?;
    let name = fields.need("asset", log).and_then(|node| new_name(node, names, log));
    let decimals = fields.need("decimals", log).and_then(|node| decimals(node, log));
    let wire = fields.take("feed").and_then(|node| Some((text(node, log)?.to_string(), node.span)));
    let par = fields.take("at_par").map_or(Some(false), |node| {
        let par = flag(node, log)?;
        if par && wire.is_some() {
            log.at(
                Code::Exclusive,
                node.span,
                "a feed beside it",
                "a feed, or that it is worth one of the currency",
            );
        }
        Some(par)
    });
    let asset = fields.need("asset_weight", log).and_then(|node| rate(node, ONE, log));
    let liability = fields.need("liability_weight", log).and_then(|node| rate(node, 100 * ONE, log));
    let initial_asset = rate_or(&mut fields, "initial_asset_weight", ONE, asset.unwrap_or(0), log);
    let initial_liability =
        rate_or(&mut fields, "initial_liability_weight", 100 * ONE, liability.unwrap_or(ONE), log);
    let cap = fields.take("collateral_cap").map_or(Some(U256::ZERO), |node| {
        let cap = number(node, price_decimals, log)?;
        if cap == U256::ZERO {
            log.at(
                Code::OutOfRange,
                node.span,
                "0",
                "more than nothing: an asset weight of 0 lets nothing count",
            );
        }
        Some(cap)
    });
    let lends = fields.take("lends").map_or(Some(false), |node| flag(node, log));
    let bonus = rate_or(&mut fields, "liquidation_bonus", ONE, 0, log);
    fields.finish(log);
    let weights = [
        Weights { asset: initial_asset?, liability: initial_liability? },
        Weights { asset: asset?, liability: liability? },
    ];
    let (name, decimals, priced) = (name?, decimals?, !par?);
    Some((Asset { name, decimals, priced, weights, cap: cap?, lends: lends?, bonus: bonus? }, wire))
}

fn perp(
    node: &Node,
    assets: &[Asset],
    preset: Option<&presets::Preset>,
    names: &mut HashSet<String>,
    log: &mut Log,
) -> Option<(Perp, Wire)> {
    let mut fields = Fields::of(node, log)?;
    let name_node = fields.need("perp", log);
    let name = name_node.and_then(|node| new_name(node, names, log));
    let known = match (preset, &name, name_node) {
        (Some(preset), Some(name), Some(node)) => preset.perp(name, node.span, log),
        _ => None,
    };
    let settles = fields.need("settles_in", log).and_then(|node| {
        let word = text(node, log)?;
        let found = assets.iter().position(|asset| asset.name == word);
        if found.is_none() {
            let expected = "an asset of the market";
            let fault = log.at(Code::UnknownAsset, node.span, quoted(word), expected);
            if let Some(near) = nearest(word, assets.iter().map(|asset| asset.name.as_str())) {
                fault.help(format!("did you mean `{near}`?"));
            }
        }
        found
    });
    let decimals = match (fields.take("decimals"), known) {
        (Some(node), _) => decimals(node, log),
        (None, Some(known)) => Some(known.decimals),
        (None, None) => fields.need("decimals", log).and_then(|node| decimals(node, log)),
    };
    let wire = fields.take("feed").and_then(|node| Some((text(node, log)?.to_string(), node.span)));
    let lot = fields.take("lot").map_or(Some(U256::ONE), |node| number(node, decimals.unwrap_or(0), log));
    let profit = rate_or(&mut fields, "profit_weight", ONE, ONE, log);
    let initial_profit = rate_or(&mut fields, "initial_profit_weight", ONE, profit.unwrap_or(ONE), log);
    let fee = rate_or(&mut fields, "liquidation_fee", ONE, 0, log);
    let raw = settles.and_then(|settles| assets.get(settles)).map_or(0, |asset| asset.decimals);
    let initial = fields.need("initial", log).and_then(|node| tiers(node, raw, log));
    let maintenance = match (fields.take("maintenance"), known) {
        (Some(node), None) => tiers(node, raw, log),
        (Some(node), Some(_)) => {
            log.at(Code::Exclusive, node.span, "tiers of its own", "nothing: the preset says them");
            None
        }
        (None, Some(known)) => known.maintenance(raw),
        (None, None) => fields.need("maintenance", log).and_then(|node| tiers(node, raw, log)),
    };
    fields.finish(log);
    let asked =
        [Asked { profit: initial_profit?, tiers: initial? }, Asked { profit: profit?, tiers: maintenance? }];
    let (name, decimals) = (name?, decimals?);
    Some((Perp { name, decimals, settles_in: settles?, lot: lot?, fee: fee?, asked }, wire))
}

/// One rate, or a list of tiers.
pub(super) fn tiers(node: &Node, decimals: u8, log: &mut Log) -> Option<Vec<Tier>> {
    let Value::List(nodes) = &node.value else {
        return Some(vec![Tier { from: U256::ZERO, rate: rate(node, ONE, log)? }]);
    };
    let tier = |node: &Node| {
        let mut fields = Fields::of(node, log)?;
        let from = fields.need("from", log).and_then(|node| number(node, decimals, log));
        let rate = fields.need("rate", log).and_then(|node| rate(node, ONE, log));
        fields.finish(log);
        Some(Tier { from: from?, rate: rate? })
    };
    nodes.iter().map(tier).collect()
}
