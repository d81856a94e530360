//! A cross model from a file of its own: other weights and tiers of what a market lists, by name.

use super::presets::TIER_DECIMALS;
use super::read::tiers;
use crate::book::margin::{new_name, number, rate, rate_or};
use crate::fault::Log;
use crate::tree::{Fields, Node, list};
use plimsoll_margin::market::{AssetRule, MOST_PRICE_DECIMALS, Model, ONE, PerpRule, Weights};
use std::collections::HashSet;

/// What a table says of a model; the caller finishes its fields.
pub(in crate::book) fn read(fields: &mut Fields<'_>, log: &mut Log) -> Option<Model> {
    let before = log.count();
    let mut model = Model { decimals: TIER_DECIMALS, ..Model::default() };
    let mut names = HashSet::new();
    for node in nodes(fields, "assets", log) {
        model.assets.extend(asset(node, &mut names, log));
    }
    for node in nodes(fields, "perps", log) {
        model.perps.extend(perp(node, &mut names, log));
    }
    (log.count() == before).then_some(model)
}

fn nodes<'t>(fields: &mut Fields<'t>, name: &'static str, log: &mut Log) -> &'t [Node] {
    fields.take(name).and_then(|node| list(node, log)).unwrap_or(&[])
}

fn asset(node: &Node, names: &mut HashSet<String>, log: &mut Log) -> Option<AssetRule> {
    let mut fields = Fields::of(node, log)?;
    let name = fields.need("asset", log).and_then(|node| new_name(node, names, log));
    let asset = fields.need("asset_weight", log).and_then(|node| rate(node, ONE, log));
    let liability = fields.need("liability_weight", log).and_then(|node| rate(node, 100 * ONE, log));
    let initial_asset = rate_or(&mut fields, "initial_asset_weight", ONE, asset.unwrap_or(0), log);
    let initial_liability =
        rate_or(&mut fields, "initial_liability_weight", 100 * ONE, liability.unwrap_or(ONE), log);
    let cap = match fields.take("collateral_cap") {
        None => Some(None),
        Some(node) => number(node, MOST_PRICE_DECIMALS, log).map(|cap| Some((cap, MOST_PRICE_DECIMALS))),
    };
    fields.finish(log);
    let weights = [
        Weights { asset: initial_asset?, liability: initial_liability? },
        Weights { asset: asset?, liability: liability? },
    ];
    Some(AssetRule { name: name?, weights, cap: cap? })
}

fn perp(node: &Node, names: &mut HashSet<String>, log: &mut Log) -> Option<PerpRule> {
    let mut fields = Fields::of(node, log)?;
    let name = fields.need("perp", log).and_then(|node| new_name(node, names, log));
    let mut asked = |field: &'static str| match fields.take(field) {
        None => Some(None),
        Some(node) => tiers(node, TIER_DECIMALS, log).map(Some),
    };
    let tiers = [asked("initial"), asked("maintenance")];
    let mut weight = |field: &'static str| match fields.take(field) {
        None => Some(None),
        Some(node) => rate(node, ONE, log).map(Some),
    };
    let profit = [weight("initial_profit_weight"), weight("profit_weight")];
    fields.finish(log);
    let [initial, maintenance] = tiers;
    let [initial_profit, kept_profit] = profit;
    Some(PerpRule { name: name?, tiers: [initial?, maintenance?], profit: [initial_profit?, kept_profit?] })
}
