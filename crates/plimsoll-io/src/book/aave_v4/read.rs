//! A market's file.

use super::mode::BETWEEN;
use super::{HubDesk, ONE, SHARE_BITS, owed};
use crate::book::head as book_head;
use crate::book::venue::{Decoded, Setting};
use crate::fault::{Code, Log, Span, quoted};
use crate::scalar;
use crate::tree::{Fields, Node, digits, flag, list, text};
use plimsoll_core::{Int, Time, U256};
use plimsoll_venues::aave_v4::{
    AssetState, BORROWABLE, Configuration, Curve, FROZEN, HubAsset, Link, LiquidationRules, Market, NO_CAP,
    NO_LIMIT, NO_THRESHOLD, PAUSED, RECEIVE_SHARES, RESERVES_MAX, Reserve, Spec, Spoke,
};

type Wire = Option<(String, Span)>;

/// A health of one (wad).
const HEALTH_ONE: U256 = U256::new(10u128.pow(18));
/// A thousand percent (bps).
pub(super) const MOST_RISK: u64 = 100_000;

/// What a reserve may be, by the words of files; as on chain a new one may be borrowed and its shares taken.
pub(super) const FLAGS: [(&str, u8, bool); 4] = [
    ("paused", PAUSED, false),
    ("frozen", FROZEN, false),
    ("borrowable", BORROWABLE, true),
    ("receive_shares_enabled", RECEIVE_SHARES, true),
];

pub(super) fn market(fields: &mut Fields<'_>, setting: &Setting, log: &mut Log) -> Option<Decoded> {
    let before = log.count();
    let currency = fields.need("currency", log).and_then(|node| name(node, log));
    let [assets, spokes, reserves] = ["hub_assets", "spokes", "reserves"]
        .map(|field| fields.need(field, log).and_then(|node| list(node, log)));
    let nodes = assets?;
    let assets: Vec<HubAsset> = nodes.iter().filter_map(|node| asset(node, setting.at, log)).collect();
    let spokes: Vec<Spoke> = spokes?.iter().filter_map(|node| spoke(node, log)).collect();
    let (mut listed, mut wires): (Vec<Reserve>, Vec<Wire>) = (Vec::new(), Vec::new());
    if log.count() != before {
        return None;
    }
    for (place, node) in reserves?.iter().enumerate() {
        if place == RESERVES_MAX {
            let found = format!("{} reserves", reserves?.len());
            log.at(Code::TooLarge, node.span, found, format!("at most {RESERVES_MAX}"));
            break;
        }
        let Some((reserve, wire)) = reserve(node, &assets, &spokes, log) else { continue };
        if listed.iter().any(|other| other.name == reserve.name) {
            log.at(
                Code::DuplicateName,
                head(node.span),
                quoted(&reserve.name),
                "each reserve by a name of its own",
            )
            .help("where two have one asset, give them a `name`");
        }
        listed.push(reserve);
        wires.push(wire);
    }
    if log.count() == before {
        for (place, (asset, node)) in assets.iter().zip(nodes).enumerate() {
            let of = listed.iter().filter(|reserve| reserve.asset == place);
            sums(asset, &of.map(|reserve| reserve.link).collect::<Vec<_>>(), head(node.span), log);
        }
    }
    if log.count() != before {
        return None;
    }
    let spec = Spec { currency: currency?, assets, spokes, reserves: listed };
    let market = match Market::new(spec) {
        Ok(market) => market,
        Err(error) => {
            log.at(Code::MarketRefused, head(fields.span), error.to_string(), "a market that can be");
            return None;
        }
    };
    let views = market.reserves().iter().map(|reserve| market.assets()[reserve.asset].views(setting.at));
    match views.collect::<Result<Vec<_>, _>>() {
        Ok(views) => Some(Decoded::new(Box::new(HubDesk { market, views }), wires)),
        Err(refusal) => {
            let expected = "hub assets whose interest can be added up to the book's time";
            log.at(Code::MarketRefused, head(fields.span), refusal.to_string(), expected);
            None
        }
    }
}

/// The spokes that draw on a hub asset have no more of it together than the hub asset itself says; less where the market does
/// not list all of them. A hub asset of which nothing is said has nothing to say.
fn sums(asset: &HubAsset, spokes: &[Link], span: Span, log: &mut Log) {
    let state = &asset.state;
    if [state.added_shares, state.drawn_shares, state.liquidity, state.premium_shares] == [U256::ZERO; 4] {
        return;
    }
    let index = state.drawn_index;
    let of = |sum: fn(&Link) -> Option<U256>, first: U256| {
        spokes.iter().try_fold(first, |all, link| all.add(sum(link)?)).unwrap_or(U256::MAX)
    };
    let premium = spokes
        .iter()
        .try_fold(U256::ZERO, |all, link| all.add(owed(link.premium_shares, link.premium_offset, index)?));
    let known = owed(state.premium_shares, state.premium_offset, index).unwrap_or_default();
    let totals = [
        (
            "added_shares, those of the fee receiver too,",
            of(|link| Some(link.added_shares), state.fee_shares),
            state.added_shares,
        ),
        ("drawn_shares", of(|link| Some(link.drawn_shares), U256::ZERO), state.drawn_shares),
        ("premium_shares", of(|link| Some(link.premium_shares), U256::ZERO), state.premium_shares),
        ("premium owed (raw x 10^27)", premium.unwrap_or(U256::MAX), known),
        ("deficit_ray", of(|link| Some(link.deficit), U256::ZERO), state.deficit),
    ];
    for (what, held, total) in totals {
        if held > total {
            let HubAsset { hub, symbol, .. } = asset;
            let found = format!("{what} of {held} in the spokes of {hub}/{symbol}");
            let expected = format!("at most {total}, which is what the hub asset says");
            log.at(Code::Totals, span, found, expected);
        }
    }
}

/// The first character of a table, to point at when no field of it is meant.
fn head(span: Span) -> Span {
    Span { end: span.end.min(span.start + 1), ..span }
}

fn name(node: &Node, log: &mut Log) -> Option<String> {
    let name = scalar::name(text(node, log)?, node.span, log)?;
    let parts = [BETWEEN, '=', '/'];
    if name.contains(parts) {
        log.at(
            Code::BadName,
            node.span,
            quoted(name),
            "a name without `;`, `=` and `/`, which stand between names",
        );
        return None;
    }
    Some(name.to_string())
}

/// A number of at most so many bits; zero where it is not said.
fn amount(fields: &mut Fields<'_>, name: &'static str, bits: usize, log: &mut Log) -> Option<U256> {
    fields.take(name).map_or(Some(U256::ZERO), |node| scalar::whole(node, bits, log))
}

/// A number that may be negative, of 199 bits and a sign.
fn signed(fields: &mut Fields<'_>, name: &'static str, log: &mut Log) -> Option<Int> {
    let Some(node) = fields.take(name) else { return Some(Int::ZERO) };
    let text = digits(node, log)?;
    let number = text.parse::<Int>().ok().filter(|number| number.magnitude().bit_len() < 200);
    if number.is_none() {
        log.at(Code::OutOfRange, node.span, quoted(text), "a whole number of 199 bits, perhaps with a minus");
    }
    number
}

/// A number up to `most`, or what stands for none.
fn limit(fields: &mut Fields<'_>, name: &'static str, most: u64, none: u64, log: &mut Log) -> Option<u64> {
    fields.take(name).map_or(Some(none), |node| scalar::between(node, 0, most, log))
}

fn bps(fields: &mut Fields<'_>, name: &'static str, most: u64, log: &mut Log) -> Option<u32> {
    let node = fields.need(name, log)?;
    scalar::between(node, 0, most, log).map(|bps| bps as u32)
}

fn switch(fields: &mut Fields<'_>, name: &'static str, unsaid: bool, log: &mut Log) -> Option<bool> {
    fields.take(name).map_or(Some(unsaid), |node| flag(node, log))
}

fn asset(node: &Node, at: Time, log: &mut Log) -> Option<HubAsset> {
    let mut fields = Fields::of(node, log)?;
    let [hub, symbol] =
        ["hub", "asset"].map(|field| fields.need(field, log).and_then(|node| name(node, log)));
    let decimals = fields.need("decimals", log).and_then(|node| {
        let number = scalar::whole(node, 64, log)?;
        let small = number.to_u64().filter(|decimals| *decimals <= 18);
        if small.is_none() {
            log.at(Code::Decimals, node.span, number.to_string(), "0 to 18 decimals");
        }
        small.map(|decimals| decimals as u8)
    });
    let curve = fields.need("rates", log).and_then(|node| curve(node, log));
    let fee = bps(&mut fields, "liquidity_fee", 10_000, log);
    let state = match fields.take("state") {
        Some(node) => state(node, at, log),
        None => Some(AssetState { last_update: at.0, ..AssetState::default() }),
    };
    fields.finish(log);
    let state = AssetState { liquidity_fee: fee? as u16, ..state? };
    Some(HubAsset { hub: hub?, symbol: symbol?, decimals: decimals?, curve: curve?, state })
}

fn curve(node: &Node, log: &mut Log) -> Option<Curve> {
    let mut fields = Fields::of(node, log)?;
    let optimal = fields.need("optimal_usage", log).and_then(|node| {
        let optimal = scalar::between(node, 0, 10_000, log)?;
        if optimal == 0 || optimal == 10_000 {
            log.at(Code::Curve, node.span, optimal.to_string(), "between 0 and 10000, both left out");
            return None;
        }
        Some(optimal as u16)
    });
    let most = u64::from(u32::MAX);
    let [base, before, after] =
        ["base", "growth_before", "growth_after"].map(|name| bps(&mut fields, name, most, log));
    fields.finish(log);
    Some(Curve { optimal_usage: optimal?, base_rate: base?, growth_before: before?, growth_after: after? })
}

fn state(node: &Node, at: Time, log: &mut Log) -> Option<AssetState> {
    let mut fields = Fields::of(node, log)?;
    let index = fields.need("drawn_index", log).and_then(|node| {
        let index = scalar::whole(node, SHARE_BITS, log)?;
        if index < ONE {
            log.at(Code::Index, node.span, quoted(&index.to_string()), "at least 10^27, which is one")
                .help("an index has 27 digits after its first");
            return None;
        }
        Some(index)
    });
    let last = fields.need("last_update", log).and_then(|node| {
        let time = book_head::time(node, log)?;
        if time > at {
            log.at(Code::Future, node.span, time.0.to_string(), format!("a time up to the book's, {}", at.0));
            return None;
        }
        Some(time.0)
    });
    let rate = fields.need("drawn_rate", log).and_then(|node| scalar::whole(node, 96, log));
    let [liquidity, added, drawn] = ["liquidity", "added_shares", "drawn_shares"]
        .map(|name| fields.need(name, log).and_then(|node| scalar::whole(node, SHARE_BITS, log)));
    let [fees, swept, premium, receiver] =
        ["realized_fees", "swept", "premium_shares", "fee_receiver_shares"]
            .map(|name| amount(&mut fields, name, SHARE_BITS, log));
    let offset = signed(&mut fields, "premium_offset_ray", log);
    let deficit = amount(&mut fields, "deficit_ray", 200, log);
    let active = switch(&mut fields, "fee_receiver_active", true, log);
    fields.finish(log);
    Some(AssetState {
        liquidity: liquidity?,
        realized_fees: fees?,
        swept: swept?,
        added_shares: added?,
        drawn_shares: drawn?,
        premium_shares: premium?,
        premium_offset: offset?,
        deficit: deficit?,
        liquidity_fee: 0,
        drawn_index: index?,
        drawn_rate: rate?,
        last_update: last?,
        fee_shares: receiver?,
        fee_receiver_active: active?,
    })
}

fn spoke(node: &Node, log: &mut Log) -> Option<Spoke> {
    let mut fields = Fields::of(node, log)?;
    let name = fields.need("name", log).and_then(|node| name(node, log));
    let most = u64::from(NO_LIMIT);
    let reserves = limit(&mut fields, "max_user_reserves", most, most, log);
    let liquidation = fields.need("liquidation", log).and_then(|node| liquidation(node, log));
    fields.finish(log);
    Some(Spoke { name: name?, liquidation: liquidation?, max_user_reserves: reserves? as u16 })
}

fn liquidation(node: &Node, log: &mut Log) -> Option<LiquidationRules> {
    let mut fields = Fields::of(node, log)?;
    let mut health = |name, fits: fn(&U256) -> bool, expected: &str, log: &mut Log| {
        let node = fields.need(name, log)?;
        let health = scalar::whole(node, 128, log)?;
        if !fits(&health) {
            log.at(Code::OutOfRange, node.span, health.to_string(), expected);
            return None;
        }
        Some(health)
    };
    let least = "at least 10^18, which is a health of one";
    let target = health("target_health_factor", |health| *health >= HEALTH_ONE, least, log);
    let below = "less than 10^18, which is a health of one";
    let lowest = health("health_factor_for_max_bonus", |health| *health < HEALTH_ONE, below, log);
    let factor = bps(&mut fields, "liquidation_bonus_factor", 10_000, log);
    fields.finish(log);
    Some(LiquidationRules {
        target_health: target?,
        health_for_max_bonus: lowest?,
        bonus_factor: factor? as u16,
    })
}

fn reserve(node: &Node, assets: &[HubAsset], spokes: &[Spoke], log: &mut Log) -> Option<(Reserve, Wire)> {
    let mut fields = Fields::of(node, log)?;
    let symbol = fields.need("asset", log).and_then(|node| Some((name(node, log)?, node.span)));
    let own = match fields.take("name") {
        Some(node) => name(node, log),
        None => symbol.as_ref().map(|(symbol, _)| symbol.clone()),
    };
    let spoke = fields.need("spoke", log).and_then(|node| {
        let found = name(node, log)?;
        let place = spokes.iter().position(|spoke| spoke.name == found);
        if place.is_none() {
            log.at(Code::UnknownWord, node.span, quoted(&found), "a spoke that the market lists");
        }
        place
    });
    let hub = fields.need("hub", log).and_then(|node| name(node, log));
    let wire = fields.take("feed").and_then(|node| Some((text(node, log)?.to_string(), node.span)));
    let risk = bps(&mut fields, "collateral_risk", MOST_RISK, log);
    let flags = FLAGS.iter().try_fold(0, |flags, (name, flag, unsaid)| {
        Some(if switch(&mut fields, name, *unsaid, log)? { flags | flag } else { flags })
    });
    let newest = fields.need("newest", log).and_then(|node| Some((version(node, log)?, node.span)));
    let versions = fields.need("configurations", log).and_then(|node| list(node, log));
    let configurations: Vec<_> = versions?.iter().filter_map(|node| configuration(node, log)).collect();
    let link = link(&mut fields, log);
    fields.finish(log);
    let ((symbol, span), (newest, newest_span), hub) = (symbol?, newest?, hub?);
    let asset = assets.iter().position(|asset| asset.symbol == symbol && asset.hub == hub);
    if asset.is_none() {
        let expected = format!("an asset that the market lists of the hub {hub}");
        log.at(Code::UnknownAsset, span, quoted(&symbol), expected);
    }
    for (place, (key, _)) in configurations.iter().enumerate() {
        if configurations[..place].iter().any(|(other, _)| other == key) {
            log.at(Code::DuplicateName, head(node.span), format!("version {key}"), "each version once");
        }
    }
    if !configurations.iter().any(|(key, _)| *key == newest) {
        log.at(Code::UnknownWord, newest_span, newest.to_string(), "a version that `configurations` lists");
        return None;
    }
    let reserve = Reserve {
        name: own?,
        spoke: spoke?,
        asset: asset?,
        collateral_risk: risk?,
        flags: flags?,
        newest,
        configurations,
        link: link?,
    };
    Some((reserve, wire))
}

fn version(node: &Node, log: &mut Log) -> Option<u32> {
    scalar::between(node, 0, u64::from(u32::MAX), log).map(|key| key as u32)
}

fn configuration(node: &Node, log: &mut Log) -> Option<(u32, Configuration)> {
    let mut fields = Fields::of(node, log)?;
    let key = fields.need("version", log).and_then(|node| version(node, log));
    let mut number = |name, log: &mut Log| {
        let node = fields.need(name, log)?;
        Some((scalar::between(node, 0, u64::from(u32::MAX), log)?, node.span))
    };
    let (factor, bonus) = (number("collateral_factor", log), number("max_liquidation_bonus", log));
    let fee = bps(&mut fields, "liquidation_fee", 10_000, log);
    fields.finish(log);
    let ((factor, factor_span), (bonus, bonus_span)) = (factor?, bonus?);
    if bonus < 10_000 {
        let expected = "at least 10000, which is no bonus (10500 is 5 %)";
        log.at(Code::Bonus, bonus_span, bonus.to_string(), expected);
        return None;
    }
    let factor = u16::try_from(factor).ok().filter(|factor| *factor < 10_000);
    let configuration = Configuration {
        collateral_factor: factor.unwrap_or(9_999),
        max_liquidation_bonus: bonus as u32,
        liquidation_fee: fee? as u16,
    };
    if factor.is_none() || !configuration.is_sound() {
        let expected =
            "a product below 10000 with the bonus / 10000: a liquidator is paid out of the collateral";
        log.at(Code::Coverage, factor_span, "the collateral factor and the bonus together", expected);
        return None;
    }
    Some((key?, configuration))
}

fn link(fields: &mut Fields<'_>, log: &mut Log) -> Option<Link> {
    let [add_cap, draw_cap] = ["add_cap", "draw_cap"].map(|name| limit(fields, name, NO_CAP, NO_CAP, log));
    let none = u64::from(NO_THRESHOLD);
    let threshold = limit(fields, "risk_premium_threshold", none, none, log);
    let (active, halted) = (switch(fields, "active", true, log), switch(fields, "halted", false, log));
    let state = fields.take("state").map(|node| totals(node, log));
    let totals = state.unwrap_or(Some(Link::default()))?;
    Some(Link {
        add_cap: add_cap?,
        draw_cap: draw_cap?,
        risk_premium_threshold: threshold? as u32,
        active: active?,
        halted: halted?,
        ..totals
    })
}

fn totals(node: &Node, log: &mut Log) -> Option<Link> {
    let mut fields = Fields::of(node, log)?;
    let [added, drawn, premium] = ["added_shares", "drawn_shares", "premium_shares"]
        .map(|name| amount(&mut fields, name, SHARE_BITS, log));
    let offset = signed(&mut fields, "premium_offset_ray", log);
    let deficit = amount(&mut fields, "deficit_ray", 200, log);
    fields.finish(log);
    Some(Link {
        added_shares: added?,
        drawn_shares: drawn?,
        premium_shares: premium?,
        premium_offset: offset?,
        deficit: deficit?,
        ..Link::default()
    })
}
