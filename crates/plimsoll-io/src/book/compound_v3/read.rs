//! A market's file.

use super::{CometDesk, INDEX_ONE, PAUSES, head};
use crate::book::head as book_head;
use crate::book::venue::{Decoded, Setting};
use crate::fault::{Code, Log, Span, quoted};
use crate::scalar;
use crate::tree::{Fields, Node, list, text};
use plimsoll_core::{Time, U256};
use plimsoll_venues::compound_v3::{
    ASSETS_MAX, Asset, AssetRules, AssetTotals, Market, Rates, Rules, Spec, State,
};

type Wire = Option<(String, Span)>;

/// One (wad).
const WAD: U256 = U256::new(10u128.pow(18));
/// Factors are kept in multiples of this (wad).
const FACTOR_STEP: U256 = U256::new(10u128.pow(14));
/// 16 bits of such steps (wad).
const MOST_FACTOR: U256 = U256::new(65_535 * 10u128.pow(14));

pub(super) fn market(fields: &mut Fields<'_>, setting: &Setting, log: &mut Log) -> Option<Decoded> {
    let before = log.count();
    let currency = fields.need("currency", log).and_then(|node| name(node, log));
    let base = fields.need("base", log).and_then(|node| base(node, log));
    let front = fields.need("store_front_price_factor", log).and_then(|node| up_to(node, WAD, log));
    let [borrow_min, target] =
        ["base_borrow_min", "target_reserves"].map(|field| number(fields, field, 104, log));
    let [supply, borrow] = ["supply_rates", "borrow_rates"].map(|field| match fields.take(field) {
        Some(node) => rates(node, log),
        // Without a curve nothing is earned or paid.
        None => Some(Rates::default()),
    });
    let rewards = match fields.take("rewards") {
        Some(node) => rewards(node, log),
        None => Some(Rewards::none()),
    };
    let pause_flags = fields.take("paused").map_or(Some(0), |node| paused(node, log));
    let nodes = fields.need("collateral", log).and_then(|node| list(node, log));
    let state = match fields.take("state") {
        Some(node) => state(node, setting.at, log),
        None => Some(fresh(setting.at)),
    };

    let mut wires = vec![base.as_ref().and_then(|base| base.wire.clone())];
    let mut assets: Vec<Asset> = Vec::new();
    let base_symbol = base.as_ref().map(|base| base.symbol.as_str());
    for (place, node) in nodes?.iter().enumerate() {
        if place == ASSETS_MAX {
            log.at(
                Code::TooLarge,
                node.span,
                format!("{} assets", nodes?.len()),
                format!("at most {ASSETS_MAX}"),
            );
            break;
        }
        let Some((asset, wire)) = asset(node, log) else { continue };
        let again = assets.iter().any(|other| other.symbol == asset.symbol);
        if again || base_symbol == Some(&asset.symbol) {
            log.at(
                Code::DuplicateAsset,
                head(node.span),
                quoted(&asset.symbol),
                "each asset once, and not the base",
            );
        }
        assets.push(asset);
        wires.push(wire);
    }
    if log.count() != before {
        return None;
    }
    let (base, rewards) = (base?, rewards?);
    let rules = Rules {
        base_decimals: base.decimals,
        store_front_price_factor: front?,
        supply: supply?,
        borrow: borrow?,
        tracking_index_scale: rewards.scale,
        base_tracking_supply_speed: rewards.supply_speed,
        base_tracking_borrow_speed: rewards.borrow_speed,
        base_min_for_rewards: rewards.least,
        base_borrow_min: borrow_min?,
        target_reserves: target?,
        pause_flags: pause_flags?,
    };
    let spec = Spec { base: base.symbol, currency: currency?, rules, state: state?, assets };
    let market = Market::new(spec);
    let desk = market.and_then(|market| {
        let projected = market.projected(setting.at)?;
        market.accrued(setting.at)?;
        Ok(CometDesk { market, projected })
    });
    match desk {
        Ok(desk) => Some(Decoded::new(Box::new(desk), wires)),
        Err(refusal) => {
            let expected = "a market whose interest can be added up to the book's time";
            log.at(Code::MarketRefused, head(fields.span), refusal.to_string(), expected);
            None
        }
    }
}

fn name(node: &Node, log: &mut Log) -> Option<String> {
    Some(scalar::name(text(node, log)?, node.span, log)?.to_string())
}

fn number(fields: &mut Fields<'_>, name: &'static str, bits: usize, log: &mut Log) -> Option<U256> {
    scalar::whole(fields.need(name, log)?, bits, log)
}

fn feed(fields: &mut Fields<'_>, log: &mut Log) -> Wire {
    fields.take("feed").and_then(|node| Some((text(node, log)?.to_string(), node.span)))
}

/// A whole number from zero to `most`.
fn up_to(node: &Node, most: U256, log: &mut Log) -> Option<U256> {
    let number = scalar::whole(node, 256, log)?;
    if number > most {
        log.at(Code::OutOfRange, node.span, number.to_string(), format!("at most {most} (10^18 is one)"));
        return None;
    }
    Some(number)
}

fn decimals(fields: &mut Fields<'_>, least: u8, most: u8, log: &mut Log) -> Option<u8> {
    let node = fields.need("decimals", log)?;
    let number = scalar::whole(node, 256, log)?;
    let small = number.to_u64().and_then(|number| u8::try_from(number).ok());
    let small = small.filter(|decimals| (least..=most).contains(decimals));
    if small.is_none() {
        log.at(Code::Decimals, node.span, number.to_string(), format!("{least} to {most} decimals"));
    }
    small
}

struct Base {
    symbol: String,
    decimals: u8,
    wire: Wire,
}

/// `{ asset = "USDC", decimals = 6, feed = "USDC/USD" }`.
fn base(node: &Node, log: &mut Log) -> Option<Base> {
    let mut fields = Fields::of(node, log)?;
    let symbol = fields.need("asset", log).and_then(|node| name(node, log));
    let decimals = decimals(&mut fields, 6, 18, log);
    let wire = feed(&mut fields, log);
    fields.finish(log);
    Some(Base { symbol: symbol?, decimals: decimals?, wire })
}

fn rates(node: &Node, log: &mut Log) -> Option<Rates> {
    let mut fields = Fields::of(node, log)?;
    let [kink, slope_low, slope_high, base] =
        ["kink", "slope_low", "slope_high", "base"].map(|field| number(&mut fields, field, 64, log));
    fields.finish(log);
    Some(Rates { kink: kink?, slope_low: slope_low?, slope_high: slope_high?, base: base? })
}

struct Rewards {
    scale: U256,
    supply_speed: U256,
    borrow_speed: U256,
    least: U256,
}

impl Rewards {
    fn none() -> Rewards {
        let (scale, least) = (INDEX_ONE, U256::ONE);
        Rewards { scale, supply_speed: U256::ZERO, borrow_speed: U256::ZERO, least }
    }
}

fn rewards(node: &Node, log: &mut Log) -> Option<Rewards> {
    let mut fields = Fields::of(node, log)?;
    let scale = positive(&mut fields, "tracking_index_scale", 64, log);
    let [supply, borrow] = ["supply_speed", "borrow_speed"].map(|field| number(&mut fields, field, 64, log));
    let least = positive(&mut fields, "min_for_rewards", 104, log);
    fields.finish(log);
    Some(Rewards { scale: scale?, supply_speed: supply?, borrow_speed: borrow?, least: least? })
}

fn positive(fields: &mut Fields<'_>, name: &'static str, bits: usize, log: &mut Log) -> Option<U256> {
    let node = fields.need(name, log)?;
    let number = scalar::whole(node, bits, log)?;
    if number == U256::ZERO {
        log.at(Code::OutOfRange, node.span, "0", "a number above zero: the contract divides by it");
        return None;
    }
    Some(number)
}

fn paused(node: &Node, log: &mut Log) -> Option<u8> {
    let mut flags = 0;
    for node in list(node, log)? {
        flags |= scalar::word(text(node, log)?, node.span, PAUSES, log)?;
    }
    Some(flags)
}

fn asset(node: &Node, log: &mut Log) -> Option<(Asset, Wire)> {
    let mut fields = Fields::of(node, log)?;
    let symbol = fields.need("asset", log).and_then(|node| name(node, log));
    let decimals = decimals(&mut fields, 0, 19, log);
    let wire = feed(&mut fields, log);
    let borrow = factor(&mut fields, "borrow_collateral_factor", WAD, log);
    let liquidate = factor(&mut fields, "liquidate_collateral_factor", WAD, log);
    let liquidation = factor(&mut fields, "liquidation_factor", MOST_FACTOR, log);
    let cap = number(&mut fields, "supply_cap", 128, log);
    let [total, reserves] = ["total_supply", "reserves"].map(|field| match fields.take(field) {
        Some(node) => scalar::whole(node, 128, log),
        None => Some(U256::ZERO),
    });
    fields.finish(log);
    let ((borrow, span), (liquidate, _)) = (borrow?, liquidate?);
    if borrow >= liquidate {
        let expected = format!("less than the liquidate factor, {liquidate}");
        log.at(Code::LtvThreshold, span, borrow.to_string(), expected);
        return None;
    }
    let rules = AssetRules {
        decimals: decimals?,
        borrow_factor: borrow,
        liquidate_factor: liquidate,
        liquidation_factor: liquidation?.0,
        supply_cap: cap?,
    };
    let totals = AssetTotals { total_supply: total?, reserves: reserves? };
    Some((Asset { symbol: symbol?, rules, totals }, wire))
}

/// A factor as the contract keeps it: four decimals.
fn factor(fields: &mut Fields<'_>, name: &'static str, most: U256, log: &mut Log) -> Option<(U256, Span)> {
    let node = fields.need(name, log)?;
    let factor = up_to(node, most, log)?;
    let steps = factor.div(FACTOR_STEP, plimsoll_core::Rounding::Exact);
    if steps.is_none() {
        let expected = "a multiple of 10^14: the contract keeps four decimals";
        log.at(Code::OutOfRange, node.span, factor.to_string(), expected);
    }
    steps.map(|_| (factor, node.span))
}

/// A market in which nothing has happened yet.
fn fresh(at: Time) -> State {
    State {
        base_supply_index: INDEX_ONE,
        base_borrow_index: INDEX_ONE,
        last_accrual_time: at.0,
        ..State::default()
    }
}

fn state(node: &Node, at: Time, log: &mut Log) -> Option<State> {
    let mut fields = Fields::of(node, log)?;
    let [supply_index, borrow_index] = ["base_supply_index", "base_borrow_index"].map(|name| {
        let node = fields.need(name, log)?;
        let index = scalar::whole(node, 64, log)?;
        if index < INDEX_ONE {
            let expected = "at least 10^15, which is one";
            log.at(Code::Index, node.span, quoted(&index.to_string()), expected)
                .help("an index has 15 digits after its first");
            return None;
        }
        Some(index)
    });
    let [tracking_supply, tracking_borrow] =
        ["tracking_supply_index", "tracking_borrow_index"].map(|name| match fields.take(name) {
            Some(node) => scalar::whole(node, 64, log),
            None => Some(U256::ZERO),
        });
    let [supply, borrow] =
        ["total_supply_base", "total_borrow_base"].map(|name| number(&mut fields, name, 104, log));
    let last = fields.need("last_accrual_time", log).and_then(|node| {
        let time = book_head::time(node, log)?;
        if time > at {
            log.at(Code::Future, node.span, time.0.to_string(), format!("a time up to the book's, {}", at.0));
            return None;
        }
        Some(time.0)
    });
    let balance = number(&mut fields, "base_balance", 255, log);
    fields.finish(log);
    Some(State {
        base_supply_index: supply_index?,
        base_borrow_index: borrow_index?,
        tracking_supply_index: tracking_supply?,
        tracking_borrow_index: tracking_borrow?,
        total_supply_base: supply?,
        total_borrow_base: borrow?,
        last_accrual_time: last?,
        base_balance: balance?,
    })
}
